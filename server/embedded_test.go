package server_test

import (
	"context"
	"iter"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server"
	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/modeltest"
	"github.com/elizad/elizad/server/model"
	"github.com/elizad/elizad/server/settings"
)

// A server inside another program finds its models where the program elizad does, or where it is told to.
func TestEmbeddedServersReadTheEnvironment(t *testing.T) {
	m := modeltest.New(t, func(modeltest.Request) modeltest.Script { return modeltest.Frame("From the model.") })
	t.Setenv("OPENAI_BASE_URL", m.URL)
	t.Setenv("OPENAI_API_KEY", "sk-embedded-0123456789abcdef")
	t.Setenv("SERVER_PORT", "1") // which is not about agents
	for name, test := range map[string]struct {
		options []server.Option
		want    bool
	}{
		"by default":          {nil, true},
		"with none":           {[]server.Option{server.WithEnvironment()}, false},
		"with one's own":      {[]server.Option{server.WithEnvironment("OPENAI_BASE_URL="+m.URL, "OPENAI_API_KEY=key")}, true},
		"with other people's": {[]server.Option{server.WithEnvironment("HOME=/", "OPENAI_API_KEY=")}, false},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := server.DefaultConfig()
			if cfg.Network.Port != 3000 {
				t.Errorf("the server's own settings came from the environment: port %d", cfg.Network.Port)
			}
			cfg.Storage.Dir = t.TempDir()
			cfg.Limits.RateLimit = false
			n := startWith(t, cfg, test.options...)
			channel, user := n.dm()
			got := into[api.MessagePostedEnvelope](n.ask(channel, user, "Hello").want(201)).AgentResponse.Text
			if strings.Contains(got, "From the model.") != test.want {
				t.Errorf("the answer is %q", got)
			}
		})
	}
}

// own is a model of a program's own.
type own struct{ says string }

func (own) Name() string            { return "own" }
func (own) Model(model.Kind) string { return "own-1" }
func (o own) Generate(_ context.Context, req model.Request) iter.Seq2[model.Chunk, error] {
	return func(yield func(model.Chunk, error) bool) {
		text := o.says
		if req.Purpose == model.Handle {
			text = "<response><actions>REPLY</actions><text>" + text + "</text></response>"
		}
		_ = yield(model.Chunk{Text: text}, nil) && yield(model.Chunk{Done: &model.Done{FinishReason: model.FinishStop, Model: "own-1"}}, nil)
	}
}

// characterOf returns a character with a name and settings.
func characterOf(name string, settings map[string]any) agent.Character {
	return agent.Character{Name: name, Bio: agent.BioText("Comes with the program."), Settings: settings}
}

// A program brings its own model and agents along, and puts a middleware around them.
func TestProgramBringsModelAndAgents(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.Agents.Environment = settings.ReadAgentEnvironment([]string{"OPENAI_API_KEY=key", "OPENAI_BASE_URL=http://127.0.0.1:1"})
	var order []string
	layer := func(name string) func(http.Handler) http.Handler {
		return func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/healthz" {
					order = append(order, name)
				}
				next.ServeHTTP(w, r)
			})
		}
	}
	n := startWith(t, cfg, server.WithModel(own{"From the program."}), server.WithMiddleware(layer("outer"), layer("inner")), server.WithAgents(
		characterOf("Ada", nil), characterOf("Bob", map[string]any{"modelProvider": "builtin"}), characterOf("Cid", map[string]any{"modelProvider": "own"}),
	))
	said := map[string]bool{}
	for _, a := range n.agents() {
		user := uuid.New()
		reply := into[api.MessagePostedEnvelope](n.ask(n.dmBetween(a.ID, user), user, "Hello").want(201)).AgentResponse.Text
		said[a.Name] = reply == "From the program."
	}
	if diff := cmp.Diff(map[string]bool{"Ada": true, "Bob": false, "Cid": true}, said); diff != "" {
		t.Errorf("who speaks by the program's model (-want +got):\n%s", diff)
	}
	if n.do("GET", "/healthz", nil).want(200); !slices.Equal(order, []string{"outer", "inner"}) {
		t.Errorf("middlewares: %v", order)
	}
	n.listen(uuid.New(), uuid.New()) // sockets pass
}

// A program adds, stops, starts and removes agents.
func TestProgramManagesAgents(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	n := startWith(t, cfg, server.WithAgents(characterOf("Ada", nil)))
	ctx, agents := t.Context(), n.server.Agents()
	bob, err := agents.Add(ctx, characterOf("Bob", nil))
	if err != nil || !bob.Running {
		t.Fatalf("added %+v, %v", bob, err)
	}
	id := bob.ID
	channel, user := n.dmBetween(id, uuid.New()), uuid.New()
	n.ask(channel, user, "Hello").want(201)

	if stopped, err := agents.Stop(ctx, id); err != nil || stopped.Running {
		t.Errorf("stopped %+v, %v", stopped, err)
	}
	clearError(t, "a stopped agent", n.ask(channel, user, "Hello"), 400, "NO_AGENT")
	if started, err := agents.Start(ctx, id); err != nil || !started.Running {
		t.Errorf("started %+v, %v", started, err)
	}
	n.ask(channel, user, "Hello again").want(201)
	changed := characterOf("Bob", nil)
	changed.Topics = []string{"change"}
	if again, err := agents.Add(ctx, changed); err != nil || again.ID != bob.ID {
		t.Errorf("added again %+v, %v", again, err)
	}
	list, err := agents.List(ctx)
	if err != nil || len(list) != 2 || list[0].Name != "Ada" || list[1].Name != "Bob" {
		t.Errorf("agents %+v, %v", list, err)
	}

	if err := agents.Remove(ctx, id); err != nil {
		t.Error(err)
	}
	for what, err := range map[string]error{"start": second(agents.Start(ctx, id)), "stop": second(agents.Stop(ctx, id)), "remove": agents.Remove(ctx, id)} {
		if !apierr.IsCode(err, apierr.NotFound) {
			t.Errorf("%s what is gone: %v", what, err)
		}
	}
	if _, err := agents.Add(ctx, characterOf("", nil)); !apierr.IsCode(err, apierr.CreateFailed) || !strings.Contains(err.Error(), "name") {
		t.Errorf("a character without a name: %v", err)
	}
	actions := map[string]int{}
	for _, e := range n.owner().auditLog(api.ListAuditEntriesParams{}).Entries {
		if e.Details == "by the program" {
			actions[e.Action]++
		}
	}
	if diff := cmp.Diff(map[string]int{"agent.import": 2, "agent.stop": 1, "agent.start": 1, "agent.delete": 1}, actions); diff != "" {
		t.Errorf("audit log (-want +got):\n%s", diff)
	}

	n.stop()
	if _, err := agents.List(ctx); !apierr.IsCode(err, apierr.Unavailable) {
		t.Errorf("on a server that has stopped: %v", err)
	}
	again := startWith(t, cfg, server.WithAgents(characterOf("Ada", nil)))
	if list := again.agents(); len(list) != 1 || list[0].Name != "Ada" {
		t.Errorf("after a restart: %+v", list)
	}
}

func second[T any](_ T, err error) error { return err }

// A character that lacks something is found before the server starts.
func TestProgramsCharacterIsChecked(t *testing.T) {
	t.Parallel()
	_, err := server.New(testConfig(t), server.WithAgents(characterOf("", nil)))
	if err == nil || !strings.Contains(err.Error(), "name") {
		t.Errorf("New: %v", err)
	}
}

package runtime_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/bus"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/modeltest"
	"github.com/elizad/elizad/server/internal/runtime"
	"github.com/elizad/elizad/server/internal/seal"
	"github.com/elizad/elizad/server/internal/secrets"
	"github.com/elizad/elizad/server/internal/store"
	"github.com/elizad/elizad/server/internal/store/sqlitestore"
	"github.com/elizad/elizad/server/internal/usage"
	"github.com/elizad/elizad/server/model"
	"github.com/elizad/elizad/server/model/doctor"
	"github.com/elizad/elizad/server/model/openai"
	"github.com/elizad/elizad/server/model/vendors"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 2 * time.Minute

// bench is a runtime on a real message store, with one person.
type bench struct {
	*runtime.Service
	messages *messaging.Service
	store    store.System
	bus      bus.Bus
	user     uuid.UUID
	who      auth.Identity
	log      *logText
	config   runtime.Config
	ahead    atomic.Int64 // how far the clock is ahead of the real time, in nanoseconds
}

// choose chooses a model for every agent.
type choose func(req runtime.ModelRequest) runtime.ModelChoice

func (c choose) Choose(req runtime.ModelRequest) runtime.ModelChoice { return c(req) }

func (choose) Routes(lookup model.Lookup) []secrets.Route {
	out := []secrets.Route{{Addresses: []string{"modelProvider"}}}
	for _, r := range vendors.Routes(lookup) {
		out = append(out, secrets.Route(r))
	}
	return out
}

// env is an environment of plain values.
type env map[string]string

func (e env) Lookup(name string) (model.Setting, bool) {
	v, ok := e[name]
	return model.Setting{Name: name, Value: v, Origin: model.FromOperator}, ok
}

func (e env) Character(id uuid.UUID) map[string]string {
	out := map[string]string{}
	for key, v := range e {
		if rest, ok := strings.CutPrefix(key, "CHARACTER."+id.String()+"."); ok {
			out[rest] = v
		}
	}
	return out
}

// builtin is the built-in responder, for all agents.
func builtin(t testing.TB) choose {
	t.Helper()
	p, err := doctor.New(doctor.Options{HideNotice: true})
	if err != nil {
		t.Fatal(err)
	}
	return func(runtime.ModelRequest) runtime.ModelChoice {
		return runtime.ModelChoice{Provider: p, ReplyNotices: map[string]string{p.Name(): "not a language model"}}
	}
}

// scripted is a scripted model, for all agents.
func scripted(t testing.TB, answer func(modeltest.Request) modeltest.Script) (*modeltest.Server, choose) {
	t.Helper()
	server := modeltest.New(t, answer)
	client, err := openai.New(openai.Config{
		Name: "openai", BaseURL: server.URL, APIKey: "key", SmallModel: "small", LargeModel: "large",
		Settings: openai.SettingNames{APIKey: "OPENAI_API_KEY", BaseURL: "OPENAI_BASE_URL", SmallModel: "OPENAI_SMALL_MODEL", LargeModel: "OPENAI_LARGE_MODEL"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return server, func(runtime.ModelRequest) runtime.ModelChoice {
		return runtime.ModelChoice{Provider: model.Retry(client)}
	}
}

// always gives every request the same answer.
func always(s modeltest.Script) func(modeltest.Request) modeltest.Script {
	return func(modeltest.Request) modeltest.Script { return s }
}

// inOrder answers the n-th request by the n-th script, and all later ones by the last.
func inOrder(scripts ...modeltest.Script) func(modeltest.Request) modeltest.Script {
	var mu sync.Mutex
	return func(modeltest.Request) modeltest.Script {
		mu.Lock()
		defer mu.Unlock()
		s := scripts[0]
		if len(scripts) > 1 {
			scripts = scripts[1:]
		}
		return s
	}
}

// setup returns a bench whose runtime is not started yet.
func setup(t testing.TB, models runtime.Models, change ...func(*runtime.Config)) *bench {
	t.Helper()
	st, err := sqlitestore.Open(t.Context(), sqlitestore.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return setupOn(t, st, models, change...)
}

// setupOn is the same on another database, which is closed at the end.
func setupOn(t testing.TB, st store.System, models runtime.Models, change ...func(*runtime.Config)) *bench {
	t.Helper()
	local := bus.NewLocal()
	keys, err := seal.Parse(seal.Generate())
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{store: st, bus: local, user: uuid.New(), log: &logText{}}
	now := func() time.Time { return time.Now().Add(time.Duration(b.ahead.Load())) }
	b.messages = messaging.New(messaging.Config{Store: st, Bus: local, Now: now})
	b.who = auth.Claimed(b.user)
	t.Cleanup(func() {
		_ = local.Close()
		if err := st.Close(); err != nil {
			t.Errorf("closing the store: %v", err)
		}
	})
	if err := b.messages.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.config = runtime.Config{
		Store: st, Messages: b.messages, Models: models, Keys: keys, Now: now, Usage: usage.NewLedger(st, slog.New(slog.DiscardHandler), nil),
		Logger: slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, c := range change {
		c(&b.config)
	}
	if b.Service, err = runtime.New(b.config); err != nil {
		t.Fatal(err)
	}
	return b
}

// running returns a bench whose runtime is started.
func running(t testing.TB, models runtime.Models, change ...func(*runtime.Config)) *bench {
	t.Helper()
	b := setup(t, models, change...)
	b.start(t, b.Service)
	return b
}

func (b *bench) start(t testing.TB, s *runtime.Service) {
	t.Helper()
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.stop(t, s) })
}

func (b *bench) stop(t testing.TB, s *runtime.Service) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.Stop(ctx); err != nil {
		t.Errorf("stopping: %v", err)
	}
}

// agent creates and starts an agent. The text is JSON fields beside name and bio.
func (b *bench) agent(t testing.TB, name, fields string) uuid.UUID {
	t.Helper()
	text := `{"name":` + quote(name) + `,"bio":"An agent for tests."`
	if fields != "" {
		text += "," + fields
	}
	c, err := agent.ParseCharacter([]byte(text + "}"))
	if err != nil {
		t.Fatal(err)
	}
	a, _, err := b.Agents().Create(t.Context(), b.who, c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Agents().Start(t.Context(), b.who, a.ID); err != nil {
		t.Fatal(err)
	}
	return a.ID
}

func quote(s string) string {
	b, _ := json.Marshal(s) // texts can always be encoded
	return string(b)
}

// dm returns the channel of the person and an agent.
func (b *bench) dm(t testing.TB, id uuid.UUID) messaging.Channel {
	t.Helper()
	c, err := b.messages.FindOrCreateDM(t.Context(), b.who, messaging.DMRequest{A: id, B: b.user})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// group returns a channel of the person and agents.
// group is a room of two people and agents.
func (b *bench) group(t testing.TB, agents ...uuid.UUID) messaging.Channel {
	t.Helper()
	c, err := b.messages.CreateChannel(t.Context(), b.who, messaging.NewChannel{
		Name: "group", Type: messaging.TypeGroup, Participants: append([]uuid.UUID{b.user, uuid.New()}, agents...),
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// draft is a message of the person.
func (b *bench) draft(channel messaging.Channel, text string) messaging.Draft {
	return messaging.Draft{ChannelID: channel.ID, AuthorID: b.user, AuthorName: "Olga", Content: text, SourceType: "test"}
}

// exchange is a message and what became of it.
type exchange struct {
	messaging.TurnResult
	chunks []string
}

// reply returns the text of the reply, or nothing.
func (e exchange) reply() string {
	if e.Reply == nil {
		return ""
	}
	return e.Reply.Content
}

// say posts a message of the person and waits for the end of one agent's turn.
func (b *bench) say(t testing.TB, id uuid.UUID, d messaging.Draft) exchange {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, err := b.messages.Ask(ctx, b.who, d, id)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var out exchange
	for e, err := range c.Events(ctx) {
		if err != nil {
			t.Fatalf("waiting for the answer to %q: %v\n%s", d.Content, err, b.log)
		}
		if e.End != nil {
			out.TurnResult = *e.End
			return out
		}
		out.chunks = append(out.chunks, e.Text)
	}
	t.Fatal("the turn has no end")
	return out
}

// ended waits for the end of a turn.
func (b *bench) ended(t testing.TB, turn messaging.Turn) messaging.Turn {
	t.Helper()
	sub, err := b.messages.Subscribe(turn.ChannelID)
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	deadline := time.After(patience)
	for {
		run, _, err := b.messages.Run(t.Context(), b.who, turn.AgentID, turn.ID)
		if err != nil {
			t.Fatal(err)
		}
		if run.Status.Ended() {
			return run.Turn
		}
		select {
		case <-sub.C():
		case <-deadline:
			t.Fatalf("turn %s is still %s\n%s", turn.ID, run.Status, b.log)
		}
	}
}

// texts returns the messages of a channel, oldest first.
func (b *bench) texts(t testing.TB, channelID uuid.UUID) []string {
	t.Helper()
	h, err := b.messages.History(t.Context(), b.who, channelID, messaging.HistoryQuery{Limit: 200})
	if err != nil {
		t.Fatal(err)
	}
	out := make([]string, len(h.Messages))
	for i, m := range h.Messages {
		out[len(out)-1-i] = m.Content
	}
	return out
}

// standing returns how an entity takes part in a channel.
func (b *bench) standing(t testing.TB, channel messaging.Channel, id uuid.UUID) (state string) {
	t.Helper()
	err := b.store.View(t.Context(), b.who.Scope(), func(q db.Scoped) error {
		members, err := q.ListChannelMembers(t.Context(), channel.ID)
		for _, m := range members {
			if m.EntityID == id {
				state = m.State
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return state
}

// events returns the record of a turn as "TYPE data" with the data decoded.
func (b *bench) record(t testing.TB, turn messaging.Turn) []event {
	t.Helper()
	_, log, err := b.messages.Run(t.Context(), b.who, turn.AgentID, turn.ID)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]event, len(log))
	for i, e := range log {
		out[i].kind = e.Type
		if err := json.Unmarshal(e.Data, &out[i].data); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

type event struct {
	kind string
	data map[string]any
}

// logText is a log that tests can read.
type logText struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

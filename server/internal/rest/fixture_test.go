package rest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"
	"go.uber.org/goleak"

	"github.com/elizad/elizad/gen/apiserver"
	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/bus"
	"github.com/elizad/elizad/server/internal/compat"
	"github.com/elizad/elizad/server/internal/httpx"
	"github.com/elizad/elizad/server/internal/job"
	"github.com/elizad/elizad/server/internal/memory"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/rest"
	"github.com/elizad/elizad/server/internal/runtime"
	"github.com/elizad/elizad/server/internal/session"
	"github.com/elizad/elizad/server/internal/store"
	"github.com/elizad/elizad/server/internal/store/sqlitestore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The people and agents of the tests.
var (
	alice = uuid.MustParse("17dcb1c8-cf1f-438a-b8c7-dc93995e78be")
	eliza = uuid.MustParse("b850bc30-45f8-0041-a00a-83df46d8555d")
)

// fixture is the handlers on real messaging, with requests validated as in production and every response checked against the
// contract. Agents are stored, but none answers unless a test does so.
type fixture struct {
	url       string
	messaging *messaging.Service
	sessions  *session.Service
	agents    *agents
	store     store.System
	validate  func(*http.Request, *http.Response) error
}

func setup(t *testing.T, change ...func(*rest.Deps)) *fixture {
	t.Helper()
	st, err := sqlitestore.Open(t.Context(), sqlitestore.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	local := bus.NewLocal()
	f := &fixture{messaging: messaging.New(messaging.Config{Store: st, Bus: local}), agents: &agents{}, store: st}
	f.sessions = session.New(session.Config{Store: st, Messaging: f.messaging})
	if err := f.messaging.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	doc, err := apiserver.GetSpec()
	if err != nil {
		t.Fatal(err)
	}
	if f.validate, err = httpx.ResponseValidator(doc); err != nil {
		t.Fatal(err)
	}
	deps := rest.Deps{
		Messaging: f.messaging, Sessions: f.sessions, Jobs: job.New(job.Config{Store: st, Bus: local, Messaging: f.messaging}), Agents: f.agents, Memory: memory.New(st, memory.Quotas{}), WriteError: httpx.WriteError,
		Middlewares: []apiserver.MiddlewareFunc{httpx.Validator(httpx.NewContract(doc))},
		Health: func(context.Context) rest.HealthReport {
			return rest.HealthReport{ActiveAgents: 1}
		},
		Version: "1.2.3", Environment: "production",
	}
	for _, c := range change {
		c(&deps)
	}
	r := chi.NewRouter()
	r.Use(auth.Middleware(auth.Guard{}, httpx.ClientNetwork, httpx.WriteError))
	rest.Register(r.With(compat.Bodies), deps)
	r.Get("/openapi.json", rest.SpecJSON(httpx.WriteError))
	r.Get("/openapi.yaml", rest.SpecYAML(httpx.WriteError))
	srv := httptest.NewServer(r)
	f.url = srv.URL
	t.Cleanup(func() {
		srv.Close()
		_ = local.Close()
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

// addAgent stores a running agent that serves the default message server.
func (f *fixture) addAgent(t *testing.T, id uuid.UUID) {
	t.Helper()
	err := f.store.SystemUpdate(t.Context(), func(q db.System) error {
		_, err := q.InsertAgent(t.Context(), db.InsertAgentParams{
			ID: id, Name: "Eliza", Character: []byte(`{"name":"Eliza","bio":"b"}`), Secrets: []byte(`{}`), Enabled: true, Running: true,
		})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.messaging.AddServerAgent(t.Context(), auth.System(), messaging.DefaultServerID, id); err != nil {
		t.Fatal(err)
	}
}

// addChannel makes a DM of Alice and Eliza, who exists and runs.
func (f *fixture) addChannel(t *testing.T) uuid.UUID {
	t.Helper()
	f.addAgent(t, eliza)
	c, err := f.messaging.FindOrCreateDM(t.Context(), auth.Claimed(alice), messaging.DMRequest{A: eliza, B: alice})
	if err != nil {
		t.Fatal(err)
	}
	return c.ID
}

// play answers the next turn as an agent would: pieces of the reply first, then the outcome.
func (f *fixture) play(t *testing.T, chunks []string, outcome messaging.Outcome) {
	t.Helper()
	work, err := f.messaging.Work()
	if err != nil {
		t.Fatal(err)
	}
	var done sync.WaitGroup
	t.Cleanup(done.Wait)
	done.Go(func() {
		defer work.Close()
		for {
			select {
			case <-t.Context().Done():
				return
			case <-work.C():
			}
			turns, err := f.messaging.ClaimTurns(t.Context(), "test", 1, 0, time.Minute)
			if err != nil || len(turns) == 0 {
				continue
			}
			for i, text := range chunks {
				f.messaging.StreamChunk(t.Context(), messaging.DefaultServerID, turns[0], i, text)
			}
			if _, err := f.messaging.FinishTurn(t.Context(), "test", turns[0], outcome); err != nil {
				t.Error(err)
			}
			return
		}
	})
}

// answer is the response to a request.
type answer struct {
	status int
	header http.Header
	body   map[string]any
	raw    string
}

// data returns the data of a success.
func (a answer) data() map[string]any {
	d, _ := a.body["data"].(map[string]any)
	return d
}

// code returns the code of a failure.
func (a answer) code() string {
	e, _ := a.body["error"].(map[string]any)
	code, _ := e["code"].(string)
	return code
}

// call sends a request as Alice, with headers given as names and values. A body that is a string is sent as it is, anything
// else as JSON.
func (f *fixture) call(t *testing.T, method, path string, body any, header ...string) answer {
	t.Helper()
	var in io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		in = strings.NewReader(b)
	default:
		encoded, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		in = bytes.NewReader(encoded)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, f.url+path, in)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(auth.HeaderEntityID, alice.String())
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	raw, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(path, "/openapi.") {
		resp.Body = io.NopCloser(bytes.NewReader(raw))
		if err := f.validate(req, resp); err != nil {
			t.Error(err)
		}
	}
	a := answer{status: resp.StatusCode, header: resp.Header, raw: string(raw)}
	_ = json.Unmarshal(raw, &a.body) // streams and empty answers have none
	return a
}

// agents is a stand-in for the agent service.
type agents struct {
	rest.Agents // a method that a test doesn't set panics

	get    func(id uuid.UUID) (runtime.Agent, error)
	create func(c agent.Character) (runtime.Agent, bool, error)
	update func(id uuid.UUID, patch map[string]json.RawMessage) (runtime.Agent, error)
}

func (a *agents) List(context.Context, auth.Identity) ([]runtime.Summary, error) {
	one, err := a.get(eliza)
	return []runtime.Summary{{ID: one.ID, Name: one.Character.Name, Bio: one.Character.Bio.First(), Enabled: one.Enabled, Running: one.Running}}, err
}

func (a *agents) Get(_ context.Context, _ auth.Identity, id uuid.UUID) (runtime.Agent, error) {
	return a.get(id)
}

func (a *agents) Stop(_ context.Context, _ auth.Identity, id uuid.UUID) (runtime.Agent, error) {
	return a.get(id)
}

func (a *agents) Create(_ context.Context, _ auth.Identity, c agent.Character) (runtime.Agent, bool, error) {
	return a.create(c)
}

func (a *agents) UpdateIf(_ context.Context, _ auth.Identity, id uuid.UUID, patch map[string]json.RawMessage, check func(runtime.Agent) error) (runtime.Agent, error) {
	if check != nil {
		now, err := a.get(id)
		if err != nil {
			return now, err
		}
		if err := check(now); err != nil {
			return runtime.Agent{}, err
		}
	}
	return a.update(id, patch)
}

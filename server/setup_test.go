package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/uuid"

	"github.com/elizad/elizad/api"
	"github.com/elizad/elizad/server"
	"github.com/elizad/elizad/server/internal/compat"
	"github.com/elizad/elizad/server/internal/httpx"
	"github.com/elizad/elizad/server/internal/pgtest"
	"github.com/elizad/elizad/server/settings"
)

// engine chooses the database; the whole package passes on both: go test ./server -engine=postgres
var engine = flag.String("engine", "sqlite", "database that the servers run on: sqlite or postgres")

// databases holds the PostgreSQL database of each data directory, so that a second start finds the first one's.
var databases sync.Map

// patience is how long a test waits for what must happen. It is spent only where a test fails.
const patience = 2 * time.Minute

// node is a whole server on loopback. Every response that its client reads is compared with the contract.
type node struct {
	t      testing.TB
	server *server.Server
	http   *httptest.Server
	client *http.Client
	stop   func()
}

// start runs a server on the data in dir, with the given variables as its agents' environment.
func start(t testing.TB, dir string, env ...string) *node {
	t.Helper()
	cfg := server.DefaultConfig()
	cfg.Storage.Dir = dir
	cfg.Limits.RateLimit = false
	cfg.Agents.Environment = settings.ReadAgentEnvironment(env)
	return startWith(t, cfg)
}

// testConfig returns settings for a server with data of its own.
func testConfig(t testing.TB) settings.Settings {
	cfg := server.DefaultConfig()
	cfg.Storage.Dir = t.TempDir()
	cfg.Limits.RateLimit = false
	cfg.Agents.Environment = settings.ReadAgentEnvironment(nil) // and nothing of who runs the tests
	return cfg
}

func startWith(t testing.TB, cfg settings.Settings, opts ...server.Option) *node {
	t.Helper()
	if *engine == "postgres" {
		url, known := databases.Load(cfg.Storage.Dir)
		if !known {
			url, _ = databases.LoadOrStore(cfg.Storage.Dir, pgtest.URL(t))
		}
		cfg.Storage.PostgresURL = url.(string)
	}
	logger := slog.New(slog.NewTextHandler(testLog{t}, &slog.HandlerOptions{Level: slog.LevelWarn}))
	srv, err := server.New(cfg, append([]server.Option{server.WithLogger(logger), server.WithVersion("test")}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	n := &node{t: t, server: srv, http: httptest.NewServer(srv.Handler())}
	stopped := false
	n.stop = func() {
		if stopped {
			return
		}
		stopped = true
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := srv.Shutdown(ctx); err != nil {
			t.Errorf("shutting down: %v", err)
		}
		n.http.CloseClientConnections()
		n.http.Close()
	}
	t.Cleanup(n.stop)
	doc := contract(t)
	check, err := httpx.ResponseValidator(doc)
	if err != nil {
		t.Fatal(err)
	}
	n.client = &http.Client{Transport: checked{t: t, check: check, paths: compat.Paths(doc)}, Timeout: patience}
	return n
}

// contract returns the contract as it is published.
func contract(t testing.TB) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(api.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// testLog writes a server's warnings into the test's log.
type testLog struct{ t testing.TB }

func (l testLog) Write(p []byte) (int, error) {
	l.t.Log(strings.TrimSpace(string(p)))
	return len(p), nil
}

// checked is a transport that holds every response against the contract.
type checked struct {
	t     testing.TB
	check func(*http.Request, *http.Response) error
	paths func(http.Handler) http.Handler // gives requests the contract's paths
}

func (c checked) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	// The checker knows neither escaped slashes nor HEAD.
	if err == nil && isOperation(r.URL.Path) && r.URL.RawPath == "" && r.Method != http.MethodHead && resp.StatusCode != http.StatusMethodNotAllowed {
		if err := c.check(c.current(r), resp); err != nil {
			c.t.Errorf("the answer is not in the contract: %v", err)
		}
	}
	return resp, err
}

// current returns a request as the contract has it.
func (c checked) current(r *http.Request) (current *http.Request) {
	take := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { current = r })
	c.paths(take).ServeHTTP(nil, r)
	return current
}

// isOperation reports whether a path belongs to the contract.
func isOperation(path string) bool {
	if strings.Contains(path, "/plugins/") || strings.HasPrefix(path, "/api/lab") { // a plugin's
		return false
	}
	return strings.HasPrefix(path, "/api/") && !strings.HasPrefix(path, "/api/nowhere") || strings.HasPrefix(path, "/media/") || path == "/health" || path == "/healthz"
}

// answer is a response that was read.
type answer struct {
	t      testing.TB
	status int
	header http.Header
	body   []byte
}

// do sends a request. A body that is no string or []byte is sent as JSON.
func (n *node) do(method, path string, body any, header ...string) answer {
	n.t.Helper()
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(b)
	case []byte:
		reader = bytes.NewReader(b)
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			n.t.Fatal(err)
		}
		reader = bytes.NewReader(raw)
	}
	r, err := http.NewRequestWithContext(n.t.Context(), method, n.http.URL+path, reader)
	if err != nil {
		n.t.Fatal(err)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := n.client.Do(r)
	if err != nil {
		n.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil && !errors.Is(err, io.EOF) {
		n.t.Fatalf("%s %s: reading: %v", method, path, err)
	}
	return answer{t: n.t, status: resp.StatusCode, header: resp.Header, body: raw}
}

// owner returns the header by which the owner of the server shows who he is.
func (n *node) owner() []string {
	n.t.Helper()
	info, err := n.server.Info(n.t.Context())
	if err != nil {
		n.t.Fatal(err)
	}
	return []string{"X-API-KEY", info.OwnerToken}
}

// want checks the status.
func (a answer) want(status int) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("status %d, want %d: %s", a.status, status, a.body)
	}
	return a
}

// into reads the body.
func into[T any](a answer) T {
	a.t.Helper()
	var v T
	if err := json.Unmarshal(a.body, &v); err != nil {
		a.t.Fatalf("reading %s: %v", a.body, err)
	}
	return v
}

// data reads what is under "data".
func data[T any](a answer) T {
	a.t.Helper()
	return into[struct{ Data T }](a).Data
}

type wireError struct {
	Success bool
	Error   struct{ Code, Message, Details string }
}

type wireAgent struct {
	ID, Name, Status string
	Character        json.RawMessage
}

type wireMessage struct {
	ID, AuthorID, ChannelID, Content, SourceType, InReplyToRootMessageID string
	Seq                                                                  int64
	RawMessage                                                           map[string]any
	Metadata                                                             map[string]any
}

// agent returns the default agent.
func (n *node) agent() wireAgent {
	n.t.Helper()
	list := data[struct{ Agents []wireAgent }](n.do("GET", "/api/agents", nil).want(200)).Agents
	if len(list) == 0 {
		n.t.Fatal("there is no agent")
	}
	return list[0]
}

// dm returns the channel of a new person and the default agent.
func (n *node) dm() (channel, user string) {
	n.t.Helper()
	user = uuid.NewString()
	c := data[struct{ ID string }](n.do("GET", "/api/messaging/dm-channel?targetUserId="+n.agent().ID+"&currentUserId="+user, nil).want(200))
	return c.ID, user
}

func (n *node) history(channel string) []wireMessage {
	n.t.Helper()
	messages := data[struct{ Messages []wireMessage }](n.do("GET", "/api/messaging/channels/"+channel+"/messages?limit=200", nil).want(200)).Messages
	for _, m := range messages {
		n.checkAnswer(m)
	}
	return messages
}

// checkAnswer compares what the metadata of an agent's message mean with the contract. Everybody else's may hold anything.
func (n *node) checkAnswer(m wireMessage) {
	n.t.Helper()
	if m.SourceType != "agent_response" {
		return
	}
	for member, schema := range map[string]string{"failure": "MessageFailure", "truncatedBy": "MessageTruncation"} {
		value, ok := m.Metadata[member]
		if !ok {
			continue
		}
		if err := contract(n.t).Components.Schemas[schema].Value.VisitJSON(value); err != nil {
			n.t.Errorf("metadata.%s of message %s: %v", member, m.ID, err)
		}
	}
}

// ask posts a message over the http transport and returns the whole answer.
func (n *node) ask(channel, user, text string) answer {
	n.t.Helper()
	return n.do("POST", "/api/messaging/channels/"+channel+"/messages", map[string]any{
		"author_id": user, "content": text, "message_server_id": uuid.Nil, "transport": "http",
	})
}

package server_test

import (
	"context"
	"flag"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

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

// node is a whole server on loopback. Every response that its client reads is compared with the contract.
type node struct {
	t      testing.TB
	server *server.Server
	http   *httptest.Server
	client *http.Client
	header []string // of every request, each a name and a value
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

// startWith runs a server with the given settings.
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

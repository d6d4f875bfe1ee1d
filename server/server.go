package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/httpx"
	"github.com/elizad/elizad/server/internal/lifecycle"
	"github.com/elizad/elizad/server/internal/logstream"
	"github.com/elizad/elizad/server/internal/report"
	"github.com/elizad/elizad/server/internal/store"
	"github.com/elizad/elizad/server/internal/web"
	"github.com/elizad/elizad/server/model"
	"github.com/elizad/elizad/server/settings"
)

// DefaultConfig returns the settings that a server has when nothing is said: SQLite in the user's data directory, loopback
// only, no key. Of the process environment it takes what agents may read, such as OPENAI_API_KEY and OLLAMA_API_ENDPOINT (the
// program "elizad help settings" lists them), and nothing that is about the server; no .env file is read. [WithEnvironment]
// gives the agents other variables, or none.
func DefaultConfig() settings.Settings {
	cfg := settings.Default()
	cfg.Agents.Environment = settings.ReadAgentEnvironment(os.Environ())
	return cfg
}

// Option changes what New builds.
type Option func(*Server)

// WithLogger makes the server log to l. The default is what [settings.Logs] say, on standard error.
func WithLogger(l *slog.Logger) Option { return func(s *Server) { s.log = l } }

// WithEnvironment makes agents read the given variables, in the form of os.Environ, in place of those in the settings: keys and
// addresses of models, and the settings of single agents. Without variables they read none.
func WithEnvironment(variables ...string) Option {
	return func(s *Server) { s.cfg.Agents.Environment = settings.ReadAgentEnvironment(variables) }
}

// WithVersion sets the version that the server reports.
func WithVersion(v string) Option { return func(s *Server) { s.version = v } }

// WithPlugins registers plugins that characters may name.
func WithPlugins(plugins ...agent.Plugin) Option {
	return func(s *Server) { s.plugins = append(s.plugins, plugins...) }
}

// WithAgents brings agents of these characters along, and starts them, as if they were in files that the settings name: of an agent
// that is in the database already, the fields that the character has are changed. There is no default agent then.
func WithAgents(characters ...agent.Character) Option {
	return func(s *Server) { s.characters = append(s.characters, characters...) }
}

// WithModel makes p the model of all agents, in place of what keys in their settings would choose. A character, or the setting
// MODEL_PROVIDER, may still name another provider, or this one by its name. Calls are repeated as [model.Retry] says.
func WithModel(p model.Provider) Option { return func(s *Server) { s.model = p } }

// WithMiddleware puts middlewares around everything that the server answers, through Handler and Serve; the first is the outermost. They
// see requests as they come, before anything is checked. One that replaces the response's writer gives it an Unwrap method, as
// [http.ResponseController] wants it, or streams and sockets don't work.
func WithMiddleware(middlewares ...func(http.Handler) http.Handler) Option {
	return func(s *Server) { s.middlewares = append(s.middlewares, middlewares...) }
}

// HeapFloor is what the program elizad gives to [WithHeapFloor].
const HeapFloor = 24 << 20

// WithHeapFloor lets the garbage collector count so many bytes as in use. Without them it runs with each few megabytes of
// garbage, which is tens of times a second in a busy server whose heap is small; that took a sixth of the time of a request.
// The bytes are never touched, so that they cost address space and no memory. It is for the program, of which the heap is:
// one server in it should have the option.
func WithHeapFloor(bytes int) Option { return func(s *Server) { s.heapFloor = make([]byte, bytes) } }

// Server is an agent server. Make one with New, then Start it; it serves through Handler, or on a listener through Serve.
type Server struct {
	cfg     settings.Settings
	log     *slog.Logger
	logs    *logstream.Stream
	version string
	reports *report.Reporter // nil without a project to report to
	plugins []agent.Plugin
	model   model.Provider // of the program; nil: settings choose

	characters  []agent.Character // that the program brings along
	middlewares []func(http.Handler) http.Handler

	dataDir string
	tenant  store.Tenant
	started time.Time

	heapFloor []byte // never touched

	group    *lifecycle.Group
	parts    parts
	handler  atomic.Pointer[http.Handler] // nil unless the server is running
	stopping atomic.Bool
	files    filesHealth
	exposed  atomic.Bool   // others than this machine reach the server, whatever the settings say
	asked    chan struct{} // closed: a caller asked the server to stop
	askOnce  sync.Once

	mu      sync.Mutex
	servers []*httpx.Server // those of Serve
}

// logEntries is how many log entries can be looked at later.
const logEntries = 2000

// New checks cfg and returns a server that does nothing yet.
func New(cfg settings.Settings, opts ...Option) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("checking the settings: %w", err)
	}
	dir, err := cfg.Storage.DataDir()
	if err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, dataDir: dir, tenant: tenantOf(cfg), version: "dev", logs: logstream.NewStream(logEntries), asked: make(chan struct{})}
	for _, o := range opts {
		o(s)
	}
	for i, c := range s.characters {
		if s.characters[i], err = checkedCharacter(c); err != nil {
			return nil, err
		}
	}
	if s.log == nil {
		s.log = newLogger(cfg, s.logs)
	}
	if cfg.Reports.SentryDSN != "" {
		s.reports = report.New(report.Config{
			DSN: cfg.Reports.SentryDSN, Environment: cmp.Or(cfg.Reports.SentryEnvironment, cfg.Security.Environment),
			Version: s.version, Traces: cfg.Reports.TracesSampleRate,
		})
		s.log = slog.New(slog.NewMultiHandler(s.log.Handler(), s.reports.Handler()))
	}
	s.group = lifecycle.NewGroup(s.logged(s.components())...)
	return s, nil
}

// Start opens the database, brings it up to date, and starts the agents that were running. It must have returned before the
// server answers anything but 503.
func (s *Server) Start(ctx context.Context) error {
	s.started = time.Now()
	if s.cfg.WebUI() && s.cfg.Web.Dir != "" { // before the database changes
		if err := web.CheckFolder(s.cfg.Web.Dir); err != nil {
			return fmt.Errorf("opening the web UI of ELIZA_UI_DIR (--ui-dir): %w", err)
		}
	}
	if err := s.group.Start(ctx); err != nil {
		return fmt.Errorf("starting the server: %w", err)
	}
	h, err := s.routes()
	if err != nil {
		return errors.Join(fmt.Errorf("starting the server: %w", err), s.group.Stop(context.WithoutCancel(ctx)))
	}
	for _, m := range slices.Backward(s.middlewares) {
		h = m(h)
	}
	s.handler.Store(&h)
	return nil
}

// Handler returns the whole HTTP interface: the API, sockets, the web page. It may be mounted before Start.
func (s *Server) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := s.handler.Load()
		if h == nil {
			w.Header().Set("Retry-After", "1")
			httpx.WriteError(w, r, apierr.New(apierr.Unavailable, "The server is starting or stopping"))
			return
		}
		s.notePeer(r)
		(*h).ServeHTTP(w, r)
	})
}

// StopRequested is closed when a caller of the API has asked the server to stop. The program that started the server then calls
// Shutdown.
func (s *Server) StopRequested() <-chan struct{} { return s.asked }

func (s *Server) requestStop() {
	s.askOnce.Do(func() {
		s.stopping.Store(true)
		s.log.Info("asked to stop")
		close(s.asked)
	})
}

// Serve answers on l until Shutdown, or until the server is asked to stop, and then returns nil; requests that have begun are
// for Shutdown to wait for. It refuses a listener that other machines can reach, unless an API key is set that can't be guessed,
// or Config.Security.AllowOpen.
func (s *Server) Serve(l net.Listener) error {
	if isReachable(l.Addr()) {
		if err := s.cfg.Security.Reachable(); err != nil {
			return errors.Join(fmt.Errorf("serving on %s: %w", l.Addr(), err), l.Close())
		}
	}
	srv := httpx.NewServer(s.Handler(), s.log)
	s.mu.Lock()
	stopping := s.stopping.Load()
	s.servers = append(s.servers, srv)
	s.mu.Unlock()
	if stopping {
		return l.Close()
	}
	ended := make(chan struct{})
	var closing sync.WaitGroup
	defer closing.Wait()
	defer close(ended)
	closing.Go(func() {
		defer lifecycle.Contain(s.log, "the closing of the listener")
		select {
		case <-s.asked:
			_ = l.Close() // nothing new is taken; Serve returns
		case <-ended:
		}
	})
	if err := srv.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) && !s.stopping.Load() {
		return fmt.Errorf("serving on %s: %w", l.Addr(), err)
	}
	return nil
}

// lastWords is how long requests that have begun may still take for their answers once nothing is left that serves them: a
// caller then reads why it was refused, and the one that asked for the stop reads that it was accepted.
const lastWords = 5 * time.Second

// Shutdown ends the server within ctx: listeners close, sockets are asked to come back later, turns finish or are released
// for the next start, and the database is closed. Every accepted message is answered then or after the next start.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.stopping.Store(true)
	servers := s.servers
	s.mu.Unlock()
	var errs []error
	var closing sync.WaitGroup
	for _, srv := range servers {
		closing.Go(func() {
			defer lifecycle.Contain(s.log, "the closing of connections")
			_ = srv.Shutdown(ctx) // waits for requests, some of which end with the parts below
		})
	}
	errs = append(errs, s.group.Stop(ctx))
	s.handler.Store(nil)
	cut := time.AfterFunc(lastWords, func() {
		defer lifecycle.Contain(s.log, "the cutting of connections")
		for _, srv := range servers {
			_ = srv.Close()
		}
	})
	for _, srv := range servers {
		srv.CloseSilent()
	}
	closing.Wait()
	cut.Stop()
	for _, srv := range servers {
		errs = append(errs, srv.Close())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("stopping the server: %w", err)
	}
	return nil
}

// isReachable reports whether other machines can reach an address, judging by its text.
func isReachable(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return ok && !tcp.IP.IsLoopback()
}

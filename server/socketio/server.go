package socketio

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/elizad/elizad/server/socketio/engineio"
	"github.com/elizad/elizad/server/socketio/parser"
)

// Server is an [http.Handler] that serves the Socket.IO protocol. Mount it on Config.Path.
// No compressing or buffering middleware may be in front of it, and no write timeout of the HTTP server.
type Server struct {
	cfg     Config
	engine  *engineio.Server
	scratch sync.Pool // of *[]byte, which outgoing packets are put together in

	// group counts the sockets and their workers.
	group   sync.WaitGroup
	cluster atomic.Pointer[cluster] // nil on a single node
	// unopened counts the connections that have not joined a namespace yet.
	unopened atomic.Int64

	mu         sync.RWMutex // guards what follows
	namespaces map[string]*Namespace
	dynamic    int // how many of them are
	matchers   []matcher
}

// matcher makes namespaces for clients that ask for them.
type matcher struct {
	match func(name string) bool
	setup func(*Namespace)
}

// NewServer returns a server. It starts no goroutine before the first client comes.
func NewServer(cfg Config) *Server {
	s := &Server{
		cfg:        cfg.withDefaults(),
		scratch:    sync.Pool{New: func() any { return new(make([]byte, 0, 1<<10)) }},
		namespaces: make(map[string]*Namespace),
	}
	busy := s.cfg.Engine.Busy
	s.cfg.Engine.Busy = func() bool {
		return s.unopened.Load() >= int64(s.cfg.Limits.Unopened) || busy != nil && busy()
	}
	s.engine = engineio.NewServer(s.cfg.Engine, func(session *engineio.Session) engineio.Handler {
		return newConn(s, session)
	})
	return s
}

// Of returns the namespace of that name and makes it known to clients. The main namespace is "/"; a missing leading slash
// is added. Register middleware and handlers before the server takes requests.
func (s *Server) Of(name string) *Namespace {
	if !strings.HasPrefix(name, "/") {
		name = parser.MainNamespace + name
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	ns := s.namespaces[name]
	if ns == nil {
		ns = newNamespace(s, name)
		s.namespaces[name] = ns
	}
	return ns
}

// OfFunc makes namespaces come to life when a client asks for a name that match accepts. setup registers the middleware and
// handlers of each, before the client joins. A namespace is forgotten when no socket is left in it. Both functions are called
// with a lock of the server held: they must not call its methods.
func (s *Server) OfFunc(match func(name string) bool, setup func(*Namespace)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.matchers = append(s.matchers, matcher{match: match, setup: setup})
}

// namespace returns the namespace of that name, or nil.
func (s *Server) namespace(name string) *Namespace {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.namespaces[name]
}

// enter returns the namespace that a client asks for, which does not end before exit was called; nil if there is none.
func (s *Server) enter(name string) *Namespace {
	s.mu.Lock()
	defer s.mu.Unlock()
	ns := s.namespaces[name]
	if ns == nil {
		if ns = s.materialize(name); ns == nil {
			return nil
		}
	}
	ns.members++
	return ns
}

// materialize makes a namespace that a client asks for, if it may exist. s.mu is held.
func (s *Server) materialize(name string) *Namespace {
	i := slices.IndexFunc(s.matchers, func(m matcher) bool { return m.match(name) })
	if i < 0 {
		return nil
	}
	if s.dynamic >= s.cfg.Limits.DynamicNamespaces {
		for _, ns := range s.namespaces {
			s.dropUnused(ns)
		}
		if s.dynamic >= s.cfg.Limits.DynamicNamespaces {
			return nil
		}
	}
	ns := newNamespace(s, name)
	ns.dynamic = true
	s.matchers[i].setup(ns)
	s.namespaces[name] = ns
	s.dynamic++
	return ns
}

// exit takes back what enter has done.
func (s *Server) exit(ns *Namespace) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ns.members--
	s.dropUnused(ns)
}

// dropUnused forgets a namespace that was made for clients, if none is left and none can come back to it. s.mu is held.
func (s *Server) dropUnused(ns *Namespace) {
	if ns.dynamic && ns.members == 0 && ns.recovery.size() == 0 {
		delete(s.namespaces, ns.name)
		s.dynamic--
	}
}

// all returns the namespaces there are.
func (s *Server) all() []*Namespace {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := make([]*Namespace, 0, len(s.namespaces))
	for _, ns := range s.namespaces {
		all = append(all, ns)
	}
	return all
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.TrimSuffix(r.URL.Path, "/") != strings.TrimSuffix(s.cfg.Path, "/") {
		http.NotFound(w, r)
		return
	}
	s.engine.ServeHTTP(w, r)
}

// Corked calls send, and keeps the events that are emitted meanwhile, to whichever sockets, from being written: what goes to
// the same client is written together. full reports that a client has enough for one write, so that send should come to an end.
// What has to wait for something else, such as a database, must do so in Uncorked, as all clients are kept waiting.
func (s *Server) Corked(send func(full func() bool)) { s.engine.Corked(send) }

// Uncorked calls wait within a call of Corked, after writing what was emitted so far.
func (s *Server) Uncorked(wait func()) { s.engine.Uncorked(wait) }

// Shutdown drains the server: it refuses new sessions with 503, closes the existing transports spread over the time that
// ctx leaves, so that clients reconnect elsewhere with back-off and not all at once, and waits until every handler has
// returned. When ctx ends it cuts what is left and returns the context's error. No client is sent a DISCONNECT packet.
func (s *Server) Shutdown(ctx context.Context) error {
	err := s.engine.Shutdown(ctx)
	if c := s.cluster.Load(); c != nil {
		c.leave(ctx)
	}
	ended := make(chan struct{})
	go func() {
		defer s.contain("the shutdown")
		s.group.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return err
	case <-ctx.Done():
	}
	for _, ns := range s.all() {
		for _, socket := range ns.adapter.Sockets(Selector{}) {
			socket.cancel()
		}
	}
	return ctx.Err()
}

// Stats is a snapshot of what a server has.
type Stats struct {
	Engine engineio.Stats
	// Unopened is the number of connections that have not joined a namespace yet.
	Unopened int
	// Sockets is the number of sockets by namespace.
	Sockets map[string]int
	// Nodes is the number of nodes in the cluster, Unpublished that of messages that did not reach the others.
	Nodes       int
	Unpublished int64
	// Recoverable is the number of lost sessions kept for recovery, by namespace.
	Recoverable map[string]int
}

// Stats returns the current figures.
func (s *Server) Stats() Stats {
	stats := Stats{
		Engine:      s.engine.Stats(),
		Unopened:    int(s.unopened.Load()),
		Nodes:       1,
		Sockets:     make(map[string]int),
		Recoverable: make(map[string]int),
	}
	if c := s.cluster.Load(); c != nil {
		stats.Nodes, stats.Unpublished = c.size(), c.failed.Load()
	}
	for _, ns := range s.all() {
		stats.Sockets[ns.name] = len(ns.Sockets())
		stats.Recoverable[ns.name] = ns.recovery.size()
	}
	return stats
}

// newID returns n random bytes as text.
func newID(n int) string {
	random := make([]byte, n)
	_, _ = rand.Read(random) // never fails, says its documentation
	return base64.RawURLEncoding.EncodeToString(random)
}

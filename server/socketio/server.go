package socketio

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/elizad/elizad/server/socketio/engineio"
	"github.com/elizad/elizad/server/socketio/parser"
)

// Server is an [http.Handler] that serves the Socket.IO protocol. Mount it on Config.Path.
// No compressing or buffering middleware may stand before it, and no write timeout of the HTTP server.
type Server struct {
	cfg     Config
	engine  *engineio.Server
	scratch sync.Pool // of *[]byte, which outgoing packets are put together in

	// group counts the sockets and their workers.
	group sync.WaitGroup
	// unopened counts the connections that have not joined a namespace yet.
	unopened atomic.Int64

	mu         sync.RWMutex // guards what follows
	namespaces map[string]*Namespace
}

// NewServer returns a server. It starts no goroutine before the first client comes.
func NewServer(cfg Config) *Server {
	s := &Server{
		cfg:        cfg.withDefaults(),
		scratch:    sync.Pool{New: func() any { return new(make([]byte, 0, 1<<10)) }},
		namespaces: make(map[string]*Namespace),
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

// namespace returns the namespace of that name, or nil.
func (s *Server) namespace(name string) *Namespace {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.namespaces[name]
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

// Shutdown drains the server: it refuses new sessions with 503, closes the existing transports spread over the time that
// ctx leaves, so that clients reconnect elsewhere with back-off and not all at once, and waits until every handler has
// returned. When ctx ends it cuts what is left and returns the context's error. No client is sent a DISCONNECT packet.
func (s *Server) Shutdown(ctx context.Context) error {
	err := s.engine.Shutdown(ctx)
	ended := make(chan struct{})
	go func() {
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
	// Recoverable is the number of lost sessions kept for recovery, by namespace.
	Recoverable map[string]int
}

// Stats returns the current figures.
func (s *Server) Stats() Stats {
	stats := Stats{
		Engine:      s.engine.Stats(),
		Unopened:    int(s.unopened.Load()),
		Sockets:     make(map[string]int),
		Recoverable: make(map[string]int),
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

package httpx

import (
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// Server is an HTTP server that can end without waiting for connections that have asked nothing.
type Server struct {
	*http.Server
	mu     sync.Mutex
	silent map[net.Conn]struct{} // connections that have not sent a byte
}

// NewServer returns an HTTP server for a handler with the time limits that suit long answers: none on reading or writing as
// a whole, which would cut event streams and held polls, but one on the header, and one on idle connections. Handlers set
// deadlines through http.ResponseController. What net/http reports goes to the logger as a warning.
func NewServer(handler http.Handler, logger *slog.Logger) *Server {
	s := &Server{silent: make(map[net.Conn]struct{})}
	s.Server = &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       120 * time.Second,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
		ConnState:         s.note,
	}
	return s
}

func (s *Server) note(c net.Conn, state http.ConnState) {
	if state != http.StateNew && state != http.StateActive && state != http.StateClosed {
		return // it has been active
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if state == http.StateNew {
		s.silent[c] = struct{}{}
	} else {
		delete(s.silent, c)
	}
}

// CloseSilent closes connections that have not sent a byte, as browsers keep them ready. Shutdown would wait for them for
// seconds, as for requests.
func (s *Server) CloseSilent() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.silent {
		_ = c.Close()
	}
}

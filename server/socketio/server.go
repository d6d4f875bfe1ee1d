package socketio

import (
	"context"
	"net/http"
)

// Server is an [http.Handler] that serves the Socket.IO protocol. Mount it on Config.Path.
// No compressing or buffering middleware may stand before it, and no write timeout of the HTTP server.
type Server struct{}

// NewServer returns a server. It starts no goroutine before the first client comes.
func NewServer(cfg Config) *Server { panic("under construction") }

// Of returns the namespace of that name and makes it known to clients. The main namespace is "/"; a missing leading slash
// is added. Register middleware and handlers before the server takes requests.
func (s *Server) Of(name string) *Namespace { panic("under construction") }

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { panic("under construction") }

// Shutdown drains the server: it refuses new sessions with 503, closes the existing transports spread over the time that
// ctx leaves, so that clients reconnect elsewhere with back-off and not all at once, and waits until every handler has
// returned. When ctx ends it cuts what is left and returns the context's error. No client is sent a DISCONNECT packet.
func (s *Server) Shutdown(ctx context.Context) error { panic("under construction") }

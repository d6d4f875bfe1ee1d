package socketio

import "context"

// Namespace is a set of sockets that share middleware, handlers and rooms. One connection may join several namespaces.
type Namespace struct{}

// Name returns the namespace's name, which starts with a slash.
func (n *Namespace) Name() string { panic("under construction") }

// Use appends middleware.
func (n *Namespace) Use(m ...Middleware) { panic("under construction") }

// OnConnect registers fn to be called for each accepted socket, after the client was told. Events of the socket are
// handled after fn has returned, so it is the place to register their handlers.
func (n *Namespace) OnConnect(fn func(*Socket)) { panic("under construction") }

// Socket returns the local socket with that id, or nil.
func (n *Namespace) Socket(id string) *Socket { panic("under construction") }

// Everyone selects all sockets of the namespace.
func (n *Namespace) Everyone() Broadcast { panic("under construction") }

// To selects the sockets in any of the rooms. Each socket is in a room of its own named by its id.
func (n *Namespace) To(rooms ...string) Broadcast { panic("under construction") }

// Except selects the sockets in none of the rooms.
func (n *Namespace) Except(rooms ...string) Broadcast { panic("under construction") }

// Volatile is short for Everyone().Volatile().
func (n *Namespace) Volatile() Broadcast { panic("under construction") }

// Local is short for Everyone().Local().
func (n *Namespace) Local() Broadcast { panic("under construction") }

// Emit is short for Everyone().Emit.
func (n *Namespace) Emit(event string, args ...any) error { panic("under construction") }

// Sockets is short for Everyone().Sockets.
func (n *Namespace) Sockets() []*Socket { panic("under construction") }

// FetchSockets is short for Everyone().FetchSockets.
func (n *Namespace) FetchSockets(ctx context.Context) ([]RemoteSocket, error) {
	panic("under construction")
}

// DisconnectSockets is short for Everyone().DisconnectSockets.
func (n *Namespace) DisconnectSockets(closeTransport bool) error { panic("under construction") }

// SocketsJoin is short for Everyone().SocketsJoin.
func (n *Namespace) SocketsJoin(rooms ...string) error { panic("under construction") }

// SocketsLeave is short for Everyone().SocketsLeave.
func (n *Namespace) SocketsLeave(rooms ...string) error { panic("under construction") }

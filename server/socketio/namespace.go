package socketio

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/elizad/elizad/server/socketio/engineio"
)

// Namespace is a set of sockets that share middleware, handlers and rooms. One connection may join several namespaces.
type Namespace struct {
	server   *Server
	name     string
	adapter  Adapter
	recovery *recovery
	history  *history
	dynamic  bool          // made for a client, and forgotten when it is empty
	members  int           // sockets, also pending ones; guarded by the server
	ackID    atomic.Uint64 // the next id of an acknowledgement asked from a client
	events   serial        // runs the handlers of events of other nodes

	mu             sync.RWMutex // guards what follows
	middleware     []Middleware
	onConnect      []func(*Socket)
	onDisconnect   []func(*Socket)
	handlers       map[string]EventHandler
	any            []EventHandler
	serverHandlers map[string]ServerHandler
}

func newNamespace(server *Server, name string) *Namespace {
	return &Namespace{
		server:   server,
		name:     name,
		adapter:  server.cfg.Adapter(name),
		recovery: newRecovery(server.cfg.Recovery),
		history:  newHistory(server.cfg.Recovery),
	}
}

// Name returns the namespace's name, which starts with a slash.
func (n *Namespace) Name() string { return n.name }

// Use appends middleware.
func (n *Namespace) Use(m ...Middleware) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.middleware = append(n.middleware[:len(n.middleware):len(n.middleware)], m...)
}

// OnConnect registers fn to be called for each accepted socket, after the client was notified. Events of the socket are
// handled after fn has returned, so it is the place to register their handlers.
func (n *Namespace) OnConnect(fn func(*Socket)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.onConnect = append(n.onConnect[:len(n.onConnect):len(n.onConnect)], fn)
}

// On registers the handler of an event of all sockets, in place of an earlier one; a socket that has its own by [Socket.On] uses
// that. What is registered here takes no memory in each socket. Register handlers before clients connect.
func (n *Namespace) On(event string, fn EventHandler) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.handlers == nil {
		n.handlers = make(map[string]EventHandler)
	}
	n.handlers[event] = fn
}

// OnAny registers a handler that is called for every event of all sockets, before those of the socket.
func (n *Namespace) OnAny(fn EventHandler) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.any = append(n.any[:len(n.any):len(n.any)], fn)
}

// OnDisconnect registers fn to be called for each socket that has left, after the socket's own handlers; see
// [Socket.OnDisconnect].
func (n *Namespace) OnDisconnect(fn func(*Socket)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.onDisconnect = append(n.onDisconnect[:len(n.onDisconnect):len(n.onDisconnect)], fn)
}

// listeners returns the handlers of an event.
func (n *Namespace) listeners(event string) (any []EventHandler, own EventHandler) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.any, n.handlers[event]
}

// registered returns the middleware and the connection handlers.
func (n *Namespace) registered() ([]Middleware, []func(*Socket)) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.middleware, n.onConnect
}

// Socket returns the local socket with that id, or nil.
func (n *Namespace) Socket(id string) *Socket {
	if s := n.adapter.Socket(id); s != nil && s.Connected() {
		return s
	}
	return nil
}

// Everyone selects all sockets of the namespace.
func (n *Namespace) Everyone() Broadcast { return Broadcast{ns: n} }

// To selects the sockets in any of the rooms. Each socket is in its own room, named by its id.
func (n *Namespace) To(rooms ...string) Broadcast { return n.Everyone().To(rooms...) }

// Except selects the sockets in none of the rooms.
func (n *Namespace) Except(rooms ...string) Broadcast { return n.Everyone().Except(rooms...) }

// Volatile is short for Everyone().Volatile().
func (n *Namespace) Volatile() Broadcast { return n.Everyone().Volatile() }

// Local is short for Everyone().Local().
func (n *Namespace) Local() Broadcast { return n.Everyone().Local() }

// Emit is short for Everyone().Emit.
func (n *Namespace) Emit(event string, args ...any) error { return n.Everyone().Emit(event, args...) }

// Sockets is short for Everyone().Sockets.
func (n *Namespace) Sockets() []*Socket { return n.Everyone().Sockets() }

// FetchSockets is short for Everyone().FetchSockets.
func (n *Namespace) FetchSockets(ctx context.Context) ([]RemoteSocket, error) {
	return n.Everyone().FetchSockets(ctx)
}

// DisconnectSockets is short for Everyone().DisconnectSockets.
func (n *Namespace) DisconnectSockets(closeTransport bool) error {
	return n.Everyone().DisconnectSockets(closeTransport)
}

// SocketsJoin is short for Everyone().SocketsJoin.
func (n *Namespace) SocketsJoin(rooms ...string) error { return n.Everyone().SocketsJoin(rooms...) }

// SocketsLeave is short for Everyone().SocketsLeave.
func (n *Namespace) SocketsLeave(rooms ...string) error { return n.Everyone().SocketsLeave(rooms...) }

// emit sends an event to the selected sockets of all nodes. Delivery on this node does not wait for the others, nor depend
// on them.
func (n *Namespace) emit(sel Selector, opts engineio.SendOptions, event string, args []any) error {
	return n.server.encodeEvent(n.name, nil, event, args, func(text []byte, attachments [][]byte) error {
		var err error
		if n.server.cluster.Load() != nil {
			// The text goes as it is, so that the others need not encode it again.
			err = n.elsewhere(sel, &envelope{Kind: kindBroadcast, Packet: newPacketEnvelope(opts, text, attachments)})
		}
		return errors.Join(err, n.deliver(sel, opts, text, attachments))
	})
}

// emitTo sends an event to one socket. In replay mode it takes the way of all events, to be numbered and kept.
func (n *Namespace) emitTo(s *Socket, event string, args []any) error {
	return n.server.encodeEvent(n.name, nil, event, args, func(text []byte, attachments [][]byte) error {
		if n.history != nil {
			return n.deliver(Selector{Rooms: []string{s.id}}, engineio.SendOptions{}, text, attachments)
		}
		s.send(engineio.NewFrame(text, attachments...))
		return nil
	})
}

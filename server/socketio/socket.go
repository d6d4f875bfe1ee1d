package socketio

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/elizad/elizad/server/socketio/engineio"
)

// Reasons of a disconnection, as given to [Socket.OnDisconnect].
const (
	ReasonClientDisconnect = "client namespace disconnect" // the client left the namespace
	ReasonServerDisconnect = "server namespace disconnect" // Socket.Disconnect was called
	ReasonTransportClose   = engineio.ReasonTransportClose // the connection was closed, or the client was too slow
	ReasonTransportError   = engineio.ReasonTransportError // the connection failed
	ReasonPingTimeout      = engineio.ReasonPingTimeout    // the client did not answer in time
	ReasonForcedClose      = engineio.ReasonForcedClose    // Socket.CloseTransport was called
	ReasonServerClose      = "forced server close"         // the client broke a rule of the protocol
	ReasonParseError       = engineio.ReasonParseError     // the client sent something unreadable
	ReasonShutdown         = engineio.ReasonShutdown       // Server.Shutdown was called
)

// Socket is a client's connection to one namespace. Its methods may be called from any goroutine.
type Socket struct {
	ns        *Namespace
	conn      *conn
	id        string
	handshake *Handshake
	ctx       context.Context
	cancel    context.CancelFunc
	gone      chan struct{} // closed when the socket has left

	pid      string       // the secret to recover the session with, empty if there is none
	identity string       // see RecoveryConfig.Identity
	resumed  *lostSession // what the socket continues, if anything
	since    uint64       // the offset of the latest event before the session began

	confirmed atomic.Bool // the client knows of the connection, so it may send
	connected atomic.Bool // the client knows and is not known to be gone, so it may be sent to

	rooms []membership // guarded by the adapter
	round uint64       // guarded by the adapter

	mu      sync.Mutex // guards what follows
	tasks   []task
	working bool
	left    bool // a task to leave is queued or done; nothing else will be
	// stopGrace stops the timer that cancels ctx while the last events are handled.
	stopGrace func() bool
	data      []datum
	acks      map[uint64]func(ackResult)

	own *registered // nil if there is nothing, as with sockets whose handlers are all the namespace's
}

// registered is what was registered with one socket.
type registered struct {
	handlers      map[string]EventHandler
	any           []EventHandler
	middleware    []func(ctx context.Context, ev *Event) error
	disconnecting []func(reason string)
	disconnect    []func(reason string)
}

// add changes what is registered with the socket. What was read of it before stays as it is.
func (s *Socket) add(change func(*registered)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.own == nil {
		s.own = new(registered)
	}
	change(s.own)
}

// registrations returns what is registered with the socket, and the handler of an event.
func (s *Socket) registrations(event string) (own registered, handler EventHandler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.own == nil {
		return registered{}, nil
	}
	return *s.own, s.own.handlers[event]
}

func newSocket(c *conn, ns *Namespace, id string, handshake *Handshake) *Socket {
	s := &Socket{ns: ns, conn: c, id: id, handshake: handshake, gone: make(chan struct{})}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// ID returns the socket's id: random, and no secret.
func (s *Socket) ID() string { return s.id }

// Namespace returns the namespace the socket belongs to.
func (s *Socket) Namespace() *Namespace { return s.ns }

// Handshake returns what the client presented when it connected.
func (s *Socket) Handshake() *Handshake { return s.handshake }

// Context ends when the socket is disconnected, after the events that came before were handled (or had their grace).
func (s *Socket) Context() context.Context { return s.ctx }

// Connected reports whether the socket can be sent events.
func (s *Socket) Connected() bool { return s.connected.Load() }

// Recovered reports whether the socket continues an earlier one, with its id, rooms and data.
func (s *Socket) Recovered() bool { return s.resumed != nil }

// Transport returns the current transport, "polling" or "websocket".
func (s *Socket) Transport() string { return s.conn.session.Transport() }

// Backlog returns how many packets and bytes wait to be sent to this client.
func (s *Socket) Backlog() (packets, bytes int) { return s.conn.session.Backlog() }

// Set stores a value with the socket. It stays with the session when that is recovered.
func (s *Socket) Set(key string, value any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.data {
		if s.data[i].key == key {
			s.data[i].value = value
			return
		}
	}
	s.data = append(s.data, datum{key, value})
}

// Get returns the value stored under key, or nil.
func (s *Socket) Get(key string) any {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.data {
		if d.key == key {
			return d.value
		}
	}
	return nil
}

// datum is a value stored with a socket. There are few for each, so that a list takes less memory than a map, and no more time.
type datum struct {
	key   string
	value any
}

// values returns what is stored with the socket.
func (s *Socket) values() map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make(map[string]any, len(s.data))
	for _, d := range s.data {
		all[d.key] = d.value
	}
	return all
}

// Value returns the value stored with the socket under key, if there is one of type T.
func Value[T any](s *Socket, key string) (T, bool) {
	value, ok := s.Get(key).(T)
	return value, ok
}

// On registers the handler of an event, in place of an earlier one. Register handlers in OnConnect.
func (s *Socket) On(event string, fn EventHandler) {
	s.add(func(own *registered) {
		if own.handlers == nil {
			own.handlers = make(map[string]EventHandler)
		}
		own.handlers[event] = fn
	})
}

// OnAny registers a handler that is called for every event, before the event's own.
func (s *Socket) OnAny(fn EventHandler) {
	s.add(func(own *registered) { own.any = append(slices.Clip(own.any), fn) })
}

// Use appends per-event middleware. An error drops the event; it is logged at debug level.
func (s *Socket) Use(fn func(ctx context.Context, ev *Event) error) {
	s.add(func(own *registered) { own.middleware = append(slices.Clip(own.middleware), fn) })
}

// OnDisconnecting registers fn to be called when the socket is about to leave its rooms, with one of the Reason constants
// or the reason given to CloseTransport.
func (s *Socket) OnDisconnecting(fn func(reason string)) {
	s.add(func(own *registered) { own.disconnecting = append(slices.Clip(own.disconnecting), fn) })
}

// OnDisconnect registers fn to be called when the socket has left, with the same reason. It is the last thing that happens
// to a socket.
func (s *Socket) OnDisconnect(fn func(reason string)) {
	s.add(func(own *registered) { own.disconnect = append(slices.Clip(own.disconnect), fn) })
}

// Emit sends an event to this client. Events of one socket arrive in the order of the calls.
func (s *Socket) Emit(event string, args ...any) error {
	if !s.Connected() {
		return ErrDisconnected
	}
	if err := s.ns.emitTo(s, event, args); err != nil {
		return fmt.Errorf("emitting %q: %w", event, err)
	}
	return nil
}

// To selects the other sockets in any of the rooms.
func (s *Socket) To(rooms ...string) Broadcast { return s.Broadcast().To(rooms...) }

// Broadcast selects all other sockets of the namespace.
func (s *Socket) Broadcast() Broadcast { return s.ns.Except(s.id) }

// Join adds the socket to rooms. It takes effect before Join returns. It is legal in middleware, and has no effect after
// the disconnection. It returns ErrTooManyRooms, and joins none of the rooms, if the socket would be in more than
// Limits.Rooms; a server that lets clients name rooms has to look at it.
//
// Prefix room names that come from clients: the bare id of a socket is that socket's own room.
func (s *Socket) Join(rooms ...string) error { return s.ns.adapter.Join(s, rooms...) }

// MaxRooms returns how many rooms the socket may be in, besides its own.
func (s *Socket) MaxRooms() int { return s.ns.server.cfg.Limits.Rooms }

// Leave removes the socket from rooms.
func (s *Socket) Leave(rooms ...string) { s.ns.adapter.Leave(s, rooms...) }

// Rooms returns the rooms of the socket, its own included.
func (s *Socket) Rooms() []string { return s.ns.adapter.Rooms(s) }

// Disconnect removes the client from the namespace, for good: client libraries do not come back by themselves. Events that
// were received and not handled yet are dropped. With closeTransport the client is removed from all namespaces and its
// connection is closed.
func (s *Socket) Disconnect(closeTransport bool) {
	if closeTransport {
		for _, socket := range s.conn.all() {
			socket.Disconnect(false)
		}
		s.conn.session.Close(ReasonForcedClose)
		return
	}
	if s.connected.CompareAndSwap(true, false) {
		s.conn.vacate(s, false)
		s.conn.session.Send(encodeDisconnect(s.ns.name), engineio.SendOptions{})
		s.leaveNow(ReasonServerDisconnect)
	}
}

// CloseTransport closes the connection after its queue was sent. Client libraries reconnect with back-off. reason is what
// the disconnect handlers get; empty means ReasonForcedClose.
func (s *Socket) CloseTransport(reason string) { s.conn.session.Close(reason) }

// send queues a frame for the client, if it is connected.
func (s *Socket) send(f *engineio.Frame) { s.sendWith(f, engineio.SendOptions{}) }

func (s *Socket) sendWith(f *engineio.Frame, opts engineio.SendOptions) {
	if s.connected.Load() {
		s.conn.session.Send(f, opts)
	}
}

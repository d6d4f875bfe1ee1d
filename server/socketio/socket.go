package socketio

import "context"

// Reasons of a disconnection, as given to [Socket.OnDisconnect].
const (
	ReasonClientDisconnect = "client namespace disconnect" // the client left the namespace
	ReasonServerDisconnect = "server namespace disconnect" // Socket.Disconnect(false) was called
	ReasonTransportClose   = "transport close"             // the connection was closed, or the client was too slow
	ReasonTransportError   = "transport error"             // the connection failed
	ReasonPingTimeout      = "ping timeout"                // the client did not answer in time
	ReasonForcedClose      = "forced close"                // Socket.Disconnect(true) or Socket.CloseTransport was called
	ReasonServerClose      = "forced server close"         // the client broke a rule of the protocol
	ReasonParseError       = "parse error"                 // the client sent something unreadable
	ReasonShutdown         = "server shutting down"        // Server.Shutdown was called
)

// Socket is a client's connection to one namespace. Its methods may be called from any goroutine.
type Socket struct{}

// ID returns the socket's id: random, and no secret.
func (s *Socket) ID() string { panic("under construction") }

// Namespace returns the namespace the socket belongs to.
func (s *Socket) Namespace() *Namespace { panic("under construction") }

// Handshake returns what the client presented when it connected.
func (s *Socket) Handshake() *Handshake { panic("under construction") }

// Context ends when the socket is disconnected, after the events that came before were handled (or had their grace).
func (s *Socket) Context() context.Context { panic("under construction") }

// Connected tells whether the socket can be sent events.
func (s *Socket) Connected() bool { panic("under construction") }

// Recovered tells whether the socket continues an earlier one, with its id, rooms and data.
func (s *Socket) Recovered() bool { panic("under construction") }

// Transport returns the current transport, "polling" or "websocket".
func (s *Socket) Transport() string { panic("under construction") }

// Set stores a value with the socket. It stays with the session when that is recovered.
func (s *Socket) Set(key string, value any) { panic("under construction") }

// Get returns the value stored under key, or nil.
func (s *Socket) Get(key string) any { panic("under construction") }

// Value returns the value stored with the socket under key, if there is one of type T.
func Value[T any](s *Socket, key string) (T, bool) { panic("under construction") }

// On registers the handler of an event, in place of an earlier one. Register handlers in OnConnect.
func (s *Socket) On(event string, fn EventHandler) { panic("under construction") }

// OnAny registers a handler that is called for every event, before the event's own.
func (s *Socket) OnAny(fn EventHandler) { panic("under construction") }

// Use appends per-event middleware. An error drops the event; it is logged at debug level.
func (s *Socket) Use(fn func(ctx context.Context, ev *Event) error) { panic("under construction") }

// OnDisconnecting registers fn to be called when the socket is about to leave its rooms, with one of the Reason constants.
func (s *Socket) OnDisconnecting(fn func(reason string)) { panic("under construction") }

// OnDisconnect registers fn to be called when the socket has left, with one of the Reason constants. It is the last thing
// that happens to a socket.
func (s *Socket) OnDisconnect(fn func(reason string)) { panic("under construction") }

// Emit sends an event to this client. Events of one socket arrive in the order of the calls.
func (s *Socket) Emit(event string, args ...any) error { panic("under construction") }

// EmitAck sends an event and waits for its acknowledgement. It returns ErrAckTimeout when ctx ends before, ErrDisconnected
// when the client is gone. It may be called in a handler of the same socket.
func (s *Socket) EmitAck(ctx context.Context, event string, args ...any) (Payload, error) {
	panic("under construction")
}

// To selects the other sockets in any of the rooms.
func (s *Socket) To(rooms ...string) Broadcast { panic("under construction") }

// Broadcast selects all other sockets of the namespace.
func (s *Socket) Broadcast() Broadcast { panic("under construction") }

// Join adds the socket to rooms. It takes effect before Join returns. It is legal in middleware, and has no effect after
// the disconnection.
//
// Prefix room names that come from clients: the bare id of a socket is that socket's own room.
func (s *Socket) Join(rooms ...string) { panic("under construction") }

// Leave removes the socket from rooms.
func (s *Socket) Leave(rooms ...string) { panic("under construction") }

// Rooms returns the rooms of the socket, its own included.
func (s *Socket) Rooms() []string { panic("under construction") }

// Disconnect removes the client from the namespace, for good: client libraries do not come back by themselves. With
// closeTransport the whole connection is closed, with a DISCONNECT packet before.
func (s *Socket) Disconnect(closeTransport bool) { panic("under construction") }

// CloseTransport closes the connection after its queue was sent. Client libraries reconnect with back-off. reason is what
// the disconnect handlers get; empty means ReasonForcedClose.
func (s *Socket) CloseTransport(reason string) { panic("under construction") }

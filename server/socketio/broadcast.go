package socketio

import "context"

// Broadcast selects sockets of a namespace and does something to all of them. It is a value: each method returns a narrowed
// copy, and a Broadcast may be kept and used again.
type Broadcast struct{}

// To adds rooms: the sockets selected are those in any of them. With no room at all, it is the whole namespace.
func (b Broadcast) To(rooms ...string) Broadcast { panic("under construction") }

// Except leaves out the sockets in any of the rooms.
func (b Broadcast) Except(rooms ...string) Broadcast { panic("under construction") }

// Local restricts the operation to the sockets of this node.
func (b Broadcast) Local() Broadcast { panic("under construction") }

// Volatile makes events be dropped for a client whose connection cannot be written to at this moment.
func (b Broadcast) Volatile() Broadcast { panic("under construction") }

// Sheddable marks an event as one of a stream, such as the chunks of a text, that a client can do without because
// something complete follows. When a client falls behind, the queued events of its streams are dropped, and from then on
// every event of those streams, until one marked [Broadcast.Ends] with the same key: a stream has no gap in its middle.
func (b Broadcast) Sheddable(key string) Broadcast { panic("under construction") }

// Ends marks the event that ends the stream of that key. It is not sheddable itself. A stream that was shed must be ended,
// or its key is remembered until the disconnection.
func (b Broadcast) Ends(key string) Broadcast { panic("under construction") }

// Emit sends an event to the selected sockets. It returns an error if the event cannot be encoded or published, and none
// for a client that does not get it.
func (b Broadcast) Emit(event string, args ...any) error { panic("under construction") }

// EmitAck sends an event to the selected sockets and waits for their acknowledgements. It returns those received; if some
// are missing when ctx ends, also an error that wraps ErrAckTimeout. Without recipients it returns at once.
func (b Broadcast) EmitAck(ctx context.Context, event string, args ...any) ([]Payload, error) {
	panic("under construction")
}

// Sockets returns the selected sockets of this node.
func (b Broadcast) Sockets() []*Socket { panic("under construction") }

// RemoteSocket describes a socket that may be connected to another node.
type RemoteSocket struct {
	ID        string
	Handshake *Handshake
	Rooms     []string
	Data      map[string]any
}

// FetchSockets returns the selected sockets of all nodes.
func (b Broadcast) FetchSockets(ctx context.Context) ([]RemoteSocket, error) {
	panic("under construction")
}

// DisconnectSockets is [Socket.Disconnect] for the selected sockets.
func (b Broadcast) DisconnectSockets(closeTransport bool) error { panic("under construction") }

// SocketsJoin makes the selected sockets join rooms.
func (b Broadcast) SocketsJoin(rooms ...string) error { panic("under construction") }

// SocketsLeave makes the selected sockets leave rooms.
func (b Broadcast) SocketsLeave(rooms ...string) error { panic("under construction") }

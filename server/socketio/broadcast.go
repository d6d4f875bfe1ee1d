package socketio

import (
	"errors"
	"fmt"
	"slices"

	"github.com/elizad/elizad/server/socketio/engineio"
)

// Broadcast selects sockets of a namespace and does something to all of them. It is a value: each method returns a narrowed
// copy, and a Broadcast may be kept and used again.
type Broadcast struct {
	ns   *Namespace
	sel  Selector
	opts engineio.SendOptions
}

// To adds rooms: the sockets selected are those in any of them. With no room at all, it is the whole namespace.
func (b Broadcast) To(rooms ...string) Broadcast {
	b.sel.Rooms = slices.Concat(b.sel.Rooms, rooms)
	return b
}

// Except leaves out the sockets in any of the rooms.
func (b Broadcast) Except(rooms ...string) Broadcast {
	b.sel.Except = slices.Concat(b.sel.Except, rooms)
	return b
}

// Local restricts the operation to the sockets of this node.
func (b Broadcast) Local() Broadcast {
	b.sel.Local = true
	return b
}

// Volatile makes events be dropped for a client whose connection cannot be written to at this moment.
func (b Broadcast) Volatile() Broadcast {
	b.opts.Volatile = true
	return b
}

// Sheddable marks an event as one of a stream, such as the chunks of a text, that a client can do without because
// something complete follows. When a client falls behind, the queued events of its streams are dropped, and from then on
// every event of those streams, until one marked [Broadcast.Ends] with the same key: a stream has no gap in its middle.
func (b Broadcast) Sheddable(key string) Broadcast {
	b.opts.Shed = key
	return b
}

// Ends marks the event that ends the stream of that key. It is not sheddable itself. A stream that was shed must be ended,
// or its key is remembered until the disconnection.
func (b Broadcast) Ends(key string) Broadcast {
	b.opts.End = key
	return b
}

// Emit sends an event to the selected sockets. It returns an error if the event cannot be encoded or published, and none
// for a client that does not get it.
func (b Broadcast) Emit(event string, args ...any) error {
	if err := b.ns.emit(b.sel, b.opts, event, args); err != nil {
		return fmt.Errorf("emitting %q: %w", event, err)
	}
	return nil
}

// Sockets returns the selected sockets of this node.
func (b Broadcast) Sockets() []*Socket {
	return slices.DeleteFunc(b.ns.adapter.Sockets(b.sel), func(s *Socket) bool { return !s.Connected() })
}

// RemoteSocket describes a socket that may be connected to another node.
type RemoteSocket struct {
	ID        string
	Handshake *Handshake
	Rooms     []string
	Data      map[string]any
}

// DisconnectSockets is [Socket.Disconnect] for the selected sockets.
func (b Broadcast) DisconnectSockets(closeTransport bool) error {
	for _, s := range b.Sockets() {
		s.Disconnect(closeTransport)
	}
	return b.ns.elsewhere(b.sel, &envelope{Kind: kindDisconnect, Close: closeTransport})
}

// SocketsJoin makes the selected sockets join rooms. It returns ErrTooManyRooms if there is one on this node that may not be in
// more; the others have joined.
func (b Broadcast) SocketsJoin(rooms ...string) error {
	var refused error
	for _, s := range b.Sockets() {
		if err := s.Join(rooms...); err != nil {
			refused = err
		}
	}
	return errors.Join(refused, b.ns.elsewhere(b.sel, &envelope{Kind: kindJoin, Rooms: rooms}))
}

// SocketsLeave makes the selected sockets leave rooms.
func (b Broadcast) SocketsLeave(rooms ...string) error {
	for _, s := range b.Sockets() {
		s.Leave(rooms...)
	}
	return b.ns.elsewhere(b.sel, &envelope{Kind: kindLeave, Rooms: rooms})
}

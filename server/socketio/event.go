package socketio

import (
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"

	"github.com/elizad/elizad/server/socketio/parser"
)

// Payload holds the arguments of an event or of an acknowledgement.
type Payload struct {
	// Args holds the arguments as raw JSON. Where an argument contains binary data, its JSON holds a placeholder object;
	// Decode, Bytes and Values resolve it.
	Args []json.RawMessage
	// Attachments holds the binary data that the placeholders refer to.
	Attachments [][]byte
}

// Decode decodes the argument i into v like [json.Unmarshal]. Binary data decodes into []byte, at any depth.
// A missing argument decodes as null, as clients leave out trailing arguments.
func (p Payload) Decode(i int, v any) error {
	arg := json.RawMessage("null")
	if i < len(p.Args) {
		arg = parser.Inline(p.Args[i], p.Attachments)
	}
	if err := json.Unmarshal(arg, v); err != nil {
		return fmt.Errorf("decoding argument %d: %w", i, err)
	}
	return nil
}

// Bytes returns the argument i if it is binary data, else ErrNotBinary.
func (p Payload) Bytes(i int) ([]byte, error) {
	if i < len(p.Args) {
		if data, ok := parser.Attachment(p.Args[i], p.Attachments); ok {
			return data, nil
		}
	}
	return nil, ErrNotBinary
}

// Values returns the arguments in a form that can be emitted again, byte for byte the same, attachments included.
func (p Payload) Values() []any {
	values := make([]any, len(p.Args))
	for i, arg := range p.Args {
		values[i] = parser.NewRaw(arg, p.Attachments)
	}
	return values
}

// JSON returns an argument of an event that is encoded already. It is sent as it is: raw must be JSON, or the clients that get it
// close their connections. A json.RawMessage is looked at before.
func JSON(raw json.RawMessage) any { return parser.NewRaw(raw, nil) }

// Event is an event received from a client. It may be kept after its handler has returned, and acknowledged later.
type Event struct {
	// Socket is the receiver.
	Socket *Socket
	// Name is the event's name. A client may send a number in its place; Name then holds its decimal form.
	Name string
	Payload

	id     uint64
	hasAck bool
	acked  atomic.Bool
}

// HasAck reports whether the client asked for an acknowledgement.
func (e *Event) HasAck() bool { return e.hasAck }

// Ack acknowledges the event. It does nothing if the client asked for no acknowledgement or is gone; the second call
// returns ErrAlreadyAcked. An argument that cannot be encoded is an error, and leaves the event unacknowledged.
func (e *Event) Ack(args ...any) error {
	if !e.hasAck {
		return nil
	}
	frame, err := e.Socket.ns.server.encodeAck(e.Socket.ns.name, e.id, args)
	if err != nil {
		return fmt.Errorf("acknowledging %q: %w", e.Name, err)
	}
	if e.acked.Swap(true) {
		return ErrAlreadyAcked
	}
	e.Socket.send(frame)
	return nil
}

// Ack acknowledges an event; see [Event.Ack].
type Ack func(args ...any) error

// EventHandler handles one event. ctx ends when the socket is disconnected.
type EventHandler func(ctx context.Context, ev *Event)

// Handle registers fn for an event whose first argument decodes into T. onError is called in place of fn for an event that
// does not decode; with nil such an event is dropped.
func Handle[T any](s *Socket, event string, fn func(ctx context.Context, s *Socket, payload T, ack Ack), onError func(ctx context.Context, ev *Event, err error)) {
	s.On(event, func(ctx context.Context, ev *Event) {
		var payload T
		if err := ev.Decode(0, &payload); err != nil {
			if onError != nil {
				onError(ctx, ev, err)
			}
			return
		}
		fn(ctx, s, payload, ev.Ack)
	})
}

package socketio

import (
	"context"
	"encoding/json"
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
func (p Payload) Decode(i int, v any) error { panic("under construction") }

// Bytes returns the argument i if it is binary data, else ErrNotBinary.
func (p Payload) Bytes(i int) ([]byte, error) { panic("under construction") }

// Values returns the arguments in a form that can be emitted again, byte for byte the same, attachments included.
func (p Payload) Values() []any { panic("under construction") }

// Event is an event received from a client. It may be kept after its handler has returned, and acknowledged later.
type Event struct {
	// Socket is the receiver.
	Socket *Socket
	// Name is the event's name. A client may send a number in its place; Name then holds its decimal form.
	Name string
	Payload
}

// HasAck tells whether the client asked for an acknowledgement.
func (e *Event) HasAck() bool { panic("under construction") }

// Ack acknowledges the event. It does nothing if the client asked for no acknowledgement or is gone; the second call
// returns ErrAlreadyAcked. An argument that cannot be encoded is an error, and leaves the event unacknowledged.
func (e *Event) Ack(args ...any) error { panic("under construction") }

// Ack acknowledges an event; see [Event.Ack].
type Ack func(args ...any) error

// EventHandler handles one event. ctx ends when the socket is disconnected.
type EventHandler func(ctx context.Context, ev *Event)

// Handle registers fn for an event whose first argument decodes into T. onError is called in place of fn for an event that
// does not decode; with nil such an event is dropped.
func Handle[T any](s *Socket, event string, fn func(ctx context.Context, s *Socket, payload T, ack Ack), onError func(ctx context.Context, ev *Event, err error)) {
	panic("under construction")
}

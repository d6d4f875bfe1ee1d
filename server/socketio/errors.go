package socketio

import "errors"

var (
	// ErrDisconnected is returned by operations on a socket that is not connected: not yet, or not any more.
	ErrDisconnected = errors.New("socket is not connected")
	// ErrAckTimeout is returned when a client did not acknowledge in time. Its text is the one that client libraries use.
	ErrAckTimeout = errors.New("operation has timed out")
	// ErrTooManyAcks is returned by EmitAck when the client owes too many acknowledgements already.
	ErrTooManyAcks = errors.New("too many pending acknowledgements")
	// ErrAlreadyAcked is returned when an event is acknowledged a second time.
	ErrAlreadyAcked = errors.New("event was acknowledged already")
	// ErrReservedEvent is returned when the name of an emitted event is one that the protocol keeps for itself.
	ErrReservedEvent = errors.New("event name is reserved")
	// ErrTooManyRooms is returned by Join when the socket is in as many rooms as it may be.
	ErrTooManyRooms = errors.New("socket is in too many rooms")
	// ErrTryLater is for a [Middleware] that could not decide, because what it asks is down.
	ErrTryLater = errors.New("connection cannot be decided now")
	// ErrNotBinary is returned by Payload.Bytes for an argument that is no binary attachment.
	ErrNotBinary = errors.New("argument is not binary")
)

// ConnectError refuses a connection to a namespace. The client gets it as its connect_error.
type ConnectError struct {
	Message string
	// Data is any JSON-marshalable value for the client, or nil.
	Data any
	// Final says that asking again on this connection is of no use: it is closed once the client has the error.
	Final bool
}

func (e *ConnectError) Error() string { return e.Message }

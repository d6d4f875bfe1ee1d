package socketio

import (
	"context"
	"log/slog"
	"time"

	"github.com/elizad/elizad/server/socketio/engineio"
)

// Config holds the settings of a [Server]. The zero value is ready to use: every field has the documented default.
type Config struct {
	// Path is where the handler is mounted. It matches with and without the trailing slash. Default "/socket.io/".
	Path string
	// Engine holds the settings of the transports: heartbeat, payload limit, queue limits, CORS, cookie.
	Engine engineio.Config
	// ConnectTimeout is how long a client may take to join its first namespace. Default 45 s.
	ConnectTimeout time.Duration
	// DisconnectGrace is how long the events received before the loss of a connection may still take, before the context
	// of their handlers is cancelled. Default 10 s.
	DisconnectGrace time.Duration
	// Limits bounds what one client may make the server hold.
	Limits Limits
	// Recovery says what a client gets back that lost its connection. Default RecoveryOff.
	Recovery RecoveryConfig
	// Adapter makes the adapter of a namespace. nil means [NewMemoryAdapter].
	Adapter func(namespace string) Adapter
	// Logger receives what an operator may want to know, and panics of handlers. nil means [slog.Default].
	Logger *slog.Logger
}

// Limits bounds what one client may send and make the server hold. A client that exceeds one of them is disconnected, unless
// the limit says something else.
// A zero field has the documented default.
type Limits struct {
	// Attachments is the number of binary attachments of one packet. Default 10.
	Attachments int
	// BinaryBytes bounds a packet with all its attachments. Default 4 times Engine.MaxPayload, at most 8 MB.
	BinaryBytes int
	// BinaryTimeout bounds the time from the packet to its last attachment. Default 30 s.
	BinaryTimeout time.Duration
	// Depth is how deep the JSON of a packet may nest. Default 64.
	Depth int
	// Members is the number of array elements and object members in one packet. Default 100,000.
	Members int
	// NamespaceName and EventName bound names, in bytes. Defaults 256 and 128.
	NamespaceName, EventName int
	// Namespaces is the number of namespaces that one connection may join. Default 16.
	Namespaces int
	// Refusals is the number of namespaces, or times of one, that a connection may be refused in a row; it is closed with the
	// last one. Default 3.
	Refusals int
	// Auth bounds the payload of a CONNECT packet, in bytes. Default 16 KiB.
	Auth int
	// DynamicNamespaces is the number of namespaces that exist because clients asked for them. Default 10,000.
	DynamicNamespaces int
	// Unopened is the number of connections that have joined no namespace yet. New ones get 503 beyond it.
	// Default 10,000.
	Unopened int
	// Rooms is the number of rooms that one socket may be in, besides its own; [Socket.Join] fails beyond it, and the
	// socket stays. Default 1,000.
	Rooms int
	// PendingAcks is the number of acknowledgements one socket may owe the server; [Socket.EmitAck] fails beyond it.
	// Default 1,024.
	PendingAcks int
	// QueuedEvents is the number of events that may wait for the handlers of one socket before its connection is not read
	// any further. Default 64. It is four times as many while the server waits for an acknowledgement of that connection,
	// so that the acknowledgement behind the events can be read.
	QueuedEvents int
}

// RecoveryMode says what a reconnecting client gets back.
type RecoveryMode int

// The recovery modes.
const (
	// RecoveryOff restores nothing: each connection is a new socket.
	RecoveryOff RecoveryMode = iota
	// RecoveryRooms restores the id, the rooms and the data of a socket, and no events. Clients are not notified: their
	// "recovered" stays false, so that applications fetch what they missed.
	RecoveryRooms
	// RecoveryReplay restores the same and replays the missed events. It appends a string, the offset, to the arguments of
	// every event that asks for no acknowledgement; clients with strict signatures may trip over it.
	RecoveryReplay
)

// RecoveryConfig holds the settings of connection state recovery.
type RecoveryConfig struct {
	Mode RecoveryMode
	// MaxDisconnection is how long a lost connection can be recovered. Default 2 min.
	MaxDisconnection time.Duration
	// MaxSessions bounds the number of sessions kept for recovery, per namespace; the oldest go first. Default 100,000.
	MaxSessions int
	// MaxPackets and MaxBytes bound the events kept for replay, per namespace; the oldest go first.
	// Defaults 10,000 and 64 MiB.
	MaxPackets, MaxBytes int
	// Identity names the owner of a socket, once middleware has accepted it. A session is restored only to a socket
	// of the same identity; any other one gets a new session. nil means that any client with the session's secret may
	// have it.
	Identity func(*Socket) string
}

// Middleware runs for each CONNECT of a namespace, in order of registration, before any event passes. ctx ends with the
// connection. The socket may already join rooms and hold data, and it can be sent nothing.
//
// Returning nil accepts. Returning a [*ConnectError] refuses with its message and data; a client library does not retry
// after that. Returning [ErrTryLater], also wrapped, means that no decision was possible: the connection is closed, and the
// client retries with back-off. Any other error is logged and refuses with the message "Internal error".
type Middleware func(ctx context.Context, s *Socket) error

func (c Config) withDefaults() Config {
	setDefault(&c.Path, "/socket.io/")
	setDefault(&c.Engine.MaxPayload, 1_000_000)
	setDefault(&c.Engine.QueueBytes, 4<<20)
	setDefault(&c.ConnectTimeout, 45*time.Second)
	setDefault(&c.DisconnectGrace, 10*time.Second)
	setDefault(&c.Recovery.MaxDisconnection, 2*time.Minute)
	setDefault(&c.Recovery.MaxSessions, 100_000)
	setDefault(&c.Recovery.MaxPackets, 10_000)
	setDefault(&c.Recovery.MaxBytes, 64<<20)
	setDefault(&c.Limits.Attachments, 10)
	setDefault(&c.Limits.BinaryBytes, min(4*c.Engine.MaxPayload, 8_000_000))
	setDefault(&c.Limits.BinaryTimeout, 30*time.Second)
	setDefault(&c.Limits.Depth, 64)
	setDefault(&c.Limits.Members, 100_000)
	setDefault(&c.Limits.NamespaceName, 256)
	setDefault(&c.Limits.EventName, 128)
	setDefault(&c.Limits.Namespaces, 16)
	setDefault(&c.Limits.Refusals, 3)
	setDefault(&c.Limits.DynamicNamespaces, 10_000)
	setDefault(&c.Limits.Unopened, 10_000)
	setDefault(&c.Limits.Auth, 16<<10)
	setDefault(&c.Limits.Rooms, 1_000)
	setDefault(&c.Limits.PendingAcks, 1_024)
	setDefault(&c.Limits.QueuedEvents, 64)
	if c.Adapter == nil {
		c.Adapter = func(string) Adapter { return NewMemoryAdapter() }
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Engine.Logger == nil {
		c.Engine.Logger = c.Logger
	}
	return c
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

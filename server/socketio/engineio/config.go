package engineio

import (
	"log/slog"
	"net/http"
	"slices"
	"time"
)

// Names of the transports.
const (
	Polling   = "polling"
	WebSocket = "websocket"
)

// Config holds the settings of a [Server]. The zero value is ready to use: every field has the documented default.
type Config struct {
	// PingInterval is the time from the opening, or from a pong, to the next ping. Default 25 s.
	PingInterval time.Duration
	// PingTimeout is how long a client may take to answer a ping. Default 20 s.
	PingTimeout time.Duration
	// UpgradeTimeout is how long a client may take to complete an upgrade. Default 10 s.
	UpgradeTimeout time.Duration
	// WriteTimeout bounds one write to the network. A connection that misses it is closed. Default 10 s.
	WriteTimeout time.Duration
	// ReadTimeout bounds the reading of one POST body, and of one WebSocket message from its first byte on. Default 30 s.
	ReadTimeout time.Duration
	// CloseTimeout is how long a closing WebSocket may take to flush its queue, and then to answer the close frame.
	// Default 1 s.
	CloseTimeout time.Duration

	// MaxPayload is the largest POST body and the largest WebSocket message accepted, in bytes. Default 1,000,000.
	MaxPayload int
	// EarlyPayload is the same until [Session.Trust] was called, for servers that identify a client first. 0 means
	// MaxPayload.
	EarlyPayload int
	// MaxPackets is the largest number of packets in one POST. Default 1,000.
	MaxPackets int
	// MaxFragments is the largest number of frames that one WebSocket message may be split into. Default 1,024.
	MaxFragments int
	// MaxHeaderBytes and MaxURLBytes bound a request's header and its URL. Defaults 16 KiB and 4 KiB.
	MaxHeaderBytes, MaxURLBytes int
	// MaxSessions is the largest number of sessions at a time; further handshakes get 503. 0 means no limit.
	MaxSessions int
	// MaxSessionsPerIP is the same for one client address. 0 means no limit.
	MaxSessionsPerIP int

	// QueuePackets and QueueBytes bound the outgoing queue of one session. Defaults 256 and 4 MiB. What happens beyond
	// them is said at [SendOptions].
	QueuePackets, QueueBytes int

	// Transports lists the enabled transports. nil means Polling and WebSocket.
	Transports []string
	// DisableUpgrades keeps polling sessions on polling.
	DisableUpgrades bool

	// Compress lets polling replies of 1 KiB and more go compressed by gzip to clients that accept it.
	Compress bool
	// Deflate lets WebSocket messages of 1 KiB and more go compressed to clients that offer permessage-deflate, RFC 7692, and
	// takes theirs. Each message is compressed by itself, once for all receivers. It costs processor time, and a client that
	// sends compressed messages some 40 KiB while one is read.
	Deflate bool

	// CORS says which other origins may use the server from a browser.
	CORS CORS
	// Cookie, when set, is sent with the handshake response, for load balancers that route by it.
	// Its value is the session's id if Value is empty.
	Cookie *http.Cookie

	// AllowRequest is asked before each handshake. An error refuses it with status 403, code 4 and the error's text.
	AllowRequest func(*http.Request) error
	// Busy is asked before each handshake. If it says so, the client gets 503 and may try again later.
	Busy func() bool
	// Throttle is asked before each handshake how long the client at that address has to wait. Anything above zero refuses
	// the handshake with status 429 and that time.
	Throttle func(address string) (wait time.Duration)
	// InitialHeaders may add to the response headers of a handshake, Headers to those of every response.
	InitialHeaders, Headers func(http.Header, *http.Request)
	// ClientIP returns the client's address. nil means the host of RemoteAddr; behind a proxy, pass a function that reads
	// the header which that proxy sets.
	ClientIP func(*http.Request) string
	// KeepHeaders names the request headers kept in [Request]. nil means all of them. A long list of idle sessions is
	// cheaper with a short list of headers.
	KeepHeaders []string

	// Logger receives what an operator may want to know. nil means [slog.Default].
	Logger *slog.Logger
}

// CORS is the cross-origin rule for both transports. The zero value allows every origin, without credentials.
type CORS struct {
	// Origins lists the origins allowed, such as "https://app.example.com". "*" allows all. nil means "*".
	// A listed origin is echoed and may send credentials.
	Origins []string
	// Allow, when set, decides in place of Origins. An origin that it accepts is echoed and may send credentials.
	Allow func(r *http.Request, origin string) bool
}

func (c Config) withDefaults() Config {
	setDefault(&c.PingInterval, 25*time.Second)
	setDefault(&c.PingTimeout, 20*time.Second)
	setDefault(&c.UpgradeTimeout, 10*time.Second)
	setDefault(&c.WriteTimeout, 10*time.Second)
	setDefault(&c.ReadTimeout, 30*time.Second)
	setDefault(&c.CloseTimeout, time.Second)
	setDefault(&c.MaxPayload, 1_000_000)
	setDefault(&c.EarlyPayload, c.MaxPayload)
	setDefault(&c.MaxPackets, 1_000)
	setDefault(&c.MaxFragments, 1_024)
	setDefault(&c.MaxHeaderBytes, 16<<10)
	setDefault(&c.MaxURLBytes, 4<<10)
	setDefault(&c.QueuePackets, 256)
	setDefault(&c.QueueBytes, 4<<20)
	if c.Transports == nil {
		c.Transports = []string{Polling, WebSocket}
	}
	if c.CORS.Origins == nil {
		c.CORS.Origins = []string{"*"}
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

// upgrades lists what a polling session may upgrade to.
func (c *Config) upgrades() []string {
	if c.DisableUpgrades || !slices.Contains(c.Transports, WebSocket) {
		return []string{}
	}
	return []string{WebSocket}
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

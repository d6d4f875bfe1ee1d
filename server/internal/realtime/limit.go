package realtime

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/socketio"
)

const (
	maxCallers  = 10_000 // whose rates are kept; beyond it the idle ones are forgotten
	maxRefusals = 200    // of one socket, after which it is sent away
)

// RateLimit bounds how many events the sockets of one address may send per window; with Max 0 there is no bound.
type RateLimit struct {
	Max    int
	Window time.Duration
}

// limiter counts the events of each address.
type limiter struct {
	limit RateLimit

	mu      sync.Mutex
	callers map[string]*rate.Limiter
}

// take charges an event to an address. When that is over its limit, it returns how long to wait.
func (l *limiter) take(address string, now time.Time) (wait time.Duration, ok bool) {
	if l.limit.Max <= 0 {
		return 0, true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.callers[address]
	if c == nil {
		l.forget(now)
		if l.callers == nil {
			l.callers = map[string]*rate.Limiter{}
		}
		c = rate.NewLimiter(rate.Limit(float64(l.limit.Max)/l.limit.Window.Seconds()), l.limit.Max)
		l.callers[address] = c
	}
	if c.AllowN(now, 1) {
		return 0, true
	}
	r := c.ReserveN(now, 1)
	wait = r.DelayFrom(now)
	r.CancelAt(now)
	return wait, false
}

// HandshakeWait charges a new connection to an address, apart from the events of those it has: who has said too much may still
// come back. It returns how long the address has to wait, 0 if it may connect.
func (g *Gateway) HandshakeWait(address string) time.Duration {
	wait, ok := g.handshakes.take(address, g.now())
	if ok {
		return 0
	}
	return max(wait, time.Second)
}

// forget drops the callers that have not been heard of for long enough to be as good as new, when there are too many.
func (l *limiter) forget(now time.Time) {
	if len(l.callers) < maxCallers {
		return
	}
	for address, c := range l.callers {
		if c.TokensAt(now) >= float64(l.limit.Max) {
			delete(l.callers, address)
		}
	}
}

type rateError struct {
	messageError
	RetryAfter int `json:"retryAfter"` // seconds
}

const dataRefusals = "refusals" // int: events refused since the last that passed

// charge counts an event against its sender's address. It reports false for one that must be ignored, after telling the
// sender; a socket that goes on and on is closed in a way that makes it come back later.
func (g *Gateway) charge(ev *socketio.Event, clientID, channel string) bool {
	wait, ok := g.limiter.take(ev.Socket.Handshake().Address, g.now())
	if ok {
		ev.Socket.Set(dataRefusals, 0)
		return true
	}
	refusals, _ := socketio.Value[int](ev.Socket, dataRefusals)
	ev.Socket.Set(dataRefusals, refusals+1)
	if refusals >= maxRefusals {
		ev.Socket.CloseTransport("")
		return false
	}
	e := messageError{
		Error: "Too many requests. Please try again later.", Code: string(apierr.RateLimited),
		ClientMessageID: clientID, ChannelID: channel, RoomID: channel,
	}
	emit(g, ev.Socket, "messageError", rateError{messageError: e, RetryAfter: int(wait.Seconds()) + 1})
	g.ack(ev, ackError{Error: e.Error, Code: e.Code})
	return false
}

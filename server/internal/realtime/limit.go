package realtime

import (
	"net/http"
	"time"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/socketio"
)

const maxRefusals = 200 // of one socket, after which it is disconnected

// HandshakeWait charges a new connection to an address, apart from the events of those it has: a client that sent too much may still
// come back. It returns how long the address has to wait, 0 if it may connect. One whose credentials would not be looked at
// need not connect.
func (g *Gateway) HandshakeWait(address string) time.Duration {
	if wait := g.guard.Wait(address); wait > 0 {
		g.refused(Refusal{Network: address, Status: http.StatusTooManyRequests})
		return wait
	}
	return g.handshakes.Take(address, g.now())
}

const dataRefusals = "refusals" // int: events refused since the last that passed

// charge counts an event against its sender's address. It reports false for one that must be ignored, after notifying the
// sender; a socket that does not stop is closed in a way that makes it come back later.
func (g *Gateway) charge(ev *socketio.Event, clientID, channel string) bool {
	wait := g.limiter.Take(ev.Socket.Handshake().Address, g.now())
	refusals, _ := socketio.Value[int](ev.Socket, dataRefusals)
	if wait == 0 {
		if refusals > 0 {
			ev.Socket.Set(dataRefusals, 0)
		}
		return true
	}
	ev.Socket.Set(dataRefusals, refusals+1)
	if refusals >= maxRefusals {
		ev.Socket.CloseTransport("")
		return false
	}
	g.fail(ev, api.SocketError{
		Error: "Too many requests. Please try again later.", Code: string(apierr.RateLimited),
		ClientMessageID: clientID, ChannelID: channel, RoomID: channel, RetryAfter: int(wait.Seconds()) + 1,
	})
	return false
}

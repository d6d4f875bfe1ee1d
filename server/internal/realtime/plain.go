package realtime

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"
	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/lifecycle"
)

// The plain dialect: JSON objects as text frames of an ordinary WebSocket, each with a "type". It is a second way to the
// same channels, with the same order and the same limits, for programs without a Socket.IO client.

// Bounds of a plain connection.
const (
	plainQueue     = 256     // frames that wait for a slow reader before it is cut
	plainQueued    = 4 << 20 // bytes of them
	plainChannels  = 1000    // that one connection listens to
	plainErrors    = 10      // bad frames in a row, after which the connection ends
	plainAuthTime  = 10 * time.Second
	plainPing      = 25 * time.Second
	plainPong      = 20 * time.Second
	plainWriteTime = 10 * time.Second
	plainReadTime  = 30 * time.Second // for a frame that has begun
	plainAuthLimit = 4 << 10          // bytes of the frame that brings the key
)

// plainConn is one plain connection.
type plainConn struct {
	gateway *Gateway
	id      uuid.UUID
	address string
	ws      *websocket.Conn
	ctx     context.Context // of the connection
	cancel  context.CancelFunc

	out    chan plainFrame
	queued atomic.Int64 // bytes in out
	// The following are guarded by the hub's mutex.
	admitted bool // it has shown what it needs to show
	joined   map[uuid.UUID]struct{}

	actions sync.WaitGroup // that are followed to their end

	// shed holds the replies of which a piece was left out. It belongs to the delivery.
	shed map[uuid.UUID]struct{}

	came auth.Identity // stays as it was when the connection was admitted, before it took a name

	// The following belong to the reading goroutine.
	who       auth.Identity
	anonymous bool // the entity was made up by us
	errors    int  // in a row
}

// PlainHandler serves the plain dialect on requests that ask for a WebSocket. allow says whether a request comes from a
// page that may connect; address returns the caller's address.
func (g *Gateway) PlainHandler(allow func(*http.Request) bool, address func(*http.Request) string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !allow(r) {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		if wait := g.HandshakeWait(address(r)); wait > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true}) // allow has decided
		if err != nil {
			return // Accept has answered
		}
		ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
		c := &plainConn{
			gateway: g, id: uuid.New(), address: address(r), ws: ws, ctx: ctx, cancel: cancel,
			out: make(chan plainFrame, plainQueue), joined: map[uuid.UUID]struct{}{},
		}
		if !g.plain.enter(c) {
			cancel()
			_ = ws.Close(websocket.StatusGoingAway, "server shutting down")
			return
		}
		defer g.plain.leave(c)
		c.serve(r)
	})
}

// IsPlainUpgrade reports whether a request asks for a WebSocket that is none of Socket.IO's.
func IsPlainUpgrade(r *http.Request) bool {
	return strings.EqualFold(r.Header.Get("Upgrade"), "websocket") && !r.URL.Query().Has("EIO")
}

// serve reads frames until the connection ends.
func (c *plainConn) serve(r *http.Request) {
	defer func() { _ = c.ws.CloseNow() }() // if it is still open
	var helpers sync.WaitGroup
	for _, help := range []func(){c.write, c.beat} {
		helpers.Go(func() {
			defer c.cancel() // without either, the connection is of no use
			defer lifecycle.Contain(c.gateway.log, "the writing to a socket")
			help()
		})
	}
	defer helpers.Wait()
	defer c.actions.Wait()
	if !c.authenticate(r) {
		return // the writer ends the connection
	}
	defer c.cancel()
	c.sendIdentity()
	c.gateway.plain.admit(c)
	who := c.who
	defer c.gateway.guard.Watch(who, func() { c.refuse(endOf(who), "UNAUTHORIZED") })()
	for {
		frame, err := c.read(c.ctx)
		if err != nil {
			return
		}
		if c.handle(frame) {
			c.errors = 0
		} else if c.errors++; c.errors >= plainErrors {
			c.end(websocket.StatusPolicyViolation, "too many errors")
			<-c.ctx.Done()
			return
		}
	}
}

// sendIdentity sends the client its identity.
func (c *plainConn) sendIdentity() {
	entity := c.who.Entity()
	c.send(api.PlainStatus{
		Type: api.PlainStatusTypeStatus, Status: api.PlainStatusStatusConnected, ConnectionID: &c.id, EntityID: &entity,
	})
}

// read returns the next frame, nil for one that is no JSON object.
func (c *plainConn) read(ctx context.Context) (object, error) {
	kind, reader, err := c.ws.Reader(ctx)
	if err != nil {
		return nil, err
	}
	slow := time.AfterFunc(plainReadTime, c.cancel)
	data, err := io.ReadAll(reader)
	slow.Stop()
	if err != nil {
		return nil, err
	}
	if kind == websocket.MessageText && !utf8.Valid(data) {
		c.end(websocket.StatusInvalidFramePayloadData, "not UTF-8")
		<-c.ctx.Done()
		return nil, context.Cause(c.ctx)
	}
	if kind != websocket.MessageText || !json.Valid(data) {
		return nil, nil // handle says what is wrong
	}
	return fields(bytes.TrimSpace(c.gateway.files.Taken(data, c.who.SeesAgents()))), nil
}

// authenticate identifies the connection: by the request's headers and query, or by a first frame of type "auth", which
// is what browsers can send.
func (c *plainConn) authenticate(r *http.Request) bool {
	query := r.URL.Query()
	shown, entity := auth.Credentials{}.Or(query.Get("apiKey"), query.Get("token")), query.Get("entityId")
	inHeader := auth.CredentialsIn(r.Header)
	shown = shown.Or(inHeader.Key, inHeader.Token)
	if entity == "" {
		entity = r.Header.Get(auth.HeaderEntityID)
	}
	if c.gateway.guard.Required() && !shown.Any() {
		c.ws.SetReadLimit(plainAuthLimit)
		timer := time.AfterFunc(plainAuthTime, func() {
			defer lifecycle.Contain(c.gateway.log, "the refusal of a socket")
			c.refuse(refusedKey, "UNAUTHORIZED")
		})
		frame, err := c.read(c.ctx)
		timer.Stop()
		if err != nil {
			c.cancel()
			return false
		}
		if frame.text("type") == string(api.PlainAuthTypeAuth) {
			shown = shown.Or(frame.text("apiKey"), frame.text("token"))
			if named := frame.text("entityId"); named != "" {
				entity = named
			}
		}
	}
	who, err := c.gateway.guard.Admit(c.ctx, c.address, shown)
	if err != nil {
		c.gateway.noteRefusal(c.address, err)
		return c.refuseKey(err)
	}
	if who.Scopes().Require(auth.ScopeChat) != nil {
		c.gateway.refused(Refusal{c.address, who, http.StatusForbidden})
		return c.refuse(refusedScope, "FORBIDDEN")
	}
	c.who, c.came = who, who
	c.ws.SetReadLimit(c.gateway.maxPayload)
	if who.Proven() {
		return true
	}
	if entity == "" && !c.gateway.requireEntity {
		c.who, c.anonymous = who.Named(uuid.New()), true
		return true
	}
	id, err := auth.ParseID(entity)
	if err != nil {
		return c.refuse(refusedEntity, "ENTITY_ID_REQUIRED")
	}
	c.who = who.Named(id)
	return true
}

// refuseKey says why a key was not accepted.
func (c *plainConn) refuseKey(err error) bool {
	if errors.Is(err, auth.ErrRefused) {
		return c.refuse(refusalOf(err), "UNAUTHORIZED")
	}
	blocked, ok := errors.AsType[*auth.BlockedError](err)
	if !ok {
		c.refuseWith(err, "")
		c.end(websocket.StatusTryAgainLater, "try again later")
		return false
	}
	e := blocked.Public()
	c.send(api.PlainError{Type: api.PlainErrorTypeError, Error: e.Message, Code: string(e.Code), RetryAfter: blocked.RetryAfter()})
	c.end(websocket.StatusTryAgainLater, "too many wrong credentials")
	return false
}

func (c *plainConn) refuse(message, code string) bool {
	c.send(api.PlainError{Type: api.PlainErrorTypeError, Error: message, Code: code})
	c.end(websocket.StatusPolicyViolation, message)
	return false
}

// plainFrame is what waits to be written: data, or the end.
type plainFrame struct {
	data   []byte
	end    websocket.StatusCode // 0: this is data
	reason string
}

// send queues a payload.
func (c *plainConn) send(payload any) {
	raw, err := json.Marshal(payload)
	if err != nil {
		c.gateway.log.Error("frame not encoded", "error", err)
		return
	}
	c.queue(plainFrame{data: raw})
}

// end closes the connection after what is queued was sent.
func (c *plainConn) end(status websocket.StatusCode, reason string) {
	c.queue(plainFrame{end: status, reason: reason})
}

// queue never waits. A reader that is too slow for its queue is cut, and comes back when it can. One frame is taken however
// large it is.
func (c *plainConn) queue(f plainFrame) {
	size := int64(len(f.data))
	full := c.queued.Add(size) > max(plainQueued, size)
	select {
	case <-c.ctx.Done():
		return
	default:
	}
	if !full {
		select {
		case c.out <- f:
		default:
			full = true
		}
	}
	if full {
		c.gateway.log.Debug("slow plain connection cut", "address", c.address)
		c.cancel()
	}
}

// write sends what is queued until the connection ends.
func (c *plainConn) write() {
	defer c.cancel()
	for {
		select {
		case f := <-c.out:
			c.queued.Add(-int64(len(f.data)))
			if f.end != 0 {
				_ = c.ws.Close(f.end, f.reason) // the other side may be gone already
				return
			}
			ctx, cancel := context.WithTimeout(context.Background(), plainWriteTime)
			err := c.ws.Write(ctx, websocket.MessageText, f.data)
			cancel()
			if err != nil {
				return
			}
		case <-c.ctx.Done():
			_ = c.ws.CloseNow()
			return
		}
	}
}

// beat finds out when the other side is gone.
func (c *plainConn) beat() {
	tick := time.NewTicker(plainPing)
	defer tick.Stop()
	for {
		select {
		case <-c.ctx.Done():
			return
		case <-tick.C:
		}
		ctx, cancel := context.WithTimeout(c.ctx, plainPong)
		err := c.ws.Ping(ctx)
		cancel()
		if err != nil && !errors.Is(err, context.Canceled) {
			c.cancel()
			return
		}
	}
}

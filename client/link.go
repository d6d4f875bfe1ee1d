package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/socketio/parser"
)

const (
	handshakeTimeout = 20 * time.Second
	writeTimeout     = 10 * time.Second
)

// Packets of Engine.IO, protocol 4. A Socket.IO packet is the rest of a message.
const (
	engineOpen    = '0'
	engineClose   = '1'
	enginePing    = '2'
	enginePong    = "3"
	engineMessage = '4'
)

// errLost says that the connection ended before the acknowledgement. The caller may ask again on the next one.
var errLost = errors.New("the connection was lost")

// link is one connection to the server: Socket.IO, main namespace, on a WebSocket. serve reads it, any goroutine may write.
type link struct {
	ws         *websocket.Conn
	silence    time.Duration   // after which the server is considered gone
	maxPayload int             // bytes that the server takes at once; 0: unknown
	refused    json.RawMessage // the latest messageError, which says more than the acknowledgement behind it; the reader's own

	mu      sync.Mutex
	lastID  uint64
	pending map[uint64]func(answer json.RawMessage, err error) // calls that wait for their acknowledgement; nil when the link has ended
}

// connect opens a link and presents the client. A refusal is an *Error.
func (c *Client) connect(ctx context.Context) (*link, error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	header := http.Header{"User-Agent": {userAgent}}
	if c.apiKey != "" {
		header.Set(headerKey, c.apiKey)
	}
	address := c.base.JoinPath("socket.io/")
	address.RawQuery = "EIO=4&transport=websocket"
	ws, resp, err := websocket.Dial(ctx, address.String(), &websocket.DialOptions{HTTPClient: c.http, HTTPHeader: header})
	if err != nil {
		if resp == nil || resp.StatusCode < http.StatusBadRequest {
			return nil, err
		}
		body, _ := io.ReadAll(resp.Body) // the library has read and bounded it
		return nil, errorOf(resp, body)
	}
	ws.SetReadLimit(maxAnswer)
	l := &link{ws: ws, silence: handshakeTimeout, pending: map[uint64]func(json.RawMessage, error){}}
	if err := l.handshake(ctx, c); err != nil {
		_ = ws.CloseNow()
		return nil, err
	}
	return l, nil
}

// handshake opens the engine's session and then the namespace.
func (l *link) handshake(ctx context.Context, c *Client) error {
	opened, err := l.read(ctx)
	if err != nil {
		return err
	}
	var terms struct {
		PingInterval int64 // milliseconds
		PingTimeout  int64
		MaxPayload   int
	}
	if opened[0] != engineOpen || json.Unmarshal(opened[1:], &terms) != nil || terms.PingInterval <= 0 {
		return errors.New("the server does not speak Socket.IO")
	}
	l.silence = time.Duration(terms.PingInterval+terms.PingTimeout) * time.Millisecond
	l.maxPayload = terms.MaxPayload
	proof := map[string]string{"entityId": c.entity.String(), "apiKey": c.apiKey}
	if c.token != nil {
		if proof["token"], err = c.token(ctx); err != nil {
			return fmt.Errorf("client: getting a token: %w", err)
		}
	}
	auth, err := parser.MarshalObject(proof)
	if err != nil {
		return err
	}
	if err := l.write(parser.Packet{Type: parser.Connect, Data: auth}); err != nil {
		return err
	}
	for {
		p, err := l.next(ctx)
		if err != nil {
			return err
		}
		switch p.Type {
		case parser.Connect:
			return nil
		case parser.ConnectError:
			return refusalOf(p.Data)
		}
	}
}

// refusalOf reads the payload of a connect_error.
func refusalOf(payload json.RawMessage) error {
	var refusal struct {
		Message string
		Data    struct{ Code apierr.Code }
	}
	if err := json.Unmarshal(payload, &refusal); err != nil {
		return fmt.Errorf("reading the refusal: %w", err)
	}
	return &Error{Code: refusal.Data.Code, Message: refusal.Message}
}

// serve reads until the link breaks, and gives events to on. Then end must follow.
func (l *link) serve(ctx context.Context, on func(event string, payload json.RawMessage)) error {
	for {
		p, err := l.next(ctx)
		if err != nil {
			return err
		}
		if p.Type != parser.Event && p.Type != parser.Ack {
			continue // the server sends no binary data
		}
		args, err := p.Args(parser.Limits{})
		if err != nil {
			return err
		}
		if p.Type == parser.Ack {
			l.acknowledged(p.ID, first(args))
			continue
		}
		if len(args) == 0 {
			return parser.ErrMalformed
		}
		name, err := parser.EventName(args[0])
		if err != nil {
			return err
		}
		if name == "messageError" {
			l.refused = first(args[1:])
			continue
		}
		on(name, first(args[1:]))
	}
}

func first(args []json.RawMessage) json.RawMessage {
	if len(args) == 0 {
		return nil
	}
	return args[0]
}

// errServerClosed says that the server has ended the connection, as it does before it stops.
var errServerClosed = errors.New("the server has ended the connection")

// next returns the next packet of Socket.IO and answers heartbeats on the way.
func (l *link) next(ctx context.Context) (parser.Packet, error) {
	for {
		frame, err := l.read(ctx)
		if err != nil {
			return parser.Packet{}, err
		}
		switch frame[0] {
		case enginePing:
			if err := l.send([]byte(enginePong)); err != nil {
				return parser.Packet{}, err
			}
		case engineClose:
			return parser.Packet{}, errServerClosed
		case engineMessage:
			p, err := parser.Decode(frame[1:], parser.Limits{})
			switch {
			case err != nil:
				return p, err
			case p.Namespace != parser.MainNamespace:
				continue
			case p.Type == parser.Disconnect:
				return p, errServerClosed
			}
			return p, nil
		}
	}
}

// read returns the next text frame, which is not empty.
func (l *link) read(ctx context.Context) ([]byte, error) {
	for {
		limited, cancel := context.WithTimeoutCause(ctx, l.silence, errSilent)
		kind, frame, err := l.ws.Read(limited)
		cause := context.Cause(limited)
		cancel()
		if err != nil && cause != nil {
			return nil, cause
		} else if err != nil {
			return nil, err
		}
		if kind == websocket.MessageText && len(frame) > 0 {
			return frame, nil
		}
	}
}

// call sends an event. If it returns nil, done is called once: with the acknowledgement, by the reader and between two packets,
// so it must not wait for anything; with the refusal, an *Error; or with errLost.
func (l *link) call(event string, payload any, done func(answer json.RawMessage, err error)) error {
	p := parser.Packet{Type: parser.Event, HasID: true}
	data, _, err := parser.AppendEvent(nil, event, []any{payload})
	if err != nil {
		return fmt.Errorf("encoding the event %s: %w", event, err)
	}
	p.Data = data
	if l.maxPayload > 0 && len(data) > l.maxPayload-len("42")-len("9007199254740991") {
		return &Error{Code: apierr.TooLarge, Message: "The message is larger than " + strconv.Itoa(l.maxPayload) + " bytes"}
	}
	l.mu.Lock()
	if l.pending == nil {
		l.mu.Unlock()
		return errLost
	}
	l.lastID++
	p.ID = l.lastID
	l.pending[p.ID] = done
	l.mu.Unlock()
	_ = l.write(p) // if that fails the link ends, and done gets the error
	return nil
}

// ask is call for callers that can wait.
func (l *link) ask(ctx context.Context, event string, payload any) (json.RawMessage, error) {
	type result struct {
		answer json.RawMessage
		err    error
	}
	came := make(chan result, 1)
	if err := l.call(event, payload, func(answer json.RawMessage, err error) { came <- result{answer, err} }); err != nil {
		return nil, err
	}
	select {
	case r := <-came:
		return r.answer, r.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (l *link) forget(id uint64) (done func(json.RawMessage, error)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	done = l.pending[id]
	delete(l.pending, id)
	return done
}

// acknowledged gives an acknowledgement to the caller that waits for it; a refusal as an *Error.
func (l *link) acknowledged(id uint64, answer json.RawMessage) {
	done := l.forget(id)
	if done == nil {
		return
	}
	var verdict api.SocketRefusal // of which a confirmation has success alone
	if err := json.Unmarshal(answer, &verdict); err != nil {
		done(nil, fmt.Errorf("reading the answer: %w", err))
		return
	}
	if verdict.Success {
		done(answer, nil)
		return
	}
	refusal := &Error{Code: apierr.Code(verdict.Code), Message: verdict.Error}
	var more api.SocketError
	if json.Unmarshal(l.refused, &more) == nil && more.Code == verdict.Code && more.Error == verdict.Error {
		refusal.Details, refusal.RetryAfter = more.Details, time.Duration(more.RetryAfter)*time.Second
	}
	l.refused = nil
	done(nil, refusal)
}

// end fails all calls that wait.
func (l *link) end() {
	_ = l.ws.CloseNow()
	l.mu.Lock()
	waiting := l.pending
	l.pending = nil
	l.mu.Unlock()
	for _, done := range waiting {
		done(nil, errLost)
	}
}

// leave disconnects as the protocol says, so that the server does not keep the session for a recovery.
func (l *link) leave() {
	_ = l.write(parser.Packet{Type: parser.Disconnect})
	_ = l.ws.Close(websocket.StatusNormalClosure, "")
}

func (l *link) write(p parser.Packet) error { return l.send(p.Append([]byte{engineMessage})) }

// send writes a frame. One that can't be written breaks the link, as it is unknown how much of it was sent.
func (l *link) send(frame []byte) error {
	ctx, cancel := context.WithTimeout(context.Background(), writeTimeout)
	defer cancel()
	err := l.ws.Write(ctx, websocket.MessageText, frame)
	if err != nil {
		_ = l.ws.CloseNow()
	}
	return err
}

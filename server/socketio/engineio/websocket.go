package engineio

import (
	"context"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"runtime/debug"
	"unicode/utf8"

	"github.com/coder/websocket"

	"github.com/elizad/elizad/server/socketio/engineio/packet"
)

// Status codes of close frames, RFC 6455 §7.4.1. 0 stands for none.
const (
	statusNormal    = 1000
	statusGoingAway = 1001
	statusNotUTF8   = 1007
	statusTooBig    = 1009
)

const (
	// maxBatch and maxBatchBytes bound what is written to a WebSocket at once.
	maxBatch      = 64
	maxBatchBytes = 256 << 10

	// maxControl bounds a packet of the engine itself. The longest is a ping with a probe.
	maxControl = 64

	// frameOverhead is the largest header of a client's frame.
	frameOverhead = 14
)

var (
	errMessageTooBig    = errors.New("message exceeds the payload limit")
	errNotUTF8          = errors.New("text message is not valid UTF-8")
	errTooManyFragments = errors.New("message has too many fragments")
	errNotControl       = errors.New("unexpected message during an upgrade")
)

// webSocket is a WebSocket connection. Reading, and the answers to pings and close frames, are the library's; data is
// written by us, as whole frames that are shared among connections. See [wsConn] for how the two go together.
type webSocket struct {
	*wsConn
	lib    *websocket.Conn
	server *Server

	// The message that is being read, and whether it is binary. Used by the reading goroutine only.
	reader io.Reader
	binary bool
}

// accept answers an upgrade request. On failure it has written the response.
func (s *Server) accept(w http.ResponseWriter, r *http.Request) (*webSocket, error) {
	hijacker := &hijacker{ResponseWriter: w, writeTimeout: s.cfg.WriteTimeout, arrivals: &s.arrivals}
	compression := websocket.CompressionDisabled
	if s.cfg.Deflate {
		compression = websocket.CompressionNoContextTakeover
	}
	lib, err := websocket.Accept(hijacker, r, &websocket.AcceptOptions{
		InsecureSkipVerify: true, // our own rule was applied before, see CORS
		CompressionMode:    compression,
	})
	if err != nil {
		return nil, err
	}
	if w.Header().Get("Sec-WebSocket-Extensions") != "" { // the client takes it
		hijacker.conn.deflaters = &s.deflaters
	}
	lib.SetReadLimit(-1) // we count ourselves, as the library would send a reason that clients do not expect
	return &webSocket{wsConn: hijacker.conn, lib: lib, server: s}, nil
}

// write writes frames as one.
func (ws *webSocket) write(frames []*Frame) error {
	n, err := ws.writeFrames(frames)
	ws.server.stats.sent(len(frames), int(n))
	return err
}

// finish writes what an attempt has left.
func (ws *webSocket) finish(rest []byte) error {
	n, err := ws.writeRest(rest)
	ws.server.stats.sent(0, n)
	return err
}

// next waits for the beginning of a message.
func (ws *webSocket) next() error {
	kind, reader, err := ws.lib.Reader(context.Background())
	ws.reader, ws.binary = reader, kind == websocket.MessageBinary
	return err
}

// read reads the message that next has found into buf, up to limit.
func (ws *webSocket) read(buf *[]byte, limit int, onProgress func()) error {
	cfg := &ws.server.cfg
	ws.beginMessage(cfg.ReadTimeout, limit+frameOverhead*cfg.MaxFragments, onProgress)
	defer ws.endMessage()
	for fragments := 0; ; {
		if len(*buf) == cap(*buf) {
			*buf = append(*buf, 0)[:len(*buf)]
		}
		space := (*buf)[len(*buf):min(cap(*buf), limit+1)]
		n, err := ws.reader.Read(space)
		*buf = (*buf)[:len(*buf)+n]
		if n < len(space) {
			fragments++ // the library reads on until the end of a frame
		}
		switch {
		case len(*buf) > limit:
			return errMessageTooBig
		case fragments > cfg.MaxFragments+1: // the end of the message counts too
			return errTooManyFragments
		case err == io.EOF:
			ws.reader = nil
			if !ws.binary && !utf8.Valid(*buf) {
				return errNotUTF8
			}
			return nil
		case err != nil:
			return err
		}
	}
}

// readControl reads a packet that has to be one of the engine itself.
func (ws *webSocket) readControl() (packet.Packet, error) {
	if err := ws.next(); err != nil {
		return packet.Packet{}, err
	}
	buf := ws.server.getBuffer()
	defer ws.server.putBuffer(buf)
	if err := ws.read(buf, maxControl, func() {}); err != nil {
		return packet.Packet{}, err
	}
	p, err := packet.Decode(*buf)
	switch {
	case err != nil:
		return packet.Packet{}, err
	case ws.binary || p.Type == packet.Message || len(p.Data) > len("probe"):
		return packet.Packet{}, errNotControl
	}
	p.Data = append([]byte(nil), p.Data...)
	return p, nil
}

// drain reads and forgets until the client has answered the close frame or its time is up. Without it the connection would
// be reset with unread data, and the client might never see the close frame.
func (ws *webSocket) drain() {
	for {
		if ws.reader != nil {
			if _, err := io.Copy(io.Discard, ws.reader); err != nil {
				return
			}
		}
		if ws.next() != nil {
			return
		}
	}
}

// release frees what the library holds. The reading goroutine calls it last.
func (ws *webSocket) release() {
	// An error means that the connection was closed before.
	_ = ws.lib.CloseNow()
}

// serveWebSocket runs a session's WebSocket after the opening: one goroutine that reads.
func (s *Session) serveWebSocket(ws *webSocket) {
	defer s.server.contain("a session")
	defer ws.release()
	s.readLoop(ws)
}

// readLoop reads packets until the connection ends, and with it the session.
func (s *Session) readLoop(ws *webSocket) {
	defer func() {
		if v := recover(); v != nil {
			s.server.cfg.Logger.Error("engineio: panic in a message handler", "session", s.LogID(), "panic", v,
				"stack", string(debug.Stack()))
			s.end(ending{reason: ReasonTransportError, cut: true})
		}
		s.mu.Lock()
		s.state = closed
		s.mu.Unlock()
		s.server.remove(s)
	}()
	for {
		more, err := s.readMessage(ws)
		if err != nil {
			s.end(endingOf(err))
		}
		if err != nil || !more {
			if !errors.Is(err, errTooManyFragments) { // after which it is unknown where a frame begins
				ws.drain()
			}
			ws.writeClose(s.ending.code) // unless the writer has, or the client was first
			s.end(ending{reason: ReasonTransportClose, cut: true})
			return
		}
	}
}

// readMessage reads and handles one message and reports whether to go on.
func (s *Session) readMessage(ws *webSocket) (more bool, err error) {
	if err := ws.next(); err != nil {
		return false, err
	}
	buf := s.server.getBuffer()
	defer s.server.putBuffer(buf)
	if err := ws.read(buf, s.maxPayload(), s.touch); err != nil {
		return false, err
	}
	if ws.binary {
		return s.deliver(*buf, true), nil
	}
	p, err := packet.Decode(*buf)
	if err != nil {
		return false, err
	}
	return s.receive(p), nil
}

// endingOf says how a session ends whose connection could not be read.
func endingOf(err error) ending {
	switch {
	case errors.Is(err, errMessageTooBig):
		return ending{reason: ReasonTransportError, code: statusTooBig}
	case errors.Is(err, errNotUTF8):
		return ending{reason: ReasonParseError, code: statusNotUTF8}
	case errors.Is(err, packet.ErrMalformed), errors.Is(err, errTooManyFragments):
		return ending{reason: ReasonParseError}
	case websocket.CloseStatus(err) != -1, errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return ending{reason: ReasonTransportClose, cut: true}
	default:
		return ending{reason: ReasonTransportError, cut: true}
	}
}

// writeLoop writes the rest of a frame and what is queued, and ends when there is nothing more. After the end of the session
// it says goodbye.
func (s *Session) writeLoop(ws *webSocket, rest []byte) {
	if len(rest) > 0 {
		if err := ws.finish(rest); err != nil {
			s.end(ending{reason: ReasonTransportError, cut: true})
			return
		}
	}
	var store [maxBatch]*Frame
	for {
		s.mu.Lock()
		batch := s.take(store[:0], maxBatchBytes, math.MaxInt)
		if len(batch) == 0 {
			over := s.state != open
			s.writing = over // no other writer will start after the close frame
			s.alone = over
			code := s.ending.code
			s.mu.Unlock()
			if over {
				ws.closeWithin(s.server.cfg.CloseTimeout)
				ws.writeClose(code)
			}
			return
		}
		s.mu.Unlock()
		if err := ws.write(batch); err != nil {
			s.end(ending{reason: ReasonTransportError, cut: true})
			return
		}
		clear(batch)
	}
}

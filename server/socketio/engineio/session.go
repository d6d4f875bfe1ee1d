package engineio

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/elizad/elizad/server/socketio/engineio/packet"
)

// Handler receives what happens on one session. Its methods are called without any lock held.
type Handler interface {
	// OnMessage is called with each message, in order, one at a time. data is valid during the call only. While OnMessage
	// blocks, nothing more is read from the connection and its heartbeat is suspended; it must return soon after OnClose
	// was called.
	OnMessage(data []byte, binary bool)
	// OnClose is called exactly once, with one of the Reason constants or the reason given to Close or Abort. An OnMessage
	// that has begun before may still be under way.
	OnClose(reason string)
}

// Reasons of the end of a session.
const (
	ReasonPingTimeout    = "ping timeout"
	ReasonTransportClose = "transport close"
	ReasonTransportError = "transport error"
	ReasonParseError     = "parse error"
	ReasonForcedClose    = "forced close"
	ReasonShutdown       = "server shutting down"
)

// state is how far a session has come. It only ever grows.
type state int8

const (
	opening state = iota // the upper layer does not know of it yet
	open
	closing // the upper layer knows of the end; the transport has something left to send
	closed
)

// Session is one client's connection, whatever transport carries it. Its methods may be called from any goroutine and
// never block.
type Session struct {
	id      string
	server  *Server
	request *Request
	handler Handler // set before the state is open

	transport atomic.Pointer[string]

	mu        sync.Mutex // guards what follows
	state     state
	heartbeat heartbeat

	queue      queue
	overflowed bool          // nothing more is taken, and the session is about to end
	trusted    atomic.Bool   // what it sends may be as large as MaxPayload
	control    []*Frame      // sent before the queue, so that a backlog cannot delay a ping past the client's time-out
	drained    chan struct{} // closed when the queue is no longer more than half full; nil if no caller waits for that

	poll      *poll         // the held GET
	posting   chan struct{} // while a POST is handled; closed at its end
	lingering *time.Timer   // while a closed polling session waits for its last GET

	ws      *webSocket // the current transport, nil on polling
	writing bool       // a writer runs on ws, or it is in line for one
	alone   bool       // the writer is a goroutine of the session's own
	handed  *Frame     // what the writer writes next, before the queue
	upgrade *upgrade   // while a WebSocket tries to take over

	ending ending // how it ends, once it does
}

// ending says how a session ends.
type ending struct {
	reason string
	flush  bool   // send what is queued before
	cut    bool   // the WebSocket is beyond use
	code   int    // the status in the close frame of a WebSocket; 0 for none
	final  string // the answer to a held poll when nothing is queued; empty for a close packet
}

func newSession(server *Server, id string, request *Request, transport string) *Session {
	s := &Session{id: id, server: server, request: request}
	s.transport.Store(&transport)
	return s
}

// ID returns the session's id. It is the secret of a polling session: never show it to another client, nor log it.
func (s *Session) ID() string { return s.id }

// LogID returns a short hash of the id, for logs.
func (s *Session) LogID() string {
	sum := sha256.Sum256([]byte(s.id))
	return hex.EncodeToString(sum[:4])
}

// Request returns what is kept of the request that opened the session.
func (s *Session) Request() *Request { return s.request }

// Transport returns the name of the current transport.
func (s *Session) Transport() string { return *s.transport.Load() }

// Trust lets the client send what is as large as Config.MaxPayload from now on.
func (s *Session) Trust() { s.trusted.Store(true) }

// maxPayload returns how large a message may be.
func (s *Session) maxPayload() int {
	if s.trusted.Load() {
		return s.server.cfg.MaxPayload
	}
	return s.server.cfg.EarlyPayload
}

// Backlog returns how many frames and bytes wait to be sent. Producers of streams may slow down by it.
func (s *Session) Backlog() (frames, bytes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	frames, bytes = len(s.queue.entries), s.queue.bytes
	if s.handed != nil {
		return frames + 1, bytes + s.handed.Size()
	}
	return frames, bytes
}

// Drained returns nil if the queue is at most half full. Otherwise it returns a channel that is closed when that is so again, or
// when the session has ended. A handler can wait for it before it answers the client, so that a client that sends a lot does
// not overflow with the answers; it should not wait for ever, as the client may never read.
func (s *Session) Drained() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state > open || !s.congested() {
		return nil
	}
	if s.drained == nil {
		s.drained = make(chan struct{})
	}
	return s.drained
}

// congested reports whether the queue is more than half full. s.mu is held.
func (s *Session) congested() bool {
	return len(s.queue.entries) > s.server.cfg.QueuePackets/2 || s.queue.bytes > s.server.cfg.QueueBytes/2
}

// signalDrained wakes those that wait until the queue is no longer more than half full. s.mu is held.
func (s *Session) signalDrained() {
	if s.drained != nil {
		close(s.drained)
		s.drained = nil
	}
}

// Send queues a frame and reports whether it did: not on a session that has ended, and not if opts let it be dropped.
// Frames are sent in the order of the calls.
func (s *Session) Send(f *Frame, opts SendOptions) bool {
	cfg, stats := &s.server.cfg, &s.server.stats
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state > open || s.overflowed {
		return false
	}
	if opts.Volatile && !s.writable() {
		stats.dropped.Add(1)
		return false
	}
	if !s.writing && s.ws != nil && s.ws.raw != nil && s.writable() && len(s.control) == 0 && len(s.queue.shed) == 0 {
		s.handed, s.writing = f, true // there is nothing that it has to be queued behind
		s.server.writers.add(s)
		return true
	}
	switch s.queue.push(f, opts, cfg.QueuePackets, cfg.QueueBytes) {
	case queued:
		s.flush()
		if s.writing && !s.alone {
			s.server.writers.held(len(s.queue.entries), s.queue.bytes)
		}
		return true
	case dropped:
		stats.dropped.Add(1)
		return false
	default:
		stats.slowConsumers.Add(1)
		s.overflowed = true
		s.endLater(ending{reason: ReasonTransportClose})
		return false
	}
}

// Close ends the session after its queue was sent. The handler is notified at once, with the given reason; empty means
// ReasonForcedClose.
func (s *Session) Close(reason string) {
	if reason == "" {
		reason = ReasonForcedClose
	}
	s.end(ending{reason: reason, flush: true, code: statusNormal})
}

// Abort ends the session without sending its queue, as is right for a client that broke the protocol.
func (s *Session) Abort(reason string) { s.end(ending{reason: reason}) }

// attach gives the session the WebSocket that it begins on. The server may be shutting down and know the session already.
func (s *Session) attach(ws *webSocket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ws = ws
}

// start opens the session: from now on the handler is notified of its end.
func (s *Session) start(handler Handler) {
	s.mu.Lock()
	s.handler = handler
	s.state = open
	early := s.ending
	if s.ws != nil {
		s.control = append(s.control, newFrame(packet.Open, s.handshake(WebSocket), nil))
	}
	s.heartbeat.start(s)
	s.flush()
	s.mu.Unlock()
	if early.reason != "" {
		s.end(early)
	}
}

// receive handles one packet from the client and reports whether to go on with the next.
func (s *Session) receive(p packet.Packet) bool {
	switch p.Type {
	case packet.Message:
		return s.deliver(p.Data, p.Binary)
	case packet.Pong:
		s.mu.Lock()
		s.heartbeat.pong(&s.server.cfg)
		s.mu.Unlock()
	case packet.Close:
		s.end(ending{reason: ReasonTransportClose, final: "6"})
		return false
	case packet.Noop, packet.Upgrade:
	default:
		s.end(ending{reason: ReasonParseError})
		return false
	}
	return true
}

// deliver hands a message to the handler and reports whether the session is still open after that.
func (s *Session) deliver(data []byte, binary bool) bool {
	s.mu.Lock()
	if s.state != open {
		s.mu.Unlock()
		return false
	}
	s.heartbeat.delivering = true
	s.mu.Unlock()

	s.server.stats.received(len(data))
	s.handler.OnMessage(data, binary)

	s.mu.Lock()
	defer s.mu.Unlock()
	s.heartbeat.delivering = false
	s.heartbeat.alive = time.Now()
	return s.state == open
}

// touch notes that the client is alive though it did not complete a message yet.
func (s *Session) touch() {
	s.mu.Lock()
	s.heartbeat.alive = time.Now()
	s.mu.Unlock()
}

// writable reports whether a frame would be written at once. s.mu is held.
func (s *Session) writable() bool {
	return s.state == open && s.queue.empty() && s.handed == nil && s.upgrade == nil && (s.ws != nil || s.poll != nil)
}

// flush makes the transport send what is queued. s.mu is held.
func (s *Session) flush() {
	if s.state == opening || s.state == open && len(s.control) == 0 && s.queue.empty() {
		return
	}
	switch {
	case s.ws != nil && !s.writing:
		s.writing = true
		s.server.writers.add(s)
	case s.ws == nil && s.poll != nil:
		s.poll.release(nil)
	}
}

// sendControl queues a packet of the engine itself. s.mu is held.
func (s *Session) sendControl(f *Frame) {
	s.control = append(s.control, f)
	s.flush()
}

// take moves what is to be sent next to dst: at most maxPackets packets, which must leave room for those of the engine. s.mu
// is held.
func (s *Session) take(dst []*Frame, maxBytes, maxPackets int) []*Frame {
	dst = append(dst, s.control...)
	maxPackets -= len(s.control)
	s.control = nil
	dst = s.queue.take(dst, maxBytes, maxPackets)
	if !s.congested() {
		s.signalDrained()
	}
	return dst
}

// end is the one way in which a session ends, whatever the cause. The first call decides how.
func (s *Session) end(how ending) {
	s.mu.Lock()
	if s.state != open {
		if s.state == opening && s.ending.reason == "" {
			s.ending = how // start will do it
		}
		ws := s.ws
		s.mu.Unlock()
		if how.cut && ws != nil {
			ws.cut()
		}
		return
	}
	s.state = closing
	s.ending = how
	s.heartbeat.stop()
	s.signalDrained()
	if !how.flush {
		s.queue.clear()
		s.control = nil
	}
	finished := s.closeTransport()
	ws := s.ws
	s.mu.Unlock()

	if how.cut && ws != nil {
		ws.cut()
	}
	s.server.stats.closed(how.reason)
	s.handler.OnClose(how.reason)
	if finished {
		s.server.remove(s)
	}
}

// closeTransport begins to close what carries the session, and reports whether that needs nothing more. s.mu is held.
func (s *Session) closeTransport() (finished bool) {
	if s.ws != nil {
		// The writer sends the queue and the close frame, the client answers it, and the reader removes the session.
		s.ws.closeWithin(s.server.cfg.CloseTimeout)
		s.flush()
		return false
	}
	keep, last := s.ending.flush || s.ending.final != "", false
	if s.poll != nil {
		var payload []byte
		payload, last = s.lastPayload("1")
		s.poll.release(payload)
		s.poll = nil
	}
	if keep && !last {
		// The client's next GET, or the upgrade that is under way, gets the rest.
		if s.queue.empty() {
			s.abandonUpgrade()
		}
		s.lingering = time.AfterFunc(s.ending.linger(), func() {
			defer s.server.contain("the end of a session")
			s.discard()
		})
		return false
	}
	s.abandonUpgrade()
	s.state = closed
	return true
}

// abandonUpgrade closes the WebSocket that tried to take over; the session does not depend on it. s.mu is held.
func (s *Session) abandonUpgrade() {
	if s.upgrade == nil {
		return
	}
	ws := s.upgrade.stop()
	s.upgrade = nil
	ws.closeWithin(s.server.cfg.CloseTimeout)
	s.server.group.Go(func() {
		defer s.server.contain("the closing of a WebSocket")
		ws.writeClose(0)
	})
}

// dropNoops forgets noops that were meant for a poll. s.mu is held.
func (s *Session) dropNoops() {
	s.control = slices.DeleteFunc(s.control, func(f *Frame) bool { return f == noopFrame })
}

// endLater ends the session from a new goroutine, for callers that hold a lock which the handler's OnClose needs.
func (s *Session) endLater(how ending) {
	s.server.group.Go(func() {
		defer s.server.contain("the end of a session")
		s.end(how)
	})
}

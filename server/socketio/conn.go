package socketio

import (
	"bytes"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/elizad/elizad/server/socketio/engineio"
	"github.com/elizad/elizad/server/socketio/parser"
)

// maxArgs bounds the arguments of one event.
const maxArgs = 1_000

// errViolation stands for a packet that is well-formed and out of place.
var errViolation = errors.New("packet is out of place")

// conn is one client's connection, which carries a socket for each namespace that the client joined. It takes packets from
// the engine, answers what needs no waiting, and hands the rest to the workers of the sockets.
type conn struct {
	server  *Server
	session *engineio.Session

	// ackCount is the number of acknowledgements that the client owes; room wakes the reader that waits for a queue.
	ackCount atomic.Int64
	room     chan struct{}
	done     chan struct{} // closed when the session has ended

	mu      sync.Mutex // guards what follows
	partial *partial   // a packet that waits for its attachments
	slots   []slot
	joined  bool // a namespace was joined
	ended   bool
	refused int32       // namespaces refused since the last that was joined
	timeout *time.Timer // for the first namespace to be joined
}

// slot is a namespace that the client has joined, or asked to. It is kept after the client left, for the packets that were
// under way.
type slot struct {
	name   string
	socket *Socket // nil after it left
}

// partial is a packet that waits for its attachments.
type partial struct {
	packet      parser.Packet
	attachments [][]byte
	size        int
	timeout     *time.Timer
}

func newConn(server *Server, session *engineio.Session) *conn {
	c := &conn{server: server, session: session, room: make(chan struct{}, 1), done: make(chan struct{})}
	server.unopened.Add(1)
	c.timeout = time.AfterFunc(server.cfg.ConnectTimeout, func() {
		defer server.contain("the closing of an idle connection")
		session.Close(ReasonServerClose)
	})
	return c
}

// OnMessage implements [engineio.Handler].
func (c *conn) OnMessage(data []byte, binary bool) {
	// The engine reuses data, and arguments outlive the call.
	err := c.receive(bytes.Clone(data), binary)
	if err == nil {
		return
	}
	reason := ReasonParseError
	if errors.Is(err, errViolation) {
		reason = ReasonServerClose
	}
	c.server.cfg.Logger.Debug("socketio: closing a connection", "session", c.session.LogID(),
		"address", c.session.Request().Address, "error", err)
	c.session.Abort(reason)
}

func (c *conn) receive(data []byte, binary bool) error {
	if binary {
		p, err := c.collect(data)
		if err != nil || p == nil {
			return err
		}
		return c.handle(p.packet, p.attachments)
	}
	p, err := parser.Decode(data, c.server.cfg.parserLimits())
	if err != nil {
		return err
	}
	c.mu.Lock()
	waiting := c.partial != nil
	if !waiting && p.Attachments > 0 && !c.ended {
		c.partial = &partial{
			packet: p,
			size:   len(data),
			timeout: time.AfterFunc(c.server.cfg.Limits.BinaryTimeout, func() {
				defer c.server.contain("the closing of a connection")
				c.session.Abort(ReasonParseError)
			}),
		}
	}
	c.mu.Unlock()
	switch {
	case waiting: // for an attachment, which text is not
		return errViolation
	case p.Attachments > 0:
		return nil
	}
	return c.handle(p, nil)
}

// collect adds an attachment to the packet that waits for it, and returns the packet if it is complete.
func (c *conn) collect(data []byte) (*partial, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.partial
	if p == nil {
		return nil, errViolation
	}
	if p.size += len(data); p.size > c.server.cfg.Limits.BinaryBytes {
		return nil, errViolation
	}
	p.attachments = append(p.attachments, data)
	if len(p.attachments) < p.packet.Attachments {
		return nil, nil
	}
	p.timeout.Stop()
	c.partial = nil
	return p, nil
}

func (c *conn) handle(p parser.Packet, attachments [][]byte) error {
	switch p.Type {
	case parser.Connect:
		return c.handleConnect(p)
	case parser.ConnectError: // which servers send
		return errViolation
	}
	socket, known := c.socket(p.Namespace)
	switch {
	case !known:
		return errViolation
	case socket == nil: // left while this was under way
		return nil
	case p.Type == parser.Disconnect:
		c.vacate(socket, false) // now, as the client may join again at once
		socket.lose(ReasonClientDisconnect)
		return nil
	}
	args, err := p.Args(c.server.cfg.parserLimits())
	if err != nil {
		return err
	}
	payload := Payload{Args: args, Attachments: attachments}
	if p.Type == parser.Ack || p.Type == parser.BinaryAck {
		// Here and not in the worker, which may be waiting for it.
		if onResult := socket.takeAck(p.ID); onResult != nil {
			onResult(ackResult{payload: payload})
		}
		return nil
	}
	return socket.receive(p, payload)
}

// receive queues an event.
func (s *Socket) receive(p parser.Packet, payload Payload) error {
	if len(payload.Args) == 0 {
		return parser.ErrMalformed
	}
	name, err := parser.EventName(payload.Args[0])
	if err != nil {
		return err
	}
	if parser.Reserved(name) || len(name) > s.ns.server.cfg.Limits.EventName {
		return errViolation
	}
	payload.Args = payload.Args[1:]
	s.push(&Event{Socket: s, Name: name, Payload: payload, id: p.ID, hasAck: p.HasID})
	return nil
}

// handleConnect begins the connection to a namespace.
func (c *conn) handleConnect(p parser.Packet) error {
	if len(p.Data) > c.server.cfg.Limits.Auth {
		return errViolation
	}
	if p.Data != nil {
		if err := parser.CheckObject(p.Data, c.server.cfg.parserLimits()); err != nil {
			return err
		}
	}
	ns := c.server.enter(p.Namespace)
	if ns == nil {
		return c.refuse(p.Namespace, &ConnectError{Message: "Invalid namespace"})
	}
	socket := newSocket(c, ns, newID(15), newHandshake(c.session.Request(), p.Data))
	if err := c.occupy(socket); err != nil {
		c.server.exit(ns)
		return err
	}
	return nil
}

// errEnded stands for a connection that has ended meanwhile.
var errEnded = errors.New("connection has ended")

// occupy gives a new socket its slot and lets it begin.
func (c *conn) occupy(s *Socket) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := c.index(s.ns.name)
	switch {
	case c.ended:
		return errEnded
	case i >= 0 && c.slots[i].socket != nil: // joined, or about to
		return errViolation
	case i < 0 && len(c.slots) >= c.server.cfg.Limits.Namespaces:
		return errViolation
	case i < 0:
		i = len(c.slots)
		c.slots = append(c.slots, slot{name: s.ns.name})
	}
	c.slots[i].socket = s
	s.begin()
	return nil
}

// refuse answers the client that it may not join a namespace. One that keeps asking is disconnected.
func (c *conn) refuse(namespace string, reason *ConnectError) error {
	frame, err := c.server.encodeObject(parser.ConnectError, namespace, struct {
		Message string `json:"message"`
		Data    any    `json:"data,omitempty"`
	}{reason.Message, reason.Data})
	if err != nil {
		return err
	}
	c.session.Send(frame, engineio.SendOptions{})
	c.mu.Lock()
	c.refused++
	last := int(c.refused) >= c.server.cfg.Limits.Refusals
	c.mu.Unlock()
	if last || reason.Final {
		c.session.Close(ReasonServerClose)
	}
	return nil
}

// index returns which slot is the namespace's, -1 if none. c.mu is held.
func (c *conn) index(namespace string) int {
	return slices.IndexFunc(c.slots, func(s slot) bool { return s.name == namespace })
}

// socket returns the client's socket in a namespace, nil if it left. Packets to a namespace that was not joined, or is not
// yet, have no business here.
func (c *conn) socket(namespace string) (s *Socket, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := c.index(namespace)
	if i < 0 {
		return nil, false
	}
	s = c.slots[i].socket
	return s, s == nil || s.confirmed.Load()
}

// all returns the sockets that the client has.
func (c *conn) all() []*Socket {
	c.mu.Lock()
	defer c.mu.Unlock()
	var sockets []*Socket
	for _, slot := range c.slots {
		if slot.socket != nil {
			sockets = append(sockets, slot.socket)
		}
	}
	return sockets
}

// vacate frees the slot of a socket. forget removes it, for a socket that never was one.
func (c *conn) vacate(s *Socket, forget bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.slots, func(slot slot) bool { return slot.socket == s })
	switch {
	case i < 0:
	case forget:
		c.slots = slices.Delete(c.slots, i, i+1)
	default:
		c.slots[i].socket = nil
	}
}

// hasJoined notes that the client has joined a namespace, in time. c.mu is held.
func (c *conn) hasJoined() {
	c.refused = 0
	if !c.joined && !c.ended {
		c.joined = true
		c.timeout.Stop()
		c.timeout = nil
		c.server.unopened.Add(-1)
	}
}

// OnClose implements [engineio.Handler].
func (c *conn) OnClose(reason string) {
	c.mu.Lock()
	c.ended = true
	if !c.joined {
		c.timeout.Stop()
		c.server.unopened.Add(-1)
	}
	if c.partial != nil {
		c.partial.timeout.Stop()
		c.partial = nil
	}
	c.mu.Unlock()
	close(c.done)
	for _, s := range c.all() {
		s.lose(reason)
	}
}

// expectAcks counts the acknowledgements that the client owes. A reader that waits for a queue may then go on, as what it
// would read next may be one of them.
func (c *conn) expectAcks(n int) {
	if c.ackCount.Add(int64(n)) > 0 && n > 0 {
		c.wake()
	}
}

// wake makes a waiting reader look again.
func (c *conn) wake() {
	select {
	case c.room <- struct{}{}:
	default:
	}
}

// queueLimit is the number of events that may wait for one socket.
func (c *conn) queueLimit() int {
	limit := c.server.cfg.Limits.QueuedEvents
	if c.ackCount.Load() > 0 {
		return 4 * limit
	}
	return limit
}

// parserLimits returns the limits that the codec checks.
func (c *Config) parserLimits() parser.Limits {
	return parser.Limits{
		Attachments: c.Limits.Attachments,
		Namespace:   c.Limits.NamespaceName,
		Depth:       c.Limits.Depth,
		Members:     c.Limits.Members,
		Args:        maxArgs,
	}
}

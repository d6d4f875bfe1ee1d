package socketio

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/elizad/elizad/server/socketio/engineio"
)

// deliver sends an encoded event to the selected sockets of this node.
func (n *Namespace) deliver(sel Selector, opts engineio.SendOptions, text []byte, attachments [][]byte) error {
	var err error
	n.server.engine.Batch(func() {
		if n.history != nil {
			err = n.history.emit(n.adapter, sel, opts, text, attachments)
		} else {
			err = n.adapter.Broadcast(sel, Message{Frame: engineio.NewFrame(text, attachments...), Options: opts})
		}
	})
	return err
}

// elsewhere publishes an operation to the other nodes, if there are any that it is for.
func (n *Namespace) elsewhere(sel Selector, e *envelope) error {
	c := n.server.cluster.Load()
	if c == nil || sel.Local {
		return nil
	}
	e.Namespace, e.Selector = n.name, sel
	return c.publish(e)
}

// operate does on this node what another one has asked for.
func (n *Namespace) operate(c *cluster, e *envelope) {
	reply := func(r *envelope) {
		r.Kind, r.To, r.Request = kindReply, e.Node, e.Request
		if err := c.publish(r); err != nil {
			n.server.cfg.Logger.Warn("socketio: answering another node", "error", err)
		}
	}
	here := Broadcast{ns: n, sel: e.Selector}.Local()
	switch e.Kind {
	case kindBroadcast:
		if e.Packet != nil {
			_ = n.deliver(e.Selector, e.Packet.options(), e.Packet.Text, e.Packet.Attachments) // local delivery does not fail
		}
	case kindJoin:
		_ = here.SocketsJoin(e.Rooms...)
	case kindLeave:
		_ = here.SocketsLeave(e.Rooms...)
	case kindDisconnect:
		_ = here.DisconnectSockets(e.Close)
	case kindFetch:
		reply(&envelope{Sockets: here.describe()})
	case kindServerEmit:
		n.serve(e, reply)
	case kindAsk:
		if e.Packet != nil {
			n.askHere(e, reply)
		}
	}
}

func (p *packetEnvelope) options() engineio.SendOptions {
	return engineio.SendOptions{Volatile: p.Volatile, Shed: p.Shed, End: p.End}
}

func newPacketEnvelope(opts engineio.SendOptions, text []byte, attachments [][]byte) *packetEnvelope {
	return &packetEnvelope{Text: text, Attachments: attachments, Volatile: opts.Volatile, Shed: opts.Shed, End: opts.End}
}

// describe describes the selected sockets of this node.
func (b Broadcast) describe() []RemoteSocket {
	var found []RemoteSocket
	for _, s := range b.Sockets() {
		found = append(found, RemoteSocket{ID: s.id, Handshake: s.handshake, Rooms: s.Rooms(), Data: s.values()})
	}
	return found
}

// FetchSockets returns the selected sockets of all nodes. The data of those of other nodes is what JSON makes of it. If not
// all nodes answer in time, it returns those of the others with an error that wraps ErrNoAnswer.
func (b Broadcast) FetchSockets(ctx context.Context) ([]RemoteSocket, error) {
	found := b.describe()
	c := b.ns.server.cluster.Load()
	if c == nil || b.sel.Local {
		return found, nil
	}
	var remote []RemoteSocket // replies come one at a time, and none after ask has returned
	var mu sync.Mutex
	err := c.ask(ctx, &envelope{Kind: kindFetch, Namespace: b.ns.name, Selector: b.sel}, func(r *envelope) bool {
		mu.Lock()
		defer mu.Unlock()
		remote = append(remote, r.Sockets...)
		return true
	})
	mu.Lock()
	defer mu.Unlock()
	return slices.Concat(found, remote), err
}

// ServerHandler handles an event that another node has sent to this one. What it returns is the answer, if one was asked
// for.
type ServerHandler func(ctx context.Context, p Payload) any

// OnServer registers the handler of an event sent by [Namespace.ServerSideEmit] on other nodes. Handlers of one namespace
// run one at a time, in the order of arrival.
func (n *Namespace) OnServer(event string, fn ServerHandler) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.serverHandlers == nil {
		n.serverHandlers = make(map[string]ServerHandler)
	}
	n.serverHandlers[event] = fn
}

// ServerSideEmit sends an event to the other nodes. Nothing is sent to clients.
func (n *Namespace) ServerSideEmit(event string, args ...any) error {
	raw, err := marshalAll(args)
	if err != nil {
		return fmt.Errorf("emitting %q to the other nodes: %w", event, err)
	}
	return n.elsewhere(Selector{}, &envelope{Kind: kindServerEmit, Event: event, Args: raw})
}

// ServerSideEmitAck sends an event to the other nodes and returns their answers. If not all nodes answer in time, it returns
// those of the others with an error that wraps ErrNoAnswer.
func (n *Namespace) ServerSideEmitAck(ctx context.Context, event string, args ...any) ([]json.RawMessage, error) {
	raw, err := marshalAll(args)
	if err != nil {
		return nil, fmt.Errorf("emitting %q to the other nodes: %w", event, err)
	}
	c := n.server.cluster.Load()
	if c == nil {
		return nil, nil
	}
	var mu sync.Mutex
	var answers []json.RawMessage
	err = c.ask(ctx, &envelope{Kind: kindServerEmit, Namespace: n.name, Event: event, Args: raw}, func(r *envelope) bool {
		mu.Lock()
		defer mu.Unlock()
		answers = append(answers, r.Args...)
		return true
	})
	mu.Lock()
	defer mu.Unlock()
	return slices.Clone(answers), err
}

func marshalAll(args []any) ([]json.RawMessage, error) {
	raw := make([]json.RawMessage, len(args))
	for i, arg := range args {
		data, err := json.Marshal(arg)
		if err != nil {
			return nil, fmt.Errorf("encoding argument %d: %w", i, err)
		}
		raw[i] = data
	}
	return raw, nil
}

// serve calls the handler of an event of another node, in the namespace's worker, and answers.
func (n *Namespace) serve(e *envelope, reply func(*envelope)) {
	n.mu.RLock()
	handler := n.serverHandlers[e.Event]
	n.mu.RUnlock()
	n.events.do(n.server, func() {
		var args []json.RawMessage
		if handler != nil {
			args = n.callServerHandler(e, handler)
		}
		if e.Request != "" {
			reply(&envelope{Args: args})
		}
	})
}

// callServerHandler returns the handler's answer, nil if it has none that can be sent.
func (n *Namespace) callServerHandler(e *envelope, handler ServerHandler) (answer []json.RawMessage) {
	log := n.server.cfg.Logger.With("namespace", n.name, "event", e.Event)
	defer func() {
		if v := recover(); v != nil {
			log.Error("socketio: panic in the handler of an event of another node", "panic", v, "stack", string(debug.Stack()))
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), n.server.cfg.DisconnectGrace)
	defer cancel()
	answer, err := marshalAll([]any{handler(ctx, Payload{Args: e.Args})})
	if err != nil {
		log.Error("socketio: answer to another node", "error", err)
	}
	return answer
}

// askHere sends the event of another node's broadcast that is acknowledged, and passes on what comes.
func (n *Namespace) askHere(e *envelope, reply func(*envelope)) {
	id := n.nextAckID() // the other node's may be in use here
	packet, err := e.Packet.renumber(id)
	if err != nil {
		n.server.cfg.Logger.Warn("socketio: event of another node", "error", err)
		return
	}
	sockets := Broadcast{ns: n, sel: e.Selector}.Local().Sockets()
	reply(&envelope{Count: new(len(sockets))})
	n.askAll(sockets, id, packet, func(r ackResult) {
		if r.err != nil {
			reply(&envelope{Gone: true})
		} else {
			reply(&envelope{Ack: &r.payload})
		}
	})
	time.AfterFunc(time.Duration(e.TimeoutMS)*time.Millisecond, func() {
		defer n.server.contain("the end of waiting for acknowledgements")
		n.stopAsking(sockets, id)
	})
}

// askElsewhere sends a broadcast that is acknowledged to the other nodes and calls onResult with each acknowledgement.
func (n *Namespace) askElsewhere(ctx context.Context, sel Selector, p *packetEnvelope, onResult func(ackResult)) error {
	c := n.server.cluster.Load()
	if c == nil || sel.Local {
		return nil
	}
	expected := make(map[string]int) // by node; a node's count comes first
	return c.ask(ctx, &envelope{Kind: kindAsk, Namespace: n.name, Selector: sel, Packet: p}, func(r *envelope) bool {
		switch {
		case r.Count != nil:
			expected[r.Node] = *r.Count
		case r.Ack != nil:
			expected[r.Node]--
			onResult(ackResult{payload: *r.Ack})
		default:
			expected[r.Node]--
			onResult(ackResult{err: ErrDisconnected})
		}
		return expected[r.Node] <= 0
	})
}

// serial runs functions one at a time, in order, in a goroutine that exists only while there is something to do.
type serial struct {
	mu      sync.Mutex // guards what follows
	tasks   []func()
	working bool
}

// maxSerial bounds the functions that wait. More come only if a handler is stuck.
const maxSerial = 1_000

// do queues fn, or drops it if too many wait.
func (w *serial) do(server *Server, fn func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.tasks) >= maxSerial {
		server.cfg.Logger.Warn("socketio: event of another node was dropped, as its handlers are too slow")
		return
	}
	w.tasks = append(w.tasks, fn)
	if !w.working {
		w.working = true
		server.group.Go(func() { w.work(server) })
	}
}

func (w *serial) work(server *Server) {
	defer server.contain("the handling of other nodes' events")
	for {
		w.mu.Lock()
		if len(w.tasks) == 0 {
			w.tasks, w.working = nil, false
			w.mu.Unlock()
			return
		}
		fn := w.tasks[0]
		w.tasks = w.tasks[1:]
		w.mu.Unlock()
		fn()
	}
}

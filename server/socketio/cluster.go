package socketio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Bus carries messages between the nodes of a cluster. Whatever can publish to all subscribers can be one.
//
// Clusters are for other programs that use this package: elizad doesn't join one. Its nodes share a database, from which each
// serves its own sockets, so that what carries its events may lose them.
type Bus interface {
	// Publish sends a message to all nodes; whether that includes the sender does not matter. Messages of one node arrive
	// in the order of the calls. It is not called concurrently, and may block.
	Publish(ctx context.Context, message []byte) error
	// Subscribe calls fn with each message published from now on, one at a time, until stop is called. fn does not block
	// and does not keep the message. stop waits for a call that is under way.
	Subscribe(ctx context.Context, fn func(message []byte)) (stop func(), err error)
}

// ClusterConfig holds the settings of a server that joins a cluster. A zero field has the documented default.
type ClusterConfig struct {
	// Request bounds the wait for the answers of other nodes, where the caller's context does not. Default 5 s.
	Request time.Duration
	// Heartbeat is how often a node says that it is alive, and Dead how long after the last sign it is taken for dead.
	// Defaults 5 s and 10 s.
	Heartbeat, Dead time.Duration
	// Queue is the number of messages that may wait to be published. Default 10,000.
	Queue int
}

var (
	// ErrClusterBusy is returned by operations that could not be published, as too much is waiting already. They took effect
	// on this node.
	ErrClusterBusy = errors.New("message to the other nodes was dropped")
	// ErrNoAnswer is returned by operations that not all nodes have answered. Their results lack those of the others.
	ErrNoAnswer = errors.New("not all nodes have answered")
)

// cluster is a server's link to the other nodes. Rooms are local to each node, what travels are operations.
type cluster struct {
	server *Server
	cfg    ClusterConfig
	bus    Bus
	node   string
	ctx    context.Context // ends with the membership
	cancel context.CancelFunc
	stop   func() // ends the subscription
	failed atomic.Int64

	published chan struct{} // closed when the last message was published

	mu         sync.Mutex // guards what follows
	nodes      map[string]time.Time
	requests   map[string]*request
	queue      [][]byte
	publishing bool
	timer      *time.Timer
	left       bool
}

// request is a question to the other nodes.
type request struct {
	waiting map[string]bool // nodes that have not answered in full
	onReply func(*envelope) (last bool)
	done    chan struct{}
}

// kind is what an envelope is about.
type kind string

const (
	kindHello      kind = "hello" // a heartbeat that wants heartbeats in return
	kindHeartbeat  kind = "heartbeat"
	kindBye        kind = "bye"
	kindBroadcast  kind = "broadcast"
	kindJoin       kind = "join"
	kindLeave      kind = "leave"
	kindDisconnect kind = "disconnect"
	kindFetch      kind = "fetch"
	kindServerEmit kind = "server emit"
	kindAsk        kind = "ask" // a broadcast that is acknowledged: answered by a count, and then by each acknowledgement
	kindReply      kind = "reply"
)

// envelopeVersion is increased with every change that older nodes would misunderstand. They ignore what they do not know.
const envelopeVersion = 1

// envelope is a message between nodes.
type envelope struct {
	Version   int    `json:"v"`
	Node      string `json:"node"`
	Kind      kind   `json:"kind"`
	Namespace string `json:"ns,omitempty"`
	// Request is the id of a request and of its replies, which are for the node To.
	Request string `json:"req,omitempty"`
	To      string `json:"to,omitempty"`

	Selector  Selector          `json:"sel,omitzero"`
	Packet    *packetEnvelope   `json:"packet,omitempty"`
	Rooms     []string          `json:"rooms,omitempty"`
	Close     bool              `json:"close,omitempty"`
	Event     string            `json:"event,omitempty"`
	Args      []json.RawMessage `json:"args,omitempty"`
	TimeoutMS int64             `json:"timeout,omitempty"`

	Sockets []RemoteSocket `json:"sockets,omitempty"`
	Count   *int           `json:"count,omitempty"`
	Ack     *Payload       `json:"ack,omitempty"`
	Gone    bool           `json:"gone,omitempty"` // in place of an acknowledgement
}

// packetEnvelope is an encoded event.
type packetEnvelope struct {
	Text        []byte   `json:"text"`
	Attachments [][]byte `json:"attachments,omitempty"`
	Volatile    bool     `json:"volatile,omitempty"`
	Shed        string   `json:"shed,omitempty"`
	End         string   `json:"end,omitempty"`
}

// JoinCluster makes the server one node of those that use the same bus. It must be called before the server takes requests;
// Shutdown leaves the cluster.
func (s *Server) JoinCluster(ctx context.Context, bus Bus, cfg ClusterConfig) error {
	setDefault(&cfg.Request, 5*time.Second)
	setDefault(&cfg.Heartbeat, 5*time.Second)
	setDefault(&cfg.Dead, 10*time.Second)
	setDefault(&cfg.Queue, 10_000)
	c := &cluster{server: s, cfg: cfg, bus: bus, node: newID(9), published: make(chan struct{}),
		nodes: make(map[string]time.Time), requests: make(map[string]*request)}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	stop, err := bus.Subscribe(ctx, c.receive)
	if err != nil {
		c.cancel()
		return fmt.Errorf("subscribing to the bus: %w", err)
	}
	c.stop = stop
	s.cluster.Store(c)
	c.mu.Lock()
	c.timer = time.AfterFunc(cfg.Heartbeat, c.beat)
	c.mu.Unlock()
	return c.publish(&envelope{Kind: kindHello})
}

// leave announces the end of this node and ends everything, at the latest when ctx ends.
func (c *cluster) leave(ctx context.Context) {
	c.server.cluster.Store(nil)
	// It is a courtesy: the others will notice anyway.
	_ = c.publish(&envelope{Kind: kindBye})
	c.mu.Lock()
	c.left = true
	c.timer.Stop()
	publishing := c.publishing
	c.mu.Unlock()
	if publishing {
		select {
		case <-c.published:
		case <-ctx.Done():
		}
	}
	c.cancel()
	c.stop()
}

// publish queues a message. It never blocks: the bus may be slow, or gone.
func (c *cluster) publish(e *envelope) error {
	e.Version, e.Node = envelopeVersion, c.node
	message, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encoding a message to the other nodes: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left || len(c.queue) >= c.cfg.Queue {
		c.failed.Add(1)
		return ErrClusterBusy
	}
	c.queue = append(c.queue, message)
	if !c.publishing {
		c.publishing = true
		c.server.group.Go(c.work)
	}
	return nil
}

// work publishes what is queued and ends when there is nothing more.
func (c *cluster) work() {
	defer c.server.contain("the publishing to other nodes")
	for {
		c.mu.Lock()
		if len(c.queue) == 0 {
			c.queue = nil
			c.publishing = false
			if c.left {
				close(c.published)
			}
			c.mu.Unlock()
			return
		}
		message := c.queue[0]
		c.queue = c.queue[1:]
		c.mu.Unlock()
		if err := c.bus.Publish(c.ctx, message); err != nil {
			c.failed.Add(1)
			c.server.cfg.Logger.Warn("socketio: publishing to the other nodes", "error", err)
		}
	}
}

// beat is what the timer calls: it says that this node is alive, and forgets those that are silent.
func (c *cluster) beat() {
	defer c.server.contain("the heartbeat of nodes")
	_ = c.publish(&envelope{Kind: kindHeartbeat}) // if it is dropped, the next one may not be
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left {
		return
	}
	for node, seen := range c.nodes {
		if time.Since(seen) > c.cfg.Dead {
			c.forget(node)
		}
	}
	c.timer.Reset(c.cfg.Heartbeat)
}

// forget drops a node. No request waits for its answers any more. c.mu is held.
func (c *cluster) forget(node string) {
	delete(c.nodes, node)
	for id, r := range c.requests {
		c.answered(id, r, node)
	}
}

// answered notes that a node has answered in full. c.mu is held.
func (c *cluster) answered(id string, r *request, node string) {
	delete(r.waiting, node)
	if len(r.waiting) == 0 {
		delete(c.requests, id)
		close(r.done)
	}
}

// ask sends a request to the other nodes and calls onReply with each reply, one at a time, which reports whether it was the
// node's last one. It returns when all nodes have answered or are gone, or with an error when ctx or the time is over.
func (c *cluster) ask(ctx context.Context, e *envelope, onReply func(*envelope) (last bool)) error {
	e.Request = newID(9)
	r := &request{waiting: make(map[string]bool), onReply: onReply, done: make(chan struct{})}
	c.mu.Lock()
	for node := range c.nodes {
		r.waiting[node] = true
	}
	if len(r.waiting) == 0 {
		c.mu.Unlock()
		return nil
	}
	c.requests[e.Request] = r
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.requests, e.Request)
		c.mu.Unlock()
	}()
	ctx, cancel := context.WithTimeout(ctx, c.requestTime(ctx))
	defer cancel()
	deadline, _ := ctx.Deadline()
	e.TimeoutMS = time.Until(deadline).Milliseconds()
	if err := c.publish(e); err != nil {
		return err
	}
	select {
	case <-r.done:
		return nil
	case <-c.ctx.Done():
		return ErrNoAnswer
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrNoAnswer, ctx.Err())
	}
}

// requestTime is how long to wait for answers: as long as the caller says, if it does.
func (c *cluster) requestTime(ctx context.Context) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return time.Until(deadline)
	}
	return c.cfg.Request
}

// receive handles a message of another node.
func (c *cluster) receive(message []byte) {
	var e envelope
	if err := json.Unmarshal(message, &e); err != nil {
		c.server.cfg.Logger.Warn("socketio: message of another node", "error", err)
		return
	}
	if e.Node == c.node || e.Version != envelopeVersion {
		return
	}
	c.mu.Lock()
	known := !c.nodes[e.Node].IsZero()
	c.nodes[e.Node] = time.Now()
	if e.Kind == kindBye {
		c.forget(e.Node)
	}
	c.mu.Unlock()
	if !known && e.Kind != kindBye {
		_ = c.publish(&envelope{Kind: kindHeartbeat}) // so that it knows of us; our next one will do as well
	}
	switch e.Kind {
	case kindHello, kindHeartbeat, kindBye:
	case kindReply:
		c.receiveReply(&e)
	default:
		if ns := c.server.namespace(e.Namespace); ns != nil {
			ns.operate(c, &e)
		} else if e.Request != "" {
			// It has nothing to say, but must not be waited for.
			_ = c.publish(&envelope{Kind: kindReply, To: e.Node, Request: e.Request, Count: new(0)})
		}
	}
}

func (c *cluster) receiveReply(e *envelope) {
	if e.To != c.node {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.requests[e.Request]
	if r == nil || !r.waiting[e.Node] {
		return
	}
	if r.onReply(e) {
		c.answered(e.Request, r, e.Node)
	}
}

// size returns the number of nodes, this one included.
func (c *cluster) size() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.nodes) + 1
}

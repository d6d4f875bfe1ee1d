package socketio

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/elizad/elizad/server/socketio/engineio"
	"github.com/elizad/elizad/server/socketio/parser"
)

// ackResult is what became of an acknowledgement asked from a client.
type ackResult struct {
	payload Payload
	err     error
}

// EmitAck sends an event and waits for its acknowledgement. It returns ErrAckTimeout when the deadline of ctx passes before,
// the context's error when it is cancelled, and ErrDisconnected when the client is gone. It may be called in a handler of
// the same socket.
func (s *Socket) EmitAck(ctx context.Context, event string, args ...any) (Payload, error) {
	id := s.ns.nextAckID()
	var frame *engineio.Frame
	if err := s.ns.server.encodeEvent(s.ns.name, &id, event, args, makeFrame(&frame)); err != nil {
		return Payload{}, fmt.Errorf("emitting %q: %w", event, err)
	}
	result := make(chan ackResult, 1)
	if err := s.expectAck(id, func(r ackResult) { result <- r }); err != nil {
		return Payload{}, err
	}
	s.send(frame)
	select {
	case r := <-result:
		return r.payload, r.err
	case <-ctx.Done():
		s.takeAck(id)
		return Payload{}, ackError(ctx.Err())
	}
}

// EmitAck sends an event to the selected sockets and waits for their acknowledgements. It returns those received; if some
// are missing when ctx ends, also an error that wraps ErrAckTimeout; if sockets have disconnected meanwhile, one that wraps
// ErrDisconnected. Without recipients it returns at once.
func (b Broadcast) EmitAck(ctx context.Context, event string, args ...any) ([]Payload, error) {
	// One id for all, so that the packet is encoded once.
	id := b.ns.nextAckID()
	var packet *packetEnvelope
	err := b.ns.server.encodeEvent(b.ns.name, &id, event, args, func(text []byte, attachments [][]byte) error {
		packet = newPacketEnvelope(b.opts, bytes.Clone(text), attachments)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("emitting %q: %w", event, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	sockets := b.Sockets()
	g := newGathering()
	g.expect(len(sockets)) // before anything can finish
	var elsewhere sync.WaitGroup
	defer elsewhere.Wait()
	defer cancel()
	elsewhere.Go(func() {
		defer b.ns.server.contain("the asking of other nodes")
		defer g.finish()
		if err := b.ns.askElsewhere(ctx, b.sel, packet, g.add); err != nil {
			g.add(ackResult{err: err})
		}
	})
	b.ns.askAll(sockets, id, packet, func(r ackResult) {
		g.add(r)
		g.finish()
	})
	select {
	case <-g.done:
		return g.results()
	case <-ctx.Done():
		b.ns.stopAsking(sockets, id)
		payloads, _ := g.results()
		return payloads, ackError(ctx.Err())
	}
}

// askAll sends an event that asks for the acknowledgement id to sockets of this node, and calls onResult with each answer.
func (n *Namespace) askAll(sockets []*Socket, id uint64, p *packetEnvelope, onResult func(ackResult)) {
	frame := engineio.NewFrame(p.Text, p.Attachments...)
	for _, s := range sockets {
		if err := s.expectAck(id, onResult); err != nil {
			onResult(ackResult{err: err})
			continue
		}
		s.sendWith(frame, p.options())
	}
}

// stopAsking ends the wait for what askAll has asked.
func (n *Namespace) stopAsking(sockets []*Socket, id uint64) {
	for _, s := range sockets {
		s.takeAck(id)
	}
}

// gathering collects the acknowledgements of one event.
type gathering struct {
	done chan struct{} // closed when nothing is expected any more

	mu       sync.Mutex // guards what follows
	expected int
	payloads []Payload
	failed   []error
}

// newGathering returns a gathering that expects one finish.
func newGathering() *gathering { return &gathering{done: make(chan struct{}), expected: 1} }

func (g *gathering) expect(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.expected += n
}

func (g *gathering) add(r ackResult) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if r.err != nil {
		g.failed = append(g.failed, r.err)
	} else {
		g.payloads = append(g.payloads, r.payload)
	}
}

func (g *gathering) finish() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.expected--; g.expected == 0 {
		close(g.done)
	}
}

func (g *gathering) results() ([]Payload, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.payloads), errors.Join(g.failed...)
}

// ackError names the reason why the wait for an acknowledgement ended.
func ackError(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w: %w", ErrAckTimeout, err)
	}
	return err
}

// nextAckID returns a new id for an acknowledgement. They count from 0.
func (n *Namespace) nextAckID() uint64 { return n.ackID.Add(1) - 1 }

// expectAck registers what is to be called with an acknowledgement, or when there will be none. onResult must not block.
func (s *Socket) expectAck(id uint64, onResult func(ackResult)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.Connected() || s.left:
		return ErrDisconnected
	case len(s.acks) >= s.ns.server.cfg.Limits.PendingAcks:
		return ErrTooManyAcks
	}
	if s.acks == nil {
		s.acks = make(map[uint64]func(ackResult))
	}
	s.acks[id] = onResult
	s.conn.expectAcks(1)
	return nil
}

// takeAck ends the wait for an acknowledgement and returns what is to be called with it, nil without a wait.
func (s *Socket) takeAck(id uint64) func(ackResult) {
	s.mu.Lock()
	defer s.mu.Unlock()
	onResult := s.acks[id]
	if onResult == nil {
		return nil
	}
	delete(s.acks, id)
	s.conn.expectAcks(-1)
	return onResult
}

// failAcks ends all waits because the client is gone.
func (s *Socket) failAcks() {
	s.mu.Lock()
	waiting := s.acks
	s.acks = nil
	s.conn.expectAcks(-len(waiting))
	s.mu.Unlock()
	for _, onResult := range waiting {
		onResult(ackResult{err: ErrDisconnected})
	}
}

// renumber returns the packet with another acknowledgement id.
func (p *packetEnvelope) renumber(id uint64) (*packetEnvelope, error) {
	packet, err := parser.Decode(p.Text, parser.Limits{})
	if err != nil {
		return nil, err
	}
	packet.ID = id
	copied := *p
	copied.Text = packet.Append(nil)
	return &copied, nil
}

package socketio

import (
	"context"
	"errors"
	"fmt"

	"github.com/elizad/elizad/server/socketio/engineio"
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
	if err := s.expectAck(id, result); err != nil {
		return Payload{}, err
	}
	s.send(frame)
	select {
	case r := <-result:
		return r.payload, r.err
	case <-ctx.Done():
		s.forgetAck(id)
		return Payload{}, ackError(ctx.Err())
	}
}

// EmitAck sends an event to the selected sockets of this node and waits for their acknowledgements. It returns those
// received; if some are missing when ctx ends, also an error that wraps ErrAckTimeout. Sockets that disconnect meanwhile are
// no longer waited for. Without recipients it returns at once.
func (b Broadcast) EmitAck(ctx context.Context, event string, args ...any) ([]Payload, error) {
	// One id for all, so that the packet is encoded once.
	id := b.ns.nextAckID()
	var frame *engineio.Frame
	if err := b.ns.server.encodeEvent(b.ns.name, &id, event, args, makeFrame(&frame)); err != nil {
		return nil, fmt.Errorf("emitting %q: %w", event, err)
	}
	sockets := b.Sockets()
	results := make(chan ackResult, len(sockets))
	var failed []error
	expected := 0
	for _, s := range sockets {
		if err := s.expectAck(id, results); err != nil {
			failed = append(failed, err)
			continue
		}
		expected++
		s.sendWith(frame, b.opts)
	}
	var payloads []Payload
	for range expected {
		select {
		case r := <-results:
			if r.err != nil {
				failed = append(failed, r.err)
			} else {
				payloads = append(payloads, r.payload)
			}
		case <-ctx.Done():
			for _, s := range sockets {
				s.forgetAck(id)
			}
			return payloads, ackError(ctx.Err())
		}
	}
	return payloads, errors.Join(failed...)
}

// ackError names the reason why nobody waits for an acknowledgement any more.
func ackError(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w: %w", ErrAckTimeout, err)
	}
	return err
}

// nextAckID returns a new id for an acknowledgement. They count from 0.
func (n *Namespace) nextAckID() uint64 { return n.ackID.Add(1) - 1 }

// expectAck registers where the acknowledgement goes. result must have room for it.
func (s *Socket) expectAck(id uint64, result chan<- ackResult) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.Connected() || s.left:
		return ErrDisconnected
	case len(s.acks) >= s.ns.server.cfg.Limits.PendingAcks:
		return ErrTooManyAcks
	}
	if s.acks == nil {
		s.acks = make(map[uint64]chan<- ackResult)
	}
	s.acks[id] = result
	s.conn.expectAcks(1)
	return nil
}

// forgetAck ends the wait for an acknowledgement.
func (s *Socket) forgetAck(id uint64) { s.takeAck(id) }

// takeAck returns where the acknowledgement goes, once; nil if nobody waits for it.
func (s *Socket) takeAck(id uint64) chan<- ackResult {
	s.mu.Lock()
	defer s.mu.Unlock()
	result := s.acks[id]
	if result == nil {
		return nil
	}
	delete(s.acks, id)
	s.conn.expectAcks(-1)
	return result
}

// failAcks tells all who wait that the client is gone.
func (s *Socket) failAcks() {
	s.mu.Lock()
	waiting := s.acks
	s.acks = nil
	s.conn.expectAcks(-len(waiting))
	s.mu.Unlock()
	for _, result := range waiting {
		result <- ackResult{err: ErrDisconnected}
	}
}

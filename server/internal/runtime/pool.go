package runtime

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/bus"
	"github.com/elizad/elizad/server/internal/messaging"
)

const (
	// tick is how often the dispatcher looks for turns without being told, in case a hint was lost or a lease passed.
	tick = time.Second
	// parting is the part of the time to stop that is kept for giving turns back.
	parting = time.Second
)

// Causes of a run's end from outside. Neither stores an outcome: the turn is already ended, or will be taken again.
var (
	errStopping = errors.New("the server is stopping")
	errEnded    = errors.New("the turn was ended by somebody else")
)

// Start begins to claim turns. The context is only for the start itself.
func (s *Service) Start(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.started || s.stopped {
		return errors.New("runtime: started twice, or after it was stopped")
	}
	work, err := s.cfg.Messages.Work()
	if err != nil {
		return fmt.Errorf("following new turns: %w", err)
	}
	ended, err := s.cfg.Messages.EndedTurns()
	if err != nil {
		work.Close()
		return fmt.Errorf("following ended turns: %w", err)
	}
	s.started = true
	s.dispatcher.Go(func() {
		defer work.Close()
		s.dispatch(work)
	})
	s.keeper.Go(func() {
		defer ended.Close()
		s.keep(ended)
	})
	return nil
}

// Stop claims no more turns and lets those that run finish. What has not finished when ctx is about to end is broken off and
// given back, for the next server to take.
func (s *Service) Stop(ctx context.Context) error {
	s.mu.Lock()
	first, started := !s.stopped, s.started
	s.stopped = true
	s.mu.Unlock()
	if first {
		close(s.drain)
	}
	finish, cancel := beforeDeadline(ctx)
	defer cancel()
	turns := func() { s.dispatcher.Wait(); s.runs.Wait() } // in this order, for the dispatcher may be about to start one more
	_ = wait(finish, turns)                                // what has not finished is broken off next
	s.end(errStopping)
	if err := wait(ctx, func() { turns(); s.keeper.Wait(); s.strays.Wait() }); err != nil {
		return fmt.Errorf("stopping the agents: %w", err)
	}
	if !first || !started {
		return nil
	}
	release, cancel := context.WithTimeout(context.WithoutCancel(ctx), parting)
	defer cancel()
	if err := s.cfg.Messages.ReleaseTurns(release, s.cfg.Owner); err != nil {
		return fmt.Errorf("giving turns back: %w", err)
	}
	return nil
}

// beforeDeadline returns a context that ends early enough for what is left to do before ctx ends.
func beforeDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	left := time.Until(deadline)
	return context.WithTimeout(ctx, left-min(left/2, parting))
}

// wait calls blocking and returns when it does, or with ctx's error when that ends first.
func wait(ctx context.Context, blocking func()) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		blocking()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// dispatch claims turns while there is room for them.
func (s *Service) dispatch(work *bus.Subscription) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	hints := work.C()
	for {
		s.claim()
		select {
		case <-s.drain:
			return
		case _, open := <-hints:
			if !open {
				hints = nil // the bus is closed; the ticker goes on
			}
		case <-s.freed:
		case <-ticker.C:
		}
	}
}

// claim takes as many turns as there is room for.
func (s *Service) claim() {
	room := cap(s.slots) - len(s.slots)
	if room == 0 || s.draining() {
		return
	}
	turns, err := s.cfg.Messages.ClaimTurns(s.life, s.cfg.Owner, room, s.cfg.Lease)
	if err != nil {
		s.cfg.Logger.WarnContext(s.life, "turns not claimed", "error", err)
		return
	}
	for _, t := range turns {
		s.slots <- struct{}{} // never waits: only this goroutine adds, and there was room
		ctx, cancel := context.WithCancelCause(s.life)
		s.mu.Lock()
		s.cancels[t.ID] = cancel
		s.mu.Unlock()
		s.runs.Go(func() {
			defer s.giveBack(t.ID)
			s.take(ctx, t)
		})
	}
}

func (s *Service) draining() bool {
	select {
	case <-s.drain:
		return true
	default:
		return false
	}
}

// giveBack frees a turn's slot.
func (s *Service) giveBack(turnID uuid.UUID) {
	s.mu.Lock()
	cancel := s.cancels[turnID]
	delete(s.cancels, turnID)
	s.mu.Unlock()
	cancel(nil)
	full := len(s.slots) == cap(s.slots)
	<-s.slots
	if !full {
		return // the dispatcher had room, and heard of the turns that became free when this one was finished
	}
	select {
	case s.freed <- struct{}{}:
	default:
	}
}

// keep renews the leases of the turns that run, and breaks off those that are ended from outside.
func (s *Service) keep(ended *bus.Subscription) {
	ticker := time.NewTicker(s.cfg.Lease / 3)
	defer ticker.Stop()
	events := ended.C()
	for {
		select {
		case <-s.life.Done():
			return
		case m, open := <-events:
			if !open {
				events = nil
				continue
			}
			s.breakOff(m)
		case <-ticker.C:
			if len(s.slots) == 0 {
				continue
			}
			if err := s.cfg.Messages.RenewTurns(s.life, s.cfg.Owner, s.cfg.Lease); err != nil && s.life.Err() == nil {
				s.cfg.Logger.WarnContext(s.life, "leases not renewed", "error", err)
			}
		}
	}
}

// breakOff ends the runs of turns that were ended by somebody else. After a loss of events they run on, and their outcome is
// refused when they finish.
func (s *Service) breakOff(m bus.Message) {
	if m.Lost {
		return
	}
	ids, err := messaging.DecodeTurnIDs(m.Data)
	if err != nil {
		s.cfg.Logger.WarnContext(s.life, "event not understood", "subject", m.Subject, "error", err)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		if cancel, ok := s.cancels[id]; ok {
			cancel(errEnded)
		}
	}
}

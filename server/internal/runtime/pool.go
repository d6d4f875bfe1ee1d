package runtime

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/bus"
	"github.com/elizad/elizad/server/internal/lifecycle"
	"github.com/elizad/elizad/server/internal/messaging"
)

const (
	// tick is how often the dispatcher looks for turns without a hint, in case one was lost or a lease passed.
	tick = time.Second
	// releaseTime is the part of the time to stop that is kept for giving turns back.
	releaseTime = time.Second
)

// Causes of a run's end from outside. The first two store no outcome: the turn is already ended, or will be taken again.
var (
	errStopping  = errors.New("the server is stopping")
	errEnded     = errors.New("the turn was ended by somebody else")
	errCancelled = errors.New("the turn is to be cancelled")
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
	cancelled, err := s.cfg.Messages.CancelledTurns()
	if err != nil {
		work.Close()
		ended.Close()
		return fmt.Errorf("following cancelled turns: %w", err)
	}
	s.started = true
	s.dispatcher.Go(func() {
		defer work.Close()
		lifecycle.Persist(s.life, s.cfg.Logger, "the claiming of turns", func() { s.dispatch(work) })
	})
	s.keeper.Go(func() {
		defer ended.Close()
		defer cancelled.Close()
		lifecycle.Persist(s.life, s.cfg.Logger, "the renewal of leases", func() { s.keep(ended, cancelled) })
	})
	s.keeper.Go(func() {
		lifecycle.Persist(s.life, s.cfg.Logger, "the noting of used secrets", func() { s.agents.uses.keep(s.life) })
	})
	return nil
}

// Stop claims no more turns and lets those that run finish. What has not finished when ctx is about to end is cancelled and
// released, for the next server to claim.
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
	_ = lifecycle.Await(finish, turns)                     // what has not finished is broken off next
	s.end(errStopping)
	if err := lifecycle.Await(ctx, func() { turns(); s.keeper.Wait(); s.background.Wait() }); err != nil {
		return fmt.Errorf("stopping the agents: %w", err)
	}
	if !first || !started {
		return nil
	}
	release, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTime)
	defer cancel()
	var failed error
	if err := s.cfg.Messages.ReleaseTurns(release, s.cfg.Owner); err != nil {
		failed = fmt.Errorf("giving turns back: %w", err)
	}
	return errors.Join(failed, s.agents.uses.write(release), s.cfg.Usage.Flush(release))
}

// beforeDeadline returns a context that ends early enough for what is left to do before ctx ends.
func beforeDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	left := time.Until(deadline)
	return context.WithTimeout(ctx, left-min(left/2, releaseTime))
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
				hints = nil // the bus is closed; the ticker still runs
			}
		case <-s.freed:
		case <-ticker.C:
		}
	}
}

// claim takes as many turns as there is room for. A turn that runs here is never begun a second time, however its lease looks.
func (s *Service) claim() {
	room := cap(s.slots) - len(s.slots)
	if room == 0 || s.draining() {
		return
	}
	s.leasing.Lock()
	defer s.leasing.Unlock()
	if s.wall().Sub(s.renewed).Abs() > s.cfg.Lease/2 && !s.renew() {
		return // after a gap, what runs here may look abandoned
	}
	turns, err := s.cfg.Messages.ClaimTurns(s.life, s.cfg.Owner, room, share(cap(s.slots)), s.cfg.Lease)
	if err != nil {
		if !s.claimless { // logged once, and not every second
			s.cfg.Logger.WarnContext(s.life, "turns not claimed", "error", err)
		}
		s.claimless = true
		return
	}
	s.claimless = false
	for _, t := range turns {
		s.begin(t)
	}
}

// share returns how many of the workers one sender may have at work. The rest, a quarter, is there for other senders: one that
// asks a thousand things at once delays only itself.
func share(workers int) int { return max(1, workers-max(1, workers/4)) }

// begin runs a turn that was claimed, unless it runs already.
func (s *Service) begin(t messaging.Turn) {
	ctx, cancel := context.WithCancelCause(s.life)
	s.mu.Lock()
	_, held := s.held[t.ID]
	if !held {
		s.held[t.ID] = cancel
	}
	s.mu.Unlock()
	if held {
		cancel(nil)
		return // the claim has renewed its lease
	}
	s.slots <- struct{}{} // never waits: only the dispatcher adds, and there was room
	s.runs.Go(func() {
		defer lifecycle.Contain(s.cfg.Logger, "a turn")
		r := &run{service: s, turn: t, record: newRecord(t), startedAt: time.Now()}
		brokenOff := func() error {
			defer s.releaseSlot(t.ID, cancel)
			return s.take(ctx, r)
		}()
		if brokenOff != nil {
			s.release(ctx, r, brokenOff) // when it is no longer held here, for this server may be the next to claim it
		}
	})
}

func (s *Service) draining() bool {
	select {
	case <-s.drain:
		return true
	default:
		return false
	}
}

// releaseSlot frees a turn's slot.
func (s *Service) releaseSlot(turnID uuid.UUID, cancel context.CancelCauseFunc) {
	s.mu.Lock()
	delete(s.held, turnID)
	s.mu.Unlock()
	cancel(nil)
	full := len(s.slots) == cap(s.slots)
	<-s.slots
	if !full {
		return // the dispatcher had room, and got the hint when this turn was finished
	}
	select {
	case s.freed <- struct{}{}:
	default:
	}
}

// keep renews the leases of running turns, and breaks off the runs of those that were ended from outside, or are to be cancelled.
func (s *Service) keep(ended, cancelled *bus.Subscription) {
	ticker := time.NewTicker(s.cfg.Lease / 3)
	defer ticker.Stop()
	ends, cancels := ended.C(), cancelled.C()
	for {
		select {
		case <-s.life.Done():
			return
		case m, open := <-ends:
			if !open {
				ends = nil
				continue
			}
			s.breakOffAll(m, errEnded)
		case m, open := <-cancels:
			if !open {
				cancels = nil
				continue
			}
			s.breakOffAll(m, errCancelled)
		case <-ticker.C:
			s.leasing.Lock()
			s.renew()
			s.leasing.Unlock()
		}
	}
}

// renew extends the leases of the turns that run here, and reports whether it could. Those that were lost meanwhile, as after a
// gap in which another process claimed them, are broken off, and those that are to be cancelled, too. s.leasing is held, so that none is claimed at the same time.
//
// Only what runs is renewed: the lease of a turn that no worker runs, because the answer to its claim was lost, must pass.
func (s *Service) renew() bool {
	s.mu.Lock()
	held := slices.Collect(maps.Keys(s.held))
	s.mu.Unlock()
	now := s.wall()
	if len(held) > 0 {
		lost, cancelled, err := s.cfg.Messages.RenewTurns(s.life, s.cfg.Owner, held, s.cfg.Lease)
		if err != nil {
			if s.life.Err() == nil {
				s.cfg.Logger.WarnContext(s.life, "leases not renewed", "error", err)
			}
			return false
		}
		s.breakOff(lost, errEnded)
		s.breakOff(cancelled, errCancelled)
	}
	s.renewed = now
	return true
}

// wall is the time by the clock on the wall, which leases go by: without the monotonic reading, which hides that it jumped.
func (s *Service) wall() time.Time { return s.cfg.Now().Round(0) }

// breakOff ends the runs of turns that run here.
func (s *Service) breakOff(ids []uuid.UUID, why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		if cancel, ok := s.held[id]; ok {
			cancel(why)
		}
	}
}

// breakOffAll ends the runs of the turns that an event names. What a lost event named is found when its lease is renewed; until then it
// runs on, and if it was ended, its outcome is refused when it finishes.
func (s *Service) breakOffAll(m bus.Message, why error) {
	if m.Lost {
		return
	}
	ids, err := messaging.DecodeTurnIDs(m)
	if err != nil {
		s.cfg.Logger.WarnContext(s.life, "event not understood", "subject", m.Subject, "error", err)
		return
	}
	s.breakOff(ids, why)
}

package messaging

import (
	"context"
	"errors"
	"math"
	"sync"
	"time"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/lifecycle"
	"github.com/elizad/elizad/server/internal/store"
)

const (
	defaultSweepInterval = 5 * time.Minute
	sweepRetry           = 5 * time.Second // after one that failed
	leastSweepPause      = 50 * time.Millisecond
	jumpWatch            = time.Second // between two looks whether the clock jumped
)

// Sweeper sweeps whenever something is due, and now and then. Every node of a cluster runs one.
type Sweeper struct {
	service  *Service
	interval time.Duration

	stop    context.CancelFunc
	running sync.WaitGroup
}

// NewSweeper returns the sweeper of a service. The interval is how long it sleeps at most: what another node has begun is
// noticed then. 0 means 5 minutes.
func NewSweeper(s *Service, interval time.Duration) *Sweeper {
	if interval <= 0 {
		interval = defaultSweepInterval
	}
	return &Sweeper{service: s, interval: interval}
}

// Start begins to sweep, in the background.
func (w *Sweeper) Start(ctx context.Context) error {
	ctx, w.stop = context.WithCancel(context.WithoutCancel(ctx))
	w.running.Go(func() {
		lifecycle.Persist(ctx, w.service.log, "the sweeping of sessions and jobs", func() { w.run(ctx) })
	})
	return nil
}

// Stop ends it, and waits for the sweep that is under way.
func (w *Sweeper) Stop(ctx context.Context) error {
	w.stop()
	return lifecycle.Await(ctx, w.running.Wait)
}

func (w *Sweeper) run(ctx context.Context) {
	s := w.service
	watch := time.NewTicker(jumpWatch)
	defer watch.Stop()
	for {
		s.followClock(ctx)
		s.nextSweep.Store(math.MaxInt64) // what begins from now on may be missed by this sweep, and asks for another
		wake := s.now().Add(w.interval)
		next, ok, err := s.Sweep(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			if !errors.Is(err, context.Canceled) {
				s.log.ErrorContext(ctx, "sweep failed", "error", err)
			}
			wake = s.now().Add(sweepRetry)
		case ok && next.Before(wake):
			wake = next
		}
		s.nextSweep.Store(wake.UnixMilli())
		pause := time.NewTimer(max(wake.Sub(s.now()), leastSweepPause))
		for waiting := true; waiting; {
			select {
			case <-pause.C:
				waiting = false
			case <-s.sweepSoon:
				waiting = false
			case <-watch.C:
				waiting = s.jumps == nil || s.jumps.Jump() == 0
			case <-ctx.Done():
				pause.Stop()
				return
			}
		}
		pause.Stop()
	}
}

// gate is a store that stores nothing while the times of sessions and jobs move with a jump of the clock: what is stored by the
// time before must be there to be moved.
type gate struct {
	store.Store
	moving sync.RWMutex // held for reading while anything is stored
}

func (g *gate) Update(ctx context.Context, scope store.Scope, fn func(q db.Querier) error) error {
	g.moving.RLock()
	defer g.moving.RUnlock()
	return g.Store.Update(ctx, scope, fn)
}

// followClock moves the times of sessions and jobs along when the clock was set, or the machine slept: neither is time that a
// person let pass, or that an agent had. Where other nodes work on the database their clocks count, too, and nothing is moved.
func (s *Service) followClock(ctx context.Context) {
	if s.jumps == nil {
		return
	}
	jump := s.jumps.Jump()
	if jump == 0 {
		return
	}
	if !s.store.Exclusive() {
		s.jumps.Follow(jump)
	} else if err := s.moveAlong(ctx, jump); err != nil {
		s.log.ErrorContext(ctx, "the clock jumped, and is not followed yet", "by", jump, "error", err)
		return
	}
	s.log.WarnContext(ctx, "the clock jumped, or the machine slept: sessions and jobs go on as if it had not", "by", jump.Round(time.Millisecond))
}

// moveAlong follows a jump together with the times that are stored. For those who read meanwhile it comes in the order in which
// nothing seems over that goes on.
func (s *Service) moveAlong(ctx context.Context, jump time.Duration) error {
	s.store.moving.Lock()
	defer s.store.moving.Unlock()
	if jump < 0 {
		s.jumps.Follow(jump)
	}
	err := store.Update(ctx, s.store.Store, auth.Service().Scope(), "moving the times of sessions and jobs", func(q db.Querier) error {
		return shift(ctx, q, jump.Milliseconds())
	})
	switch {
	case err == nil && jump > 0:
		s.jumps.Follow(jump)
	case err != nil && jump < 0:
		s.jumps.Follow(-jump) // to be followed again
	}
	return err
}

func shift(ctx context.Context, q db.Querier, by int64) error {
	return errors.Join(q.ShiftSessions(ctx, by), q.ShiftJobs(ctx, by))
}

// fromTheFuture is how far ahead a beginning may be before the clock was set back since. It is less than any time-out.
const fromTheFuture = 5 * time.Second

// bringBack moves the times of sessions and jobs that begin in the future: the clock was set back between the server's last life
// and this one, and else they would live for so much longer.
func (s *Service) bringBack(ctx context.Context, q db.Querier, now dbtype.Millis) error {
	newest := now
	sessions, err := q.ListSessions(ctx, db.ListSessionsParams{Now: now, Until: math.MaxInt64, LimitRows: 1})
	if err != nil {
		return err
	}
	for _, r := range sessions {
		newest = max(newest, r.CreatedAt)
	}
	jobs, err := q.ListJobsOfStatus(ctx, db.ListJobsOfStatusParams{Status: string(JobProcessing), Until: math.MaxInt64, LimitRows: 1})
	if err != nil {
		return err
	}
	for _, r := range jobs {
		newest = max(newest, r.CreatedAt)
	}
	if ahead := newest - now; int64(ahead) >= fromTheFuture.Milliseconds() {
		s.log.WarnContext(ctx, "the clock was set back since the server ran: sessions and jobs go on as if it had not", "by", durationOf(int64(ahead)))
		return shift(ctx, q, -int64(ahead))
	}
	return nil
}

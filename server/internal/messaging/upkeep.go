package messaging

import (
	"context"
	"errors"
	"math"
	"sync"
	"time"
)

const (
	defaultSweepInterval = 5 * time.Minute
	sweepRetry           = 5 * time.Second // after one that failed
	leastSweepPause      = 50 * time.Millisecond
)

// Upkeep sweeps whenever something is due, and now and then. Every node of a cluster runs one.
type Upkeep struct {
	service  *Service
	interval time.Duration

	stop    context.CancelFunc
	running sync.WaitGroup
}

// NewUpkeep returns the upkeep of a service. The interval is how long it sleeps at most: what another node has begun is
// noticed then. 0 means 5 minutes.
func NewUpkeep(s *Service, interval time.Duration) *Upkeep {
	if interval <= 0 {
		interval = defaultSweepInterval
	}
	return &Upkeep{service: s, interval: interval}
}

// Start begins to sweep, in the background.
func (u *Upkeep) Start(ctx context.Context) error {
	ctx, u.stop = context.WithCancel(context.WithoutCancel(ctx))
	u.running.Go(func() { u.run(ctx) })
	return nil
}

// Stop ends it, and waits for the sweep that is under way.
func (u *Upkeep) Stop(ctx context.Context) error {
	u.stop()
	done := make(chan struct{})
	go func() {
		defer close(done)
		u.running.Wait()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (u *Upkeep) run(ctx context.Context) {
	s := u.service
	for {
		s.nextSweep.Store(math.MaxInt64) // what begins from now on may be missed by this sweep, and asks for another
		wake := s.now().Add(u.interval)
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
		select {
		case <-pause.C:
		case <-s.sweepSoon:
		case <-ctx.Done():
			pause.Stop()
			return
		}
		pause.Stop()
	}
}

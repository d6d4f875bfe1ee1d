package sweep

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/server/internal/lifecycle"
	"github.com/elizad/elizad/server/internal/store"
)

const (
	defaultInterval = 5 * time.Minute
	retry           = 5 * time.Second // after one that failed
	leastPause      = 50 * time.Millisecond
	jumpWatch       = time.Second // between two looks whether the clock jumped
)

// Config is what a Sweeper is made of.
type Config struct {
	Store  *Gate
	Parts  []Part
	Alarm  *Alarm           // of the parts; nil: nothing wakes the sweeper
	Logger *slog.Logger     // nil: nothing is logged
	Now    func() time.Time // nil: time.Now
	Jumps  Jumps            // of the clock behind Now; nil: it never jumps

	// Interval is how long a sweeper sleeps at most: what another node has begun is noticed then. 0: 5 minutes.
	Interval time.Duration
}

// Sweeper sweeps whenever something is due, and now and then. Every node of a cluster runs one.
type Sweeper struct {
	cfg Config

	stop    context.CancelFunc
	running sync.WaitGroup
}

// New returns a sweeper that does nothing before it is started.
func New(cfg Config) *Sweeper {
	if cfg.Interval <= 0 {
		cfg.Interval = defaultInterval
	}
	if cfg.Alarm == nil {
		cfg.Alarm = NewAlarm()
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Sweeper{cfg: cfg}
}

// Sweep does what is due, and returns when something is due next; ok is false when nothing is.
func (w *Sweeper) Sweep(ctx context.Context) (at time.Time, ok bool, err error) {
	for _, p := range w.cfg.Parts {
		if err := p.sweep(ctx); err != nil {
			return time.Time{}, false, err
		}
	}
	err = store.SystemView(ctx, w.cfg.Store, "looking for what is due", func(q db.System) (err error) {
		at, ok, err = next(ctx, q, w.cfg.Parts)
		return err
	})
	return at, ok, err
}

// Start begins to sweep, in the background.
func (w *Sweeper) Start(ctx context.Context) error {
	ctx, w.stop = context.WithCancel(context.WithoutCancel(ctx))
	w.running.Go(func() {
		lifecycle.Persist(ctx, w.cfg.Logger, "the sweeping of sessions and jobs", func() { w.run(ctx) })
	})
	return nil
}

// Stop ends it, and waits for the sweep that is under way.
func (w *Sweeper) Stop(ctx context.Context) error {
	w.stop()
	return lifecycle.Await(ctx, w.running.Wait)
}

func (w *Sweeper) run(ctx context.Context) {
	watch := time.NewTicker(jumpWatch)
	defer watch.Stop()
	for {
		w.followClock(ctx)
		w.cfg.Alarm.listen()
		wake := w.cfg.Now().Add(w.cfg.Interval)
		next, ok, err := w.Sweep(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			if !errors.Is(err, context.Canceled) {
				w.cfg.Logger.ErrorContext(ctx, "sweep failed", "error", err)
			}
			wake = w.cfg.Now().Add(retry)
		case ok && next.Before(wake):
			wake = next
		}
		w.cfg.Alarm.sleepUntil(wake)
		pause := time.NewTimer(max(wake.Sub(w.cfg.Now()), leastPause))
		for waiting := true; waiting; {
			select {
			case <-pause.C:
				waiting = false
			case <-w.cfg.Alarm.soon:
				waiting = false
			case <-watch.C:
				waiting = w.cfg.Jumps == nil || w.cfg.Jumps.Jump() == 0
			case <-ctx.Done():
				pause.Stop()
				return
			}
		}
		pause.Stop()
	}
}

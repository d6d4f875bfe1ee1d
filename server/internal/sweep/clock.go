package sweep

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/internal/store"
)

// Jumps is a clock that holds back when the time of day jumps, until it is allowed to follow.
type Jumps interface {
	Jump() time.Duration
	Follow(jump time.Duration)
}

// Gate is a store in which nothing changes while times move with a jump of the clock: what is stored by the time before must be
// there to be moved. All parts that store swept times do it through one gate. Make it with [NewGate].
type Gate struct {
	store.System
	moving sync.RWMutex // held for reading while anything is stored
}

// NewGate returns a gate to a store.
func NewGate(st store.System) *Gate { return &Gate{System: st} }

// Update implements [store.Store].
func (g *Gate) Update(ctx context.Context, scope store.Scope, fn func(q db.Scoped) error) error {
	g.moving.RLock()
	defer g.moving.RUnlock()
	return g.System.Update(ctx, scope, fn)
}

// SystemUpdate implements [store.System].
func (g *Gate) SystemUpdate(ctx context.Context, fn func(q db.System) error) error {
	g.moving.RLock()
	defer g.moving.RUnlock()
	return g.System.SystemUpdate(ctx, fn)
}

// followClock moves the times of sessions and jobs along when the clock was set, or the machine slept: neither is time that a
// person let pass, or that an agent had. Where other nodes work on the database their clocks count, too, and nothing is moved.
func (w *Sweeper) followClock(ctx context.Context) {
	if w.cfg.Jumps == nil {
		return
	}
	jump := w.cfg.Jumps.Jump()
	if jump == 0 {
		return
	}
	if !w.cfg.Store.Exclusive() {
		w.cfg.Jumps.Follow(jump)
	} else if err := w.moveAlong(ctx, jump); err != nil {
		w.cfg.Logger.ErrorContext(ctx, "the clock jumped, and is not followed yet", "by", jump, "error", err)
		return
	}
	w.cfg.Logger.WarnContext(ctx, "the clock jumped, or the machine slept: sessions and jobs go on as if it had not", "by", jump.Round(time.Millisecond))
}

// moveAlong follows a jump together with the times that are stored. Concurrent readers see it in the order in which
// nothing that is running seems to have ended.
func (w *Sweeper) moveAlong(ctx context.Context, jump time.Duration) error {
	w.cfg.Store.moving.Lock()
	defer w.cfg.Store.moving.Unlock()
	if jump < 0 {
		w.cfg.Jumps.Follow(jump)
	}
	err := store.SystemUpdate(ctx, w.cfg.Store.System, "moving the times of sessions and jobs", func(q db.System) error {
		return w.shift(ctx, q, jump.Milliseconds())
	})
	switch {
	case err == nil && jump > 0:
		w.cfg.Jumps.Follow(jump)
	case err != nil && jump < 0:
		w.cfg.Jumps.Follow(-jump) // to be followed again
	}
	return err
}

func (w *Sweeper) shift(ctx context.Context, q db.System, by int64) error {
	var errs []error
	for _, p := range w.cfg.Parts {
		errs = append(errs, p.Shift(ctx, q, by))
	}
	return errors.Join(errs...)
}

// maxAhead is how far ahead a beginning may be before the clock was set back since. It is less than any time-out.
const maxAhead = 5 * time.Second

// Prepare moves the times of sessions and jobs that begin in the future, where no other process works on the database: the clock
// was set back between the server's last life and this one, and else they would live for so much longer.
func (w *Sweeper) Prepare(ctx context.Context) error {
	if !w.cfg.Store.Exclusive() {
		return nil
	}
	return store.SystemUpdate(ctx, w.cfg.Store, "bringing back times from the future", func(q db.System) error {
		now := dbtype.MillisOf(w.cfg.Now())
		newest := now
		for _, p := range w.cfg.Parts {
			began, err := p.Newest(ctx, q, now)
			if err != nil {
				return err
			}
			newest = max(newest, began)
		}
		ahead := newest.Time().Sub(now.Time())
		if ahead < maxAhead {
			return nil
		}
		w.cfg.Logger.WarnContext(ctx, "the clock was set back since the server ran: sessions and jobs go on as if it had not", "by", ahead)
		return w.shift(ctx, q, -ahead.Milliseconds())
	})
}

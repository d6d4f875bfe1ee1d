// Package sweep ends by itself what has a time to end: sessions, jobs, dialogues.
//
// A [Part] says what is due and does it in steps, each a transaction, so that several nodes may sweep at once and each step
// happens once. A [Sweeper] sleeps until something is due; an [Alarm] wakes it for what is due before that. Sweeper and [Gate]
// together move the times that are stored when the clock jumps. A new part is given to the sweeper where the server is wired.
package sweep

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"sync/atomic"
	"time"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
)

// Batch is how many rows one transaction of a sweep touches.
const Batch = 100

// Part is a kind of rows that end by themselves.
type Part struct {
	// Steps do what is due, in order. Each returns how many rows it found; one that found Batch is called again.
	Steps []func(ctx context.Context) (int, error)
	// Next returns when something is due next, or [sql.ErrNoRows].
	Next func(ctx context.Context, q db.System) (dbtype.Millis, error)
	// Newest returns the latest beginning of what lives at a moment, or an earlier time.
	Newest func(ctx context.Context, q db.System, now dbtype.Millis) (dbtype.Millis, error)
	// Shift moves all times of what lives by so many milliseconds.
	Shift func(ctx context.Context, q db.System, by int64) error
}

// sweep does what is due.
func (p *Part) sweep(ctx context.Context) error {
	for _, step := range p.Steps {
		for {
			n, err := step(ctx)
			if err != nil {
				return err
			}
			if n < Batch {
				break
			}
		}
	}
	return nil
}

// next returns when a part is due next; ok is false when it isn't.
func next(ctx context.Context, q db.System, parts []Part) (at time.Time, ok bool, err error) {
	for _, p := range parts {
		due, err := p.Next(ctx, q)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		} else if err != nil {
			return time.Time{}, false, err
		}
		if t := due.Time(); !ok || t.Before(at) {
			at, ok = t, true
		}
	}
	return at, ok, nil
}

// Alarm wakes a sweeper for what begins while it sleeps and is due before it would wake. Make it with [NewAlarm].
type Alarm struct {
	next atomic.Int64 // epoch milliseconds; the sweeper sleeps until then
	soon chan struct{}
}

// NewAlarm returns an alarm for one sweeper.
func NewAlarm() *Alarm { return &Alarm{soon: make(chan struct{}, 1)} }

// By makes sure that a sweep comes as soon as something is due.
func (a *Alarm) By(due dbtype.Millis) {
	if int64(due) >= a.next.Load() {
		return
	}
	select {
	case a.soon <- struct{}{}:
	default: // a signal is pending already
	}
}

// listen lets everything that begins from now on ask for another sweep: the one that begins may miss it.
func (a *Alarm) listen() { a.next.Store(math.MaxInt64) }

// sleepUntil lets only that ask for a sweep which is due before.
func (a *Alarm) sleepUntil(wake time.Time) { a.next.Store(wake.UnixMilli()) }

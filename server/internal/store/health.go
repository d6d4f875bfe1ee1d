package store

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Health remembers which lasting faults the callers of a database met, and logs when one begins and when it is over. Its
// zero value is not ready; use [NewHealth].
type Health struct {
	log   *slog.Logger
	fades time.Duration

	any  atomic.Bool // there is something in seen
	mu   sync.Mutex
	seen map[Fault]time.Time // when it was met last
}

// NewHealth returns the memory of a healthy database. A fault that may pass is forgotten when it was not met for the time of
// fades; with 0 it stays until [Health.Over] says that it has passed.
func NewHealth(log *slog.Logger, fades time.Duration) *Health {
	return &Health{log: log, fades: fades, seen: map[Fault]time.Time{}}
}

// Translate is the function of the same name, and remembers lasting faults.
func (h *Health) Translate(err error, classify func(error) Fault) error {
	err = Translate(err, classify)
	if f := FaultOf(err); f.lasting() {
		h.Met(f, err)
	}
	return err
}

// Met notes a fault.
func (h *Health) Met(f Fault, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if last, known := h.seen[f]; !known || h.faded(f, last) {
		h.log.Error("the database has a fault", "fault", f.String(), "error", err)
	}
	h.seen[f] = time.Now()
	h.any.Store(true)
}

// Over notes that a fault has passed.
func (h *Health) Over(f Fault) {
	if !h.any.Load() {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, known := h.seen[f]; known {
		delete(h.seen, f)
		h.any.Store(len(h.seen) > 0)
		h.log.Info("a fault of the database is over", "fault", f.String())
	}
}

// Has reports whether a fault lasts.
func (h *Health) Has(f Fault) bool {
	if !h.any.Load() {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	last, known := h.seen[f]
	return known && !h.faded(f, last)
}

// Err returns the worst fault that lasts as an error for callers, or nil.
func (h *Health) Err() error {
	for _, f := range []Fault{FaultMissing, FaultDamaged, FaultLog, FaultDisk, FaultFull, FaultReadOnly} {
		if h.Has(f) {
			return f.wrap(errLasts)
		}
	}
	return nil
}

func (h *Health) faded(f Fault, last time.Time) bool {
	return h.fades > 0 && f != FaultDamaged && time.Since(last) > h.fades
}

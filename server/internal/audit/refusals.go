package audit

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/server/internal/store"
)

const (
	// refusalEvery is how often refusals are written of one network, principal and operation: the first at once, and how many there
	// were since after this time.
	refusalEvery = 5 * time.Minute
	// maxRefusals is how many of those are told apart at a time. The rest are counted together.
	maxRefusals = 128
)

// Refusal is the action of all refusals.
const Refusal = "refusal"

// refusals counts what was refused.
type refusals struct {
	mu     sync.Mutex
	counts map[refusalKey]*count
}

// refusalKey is what refusals have in common that are counted together; the zero value is that of the rest.
type refusalKey struct {
	network, principal, operation string
	status                        int
}

// count is how many refusals are not written yet.
type count struct {
	entry Entry // the first of them
	times int64
	since time.Time
	at    time.Time // of the last
	due   time.Time // when they may be written
}

// Refused counts a refusal of a caller in a network. It writes nothing itself. However many there are, of however many callers, at most
// one entry is written for each network, principal and operation in five minutes, and at most 129 in all.
func (s *Service) Refused(network string, e Entry) {
	e.Action = Refusal
	now := s.now()
	key := refusalKey{network, e.Who.Principal(), e.Operation, e.Status}
	if s.refusals.add(key, e, now) {
		select {
		case s.soon <- struct{}{}:
		default: // a signal is pending already
		}
	}
}

// add counts a refusal. It reports whether that is to be written at once.
func (r *refusals) add(key refusalKey, e Entry, now time.Time) (due bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.counts == nil {
		r.counts = map[refusalKey]*count{}
	}
	c := r.counts[key]
	if c == nil && len(r.counts) >= maxRefusals {
		key, e = refusalKey{}, Entry{Action: Refusal, Status: e.Status, Details: "others, of many callers"}
		c = r.counts[key]
	}
	if c == nil {
		c = &count{due: now}
		r.counts[key] = c
	}
	if c.times == 0 {
		c.entry, c.since = e, now
	}
	c.times++
	c.at = now
	return !c.due.After(now)
}

// take returns what is to be written, of all with whole, and forgets what has not been refused for a while. What can't be written is
// given back, for later.
func (r *refusals) take(now time.Time, whole bool) map[refusalKey]count {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := map[refusalKey]count{}
	for key, c := range r.counts {
		switch due := !c.due.After(now); {
		case c.times == 0 && due:
			delete(r.counts, key)
		case c.times > 0 && (due || whole):
			out[key] = *c
			c.times, c.due = 0, now.Add(refusalEvery)
		}
	}
	return out
}

func (r *refusals) giveBack(taken map[refusalKey]count, again time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, was := range taken {
		if c := r.counts[key]; c != nil {
			if c.times > 0 {
				was.at = c.at
			}
			was.times += c.times
			was.due = again
			*c = was
		}
	}
}

// writeRefusals stores the refusals that are due, or all.
func (s *Service) writeRefusals(ctx context.Context, all bool) error {
	s.writing.Lock() // whoever comes second finds what the first has written
	defer s.writing.Unlock()
	taken := s.refusals.take(s.now(), all)
	if len(taken) == 0 {
		return nil
	}
	counts := make([]count, 0, len(taken))
	for _, c := range taken {
		counts = append(counts, c)
	}
	slices.SortFunc(counts, func(a, b count) int { return a.since.Compare(b.since) })
	err := store.SystemUpdate(ctx, s.store, "writing refusals to the audit log", func(q db.System) error {
		for _, c := range counts {
			if err := write(ctx, q, c.entry.record(c.at, c.since, c.times)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		s.refusals.giveBack(taken, s.now().Add(lookEvery))
	}
	return err
}

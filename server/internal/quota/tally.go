package quota

import (
	"sync"
	"time"
)

// lasting is how long a count holds at most: other processes on the same database add to it.
const lasting = time.Minute

// Tally holds one kind of things to their quota, at a cost that doesn't grow with how many there are. Make it with [NewTally];
// it is safe for concurrent use.
//
// It knows how many there were when they were last counted, and how many it has admitted since. Together that is never less
// than there are, for all that is made asks it first: what was admitted and came to nothing still counts, and so does what
// was removed. It counts again when a quarter of what was left is used up or the count is a minute old, each time when few are
// left, and always before it refuses. So a process that is alone makes never one too many, and what is removed makes room
// at once.
//
// A count doesn't see what others have admitted in transactions that aren't committed, unless they all run on one connection,
// as on SQLite. As many as run at the moment of a count may thus come on top, and what other processes make until the
// next one.
type Tally struct {
	Quota
	now func() time.Time

	mu       sync.Mutex
	admitted int64     // ever
	counted  int64     // how many there were
	before   int64     // how many were ever admitted before they were counted
	at       time.Time // when they were counted
}

// NewTally returns a tally that has counted nothing yet. Counts grow old by the clock of now.
func NewTally(q Quota, now func() time.Time) *Tally { return &Tally{Quota: q, now: now} }

// Admit refuses more things than there may be beside those that all counts, and what is more than a caller's share beside
// those that ofCaller counts. With nil for ofCaller they have no owner.
//
// A caller can't have more than the share while there are no more in all, so that theirs are counted only above it: then for
// each admission, at a cost that grows with what this caller has.
func (t *Tally) Admit(more int, all, ofCaller Count) error {
	if t.Most <= 0 {
		return nil
	}
	total, known := t.remember(int64(more))
	if !known {
		var err error
		if total, err = t.count(int64(more), all); err != nil {
			return err
		}
	}
	if ofCaller == nil || total <= int64(t.Share()) {
		return nil
	}
	n, err := ofCaller(int64(t.Share()) + 1)
	if err == nil && n+int64(more) > int64(t.Share()) {
		err = t.refuse("One caller may have %d %s, and this one has as many", t.Share())
	}
	return err
}

// remember admits more by what is known, and returns how many there are then at most; not known without a count.
func (t *Tally) remember(more int64) (total int64, known bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	since, age := t.admitted-t.before, t.now().Sub(t.at)
	if since+more > (int64(t.Most)-t.counted)/4 || age < 0 || age >= lasting {
		return 0, false
	}
	t.admitted += more
	return t.counted + since + more, true
}

// count counts all, and admits more if there is room, beside what was admitted meanwhile. It returns how many there are then.
func (t *Tally) count(more int64, all Count) (total int64, err error) {
	t.mu.Lock()
	before, at := t.admitted, t.now()
	t.mu.Unlock()
	n, err := all(int64(t.Most) + 1) // takes its time: the others go on
	if err != nil {
		return 0, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counted, t.before, t.at = n, before, at
	if total = n + t.admitted - before + more; total > int64(t.Most) {
		return 0, t.full()
	}
	t.admitted += more
	return total, nil
}

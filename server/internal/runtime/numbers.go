package runtime

import (
	"sync"
	"time"
)

// Numbers says how many agents there are.
type Numbers struct{ Total, Running int }

// numbersLast is how long numbers are remembered: other processes on the database change them, too.
const numbersLast = time.Second

// numbers remembers how many agents there are, so that they are not counted for each health check. It
// is safe for concurrent use.
type numbers struct {
	now func() time.Time

	mu      sync.Mutex
	last    Numbers
	until   time.Time // zero: they are not known
	changes int       // that were ever made here
}

// recall returns the numbers, if they are known, and otherwise what to remember those with that are counted next.
func (n *numbers) recall() (last Numbers, changes int, known bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	left := n.until.Sub(n.now())
	return n.last, n.changes, left > 0 && left <= numbersLast
}

// remember keeps numbers that were counted after so many changes, unless there were more meanwhile.
func (n *numbers) remember(counted Numbers, changes int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if changes == n.changes {
		n.last, n.until = counted, n.now().Add(numbersLast)
	}
}

// forget is called after each change, even one that failed, for it may be stored all the same.
func (n *numbers) forget() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.until = time.Time{}
	n.changes++
}

package idempotency

import (
	"sync"

	"github.com/google/uuid"
)

const (
	// rowSize is what a kept answer takes beside its text.
	rowSize = 512
	// evicted is how many of the oldest answers go at once where there are too many bytes.
	evicted = 16
	// maxCallers bounds how many callers are counted apart.
	maxCallers = 10_000
)

// ledger counts the bytes of the answers that this process keeps. It begins with nothing: what was kept before counts for
// no caller, is the oldest, and goes first.
type ledger struct {
	perCaller, inAll int64 // 0: no limit

	mu      sync.Mutex
	callers map[uuid.UUID]int64
	all     int64
}

// add counts an answer, and says whether some of the caller's, or of all, have to go.
func (l *ledger) add(caller uuid.UUID, size int64) (callerFull, full bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.callers == nil {
		l.callers = map[uuid.UUID]int64{}
	}
	if _, known := l.callers[caller]; !known && len(l.callers) >= maxCallers {
		for other := range l.callers { // any; what it has still counts among that of all
			delete(l.callers, other)
			break
		}
	}
	l.callers[caller] += size
	l.all += size
	return l.perCaller > 0 && l.callers[caller] > l.perCaller, l.inAll > 0 && l.all > l.inAll
}

// free uncounts answers of a caller's, and of others.
func (l *ledger) free(caller uuid.UUID, ofCaller, ofAll int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if left := l.callers[caller] - ofCaller; left > 0 {
		l.callers[caller] = left
	} else {
		delete(l.callers, caller)
	}
	l.all = max(l.all-ofCaller-ofAll, 0)
}

// sizeOf returns what answers of some lengths take.
func sizeOf(lengths []int64) (sum int64) {
	for _, n := range lengths {
		sum += n + rowSize
	}
	return sum
}

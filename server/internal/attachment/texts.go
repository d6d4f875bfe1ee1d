package attachment

import (
	"sync"
	"time"
)

const (
	maxKnown    = 8 << 20          // bytes of texts that are remembered
	knownFor    = 15 * time.Minute // what is elsewhere may change
	entryWeight = 1 << 10          // what an entry takes beside its text
)

// known is what was found in an attachment.
type known struct {
	Content
	err   error
	until time.Time
}

// texts remembers the texts of documents that were read a moment ago: a conversation about one asks for it with each message.
type texts struct {
	mu      sync.Mutex
	entries map[place]known
	weight  int
}

func newTexts() *texts { return &texts{entries: map[place]known{}} }

func (t *texts) get(at place) (known, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k, ok := t.entries[at]
	if !ok || time.Now().After(k.until) {
		return known{}, false
	}
	return k, true
}

func (t *texts) put(at place, k known) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k.until = time.Now().Add(knownFor)
	t.drop(at)
	for old := range t.entries { // any will do: few are asked for more than once
		if t.weight+weigh(at, k) <= maxKnown {
			break
		}
		t.drop(old)
	}
	t.entries[at], t.weight = k, t.weight+weigh(at, k)
}

func (t *texts) drop(at place) {
	if k, ok := t.entries[at]; ok {
		delete(t.entries, at)
		t.weight -= weigh(at, k)
	}
}

func weigh(at place, k known) int { return len(at.address) + len(k.Text) + entryWeight }

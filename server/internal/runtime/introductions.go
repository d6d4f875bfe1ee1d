package runtime

import (
	"sync"
	"time"

	"github.com/google/uuid"
)

const (
	introductionAge  = 24 * time.Hour // how long a person is taken to remember the introduction
	introductionMemo = time.Hour      // how long a known introduction is not looked up again,
	missingMemo      = time.Minute    // and a missing one: another server may give it meanwhile
	maxIntroductions = 10_000
)

// introductions remembers which persons know what answers here, and which don't, so that not every answer reads what its person
// got in a day.
type introductions struct {
	mu    sync.Mutex
	known map[uuid.UUID]introduction
}

// introduction is what is known of one person.
type introduction struct {
	introduced bool
	until      time.Time // when the database is asked again
}

// recall reports whether a person had the introduction, and whether that is known.
func (i *introductions) recall(person uuid.UUID, now time.Time) (introduced, known bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	found, ok := i.known[person]
	if !ok || !now.Before(found.until) {
		return false, false
	}
	return found.introduced, true
}

// note remembers whether a person had the introduction. A full memory starts empty again: what it held is in the database, too.
func (i *introductions) note(person uuid.UUID, introduced bool, now time.Time) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.known == nil || len(i.known) >= maxIntroductions {
		i.known = map[uuid.UUID]introduction{}
	}
	until := now.Add(missingMemo)
	if introduced {
		until = now.Add(introductionMemo)
	} else if found := i.known[person]; found.introduced && now.Before(found.until) {
		return // the database was read before another answer gave the introduction
	}
	i.known[person] = introduction{introduced, until}
}

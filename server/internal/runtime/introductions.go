package runtime

import (
	"sync"
	"time"

	"github.com/google/uuid"
)

const (
	introductionAge  = 24 * time.Hour // how long a person is taken to remember what was told
	introductionMemo = time.Hour      // how long the database is not asked again who was told,
	strangerMemo     = time.Minute    // and who wasn't: another server may tell them meanwhile
	maxIntroductions = 10_000
)

// introductions remembers who was told what answers here, and who wasn't, so that not every answer reads what its person was told
// in a day.
type introductions struct {
	mu    sync.Mutex
	known map[uuid.UUID]introduction
}

// introduction is what is known of one person.
type introduction struct {
	told  bool
	until time.Time // when the database is asked again
}

// recall reports whether a person was told, and whether that is known.
func (i *introductions) recall(person uuid.UUID, now time.Time) (told, known bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	found, ok := i.known[person]
	if !ok || !now.Before(found.until) {
		return false, false
	}
	return found.told, true
}

// note remembers whether a person was told. A full memory starts anew: what it knew stands in the database, too.
func (i *introductions) note(person uuid.UUID, told bool, now time.Time) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.known == nil || len(i.known) >= maxIntroductions {
		i.known = map[uuid.UUID]introduction{}
	}
	until := now.Add(strangerMemo)
	if told {
		until = now.Add(introductionMemo)
	} else if found := i.known[person]; found.told && now.Before(found.until) {
		return // the database was asked before another answer told it
	}
	i.known[person] = introduction{told, until}
}

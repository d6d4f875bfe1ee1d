package runtime

import (
	"errors"
	"strings"
	"sync/atomic"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/server/internal/runtime/frame"
	"github.com/elizad/elizad/server/model"
)

// maxListedBio is how many characters of its first statement a list shows of an agent.
const maxListedBio = 2000

// card is what lists say of one version of an agent, and what was noticed in its runs. It is small next to what is built from it, and
// stays known when that has to make room.
type card struct {
	version int64
	place   string // in lists: the name without regard to case
	bio     string
	model   ModelChoice // whose status is that of the moment

	// problem is the last error of the model's configuration, as the model itself reported it; nil while it works.
	problem atomic.Pointer[string]
	// manner is how the large model answers.
	manner atomic.Pointer[frame.Manner]
}

// newCard returns the card of the version that was built from a row.
func newCard(row db.Agent, m *agentVersion) *card {
	bio := m.character.Bio.First()
	if short := firstRunes(bio, maxListedBio); short != bio {
		bio = strings.Clone(short) + "…"
	}
	c := &card{version: row.Version, place: strings.ToLower(row.Name), bio: bio, model: m.model}
	c.manner.Store(&frame.Manner{})
	return c
}

// cardBase is what a card takes beside its texts, with the clients of its models, roughly.
const cardBase = 1 << 10

// size returns the bytes that the card takes, roughly.
func (c *card) size() int { return cardBase + len(c.place) + len(c.bio) }

// modelStatus describes the model to the owner.
func (c *card) modelStatus() ModelStatus {
	status := c.model.status()
	if problem := c.problem.Load(); problem != nil {
		status.Notice = *problem
	}
	return status
}

// notice notes that a model can't be used until a setting changes, if that is why a call failed.
func (c *card) notice(err error) {
	if e, ok := errors.AsType[*model.Error](err); ok && e.Misconfigured() {
		c.problem.Store(&e.Message)
	}
}

// learn notes from a complete answer how the large model answers.
func (c *card) learn(answer frame.Frame) {
	for {
		before := c.manner.Load()
		after := before.After(answer)
		if after == *before || c.manner.CompareAndSwap(before, &after) {
			return
		}
	}
}

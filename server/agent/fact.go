package agent

import (
	"time"

	"github.com/google/uuid"
)

// Fact is what an agent keeps about an entity, in a sentence.
type Fact struct {
	ID        uuid.UUID // zero in a new one
	About     uuid.UUID // the entity; in a new one the zero UUID stands for the author of the run's message
	Name      string    // display name of the entity; empty when not known
	Claim     string    // stands by itself: what somebody said, or what is said about somebody by name
	Topic     string    // a newer fact of a topic takes the place of the older; empty: it stands beside all others
	Kind      string    // fact, opinion or status; empty: fact
	Own       bool      // told by the author of the run's message about themself
	UpdatedAt time.Time // when it was told last
}

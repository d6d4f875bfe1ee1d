package agent

import (
	"context"
	"encoding/json"
	"hash/fnv"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/model"
)

// Run is one agent's dealing with one message: what components get to work with. Its fields must not be changed, except by
// the runtime.
type Run struct {
	ID         uuid.UUID
	AgentID    uuid.UUID
	ResponseID uuid.UUID // identifier of the reply, if there will be one
	Character  *Character
	Room       Room
	Message    Message         // the message to deal with
	Recent     []Message       // the conversation, oldest first; Message is the last
	Wanted     string          // what the program asks of the answer through which the author writes; empty for nothing
	State      State           // what providers said before the call
	Results    []Result        // what the actions of this run did before the call, in order
	Parameters json.RawMessage // of the action that is carried out: an object that fits its schema; nil for one without
	Earlier    []Result        // what actions did in the newest turns of the agent here before this one, oldest first
	Actions    []Action        // what the agent may do now; empty while that is being found out
	Facts      []Fact          // what the agent remembers that it may speak of here, newest first: the author's own, then others told here
	Providers  []Provider
	StartedAt  time.Time // clock times and ages are given relative to it
	Seed       uint64    // the same for all runs of the agent in the room for a while, so that prompts stay alike
	Host       Host
	Services   Services
}

// Rand returns a source of randomness that depends on the run's seed and on the purpose alone.
func (r *Run) Rand(purpose string) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(purpose))                 // never fails
	return rand.New(rand.NewPCG(r.Seed, h.Sum64())) //nolint:gosec // chooses examples, not secrets
}

// Room is the channel a run happens in.
type Room struct {
	ID           uuid.UUID // the channel
	ServerID     uuid.UUID // the message server
	Name         string
	Type         string // DM, GROUP, …
	State        string // the agent's standing in the room: "", FOLLOWED or MUTED
	Participants []Participant
}

// Participant is an entity in a room.
type Participant struct {
	ID    uuid.UUID
	Name  string // display name; empty when not known
	Agent bool
}

// Host is what a component may ask of the server on behalf of one agent, also outside of a run.
type Host interface {
	// Setting looks a name up in the agent's secrets, its settings and the server's settings, in this order. The first
	// layer that has the name wins, even with an empty value. Objects and lists are not settings. For a key, and for the
	// address that it is sent to, ask Lookup.
	Setting(name string) (value string, ok bool)
	// Lookup is Setting with the origin of the value: every caller of the API may write a character, and the key may be its
	// owner's or the server's. So a key is sent to an address only if [model.Setting.MayCarry] allows it.
	Lookup(name string) (s model.Setting, ok bool)
	// Logger returns a logger that names the agent.
	Logger() *slog.Logger
}

// Services is what a component may do within a run.
type Services interface {
	// Generate calls the agent's model. The call is recorded in the run.
	Generate(ctx context.Context, req model.Request) (model.Answer, error)
	// SetRoomState changes the agent's standing in the room: "", FOLLOWED or MUTED.
	SetRoomState(ctx context.Context, state string) error
	// Remember keeps facts that the run's message has told, from the end of the run on: they are stored together with its outcome.
	Remember(facts ...Fact)
	// Forget drops facts at the end of the run.
	Forget(ids ...uuid.UUID)
}

// The standings of an agent in a room.
const (
	RoomFollowed = "FOLLOWED" // takes part without being addressed
	RoomMuted    = "MUTED"    // silent until addressed by name
)

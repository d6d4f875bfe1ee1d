package messaging

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/usage"
)

// TurnStatus is where a turn stands.
type TurnStatus string

// A turn is queued, then running, and ends in one of the others. It ends once.
const (
	TurnQueued     TurnStatus = "queued"
	TurnRunning    TurnStatus = "running"
	TurnReplied    TurnStatus = "replied"    // the agent answered
	TurnIgnored    TurnStatus = "ignored"    // the agent chose to say nothing
	TurnFailed     TurnStatus = "failed"     // the model or the agent failed
	TurnCancelled  TurnStatus = "cancelled"  // on request, or the message, the channel or the agent went away
	TurnSuperseded TurnStatus = "superseded" // a newer message took its place
	TurnTimedOut   TurnStatus = "timed_out"  // it took longer than allowed
)

// Ended reports whether nothing more will happen.
func (s TurnStatus) Ended() bool { return s != TurnQueued && s != TurnRunning }

// Turn is one agent's dealing with one message. The turns of an agent in a channel are its mailbox and are worked one at a
// time, in the order of the messages.
type Turn struct {
	ID               uuid.UUID
	AgentID          uuid.UUID
	ChannelID        uuid.UUID
	MessageID        uuid.UUID
	SenderID         uuid.UUID
	Seq              int64     // the message's number
	ResponseID       uuid.UUID // id of the reply: known before it is there, so it can't be said twice
	Status           TurnStatus
	Reason           string // short code: the rule or the error behind the status
	Detail           string // the same in a sentence for people
	ReplyID          *uuid.UUID
	CharacterVersion int64
	Attempts         int  // how often it was taken up
	CancelRequested  bool // its worker is to cancel it
	QueuedAt         time.Time
	StartedAt        *time.Time
	EndedAt          *time.Time
}

// Kinds of TurnLogEntry.
const (
	LogRunStarted      = "RUN_STARTED"
	LogRunEnded        = "RUN_ENDED"
	LogActionStarted   = "ACTION_STARTED"
	LogActionCompleted = "ACTION_COMPLETED"
	LogModelUsed       = "MODEL_USED"
	LogKnowledge       = "KNOWLEDGE_USED"
	LogEvaluated       = "EVALUATOR_COMPLETED"
)

// TurnLogEntry is one line of a turn's record.
type TurnLogEntry struct {
	Type string
	At   time.Time
	Data json.RawMessage // an object
}

// Reply is what an agent says at the end of a turn.
type Reply struct {
	Content    string
	AuthorName string
	RawMessage json.RawMessage // thought, actions, text
	Metadata   json.RawMessage // an object
}

// Outcome ends a turn.
type Outcome struct {
	Status           TurnStatus // an ended one
	Reason           string
	Detail           string
	Reply            *Reply // nil: nothing is said
	CharacterVersion int64
	Log              []TurnLogEntry
	Recollection     *Recollection // nil: the agent keeps nothing
}

// TurnContext is what an agent knows when it takes a turn.
type TurnContext struct {
	Version int64          // of the agent
	Running bool           // whether the agent takes turns
	State   string         // how it takes part in the channel: see [Service.SetParticipantState]
	Channel Channel        // with participants
	Program bool           // a program reads the answers: the channel is of an [Observer]
	Agents  []ChannelAgent // those of the participants that are agents, in the order of joining
	Trigger Message        // the message to answer
	Facts   Facts          // what the agent keeps that it may speak of
	Recent  []Message      // as the agent remembers them, oldest first, ending with Trigger; what others wrote after it is left out
}

// ChannelAgent is an agent that takes part in a channel.
type ChannelAgent struct {
	ID      uuid.UUID
	Name    string
	Running bool // whether it takes turns there
}

// Counts sums up a turn's record.
type Counts struct {
	Actions    int
	ModelCalls int
	Errors     int
	Evaluators int
}

// Run is a turn with its counts, as run lists show it.
type Run struct {
	Turn
	Counts Counts
	Usage  usage.Sum // of its calls of language models
}

// RunQuery restricts a list of runs.
type RunQuery struct {
	ChannelID *uuid.UUID // or the agent's room for it
	Status    string     // "", started, completed, timeout, error
	Limit     int        // 0 means 20; at most 100
	Offset    int
	From, To  *time.Time // when runs started, or came if they have not started; both ends belong to the span
	Until     *time.Time // when the newest may have come, for lists that don't grow while they are read
}

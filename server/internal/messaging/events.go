package messaging

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/bus"
)

// EventType names what happened in a channel.
type EventType string

// The events of a channel. Parts of the server that have their own channels add theirs.
const (
	EventMessage        EventType = "message"         // Message was stored
	EventChunk          EventType = "chunk"           // a piece of a reply that is being written
	EventTurnEnded      EventType = "turn_ended"      // an agent is done with a message, or no agent will deal with it
	EventMessageUpdated EventType = "message_updated" // Message was changed; it keeps its id and its number
	EventMessageDeleted EventType = "message_deleted" // MessageID is gone
	EventChannelCleared EventType = "channel_cleared" // all messages are gone
	EventChannelUpdated EventType = "channel_updated" // Channel has changed
	EventChannelDeleted EventType = "channel_deleted" // the channel is gone
)

// Event is a hint about a channel, published after the commit that made it true.
type Event struct {
	Type      EventType `json:"type"`
	ChannelID uuid.UUID `json:"channelId"`
	ServerID  uuid.UUID `json:"serverId"`
	// Seq is the number of the newest message that comes before this event; for a message, its own. A reader that has not
	// seen it reads it from the database first (MessagesSince), so that all readers see one order.
	Seq       int64           `json:"seq"`
	Message   *Message        `json:"message,omitempty"`
	MessageID uuid.UUID       `json:"messageId,omitzero"` // deleted: which; turn ended: the message that was dealt with
	Chunk     *Chunk          `json:"chunk,omitempty"`
	Turn      *TurnEnd        `json:"turn,omitempty"`
	Channel   *Channel        `json:"channel,omitempty"`
	Data      json.RawMessage `json:"data,omitempty"` // the payload of another part's event
}

// Chunk is a piece of a reply that is being written. The concatenation of all chunks is the beginning of the final text.
type Chunk struct {
	TurnID    uuid.UUID `json:"turnId"`
	AgentID   uuid.UUID `json:"agentId"`
	MessageID uuid.UUID `json:"messageId"` // id of the reply to be
	Index     int       `json:"index"`     // from 0
	Text      string    `json:"text"`
}

// The status in a TurnEnd that is about no turn.
const (
	StatusUnhandled TurnStatus = "unhandled" // no agent was given the message
	StatusCompleted TurnStatus = "completed" // a program outside says that it is dealt with
)

// TurnEnd describes how a message was dealt with. TurnID is zero where that was no turn.
type TurnEnd struct {
	TurnID     uuid.UUID  `json:"turnId,omitzero"`
	AgentID    uuid.UUID  `json:"agentId,omitzero"`
	ResponseID uuid.UUID  `json:"responseId,omitzero"` // id under which chunks may have been shown
	ReplyID    *uuid.UUID `json:"replyId,omitempty"`
	Status     TurnStatus `json:"status"`
	Reason     string     `json:"reason,omitempty"`
	Detail     string     `json:"detail,omitempty"`
}

// Subjects on the bus.
const (
	subjectTurns          = "turns"           // there may be work
	subjectTurnsEnded     = "turns.ended"     // turns were ended by another part than the one that runs them
	subjectTurnsCancelled = "turns.cancelled" // whoever runs these turns is to cancel them
	subjectChannels       = "channel."        // + channel id
	subjectDeleted        = "channels.deleted"
	subjectAgents         = "agents" // an agent was made, changed, started, stopped or deleted
)

// eventBuffer is how many events a follower may lag behind before it has to read the database.
const eventBuffer = 4096

// Subscribe follows the events of one channel, or of all with the zero id. A message with Lost set means that events are
// missing. Decode the others with DecodeEvent.
func (s *Service) Subscribe(channelID uuid.UUID) (*bus.Subscription, error) {
	return s.subscribe(channelID, eventBuffer)
}

// errStopping is for followers of events when the bus closes.
var errStopping = apierr.New(apierr.Unavailable, "The server is shutting down")

func (s *Service) subscribe(channelID uuid.UUID, buffer int) (*bus.Subscription, error) {
	pattern := subjectChannels + "*"
	if channelID != uuid.Nil {
		pattern = subjectChannels + channelID.String()
	}
	sub, err := s.bus.Subscribe(pattern, buffer)
	if errors.Is(err, bus.ErrClosed) {
		return nil, errStopping
	} else if err != nil {
		return nil, fmt.Errorf("subscribing to %s: %w", pattern, err)
	}
	return sub, nil
}

// DecodeEvent reads an event from the bus. Others read the same one: nothing in it may be changed.
func DecodeEvent(m bus.Message) (Event, error) { return bus.Value[Event](m) }

// EventChannel returns the channel that an event of Subscribe is about, from its subject: most readers need no more to know
// that the event is not for them.
func EventChannel(subject string) (uuid.UUID, bool) {
	text, ok := strings.CutPrefix(subject, subjectChannels)
	if !ok {
		return uuid.Nil, false
	}
	id, err := uuid.Parse(text)
	return id, err == nil
}

// Work follows hints that turns may be claimed. Their content means nothing.
func (s *Service) Work() (*bus.Subscription, error) {
	return s.bus.Subscribe(subjectTurns, 1)
}

// EndedTurns follows the turns that are ended from outside while they may be running. Decode with DecodeTurnIDs.
func (s *Service) EndedTurns() (*bus.Subscription, error) {
	return s.bus.Subscribe(subjectTurnsEnded, eventBuffer)
}

// CancelledTurns follows the turns that their workers are to cancel. Decode with DecodeTurnIDs.
func (s *Service) CancelledTurns() (*bus.Subscription, error) {
	return s.bus.Subscribe(subjectTurnsCancelled, eventBuffer)
}

// DeletedChannels follows the deletions of channels alone. Decode with DecodeEvent.
func (s *Service) DeletedChannels() (*bus.Subscription, error) {
	return s.bus.Subscribe(subjectDeleted, eventBuffer)
}

// AnnounceAgents publishes that an agent was made, changed, started, stopped or deleted.
func (s *Service) AnnounceAgents(ctx context.Context) { s.publish(ctx, subjectAgents, nil) }

// AgentChanges follows hints that there are other agents than before, or others of them run. Their content means nothing; those that come faster than they
// are taken become one.
func (s *Service) AgentChanges() (*bus.Subscription, error) {
	return s.bus.Subscribe(subjectAgents, 1)
}

// DecodeTurnIDs reads the ids in an event of EndedTurns or CancelledTurns.
func DecodeTurnIDs(m bus.Message) ([]uuid.UUID, error) { return bus.Value[[]uuid.UUID](m) }

// Emit publishes an event of a channel. It comes after the commit that made it true.
func (s *Service) Emit(ctx context.Context, e Event) {
	s.publish(ctx, subjectChannels+e.ChannelID.String(), e)
}

func (s *Service) emitMessage(ctx context.Context, m Message) {
	s.Emit(ctx, Event{Type: EventMessage, ChannelID: m.ChannelID, ServerID: m.MessageServerID, Seq: m.Seq, Message: &m})
}

// emitTurnEnd announces the end of a turn after the message seq.
func (s *Service) emitTurnEnd(ctx context.Context, serverID uuid.UUID, seq int64, t Turn) {
	s.Emit(ctx, Event{
		Type: EventTurnEnded, ChannelID: t.ChannelID, ServerID: serverID, Seq: seq, MessageID: t.MessageID,
		Turn: &TurnEnd{
			TurnID: t.ID, AgentID: t.AgentID, ResponseID: t.ResponseID, ReplyID: t.ReplyID,
			Status: t.Status, Reason: t.Reason, Detail: t.Detail,
		},
	})
}

func (s *Service) hintWork(ctx context.Context) { s.publish(ctx, subjectTurns, nil) }

// announceEnded publishes the turns of a channel that were ended from outside.
func (s *Service) announceEnded(ctx context.Context, channel Channel, turns []Turn) {
	if len(turns) == 0 {
		return
	}
	ids := make([]uuid.UUID, len(turns))
	for i, t := range turns {
		ids[i] = t.ID
	}
	s.publish(ctx, subjectTurnsEnded, ids)
	for _, t := range turns {
		s.emitTurnEnd(ctx, channel.MessageServerID, t.Seq, t)
	}
	s.hintWork(ctx)
	s.notifyCommitted(ctx, channel)
}

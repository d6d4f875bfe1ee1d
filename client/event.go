package client

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/apierr"
)

// Event is something that a connection tells, see [Conn.Events]: one of [Broadcast], [StreamChunk], [StreamError],
// [Complete], [MessageUpdated], [MessageDeleted], [ChannelCleared], [ChannelUpdated], [ChannelDeleted], [SessionEnds] and
// [Typing] from the server, and one of [Disconnected], [Reconnected], [Rejoined] and [Refused] about the connection itself.
type Event interface {
	// about returns the channel that the event belongs to, uuid.Nil for none.
	about() uuid.UUID
}

// Broadcast is a message that was posted to a channel, by anybody, the client included. Those of one channel come in the
// order of Seq, each once.
type Broadcast struct {
	ID              uuid.UUID       `json:"id"`
	ChannelID       uuid.UUID       `json:"channelId"`
	MessageServerID uuid.UUID       `json:"messageServerId"`
	SenderID        uuid.UUID       `json:"senderId"`
	SenderName      string          `json:"senderName"`
	Text            string          `json:"text"`
	Seq             int64           `json:"seq"`    // position in the channel, from 1
	Source          string          `json:"source"` // such as agent_response
	InReplyTo       *uuid.UUID      `json:"inReplyToMessageId"`
	ClientMessageID string          `json:"clientMessageId"` // of the client's own: see SendOptions.ID
	Thought         string          `json:"thought"`         // of an agent
	Actions         []string        `json:"actions"`         // of an agent
	Attachments     json.RawMessage `json:"attachments"`
	RawMessage      json.RawMessage `json:"rawMessage"`
	Metadata        json.RawMessage `json:"metadata"` // object
	CreatedAt       time.Time       `json:"-"`
	UpdatedAt       time.Time       `json:"-"`
}

// UnmarshalJSON reads the payload of a messageBroadcast, which has its times as epoch milliseconds.
func (b *Broadcast) UnmarshalJSON(data []byte) error {
	type fields Broadcast
	w := struct {
		*fields
		CreatedAt int64 `json:"createdAt"`
		UpdatedAt int64 `json:"updatedAt"`
	}{fields: (*fields)(b)}
	if err := json.Unmarshal(data, &w); err != nil {
		return err
	}
	b.CreatedAt, b.UpdatedAt = time.UnixMilli(w.CreatedAt), time.UnixMilli(w.UpdatedAt)
	return nil
}

// StreamChunk is a piece of a reply that is being written. The pieces of a reply come in the order of Index and before the
// Broadcast with their MessageID; after a loss of the connection some may be missing.
type StreamChunk struct {
	MessageID uuid.UUID `json:"messageId"` // of the reply
	ChannelID uuid.UUID `json:"channelId"`
	AgentID   uuid.UUID `json:"agentId"`
	Index     int       `json:"index"` // from 0
	Text      string    `json:"chunk"`
}

// StreamError says that a reply will not be finished.
type StreamError struct {
	MessageID uuid.UUID   `json:"messageId"` // of the reply
	ChannelID uuid.UUID   `json:"channelId"`
	AgentID   uuid.UUID   `json:"agentId"`
	Message   string      `json:"error"`
	Code      apierr.Code `json:"code"`
}

// Complete says that an agent is done with a message, in whichever way, or that nobody will deal with it.
type Complete struct {
	MessageID uuid.UUID  `json:"messageId"` // the message that was dealt with; zero: an agent elsewhere speaks of the whole channel
	ChannelID uuid.UUID  `json:"channelId"`
	AgentID   *uuid.UUID `json:"agentId"` // nil: nobody was there
	ReplyID   *uuid.UUID `json:"replyId"`
	RunID     *uuid.UUID `json:"runId"`
	Status    string     `json:"status"` // replied, ignored, failed, cancelled, superseded, timed_out or unhandled
	Reason    string     `json:"reason"` // a short code
	Detail    string     `json:"detail"` // a sentence for people
}

// MessageUpdated is a message that was told already, as it is now.
type MessageUpdated struct{ Broadcast }

// SessionEnds says that the end of the session in a channel comes near, or is there.
type SessionEnds struct {
	SessionID uuid.UUID `json:"sessionId"`
	ChannelID uuid.UUID `json:"channelId"`
	ExpiresAt time.Time `json:"expiresAt"`
	Expired   bool      `json:"-"`
}

// MessageDeleted says that a message is gone.
type MessageDeleted struct {
	MessageID uuid.UUID `json:"messageId"`
	ChannelID uuid.UUID `json:"channelId"`
}

// ChannelCleared says that all messages of a channel are gone.
type ChannelCleared struct {
	ChannelID uuid.UUID `json:"channelId"`
}

// ChannelDeleted says that a channel is gone. The connection has left it.
type ChannelDeleted struct {
	ChannelID uuid.UUID `json:"channelId"`
}

// ChannelUpdated says that a channel has changed, and how it is now.
type ChannelUpdated struct {
	ChannelID uuid.UUID `json:"channelId"`
	Channel   struct {
		ID              uuid.UUID       `json:"id"`
		MessageServerID uuid.UUID       `json:"messageServerId"`
		Name            string          `json:"name"`
		Type            string          `json:"type"`
		Topic           string          `json:"topic"`
		SourceType      string          `json:"sourceType"`
		SourceID        string          `json:"sourceId"`
		Metadata        json.RawMessage `json:"metadata"` // object
		Participants    []uuid.UUID     `json:"participants"`
		CreatedAt       time.Time       `json:"createdAt"`
		UpdatedAt       time.Time       `json:"updatedAt"`
	} `json:"updates"`
}

// Typing says that somebody else in a channel is typing, or has stopped.
type Typing struct {
	ChannelID  uuid.UUID `json:"channelId"`
	EntityID   uuid.UUID `json:"entityId"`
	SenderName string    `json:"senderName"`
	Stopped    bool      `json:"-"`
}

// Disconnected says that the connection was lost. It is being made again.
type Disconnected struct {
	Err error // why
}

// Reconnected says that the server is there again. The channels follow, each with its Rejoined.
type Reconnected struct{}

// Rejoined says that a channel was joined again, after the connection was lost or because events came faster than they were
// taken. The messages posted meanwhile follow. What is no message is not told again: who shows a channel as it is reads
// from the server what may have been deleted or changed.
type Rejoined struct {
	ChannelID uuid.UUID
	Seq       int64 // number of the newest message
	// Reset says that the channel has fewer messages than the client has seen, as after the server went back to a backup.
	// The messages up to Seq are not told.
	Reset bool
}

// Refused says that the server refuses something that the client did by itself: mostly to join a channel again. The
// connection has left that channel.
type Refused struct {
	ChannelID uuid.UUID
	Err       *Error
}

func (n Broadcast) about() uuid.UUID      { return n.ChannelID }
func (n StreamChunk) about() uuid.UUID    { return n.ChannelID }
func (n StreamError) about() uuid.UUID    { return n.ChannelID }
func (n Complete) about() uuid.UUID       { return n.ChannelID }
func (n SessionEnds) about() uuid.UUID    { return n.ChannelID }
func (n MessageDeleted) about() uuid.UUID { return n.ChannelID }
func (n ChannelCleared) about() uuid.UUID { return n.ChannelID }
func (n ChannelDeleted) about() uuid.UUID { return n.ChannelID }
func (n ChannelUpdated) about() uuid.UUID { return n.ChannelID }
func (n Typing) about() uuid.UUID         { return n.ChannelID }
func (n Disconnected) about() uuid.UUID   { return uuid.Nil }
func (n Reconnected) about() uuid.UUID    { return uuid.Nil }
func (n Rejoined) about() uuid.UUID       { return n.ChannelID }
func (n Refused) about() uuid.UUID        { return n.ChannelID }

// decodeEvent returns what an event of the server tells, nil for one that is not known or not of interest.
func decodeEvent(event string, payload json.RawMessage) (Event, error) {
	switch event {
	case "messageBroadcast":
		return decode[Broadcast](payload)
	case "messageStreamChunk":
		return decode[StreamChunk](payload)
	case "messageStreamError":
		return decode[StreamError](payload)
	case "messageComplete":
		return decode[Complete](payload)
	case "messageUpdated":
		return decode[MessageUpdated](payload)
	case "sessionExpirationWarning", "sessionExpired":
		var n SessionEnds
		err := json.Unmarshal(payload, &n)
		n.Expired = event == "sessionExpired"
		return n, err
	case "messageDeleted":
		return decode[MessageDeleted](payload)
	case "channelCleared":
		return decode[ChannelCleared](payload)
	case "channelDeleted":
		return decode[ChannelDeleted](payload)
	case "channelUpdated":
		return decode[ChannelUpdated](payload)
	case "typing_start", "typing_stop":
		var n Typing
		err := json.Unmarshal(payload, &n)
		n.Stopped = event == "typing_stop"
		return n, err
	}
	return nil, nil
}

func decode[N Event](payload json.RawMessage) (Event, error) {
	var n N
	err := json.Unmarshal(payload, &n)
	return n, err
}

package realtime

import (
	"encoding/json"
	"slices"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/messaging"
)

// The types of plain frames.
const (
	plainTypeMessage = "message"
	plainTypeAction  = "action"
	plainTypeStatus  = "status"
	plainTypeError   = "error"
)

// plainMessage is a message, or a piece of one that is being written.
type plainMessage struct {
	Type            string          `json:"type"`
	ID              uuid.UUID       `json:"id"`
	Partial         bool            `json:"partial,omitempty"`
	Index           *int            `json:"index,omitempty"` // of a piece
	AgentID         *uuid.UUID      `json:"agentId,omitempty"`
	SenderID        *uuid.UUID      `json:"senderId,omitempty"`
	SenderName      string          `json:"senderName,omitempty"`
	Content         string          `json:"content"`
	Text            string          `json:"text,omitempty"`
	ChannelID       uuid.UUID       `json:"channelId"`
	CreatedAt       int64           `json:"createdAt,omitempty"`
	UpdatedAt       int64           `json:"updatedAt,omitempty"`
	Seq             int64           `json:"seq,omitempty"`
	Source          string          `json:"source,omitempty"`
	Thought         string          `json:"thought,omitempty"`
	Actions         json.RawMessage `json:"actions,omitempty"`
	Attachments     json.RawMessage `json:"attachments,omitempty"`
	RawMessage      json.RawMessage `json:"rawMessage,omitempty"`
	Metadata        json.RawMessage `json:"metadata,omitempty"`
	InReplyTo       *uuid.UUID      `json:"inReplyToMessageId,omitempty"`
	ClientMessageID string          `json:"clientMessageId,omitempty"` // for the sender only
}

func plainMessageOf(m *messaging.Message) plainMessage {
	b := broadcastOf(m)
	p := plainMessage{
		Type: plainTypeMessage, ID: b.ID, SenderID: &b.SenderID, SenderName: b.SenderName, Content: b.Text, Text: b.Text,
		ChannelID: b.ChannelID, CreatedAt: b.CreatedAt, Seq: b.Seq, Source: b.Source, Thought: b.Thought, Actions: b.Actions,
		Attachments: b.Attachments, UpdatedAt: b.UpdatedAt, RawMessage: b.RawMessage, Metadata: b.Metadata, InReplyTo: b.InReplyTo,
	}
	if m.SourceType == messaging.SourceAgentResponse {
		p.AgentID = &b.SenderID
	}
	return p
}

// plainStatus tells of a connection, a message, a channel or the agents.
type plainStatus struct {
	Type            string     `json:"type"`
	Status          string     `json:"status"` // connected, received, joined, complete, message_deleted, session_expired, …
	ConnectionID    string     `json:"connectionId,omitempty"`
	EntityID        *uuid.UUID `json:"entityId,omitempty"`
	MessageID       *uuid.UUID `json:"messageId,omitempty"`
	ClientMessageID string     `json:"clientMessageId,omitempty"`
	ChannelID       *uuid.UUID `json:"channelId,omitempty"`
	AgentID         *uuid.UUID `json:"agentId,omitempty"`
	Outcome         string     `json:"outcome,omitempty"` // of a complete message
	Reason          string     `json:"reason,omitempty"`
	Detail          string     `json:"detail,omitempty"`
	SessionID       *uuid.UUID `json:"sessionId,omitempty"`
	ExpiresAt       string     `json:"expiresAt,omitempty"`     // ISO 8601
	TimeRemaining   *int64     `json:"timeRemaining,omitempty"` // milliseconds
}

// of returns the status with what is told of a session.
func (s plainStatus) of(e sessionEvent) plainStatus {
	s.SessionID, s.ExpiresAt, s.TimeRemaining = &e.SessionID, e.ExpiresAt, &e.TimeRemaining
	return s
}

type plainError struct {
	Type            string `json:"type"`
	Error           string `json:"error"`
	Code            string `json:"code"`
	ClientMessageID string `json:"clientMessageId,omitempty"`
	RetryAfter      int    `json:"retryAfter,omitempty"` // seconds
}

// plainEvent returns the frame for an event that is no message.
func (g *Gateway) plainEvent(e messaging.Event) any {
	status := plainStatus{Type: plainTypeStatus, ChannelID: &e.ChannelID}
	switch e.Type {
	case messaging.EventChunk:
		return plainMessage{
			Type: plainTypeMessage, ID: e.Chunk.MessageID, Partial: true, Index: &e.Chunk.Index, AgentID: &e.Chunk.AgentID,
			Content: e.Chunk.Text, ChannelID: e.ChannelID,
		}
	case messaging.EventTurnEnded:
		status.Status = "complete"
		if e.MessageID != uuid.Nil {
			status.MessageID = &e.MessageID
		}
		status.Outcome, status.Reason, status.Detail = string(e.Turn.Status), e.Turn.Reason, e.Turn.Detail
		if e.Turn.AgentID != uuid.Nil {
			status.AgentID = &e.Turn.AgentID
		}
	case messaging.EventMessageUpdated: // readers know it by its id
		return plainMessageOf(e.Message)
	case messaging.EventMessageDeleted:
		status.Status, status.MessageID = "message_deleted", &e.MessageID
	case messaging.EventChannelCleared:
		status.Status = "channel_cleared"
	case messaging.EventChannelUpdated:
		status.Status = "channel_updated"
	case messaging.EventChannelDeleted:
		status.Status = "channel_deleted"
	case messaging.EventSessionWarning:
		status.Status = "session_expiring"
		return status.of(g.sessionEvent(e))
	case messaging.EventSessionExpired:
		status.Status = "session_expired"
		return status.of(g.sessionEvent(e))
	case messaging.EventMessage: // delivered by its number
	}
	return status
}

// sheds reports whether a piece of a reply is left out for a reader that lags behind, and with it all that follow: the whole
// reply repairs the text, a gap in its middle would not. It is for the delivery alone.
func (c *plainConn) sheds(reply uuid.UUID) bool {
	if _, already := c.shed[reply]; already {
		return true
	}
	if len(c.out) < plainQueue/2 {
		return false
	}
	if c.shed == nil || len(c.shed) >= plainQueue {
		c.shed = map[uuid.UUID]struct{}{}
	}
	c.shed[reply] = struct{}{}
	return true
}

// chunkToPlain sends a piece of a reply to those who keep up.
func (g *Gateway) chunkToPlain(to []*plainConn, e messaging.Event) {
	to = slices.DeleteFunc(to, func(c *plainConn) bool { return c.sheds(e.Chunk.MessageID) })
	g.toPlain(to, g.plainEvent(e))
}

// endForPlain forgets that a reply was shed.
func endForPlain(to []*plainConn, reply uuid.UUID) {
	for _, c := range to {
		delete(c.shed, reply)
	}
}

// toPlain sends a frame to many connections; it is encoded once.
func (g *Gateway) toPlain(to []*plainConn, payload any) {
	if len(to) == 0 {
		return
	}
	raw, err := json.Marshal(payload)
	if err != nil {
		g.log.Error("frame not encoded", "error", err)
		return
	}
	for _, c := range to {
		c.queue(plainFrame{data: raw})
	}
}

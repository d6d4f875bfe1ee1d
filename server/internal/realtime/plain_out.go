package realtime

import (
	"encoding/json"
	"slices"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/session"
)

// plainMessageOf returns a message as plain connections get it.
func (g *Gateway) plainMessageOf(m *messaging.Message) api.PlainMessage {
	b := g.docs.SocketBroadcast(m)
	p := api.PlainMessage{
		Type: api.PlainMessageTypeMessage, ID: b.ID, SenderID: &b.SenderID, SenderName: b.SenderName, Content: b.Text, Text: b.Text,
		ChannelID: b.ChannelID, CreatedAt: int64(b.CreatedAt), Seq: b.Seq, Source: b.Source, Thought: b.Thought, Actions: b.Actions,
		Attachments: b.Attachments, UpdatedAt: int64(b.UpdatedAt), RawMessage: b.RawMessage, Metadata: b.Metadata,
		InReplyToMessageID: b.InReplyToMessageID,
	}
	if m.SourceType == messaging.SourceAgentResponse {
		p.AgentID = &b.SenderID
	}
	return p
}

// plainEvent returns the frame for an event that is no message.
func (g *Gateway) plainEvent(e messaging.Event) any {
	status := api.PlainStatus{Type: api.PlainStatusTypeStatus, ChannelID: &e.ChannelID}
	switch e.Type {
	case messaging.EventChunk:
		return api.PlainMessage{
			Type: api.PlainMessageTypeMessage, ID: e.Chunk.MessageID, Partial: true, Index: &e.Chunk.Index, AgentID: &e.Chunk.AgentID,
			Content: e.Chunk.Text, ChannelID: e.ChannelID,
		}
	case messaging.EventTurnEnded:
		status.Status = api.PlainStatusStatusComplete
		if e.MessageID != uuid.Nil {
			status.MessageID = &e.MessageID
		}
		status.Outcome, status.Reason, status.Detail = string(e.Turn.Status), e.Turn.Reason, e.Turn.Detail
		if e.Turn.AgentID != uuid.Nil {
			status.AgentID = &e.Turn.AgentID
		}
	case messaging.EventMessageUpdated: // readers know it by its id
		return g.plainMessageOf(e.Message)
	case messaging.EventMessageDeleted:
		status.Status, status.MessageID = api.PlainStatusStatusMessageDeleted, &e.MessageID
	case messaging.EventChannelCleared:
		status.Status = api.PlainStatusStatusChannelCleared
	case messaging.EventChannelUpdated:
		status.Status = api.PlainStatusStatusChannelUpdated
	case messaging.EventChannelDeleted:
		status.Status = api.PlainStatusStatusChannelDeleted
	case session.EventWarning:
		status.Status = api.PlainStatusStatusSessionExpiring
		return withSession(status, g.sessionEvent(e))
	case session.EventExpired:
		status.Status = api.PlainStatusStatusSessionExpired
		return withSession(status, g.sessionEvent(e))
	case messaging.EventMessage: // delivered by its number
	}
	return status
}

// withSession returns the status with the fields of a session.
func withSession(status api.PlainStatus, s api.SocketSession) api.PlainStatus {
	status.SessionID, status.ExpiresAt, status.TimeRemaining = &s.SessionID, &s.ExpiresAt, &s.TimeRemaining
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

// chunkToPlain sends a piece of a reply to the connections that keep up.
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

package realtime

import (
	"encoding/json"
	"strconv"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/jsontext"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/socketio"
)

// Names of outbound events.
const (
	eventBroadcast      = "messageBroadcast"
	eventStreamChunk    = "messageStreamChunk"
	eventStreamError    = "messageStreamError"
	eventComplete       = "messageComplete"
	eventAgentsChanged  = "agentsChanged"
	eventMessageUpdated = "messageUpdated"
	eventMessageDeleted = "messageDeleted"
	eventChannelCleared = "channelCleared"
	eventChannelUpdated = "channelUpdated"
	eventChannelDeleted = "channelDeleted"
	eventSessionWarning = "sessionExpirationWarning"
	eventSessionExpired = "sessionExpired"
)

// broadcast is a message as every client reads it: the union of the names that they use.
type broadcast struct {
	ID              uuid.UUID       `json:"id"`
	SenderID        uuid.UUID       `json:"senderId"`
	SenderName      string          `json:"senderName"`
	Text            string          `json:"text"`
	ChannelID       uuid.UUID       `json:"channelId"`
	RoomID          uuid.UUID       `json:"roomId"`
	ServerID        uuid.UUID       `json:"serverId"`
	MessageServerID uuid.UUID       `json:"messageServerId"`
	CreatedAt       int64           `json:"createdAt"` // epoch milliseconds
	UpdatedAt       int64           `json:"updatedAt"`
	Source          string          `json:"source"`
	Seq             int64           `json:"seq"`
	Thought         string          `json:"thought,omitempty"`
	Actions         json.RawMessage `json:"actions,omitempty"`
	Attachments     json.RawMessage `json:"attachments,omitempty"`
	RawMessage      json.RawMessage `json:"rawMessage,omitempty"`
	Metadata        json.RawMessage `json:"metadata,omitempty"`
	InReplyTo       *uuid.UUID      `json:"inReplyToMessageId,omitempty"`
	ClientMessageID string          `json:"clientMessageId,omitempty"` // for the sender only
}

// append appends the JSON of a broadcast, which is written too often for encoding/json. The order is that of the fields.
func (b *broadcast) append(dst []byte) []byte {
	dst = jsontext.AppendID(append(dst, `{"id":`...), b.ID)
	dst = jsontext.AppendID(append(dst, `,"senderId":`...), b.SenderID)
	dst = jsontext.AppendString(append(dst, `,"senderName":`...), b.SenderName)
	dst = jsontext.AppendString(append(dst, `,"text":`...), b.Text)
	dst = jsontext.AppendID(append(dst, `,"channelId":`...), b.ChannelID)
	dst = jsontext.AppendID(append(dst, `,"roomId":`...), b.RoomID)
	dst = jsontext.AppendID(append(dst, `,"serverId":`...), b.ServerID)
	dst = jsontext.AppendID(append(dst, `,"messageServerId":`...), b.MessageServerID)
	dst = strconv.AppendInt(append(dst, `,"createdAt":`...), b.CreatedAt, 10)
	dst = strconv.AppendInt(append(dst, `,"updatedAt":`...), b.UpdatedAt, 10)
	dst = jsontext.AppendString(append(dst, `,"source":`...), b.Source)
	dst = strconv.AppendInt(append(dst, `,"seq":`...), b.Seq, 10)
	if b.Thought != "" {
		dst = jsontext.AppendString(append(dst, `,"thought":`...), b.Thought)
	}
	for _, member := range [...]jsontext.Member{
		{Name: `,"actions":`, Value: b.Actions}, {Name: `,"attachments":`, Value: b.Attachments},
		{Name: `,"rawMessage":`, Value: b.RawMessage}, {Name: `,"metadata":`, Value: b.Metadata},
	} {
		if len(member.Value) > 0 {
			dst = append(append(dst, member.Name...), member.Value...)
		}
	}
	if b.InReplyTo != nil {
		dst = jsontext.AppendID(append(dst, `,"inReplyToMessageId":`...), *b.InReplyTo)
	}
	return append(withClientID(dst, b.ClientMessageID), '}')
}

// withClientID appends the last member of a broadcast.
func withClientID(dst []byte, clientID string) []byte {
	if clientID == "" {
		return dst
	}
	return jsontext.AppendString(append(dst, `,"clientMessageId":`...), clientID)
}

func broadcastOf(m *messaging.Message) *broadcast {
	shown := m.ShownMetadata()
	beside := messaging.BesideIn(shown)
	b := &broadcast{
		ID: m.ID, SenderID: m.AuthorID, SenderName: m.DisplayName(), Text: m.Content, ChannelID: m.ChannelID, RoomID: m.ChannelID,
		ServerID: m.MessageServerID, MessageServerID: m.MessageServerID, CreatedAt: m.CreatedAt.UnixMilli(),
		UpdatedAt: m.UpdatedAt.UnixMilli(), Source: m.SourceType, Seq: m.Seq, Metadata: shown, InReplyTo: m.InReplyTo,
		Thought: beside.Thought, Actions: beside.Actions, Attachments: beside.Attachments,
	}
	if !cameBySocket(shown) { // else it is the sender's payload once more
		b.RawMessage = m.RawMessage
	}
	return b
}

// updated is a message that was changed.
type updated struct {
	broadcast
	MessageID uuid.UUID `json:"messageId"`
	Content   string    `json:"content"`
}

func updatedOf(m *messaging.Message) updated {
	return updated{broadcast: *broadcastOf(m), MessageID: m.ID, Content: m.Content}
}

type streamChunk struct {
	MessageID uuid.UUID `json:"messageId"`
	Chunk     string    `json:"chunk"`
	Index     int       `json:"index"`
	AgentID   uuid.UUID `json:"agentId"`
	ChannelID uuid.UUID `json:"channelId"`
	RoomID    uuid.UUID `json:"roomId"`
}

type streamError struct {
	MessageID uuid.UUID `json:"messageId"`
	AgentID   uuid.UUID `json:"agentId"`
	ChannelID uuid.UUID `json:"channelId"`
	RoomID    uuid.UUID `json:"roomId"`
	Error     string    `json:"error"`
	Code      string    `json:"code"`
}

// complete tells that an agent is done with a message, in whichever way.
type complete struct {
	ChannelID       uuid.UUID            `json:"channelId"`
	RoomID          uuid.UUID            `json:"roomId"`
	ServerID        uuid.UUID            `json:"serverId"`
	MessageServerID uuid.UUID            `json:"messageServerId"`
	MessageID       uuid.UUID            `json:"messageId,omitzero"` // the message that was dealt with
	AgentID         *uuid.UUID           `json:"agentId,omitempty"`
	ReplyID         *uuid.UUID           `json:"replyId,omitempty"`
	RunID           *uuid.UUID           `json:"runId,omitempty"`
	Status          messaging.TurnStatus `json:"status"`
	Reason          string               `json:"reason,omitempty"`
	Detail          string               `json:"detail,omitempty"`
	Error           string               `json:"error,omitempty"` // the detail, when something went wrong
}

type channelEvent struct {
	ChannelID uuid.UUID      `json:"channelId"`
	RoomID    uuid.UUID      `json:"roomId"`
	MessageID *uuid.UUID     `json:"messageId,omitempty"`
	Updates   *channelUpdate `json:"updates,omitempty"`
}

type sessionEvent struct {
	SessionID     uuid.UUID `json:"sessionId"`
	ChannelID     uuid.UUID `json:"channelId"`
	RoomID        uuid.UUID `json:"roomId"`
	ExpiresAt     string    `json:"expiresAt"`     // ISO 8601
	TimeRemaining int64     `json:"timeRemaining"` // milliseconds
}

type channelUpdate struct {
	ID              uuid.UUID             `json:"id"`
	MessageServerID uuid.UUID             `json:"messageServerId"`
	Name            string                `json:"name"`
	Type            messaging.ChannelType `json:"type"`
	Topic           *string               `json:"topic,omitempty"`
	SourceType      *string               `json:"sourceType,omitempty"`
	SourceID        *string               `json:"sourceId,omitempty"`
	Metadata        json.RawMessage       `json:"metadata"`
	Participants    []uuid.UUID           `json:"participants"`
	CreatedAt       string                `json:"createdAt"`
	UpdatedAt       string                `json:"updatedAt"`
}

// deliverEvent delivers an event that is no message.
func (g *Gateway) deliverEvent(e messaging.Event) {
	all := g.audience(e.ChannelID)
	to, about := all.sockets, channelEvent{ChannelID: e.ChannelID, RoomID: e.ChannelID}
	switch {
	case len(all.plain) == 0:
	case e.Type == messaging.EventChunk:
		g.chunkToPlain(all.plain, e)
	default:
		g.toPlain(all.plain, g.plainEvent(e))
	}
	switch e.Type {
	case messaging.EventChunk:
		g.emit(to.Sheddable(e.Chunk.MessageID.String()), eventStreamChunk, streamChunk{
			MessageID: e.Chunk.MessageID, Chunk: e.Chunk.Text, Index: e.Chunk.Index, AgentID: e.Chunk.AgentID,
			ChannelID: e.ChannelID, RoomID: e.ChannelID,
		})
	case messaging.EventTurnEnded:
		g.turnEnded(to, all.plain, e)
	case messaging.EventMessageUpdated:
		g.emit(to, eventBroadcast, socketio.JSON(broadcastOf(e.Message).append(nil))) // clients replace what they have under its id
		g.emit(to, eventMessageUpdated, updatedOf(e.Message))
	case messaging.EventMessageDeleted:
		about.MessageID = &e.MessageID
		g.emit(to, eventMessageDeleted, about)
	case messaging.EventChannelCleared:
		g.emit(to, eventChannelCleared, about)
	case messaging.EventChannelUpdated:
		about.Updates = updateOf(*e.Channel)
		g.emit(to, eventChannelUpdated, about)
	case messaging.EventChannelDeleted:
		g.emit(to, eventChannelDeleted, about)
		if err := to.SocketsLeave(channelRoom(e.ChannelID)); err != nil {
			g.log.Warn("deleted channel not left", "channel", e.ChannelID, "error", err)
		}
		g.plain.drop(e.ChannelID)
		g.cursors.drop(e.ChannelID)
	case messaging.EventSessionWarning:
		g.emit(to, eventSessionWarning, g.sessionEvent(e))
	case messaging.EventSessionExpired:
		g.emit(to, eventSessionExpired, g.sessionEvent(e))
	case messaging.EventMessage: // delivered by its number
	}
}

func (g *Gateway) sessionEvent(e messaging.Event) sessionEvent {
	return sessionEvent{
		SessionID: e.Session.SessionID, ChannelID: e.ChannelID, RoomID: e.ChannelID, ExpiresAt: e.Session.ExpiresAt.UTC().Format(isoMillis),
		TimeRemaining: max(e.Session.ExpiresAt.Sub(g.now()).Milliseconds(), 0),
	}
}

func (g *Gateway) turnEnded(to socketio.Broadcast, plain []*plainConn, e messaging.Event) {
	t := e.Turn
	endForPlain(plain, t.ResponseID)
	c := complete{
		ChannelID: e.ChannelID, RoomID: e.ChannelID, ServerID: e.ServerID, MessageServerID: e.ServerID, MessageID: e.MessageID,
		ReplyID: t.ReplyID, Status: t.Status, Reason: t.Reason, Detail: t.Detail,
	}
	if t.TurnID != uuid.Nil {
		c.AgentID, c.RunID = &t.AgentID, &t.TurnID
	}
	switch t.Status {
	case messaging.TurnFailed, messaging.TurnTimedOut, messaging.TurnCancelled, messaging.TurnSuperseded:
		c.Error = t.Detail
		if t.TurnID == uuid.Nil { // nothing of it was streamed
			break
		}
		g.emit(to.Ends(t.ResponseID.String()), eventStreamError, streamError{
			MessageID: t.ResponseID, AgentID: t.AgentID, ChannelID: e.ChannelID, RoomID: e.ChannelID, Error: t.Detail, Code: t.Reason,
		})
	}
	g.emit(to, eventComplete, c)
}

// isoMillis is how JavaScript writes a moment.
const isoMillis = "2006-01-02T15:04:05.000Z"

func updateOf(c messaging.Channel) *channelUpdate {
	return &channelUpdate{
		ID: c.ID, MessageServerID: c.MessageServerID, Name: c.Name, Type: c.Type, Topic: c.Topic, SourceType: c.SourceType,
		SourceID: c.SourceID, Metadata: c.Metadata, Participants: c.Participants,
		CreatedAt: c.CreatedAt.UTC().Format(isoMillis), UpdatedAt: c.UpdatedAt.UTC().Format(isoMillis),
	}
}

// emit sends an event to many sockets; it is encoded once.
func (g *Gateway) emit(b socketio.Broadcast, event string, payload any) {
	if err := b.Emit(event, payload); err != nil {
		g.log.Error("event not sent", "event", event, "error", err)
	}
}

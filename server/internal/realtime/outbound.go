package realtime

import (
	"github.com/google/uuid"

	"github.com/elizad/elizad/api/wire"
	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/session"
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
	eventLeft           = "channel_left"
)

// deliverEvent delivers an event that is no message.
func (g *Gateway) deliverEvent(e messaging.Event) {
	if e.Type == messaging.EventChannelUpdated {
		g.dismiss(e.Channel)
	}
	all := g.audience(e.ChannelID)
	to, gone := all.sockets, api.SocketChannelGone{ChannelID: e.ChannelID, RoomID: e.ChannelID}
	switch {
	case len(all.plain) == 0:
	case e.Type == messaging.EventChunk:
		g.chunkToPlain(all.plain, e)
	default:
		g.toPlain(all.plain, g.plainEvent(e))
	}
	switch e.Type {
	case messaging.EventChunk:
		g.emit(to.Sheddable(e.Chunk.MessageID.String()), eventStreamChunk, api.SocketStreamChunk{
			MessageID: e.Chunk.MessageID, Chunk: e.Chunk.Text, Index: e.Chunk.Index, AgentID: e.Chunk.AgentID,
			ChannelID: e.ChannelID, RoomID: e.ChannelID,
		})
	case messaging.EventTurnEnded:
		g.turnEnded(to, all.plain, e)
	case messaging.EventMessageUpdated:
		g.emit(to, eventBroadcast, socketio.JSON(g.encodeBroadcast(e.Message))) // clients replace what they have under its id
		g.emit(to, eventMessageUpdated, g.docs.SocketMessageUpdated(e.Message))
	case messaging.EventMessageDeleted:
		g.emit(to, eventMessageDeleted, api.SocketMessageDeleted{ChannelID: e.ChannelID, RoomID: e.ChannelID, MessageID: e.MessageID})
	case messaging.EventChannelCleared:
		g.emit(to, eventChannelCleared, gone)
	case messaging.EventChannelUpdated:
		g.emit(to, eventChannelUpdated, api.SocketChannelUpdated{
			ChannelID: e.ChannelID, RoomID: e.ChannelID, Updates: g.channelOf(e.Channel),
		})
	case messaging.EventChannelDeleted:
		g.emit(to, eventChannelDeleted, gone)
		if err := to.SocketsLeave(channelRoom(e.ChannelID)); err != nil {
			g.log.Warn("deleted channel not left", "channel", e.ChannelID, "error", err)
		}
		g.plain.drop(e.ChannelID)
		g.cursors.drop(e.ChannelID)
	case session.EventWarning:
		g.emit(to, eventSessionWarning, g.sessionEvent(e))
	case session.EventExpired:
		g.emit(to, eventSessionExpired, g.sessionEvent(e))
	case messaging.EventMessage: // delivered by its number
	}
}

func (g *Gateway) sessionEvent(e messaging.Event) api.SocketSession {
	notice, err := session.NoticeIn(e)
	if err != nil {
		g.log.Error("event not understood", "event", e.Type, "error", err)
	}
	return api.SocketSession{
		SessionID: notice.SessionID, ChannelID: e.ChannelID, RoomID: e.ChannelID, ExpiresAt: wire.At(notice.ExpiresAt),
		TimeRemaining: max(notice.ExpiresAt.Sub(g.now()).Milliseconds(), 0),
	}
}

func (g *Gateway) turnEnded(to socketio.Broadcast, plain []*plainConn, e messaging.Event) {
	t := e.Turn
	endForPlain(plain, t.ResponseID)
	c := api.SocketComplete{
		ChannelID: e.ChannelID, RoomID: e.ChannelID, ServerID: e.ServerID, MessageServerID: e.ServerID,
		ReplyID: t.ReplyID, Status: api.SocketCompleteStatus(t.Status), Reason: t.Reason, Detail: t.Detail,
	}
	if e.MessageID != uuid.Nil {
		c.MessageID = &e.MessageID
	}
	if t.TurnID != uuid.Nil {
		c.AgentID, c.RunID = &t.AgentID, &t.TurnID
	}
	switch t.Status {
	case messaging.TurnFailed, messaging.TurnTimedOut, messaging.TurnCancelled, messaging.TurnSuperseded:
		if t.Status == messaging.TurnCancelled && t.ReplyID != nil { // as far as it goes, it is the reply, and nothing went wrong
			break
		}
		c.Error = t.Detail
		if t.TurnID == uuid.Nil { // nothing of it was streamed
			break
		}
		g.emit(to.Ends(t.ResponseID.String()), eventStreamError, api.SocketStreamError{
			MessageID: t.ResponseID, AgentID: t.AgentID, ChannelID: e.ChannelID, RoomID: e.ChannelID, Error: t.Detail, Code: t.Reason,
		})
	}
	g.emit(to, eventComplete, c)
}

func (g *Gateway) channelOf(c *messaging.Channel) api.SocketChannel {
	return api.SocketChannel{
		ID: c.ID, MessageServerID: c.MessageServerID, Name: c.Name, Type: api.ChannelType(c.Type), Topic: c.Topic,
		SourceType: c.SourceType, SourceID: c.SourceID, Metadata: g.docs.ChannelMetadata(c), Participants: c.Participants,
		CreatedAt: wire.At(c.CreatedAt), UpdatedAt: wire.At(c.UpdatedAt),
	}
}

// emit sends an event to many sockets; it is encoded once.
func (g *Gateway) emit(b socketio.Broadcast, event string, payload any) {
	if err := b.Emit(event, payload); err != nil {
		g.log.Error("event not sent", "event", event, "error", err)
	}
}

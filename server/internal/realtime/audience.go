package realtime

import (
	"encoding/json"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/present"
	"github.com/elizad/elizad/server/socketio"
)

// audience is all connections of this node that listen to a channel, by either transport: Socket.IO and plain WebSocket.
type audience struct {
	sockets socketio.Broadcast
	plain   []*plainConn
}

// audience returns the connections that listen to a channel now.
func (g *Gateway) audience(channelID uuid.UUID) audience {
	return audience{sockets: g.ns.To(channelRoom(channelID)).Local(), plain: g.plain.members(channelID)}
}

// hasListeners reports whether a connection of this node listens to a channel.
func (g *Gateway) hasListeners(channelID uuid.UUID) bool {
	return g.plain.hasListeners(channelID) || g.ns.To(channelRoom(channelID)).Local().Any()
}

// broadcast writes a message to all listeners of its channel, and to its sender with what only the sender gets.
func (g *Gateway) broadcast(m messaging.Message) {
	to := g.audience(m.ChannelID)
	if m.SourceType == messaging.SourceAgentResponse {
		to.sockets = to.sockets.Ends(m.ID.String())
		endForPlain(to.plain, m.ID)
	}
	o, own := g.pending.take(m.ID)
	if own {
		to = o.others(to)
	}
	encoded := g.encodeBroadcast(&m)
	g.emit(to.sockets, eventBroadcast, socketio.JSON(encoded))
	if len(to.plain) > 0 {
		g.toPlain(to.plain, g.plainMessageOf(&m))
	}
	if own {
		o.confirm(&m, encoded)
	}
}

// encodeBroadcast returns the JSON of a message as sockets get it.
func (g *Gateway) encodeBroadcast(m *messaging.Message) json.RawMessage {
	return present.AppendSocketBroadcast(nil, g.docs.SocketBroadcast(m))
}

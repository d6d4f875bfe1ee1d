package realtime

import (
	"encoding/json"
	"slices"
	"sync"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/present"
	"github.com/elizad/elizad/server/socketio"
)

// origin is the connection that brought a message.
type origin interface {
	// others returns the audience without this connection.
	others(audience) audience
	// confirm gives the sender its own copy, by which it recognises what it sent, and the acknowledgement. encoded is the
	// copy that the others get.
	confirm(m *messaging.Message, encoded json.RawMessage)
}

// maxPending bounds how many origins are remembered. The sender of a message whose origin was forgotten gets it like the others.
const maxPending = 10_000

// pending remembers, by message id, where the messages came from that are on their way through the database.
type pending struct {
	mu  sync.Mutex
	all map[uuid.UUID]origin
}

func (p *pending) add(id uuid.UUID, o origin) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.all == nil {
		p.all = map[uuid.UUID]origin{}
	}
	if len(p.all) >= maxPending { // of messages whose events were lost, mostly
		for other := range p.all {
			delete(p.all, other)
			break
		}
	}
	p.all[id] = o
}

// take returns and forgets the origin of a message.
func (p *pending) take(id uuid.UUID) (origin, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	o, ok := p.all[id]
	delete(p.all, id)
	return o, ok
}

// none reports whether no message is on its way.
func (p *pending) none() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.all) == 0
}

// socketOrigin is an event of a Socket.IO client.
type socketOrigin struct {
	gateway  *Gateway
	event    *socketio.Event
	clientID string // the client's own id of the message
}

func (o socketOrigin) others(a audience) audience {
	a.sockets = a.sockets.Except(o.event.Socket.ID())
	return a
}

func (o socketOrigin) confirm(m *messaging.Message, encoded json.RawMessage) {
	if o.clientID != "" {
		end := len(encoded) - 1
		encoded = append(present.AppendClientID(slices.Clip(encoded[:end]), o.clientID), '}')
	}
	emit(o.gateway, o.event.Socket, eventBroadcast, socketio.JSON(encoded))
	ack := api.SocketAck{
		Success: true, ClientMessageID: o.clientID, MessageID: m.ID, Status: api.SocketAckStatusReceivedByServerAndProcessing,
		ChannelID: m.ChannelID, RoomID: m.ChannelID, Seq: m.Seq,
	}
	emit(o.gateway, o.event.Socket, "messageAck", ack)
	o.gateway.ack(o.event, ack)
}

// plainOrigin is a frame of a plain WebSocket client.
type plainOrigin struct {
	conn     *plainConn
	clientID string
}

func (o plainOrigin) others(a audience) audience {
	a.plain = slices.DeleteFunc(a.plain, func(c *plainConn) bool { return c == o.conn })
	return a
}

func (o plainOrigin) confirm(m *messaging.Message, _ json.RawMessage) {
	own := o.conn.gateway.plainMessageOf(m)
	own.ClientMessageID = o.clientID
	o.conn.send(own)
	o.conn.send(api.PlainStatus{
		Type: api.PlainStatusTypeStatus, Status: api.PlainStatusStatusReceived, MessageID: &m.ID, ClientMessageID: o.clientID, ChannelID: &m.ChannelID,
	})
}

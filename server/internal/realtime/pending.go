package realtime

import (
	"sync"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/socketio"
)

// origin is the event that brought a message.
type origin struct {
	event    *socketio.Event
	clientID string // the client's own id of the message
}

// pending remembers, by message id, the events whose messages are on their way through the database.
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

type messageAck struct {
	Success         bool      `json:"success"`
	ClientMessageID string    `json:"clientMessageId,omitempty"`
	MessageID       uuid.UUID `json:"messageId"`
	Status          string    `json:"status"`
	ChannelID       uuid.UUID `json:"channelId"`
	RoomID          uuid.UUID `json:"roomId"`
	Seq             int64     `json:"seq"`
}

// confirm gives the sender of a message its own copy, by which it recognises what it sent, and the acknowledgement.
func (g *Gateway) confirm(o origin, m messaging.Message) {
	own := broadcastOf(m)
	own.ClientMessageID = o.clientID
	emit(g, o.event.Socket, eventBroadcast, own)
	ack := messageAck{
		Success: true, ClientMessageID: o.clientID, MessageID: m.ID, Status: "received_by_server_and_processing",
		ChannelID: m.ChannelID, RoomID: m.ChannelID, Seq: m.Seq,
	}
	emit(g, o.event.Socket, "messageAck", ack)
	g.ack(o.event, ack)
}

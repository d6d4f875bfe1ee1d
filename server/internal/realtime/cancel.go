package realtime

import (
	"context"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/present"
	"github.com/elizad/elizad/server/socketio"
)

// textCancelNeeds is for clients that don't say which answer to cancel.
const textCancelNeeds = "To cancel an answer, channelId and messageId are required, both UUIDs."

// listenCancel registers the way to cancel an answer.
func (g *Gateway) listenCancel() {
	g.ns.On(eventCancel, func(ctx context.Context, ev *socketio.Event) { g.cancelAnswer(ctx, ev, readPayload(argument(ev))) })
}

// cancelAnswer cancels the answer to a message. How it ends comes as it does to everybody who listens to the channel.
func (g *Gateway) cancelAnswer(ctx context.Context, ev *socketio.Event, p payload) {
	channel := p.channelName()
	if !g.charge(ev, "", channel) {
		return
	}
	channelID, messageID, ok := p.answer()
	if !ok {
		g.fail(ev, api.SocketError{Error: textCancelNeeds, Code: codeInvalidMessage, ChannelID: channel, RoomID: channel})
		return
	}
	turns, err := g.messaging.CancelAnswer(ctx, identityOf(ev.Socket), channelID, messageID)
	if err != nil {
		e := g.refusal(ctx, err)
		e.ChannelID, e.RoomID = channel, channel
		g.fail(ev, e)
		return
	}
	g.ack(ev, api.SocketCancelled{
		Success: true, ChannelID: channelID, RoomID: channelID, MessageID: messageID, Runs: present.Each(turns, present.RunRef),
	})
}

// answer returns which answer a payload is about: the channel, and the message or the reply.
func (p *payload) answer() (channelID, messageID uuid.UUID, ok bool) {
	channelID, err := auth.ParseID(p.channelName())
	if err != nil {
		return uuid.Nil, uuid.Nil, false
	}
	messageID, err = auth.ParseID(p.clientID())
	return channelID, messageID, err == nil
}

// cancelAnswer cancels the answer to a message.
func (c *plainConn) cancelAnswer(o object) bool {
	if !c.charge("") {
		return false
	}
	p := o.payload()
	channelID, messageID, ok := p.answer()
	if !ok {
		c.fail(textCancelNeeds, string(apierr.InvalidID), "")
		return false
	}
	if _, err := c.gateway.messaging.CancelAnswer(c.ctx, c.who, channelID, messageID); err != nil {
		c.refuseWith(err, "")
		return false
	}
	c.send(api.PlainStatus{Type: api.PlainStatusTypeStatus, Status: api.PlainStatusStatusCancelled, ChannelID: &channelID, MessageID: &messageID})
	return true
}

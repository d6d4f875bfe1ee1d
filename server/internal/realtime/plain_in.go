package realtime

import (
	"fmt"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/messaging"
)

// handle deals with one frame. It reports false for one that was an error of the client's.
func (c *plainConn) handle(o object) bool {
	if o == nil {
		c.fail("A frame must be a JSON object", string(apierr.InvalidJSON), "")
		return false
	}
	switch o.text("type") {
	case string(api.PlainPostTypeMessage):
		return c.message(o)
	case string(api.PlainDoTypeAction):
		return c.action(o)
	case string(api.PlainCancelTypeCancel):
		return c.cancelAnswer(o)
	case string(api.PlainAskTypeStatus):
		return c.status(o)
	case string(api.PlainJoinTypeJoin):
		return c.joinChannel(o)
	case string(api.PlainAuthTypeAuth):
		return c.name(o)
	default:
		c.fail("Unknown type; there are message, action, join, cancel and status", string(apierr.InvalidRequest), "")
		return false
	}
}

// name lets a connection that came without an identity take one. Everything else about it was decided when it came.
func (c *plainConn) name(o object) bool {
	if !c.anonymous || !o.has("entityId") {
		return true
	}
	id, err := auth.ParseID(o.text("entityId"))
	if err != nil {
		c.fail(refusedEntity, "ENTITY_ID_REQUIRED", "")
		return false
	}
	c.who, c.anonymous = c.who.Named(id), false
	c.sendIdentity()
	return true
}

func (c *plainConn) fail(message, code, clientID string) {
	c.send(api.PlainError{Type: api.PlainErrorTypeError, Error: message, Code: code, ClientMessageID: clientID})
}

// refuseWith sends an error of the domain.
func (c *plainConn) refuseWith(err error, clientID string) {
	e := c.gateway.refusal(c.ctx, err)
	c.fail(e.Error, e.Code, clientID)
}

func (c *plainConn) charge(clientID string) bool {
	wait := c.gateway.limiter.Take(c.address, c.gateway.now())
	if wait > 0 {
		c.send(api.PlainError{
			Type: api.PlainErrorTypeError, Error: "Too many requests. Please try again later.", Code: string(apierr.RateLimited),
			ClientMessageID: clientID, RetryAfter: int(wait.Seconds()) + 1,
		})
	}
	return wait == 0
}

// message posts to a channel, or to the direct channel with an agent, and listens to it from then on.
func (c *plainConn) message(o object) bool {
	p := o.payload()
	clientID := p.clientID()
	if !c.charge(clientID) {
		return false
	}
	draft, ok := p.draft(clientID)
	if !ok {
		c.fail("A message needs content, or attachments; messageServerId must be a UUID", codeInvalidMessage, clientID)
		return false
	}
	channelID, ok := c.channelOf(&p, clientID)
	if !ok {
		return false
	}
	draft.ID, draft.ChannelID, draft.AuthorID = messaging.NewID(), channelID, c.who.Entity()
	draft.NewID = true
	if draft.SourceType == "" {
		draft.SourceType = "websocket"
	}
	draft.Create = messaging.AutoCreateFrom(draft.Metadata, "websocket_auto_creation")
	listened := c.gateway.plain.listens(c, channelID)
	if !c.follow(channelID, clientID, true) {
		return false
	}
	from := plainOrigin{conn: c, clientID: clientID}
	c.gateway.pending.add(draft.ID, from)
	posted, err := c.gateway.messaging.Post(c.ctx, c.who, draft)
	if err != nil || posted.Duplicate {
		c.gateway.pending.take(draft.ID)
	}
	if err != nil {
		if !listened && !c.who.SeesEveryone() { // somebody else may have made the channel meanwhile
			c.gateway.plain.quit(c, channelID)
		}
		c.refuseWith(err, clientID)
		return false
	}
	if posted.Duplicate {
		from.confirm(&posted.Message, nil)
	}
	return true
}

// channelOf returns the channel that a frame names, or the direct one with the agent that it names.
func (c *plainConn) channelOf(p *payload, clientID string) (uuid.UUID, bool) {
	if named := p.channelName(); named != "" {
		id, err := auth.ParseID(named)
		if err != nil {
			c.fail("channelId is not a UUID", string(apierr.InvalidID), clientID)
		}
		return id, err == nil
	}
	agentID, err := auth.ParseID(firstText(p.agent))
	if err != nil {
		c.fail("A message needs an agentId or a channelId", codeInvalidMessage, clientID)
		return uuid.Nil, false
	}
	channel, err := c.gateway.messaging.FindOrCreateDM(c.ctx, c.who, messaging.DMRequest{
		A: agentID, B: c.who.Entity(), ServerID: c.gateway.messaging.CurrentServer(),
	})
	if err != nil {
		c.refuseWith(err, clientID)
		return uuid.Nil, false
	}
	return channel.ID, true
}

// follow makes the connection a listener of a channel; with making, its next message may make the channel.
func (c *plainConn) follow(channelID uuid.UUID, clientID string, making bool) bool {
	if !c.gateway.plain.listens(c, channelID) {
		if err := c.gateway.mayListen(c.ctx, c.who, channelID, making); err != nil {
			c.refuseWith(err, clientID)
			return false
		}
	}
	if !c.gateway.plain.join(c, channelID) {
		c.fail(fmt.Sprintf("This connection has joined %d channels, which is as many as it may.", plainChannels), string(apierr.BadRequest), clientID)
		return false
	}
	if err := c.gateway.follow(c.ctx, c.who, channelID); err != nil {
		c.refuseWith(err, clientID)
		return false
	}
	return true
}

// joinChannel listens to a channel without posting to it.
func (c *plainConn) joinChannel(o object) bool {
	if !c.charge("") {
		return false
	}
	p := o.payload()
	id, err := auth.ParseID(p.channelName())
	if err != nil {
		c.fail(textChannelRequired, codeChannelRequired, "")
		return false
	}
	if !c.follow(id, "", false) {
		return false
	}
	c.send(api.PlainStatus{Type: api.PlainStatusTypeStatus, Status: api.PlainStatusStatusJoined, ChannelID: &id})
	return true
}

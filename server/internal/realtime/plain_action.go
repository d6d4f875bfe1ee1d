package realtime

import (
	"encoding/json"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/lifecycle"
	"github.com/elizad/elizad/server/internal/messaging"
)

// action asks an agent to do something by name. It is a message like any other, whose turn does that and asks no model.
func (c *plainConn) action(o object) bool {
	p := o.payload()
	clientID := p.clientID()
	if !c.charge(clientID) {
		return false
	}
	agentID, err := auth.ParseID(firstText(p.agent))
	name := o.text("action")
	if err != nil || name == "" {
		c.fail("An action needs an agentId and the action's name", codeInvalidMessage, clientID)
		return false
	}
	channelID, ok := c.channelOf(&p, clientID)
	if !ok || !c.follow(channelID, clientID, false) {
		return false
	}
	metadata, err := json.Marshal(map[string]any{"requestedAction": map[string]any{"name": name, "parameters": o.get("params")}})
	if err != nil {
		c.fail("params is not valid JSON", string(apierr.InvalidJSON), clientID)
		return false
	}
	exchange, err := c.gateway.messaging.Ask(c.ctx, c.who, messaging.Draft{
		ChannelID: channelID, AuthorID: c.who.Entity(), Content: name, ClientID: clientID, SourceType: "websocket_action", Metadata: metadata,
	}, agentID)
	if err != nil {
		c.refuseWith(err, clientID)
		return false
	}
	status := api.PlainAction{
		Type: api.PlainActionTypeAction, AgentID: agentID, Action: name, Status: api.PlainActionStatusStarted,
		ChannelID: &channelID, MessageID: &exchange.Message.ID, ClientMessageID: clientID,
	}
	c.send(status)
	c.actions.Go(func() {
		defer lifecycle.Contain(c.gateway.log, "the following of an action")
		c.followAction(exchange, status)
	})
	return true
}

// followAction reports how the action ended.
func (c *plainConn) followAction(exchange *messaging.Exchange, status api.PlainAction) {
	defer exchange.Close()
	for e, err := range exchange.Events(c.ctx) {
		if err != nil {
			return // the connection is gone, or the server stops: the turn is kept
		}
		if e.End == nil {
			continue
		}
		status.Status = api.PlainActionStatusCompleted
		if e.End.Reply != nil {
			status.Result = e.End.Reply.Content
		}
		switch turn := e.End.Turn; turn.Status {
		case messaging.TurnReplied, messaging.TurnIgnored:
		default:
			status.Status, status.Error = api.PlainActionStatusFailed, turn.Detail
		}
		c.send(status)
	}
}

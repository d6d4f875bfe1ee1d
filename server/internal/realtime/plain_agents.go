package realtime

import (
	"context"
	"slices"
	"strings"

	"github.com/elizad/elizad/gen/api"
)

// plainAgentsOf lists the agents there are.
func plainAgentsOf(agents []AgentStatus) api.PlainAgents {
	list := api.PlainAgents{Type: api.PlainAgentsTypeStatus, Agents: make([]api.PlainAgent, len(agents))}
	for i, a := range agents {
		list.Agents[i] = api.PlainAgent{ID: a.ID, Name: a.Name, Status: api.PlainAgentStatusInactive}
		if a.Running {
			list.Agents[i].Status = api.PlainAgentStatusActive
		}
	}
	return list
}

// deliverAgentChanges notifies all connections when an agent was made, changed, started, stopped or deleted, until the subscription ends:
// sockets that it happened, plain connections which agents there are.
func (g *Gateway) deliverAgentChanges(ctx context.Context) {
	for range g.agents.C() {
		g.emit(g.ns.Local(), eventAgentsChanged, api.SocketAgentsChanged{})
		to := g.plain.everyone()
		if len(to) == 0 {
			continue
		}
		agents, err := g.listAgents(ctx)
		if err != nil {
			g.log.ErrorContext(ctx, "agents not read", "error", err)
			continue
		}
		g.toPlain(to, plainAgentsOf(agents))
	}
}

// status answers with the agents, or the one that is named.
func (c *plainConn) status(o object) bool {
	if !c.charge("") {
		return false
	}
	agents, err := c.gateway.listAgents(c.ctx)
	if err != nil {
		c.refuseWith(err, "")
		return false
	}
	if named := o.text("agentId"); named != "" {
		agents = slices.DeleteFunc(agents, func(a AgentStatus) bool { return !strings.EqualFold(named, a.ID.String()) })
	}
	c.send(plainAgentsOf(agents))
	return true
}

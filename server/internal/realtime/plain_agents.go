package realtime

import (
	"context"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// agentsChanged is a hint to read the agents anew.
type agentsChanged struct{}

// plainAgents tells which agents there are.
type plainAgents struct {
	Type   string       `json:"type"`
	Agents []plainAgent `json:"agents"`
}

type plainAgent struct {
	ID     uuid.UUID `json:"id"`
	Name   string    `json:"name"`
	Status string    `json:"status"` // active or inactive
}

func plainAgentsOf(agents []AgentStatus) plainAgents {
	list := plainAgents{Type: plainTypeStatus, Agents: make([]plainAgent, len(agents))}
	for i, a := range agents {
		list.Agents[i] = plainAgent{ID: a.ID, Name: a.Name, Status: "inactive"}
		if a.Running {
			list.Agents[i].Status = "active"
		}
	}
	return list
}

// tellAgents tells everybody whenever an agent was made, changed, started, stopped or deleted, until the subscription ends:
// sockets that it happened, plain connections which agents there are.
func (g *Gateway) tellAgents(ctx context.Context) {
	for range g.agents.C() {
		g.emit(g.ns.Local(), eventAgentsChanged, agentsChanged{})
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

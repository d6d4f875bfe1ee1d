package server

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/audit"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/runtime"
)

// Agents manages the agents of a running server, for the program that the server is in. It may do what an administrator may over REST,
// and what it does stands in the audit log as the server's own. Its errors wrap an [*apierr.Error]: an unknown agent is NOT_FOUND, a
// server that isn't running UNAVAILABLE.
type Agents struct{ server *Server }

// Agents returns the agents of the server.
func (s *Server) Agents() Agents { return Agents{s} }

// List returns all agents, those that run first, then by name.
func (a Agents) List(ctx context.Context) ([]AgentInfo, error) {
	agents, err := a.running()
	if err != nil {
		return nil, fmt.Errorf("listing agents: %w", err)
	}
	list, err := agents.List(ctx, auth.System())
	if err != nil {
		return nil, err
	}
	out := make([]AgentInfo, len(list))
	for i, one := range list {
		out[i] = agentInfo(one.ID, one.Name, one.Running, one.Model)
	}
	return out, nil
}

// Add makes an agent of a character and starts it. Of an agent that there is already, the fields that the character has are changed.
func (a Agents) Add(ctx context.Context, c agent.Character) (AgentInfo, error) {
	agents, err := a.running()
	if err != nil {
		return AgentInfo{}, fmt.Errorf("adding an agent: %w", err)
	}
	if c, err = checkedCharacter(c); err != nil {
		return AgentInfo{}, fmt.Errorf("adding an agent: %w", err)
	}
	ids, err := agents.Import(ctx, []agent.Character{c}, true)
	if err != nil {
		return AgentInfo{}, fmt.Errorf("adding an agent: %w", err)
	}
	return a.noted(ctx, "agent.import", ids[0])
}

// Start lets an agent take turns, now and after a restart of the server.
func (a Agents) Start(ctx context.Context, id uuid.UUID) (AgentInfo, error) {
	agents, err := a.running()
	if err == nil {
		_, err = agents.Start(ctx, auth.System(), id)
	}
	if err != nil {
		return AgentInfo{}, fmt.Errorf("starting an agent: %w", err)
	}
	return a.noted(ctx, "agent.start", id)
}

// Stop ends the turns of an agent that runs and gives it no more. One that doesn't run is NOT_FOUND.
func (a Agents) Stop(ctx context.Context, id uuid.UUID) (AgentInfo, error) {
	agents, err := a.running()
	if err == nil {
		_, err = agents.Stop(ctx, auth.System(), id)
	}
	if err != nil {
		return AgentInfo{}, fmt.Errorf("stopping an agent: %w", err)
	}
	return a.noted(ctx, "agent.stop", id)
}

// Remove deletes an agent with what it remembers. What it said stays in the channels.
func (a Agents) Remove(ctx context.Context, id uuid.UUID) error {
	agents, err := a.running()
	if err == nil {
		err = agents.Delete(ctx, auth.System(), id)
	}
	if err != nil {
		return fmt.Errorf("removing an agent: %w", err)
	}
	return a.log(ctx, "agent.delete", id)
}

// running returns the agents of a server that runs.
func (a Agents) running() (*runtime.Agents, error) {
	if a.server.handler.Load() == nil {
		return nil, apierr.New(apierr.Unavailable, "The server is not running")
	}
	return a.server.parts.runtime.Agents(), nil
}

// noted writes what was done to an agent into the audit log, and returns the agent.
func (a Agents) noted(ctx context.Context, action string, id uuid.UUID) (AgentInfo, error) {
	if err := a.log(ctx, action, id); err != nil {
		return AgentInfo{}, err
	}
	one, err := a.server.parts.runtime.Agents().Get(ctx, auth.System(), id)
	if err != nil {
		return AgentInfo{}, err
	}
	return agentInfo(one.ID, one.Character.Name, one.Running, one.Model), nil
}

func (a Agents) log(ctx context.Context, action string, id uuid.UUID) error {
	return a.server.parts.audit.Append(ctx, audit.Entry{Action: action, Who: auth.System(), Target: id, Details: "by the program"})
}

// agentInfo describes an agent.
func agentInfo(id uuid.UUID, name string, running bool, m runtime.ModelStatus) AgentInfo {
	return AgentInfo{ID: id, Name: name, Running: running, Provider: m.Provider, Model: m.Model, Notice: m.Notice}
}

// checkedCharacter returns a character as it is read from its JSON form: what a program has put together may lack something.
func checkedCharacter(c agent.Character) (agent.Character, error) {
	text, err := json.Marshal(&c)
	if err != nil {
		return agent.Character{}, fmt.Errorf("encoding the character %q: %w", c.Name, err)
	}
	read, err := agent.ParseCharacter(text)
	if err != nil {
		return agent.Character{}, fmt.Errorf("checking the character %q: %w", c.Name, err)
	}
	return read, nil
}

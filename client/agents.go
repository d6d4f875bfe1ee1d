package client

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
)

// Agents returns all agents, the active ones first, then by name.
func (c *Client) Agents(ctx context.Context) ([]AgentListItem, error) {
	data, err := call[api.AgentList](ctx, c, "listing agents", func(ctx context.Context) (*http.Response, error) {
		return c.api.ListAgents(ctx)
	})
	return data.Agents, err
}

// Agent returns one agent.
func (c *Client) Agent(ctx context.Context, id uuid.UUID) (Agent, error) {
	return call[Agent](ctx, c, "reading an agent", func(ctx context.Context) (*http.Response, error) {
		return c.api.GetAgent(ctx, id)
	})
}

// CreateAgent stores a new agent, which has to be started. Creating the same agent again is fine; another one under the
// same id is a CONFLICT.
func (c *Client) CreateAgent(ctx context.Context, character Character) (AgentCreated, error) {
	body := map[string]json.RawMessage{"characterJson": encode(character)}
	return call[AgentCreated](ctx, c, "creating an agent", func(ctx context.Context) (*http.Response, error) {
		return c.api.CreateAgent(withRepeat(ctx), nil, body)
	})
}

// UpdateAgent changes the fields of an agent that patch names. Settings and secrets are merged, and a nil in them removes.
func (c *Client) UpdateAgent(ctx context.Context, id uuid.UUID, patch map[string]any) (Agent, error) {
	body := make(map[string]json.RawMessage, len(patch))
	for key, value := range patch {
		raw, err := json.Marshal(value)
		if err != nil {
			return Agent{}, fmt.Errorf("changing an agent: encoding %s: %w", key, err)
		}
		body[key] = raw
	}
	return call[Agent](ctx, c, "changing an agent", func(ctx context.Context) (*http.Response, error) {
		return c.api.UpdateAgent(ctx, id, nil, body)
	})
}

// DeleteAgent removes an agent.
func (c *Client) DeleteAgent(ctx context.Context, id uuid.UUID) error {
	return callEmpty(ctx, c, "deleting an agent", func(ctx context.Context) (*http.Response, error) {
		return c.api.DeleteAgent(ctx, id)
	})
}

// StartAgent lets an agent answer.
func (c *Client) StartAgent(ctx context.Context, id uuid.UUID) (AgentStatus, error) {
	return call[AgentStatus](ctx, c, "starting an agent", func(ctx context.Context) (*http.Response, error) {
		return c.api.StartAgent(withRepeat(ctx), id)
	})
}

// StopAgent ends the work of an agent and makes it answer no more. One that doesn't run is not found.
func (c *Client) StopAgent(ctx context.Context, id uuid.UUID) (AgentStatus, error) {
	return call[AgentStatus](ctx, c, "stopping an agent", func(ctx context.Context) (*http.Response, error) {
		return c.api.StopAgent(ctx, id)
	})
}

// RunsQuery restricts a list of runs; the zero value selects the newest 20.
type RunsQuery struct {
	Channel  uuid.UUID // zero: all
	Status   string    // started, completed, timeout, error; empty: all
	Limit    int       // at most 100; 0: 20
	From, To time.Time // zero: unbounded
}

// Runs returns an agent's runs, newest first.
func (c *Client) Runs(ctx context.Context, agentID uuid.UUID, q RunsQuery) (RunList, error) {
	list, _, err := c.runs(ctx, agentID, q, "")
	return list, err
}

// AllRuns yields the runs of Runs without its limit, and reads pages of q.Limit as they are consumed. Runs that begin meanwhile
// are not included. An error is the last element.
func (c *Client) AllRuns(ctx context.Context, agentID uuid.UUID, q RunsQuery) iter.Seq2[RunSummary, error] {
	return all(func(cursor string) ([]RunSummary, string, error) {
		list, next, err := c.runs(ctx, agentID, q, cursor)
		return list.Runs, next, err
	})
}

func (c *Client) runs(ctx context.Context, agentID uuid.UUID, q RunsQuery, cursor string) (list RunList, next string, err error) {
	params := api.ListRunsParams{
		RoomID: known(q.Channel), Status: text(q.Status), Limit: positive(q.Limit), From: query(q.From), To: query(q.To), Cursor: text(cursor),
	}
	list, err = call[RunList](ctx, c, "listing runs", leading(&next, func(ctx context.Context) (*http.Response, error) {
		return c.api.ListRuns(ctx, agentID, &params)
	}))
	return list, next, err
}

// Run returns what happened in one run, and why.
func (c *Client) Run(ctx context.Context, agentID, runID uuid.UUID) (RunDetail, error) {
	return call[RunDetail](ctx, c, "reading a run", func(ctx context.Context) (*http.Response, error) {
		return c.api.GetRun(ctx, agentID, runID, nil)
	})
}

// AgentUsage returns what an agent's models took, by day and model, the newest day first. Zero times are 30 days ago, and today.
func (c *Client) AgentUsage(ctx context.Context, agentID uuid.UUID, from, to time.Time) (AgentUsage, error) {
	params := api.GetAgentUsageParams{From: query(from), To: query(to)}
	return call[AgentUsage](ctx, c, "reading an agent's usage", func(ctx context.Context) (*http.Response, error) {
		return c.api.GetAgentUsage(ctx, agentID, &params)
	})
}

// AgentSecrets returns the names of an agent's secrets, when each was changed, and when it was last used.
func (c *Client) AgentSecrets(ctx context.Context, agentID uuid.UUID) ([]AgentSecret, error) {
	return call[[]AgentSecret](ctx, c, "listing secrets", func(ctx context.Context) (*http.Response, error) {
		return c.api.ListAgentSecrets(ctx, agentID)
	})
}

// CancelRun cancels a run, for those who manage the agent, and returns what became of it. See [Client.CancelAnswer].
func (c *Client) CancelRun(ctx context.Context, agentID, runID uuid.UUID) ([]RunRef, error) {
	cancelled, err := call[api.Cancellation](ctx, c, "cancelling a run", func(ctx context.Context) (*http.Response, error) {
		return c.api.CancelRun(withRepeat(ctx), agentID, runID)
	})
	return cancelled.Runs, err
}

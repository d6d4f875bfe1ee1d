package client

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
)

// LogQuery restricts an agent's log; the zero value asks for the newest 10 entries.
type LogQuery struct {
	Room     uuid.UUID // a room or channel; zero: all
	Type     string    // empty: all
	Exclude  []string  // types to leave out
	Search   string    // contained in the entry; empty: all
	Limit    int       // at most 1000; 0: 10
	Offset   int
	From, To time.Time // zero: unbounded
}

// AgentLog returns what happened in an agent's runs, newest first.
func (c *Client) AgentLog(ctx context.Context, agentID uuid.UUID, q LogQuery) ([]AgentLogEntry, error) {
	params := api.ListAgentLogsParams{
		Type: text(q.Type), ExcludeTypes: q.Exclude, Search: text(q.Search), From: query(q.From), To: query(q.To),
	}
	if q.Room != uuid.Nil {
		params.RoomID = &q.Room
	}
	if q.Limit > 0 {
		params.Limit = &q.Limit
	}
	if q.Offset > 0 {
		params.Offset = &q.Offset
	}
	return call[[]AgentLogEntry](ctx, c, "reading an agent's log", func(ctx context.Context) (*http.Response, error) {
		return c.api.ListAgentLogs(ctx, agentID, &params)
	})
}

// DeleteAgentLogEntry removes an entry of an agent's log, also from its run.
func (c *Client) DeleteAgentLogEntry(ctx context.Context, agentID, entryID uuid.UUID) error {
	return callEmpty(ctx, c, "deleting an entry of an agent's log", func(ctx context.Context) (*http.Response, error) {
		return c.api.DeleteAgentLog(ctx, agentID, entryID)
	})
}

// Panels returns the pages that an agent's plugins offer.
func (c *Client) Panels(ctx context.Context, agentID uuid.UUID) ([]Panel, error) {
	return call[[]Panel](ctx, c, "listing panels", func(ctx context.Context) (*http.Response, error) {
		return c.api.ListPanels(ctx, agentID)
	})
}

package client

import (
	"context"
	"iter"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
)

// LogQuery restricts an agent's log; the zero value selects the newest 10 entries.
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
	entries, _, err := c.agentLog(ctx, agentID, q, "")
	return entries, err
}

// AllAgentLog yields the entries of AgentLog without its limit, and reads pages of q.Limit as they are consumed. Entries that
// are added meanwhile are not included. An error is the last element.
func (c *Client) AllAgentLog(ctx context.Context, agentID uuid.UUID, q LogQuery) iter.Seq2[AgentLogEntry, error] {
	if q.Limit <= 0 {
		q.Limit = pageSize
	}
	return all(func(cursor string) ([]AgentLogEntry, string, error) { return c.agentLog(ctx, agentID, q, cursor) })
}

func (c *Client) agentLog(ctx context.Context, agentID uuid.UUID, q LogQuery, cursor string) (entries []AgentLogEntry, next string, err error) {
	params := api.ListAgentLogsParams{
		RoomID: known(q.Room), Type: text(q.Type), ExcludeTypes: q.Exclude, Search: text(q.Search), From: query(q.From), To: query(q.To),
		Cursor: text(cursor),
	}
	if q.Limit > 0 {
		params.Limit = &q.Limit
	}
	if q.Offset > 0 {
		params.Offset = &q.Offset
	}
	entries, err = call[[]AgentLogEntry](ctx, c, "reading an agent's log", leading(&next, func(ctx context.Context) (*http.Response, error) {
		return c.api.ListAgentLogs(ctx, agentID, &params)
	}))
	return entries, next, err
}

// DeleteAgentLogEntry removes an entry of an agent's log, and from its run.
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

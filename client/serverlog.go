package client

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
)

// ServerLogQuery restricts the entries of the server's log; the zero value selects the newest 100 entries of the last hour.
type ServerLogQuery struct {
	Since     time.Time // zero: an hour ago
	Level     string    // exactly this level, such as "error"; empty: all
	AgentName string    // empty: all
	Agent     uuid.UUID // zero: all
	Limit     int       // at most 1000; 0: 100
}

func (q ServerLogQuery) params() api.GetServerLogsParams {
	p := api.GetServerLogsParams{Since: query(q.Since), Level: text(q.Level), AgentName: text(q.AgentName), Limit: positive(q.Limit)}
	if q.Agent != uuid.Nil {
		p.AgentID = new(q.Agent.String())
	}
	return p
}

// ServerLog returns entries of the server's log, oldest first. To follow the log, subscribe to it on a socket.
func (c *Client) ServerLog(ctx context.Context, q ServerLogQuery) (ServerLogs, error) {
	params := q.params()
	return callBare[ServerLogs](ctx, c, "reading the server's log", func(ctx context.Context) (*http.Response, error) {
		return c.api.GetServerLogs(ctx, &params)
	})
}

// WriteServerLog appends entries to the server's log and returns how many were taken.
func (c *Client) WriteServerLog(ctx context.Context, entries ...SubmittedLog) (int, error) {
	answer, err := callBare[ServerLogs](ctx, c, "writing to the server's log", func(ctx context.Context) (*http.Response, error) {
		return c.api.PostServerLogs(ctx, &api.PostServerLogsParams{}, api.SubmitLogsRequest{Logs: entries})
	})
	if err != nil || answer.Received == nil {
		return 0, err
	}
	return *answer.Received, nil
}

// ClearServerLog removes the entries that are kept for reading, and returns how many they were.
func (c *Client) ClearServerLog(ctx context.Context) (int, error) {
	answer, err := callBare[api.LogsCleared](ctx, c, "emptying the server's log", func(ctx context.Context) (*http.Response, error) {
		return c.api.ClearServerLogs(ctx, &api.ClearServerLogsParams{})
	})
	return answer.Cleared, err
}

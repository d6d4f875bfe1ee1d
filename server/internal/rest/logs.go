package rest

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/gen/apiserver"
	"github.com/elizad/elizad/server/internal/jsontext"
	"github.com/elizad/elizad/server/internal/logstream"
	"github.com/elizad/elizad/server/internal/present"
)

// Bounds of one reading of the log.
const (
	defaultEntries = 100
	maxEntries     = 1000
	logPeriod      = time.Hour // how far back, unless the caller says
)

// everything is the value of a filter that lets all entries pass.
const everything = "all"

func (h systemHandlers) GetServerLogs(_ context.Context, req apiserver.GetServerLogsRequestObject) (apiserver.GetServerLogsResponseObject, error) {
	answer, err := h.logs(api.PostServerLogsParams(req.Params))
	return apiserver.GetServerLogs200JSONResponse(answer), err
}

func (h systemHandlers) PostServerLogs(_ context.Context, req apiserver.PostServerLogsRequestObject) (apiserver.PostServerLogsResponseObject, error) {
	var received *int
	if req.Body != nil && req.Body.Logs != nil {
		for _, l := range req.Body.Logs {
			h.deps.Logs.Append(submittedLog(l, time.Now()))
		}
		received = new(len(req.Body.Logs))
	}
	answer, err := h.logs(req.Params)
	answer.Received = received
	return apiserver.PostServerLogs200JSONResponse(answer), err
}

func (h systemHandlers) ClearServerLogs(context.Context, apiserver.ClearServerLogsRequestObject) (apiserver.ClearServerLogsResponseObject, error) {
	return apiserver.ClearServerLogs200JSONResponse{
		Status: "success", Message: "Logs cleared successfully", Cleared: h.deps.Logs.Clear(),
	}, nil
}

// logs reads the log as a query asks for it.
func (h systemHandlers) logs(p api.PostServerLogsParams) (api.ServerLogs, error) {
	since := time.Now().Add(-logPeriod)
	if given, err := looseTime("since", p.Since); err != nil {
		return api.ServerLogs{}, err
	} else if given != nil {
		since = *given
	}
	limit := looseInt(p.Limit)
	if limit <= 0 {
		limit = defaultEntries
	}
	level := cmp.Or(strings.ToLower(deref(p.Level)), everything)
	name, id := cmp.Or(deref(p.AgentName), everything), cmp.Or(deref(p.AgentID), everything)
	exact, _ := logstream.ParseLevel(level) // info for a name that is none
	entries := h.deps.Logs.Last(min(limit, maxEntries), func(e *logstream.Entry) bool {
		return !e.Time.Before(since) &&
			(level == everything || logstream.LevelNumber(e.Level) == logstream.LevelNumber(exact)) &&
			(name == everything || name == e.AgentName) &&
			(id == everything || strings.EqualFold(id, e.AgentID))
	})
	return api.ServerLogs{
		Logs: present.Each(entries, logEntry), Count: len(entries), Total: h.deps.Logs.Len(), RequestedLevel: level, Level: level,
		AgentName: name, AgentID: id, Levels: logstream.LevelNames(),
	}, nil
}

func logEntry(e logstream.Entry) api.LogEntry {
	return api.LogEntry{
		Time: e.Time.UnixMilli(), Level: logstream.LevelNumber(e.Level), Msg: e.Text(),
		AgentID: present.Optional(e.AgentID), AgentName: present.Optional(e.AgentName),
	}
}

// submittedLog makes an entry of what a client sends. Its attributes tell that it came from outside.
func submittedLog(l api.SubmittedLog, now time.Time) logstream.Entry {
	level := slog.LevelInfo
	if named, ok := logstream.ParseLevel(deref(l.Level)); ok {
		level = named
	}
	e := logstream.Entry{Time: now, Level: level, Message: l.Message, Attrs: []logstream.Attr{{Key: "source", Value: cmp.Or(deref(l.Source), "client")}}}
	extra := jsontext.ObjectOf(l.Metadata)
	for _, key := range slices.Sorted(maps.Keys(extra)) {
		e.Attrs = append(e.Attrs, logstream.Attr{Key: key, Value: plainValue(extra[key])})
	}
	return e
}

// plainValue returns a JSON value as its text.
func plainValue(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	return string(raw)
}

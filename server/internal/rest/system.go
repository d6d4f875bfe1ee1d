package rest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"runtime/metrics"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/elizad/elizad/api/wire"
	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/gen/apiserver"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/audit"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/jsontext"
	"github.com/elizad/elizad/server/internal/logstream"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/present"
	"github.com/elizad/elizad/server/internal/runtime"
	"github.com/elizad/elizad/server/internal/secrets"
	"github.com/elizad/elizad/server/internal/settingsfile"
)

// systemHandlers answers for the server itself.
type systemHandlers struct {
	version      string
	environment  string // "production" or "development"
	isolated     bool   // people see only what is theirs
	started      time.Time
	registration string // "" without users

	health     HealthFunc
	agents     Agents
	servers    *messaging.Service
	docs       present.Documents
	sockets    func() int // how many are connected
	logs       *logstream.Stream
	settings   *settingsfile.File
	stop       func()
	checkOwner func(ctx context.Context) error
}

func (h systemHandlers) GetLiveness(context.Context, apiserver.GetLivenessRequestObject) (apiserver.GetLivenessResponseObject, error) {
	return apiserver.GetLiveness200JSONResponse{Status: "ok", Timestamp: wire.At(time.Now())}, nil
}

func (h systemHandlers) GetHealth(ctx context.Context, _ apiserver.GetHealthRequestObject) (apiserver.GetHealthResponseObject, error) {
	state := h.examine(ctx)
	if state.Status != api.HealthStatusOK {
		return apiserver.GetHealth503JSONResponse(state), nil
	}
	return apiserver.GetHealth200JSONResponse{HealthAnswerJSONResponse: apiserver.HealthAnswerJSONResponse(state)}, nil
}

func (h systemHandlers) GetServerHealth(ctx context.Context, _ apiserver.GetServerHealthRequestObject) (apiserver.GetServerHealthResponseObject, error) {
	state := h.examine(ctx)
	if state.Status != api.HealthStatusOK {
		return apiserver.GetServerHealth503JSONResponse(state), nil
	}
	return apiserver.GetServerHealth200JSONResponse{HealthAnswerJSONResponse: apiserver.HealthAnswerJSONResponse(state)}, nil
}

func (h systemHandlers) Ping(context.Context, apiserver.PingRequestObject) (apiserver.PingResponseObject, error) {
	return pong(time.Now().UnixMilli()), nil
}

// pong answers health pollers. It holds the time in milliseconds.
type pong int64

// VisitPingResponse writes the answer.
func (p pong) VisitPingResponse(w http.ResponseWriter) error {
	return writeJSON(w, http.StatusOK, func(dst []byte) []byte {
		return append(strconv.AppendInt(append(dst, `{"pong":true,"timestamp":`...), int64(p), 10), '}')
	})
}

func (h systemHandlers) GetVersion(context.Context, apiserver.GetVersionRequestObject) (apiserver.GetVersionResponseObject, error) {
	return apiserver.GetVersion200JSONResponse{
		Version: h.version, Source: "server", Timestamp: wire.At(time.Now()), Environment: h.environment,
		Uptime: time.Since(h.started).Seconds(),
	}, nil
}

func (h systemHandlers) GetPublicConfig(context.Context, apiserver.GetPublicConfigRequestObject) (apiserver.GetPublicConfigResponseObject, error) {
	w := api.PublicConfig{RequiresAuth: h.isolated}
	if h.registration != "" {
		w.Users = &api.PublicUsers{Registration: api.PublicUsersRegistration(h.registration)}
	}
	return apiserver.GetPublicConfig200JSONResponse{Success: true, Data: w}, nil
}

// examine shows how the server is.
func (h systemHandlers) examine(ctx context.Context) api.Health {
	r := h.health(ctx)
	w := api.Health{
		Status: api.HealthStatusOK, Version: h.version, Timestamp: wire.At(time.Now()), AgentCount: r.ActiveAgents,
		Uptime: time.Since(h.started).Seconds(), Dependencies: map[string]string{}, Checks: map[string]api.HealthCheck{},
	}
	check := func(name string, c Condition) {
		word, result := "healthy", api.HealthCheck{Status: api.HealthCheckStatusPass}
		if c.Word != "" {
			word, w.Status = c.Word, api.HealthStatusDEGRADED
			if result.Status = api.HealthCheckStatusFail; c.Problem != "" {
				result.Message = &c.Problem
			}
		}
		w.Dependencies[name], w.Checks[name] = word, result
	}
	var agents, server Condition
	if r.ActiveAgents == 0 {
		agents.Word = "no_agents"
	}
	if r.Stopping {
		server.Word = "stopping"
	}
	check("agents", agents)
	check("database", r.Database)
	check("files", r.Files)
	check("server", server)
	return w
}

func (h systemHandlers) Hello(context.Context, apiserver.HelloRequestObject) (apiserver.HelloResponseObject, error) {
	return apiserver.Hello200JSONResponse{Message: "Hello World!"}, nil
}

func (h systemHandlers) GetServerStatus(ctx context.Context, _ apiserver.GetServerStatusRequestObject) (apiserver.GetServerStatusResponseObject, error) {
	agents, err := h.agents.Count(ctx, auth.FromContext(ctx))
	if err != nil {
		return nil, err
	}
	n := api.AgentNumbers{Total: agents.Total, Active: agents.Running, Inactive: agents.Total - agents.Running}
	return apiserver.GetServerStatus200JSONResponse{
		Status: "ok", AgentCount: n.Active, Timestamp: wire.At(time.Now()), Agents: n, Memory: memoryUse(),
		Uptime: time.Since(h.started).Seconds(), Version: h.version,
	}, nil
}

func (h systemHandlers) GetDebugInfo(ctx context.Context, _ apiserver.GetDebugInfoRequestObject) (apiserver.GetDebugInfoResponseObject, error) {
	who := auth.FromContext(ctx)
	found, err := h.servers.ListServers(ctx, who)
	if err != nil {
		return nil, err
	}
	agents, err := h.agents.List(ctx, who)
	if err != nil {
		return nil, err
	}
	servers := present.Each(found, h.docs.MessageServer)
	return apiserver.GetDebugInfo200JSONResponse{Success: true, Servers: servers, Count: len(servers), Data: api.DebugInfo{
		Servers: servers, Count: len(servers),
		Runtime: api.DebugRuntime{Connections: h.sockets(), Memory: memoryUse(), Agents: present.Each(agents, func(a runtime.Summary) api.AgentStatus {
			return api.AgentStatus{ID: a.ID, Name: a.Name, Status: agentState(a.Running)}
		})},
		Environment: map[string]string{"version": h.version, "environment": h.environment, "dataIsolation": onOrOff(h.isolated)},
	}}, nil
}

func onOrOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

// memoryUse reads the process's memory without stopping it.
func memoryUse() api.MemoryUse {
	samples := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/total:bytes"}}
	metrics.Read(samples)
	used, total := samples[0].Value.Uint64(), samples[1].Value.Uint64()
	return api.MemoryUse{Used: int64(used), Total: int64(total), Percentage: 100 * float64(used) / float64(max(total, 1))}
}

func (h systemHandlers) StopServer(ctx context.Context, _ apiserver.StopServerRequestObject) (apiserver.StopServerResponseObject, error) {
	if err := h.checkOwner(ctx); err != nil {
		return nil, err
	}
	return stopping{apiserver.StopServer200JSONResponse(done("Server stopping...")), h.stop}, nil
}

// stopping is the answer to who stops the server. The server stops once it is written, and with it the entry in the audit log.
type stopping struct {
	apiserver.StopServer200JSONResponse
	stop func()
}

// VisitStopServerResponse implements [apiserver.StopServerResponseObject].
func (s stopping) VisitStopServerResponse(w http.ResponseWriter) error {
	defer s.stop()
	return s.StopServer200JSONResponse.VisitStopServerResponse(w)
}

// Bounds of one reading of the log.
const (
	defaultEntries = 100
	maxEntries     = 1000
	logPeriod      = time.Hour // how far back, unless the caller says
)

// everything is the value of a filter that lets all entries pass.
const everything = "all"

func (h systemHandlers) GetServerLogs(_ context.Context, req apiserver.GetServerLogsRequestObject) (apiserver.GetServerLogsResponseObject, error) {
	answer, err := h.readLog(api.PostServerLogsParams(req.Params))
	return apiserver.GetServerLogs200JSONResponse(answer), err
}

func (h systemHandlers) PostServerLogs(_ context.Context, req apiserver.PostServerLogsRequestObject) (apiserver.PostServerLogsResponseObject, error) {
	var received *int
	if req.Body != nil && req.Body.Logs != nil {
		for _, l := range req.Body.Logs {
			h.logs.Append(submittedLog(l, time.Now()))
		}
		received = new(len(req.Body.Logs))
	}
	answer, err := h.readLog(req.Params)
	answer.Received = received
	return apiserver.PostServerLogs200JSONResponse(answer), err
}

func (h systemHandlers) ClearServerLogs(context.Context, apiserver.ClearServerLogsRequestObject) (apiserver.ClearServerLogsResponseObject, error) {
	return apiserver.ClearServerLogs200JSONResponse{
		Status: "success", Message: "Logs cleared successfully", Cleared: h.logs.Clear(),
	}, nil
}

// readLog reads the log as a query asks for it.
func (h systemHandlers) readLog(p api.PostServerLogsParams) (api.ServerLogs, error) {
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
	entries := h.logs.Last(min(limit, maxEntries), func(e *logstream.Entry) bool {
		return !e.Time.Before(since) &&
			(level == everything || logstream.LevelNumber(e.Level) == logstream.LevelNumber(exact)) &&
			(name == everything || name == e.AgentName) &&
			(id == everything || strings.EqualFold(id, e.AgentID))
	})
	return api.ServerLogs{
		Logs: present.Each(entries, logEntry), Count: len(entries), Total: h.logs.Len(), RequestedLevel: level, Level: level,
		AgentName: name, AgentID: id, Levels: logstream.LevelNames(),
	}, nil
}

func logEntry(e logstream.Entry) api.LogEntry {
	return api.LogEntry{
		Time: e.Time.UnixMilli(), Level: logstream.LevelNumber(e.Level), Msg: e.Text(),
		AgentID: present.Optional(e.AgentID), AgentName: present.Optional(e.AgentName),
	}
}

// submittedLog makes an entry of what a client sends. Its attributes mark it as coming from outside.
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

func (h systemHandlers) GetLocalEnvironment(ctx context.Context, _ apiserver.GetLocalEnvironmentRequestObject) (apiserver.GetLocalEnvironmentResponseObject, error) {
	read := h.settings.Read
	switch err := h.mayHandleSettings(ctx, "inspection is"); {
	case errors.Is(err, auth.ErrRefused):
		read = h.settings.Names // the official web client reads them on every page, for every user
	case err != nil:
		return nil, err
	}
	settings, err := read()
	if err != nil {
		return nil, err
	}
	return apiserver.GetLocalEnvironment200JSONResponse{Success: true, Data: settings}, nil
}

func (h systemHandlers) UpdateLocalEnvironment(ctx context.Context, req apiserver.UpdateLocalEnvironmentRequestObject) (apiserver.UpdateLocalEnvironmentResponseObject, error) {
	if err := h.mayHandleSettings(ctx, "updates are"); err != nil {
		return nil, err
	}
	settings, err := settingsOf(*req.Body)
	if err != nil {
		return nil, err
	}
	before, err := h.settings.Load()
	if err != nil {
		return nil, err
	}
	dropped, err := h.settings.Replace(settings)
	if err != nil {
		return nil, err
	}
	after, err := h.settings.Load()
	if err != nil {
		return nil, err
	}
	audit.Detail(ctx, "changed", differing(before, after)...)
	return apiserver.UpdateLocalEnvironment200JSONResponse(done(strings.TrimSuffix("Local env updated. "+secrets.Dropped(dropped), ". "))), nil
}

// differing returns the names under which two sets of settings have different values.
func differing(a, b map[string]string) []string {
	names := map[string]bool{}
	for _, pair := range [][2]map[string]string{{a, b}, {b, a}} {
		for name, value := range pair[0] {
			if other, ok := pair[1][name]; !ok || other != value {
				names[name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// mayHandleSettings returns nil if a caller may see and change the stored settings, and else why not.
func (h systemHandlers) mayHandleSettings(ctx context.Context, what string) error {
	if h.environment == productionEnvironment {
		return apierr.New(apierr.Forbidden, "Local environment %s disabled in production", what)
	}
	return h.checkOwner(ctx)
}

const productionEnvironment = "production"

// settingsOf reads settings by name: texts, numbers and booleans. A null or empty one is left out.
func settingsOf(b api.UpdateLocalEnvironmentRequest) (map[string]string, error) {
	out := map[string]string{}
	for name, raw := range jsontext.ObjectOf(b.Content) {
		text := strings.TrimSpace(string(raw))
		switch {
		case text == "null":
			continue
		case text[0] == '{' || text[0] == '[':
			return nil, apierr.New(apierr.ValidationFailed, "%s must be a text, a number or a boolean", name)
		case text[0] == '"':
			if err := json.Unmarshal(raw, &text); err != nil {
				return nil, bodyError(err)
			}
		}
		if text != "" {
			out[name] = text
		}
	}
	return out, nil
}

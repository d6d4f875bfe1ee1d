package realtime

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/lifecycle"
	"github.com/elizad/elizad/server/internal/logstream"
	"github.com/elizad/elizad/server/socketio"
)

const (
	logBuffer     = 256 // entries that a socket may lag behind before the oldest are dropped
	maxLogBacklog = 64  // packets in a socket's queue above which it gets no entries: chat comes first
)

// logWatch is a socket's subscription to the server's log.
type logWatch struct {
	cancel context.CancelFunc

	mu     sync.Mutex
	filter logFilter
}

// logFilter selects entries, and the form in which they are sent.
type logFilter struct {
	level     slog.Level // least severe
	noLevel   bool       // a level was named that doesn't exist: nothing passes
	agentName string     // exact; "" is any
	agentID   string
	category  string // exact; "" is any
	dialect   logDialect

	levelText string // as the client wrote it
}

// Names of events that clients send.
const (
	eventSubscribeLogs   = "subscribe_logs"
	eventUnsubscribeLogs = "unsubscribe_logs"
)

// filterEvents returns the events that set a filter, and the dialect that each is of.
func filterEvents() map[string]logDialect {
	return map[string]logDialect{"update_log_filters": streamDialect, "set_log_filter": updateDialect}
}

// logDialect is a client's way to read the log. Before it has set a filter, it gets both.
type logDialect int

const (
	bothDialects logDialect = iota
	streamDialect
	updateDialect
)

// maxLogFilter is how many bytes one filter may have; it is kept as long as the socket watches.
const maxLogFilter = 1024

const dataLogs = "logs" // *logWatch in a socket's data, while it watches

// listenLogs registers the log events of all sockets.
func (g *Gateway) listenLogs() {
	g.ns.On(eventSubscribeLogs, func(_ context.Context, ev *socketio.Event) {
		if !g.charge(ev, "", "") {
			return
		}
		if identityOf(ev.Socket).Scopes().Require(auth.ScopeAdmin) != nil {
			g.fail(ev, api.SocketError{Error: "The credentials lack the scope admin", Code: "FORBIDDEN"})
			return
		}
		g.watchLogs(ev.Socket, logFilter{level: logstream.LevelTrace})
		g.confirmLogs(ev, api.SocketLogSubscription{Success: true, Subscribed: true, Message: "Successfully subscribed to log stream"})
	})
	g.ns.On(eventUnsubscribeLogs, func(_ context.Context, ev *socketio.Event) {
		if w, ok := socketio.Value[*logWatch](ev.Socket, dataLogs); ok && w != nil {
			w.cancel()
			ev.Socket.Set(dataLogs, (*logWatch)(nil))
		}
		g.confirmLogs(ev, api.SocketLogSubscription{Success: true, Message: "Successfully unsubscribed from log stream"})
	})
	for name, dialect := range filterEvents() {
		g.ns.On(name, func(_ context.Context, ev *socketio.Event) {
			result := g.filterLogs(ev.Socket, fields(argument(ev)), dialect)
			emit(g, ev.Socket, "log_filters_updated", result)
			g.ack(ev, result)
		})
	}
}

func (g *Gateway) confirmLogs(ev *socketio.Event, c api.SocketLogSubscription) {
	emit(g, ev.Socket, "log_subscription_confirmed", c)
	g.ack(ev, c)
}

// rewatchLogs resumes sending the log to a socket that was recovered with its subscription.
func (g *Gateway) rewatchLogs(s *socketio.Socket) {
	if w, ok := socketio.Value[*logWatch](s, dataLogs); ok && w != nil {
		s.Set(dataLogs, (*logWatch)(nil)) // it ended with the connection that was lost
		g.watchLogs(s, w.get())
	}
}

// watchLogs begins to send the log to a socket, unless it is sent already.
func (g *Gateway) watchLogs(s *socketio.Socket, filter logFilter) {
	if w, ok := socketio.Value[*logWatch](s, dataLogs); ok && w != nil {
		return
	}
	ctx, cancel := context.WithCancel(s.Context())
	w := &logWatch{cancel: cancel, filter: filter}
	s.Set(dataLogs, w)
	sub := g.logs.Subscribe(logBuffer)
	g.watchers.Go(func() {
		defer lifecycle.Contain(g.log, "the sending of the log")
		defer sub.Close()
		var lost uint64 // entries, to be reported with the next one that is sent
		for {
			select {
			case <-ctx.Done():
				return
			case <-sub.Ready():
			}
			entries, dropped := sub.Take()
			filter := w.get()
			for _, e := range entries {
				if !filter.passes(&e) {
					continue
				}
				if queued, _ := s.Backlog(); queued > maxLogBacklog {
					dropped++
					continue
				}
				sendLog(s, &e, filter.dialect, lost+dropped)
				lost, dropped = 0, 0
			}
			lost += dropped
		}
	})
}

// filterLogs lays new filters over the old ones.
func (g *Gateway) filterLogs(s *socketio.Socket, o object, dialect logDialect) api.SocketLogFilters {
	w, ok := socketio.Value[*logWatch](s, dataLogs)
	if !ok || w == nil {
		return api.SocketLogFilters{Error: "Not subscribed to log stream"}
	}
	for _, name := range []string{"level", "agentName", "agentId", "category"} {
		if len(o.text(name)) > maxLogFilter {
			return api.SocketLogFilters{Error: "A filter has at most " + strconv.Itoa(maxLogFilter) + " bytes"}
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.filter.set(o, dialect)
	return api.SocketLogFilters{Success: true, Filters: w.filter.wire()}
}

func (w *logWatch) get() logFilter {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.filter
}

func (f *logFilter) set(o object, dialect logDialect) {
	f.dialect = dialect
	if o.has("level") {
		f.levelText = o.text("level")
		f.level, f.noLevel = logstream.LevelTrace, false
		if f.levelText != "" && f.levelText != "all" {
			level, ok := logstream.ParseLevel(strings.ToLower(f.levelText))
			f.level, f.noLevel = level, !ok
		}
	}
	if o.has("agentName") {
		f.agentName = anyIfAll(o.text("agentName"))
	}
	if o.has("agentId") {
		f.agentID = anyIfAll(o.text("agentId"))
	}
	if o.has("category") {
		f.category = anyIfAll(o.text("category"))
	}
}

func anyIfAll(s string) string {
	if s == "all" {
		return ""
	}
	return s
}

func (f *logFilter) wire() map[string]string {
	out := map[string]string{}
	for key, value := range map[string]string{"level": f.levelText, "agentName": f.agentName, "agentId": f.agentID, "category": f.category} {
		if value != "" {
			out[key] = value
		}
	}
	return out
}

func (f *logFilter) passes(e *logstream.Entry) bool {
	return !f.noLevel && e.Level >= f.level &&
		(f.agentName == "" || f.agentName == e.AgentName) &&
		(f.agentID == "" || strings.EqualFold(f.agentID, e.AgentID)) &&
		(f.category == "" || f.category == categoryOf(e))
}

// categoryOf names the part of the server that an entry is from.
func categoryOf(e *logstream.Entry) string {
	for _, a := range e.Attrs {
		if name, ok := a.Value.(string); ok && a.Key == "component" && name != "" {
			return name
		}
	}
	return "server"
}

// sendLog sends an entry. It logs nothing itself, or the log would feed on it.
func sendLog(s *socketio.Socket, e *logstream.Entry, dialect logDialect, dropped uint64) {
	data := map[string]any{}
	for _, a := range e.Attrs {
		data[a.Key] = a.Value
	}
	if dialect != updateDialect {
		_ = s.Emit("log_stream", api.SocketLogStream{Type: api.SocketLogStreamTypeLogEntry, Payload: api.SocketLogEntry{
			AgentID: e.AgentID, AgentName: e.AgentName, Dropped: int64(dropped), Level: logstream.LevelNumber(e.Level), Msg: e.Text(),
			RoomID: data["roomId"], Time: e.Time.UnixMilli(),
		}})
	}
	if dialect != streamDialect {
		_ = s.Emit("log_update", api.SocketLogUpdate{
			ID: int64(e.Seq), Timestamp: e.Time.UTC().Format(time.RFC3339Nano), Level: logstream.LevelName(e.Level), Category: categoryOf(e),
			Message: e.Message, Data: data, AgentID: e.AgentID, Dropped: int64(dropped),
		})
	}
}

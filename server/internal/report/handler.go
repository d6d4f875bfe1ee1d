package report

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"strconv"
	"strings"

	"github.com/getsentry/sentry-go"

	"github.com/elizad/elizad/server/internal/httpx"
)

// module is the path under which the code of the server is known.
const module = "github.com/elizad/elizad/"

// handler is the part of the log that reports.
type handler struct{ reporter *Reporter }

// Enabled implements [slog.Handler].
func (h handler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelError && h.reporter.client.Load() != nil
}

// WithAttrs implements [slog.Handler]. What loggers carry along, ids of agents and channels, is not reported.
func (h handler) WithAttrs([]slog.Attr) slog.Handler { return h }

// WithGroup implements [slog.Handler].
func (h handler) WithGroup(string) slog.Handler { return h }

// Handle implements [slog.Handler].
func (h handler) Handle(ctx context.Context, record slog.Record) error {
	client := h.reporter.client.Load()
	frame, _ := runtime.CallersFrames([]uintptr{record.PC}).Next()
	if client == nil || !strings.HasPrefix(frame.Function, module) {
		return nil
	}
	if event := newEvent(record, frame.Function, httpx.RequestIDFrom(ctx)); event != nil {
		client.CaptureEvent(event, nil, nil)
	}
	return nil
}

// newEvent returns the report of a line of the log; nil if it has nothing of the server's own fault.
func newEvent(record slog.Record, function, requestID string) *sentry.Event {
	var cause error
	var said, panicked, stack, code, method, route string
	status := 0
	record.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "error", "err":
			cause, _ = a.Value.Any().(error)
			said = a.Value.String()
		case "panic":
			panicked = "panic: " + a.Value.String()
		case "stack":
			stack = a.Value.String()
		case "code":
			code = a.Value.String()
		case "method":
			method = a.Value.String()
		case "route":
			route = a.Value.String()
		case "status":
			status = int(a.Value.Int64())
		}
		return true
	})
	if status > http.StatusInternalServerError && stack == "" { // overloaded, or a model's fault
		return nil
	}
	if panicked != "" {
		said = panicked
	}
	before, inside, isPanic := strings.Cut(said, "panic: ")
	if isPanic {
		said = before + "panic: " + panicText(inside)
		if stack == "" {
			stack = inside
		}
	}

	event := sentry.NewEvent()
	event.Level = sentry.LevelError
	event.Logger, _, _ = strings.Cut(strings.TrimPrefix(function, module), ".")
	exception := sentry.Exception{Type: record.Message, Value: text(said)}
	if code != "" {
		exception.Type = code
	}
	if isPanic {
		exception.Type, exception.Value = "panic", text(record.Message+": "+said)
		if frames := frames(stack); len(frames) > 0 {
			exception.Stacktrace = &sentry.Stacktrace{Frames: frames}
		}
	}
	if exception.Stacktrace == nil {
		event.Fingerprint = []string{exception.Type, function, method, route, kind(cause)}
	}
	event.Exception = []sentry.Exception{exception}
	if method != "" {
		event.Transaction = strings.TrimSpace(method + " " + route)
	}
	event.Tags = map[string]string{}
	for name, value := range map[string]string{
		"method": method, "route": route, "request_id": requestID, "error_type": kind(cause),
	} {
		if value != "" {
			event.Tags[name] = value
		}
	}
	if status != 0 {
		event.Tags["status"] = strconv.Itoa(status)
	}
	return event
}

// kind returns the type of the innermost error that says something, "" if none does.
func kind(err error) string {
	name := ""
	for err != nil {
		switch t := fmt.Sprintf("%T", err); t {
		case "*errors.errorString", "*fmt.wrapError", "*fmt.wrapErrors", "*errors.joinError", "*apierr.Error":
		default:
			name = t
		}
		if several, ok := err.(interface{ Unwrap() []error }); ok {
			err = nil
			if all := several.Unwrap(); len(all) > 0 {
				err = all[0]
			}
			continue
		}
		err = errors.Unwrap(err)
	}
	return name
}

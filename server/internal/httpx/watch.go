package httpx

import (
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/elizad/elizad/server/apierr"
)

// Watch logs one line per request when it ends: errors of the server as errors, with their cause; refused requests as info;
// the rest as debug. A panic below it becomes a 500 whose cause and stack are in that line and nowhere else; if the response
// had begun, the connection is cut so that the client doesn't take the half for the whole. It needs [RequestID] outside of it.
func Watch(logger *slog.Logger) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			rec, r := recorded(r)
			rec.response = middleware.NewWrapResponseWriter(w, r.ProtoMajor)
			begin := time.Now()
			defer func() {
				line := requestLine{request: r, rec: rec, took: time.Since(begin)}
				cause := recover()
				switch {
				case cause == nil:
				case cause == http.ErrAbortHandler:
					line.aborted = true
				default:
					line.stack = debug.Stack()
					err := fmt.Errorf("panic: %v", cause)
					if rec.begun() {
						rec.err, line.aborted = apierr.From(err), true
					} else {
						WriteError(rec.response, r, err)
					}
				}
				line.log(logger)
				if line.aborted {
					panic(http.ErrAbortHandler)
				}
			}()
			next.ServeHTTP(rec.response, r)
		})
	}
}

// requestLine is what the log says about one request.
type requestLine struct {
	request *http.Request
	rec     *record
	took    time.Duration
	aborted bool
	stack   []byte // of a panic
}

func (l requestLine) log(logger *slog.Logger) {
	ctx := l.request.Context()
	status := l.rec.response.Status()
	if status == 0 && !l.aborted {
		status = http.StatusOK // net/http sends it for a handler that wrote nothing
	}
	level := slog.LevelDebug
	switch {
	case status >= 500 || l.stack != nil:
		level = slog.LevelError
	case status >= 400:
		level = slog.LevelInfo
	}
	if !logger.Enabled(ctx, level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("method", l.request.Method),
		slog.String("path", l.request.URL.Path), // without the query, which may hold credentials
		slog.Int("status", status),
		slog.Int("bytes", l.rec.response.BytesWritten()),
		slog.Duration("took", l.took.Round(time.Microsecond)),
		slog.String("client", l.rec.client.String()),
	}
	if route := chi.RouteContext(ctx); route != nil && route.RoutePattern() != "" {
		attrs = append(attrs, slog.String("route", route.RoutePattern()))
	}
	if l.aborted {
		attrs = append(attrs, slog.Bool("aborted", true))
	}
	if l.rec.err != nil {
		attrs = append(attrs, slog.String("code", string(apierr.From(l.rec.err).Code)), slog.String("err", l.rec.err.Error()))
	}
	if l.stack != nil {
		attrs = append(attrs, slog.String("stack", string(l.stack)))
	}
	logger.LogAttrs(ctx, level, "request", attrs...)
}

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
// had begun, the connection is cut so that the client doesn't take the half for the whole. It needs [RequestID] outside of it,
// and [Route] inside. If ended is not nil, it is called for each request as well.
func Watch(logger *slog.Logger, ended func(Ended)) Middleware {
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
				if ended != nil {
					ended(Ended{
						ID: rec.id[0], Method: r.Method, Route: rec.route, Status: line.status(), Begin: begin, Took: line.took,
					})
				}
				if line.aborted {
					panic(http.ErrAbortHandler)
				}
			}()
			next.ServeHTTP(rec.response, r)
		})
	}
}

// Ended is what [Watch] reports about a request that has ended.
type Ended struct {
	ID, Method string
	Route      string // the pattern; "" if no route was found
	Status     int    // 0 if the connection was cut before it was sent
	Begin      time.Time
	Took       time.Duration
}

// Route notes the pattern of the route that chi found for a request, for [Watch]. It belongs directly inside of the router,
// which takes its notes back when the request has ended.
func Route(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec, found := recordOf(r.Context()), chi.RouteContext(r.Context())
		if rec != nil && found != nil {
			defer func() { rec.route = found.RoutePattern() }()
		}
		next.ServeHTTP(w, r)
	})
}

// requestLine is what the log says about one request.
type requestLine struct {
	request *http.Request
	rec     *record
	took    time.Duration
	aborted bool
	stack   []byte // of a panic
}

// status returns what the client was sent.
func (l requestLine) status() int {
	status := l.rec.response.Status()
	if status == 0 && !l.aborted {
		return http.StatusOK // net/http sends it for a handler that wrote nothing
	}
	return status
}

func (l requestLine) log(logger *slog.Logger) {
	ctx := l.request.Context()
	status := l.status()
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
	if l.rec.route != "" {
		attrs = append(attrs, slog.String("route", l.rec.route))
	}
	if l.aborted {
		attrs = append(attrs, slog.Bool("aborted", true))
	}
	if l.rec.err != nil {
		attrs = append(attrs, slog.String("code", string(apierr.From(l.rec.err).Code)), slog.Any("err", l.rec.err))
	}
	if l.stack != nil {
		attrs = append(attrs, slog.String("stack", string(l.stack)))
	}
	logger.LogAttrs(ctx, level, "request", attrs...)
}

// Package report sends the faults of the server to Sentry, where its operator has named a project.
//
// What is reported is what the log has as an error: panics, requests that were answered with INTERNAL, and failures in the
// background. [Reporter.Handler] belongs beside the handlers of the log, so that nothing else knows of reports, and what is
// to be reported is logged as an error. Of a line go out its message, the method, route, status and id of the request, the
// error, and the stack of a panic as functions and lines. All other attributes stay here, and so do lines that others write,
// plugins for example, whose messages may hold anything. Of the texts of errors go out words only; see [text].
//
// A Sentry that is slow or gone delays nothing: events wait in a short queue, of which the latest are dropped.
package report

import (
	"context"
	"encoding/hex"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/getsentry/sentry-go"

	"github.com/elizad/elizad/server/internal/httpx"
)

const (
	queue   = 30               // events that wait
	timeout = 10 * time.Second // for sending one
)

// Config says where to report, and as whom.
type Config struct {
	DSN         string  // of the project
	Environment string  // such as production
	Version     string  // of the server
	Traces      float64 // share of the requests, of 1, of which the duration is reported
}

// Reporter reports to one project. It has a client of its own and leaves Sentry's global one alone, for there may be several
// servers in one process.
type Reporter struct {
	cfg    Config
	client atomic.Pointer[sentry.Client] // nil unless it has been started
	cancel context.CancelFunc            // breaks off what is being sent
}

// New returns a reporter that reports nothing before [Reporter.Start].
func New(cfg Config) *Reporter {
	if cfg.Environment == "" { // or else Sentry asks the process environment
		cfg.Environment = "development"
	}
	return &Reporter{cfg: cfg}
}

// Start begins to report. It connects to nothing yet.
func (r *Reporter) Start() error {
	ctx, cancel := context.WithCancel(context.Background())
	transport := sentry.NewHTTPTransport()
	transport.BufferSize = queue
	strip := func(e *sentry.Event, _ *sentry.EventHint) *sentry.Event {
		e.ServerName = "" // the machine's name, which the client adds
		return e
	}
	client, err := sentry.NewClient(sentry.ClientOptions{
		Dsn: r.cfg.DSN, Environment: r.cfg.Environment, Release: "elizad@" + r.cfg.Version,
		Transport: transport, HTTPClient: newHTTPClient(ctx),
		BeforeSend: strip, BeforeSendTransaction: strip,
		Integrations:         func([]sentry.Integration) []sentry.Integration { return nil }, // each adds something about the machine
		DisableClientReports: true,
	})
	if err != nil {
		cancel()
		return fmt.Errorf("reading SENTRY_DSN (--sentry-dsn): %w", err)
	}
	r.cancel = cancel
	r.client.Store(client)
	return nil
}

// Stop sends what waits until ctx ends, and reports nothing any more. It returns whether all was sent.
func (r *Reporter) Stop(ctx context.Context) bool {
	client := r.client.Swap(nil)
	if client == nil {
		return true
	}
	sent := client.FlushWithContext(ctx)
	r.cancel()
	client.Close()
	return sent
}

// Handler returns what reports the errors of a log.
func (r *Reporter) Handler() slog.Handler { return handler{r} }

// Trace reports how long a request took, if it is one of the share. Those that no route took are left out.
func (r *Reporter) Trace(e httpx.Ended) {
	client := r.client.Load()
	if client == nil || e.Route == "" || rand.Float64() >= r.cfg.Traces {
		return
	}
	event := sentry.NewEvent()
	event.Type = "transaction"
	event.Transaction = e.Method + " " + e.Route
	event.TransactionInfo = &sentry.TransactionInfo{Source: sentry.SourceRoute}
	event.StartTime, event.Timestamp = e.Begin, e.Begin.Add(e.Took)
	event.Contexts["trace"] = sentry.Context{
		"trace_id": randomHex(16), "span_id": randomHex(8), "op": "http.server", "status": sentry.HTTPtoSpanStatus(e.Status).String(),
	}
	event.Tags = map[string]string{"method": e.Method, "status": strconv.Itoa(e.Status), "request_id": e.ID}
	client.CaptureEvent(event, nil, nil)
}

func randomHex(bytes int) string {
	b := make([]byte, bytes)
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	return hex.EncodeToString(b)
}

// newHTTPClient returns a client whose requests end with ctx, and in time.
func newHTTPClient(ctx context.Context) *http.Client {
	return &http.Client{
		Transport: bounded{ctx, &http.Transport{
			Proxy:             http.ProxyFromEnvironment,
			DialContext:       (&net.Dialer{}).DialContext,
			DisableKeepAlives: true, // reports are rare
			ForceAttemptHTTP2: true,
		}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // the key is for one address
	}
}

// bounded is a transport whose requests end with a context. Its responses have no bodies: all that matters is in the headers.
type bounded struct {
	ctx  context.Context
	base http.RoundTripper
}

// RoundTrip implements [http.RoundTripper].
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(b.ctx, timeout)
	defer cancel()
	resp, err := b.base.RoundTrip(r.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	_ = resp.Body.Close()
	resp.Body = http.NoBody
	return resp, nil
}

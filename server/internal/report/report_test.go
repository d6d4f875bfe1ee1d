package report_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/elizad/elizad/server/internal/httpx"
	"github.com/elizad/elizad/server/internal/report"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// started returns a reporter that reports to a handler.
func started(t *testing.T, traces float64, h http.HandlerFunc) *report.Reporter {
	t.Helper()
	sentry := httptest.NewServer(h)
	t.Cleanup(sentry.Close)
	r := report.New(report.Config{DSN: strings.Replace(sentry.URL, "http://", "http://key@", 1) + "/1", Version: "1", Traces: traces})
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestWhatIsReported(t *testing.T) {
	t.Parallel()
	var came atomic.Int64
	r := started(t, 0, func(http.ResponseWriter, *http.Request) { came.Add(1) })
	log := slog.New(r.Handler()).With("agent", "a").WithGroup("g")
	log.Error("broken", "error", errors.New("no luck")) // 1
	log.Error("request", "status", 500)                 // 2
	log.Error("request", "status", 200, "stack", "x")   // 3: a panic in the middle
	log.Error("request", "status", 503)                 // overloaded
	log.Warn("not so bad")
	foreign := slog.NewRecord(time.Now(), slog.LevelError, "said by somebody else", reflect.ValueOf(strings.ToUpper).Pointer()+1)
	if err := r.Handler().Handle(t.Context(), foreign); err != nil {
		t.Error(err)
	}
	r.Trace(httpx.Ended{Method: "GET", Route: "/", Status: 200})
	if !r.Stop(t.Context()) {
		t.Error("not all was sent")
	}
	log.Error("after the end")
	if !r.Stop(t.Context()) {
		t.Error("the second stop has something to send")
	}
	if n := came.Load(); n != 3 {
		t.Errorf("%d reports", n)
	}
}

// What cannot be sent is given up when the time is over, and leaves nothing behind.
func TestStopGivesUp(t *testing.T) {
	t.Parallel()
	hangs, release := make(chan struct{}), make(chan struct{})
	r := started(t, 0, func(http.ResponseWriter, *http.Request) {
		close(hangs)
		<-release
	})
	log := slog.New(r.Handler())
	for range 1000 {
		log.Error("broken")
	}
	<-hangs
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r.Stop(ctx) {
		t.Error("all was sent")
	}
	close(release)
}

// The key of a project is not for whom its server points to.
func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	var elsewhere atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	defer other.Close()
	r := started(t, 0, func(w http.ResponseWriter, req *http.Request) {
		http.Redirect(w, req, other.URL, http.StatusTemporaryRedirect)
	})
	slog.New(r.Handler()).Error("broken")
	r.Stop(t.Context())
	if elsewhere.Load() > 0 {
		t.Error("the redirect was followed")
	}
}

func TestBadDSN(t *testing.T) {
	t.Parallel()
	if err := report.New(report.Config{DSN: "https://example.org/1"}).Start(); err == nil || !strings.Contains(err.Error(), "SENTRY_DSN") {
		t.Errorf("Start = %v", err)
	}
}

func BenchmarkReport(b *testing.B) {
	release := make(chan struct{})
	sentry := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer sentry.Close()
	defer close(release)
	r := report.New(report.Config{DSN: strings.Replace(sentry.URL, "http://", "http://key@", 1) + "/1", Version: "1"})
	if err := r.Start(); err != nil {
		b.Fatal(err)
	}
	log := slog.New(r.Handler())
	b.ReportAllocs()
	for b.Loop() {
		log.Error("request", "status", 500, "method", "GET", "route", "/api/agents/{agentId}", "err", errors.New("no luck"))
	}
	ctx, cancel := context.WithCancel(b.Context())
	cancel()
	r.Stop(ctx)
}

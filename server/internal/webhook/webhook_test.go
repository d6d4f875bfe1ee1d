package webhook_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"github.com/elizad/elizad/server/internal/bus"
	"github.com/elizad/elizad/server/internal/job"
	"github.com/elizad/elizad/server/internal/webhook"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 2 * time.Minute

// desk hands out announcements as job does, from memory.
type desk struct {
	bus *bus.Local

	mu      sync.Mutex
	due     []due
	settled chan settlement
}

type due struct {
	callback job.Attempt
	at       time.Time
}

type settlement struct {
	jobID   uuid.UUID
	attempt int
	failure string
	again   bool
}

func newDesk(t *testing.T) *desk {
	d := &desk{bus: bus.NewLocal(), settled: make(chan settlement, 99)}
	t.Cleanup(func() { _ = d.bus.Close() })
	return d
}

func (d *desk) CallbackWork() (*bus.Subscription, error) { return d.bus.Subscribe("callbacks", 1) }

func (d *desk) ClaimCallbacks(_ context.Context, n int, lease time.Duration) (out []job.Attempt, _ error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range d.due {
		if x := &d.due[i]; len(out) < n && !x.at.After(time.Now()) {
			x.callback.Number++
			x.at = time.Now().Add(lease)
			out = append(out, x.callback)
		}
	}
	return out, nil
}

func (d *desk) SettleCallback(_ context.Context, id uuid.UUID, attempt int, failure string, retry *time.Time) error {
	d.mu.Lock()
	for i := range d.due {
		if d.due[i].callback.Job.ID == id {
			d.due[i].at = time.Now().Add(time.Hour)
			if retry != nil {
				d.due[i].at = *retry
			}
		}
	}
	d.mu.Unlock()
	d.settled <- settlement{id, attempt, failure, retry != nil}
	return nil
}

func (d *desk) NextCallback(context.Context) (at time.Time, ok bool, _ error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, x := range d.due {
		if !ok || x.at.Before(at) {
			at, ok = x.at, true
		}
	}
	return at, ok, nil
}

// announce makes an announcement due.
func (d *desk) announce(t *testing.T, url, secret string) uuid.UUID {
	t.Helper()
	j := job.Job{ID: uuid.New(), Status: job.Completed}
	d.mu.Lock()
	d.due = append(d.due, due{callback: job.Attempt{Job: j, URL: url, Secret: secret}})
	d.mu.Unlock()
	if err := d.bus.Publish(t.Context(), "callbacks", nil); err != nil {
		t.Fatal(err)
	}
	return j.ID
}

func (d *desk) next(t *testing.T) settlement {
	t.Helper()
	select {
	case s := <-d.settled:
		return s
	case <-time.After(patience):
		t.Fatal("nothing was settled")
		return settlement{}
	}
}

func (d *desk) start(t *testing.T, allow string) {
	t.Helper()
	a := webhook.New(webhook.Config{
		Jobs: d, Guard: guard(t, allow), FirstPause: time.Millisecond, Version: "test",
	})
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := a.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
}

// A database that can be read but not written, such as one on a full disk, is polled at intervals, not in a tight loop.
func TestRestsWhenNothingCanBeClaimed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &fullDesk{desk: newDesk(t)}
		a := webhook.New(webhook.Config{Jobs: d, Guard: guard(t, "")})
		if err := a.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		d.announce(t, "https://example.com/hook", "")
		<-time.After(time.Minute)
		if err := a.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := d.claims.Load(); n < 2 || n > 20 {
			t.Errorf("tried %d times in a minute", n)
		}
	})
}

// fullDesk fails to hand out what is due.
type fullDesk struct {
	*desk
	claims atomic.Int64
}

func (d *fullDesk) ClaimCallbacks(context.Context, int, time.Duration) ([]job.Attempt, error) {
	d.claims.Add(1)
	return nil, errors.New("the disk is full")
}

func TestAnnounces(t *testing.T) {
	t.Parallel()
	type request struct {
		header http.Header
		body   []byte
	}
	got := make(chan request, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- request{r.Header, body}
	}))
	t.Cleanup(srv.Close)
	d := newDesk(t)
	d.start(t, "127.0.0.1")
	id := d.announce(t, srv.URL+"/hook", "hush")
	r := <-got
	var body struct {
		Type, Timestamp string
		Data            struct{ JobID, Status string }
	}
	if err := json.Unmarshal(r.body, &body); err != nil || body.Type != "job.completed" || body.Data.JobID != id.String() || body.Timestamp == "" {
		t.Errorf("%s, %v", r.body, err)
	}
	h := r.header
	if h.Get("webhook-id") != id.String() || h.Get("Content-Type") != "application/json" || h.Get("User-Agent") != "elizad/test" {
		t.Errorf("header %v", h)
	}
	if want := "v1," + webhook.Sign("hush", id.String(), h.Get("webhook-timestamp"), r.body); h.Get("webhook-signature") != want {
		t.Errorf("signature %q, want %q", h.Get("webhook-signature"), want)
	}
	if s := d.next(t); s.failure != "" || s.again {
		t.Errorf("%+v", s)
	}
}

// The example in the specification of Standard Webhooks.
func TestSign(t *testing.T) {
	t.Parallel()
	got := webhook.Sign("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", []byte(`{"test": 2432232314}`))
	if want := "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestTriesAgain(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	answers := []int{500, 302, 204}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if r.URL.Path != "/hook" {
			t.Errorf("a redirect was followed to %s", r.URL)
		}
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(answers[0])
		answers = answers[1:]
	}))
	t.Cleanup(srv.Close)
	d := newDesk(t)
	d.start(t, "127.0.0.0/8")
	d.announce(t, srv.URL+"/hook", "")
	for attempt, want := range []string{"500", "302", ""} {
		s := d.next(t)
		if s.attempt != attempt+1 || s.again != (want != "") || !strings.HasSuffix(s.failure, want) {
			t.Errorf("attempt %d: %+v", attempt+1, s)
		}
	}
}

func TestGivesUp(t *testing.T) {
	t.Parallel()
	calls := make(chan string, 99)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls <- r.URL.Path
		w.WriteHeader(map[string]int{"/gone": 410}[r.URL.Path])
	}))
	t.Cleanup(srv.Close)
	port := srv.URL[strings.LastIndex(srv.URL, ":"):]
	for _, tt := range []struct{ name, allow, url, failure string }{
		{"receiver wants no more", "127.0.0.1", srv.URL + "/gone", "answered 410"},
		{"private address", "", srv.URL + "/private", "private address"},
		{"name of a private address", "", "http://localhost" + port + "/private", "private address"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := newDesk(t)
			d.start(t, tt.allow)
			d.announce(t, tt.url, "")
			if s := d.next(t); s.again || !strings.Contains(s.failure, tt.failure) {
				t.Errorf("%+v", s)
			}
		})
	}
	if len(calls) != 1 || <-calls != "/gone" {
		t.Error("a private address was called")
	}
}

func TestAllowedByName(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(srv.Close)
	d := newDesk(t)
	d.start(t, "LocalHost")
	d.announce(t, "http://localhost"+srv.URL[strings.LastIndex(srv.URL, ":"):], "")
	if s := d.next(t); s.failure != "" {
		t.Errorf("%+v", s)
	}
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(nil)
	srv.Close()
	d := newDesk(t)
	d.start(t, "127.0.0.1")
	d.announce(t, srv.URL, "")
	for attempt := 1; ; attempt++ {
		s := d.next(t)
		if s.failure != "the receiver can't be reached" {
			t.Errorf("%+v", s)
		}
		if !s.again {
			if attempt != 9 {
				t.Errorf("given up after %d attempts", attempt)
			}
			return
		}
	}
}

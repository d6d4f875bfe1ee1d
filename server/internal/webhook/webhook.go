// Package webhook announces the ends of jobs to the addresses that their callers named.
//
// What is to be announced is in the database, so that nothing is lost with the process: an attempt is claimed for a
// while, and one that is never settled is made again, here or on another node. A receiver may therefore get an end twice.
// The headers are those of Standard Webhooks (standardwebhooks.com): webhook-id, webhook-timestamp and webhook-signature. A
// guard keeps callers from sending the server into the network that it protects.
package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server/internal/bus"
	"github.com/elizad/elizad/server/internal/egress"
	"github.com/elizad/elizad/server/internal/job"
	"github.com/elizad/elizad/server/internal/lifecycle"
	"github.com/elizad/elizad/server/internal/present"
)

const (
	workers     = 8                // calls that are made at once
	lease       = 2 * callTimeout  // after which an attempt that was not settled is made again
	maxAttempts = 9                // with the pauses between them, 21 to 27 minutes in all
	firstPause  = 5 * time.Second  // doubles with each attempt
	idlePause   = 30 * time.Second // between two looks into the database, in case a hint was lost
	callTimeout = 10 * time.Second // of a whole call
	maxAnswer   = 64 << 10         // bytes that are read of an answer, so that the connection can be used again
	faultPause  = 5 * time.Second  // after a round that failed: what is due stays due, and would be tried without a rest
)

// Jobs is what the announcer needs of [job.Service].
type Jobs interface {
	CallbackWork() (*bus.Subscription, error)
	ClaimCallbacks(ctx context.Context, n int, lease time.Duration) ([]job.Attempt, error)
	SettleCallback(ctx context.Context, jobID uuid.UUID, attempt int, failure string, retry *time.Time) error
	NextCallback(ctx context.Context) (at time.Time, ok bool, err error)
}

// Config is what an Announcer is made of.
type Config struct {
	Jobs    Jobs
	Show    present.Documents
	Guard   *egress.Guard
	Version string       // of the server, for the receivers' logs
	Logger  *slog.Logger // nil: nothing is logged

	FirstPause time.Duration // before the second attempt; each later pause is twice as long. 0: 5 seconds
}

// Announcer announces the ends of jobs. Every node of a cluster runs one.
type Announcer struct {
	cfg    Config
	client *http.Client

	stop    context.CancelFunc
	hints   *bus.Subscription
	running sync.WaitGroup
}

// New returns an announcer that does nothing before it is started.
func New(cfg Config) *Announcer {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.FirstPause <= 0 {
		cfg.FirstPause = firstPause
	}
	return &Announcer{cfg: cfg, client: cfg.Guard.Client(workers, callTimeout)}
}

// Start begins to announce, in the background.
func (a *Announcer) Start(ctx context.Context) error {
	hints, err := a.cfg.Jobs.CallbackWork()
	if err != nil {
		return fmt.Errorf("starting the announcer of jobs: %w", err)
	}
	ctx, a.stop = context.WithCancel(context.WithoutCancel(ctx))
	a.hints = hints
	a.running.Go(func() { lifecycle.Persist(ctx, a.cfg.Logger, "the announcing of jobs", func() { a.run(ctx) }) })
	return nil
}

// Stop cancels what is being sent, which will be sent again, and waits for it.
func (a *Announcer) Stop(ctx context.Context) error {
	a.stop()
	a.hints.Close()
	return lifecycle.Await(ctx, func() {
		a.running.Wait()
		a.client.CloseIdleConnections()
	})
}

func (a *Announcer) run(ctx context.Context) {
	for {
		n, err := a.round(ctx)
		if ctx.Err() != nil {
			return
		}
		if n == workers {
			continue // there may be more
		}
		rest := faultPause
		if err == nil {
			rest = a.pause(ctx)
		} else {
			a.cfg.Logger.ErrorContext(ctx, "jobs not announced", "error", err)
		}
		pause := time.NewTimer(rest)
		select {
		case <-pause.C:
		case _, open := <-a.hints.C():
			if !open {
				pause.Stop()
				return
			}
		case <-ctx.Done():
		}
		pause.Stop()
	}
}

// pause returns how long nothing is due.
func (a *Announcer) pause(ctx context.Context) time.Duration {
	at, ok, err := a.cfg.Jobs.NextCallback(ctx)
	if err != nil || !ok {
		return idlePause
	}
	return min(max(time.Until(at), 10*time.Millisecond), idlePause)
}

// round makes the attempts that are due, at most as many as can be made at once.
func (a *Announcer) round(ctx context.Context) (int, error) {
	if at, ok, err := a.cfg.Jobs.NextCallback(ctx); err != nil || !ok || time.Until(at) > 0 {
		return 0, err // most jobs have no callback: a look costs less than a claim
	}
	due, err := a.cfg.Jobs.ClaimCallbacks(ctx, workers, lease)
	if err != nil {
		return 0, err
	}
	var calls sync.WaitGroup
	defer calls.Wait()
	for _, c := range due {
		calls.Go(func() {
			defer lifecycle.Contain(a.cfg.Logger, "the announcing of a job")
			if err := a.attempt(ctx, c); err != nil {
				a.cfg.Logger.ErrorContext(ctx, "announcement of a job not noted", "jobId", c.Job.ID, "error", err)
			}
		})
	}
	return len(due), nil
}

// errFinal wraps failures that another attempt would not mend.
var errFinal = errors.New("given up")

// attempt makes one attempt and notes how it went. One that is cancelled by Stop isn't noted: it is made again.
func (a *Announcer) attempt(ctx context.Context, c job.Attempt) error {
	err := a.call(ctx, c)
	if ctx.Err() != nil {
		return nil
	}
	var retry *time.Time
	failure := ""
	if err != nil {
		failure = reason(err)
		if c.Number < maxAttempts && !errors.Is(err, errFinal) {
			pause := a.cfg.FirstPause << (c.Number - 1)
			retry = new(time.Now().Add(pause + rand.N(pause/4+1))) // so that many don't come back at once
		}
		a.cfg.Logger.InfoContext(ctx, "job not announced", "jobId", c.Job.ID, "attempt", c.Number, "again", retry != nil, "error", err)
	}
	return a.cfg.Jobs.SettleCallback(ctx, c.Job.ID, c.Number, failure, retry)
}

// statusError is an answer that is no success.
type statusError int

func (e statusError) Error() string { return "the receiver answered " + strconv.Itoa(int(e)) }

// reason says why an attempt failed, without what only the operator should know.
func reason(err error) string {
	if status, ok := errors.AsType[statusError](err); ok {
		return status.Error()
	}
	if refused, ok := egress.Reason(err); ok {
		return "the host " + refused.Error()
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return "the receiver took too long"
	}
	return "the receiver can't be reached"
}

// announcement is what is sent.
type announcement struct {
	Type      string  `json:"type"`
	Timestamp string  `json:"timestamp"`
	Data      api.Job `json:"data"`
}

func (a *Announcer) call(ctx context.Context, c job.Attempt) error {
	now := time.Now().UTC()
	body, err := json.Marshal(announcement{
		Type: "job." + string(c.Job.Status), Timestamp: now.Format("2006-01-02T15:04:05.000Z"), Data: a.cfg.Show.Job(c.Job),
	})
	if err != nil {
		return fmt.Errorf("encoding an announcement: %w: %w", errFinal, err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("making a request: %w: %w", errFinal, err)
	}
	id, at := c.Job.ID.String(), strconv.FormatInt(now.Unix(), 10)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "elizad/"+a.cfg.Version)
	r.Header.Set("webhook-id", id)
	r.Header.Set("webhook-timestamp", at)
	if c.Secret != "" {
		r.Header.Set("webhook-signature", "v1,"+Sign(c.Secret, id, at, body))
	}
	resp, err := a.client.Do(r)
	if errors.Is(err, egress.Private) {
		return fmt.Errorf("%w: %w", errFinal, err)
	} else if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer)) // its content means nothing
	switch {
	case resp.StatusCode >= 200 && resp.StatusCode < 300:
		return nil
	case resp.StatusCode == http.StatusGone: // the receiver wants no more
		return fmt.Errorf("%w: %w", errFinal, statusError(resp.StatusCode))
	default:
		return statusError(resp.StatusCode)
	}
}

// Sign returns the base64 of the HMAC-SHA256 over "id.timestamp.body". A secret that begins with whsec_ is the base64 of the
// key; any other is the key itself.
func Sign(secret, id, timestamp string, body []byte) string {
	key := []byte(secret)
	if encoded, ok := strings.CutPrefix(secret, "whsec_"); ok {
		if decoded, err := base64.StdEncoding.DecodeString(encoded); err == nil {
			key = decoded
		}
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + timestamp + "."))
	mac.Write(body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

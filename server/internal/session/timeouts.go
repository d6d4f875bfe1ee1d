package session

import (
	"context"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/store"
)

// Limits are the server's rules for sessions. A field that is zero has the value in its comment.
type Limits struct {
	Timeout     time.Duration // of sessions that say nothing else: 30 minutes
	MinTimeout  time.Duration // that a session may ask for: 5 minutes
	MaxTimeout  time.Duration // that a session may ask for: 24 hours
	MaxDuration time.Duration // longest life of sessions that say nothing else: 12 hours
	Warning     time.Duration // how long before its end a session is near it: 5 minutes
}

func (l Limits) withDefaults() Limits {
	for _, f := range []struct {
		field     *time.Duration
		otherwise time.Duration
	}{
		{&l.Timeout, 30 * time.Minute}, {&l.MinTimeout, 5 * time.Minute}, {&l.MaxTimeout, 24 * time.Hour},
		{&l.MaxDuration, 12 * time.Hour}, {&l.Warning, 5 * time.Minute},
	} {
		if *f.field <= 0 {
			*f.field = f.otherwise
		}
	}
	return l
}

// Timeouts say when a session ends.
type Timeouts struct {
	Timeout     time.Duration // without activity
	MaxDuration time.Duration // longest life; it cuts Timeout where that is longer
	Warning     time.Duration // how long before its end a session is near it
	AutoRenew   bool          // whether activity restarts the time-out
}

// TimeoutPatch changes the time-outs that are set. They are in minutes; NaN stands for what was meant as a number and is
// none.
type TimeoutPatch struct {
	Timeout     *float64
	MaxDuration *float64
	Warning     *float64
	AutoRenew   *bool
}

// longestWarning bounds a threshold that is unbounded by itself: every session is near its end before that.
const longestWarning = 10 * 365 * 24 * time.Hour

// minutes returns x minutes, to the millisecond, as close as the bounds allow.
func minutes(x float64, least, most time.Duration) time.Duration {
	ms := math.Round(x * 60_000)
	return durationOf(int64(min(max(ms, float64(least.Milliseconds())), float64(most.Milliseconds()))))
}

// apply lays p over t. What is out of bounds becomes the nearest allowed value, and what is no number the server's own.
func (l Limits) apply(t Timeouts, p TimeoutPatch) Timeouts {
	choose := func(x *float64, present, otherwise, least, most time.Duration) time.Duration {
		switch {
		case x == nil:
			return present
		case math.IsNaN(*x) || math.IsInf(*x, 0):
			return otherwise
		default:
			return minutes(*x, least, most)
		}
	}
	t.Timeout = choose(p.Timeout, t.Timeout, l.Timeout, l.MinTimeout, l.MaxTimeout)
	t.MaxDuration = choose(p.MaxDuration, t.MaxDuration, l.MaxDuration, t.Timeout, max(2*l.MaxTimeout, t.Timeout))
	t.Warning = choose(p.Warning, t.Warning, l.Warning, time.Minute, longestWarning)
	if p.AutoRenew != nil {
		t.AutoRenew = *p.AutoRenew
	}
	return t
}

// check refuses a time-out that is a number out of bounds.
func (l Limits) check(p TimeoutPatch) error {
	if x := p.Timeout; x != nil && (*x < l.MinTimeout.Minutes() || *x > l.MaxTimeout.Minutes()) {
		return apierr.New(apierr.ValidationFailed, "Invalid timeout configuration: Timeout must be between %v and %v minutes", l.MinTimeout.Minutes(), l.MaxTimeout.Minutes())
	}
	return nil
}

// Names of an agent's settings for its sessions.
const (
	settingTimeout     = "SESSION_TIMEOUT_MINUTES"
	settingMaxDuration = "SESSION_MAX_DURATION_MINUTES"
	settingWarning     = "SESSION_WARNING_THRESHOLD_MINUTES"
	settingAutoRenew   = "SESSION_AUTO_RENEW"
)

// agentTimeouts returns the time-outs of an agent's sessions that say nothing else. A setting that can't be read is none. An
// agent that is not there or doesn't run is refused.
func (s *Service) agentTimeouts(ctx context.Context, agentID uuid.UUID) (Timeouts, error) {
	l := s.limits
	t := Timeouts{Timeout: l.Timeout, MaxDuration: l.MaxDuration, Warning: l.Warning, AutoRenew: true}
	if s.agentSettings == nil {
		return t, store.SystemView(ctx, s.store, "looking for a session's agent", func(q db.System) error { return messaging.MustRun(ctx, q, agentID) })
	}
	setting, running, err := s.agentSettings(ctx, agentID)
	if apierr.IsCode(err, apierr.NotFound) || err == nil && !running {
		return t, messaging.NoSuchAgent(agentID)
	} else if err != nil {
		return t, err
	}
	for _, f := range []struct {
		name  string
		field *time.Duration
		least time.Duration
		most  time.Duration
	}{
		{settingTimeout, &t.Timeout, l.MinTimeout, l.MaxTimeout},
		{settingMaxDuration, &t.MaxDuration, l.MinTimeout, 2 * l.MaxTimeout},
		{settingWarning, &t.Warning, time.Minute, l.MaxTimeout},
	} {
		text, _ := setting(f.name)
		if x, err := strconv.ParseFloat(strings.TrimSpace(text), 64); err == nil && !math.IsNaN(x) {
			*f.field = minutes(x, f.least, f.most)
		}
	}
	if text, ok := setting(settingAutoRenew); ok {
		switch strings.ToLower(strings.TrimSpace(text)) {
		case "true", "1", "yes", "on":
			t.AutoRenew = true
		case "false", "0", "no", "off":
			t.AutoRenew = false
		}
	}
	return t, nil
}

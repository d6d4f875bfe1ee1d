package messaging_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/messaging"
)

// clock is a time that a test moves.
type clock struct{ now time.Time }

func (c *clock) pass(d time.Duration) { c.now = c.now.Add(d) }

// timed returns a bench whose time stands still until the test moves it.
func timed(t *testing.T, change ...func(*messaging.Config)) (*bench, *clock) {
	t.Helper()
	c := &clock{time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)}
	return setup(t, append(change, func(cfg *messaging.Config) { cfg.Now = func() time.Time { return c.now } })...), c
}

func (b *bench) session(t testing.TB, p messaging.TimeoutPatch) messaging.Session {
	t.Helper()
	s, err := b.CreateSession(t.Context(), b.who, messaging.NewSession{AgentID: b.agent, UserID: b.user, Timeouts: p})
	if err != nil {
		t.Fatalf("creating a session: %v", err)
	}
	return s
}

// say posts a message in a session.
func (b *bench) say(t testing.TB, id uuid.UUID, text string) (messaging.Posted, error) {
	t.Helper()
	d, _, err := b.SessionDraft(t.Context(), b.who, id, messaging.SessionMessage{Content: text})
	if err != nil {
		return messaging.Posted{}, err
	}
	return b.Post(t.Context(), b.who, d)
}

func (b *bench) sweep(t testing.TB) {
	t.Helper()
	if _, _, err := b.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func agentSettings(values map[string]string) func(*messaging.Config) {
	return func(c *messaging.Config) {
		c.AgentSettings = func(context.Context, uuid.UUID) (func(string) (string, bool), bool, error) {
			return func(name string) (string, bool) { v, ok := values[name]; return v, ok }, true, nil
		}
	}
}

// The rules of time-outs: the server's, then the agent's, then the session's.
func TestTimeoutsOfASession(t *testing.T) {
	t.Parallel()
	defaults := messaging.Timeouts{Timeout: 30 * time.Minute, MaxDuration: 12 * time.Hour, Warning: 5 * time.Minute, AutoRenew: true}
	for _, tt := range []struct {
		name  string
		agent map[string]string
		patch messaging.TimeoutPatch
		want  messaging.Timeouts
	}{
		{"nothing said", nil, messaging.TimeoutPatch{}, defaults},
		{"the agent's", map[string]string{"SESSION_TIMEOUT_MINUTES": "45", "SESSION_MAX_DURATION_MINUTES": "90", "SESSION_WARNING_THRESHOLD_MINUTES": "7", "SESSION_AUTO_RENEW": "false"},
			messaging.TimeoutPatch{}, messaging.Timeouts{Timeout: 45 * time.Minute, MaxDuration: 90 * time.Minute, Warning: 7 * time.Minute}},
		{"the agent's, switched on", map[string]string{"SESSION_AUTO_RENEW": "true"}, messaging.TimeoutPatch{}, defaults},
		{"the agent's, clamped", map[string]string{"SESSION_TIMEOUT_MINUTES": "1", "SESSION_MAX_DURATION_MINUTES": "99999", "SESSION_WARNING_THRESHOLD_MINUTES": "0"},
			messaging.TimeoutPatch{}, messaging.Timeouts{Timeout: 5 * time.Minute, MaxDuration: 48 * time.Hour, Warning: time.Minute, AutoRenew: true}},
		{"the agent's, unreadable", map[string]string{"SESSION_TIMEOUT_MINUTES": "soon", "SESSION_AUTO_RENEW": "maybe"}, messaging.TimeoutPatch{}, defaults},
		{"the session's", map[string]string{"SESSION_TIMEOUT_MINUTES": "45"}, messaging.TimeoutPatch{Timeout: new(7.5), MaxDuration: new(8.0), Warning: new(100.0), AutoRenew: new(false)},
			messaging.Timeouts{Timeout: 450 * time.Second, MaxDuration: 8 * time.Minute, Warning: 100 * time.Minute}},
		{"below", nil, messaging.TimeoutPatch{Timeout: new(0.0), MaxDuration: new(0.0), Warning: new(-3.0)},
			messaging.Timeouts{Timeout: 5 * time.Minute, MaxDuration: 5 * time.Minute, Warning: time.Minute, AutoRenew: true}},
		{"above", nil, messaging.TimeoutPatch{Timeout: new(1e9), MaxDuration: new(1e300)},
			messaging.Timeouts{Timeout: 24 * time.Hour, MaxDuration: 48 * time.Hour, Warning: 5 * time.Minute, AutoRenew: true}},
		{"no number is the server's own", map[string]string{"SESSION_TIMEOUT_MINUTES": "45"}, messaging.TimeoutPatch{Timeout: new(math.NaN()), MaxDuration: new(math.Inf(1)), Warning: new(math.NaN())}, defaults},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b, c := timed(t, agentSettings(tt.agent))
			s := b.session(t, tt.patch)
			if diff := cmp.Diff(tt.want, s.Timeouts); diff != "" {
				t.Error(diff)
			}
			if want := c.now.Add(min(tt.want.Timeout, tt.want.MaxDuration)); !s.ExpiresAt.Equal(want) {
				t.Errorf("expires %v, want %v", s.ExpiresAt, want)
			}
		})
	}
}

func TestSessionBegins(t *testing.T) {
	t.Parallel()
	b, _ := timed(t)
	s, err := b.CreateSession(t.Context(), b.who, messaging.NewSession{AgentID: b.agent, UserID: b.user, Metadata: json.RawMessage(`{"page":"help","sessionId":"forged"}`)})
	if err != nil {
		t.Fatal(err)
	}
	c, err := b.Channel(t.Context(), b.who, s.ChannelID)
	if err != nil {
		t.Fatal(err)
	}
	if c.Name != "session-"+s.ID.String() || c.Type != messaging.TypeDM || !cmp.Equal(c.Participants, []uuid.UUID{b.user, b.agent}) {
		t.Errorf("channel %+v", c)
	}
	var about map[string]any
	if err := json.Unmarshal(c.Metadata, &about); err != nil || about["sessionId"] != s.ID.String() || about["page"] != "help" {
		t.Errorf("the channel's metadata are %v, %v", about, err)
	}
	idle := uuid.New()
	b.addAgent(t, idle, false)
	for name, n := range map[string]messaging.NewSession{
		"unknown agent": {AgentID: uuid.New(), UserID: b.user}, "idle agent": {AgentID: idle, UserID: b.user},
	} {
		if _, err := b.CreateSession(t.Context(), b.who, n); !apierr.IsCode(err, apierr.AgentNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	long := json.RawMessage(`{"x":"` + strings.Repeat("x", 10<<10) + `"}`)
	_, err = b.CreateSession(t.Context(), b.who, messaging.NewSession{AgentID: b.agent, UserID: b.user, Metadata: long})
	wantCode(t, err, apierr.ValidationFailed)
}

func TestSessionIsRenewedByActivity(t *testing.T) {
	t.Parallel()
	b, c := timed(t)
	s := b.session(t, messaging.TimeoutPatch{Timeout: new(10.0), MaxDuration: new(25.0), Warning: new(2.0)})
	begin := c.now
	expires := func(s messaging.Session, after time.Duration, renewals int, near bool) {
		t.Helper()
		if got := s.ExpiresAt.Sub(begin); got != after || s.RenewalCount != renewals || s.NearEnd != near || s.Remaining != begin.Add(after).Sub(c.now) {
			t.Errorf("ends after %v, want %v; %+v", got, after, s)
		}
	}
	c.pass(9 * time.Minute)
	got, err := b.Session(t.Context(), b.who, s.ID)
	if err != nil {
		t.Fatal(err)
	}
	expires(got, 10*time.Minute, 0, true) // looking is no activity
	p, err := b.say(t, s.ID, "hello")
	if err != nil || p.Session == nil || !p.Session.Renewed {
		t.Fatalf("%+v, %v", p.Session, err)
	}
	expires(p.Session.Session, 19*time.Minute, 1, false)
	c.pass(9 * time.Minute)
	if got, err = b.Heartbeat(t.Context(), b.who, s.ID); err != nil {
		t.Fatal(err)
	}
	expires(got, 25*time.Minute, 2, false) // the longest life
	c.pass(6 * time.Minute)
	if got, err = b.RenewSession(t.Context(), b.who, s.ID); err != nil {
		t.Fatal(err)
	}
	expires(got, 25*time.Minute, 3, true)
	c.pass(time.Minute)
	for name, err := range map[string]error{
		"renew": second(b.RenewSession(t.Context(), b.who, s.ID)), "heartbeat": second(b.Heartbeat(t.Context(), b.who, s.ID)),
		"read": second(b.Session(t.Context(), b.who, s.ID)), "change": second(b.ChangeTimeouts(t.Context(), b.who, s.ID, messaging.TimeoutPatch{})),
		"say": second(b.say(t, s.ID, "too late")),
	} {
		if !apierr.IsCode(err, apierr.SessionExpired) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if diff := cmp.Diff([]string{"hello"}, b.texts(t, s.ChannelID)); diff != "" {
		t.Error(diff)
	}
}

func second[T any](_ T, err error) error { return err }

func TestSessionThatDoesNotRenewItself(t *testing.T) {
	t.Parallel()
	b, c := timed(t)
	s := b.session(t, messaging.TimeoutPatch{Timeout: new(10.0), AutoRenew: new(false)})
	c.pass(4 * time.Minute)
	p, err := b.say(t, s.ID, "hello")
	if err != nil || p.Session.Renewed || !p.Session.ExpiresAt.Equal(s.ExpiresAt) || !p.Session.ActiveAt.Equal(c.now) {
		t.Errorf("a message: %+v, %v", p.Session, err)
	}
	beat, err := b.Heartbeat(t.Context(), b.who, s.ID)
	if err != nil || beat.RenewalCount != 0 || !beat.ExpiresAt.Equal(s.ExpiresAt) {
		t.Errorf("a heartbeat: %+v, %v", beat, err)
	}
	renewed, err := b.RenewSession(t.Context(), b.who, s.ID)
	if err != nil || renewed.RenewalCount != 1 || !renewed.ExpiresAt.Equal(c.now.Add(10*time.Minute)) {
		t.Errorf("by hand: %+v, %v", renewed, err)
	}
}

func TestChangeOfTimeoutsKeepsTheRest(t *testing.T) {
	t.Parallel()
	b, c := timed(t)
	s := b.session(t, messaging.TimeoutPatch{Timeout: new(10.0), MaxDuration: new(100.0), Warning: new(3.0)})
	c.pass(time.Minute)
	got, err := b.ChangeTimeouts(t.Context(), b.who, s.ID, messaging.TimeoutPatch{Timeout: new(20.0)})
	want := messaging.Timeouts{Timeout: 20 * time.Minute, MaxDuration: 100 * time.Minute, Warning: 3 * time.Minute, AutoRenew: true}
	if err != nil || got.Timeouts != want || !got.ExpiresAt.Equal(s.CreatedAt.Add(20*time.Minute)) {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err = b.ChangeTimeouts(t.Context(), b.who, s.ID, messaging.TimeoutPatch{}); err != nil || got.Timeouts != want {
		t.Errorf("an empty change: %+v, %v", got, err)
	}
	if got, err = b.ChangeTimeouts(t.Context(), b.who, s.ID, messaging.TimeoutPatch{Timeout: new(math.NaN())}); err != nil || got.Timeouts.Timeout != 30*time.Minute {
		t.Errorf("no number: %+v, %v", got, err)
	}
	for _, bad := range []float64{4.9, 1441, -1} {
		_, err := b.ChangeTimeouts(t.Context(), b.who, s.ID, messaging.TimeoutPatch{Timeout: &bad})
		if !apierr.IsCode(err, apierr.ValidationFailed) || !strings.Contains(err.Error(), "between 5 and 1440 minutes") {
			t.Errorf("%v: %v", bad, err)
		}
	}
}

// An expired session is told from one that never was for a day, whether or not a sweep came by.
func TestExpiredSessionIsGoneThenUnknown(t *testing.T) {
	t.Parallel()
	for _, swept := range []bool{false, true} {
		t.Run(fmt.Sprint("swept ", swept), func(t *testing.T) {
			t.Parallel()
			b, c := timed(t)
			s := b.session(t, messaging.TimeoutPatch{})
			read := func(after time.Duration, want apierr.Code) {
				t.Helper()
				c.now = s.ExpiresAt.Add(after)
				if swept {
					b.sweep(t)
				}
				_, err := b.Session(t.Context(), b.who, s.ID)
				wantCode(t, err, want)
			}
			read(0, apierr.SessionExpired)
			read(24*time.Hour-time.Second, apierr.SessionExpired)
			read(24*time.Hour, apierr.SessionNotFound)
			_, err := b.Session(t.Context(), b.who, uuid.New())
			wantCode(t, err, apierr.SessionNotFound)
		})
	}
}

func TestSweepWarnsAndExpiresOnce(t *testing.T) {
	t.Parallel()
	b, c := timed(t)
	s := b.session(t, messaging.TimeoutPatch{Timeout: new(10.0), Warning: new(2.0)})
	events := follow(t, b, s.ChannelID)
	heard := func() []messaging.EventType {
		b.sweep(t)
		b.sweep(t)
		var out []messaging.EventType
		for len(events.C()) > 0 {
			e := next(t, events)
			out = append(out, e.Type)
			if e.Type != messaging.EventChannelDeleted && (e.Session == nil || e.Session.SessionID != s.ID) {
				t.Errorf("event %+v", e)
			}
		}
		return out
	}
	check := func(after time.Duration, want ...messaging.EventType) {
		t.Helper()
		c.now = s.CreatedAt.Add(after)
		if diff := cmp.Diff(want, heard()); diff != "" {
			t.Errorf("after %v: %s", after, diff)
		}
	}
	check(7 * time.Minute)
	check(8*time.Minute, messaging.EventSessionWarning)
	if _, err := b.RenewSession(t.Context(), b.who, s.ID); err != nil { // ends after 18 minutes now
		t.Fatal(err)
	}
	check(10 * time.Minute)
	check(17*time.Minute, messaging.EventSessionWarning)
	due, ok, err := b.Sweep(t.Context())
	if err != nil || !ok || !due.Equal(s.CreatedAt.Add(18*time.Minute)) {
		t.Errorf("due %v, %v, %v", due, ok, err)
	}
	check(18*time.Minute, messaging.EventSessionExpired)
	check(30*time.Hour, messaging.EventChannelDeleted) // for nothing was said in it
}

func TestEndedSessionIsUnknown(t *testing.T) {
	t.Parallel()
	b, c := timed(t)
	s := b.session(t, messaging.TimeoutPatch{})
	if _, err := b.say(t, s.ID, "hello"); err != nil {
		t.Fatal(err)
	}
	turn := b.claim(t, 1)[0]
	if err := b.EndSession(t.Context(), b.who, s.ID); err != nil {
		t.Fatal(err)
	}
	_, err := b.Session(t.Context(), b.who, s.ID)
	wantCode(t, err, apierr.SessionNotFound)
	wantCode(t, b.EndSession(t.Context(), b.who, s.ID), apierr.SessionNotFound)
	_, err = b.FinishTurn(t.Context(), worker, turn, messaging.Outcome{Status: messaging.TurnReplied, Reply: &messaging.Reply{Content: "late"}})
	wantCode(t, err, apierr.Conflict)
	if diff := cmp.Diff([]string{"hello"}, b.texts(t, s.ChannelID)); diff != "" {
		t.Errorf("what was said must stay: %s", diff)
	}
	expired := b.session(t, messaging.TimeoutPatch{})
	c.pass(time.Hour)
	if err := b.EndSession(t.Context(), b.who, expired.ID); err != nil {
		t.Errorf("ending an expired one: %v", err)
	}
	_, err = b.Session(t.Context(), b.who, expired.ID)
	wantCode(t, err, apierr.SessionNotFound)
}

func TestSessionEndsWithItsChannel(t *testing.T) {
	t.Parallel()
	b, _ := timed(t)
	s := b.session(t, messaging.TimeoutPatch{})
	if err := b.DeleteChannel(t.Context(), b.who, s.ChannelID); err != nil {
		t.Fatal(err)
	}
	_, err := b.say(t, s.ID, "hello?")
	wantCode(t, err, apierr.SessionExpired)
}

func TestSessionsAreListedForTheirUser(t *testing.T) {
	t.Parallel()
	b, c := timed(t)
	var own []messaging.Session
	for range 3 {
		own = append(own, b.session(t, messaging.TimeoutPatch{}))
		c.pass(time.Second)
	}
	if _, err := b.CreateSession(t.Context(), b.who, messaging.NewSession{AgentID: b.agent, UserID: uuid.New()}); err != nil {
		t.Fatal(err)
	}
	got, counts, err := b.Sessions(t.Context(), b.who, messaging.SessionQuery{Limit: 2})
	if err != nil || len(got) != 2 || got[0].ID != own[2].ID || got[1].ID != own[1].ID || counts.Live != 3 {
		t.Errorf("%+v, %+v, %v", got, counts, err)
	}
	if got, counts, err = b.Sessions(t.Context(), auth.Identity{}, messaging.SessionQuery{}); err != nil || len(got) != 4 || counts.Live != 4 {
		t.Errorf("everybody's: %d, %+v, %v", len(got), counts, err)
	}
	c.pass(26 * time.Minute)
	if counts, err = b.SessionCounts(t.Context()); err != nil || counts != (messaging.SessionCounts{Live: 4, NearEnd: 4}) {
		t.Errorf("%+v, %v", counts, err)
	}
	c.pass(5 * time.Minute)
	if counts, err = b.SessionCounts(t.Context()); err != nil || counts != (messaging.SessionCounts{Expired: 4}) {
		t.Errorf("%+v, %v", counts, err)
	}
	if err := b.ClearSessions(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err = b.Session(t.Context(), b.who, own[0].ID)
	wantCode(t, err, apierr.SessionNotFound)
}

func TestMessageInASessionIsItsUsers(t *testing.T) {
	t.Parallel()
	b, _ := timed(t)
	s := b.session(t, messaging.TimeoutPatch{})
	files := json.RawMessage(`[{"type":"image","url":"https://example.com/cat.png"}]`)
	d, _, err := b.SessionDraft(t.Context(), auth.Entity(uuid.New()), s.ID, messaging.SessionMessage{
		Content: "hello", Extras: messaging.Extras{Attachments: files}, Metadata: json.RawMessage(`{"mood":"good","sessionId":"forged"}`), ClientID: "m1",
	})
	if err != nil {
		t.Fatal(err)
	}
	p := b.post(t, d)
	var about struct {
		SessionID, Mood string
		Attachments     []map[string]string
	}
	if err := json.Unmarshal(p.Message.Metadata, &about); err != nil {
		t.Fatal(err)
	}
	if p.Message.AuthorID != b.user || p.Message.SourceType != "user" || len(p.Turns) != 1 || about.SessionID != s.ID.String() ||
		about.Mood != "good" || len(about.Attachments) != 1 || about.Attachments[0]["url"] != "https://example.com/cat.png" {
		t.Errorf("%+v, %+v", p.Message, about)
	}
	again, err := b.Post(t.Context(), b.who, d)
	if err != nil || !again.Duplicate || again.Session != nil {
		t.Errorf("the same again: %+v, %v", again, err)
	}
	now, err := b.Session(t.Context(), b.who, s.ID)
	if err != nil || now.RenewalCount != 1 {
		t.Errorf("a repeated message renewed: %+v, %v", now, err)
	}
	for name, text := range map[string]string{"empty": "", "long": strings.Repeat("🙂", messaging.DefaultMaxContent+1)} {
		if _, err := b.say(t, s.ID, text); !apierr.IsCode(err, apierr.ValidationFailed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := b.say(t, s.ID, strings.Repeat("🙂", messaging.DefaultMaxContent)); err != nil {
		t.Error(err)
	}
}

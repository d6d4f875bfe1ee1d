package session_test

import (
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
	"github.com/elizad/elizad/server/internal/messaging/messagingtest"
	"github.com/elizad/elizad/server/internal/session"
)

// The order of time-outs: the server's, then the agent's, then the session's.
func TestTimeoutsOfASession(t *testing.T) {
	t.Parallel()
	defaults := session.Timeouts{Timeout: 30 * time.Minute, MaxDuration: 12 * time.Hour, Warning: 5 * time.Minute, AutoRenew: true}
	for _, tt := range []struct {
		name  string
		agent map[string]string
		patch session.TimeoutPatch
		want  session.Timeouts
	}{
		{"nothing said", nil, session.TimeoutPatch{}, defaults},
		{"the agent's", map[string]string{"SESSION_TIMEOUT_MINUTES": "45", "SESSION_MAX_DURATION_MINUTES": "90", "SESSION_WARNING_THRESHOLD_MINUTES": "7", "SESSION_AUTO_RENEW": "false"},
			session.TimeoutPatch{}, session.Timeouts{Timeout: 45 * time.Minute, MaxDuration: 90 * time.Minute, Warning: 7 * time.Minute}},
		{"the agent's, switched on", map[string]string{"SESSION_AUTO_RENEW": "true"}, session.TimeoutPatch{}, defaults},
		{"the agent's, clamped", map[string]string{"SESSION_TIMEOUT_MINUTES": "1", "SESSION_MAX_DURATION_MINUTES": "99999", "SESSION_WARNING_THRESHOLD_MINUTES": "0"},
			session.TimeoutPatch{}, session.Timeouts{Timeout: 5 * time.Minute, MaxDuration: 48 * time.Hour, Warning: time.Minute, AutoRenew: true}},
		{"the agent's, unreadable", map[string]string{"SESSION_TIMEOUT_MINUTES": "soon", "SESSION_AUTO_RENEW": "maybe"}, session.TimeoutPatch{}, defaults},
		{"the session's", map[string]string{"SESSION_TIMEOUT_MINUTES": "45"}, session.TimeoutPatch{Timeout: new(7.5), MaxDuration: new(8.0), Warning: new(100.0), AutoRenew: new(false)},
			session.Timeouts{Timeout: 450 * time.Second, MaxDuration: 8 * time.Minute, Warning: 100 * time.Minute}},
		{"below", nil, session.TimeoutPatch{Timeout: new(0.0), MaxDuration: new(0.0), Warning: new(-3.0)},
			session.Timeouts{Timeout: 5 * time.Minute, MaxDuration: 5 * time.Minute, Warning: time.Minute, AutoRenew: true}},
		{"above", nil, session.TimeoutPatch{Timeout: new(1e9), MaxDuration: new(1e300)},
			session.Timeouts{Timeout: 24 * time.Hour, MaxDuration: 48 * time.Hour, Warning: 5 * time.Minute, AutoRenew: true}},
		{"no number is the server's own", map[string]string{"SESSION_TIMEOUT_MINUTES": "45"}, session.TimeoutPatch{Timeout: new(math.NaN()), MaxDuration: new(math.Inf(1)), Warning: new(math.NaN())}, defaults},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b, c := timed(t, agentSettings(tt.agent))
			s := b.session(t, tt.patch)
			if diff := cmp.Diff(tt.want, s.Timeouts); diff != "" {
				t.Error(diff)
			}
			if want := c.Now.Add(min(tt.want.Timeout, tt.want.MaxDuration)); !s.ExpiresAt.Equal(want) {
				t.Errorf("expires %v, want %v", s.ExpiresAt, want)
			}
		})
	}
}

func TestSessionBegins(t *testing.T) {
	t.Parallel()
	b, _ := timed(t)
	s, err := b.sessions.Create(t.Context(), b.Who, session.NewSession{AgentID: b.Agent, UserID: b.User, Metadata: json.RawMessage(`{"page":"help","sessionId":"forged"}`)})
	if err != nil {
		t.Fatal(err)
	}
	c, err := b.Channel(t.Context(), b.Who, s.ChannelID)
	if err != nil {
		t.Fatal(err)
	}
	if c.Name != "session-"+s.ID.String() || c.Type != messaging.TypeDM || !cmp.Equal(c.Participants, []uuid.UUID{b.User, b.Agent}) {
		t.Errorf("channel %+v", c)
	}
	var about map[string]any
	if err := json.Unmarshal(c.Metadata, &about); err != nil || about["sessionId"] != s.ID.String() || about["page"] != "help" {
		t.Errorf("the channel's metadata are %v, %v", about, err)
	}
	idle := uuid.New()
	b.Join(t, idle, false)
	for name, n := range map[string]session.NewSession{
		"unknown agent": {AgentID: uuid.New(), UserID: b.User}, "idle agent": {AgentID: idle, UserID: b.User},
	} {
		if _, err := b.sessions.Create(t.Context(), b.Who, n); !apierr.IsCode(err, apierr.AgentNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	long := json.RawMessage(`{"x":"` + strings.Repeat("x", 10<<10) + `"}`)
	_, err = b.sessions.Create(t.Context(), b.Who, session.NewSession{AgentID: b.Agent, UserID: b.User, Metadata: long})
	messagingtest.WantCode(t, err, apierr.ValidationFailed)
}

func TestSessionIsRenewedByActivity(t *testing.T) {
	t.Parallel()
	b, c := timed(t)
	s := b.session(t, session.TimeoutPatch{Timeout: new(10.0), MaxDuration: new(25.0), Warning: new(2.0)})
	begin := c.Now
	expires := func(s session.Session, after time.Duration, renewals int, near bool) {
		t.Helper()
		if got := s.ExpiresAt.Sub(begin); got != after || s.RenewalCount != renewals || s.NearEnd != near || s.Remaining != begin.Add(after).Sub(c.Now) {
			t.Errorf("ends after %v, want %v; %+v", got, after, s)
		}
	}
	c.Pass(9 * time.Minute)
	got, err := b.sessions.Get(t.Context(), b.Who, s.ID)
	if err != nil {
		t.Fatal(err)
	}
	expires(got, 10*time.Minute, 0, true) // reading is no activity
	p, err := b.say(t, s.ID, "hello")
	if err != nil || !p.Session.Renewed {
		t.Fatalf("%+v, %v", p.Session, err)
	}
	expires(p.Session.Session, 19*time.Minute, 1, false)
	c.Pass(9 * time.Minute)
	if got, err = b.sessions.Heartbeat(t.Context(), b.Who, s.ID); err != nil {
		t.Fatal(err)
	}
	expires(got, 25*time.Minute, 2, false) // the maximum duration
	c.Pass(6 * time.Minute)
	if got, err = b.sessions.Renew(t.Context(), b.Who, s.ID); err != nil {
		t.Fatal(err)
	}
	expires(got, 25*time.Minute, 3, true)
	c.Pass(time.Minute)
	for name, err := range map[string]error{
		"renew": second(b.sessions.Renew(t.Context(), b.Who, s.ID)), "heartbeat": second(b.sessions.Heartbeat(t.Context(), b.Who, s.ID)),
		"read": second(b.sessions.Get(t.Context(), b.Who, s.ID)), "change": second(b.sessions.ChangeTimeouts(t.Context(), b.Who, s.ID, session.TimeoutPatch{})),
		"say": second(b.say(t, s.ID, "too late")),
	} {
		if !apierr.IsCode(err, apierr.SessionExpired) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if diff := cmp.Diff([]string{"hello"}, b.Texts(t, s.ChannelID)); diff != "" {
		t.Error(diff)
	}
}

func second[T any](_ T, err error) error { return err }

func TestSessionThatDoesNotRenewItself(t *testing.T) {
	t.Parallel()
	b, c := timed(t)
	s := b.session(t, session.TimeoutPatch{Timeout: new(10.0), AutoRenew: new(false)})
	c.Pass(4 * time.Minute)
	p, err := b.say(t, s.ID, "hello")
	if err != nil || p.Session.Renewed || !p.Session.ExpiresAt.Equal(s.ExpiresAt) || !p.Session.ActiveAt.Equal(c.Now) {
		t.Errorf("a message: %+v, %v", p.Session, err)
	}
	beat, err := b.sessions.Heartbeat(t.Context(), b.Who, s.ID)
	if err != nil || beat.RenewalCount != 0 || !beat.ExpiresAt.Equal(s.ExpiresAt) {
		t.Errorf("a heartbeat: %+v, %v", beat, err)
	}
	renewed, err := b.sessions.Renew(t.Context(), b.Who, s.ID)
	if err != nil || renewed.RenewalCount != 1 || !renewed.ExpiresAt.Equal(c.Now.Add(10*time.Minute)) {
		t.Errorf("by hand: %+v, %v", renewed, err)
	}
}

func TestChangeOfTimeoutsKeepsTheRest(t *testing.T) {
	t.Parallel()
	b, c := timed(t)
	s := b.session(t, session.TimeoutPatch{Timeout: new(10.0), MaxDuration: new(100.0), Warning: new(3.0)})
	c.Pass(time.Minute)
	got, err := b.sessions.ChangeTimeouts(t.Context(), b.Who, s.ID, session.TimeoutPatch{Timeout: new(20.0)})
	want := session.Timeouts{Timeout: 20 * time.Minute, MaxDuration: 100 * time.Minute, Warning: 3 * time.Minute, AutoRenew: true}
	if err != nil || got.Timeouts != want || !got.ExpiresAt.Equal(s.CreatedAt.Add(20*time.Minute)) {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err = b.sessions.ChangeTimeouts(t.Context(), b.Who, s.ID, session.TimeoutPatch{}); err != nil || got.Timeouts != want {
		t.Errorf("an empty change: %+v, %v", got, err)
	}
	if got, err = b.sessions.ChangeTimeouts(t.Context(), b.Who, s.ID, session.TimeoutPatch{Timeout: new(math.NaN())}); err != nil || got.Timeouts.Timeout != 30*time.Minute {
		t.Errorf("no number: %+v, %v", got, err)
	}
	for _, bad := range []float64{4.9, 1441, -1} {
		_, err := b.sessions.ChangeTimeouts(t.Context(), b.Who, s.ID, session.TimeoutPatch{Timeout: &bad})
		if !apierr.IsCode(err, apierr.ValidationFailed) || !strings.Contains(err.Error(), "between 5 and 1440 minutes") {
			t.Errorf("%v: %v", bad, err)
		}
	}
}

// For a day an expired session is distinguished from an unknown one, whether or not it was swept.
func TestExpiredSessionIsGoneThenUnknown(t *testing.T) {
	t.Parallel()
	for _, swept := range []bool{false, true} {
		t.Run(fmt.Sprint("swept ", swept), func(t *testing.T) {
			t.Parallel()
			b, c := timed(t)
			s := b.session(t, session.TimeoutPatch{})
			read := func(after time.Duration, want apierr.Code) {
				t.Helper()
				c.Now = s.ExpiresAt.Add(after)
				if swept {
					b.sweep(t)
				}
				_, err := b.sessions.Get(t.Context(), b.Who, s.ID)
				messagingtest.WantCode(t, err, want)
			}
			read(0, apierr.SessionExpired)
			read(24*time.Hour-time.Second, apierr.SessionExpired)
			read(24*time.Hour, apierr.SessionNotFound)
			_, err := b.sessions.Get(t.Context(), b.Who, uuid.New())
			messagingtest.WantCode(t, err, apierr.SessionNotFound)
		})
	}
}

func TestEndedSessionIsUnknown(t *testing.T) {
	t.Parallel()
	b, c := timed(t)
	s := b.session(t, session.TimeoutPatch{})
	if _, err := b.say(t, s.ID, "hello"); err != nil {
		t.Fatal(err)
	}
	turn := b.Claim(t, 1)[0]
	if err := b.sessions.End(t.Context(), b.Who, s.ID); err != nil {
		t.Fatal(err)
	}
	_, err := b.sessions.Get(t.Context(), b.Who, s.ID)
	messagingtest.WantCode(t, err, apierr.SessionNotFound)
	messagingtest.WantCode(t, b.sessions.End(t.Context(), b.Who, s.ID), apierr.SessionNotFound)
	_, err = b.FinishTurn(t.Context(), messagingtest.Worker, turn, messaging.Outcome{Status: messaging.TurnReplied, Reply: &messaging.Reply{Content: "late"}})
	messagingtest.WantCode(t, err, apierr.Conflict)
	if diff := cmp.Diff([]string{"hello"}, b.Texts(t, s.ChannelID)); diff != "" {
		t.Errorf("the messages must stay: %s", diff)
	}
	expired := b.session(t, session.TimeoutPatch{})
	c.Pass(time.Hour)
	if err := b.sessions.End(t.Context(), b.Who, expired.ID); err != nil {
		t.Errorf("ending an expired one: %v", err)
	}
	_, err = b.sessions.Get(t.Context(), b.Who, expired.ID)
	messagingtest.WantCode(t, err, apierr.SessionNotFound)
}

func TestSessionEndsWithItsChannel(t *testing.T) {
	t.Parallel()
	b, _ := timed(t)
	s := b.session(t, session.TimeoutPatch{})
	if err := b.DeleteChannel(t.Context(), b.Who, s.ChannelID); err != nil {
		t.Fatal(err)
	}
	_, err := b.say(t, s.ID, "hello?")
	messagingtest.WantCode(t, err, apierr.SessionExpired)
}

func TestSessionsAreListedForTheirUser(t *testing.T) {
	t.Parallel()
	b, c := timed(t)
	var own []session.Session
	for range 3 {
		own = append(own, b.session(t, session.TimeoutPatch{}))
		c.Pass(time.Second)
	}
	if _, err := b.sessions.Create(t.Context(), b.Who, session.NewSession{AgentID: b.Agent, UserID: uuid.New()}); err != nil {
		t.Fatal(err)
	}
	got, counts, err := b.sessions.List(t.Context(), b.Who, session.Query{Limit: 2})
	if err != nil || len(got) != 2 || got[0].ID != own[2].ID || got[1].ID != own[1].ID || counts.Live != 3 {
		t.Errorf("%+v, %+v, %v", got, counts, err)
	}
	if got, counts, err = b.sessions.List(t.Context(), auth.Identity{}, session.Query{}); err != nil || len(got) != 4 || counts.Live != 4 {
		t.Errorf("all: %d, %+v, %v", len(got), counts, err)
	}
	c.Pass(26 * time.Minute)
	if counts, err = b.sessions.Counts(t.Context()); err != nil || counts != (session.Counts{Live: 4, NearEnd: 4}) {
		t.Errorf("%+v, %v", counts, err)
	}
	c.Pass(5 * time.Minute)
	if counts, err = b.sessions.Counts(t.Context()); err != nil || counts != (session.Counts{Expired: 4}) {
		t.Errorf("%+v, %v", counts, err)
	}
	if err := b.sessions.Clear(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err = b.sessions.Get(t.Context(), b.Who, own[0].ID)
	messagingtest.WantCode(t, err, apierr.SessionNotFound)
}

func TestMessageInASessionIsItsUsers(t *testing.T) {
	t.Parallel()
	b, _ := timed(t)
	s := b.session(t, session.TimeoutPatch{})
	files := json.RawMessage(`[{"type":"image","url":"https://example.com/cat.png"}]`)
	d, err := b.sessions.Draft(t.Context(), auth.Claimed(uuid.New()), s.ID, session.Message{
		Content: "hello", Extras: messaging.Extras{Attachments: files}, Metadata: json.RawMessage(`{"mood":"good","sessionId":"forged"}`), ClientID: "m1",
	})
	if err != nil {
		t.Fatal(err)
	}
	p := b.Say(t, d.Draft)
	var about struct {
		SessionID, Mood string
		Attachments     []map[string]string
	}
	if err := json.Unmarshal(p.Message.Metadata, &about); err != nil {
		t.Fatal(err)
	}
	if p.Message.AuthorID != b.User || p.Message.SourceType != "user" || len(p.Turns) != 1 || about.SessionID != s.ID.String() ||
		about.Mood != "good" || len(about.Attachments) != 1 || about.Attachments[0]["url"] != "https://example.com/cat.png" {
		t.Errorf("%+v, %+v", p.Message, about)
	}
	again, err := b.Post(t.Context(), b.Who, d.Draft)
	if err != nil || !again.Duplicate || d.Update(again).Renewed {
		t.Errorf("the same again: %+v, %v", again, err)
	}
	now, err := b.sessions.Get(t.Context(), b.Who, s.ID)
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

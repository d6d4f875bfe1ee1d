package session_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/messaging/messagingtest"
	"github.com/elizad/elizad/server/internal/session"
)

func TestSweepWarnsAndExpiresOnce(t *testing.T) {
	t.Parallel()
	b, c := timed(t)
	s := b.session(t, session.TimeoutPatch{Timeout: new(10.0), Warning: new(2.0)})
	events := messagingtest.Follow(t, b.Bench, s.ChannelID)
	received := func() []messaging.EventType {
		b.sweep(t)
		b.sweep(t)
		var out []messaging.EventType
		for len(events.C()) > 0 {
			e := messagingtest.Next(t, events)
			out = append(out, e.Type)
			if e.Type == messaging.EventChannelDeleted {
				continue
			}
			if n, err := session.NoticeIn(e); err != nil || n.SessionID != s.ID {
				t.Errorf("event %+v, %v", e, err)
			}
		}
		return out
	}
	check := func(after time.Duration, want ...messaging.EventType) {
		t.Helper()
		c.Now = s.CreatedAt.Add(after)
		if diff := cmp.Diff(want, received()); diff != "" {
			t.Errorf("after %v: %s", after, diff)
		}
	}
	check(7 * time.Minute)
	check(8*time.Minute, session.EventWarning)
	if _, err := b.sessions.Renew(t.Context(), b.Who, s.ID); err != nil { // ends after 18 minutes now
		t.Fatal(err)
	}
	check(10 * time.Minute)
	check(17*time.Minute, session.EventWarning)
	due, ok, err := b.sweeper.Sweep(t.Context())
	if err != nil || !ok || !due.Equal(s.CreatedAt.Add(18*time.Minute)) {
		t.Errorf("due %v, %v, %v", due, ok, err)
	}
	check(18*time.Minute, session.EventExpired)
	check(30*time.Hour, messaging.EventChannelDeleted) // for it had no message
}

// An event about a session names the message server of its channel, whichever that is.
func TestEndIsPublishedOnTheServerOfTheChannel(t *testing.T) {
	t.Parallel()
	b, c := timed(t)
	home, err := b.CreateServer(t.Context(), b.Who, messaging.NewServer{Name: "Elsewhere", SourceType: "platform"})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.AddServerAgent(t.Context(), b.Who, home.ID, b.Agent); err != nil {
		t.Fatal(err)
	}
	id, channelID := uuid.New(), uuid.New()
	insert, err := b.OwnChannel("session", channelID, messaging.NewChannel{
		ServerID: &home.ID, Name: "session", Type: messaging.TypeDM, Participants: []uuid.UUID{b.User, b.Agent},
	})
	if err != nil {
		t.Fatal(err)
	}
	now := dbtype.MillisOf(c.Now)
	err = b.Store.Update(t.Context(), b.Who.Scope(), func(q db.Scoped) error {
		if err := insert(t.Context(), q); err != nil {
			return err
		}
		return q.InsertSession(t.Context(), db.InsertSessionParams{
			ID: id, AgentID: b.Agent, UserID: b.User, ChannelID: channelID, Metadata: dbtype.JSON(`{}`), CreatedAt: now, ActiveAt: now, RenewedAt: now,
			TimeoutMs: 60_000, MaxDurationMs: 60_000, WarningMs: 10_000, ExpiresAt: now + 60_000, DueAt: now + 50_000,
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.say(t, id, "hello"); err != nil {
		t.Fatal(err)
	}
	events := messagingtest.Follow(t, b.Bench, channelID)
	wants := func(kind messaging.EventType) {
		t.Helper()
		if e := messagingtest.Next(t, events); e.Type != kind || e.ServerID != home.ID {
			t.Errorf("event %+v, want %s on %s", e, kind, home.ID)
		}
	}
	c.Pass(55 * time.Second)
	b.sweep(t)
	wants(session.EventWarning)
	c.Pass(10 * time.Second)
	b.sweep(t)
	wants(session.EventExpired)
	if err := b.sessions.End(t.Context(), b.Who, id); err != nil {
		t.Fatal(err)
	}
	wants(messaging.EventTurnEnded)
}

package session_test

import (
	"context"
	"testing"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/messaging/messagingtest"
	"github.com/elizad/elizad/server/internal/session"
	"github.com/elizad/elizad/server/internal/sweep"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bench is a messaging bench with sessions.
type bench struct {
	*messagingtest.Bench
	sessions *session.Service
	sweeper  *sweep.Sweeper
}

func setup(t testing.TB, change ...func(*session.Config)) *bench {
	t.Helper()
	return on(messagingtest.New(t), change...)
}

func on(m *messagingtest.Bench, change ...func(*session.Config)) *bench {
	cfg := session.Config{Store: m.Store, Messaging: m.Service}
	for _, c := range change {
		c(&cfg)
	}
	b := &bench{Bench: m, sessions: session.New(cfg)}
	b.Observe(b.sessions.Observer())
	b.sweeper = sweep.New(sweep.Config{Store: sweep.NewGate(m.Store), Parts: []sweep.Part{b.sessions.Part()}, Now: cfg.Now})
	return b
}

// timed returns a bench whose clock stands still until the test moves it.
func timed(t *testing.T, change ...func(*session.Config)) (*bench, *messagingtest.Clock) {
	t.Helper()
	c := messagingtest.NewClock()
	return on(messagingtest.New(t, c.Set), append(change, func(cfg *session.Config) { cfg.Now = c.Time })...), c
}

func (b *bench) session(t testing.TB, p session.TimeoutPatch) session.Session {
	t.Helper()
	s, err := b.sessions.Create(t.Context(), b.Who, session.NewSession{AgentID: b.Agent, UserID: b.User, Timeouts: p})
	if err != nil {
		t.Fatalf("creating a session: %v", err)
	}
	return s
}

// posted is the result of posting a message in a session.
type posted struct {
	messaging.Posted
	Session session.Update
}

// say posts a message in a session.
func (b *bench) say(t testing.TB, id uuid.UUID, text string) (posted, error) {
	t.Helper()
	d, err := b.sessions.Draft(t.Context(), b.Who, id, session.Message{Content: text})
	if err != nil {
		return posted{}, err
	}
	p, err := b.Post(t.Context(), b.Who, d.Draft)
	if err != nil {
		return posted{}, err
	}
	return posted{p, d.Update(p)}, nil
}

func (b *bench) sweep(t testing.TB) {
	t.Helper()
	if _, _, err := b.sweeper.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func agentSettings(values map[string]string) func(*session.Config) {
	return func(c *session.Config) {
		c.AgentSettings = func(context.Context, uuid.UUID) (func(string) (string, bool), bool, error) {
			return func(name string) (string, bool) { v, ok := values[name]; return v, ok }, true, nil
		}
	}
}

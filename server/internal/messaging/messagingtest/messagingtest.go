// Package messagingtest has a messaging service for tests, with a person who writes and an agent that runs, whose turns tests take.
package messagingtest

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/bus"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/store"
	"github.com/elizad/elizad/server/internal/store/sqlitestore"
)

const (
	// Worker is whose turns the tests take.
	Worker = "worker-1"
	// Lease is how long they are leased.
	Lease = time.Minute
	// Patience is how long a test waits for what must come.
	Patience = 2 * time.Minute
)

// Bench is a messaging service on a new database, with one person and one running agent.
type Bench struct {
	*messaging.Service
	Store store.System
	Bus   bus.Bus
	User  uuid.UUID
	Who   auth.Identity // the user
	Agent uuid.UUID
}

// New returns a bench on SQLite. Each change is made to the configuration first.
func New(t testing.TB, change ...func(*messaging.Config)) *Bench {
	t.Helper()
	st, err := sqlitestore.Open(t.Context(), sqlitestore.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return On(t, st, change...)
}

// On is New on another database, which is closed at the end.
func On(t testing.TB, st store.System, change ...func(*messaging.Config)) *Bench {
	t.Helper()
	local := bus.NewLocal()
	cfg := messaging.Config{Store: st, Bus: local}
	for _, c := range change {
		c(&cfg)
	}
	b := &Bench{Service: messaging.New(cfg), Store: cfg.Store, Bus: local, User: uuid.New(), Agent: uuid.New()}
	b.Who = auth.Claimed(b.User)
	t.Cleanup(func() {
		_ = local.Close()
		if err := st.Close(); err != nil {
			t.Errorf("closing the store: %v", err)
		}
	})
	if err := b.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.Join(t, b.Agent, true)
	return b
}

// Join stores an agent that serves the default message server.
func (b *Bench) Join(t testing.TB, id uuid.UUID, running bool) {
	t.Helper()
	err := b.Store.SystemUpdate(t.Context(), func(q db.System) error {
		now := dbtype.MillisOf(time.Now())
		_, err := q.InsertAgent(t.Context(), db.InsertAgentParams{
			ID: id, Name: "Agent", Character: dbtype.JSON(`{}`), Secrets: dbtype.JSON(`{}`), Enabled: true, Running: running, CreatedAt: now, UpdatedAt: now,
		})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.AddServerAgent(t.Context(), b.Who, messaging.DefaultServerID, id); err != nil {
		t.Fatal(err)
	}
}

// DM returns the channel of the person and the agent.
func (b *Bench) DM(t testing.TB) messaging.Channel {
	t.Helper()
	c, err := b.FindOrCreateDM(t.Context(), b.Who, messaging.DMRequest{A: b.Agent, B: b.User})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Say posts a message, or fails.
func (b *Bench) Say(t testing.TB, d messaging.Draft) messaging.Posted {
	t.Helper()
	p, err := b.Post(t.Context(), b.Who, d)
	if err != nil {
		t.Fatalf("posting %q: %v", d.Content, err)
	}
	return p
}

// Claim takes up to n turns.
func (b *Bench) Claim(t testing.TB, n int) []messaging.Turn {
	t.Helper()
	turns, err := b.ClaimTurns(t.Context(), Worker, n, 0, Lease)
	if err != nil {
		t.Fatal(err)
	}
	return turns
}

// Answer ends a turn with a reply.
func (b *Bench) Answer(t testing.TB, turn messaging.Turn, text string) messaging.Message {
	t.Helper()
	m, err := b.FinishTurn(t.Context(), Worker, turn, messaging.Outcome{
		Status: messaging.TurnReplied, Reply: &messaging.Reply{Content: text, AuthorName: "Agent", RawMessage: json.RawMessage(`{"text":"x"}`)},
	})
	if err != nil {
		t.Fatalf("finishing a turn: %v", err)
	}
	return *m
}

// Texts returns what was said in a channel, the oldest first.
func (b *Bench) Texts(t testing.TB, channelID uuid.UUID) []string {
	t.Helper()
	h, err := b.History(t.Context(), b.Who, channelID, messaging.HistoryQuery{Limit: 200})
	if err != nil {
		t.Fatal(err)
	}
	out := make([]string, len(h.Messages))
	for i, m := range h.Messages {
		out[len(out)-1-i] = m.Content
	}
	return out
}

// Next returns the next event of a channel.
func Next(t testing.TB, sub *bus.Subscription) messaging.Event {
	t.Helper()
	select {
	case m := <-sub.C():
		e, err := messaging.DecodeEvent(m)
		if err != nil {
			t.Fatal(err)
		}
		return e
	case <-time.After(Patience):
		t.Fatal("no event")
	}
	return messaging.Event{}
}

// Follow subscribes to the events of a channel until the test ends.
func Follow(t testing.TB, b *Bench, channelID uuid.UUID) *bus.Subscription {
	t.Helper()
	sub, err := b.Subscribe(channelID)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sub.Close)
	return sub
}

// WantCode fails unless err has a code.
func WantCode(t testing.TB, err error, code apierr.Code) {
	t.Helper()
	if got := apierr.From(err); got == nil || got.Code != code {
		t.Errorf("error %v, want %s", err, code)
	}
}

// Clock is a time that a test moves.
type Clock struct{ Now time.Time }

// Pass moves the time on.
func (c *Clock) Pass(d time.Duration) { c.Now = c.Now.Add(d) }

// NewClock returns a clock that stands still until the test moves it.
func NewClock() *Clock { return &Clock{time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)} }

// Set makes it the clock of a service.
func (c *Clock) Set(cfg *messaging.Config) { cfg.Now = c.Time }

// Time returns the time.
func (c *Clock) Time() time.Time { return c.Now }

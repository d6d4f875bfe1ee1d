package messaging_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/bus"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/store"
	"github.com/elizad/elizad/server/internal/store/sqlitestore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	worker   = "worker-1"
	lease    = time.Minute
	patience = 2 * time.Minute
)

// bench is a messaging service on a database of its own, with one person and one running agent.
type bench struct {
	*messaging.Service
	store store.Store
	user  uuid.UUID
	who   auth.Identity
	agent uuid.UUID
}

func setup(t testing.TB, change ...func(*messaging.Config)) *bench {
	t.Helper()
	st, err := sqlitestore.Open(t.Context(), sqlitestore.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return setupOn(t, st, change...)
}

// setupOn is the same on another database, which is closed at the end.
func setupOn(t testing.TB, st store.Store, change ...func(*messaging.Config)) *bench {
	t.Helper()
	local := bus.NewLocal()
	cfg := messaging.Config{Store: st, Bus: local}
	for _, c := range change {
		c(&cfg)
	}
	b := &bench{Service: messaging.New(cfg), store: st, user: uuid.New(), agent: uuid.New()}
	b.who = auth.Entity(b.user)
	t.Cleanup(func() {
		_ = local.Close()
		if err := st.Close(); err != nil {
			t.Errorf("closing the store: %v", err)
		}
	})
	if err := b.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.addAgent(t, b.agent, true)
	return b
}

// addAgent stores an agent that serves the default message server.
func (b *bench) addAgent(t testing.TB, id uuid.UUID, running bool) {
	t.Helper()
	err := b.store.Update(t.Context(), store.Scope{Service: true}, func(q db.Querier) error {
		now := dbtype.MillisOf(time.Now())
		_, err := q.InsertAgent(t.Context(), db.InsertAgentParams{
			ID: id, Name: "Agent", Character: dbtype.JSON(`{}`), Secrets: dbtype.JSON(`{}`), Enabled: true, Running: running, CreatedAt: now, UpdatedAt: now,
		})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.AddServerAgent(t.Context(), b.who, messaging.DefaultServerID, id); err != nil {
		t.Fatal(err)
	}
}

// dm returns the channel of the person and the agent.
func (b *bench) dm(t testing.TB) messaging.Channel {
	t.Helper()
	c, err := b.FindOrCreateDM(t.Context(), b.who, messaging.DMRequest{A: b.agent, B: b.user})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (b *bench) post(t testing.TB, d messaging.Draft) messaging.Posted {
	t.Helper()
	p, err := b.Post(t.Context(), b.who, d)
	if err != nil {
		t.Fatalf("posting %q: %v", d.Content, err)
	}
	return p
}

func (b *bench) claim(t testing.TB, n int) []messaging.Turn {
	t.Helper()
	turns, err := b.ClaimTurns(t.Context(), worker, n, 0, lease)
	if err != nil {
		t.Fatal(err)
	}
	return turns
}

func (b *bench) answer(t testing.TB, turn messaging.Turn, text string) messaging.Message {
	t.Helper()
	m, err := b.FinishTurn(t.Context(), worker, turn, messaging.Outcome{
		Status: messaging.TurnReplied, Reply: &messaging.Reply{Content: text, AuthorName: "Agent", RawMessage: json.RawMessage(`{"text":"x"}`)},
	})
	if err != nil {
		t.Fatalf("finishing a turn: %v", err)
	}
	return *m
}

func (b *bench) texts(t testing.TB, channelID uuid.UUID) []string {
	t.Helper()
	h, err := b.History(t.Context(), b.who, channelID, messaging.HistoryQuery{Limit: 200})
	if err != nil {
		t.Fatal(err)
	}
	out := make([]string, len(h.Messages))
	for i, m := range h.Messages {
		out[len(out)-1-i] = m.Content
	}
	return out
}

// next returns the next event of a channel.
func next(t testing.TB, sub *bus.Subscription) messaging.Event {
	t.Helper()
	select {
	case m := <-sub.C():
		e, err := messaging.DecodeEvent(m)
		if err != nil {
			t.Fatal(err)
		}
		return e
	case <-time.After(patience):
		t.Fatal("no event")
	}
	return messaging.Event{}
}

func follow(t testing.TB, b *bench, channelID uuid.UUID) *bus.Subscription {
	t.Helper()
	sub, err := b.Subscribe(channelID)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sub.Close)
	return sub
}

func wantCode(t testing.TB, err error, code apierr.Code) {
	t.Helper()
	if got := apierr.From(err); got == nil || got.Code != code {
		t.Errorf("error %v, want %s", err, code)
	}
}

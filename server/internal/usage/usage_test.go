package usage_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/store"
	"github.com/elizad/elizad/server/internal/store/sqlitestore"
	"github.com/elizad/elizad/server/internal/usage"
	"github.com/elizad/elizad/server/model"
	"github.com/elizad/elizad/server/model/price"
)

// bench is a ledger on a real store, with a clock that the test moves.
type bench struct {
	*usage.Ledger
	store *failing
	now   time.Time
	on    usage.For
}

// failing is a store that doesn't write while it is told so.
type failing struct {
	store.System
	mu   sync.Mutex
	down bool
}

func (f *failing) set(down bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.down = down
}

func (f *failing) SystemUpdate(ctx context.Context, fn func(q db.System) error) error {
	f.mu.Lock()
	down := f.down
	f.mu.Unlock()
	if down {
		return errors.New("the database is away")
	}
	return f.System.SystemUpdate(ctx, fn)
}

func newBench(t *testing.T) *bench {
	t.Helper()
	st, err := sqlitestore.Open(t.Context(), sqlitestore.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	b := &bench{
		store: &failing{System: st}, now: time.Date(2026, 11, 30, 22, 30, 0, 0, time.UTC),
		on: usage.For{Agent: uuid.New(), Person: uuid.New(), Room: uuid.New()},
	}
	b.Ledger = usage.NewLedger(b.store, slog.New(slog.DiscardHandler), func() time.Time { return b.now })
	return b
}

// call counts a call of 100 tokens for a cent.
func (b *bench) call(t *testing.T, on usage.For) {
	t.Helper()
	b.Add(t.Context(), usage.Call{For: on, Provider: "openai", Model: "m", Usage: model.Usage{InputTokens: 80, OutputTokens: 20}, Cost: price.OfDollars(0.01), Priced: true})
}

// refused returns why a call is not made; "" if it is.
func (b *bench) refused(t *testing.T, on usage.For, budgets ...usage.Budget) string {
	t.Helper()
	err := b.Check(t.Context(), on, budgets)
	if e, ok := errors.AsType[*usage.Exhausted](err); ok {
		return e.Error()
	}
	if err != nil {
		t.Fatal(err)
	}
	return ""
}

func TestBudgets(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		budget usage.Budget
		calls  int // until it is used up
		shares func(on usage.For) usage.For
		says   string
	}{
		"an agent's tokens": {
			usage.Budget{Setting: "S", Origin: model.FromCharacter, Of: usage.Agent, Limit: 150}, 2, func(on usage.For) usage.For { return usage.For{Agent: on.Agent} },
			"The budget of this agent for a day is used up: 200 tokens of 150 tokens. It begins anew at 00:00 UTC, in 90 minutes; S in the character sets it",
		},
		"an agent's money": {
			usage.Budget{Setting: "S", Origin: model.FromOperator, Of: usage.Agent, Money: true, Limit: int64(price.OfDollars(0.01))}, 1, func(on usage.For) usage.For { return usage.For{Agent: on.Agent} },
			"used up: $0.01 of $0.01. It begins anew at 00:00 UTC, in 90 minutes; S in the environment sets it",
		},
		"a person's tokens": {usage.Budget{Of: usage.Person, Limit: 100}, 1, func(on usage.For) usage.For { return usage.For{Agent: uuid.New(), Person: on.Person} }, "The budget of this person"},
		"a room's tokens":   {usage.Budget{Of: usage.Room, Limit: 300}, 3, func(on usage.For) usage.For { return usage.For{Room: on.Room} }, "The budget of this room"},
		"all tokens":        {usage.Budget{Of: usage.Server, Limit: 100}, 1, func(usage.For) usage.For { return usage.For{} }, "The budget of this server"},
		"nothing at all":    {usage.Budget{Of: usage.Server}, 0, func(usage.For) usage.For { return usage.For{} }, "0 tokens of 0 tokens"},
		"one that can't be read": {
			usage.Budget{Setting: "S", Of: usage.Agent, Broken: true}, 0, func(on usage.For) usage.For { return on }, "S in the environment is not a number",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			for range tt.calls {
				if why := b.refused(t, b.on, tt.budget); why != "" {
					t.Fatalf("refused too early: %s", why)
				}
				b.call(t, b.on)
			}
			if why := b.refused(t, tt.shares(b.on), tt.budget); !strings.Contains(why, tt.says) {
				t.Errorf("refused because %q, want %q", why, tt.says)
			}
			again := usage.NewLedger(b.store, slog.New(slog.DiscardHandler), func() time.Time { return b.now })
			if again.Check(t.Context(), b.on, []usage.Budget{tt.budget}) == nil {
				t.Error("another process begins anew")
			}
			if tt.calls == 0 {
				return
			}
			other := usage.For{Agent: uuid.New(), Person: uuid.New(), Room: uuid.New()}
			if why := b.refused(t, other, tt.budget); (why != "") != (tt.budget.Of == usage.Server) {
				t.Errorf("somebody else: %q", why)
			}
			b.now = b.now.Add(90 * time.Minute)
			if why := b.refused(t, b.on, tt.budget); why != "" {
				t.Errorf("the next day: %s", why)
			}
		})
	}
}

// TestSumsOutliveAFailingDatabase counts what could not be stored against budgets, and stores it later, once.
func TestSumsOutliveAFailingDatabase(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.store.set(true)
	b.call(t, b.on)
	if why := b.refused(t, b.on, usage.Budget{Of: usage.Agent, Limit: 100}); why == "" {
		t.Error("what isn't stored doesn't count")
	}
	b.store.set(false)
	b.call(t, b.on)
	b.store.set(true)
	b.call(t, b.on)
	b.store.set(false)
	if err := b.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	days, more, err := b.Days(t.Context(), auth.System(), b.on.Agent, b.now, b.now)
	if err != nil || more || len(days) != 1 || days[0].Sum.Calls != 3 || days[0].Sum.Tokens() != 300 || days[0].Sum.Cost.String() != "$0.03" {
		t.Errorf("%+v, %t, %v", days, more, err)
	}
}

// TestOldSumsGo keeps those of persons and rooms for the day and the one before, and the others for longer than a year.
func TestOldSumsGo(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	kept := func(kind usage.Kind, subject uuid.UUID, day time.Time) (there bool) {
		t.Helper()
		err := b.store.SystemView(t.Context(), func(q db.System) error {
			sum, err := q.SumUsage(t.Context(), db.SumUsageParams{Kind: string(kind), Day: dbtype.MillisOf(day.Truncate(24 * time.Hour)), SubjectID: subject})
			there = sum.Tokens > 0
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return there
	}
	first := b.now
	b.call(t, b.on)
	for _, step := range []struct {
		days          int
		person, agent bool
	}{{2, true, true}, {3, false, true}, {400, false, true}, {401, false, false}} {
		b.now = first.AddDate(0, 0, step.days)
		b.call(t, usage.For{})
		if person, agent := kept(usage.Person, b.on.Person, first), kept(usage.Agent, b.on.Agent, first); person != step.person || agent != step.agent {
			t.Errorf("after %d days: the person's %t, the agent's %t", step.days, person, agent)
		}
	}
}

// TestCallsAtOnce loses none of them.
func TestCallsAtOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var group sync.WaitGroup
	for range 40 {
		group.Go(func() { b.call(t, b.on) })
	}
	group.Wait()
	days, _, err := b.Days(t.Context(), auth.System(), b.on.Agent, b.now, b.now)
	if err != nil || len(days) != 1 || days[0].Sum.Calls != 40 {
		t.Errorf("%+v, %v", days, err)
	}
}

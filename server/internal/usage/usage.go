// Package usage counts what calls of models take, by day, and says when a budget is used up.
//
// A [Ledger] adds each call to the sums of its day: of the whole server, of the agent, of the person who is answered, and of the
// room. Sums are durable before the caller goes on, so that a [Budget] holds over restarts and on all nodes of a database. Days are
// those of UTC.
package usage

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/store"
	"github.com/elizad/elizad/server/model"
	"github.com/elizad/elizad/server/model/price"
)

// Kind is what sums are kept of.
type Kind string

// The kinds. What a person uses, and what is used in a room, counts with all agents together.
const (
	Server Kind = "server"
	Agent  Kind = "agent"
	Person Kind = "person"
	Room   Kind = "room"
)

// For says on whose account a call is. A zero id is nobody's.
type For struct{ Agent, Person, Room uuid.UUID }

// subject returns the id under which a sum of a kind is kept, and whether there is one.
func (f For) subject(kind Kind) (uuid.UUID, bool) {
	switch kind {
	case Agent:
		return f.Agent, f.Agent != uuid.Nil
	case Person:
		return f.Person, f.Person != uuid.Nil
	case Room:
		return f.Room, f.Room != uuid.Nil
	default:
		return uuid.Nil, true
	}
}

// Call is one call of a model.
type Call struct {
	For      For
	Provider string
	Model    string
	Usage    model.Usage
	Cost     price.Amount
	Priced   bool // the cost is known
}

// Sum is what calls took together.
type Sum struct {
	Calls, InputTokens, OutputTokens, CachedTokens int64
	Cost                                           price.Amount // of the calls whose price is known
	UnpricedCalls                                  int64
}

// Tokens returns those of input and output together.
func (s Sum) Tokens() int64 { return s.InputTokens + s.OutputTokens }

// Plus returns both together.
func (s Sum) Plus(o Sum) Sum {
	return Sum{
		Calls: s.Calls + o.Calls, InputTokens: s.InputTokens + o.InputTokens, OutputTokens: s.OutputTokens + o.OutputTokens,
		CachedTokens: s.CachedTokens + o.CachedTokens, Cost: s.Cost + o.Cost, UnpricedCalls: s.UnpricedCalls + o.UnpricedCalls,
	}
}

// Of returns the sum of one call.
func Of(c Call) Sum {
	s := Sum{
		Calls: 1, InputTokens: int64(c.Usage.InputTokens), OutputTokens: int64(c.Usage.OutputTokens), CachedTokens: int64(c.Usage.CachedTokens), Cost: c.Cost,
	}
	if !c.Priced {
		s.Cost, s.UnpricedCalls = 0, 1
	}
	return s
}

// Day is what calls of one model took on one day.
type Day struct {
	Day      time.Time // its beginning
	Provider string
	Model    string
	Sum      Sum
}

const (
	maxModel   = 100                  // bytes of a model's name
	maxPending = 10_000               // sums that wait for a database that fails
	addTimeout = 5 * time.Second      // for the database; a sum that takes longer is stored with the next
	shortly    = 2 * 24 * time.Hour   // how long sums of persons and rooms are kept, which only budgets read
	long       = 400 * 24 * time.Hour // and all others
)

// Ledger keeps the sums. It is safe for concurrent use.
type Ledger struct {
	store store.System
	log   *slog.Logger
	now   func() time.Time

	mu      sync.Mutex
	pending map[row]Sum // what could not be stored so far
	cleared time.Time   // the day on which old sums were removed last
}

// row names a sum.
type row struct {
	kind            Kind
	day             time.Time
	subject         uuid.UUID
	provider, model string
}

// NewLedger returns a ledger on a store. Now is the clock of days; nil is time.Now.
func NewLedger(st store.System, log *slog.Logger, now func() time.Time) *Ledger {
	if now == nil {
		now = time.Now
	}
	return &Ledger{store: st, log: log, now: now, pending: map[row]Sum{}}
}

// today returns the beginning of the day.
func (l *Ledger) today() time.Time { return dayOf(l.now()) }

func dayOf(t time.Time) time.Time {
	year, month, day := t.UTC().Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// Add counts a call. It is durable when Add returns, unless the database fails: then it is stored with the next call, and counts
// against budgets of this process meanwhile. The end of ctx doesn't end Add: the call was made.
func (l *Ledger) Add(ctx context.Context, c Call) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), addTimeout)
	defer cancel()
	day, name := l.today(), dbtype.Text(c.Model)
	if len(name) > maxModel {
		name = dbtype.Text(name[:maxModel])
	}
	rows := map[row]Sum{}
	for _, kind := range []Kind{Server, Agent, Person, Room} {
		if subject, ok := c.For.subject(kind); ok {
			rows[row{kind, day, subject, c.Provider, name}] = Of(c)
		}
	}
	l.mu.Lock()
	for r, sum := range l.pending {
		rows[r] = rows[r].Plus(sum)
	}
	clear(l.pending)
	stale := !l.cleared.Equal(day)
	l.cleared = day
	l.mu.Unlock()
	if err := l.write(ctx, rows); err != nil {
		l.log.WarnContext(ctx, "what a model's call took is not stored yet", "error", err)
		l.keep(rows)
		return
	}
	if stale {
		l.clear(ctx, day)
	}
}

// keep puts sums back that could not be stored.
func (l *Ledger) keep(rows map[row]Sum) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for r, sum := range rows {
		if _, known := l.pending[r]; !known && len(l.pending) >= maxPending {
			l.log.Error("what a model's call took is lost: too much of it waits for the database", "kind", r.kind, "subject", r.subject)
			continue
		}
		l.pending[r] = l.pending[r].Plus(sum)
	}
}

// Flush stores what could not be stored before. Without success it is lost with the process.
func (l *Ledger) Flush(ctx context.Context) error {
	l.mu.Lock()
	rows := l.pending
	l.pending = map[row]Sum{}
	l.mu.Unlock()
	if len(rows) == 0 {
		return nil
	}
	return l.write(ctx, rows)
}

func (l *Ledger) write(ctx context.Context, rows map[row]Sum) error {
	return store.SystemUpdate(ctx, l.store, "counting a model's call", func(q db.System) error {
		for _, r := range sorted(rows) {
			sum := rows[r]
			if err := q.UpsertUsage(ctx, db.UpsertUsageParams{
				Kind: string(r.kind), Day: dbtype.MillisOf(r.day), SubjectID: r.subject, Provider: r.provider, Model: r.model, Calls: sum.Calls,
				InputTokens: sum.InputTokens, OutputTokens: sum.OutputTokens, CachedTokens: sum.CachedTokens, Cost: int64(sum.Cost), UnpricedCalls: sum.UnpricedCalls,
			}); err != nil {
				return err
			}
		}
		return nil
	})
}

// clear removes sums that nobody reads any more.
func (l *Ledger) clear(ctx context.Context, today time.Time) {
	err := store.SystemUpdate(ctx, l.store, "removing old usage", func(q db.System) error {
		for kind, age := range map[Kind]time.Duration{Server: long, Agent: long, Person: shortly, Room: shortly} {
			if _, err := q.DeleteOldUsage(ctx, db.DeleteOldUsageParams{Kind: string(kind), Before: dbtype.MillisOf(today.Add(-age))}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		l.log.WarnContext(ctx, "old usage not removed", "error", err)
	}
}

// MaxDays is how many days and models a list has at most.
const MaxDays = 1000

// Days returns what an agent used from one day to another, the newest first, and whether there is more.
func (l *Ledger) Days(ctx context.Context, who auth.Identity, agentID uuid.UUID, from, to time.Time) (days []Day, more bool, err error) {
	var rows []db.UsageDay
	err = store.View(ctx, l.store, who.Scope(), "reading an agent's usage", func(q db.Scoped) (err error) {
		rows, err = q.ListAgentUsage(ctx, db.ListAgentUsageParams{
			AgentID: agentID, FromTime: dbtype.MillisOf(dayOf(from)), ToTime: dbtype.MillisOf(to), LimitRows: MaxDays + 1,
		})
		return err
	})
	if more = len(rows) > MaxDays; more {
		rows = rows[:MaxDays]
	}
	for _, r := range rows {
		days = append(days, Day{Day: r.Day.Time(), Provider: r.Provider, Model: r.Model, Sum: Sum{
			Calls: r.Calls, InputTokens: r.InputTokens, OutputTokens: r.OutputTokens, CachedTokens: r.CachedTokens, Cost: price.Amount(r.Cost), UnpricedCalls: r.UnpricedCalls,
		}})
	}
	return days, more, err
}

package usage

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/internal/store"
	"github.com/elizad/elizad/server/model"
	"github.com/elizad/elizad/server/model/price"
)

// Budget is how much may be used in a day: tokens, or money. Once that is reached, no call is begun; those under way go on.
type Budget struct {
	Setting string       // that sets it
	Origin  model.Origin // where it is set
	Of      Kind
	Money   bool
	Limit   int64 // tokens, or a [price.Amount]
	Broken  bool  // the setting can't be read, and nothing may be used
}

// Exhausted says which budget is used up. Its text is for people.
type Exhausted struct {
	Budget
	Used   int64
	Resets time.Time
	Now    time.Time
}

// Error implements error.
func (e *Exhausted) Error() string {
	if e.Broken {
		return fmt.Sprintf("%s in %s is not a number of at least 0, and no model is asked until it is", e.Setting, e.Origin)
	}
	return fmt.Sprintf("The budget of %s for a day is used up: %s of %s. It begins anew at 00:00 UTC, in %s; %s in %s sets it",
		map[Kind]string{Server: "this server", Agent: "this agent", Person: "this person", Room: "this room"}[e.Of],
		e.amount(e.Used), e.amount(e.Limit), soon(e.Resets.Sub(e.Now)), e.Setting, e.Origin)
}

// amount writes an amount of the budget.
func (b Budget) amount(n int64) string {
	if b.Money {
		return price.Amount(n).String()
	}
	return strconv.FormatInt(n, 10) + " tokens"
}

// soon writes a time of less than a day.
func soon(d time.Duration) string {
	if minutes := int(math.Ceil(d.Minutes())); minutes < 120 {
		return fmt.Sprintf("%d minutes", max(1, minutes))
	}
	return fmt.Sprintf("%d hours", int(math.Ceil(d.Hours())))
}

// Check returns an [*Exhausted] if a budget is used up that a call would be on.
func (l *Ledger) Check(ctx context.Context, f For, budgets []Budget) error {
	states, err := l.States(ctx, f, budgets)
	if err != nil {
		return err
	}
	for _, s := range states {
		if s.Broken || s.Known && s.Used >= s.Limit {
			return &Exhausted{Budget: s.Budget, Used: s.Used, Resets: s.Resets, Now: l.now()}
		}
	}
	return nil
}

// State is a budget with what was used of it today, if that is known.
type State struct {
	Budget
	Known  bool
	Used   int64
	Resets time.Time
}

// States returns what was used of budgets, as far as f says of whom.
func (l *Ledger) States(ctx context.Context, f For, budgets []Budget) ([]State, error) {
	if len(budgets) == 0 {
		return nil, nil
	}
	day := l.today()
	used := map[Kind]Sum{}
	err := store.SystemView(ctx, l.store, "reading what was used today", func(q db.System) error {
		clear(used)
		for _, b := range budgets {
			subject, ok := f.subject(b.Of)
			if _, known := used[b.Of]; known || !ok {
				continue
			}
			sum, err := q.SumUsage(ctx, db.SumUsageParams{Kind: string(b.Of), Day: dbtype.MillisOf(day), SubjectID: subject})
			if err != nil {
				return err
			}
			used[b.Of] = Sum{InputTokens: sum.Tokens, Cost: price.Amount(sum.Cost)}.Plus(l.unstored(b.Of, day, subject))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var out []State
	for _, b := range budgets {
		sum, known := used[b.Of]
		s := State{Budget: b, Known: known, Used: sum.Tokens(), Resets: day.AddDate(0, 0, 1)}
		if b.Money {
			s.Used = int64(sum.Cost)
		}
		out = append(out, s)
	}
	return out, nil
}

// unstored returns what could not be stored so far of a sum.
func (l *Ledger) unstored(kind Kind, day time.Time, subject uuid.UUID) (out Sum) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for r, sum := range l.pending {
		if r.kind == kind && r.day.Equal(day) && r.subject == subject {
			out = out.Plus(sum)
		}
	}
	return out
}

// sorted returns the rows in an order in which transactions that run at once don't wait for each other in a circle.
func sorted(rows map[row]Sum) []row {
	return slices.SortedFunc(maps.Keys(rows), func(a, b row) int {
		return cmp.Or(strings.Compare(string(a.kind), string(b.kind)), bytes.Compare(a.subject[:], b.subject[:]), a.day.Compare(b.day),
			strings.Compare(a.provider, b.provider), strings.Compare(a.model, b.model))
	})
}

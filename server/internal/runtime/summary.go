package runtime

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/store"
)

// Summary is what a list says of an agent.
type Summary struct {
	ID        uuid.UUID
	Name      string
	Bio       string // the first of its statements, or the beginning of it
	Enabled   bool
	Running   bool // whether it takes turns; outlives the server
	CreatedAt time.Time
	UpdatedAt time.Time
	Model     ModelStatus

	place string // the name without regard to case, which lists go by
}

// Count returns how many agents there are. They are counted once a second, and after each change that is made here.
func (a *Agents) Count(ctx context.Context, who auth.Identity) (Numbers, error) {
	n, changes, known := a.numbers.recall()
	if known {
		return n, nil
	}
	var total, running int64
	err := store.View(ctx, a.store, who.Scope(), "counting agents", func(q db.Scoped) (err error) {
		if total, err = q.CountAgents(ctx); err != nil {
			return err
		}
		running, err = q.CountRunningAgents(ctx)
		return err
	})
	if err != nil {
		return Numbers{}, err
	}
	n = Numbers{Total: int(total), Running: int(running)}
	a.numbers.remember(n, changes)
	return n, nil
}

// List returns all agents, those that run first, then by name. What an agent is made of is read for those only that have
// changed since they were last used.
func (a *Agents) List(ctx context.Context, who auth.Identity) ([]Summary, error) {
	var heads []db.ListAgentHeadsRow
	var known []*card             // of the heads; nil for those that have changed
	changed := map[int]db.Agent{} // by the head's place
	err := store.View(ctx, a.store, who.Scope(), "listing agents", func(q db.Scoped) (err error) {
		if heads, err = q.ListAgentHeads(ctx); err != nil {
			return err
		}
		known = make([]*card, len(heads))
		for i, head := range heads {
			if known[i] = a.versions.card(head.ID, head.Version); known[i] != nil {
				continue
			}
			if row, err := q.GetAgent(ctx, head.ID); err == nil {
				changed[i] = row
			} else if !errors.Is(err, sql.ErrNoRows) { // it was deleted meanwhile
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i, row := range changed {
		m, err := a.versions.of(ctx, row)
		if err != nil {
			a.log.ErrorContext(ctx, "agent left out of the list: its record cannot be read", "agentId", row.ID, "error", err)
			continue
		}
		known[i] = m.card
	}
	out := make([]Summary, 0, len(heads))
	for i, c := range known {
		if c != nil {
			out = append(out, summaryOf(heads[i], c))
		}
	}
	slices.SortStableFunc(out, func(x, y Summary) int {
		switch {
		case x.Running == y.Running:
			return strings.Compare(x.place, y.place)
		case x.Running:
			return -1
		default:
			return 1
		}
	})
	return out, nil
}

// summaryOf returns what a row and the card of its version say.
func summaryOf(head db.ListAgentHeadsRow, c *card) Summary {
	return Summary{
		ID: head.ID, Name: head.Name, Bio: c.bio, Enabled: head.Enabled, Running: head.Running,
		CreatedAt: head.CreatedAt.Time(), UpdatedAt: head.UpdatedAt.Time(), Model: c.modelStatus(), place: c.place,
	}
}

package runtime

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/server/internal/auth"
)

// Summary is what a list says of an agent.
type Summary struct {
	ID        uuid.UUID
	Name      string
	Bio       string // the first of its statements
	Enabled   bool
	Running   bool // whether it takes turns; outlives the server
	CreatedAt time.Time
	UpdatedAt time.Time
	Model     ModelStatus

	place string // the name without regard to case, which lists go by
}

// List returns all agents, those that run first, then by name. What an agent is made of is read for those only that have
// changed since they were last used.
func (a *Agents) List(ctx context.Context, who auth.Identity) ([]Summary, error) {
	var heads []db.ListAgentHeadsRow
	var known []*mind             // of the heads; nil for those that have changed
	changed := map[int]db.Agent{} // by the head's place
	err := a.store.View(ctx, who.Scope(), func(q db.Querier) (err error) {
		if heads, err = q.ListAgentHeads(ctx); err != nil {
			return err
		}
		known = make([]*mind, len(heads))
		for i, head := range heads {
			if known[i] = a.minds.known(head.ID, head.Version); known[i] != nil {
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
		return nil, fmt.Errorf("listing agents: %w", err)
	}
	for i, row := range changed {
		if known[i], err = a.minds.of(ctx, row); err != nil {
			a.log.ErrorContext(ctx, "agent left out of the list: its record cannot be read", "agentId", row.ID, "error", err)
		}
	}
	out := make([]Summary, 0, len(heads))
	for i, m := range known {
		if m != nil {
			out = append(out, summaryOf(heads[i], m))
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

// summaryOf returns what a row and the mind of its version say.
func summaryOf(head db.ListAgentHeadsRow, m *mind) Summary {
	return Summary{
		ID: head.ID, Name: head.Name, Bio: m.character.Bio.First(), Enabled: head.Enabled, Running: head.Running,
		CreatedAt: head.CreatedAt.Time(), UpdatedAt: head.UpdatedAt.Time(), Model: m.modelStatus(), place: m.place,
	}
}

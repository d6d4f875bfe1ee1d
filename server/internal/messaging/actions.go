package messaging

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/store"
)

// TurnAction is something that an agent has done in a turn, or has begun.
type TurnAction struct {
	TurnID     uuid.UUID
	Position   int // in the turn
	Name       string
	Parameters string
	Ended      bool // false: it was begun, and the process died, or does it still
	Failed     bool
	Result     string
}

// BeginAction stores, before it is done, that turn t begins an action, if owner runs it: it renews the lease for that. A turn that is
// no longer owner's is a CONFLICT.
func (s *Service) BeginAction(ctx context.Context, owner string, t Turn, lease time.Duration, a TurnAction) error {
	return store.SystemUpdate(ctx, s.store, "beginning an action", func(q db.System) error {
		now := s.millis()
		_, err := q.RenewTurnLease(ctx, db.RenewTurnLeaseParams{ID: t.ID, Owner: owner, LeaseUntil: now + dbtype.Millis(lease.Milliseconds())})
		if errors.Is(err, sql.ErrNoRows) {
			return apierr.Wrap(err, apierr.Conflict, "The turn is no longer this worker's")
		} else if err != nil {
			return err
		}
		return q.InsertTurnAction(ctx, db.InsertTurnActionParams{
			TurnID: t.ID, Position: int64(a.Position), Action: a.Name, Parameters: a.Parameters, At: now,
		})
	})
}

// EndAction stores what an action of turn t has brought.
func (s *Service) EndAction(ctx context.Context, t Turn, a TurnAction) error {
	return store.SystemUpdate(ctx, s.store, "ending an action", func(q db.System) error {
		return q.EndTurnAction(ctx, db.EndTurnActionParams{
			TurnID: t.ID, Position: int64(a.Position), EndedAt: new(s.millis()), Failed: a.Failed, Result: a.Result,
		})
	})
}

// TurnActions returns what was done in turn t, in its order.
func (s *Service) TurnActions(ctx context.Context, t Turn) (out []TurnAction, err error) {
	err = store.SystemView(ctx, s.store, "reading the actions of a turn", func(q db.System) error {
		rows, err := q.ListTurnActions(ctx, t.ID)
		out = actionsOf(rows)
		return err
	})
	return out, err
}

// maxTurnsRecalled is how many turns are searched for actions.
const maxTurnsRecalled = 20

// RecentActions returns up to n actions of the newest turns that the agent of turn t took in its channel before: the newest turn
// first, and of each turn the last action first.
func (s *Service) RecentActions(ctx context.Context, t Turn, n int) (out []TurnAction, err error) {
	err = store.SystemView(ctx, s.store, "reading recent actions", func(q db.System) error {
		rows, err := q.ListRecentActions(ctx, db.ListRecentActionsParams{
			ChannelID: t.ChannelID, AgentID: t.AgentID, Before: dbtype.MillisOf(t.QueuedAt), LimitTurns: maxTurnsRecalled, LimitRows: int64(n),
		})
		out = actionsOf(rows)
		return err
	})
	return out, err
}

func actionsOf(rows []db.TurnAction) []TurnAction {
	out := make([]TurnAction, len(rows))
	for i, r := range rows {
		out[i] = TurnAction{
			TurnID: r.TurnID, Position: int(r.Position), Name: r.Action, Parameters: r.Parameters,
			Ended: r.EndedAt != nil, Failed: r.Failed, Result: r.Result,
		}
	}
	return out
}

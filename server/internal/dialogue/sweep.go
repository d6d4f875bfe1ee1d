package dialogue

import (
	"context"
	"database/sql"
	"errors"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/store"
	"github.com/elizad/elizad/server/internal/sweep"
)

// Part is what a sweep does with dialogues: it removes those whose time is over, with their channels.
func (s *Service) Part() sweep.Part {
	return sweep.Part{
		Steps: []func(context.Context) (int, error){s.forget},
		Next:  func(ctx context.Context, q db.System) (dbtype.Millis, error) { return q.NextDialogueExpiry(ctx) },
		Newest: func(ctx context.Context, q db.System, _ dbtype.Millis) (dbtype.Millis, error) {
			at, err := q.NewestDialogue(ctx)
			if errors.Is(err, sql.ErrNoRows) {
				return 0, nil
			}
			return at, err
		},
		Shift: func(ctx context.Context, q db.System, by int64) error { return q.ShiftDialogues(ctx, by) },
	}
}

func (s *Service) forget(ctx context.Context) (int, error) {
	var rows []db.Dialogue
	var gone []messaging.Ended
	err := store.SystemUpdate(ctx, s.store, "forgetting dialogues", func(q db.System) (err error) {
		if rows, err = q.ForgetDialogues(ctx, db.ForgetDialoguesParams{Now: s.millis(), LimitRows: sweep.Batch}); err != nil {
			return err
		}
		gone, err = s.removeChannels(ctx, q, rows)
		return err
	})
	if err != nil {
		return 0, err
	}
	s.messaging.Announce(ctx, gone...)
	return len(rows), nil
}

package session

import (
	"context"
	"database/sql"
	"errors"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/internal/jsontext"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/store"
	"github.com/elizad/elizad/server/internal/sweep"
)

// Part is what a sweep does with sessions: it warns of those whose end comes near, ends those whose time is over, and forgets those
// that ended long ago, with the channels in which nothing was said.
func (s *Service) Part() sweep.Part {
	return sweep.Part{
		Steps: []func(context.Context) (int, error){s.warn, s.expire, s.forget},
		Next:  func(ctx context.Context, q db.System) (dbtype.Millis, error) { return q.NextSessionDue(ctx) },
		Newest: func(ctx context.Context, q db.System, now dbtype.Millis) (dbtype.Millis, error) {
			rows, err := q.ListSessions(ctx, db.ListSessionsParams{Now: now, Until: dbtype.Until(nil), LimitRows: 1})
			if err != nil || len(rows) == 0 {
				return 0, err
			}
			return rows[0].CreatedAt, nil
		},
		Shift: func(ctx context.Context, q db.System, by int64) error { return q.ShiftSessions(ctx, by) },
	}
}

func (s *Service) warn(ctx context.Context) (int, error) {
	return s.sweep(ctx, EventWarning, func(q db.System) ([]db.Session, error) {
		return q.WarnSessions(ctx, db.WarnSessionsParams{Now: new(s.millis()), LimitRows: sweep.Batch})
	})
}

func (s *Service) expire(ctx context.Context) (int, error) {
	return s.sweep(ctx, EventExpired, func(q db.System) ([]db.Session, error) {
		return q.ExpireSessions(ctx, db.ExpireSessionsParams{Now: s.millis(), LimitRows: sweep.Batch})
	})
}

// sweep takes sessions, and announces in their channels what became of them.
func (s *Service) sweep(ctx context.Context, event messaging.EventType, take func(q db.System) ([]db.Session, error)) (int, error) {
	var rows []db.Session
	var events []messaging.Event
	err := store.SystemUpdate(ctx, s.store, "sweeping sessions", func(q db.System) (err error) {
		events = nil
		if rows, err = take(q); err != nil {
			return err
		}
		for _, r := range rows {
			channel, err := q.GetChannel(ctx, r.ChannelID)
			if errors.Is(err, sql.ErrNoRows) {
				continue // there are no readers left to notify
			} else if err != nil {
				return err
			}
			events = append(events, messaging.Event{
				Type: event, ChannelID: channel.ID, ServerID: channel.MessageServerID,
				Data: jsontext.Encode(Notice{SessionID: r.ID, ExpiresAt: r.ExpiresAt.Time()}),
			})
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	for _, e := range events {
		s.messaging.Emit(ctx, e)
	}
	return len(rows), nil
}

// forget removes what is left of sessions, and the channels of those in which nothing was said.
func (s *Service) forget(ctx context.Context) (int, error) {
	var rows []db.Session
	var gone []messaging.Ended
	err := store.SystemUpdate(ctx, s.store, "forgetting sessions", func(q db.System) (err error) {
		gone = nil
		if rows, err = q.ForgetSessions(ctx, db.ForgetSessionsParams{Before: new(dbtype.MillisOf(s.now().Add(-memory))), LimitRows: sweep.Batch}); err != nil {
			return err
		}
		for _, r := range rows {
			channel, err := q.GetChannel(ctx, r.ChannelID)
			if errors.Is(err, sql.ErrNoRows) || err == nil && channel.LastSeq > 0 {
				continue
			} else if err != nil {
				return err
			}
			removed, err := s.messaging.RemoveChannel(ctx, q, channel.ID)
			if err != nil {
				return err
			}
			gone = append(gone, removed)
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	s.messaging.Announce(ctx, gone...)
	return len(rows), nil
}

package messaging

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/store"
)

// sweepBatch is how many rows one transaction of a sweep touches.
const sweepBatch = 100

// Sweep does what is due: it warns of sessions whose end comes near, ends sessions and jobs whose time is over, and forgets
// those that ended long ago, with the channels of the jobs and of the sessions in which nothing was said. Several nodes may
// sweep at once; each of the steps happens once. It returns when something is due next; ok is false when nothing is.
func (s *Service) Sweep(ctx context.Context) (next time.Time, ok bool, err error) {
	for _, step := range []func(context.Context) (int, error){
		s.warnSessions, s.expireSessions, s.expireJobs, s.forgetSessions, s.forgetJobs,
	} {
		for {
			n, err := step(ctx)
			if err != nil {
				return time.Time{}, false, err
			}
			if n < sweepBatch {
				break
			}
		}
	}
	return s.nextDue(ctx)
}

func (s *Service) warnSessions(ctx context.Context) (int, error) {
	return s.sweepSessions(ctx, EventSessionWarning, func(q db.Querier) ([]db.Session, error) {
		return q.WarnSessions(ctx, db.WarnSessionsParams{Now: new(s.millis()), LimitRows: sweepBatch})
	})
}

func (s *Service) expireSessions(ctx context.Context) (int, error) {
	return s.sweepSessions(ctx, EventSessionExpired, func(q db.Querier) ([]db.Session, error) {
		return q.ExpireSessions(ctx, db.ExpireSessionsParams{Now: s.millis(), LimitRows: sweepBatch})
	})
}

// sweepSessions takes sessions, and tells their channels what became of them.
func (s *Service) sweepSessions(ctx context.Context, event EventType, take func(q db.Querier) ([]db.Session, error)) (int, error) {
	var rows []db.Session
	err := store.Update(ctx, s.store, auth.Service().Scope(), "sweeping sessions", func(q db.Querier) (err error) {
		rows, err = take(q)
		return err
	})
	if err != nil {
		return 0, err
	}
	for _, r := range rows {
		s.emitSession(ctx, event, s.CurrentServer(), r)
	}
	return len(rows), nil
}

// expireJobs ends jobs whose time is over, and cancels what their agents are doing.
func (s *Service) expireJobs(ctx context.Context) (int, error) {
	var rows []db.Job
	var ended []Turn
	err := store.Update(ctx, s.store, auth.Service().Scope(), "sweeping jobs", func(q db.Querier) (err error) {
		ended = nil
		if rows, err = q.ExpireJobs(ctx, db.ExpireJobsParams{Now: new(s.millis()), Error: jobTimedOut, LimitRows: sweepBatch}); err != nil {
			return err
		}
		for _, r := range rows {
			turns, err := q.EndMessageTurns(ctx, db.EndMessageTurnsParams{
				MessageID: r.MessageID, NewStatus: string(TurnCancelled), Reason: "job_timeout", Detail: jobTimedOut, EndedAt: new(s.millis()),
			})
			if err != nil {
				return err
			}
			ended = append(ended, turnsOf(turns)...)
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	s.announceEnded(ctx, s.CurrentServer(), ended)
	if len(rows) > 0 {
		s.hintCallbacks(ctx)
	}
	return len(rows), nil
}

// forgetSessions removes what is left of sessions, and the channels of those in which nothing was said.
func (s *Service) forgetSessions(ctx context.Context) (int, error) {
	var rows []db.Session
	var gone []removedChannel
	err := store.Update(ctx, s.store, auth.Service().Scope(), "forgetting sessions", func(q db.Querier) (err error) {
		gone = nil
		if rows, err = q.ForgetSessions(ctx, db.ForgetSessionsParams{Before: s.ago(sessionMemory), LimitRows: sweepBatch}); err != nil {
			return err
		}
		for _, r := range rows {
			channel, err := q.GetChannel(ctx, r.ChannelID)
			if errors.Is(err, sql.ErrNoRows) || err == nil && channel.LastSeq > 0 {
				continue
			} else if err != nil {
				return err
			}
			removed, err := s.removeChannel(ctx, q, channel.ID)
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
	for _, c := range gone {
		s.announceRemoved(ctx, c)
	}
	return len(rows), nil
}

func (s *Service) forgetJobs(ctx context.Context) (int, error) {
	var gone []removedChannel
	err := store.Update(ctx, s.store, auth.Service().Scope(), "forgetting jobs", func(q db.Querier) error {
		gone = nil
		rows, err := q.ForgetJobs(ctx, db.ForgetJobsParams{Before: s.ago(jobMemory), LimitRows: sweepBatch})
		if err != nil {
			return err
		}
		for _, r := range rows {
			channel, err := s.removeChannel(ctx, q, r.ChannelID)
			if err != nil {
				return err
			}
			gone = append(gone, channel)
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	for _, c := range gone {
		s.announceRemoved(ctx, c)
	}
	return len(gone), nil
}

func (s *Service) ago(d time.Duration) *dbtype.Millis { return new(dbtype.MillisOf(s.now().Add(-d))) }

// nextDue returns when a session or a job needs attention.
func (s *Service) nextDue(ctx context.Context) (at time.Time, ok bool, err error) {
	err = store.View(ctx, s.store, auth.Service().Scope(), "looking for what is due", func(q db.Querier) error {
		at, ok = time.Time{}, false
		for _, query := range []func(context.Context) (dbtype.Millis, error){q.NextSessionDue, q.NextJobExpiry} {
			due, err := query(ctx)
			if errors.Is(err, sql.ErrNoRows) {
				continue
			} else if err != nil {
				return err
			}
			if t := due.Time(); !ok || t.Before(at) {
				at, ok = t, true
			}
		}
		return nil
	})
	return at, ok, err
}

// ClearSessions ends all sessions, as if they had never been.
func (s *Service) ClearSessions(ctx context.Context) error {
	return store.Update(ctx, s.store, auth.Service().Scope(), "clearing sessions", func(q db.Querier) error {
		_, err := q.EndAllSessions(ctx, db.EndAllSessionsParams{EndedAt: new(s.millis()), EndReason: endDeleted})
		return err
	})
}

// sweepBy makes sure that a sweep comes as soon as something is due.
func (s *Service) sweepBy(due dbtype.Millis) {
	if int64(due) >= s.nextSweep.Load() {
		return
	}
	select {
	case s.sweepSoon <- struct{}{}:
	default: // it is told already
	}
}

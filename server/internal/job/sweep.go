package job

import (
	"context"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/store"
	"github.com/elizad/elizad/server/internal/sweep"
)

// Part is what a sweep does with jobs: it ends those whose time is over, and forgets those that ended long ago, with their channels.
func (s *Service) Part() sweep.Part {
	return sweep.Part{
		Steps: []func(context.Context) (int, error){s.expire, s.forget},
		Next:  func(ctx context.Context, q db.System) (dbtype.Millis, error) { return q.NextJobExpiry(ctx) },
		Newest: func(ctx context.Context, q db.System, _ dbtype.Millis) (dbtype.Millis, error) {
			rows, err := q.ListJobsOfStatus(ctx, db.ListJobsOfStatusParams{Status: string(Processing), Until: dbtype.Until(nil), LimitRows: 1})
			if err != nil || len(rows) == 0 {
				return 0, err
			}
			return rows[0].CreatedAt, nil
		},
		Shift: func(ctx context.Context, q db.System, by int64) error { return q.ShiftJobs(ctx, by) },
	}
}

// expire ends jobs whose time is over, and cancels what their agents are doing.
func (s *Service) expire(ctx context.Context) (int, error) {
	var rows []db.Job
	var ended []messaging.Ended
	err := store.SystemUpdate(ctx, s.store, "sweeping jobs", func(q db.System) (err error) {
		ended = nil
		if rows, err = q.ExpireJobs(ctx, db.ExpireJobsParams{Now: new(s.millis()), Error: timedOut, LimitRows: sweep.Batch}); err != nil {
			return err
		}
		for _, r := range rows {
			turns, err := s.messaging.CancelTurns(ctx, q, r.ChannelID, r.MessageID, "job_timeout", timedOut)
			if err != nil {
				return err
			}
			ended = append(ended, turns)
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	s.messaging.Announce(ctx, ended...)
	if len(rows) > 0 {
		s.hint(ctx)
	}
	return len(rows), nil
}

// forget removes jobs that ended long ago, with their channels.
func (s *Service) forget(ctx context.Context) (int, error) {
	var gone []messaging.Ended
	err := store.SystemUpdate(ctx, s.store, "forgetting jobs", func(q db.System) error {
		gone = nil
		rows, err := q.ForgetJobs(ctx, db.ForgetJobsParams{Before: new(dbtype.MillisOf(s.now().Add(-memory))), LimitRows: sweep.Batch})
		if err != nil {
			return err
		}
		for _, r := range rows {
			channel, err := s.messaging.RemoveChannel(ctx, q, r.ChannelID)
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
	s.messaging.Announce(ctx, gone...)
	return len(gone), nil
}

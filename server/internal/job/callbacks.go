package job

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/bus"
	"github.com/elizad/elizad/server/internal/store"
)

// Attempt is one at announcing the end of a job.
type Attempt struct {
	Job    Job
	URL    string
	Secret string // signs the announcement; may be empty
	Number int    // from 1
}

// subjectCallbacks is where hints are published that there may be an end to announce.
const subjectCallbacks = "callbacks"

func (s *Service) hint(ctx context.Context) { bus.Hint(ctx, s.bus, s.log, subjectCallbacks, nil) }

// sealedSecret names the one secret of a job.
const sealedSecret = "callback"

// setCallback takes over where a job's end is to be announced.
func (s *Service) setCallback(row *db.InsertJobParams, n NewJob) error {
	if n.CallbackURL == "" {
		if n.CallbackSecret != "" {
			return apierr.New(apierr.ValidationFailed, "callbackSecret needs a callbackUrl")
		}
		return nil
	}
	if s.checkCallback == nil {
		return apierr.New(apierr.ValidationFailed, "This server announces no jobs: leave callbackUrl out")
	}
	if err := s.checkCallback(n.CallbackURL); err != nil {
		return err
	}
	row.CallbackURL = &n.CallbackURL
	if n.CallbackSecret == "" {
		return nil
	}
	if s.secrets == nil {
		return apierr.New(apierr.ValidationFailed, "This server keeps no secrets: leave callbackSecret out")
	}
	sealed, err := s.secrets.Seal(row.ID.String(), map[string]string{sealedSecret: n.CallbackSecret})
	row.CallbackSecret = dbtype.JSON(sealed)
	return err
}

// CallbackWork follows hints that announcements may be due. Their content means nothing.
func (s *Service) CallbackWork() (*bus.Subscription, error) {
	return s.bus.Subscribe(subjectCallbacks, 1)
}

// ClaimCallbacks takes up to n announcements that are due. Each that is not settled within the lease is due again.
func (s *Service) ClaimCallbacks(ctx context.Context, n int, lease time.Duration) ([]Attempt, error) {
	now := s.millis()
	var rows []db.Job
	err := store.SystemUpdate(ctx, s.store, "claiming announcements of jobs", func(q db.System) (err error) {
		rows, err = q.ClaimCallbacks(ctx, db.ClaimCallbacksParams{Now: &now, RetryAt: new(now + dbtype.Millis(lease.Milliseconds())), LimitRows: int64(n)})
		return err
	})
	if err != nil {
		return nil, err
	}
	out := make([]Attempt, 0, len(rows))
	for _, r := range rows {
		c := Attempt{URL: *r.CallbackURL, Number: int(r.CallbackAttempts)}
		if c.Job, err = jobOf(r, now); err == nil && r.CallbackSecret != nil {
			c.Secret, err = s.openSecret(r.ID, r.CallbackSecret)
		}
		if err != nil { // it can't be sent as it should be, now or later
			s.log.ErrorContext(ctx, "job not announced", "jobId", r.ID, "error", err)
			if err := s.SettleCallback(ctx, r.ID, c.Number, "The announcement can't be made", nil); err != nil {
				return nil, err
			}
			continue
		}
		out = append(out, c)
	}
	return out, nil
}

func (s *Service) openSecret(id uuid.UUID, sealed dbtype.JSON) (string, error) {
	if s.secrets == nil {
		return "", errors.New("job: no key to open a secret with")
	}
	values, err := s.secrets.Open(id.String(), sealed)
	return values[sealedSecret], err
}

// SettleCallback notes how an attempt went: failure is empty if it succeeded, and retry is when to try again, or nil. A
// later attempt makes it mean nothing.
func (s *Service) SettleCallback(ctx context.Context, jobID uuid.UUID, attempt int, failure string, retry *time.Time) error {
	params := db.SettleCallbackParams{ID: jobID, Attempt: int64(attempt), CallbackError: dbtype.Text(failure)}
	if retry != nil {
		params.DueAt = new(dbtype.MillisOf(*retry))
	}
	return store.SystemUpdate(ctx, s.store, "noting an announcement", func(q db.System) error {
		_, err := q.SettleCallback(ctx, params)
		return err
	})
}

// NextCallback returns when an announcement is due; ok is false when none is.
func (s *Service) NextCallback(ctx context.Context) (at time.Time, ok bool, err error) {
	err = store.SystemView(ctx, s.store, "looking for announcements", func(q db.System) error {
		due, err := q.NextCallback(ctx)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		} else if err != nil {
			return err
		}
		at, ok = due.Time(), true
		return nil
	})
	return at, ok, err
}

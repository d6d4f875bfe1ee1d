package job

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/bus"
	"github.com/elizad/elizad/server/internal/jsontext"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/store"
)

const (
	defaultList = 50
	maxList     = 500
)

// checkInterval is how often a caller that waits for a job looks into the database, in case an event was lost.
const checkInterval = 2 * time.Second

// Create asks an agent a question in a new channel; the channel, the question, the agent's turn and the job are
// one transaction. An agent that isn't there or doesn't run is AGENT_NOT_FOUND; too many jobs under way are QUEUE_FULL.
func (s *Service) Create(ctx context.Context, who auth.Identity, n NewJob) (Job, error) {
	if n.Timeout == 0 {
		n.Timeout = defaultTimeout
	}
	switch {
	case n.UserID == uuid.Nil:
		return Job{}, apierr.New(apierr.ValidationFailed, "userId is required and must be a valid UUID string")
	case n.Content == "":
		return Job{}, apierr.New(apierr.ValidationFailed, "content cannot be empty")
	case n.Timeout < minTimeout || n.Timeout > maxTimeout:
		return Job{}, apierr.New(apierr.ValidationFailed, "timeoutMs must be from %d to %d", minTimeout.Milliseconds(), maxTimeout.Milliseconds())
	}
	metadata, err := jsontext.CheckSmallObject(n.Metadata, "metadata", maxMetadata)
	if err != nil {
		return Job{}, err
	}
	agentID, err := s.answerer(ctx, who, n.AgentID)
	if err != nil {
		return Job{}, err
	}
	row := db.InsertJobParams{
		ID: uuid.New(), AgentID: agentID, UserID: n.UserID, ChannelID: uuid.New(), Content: dbtype.Text(n.Content), Metadata: dbtype.JSON(metadata),
	}
	if err := s.setCallback(&row, n); err != nil {
		return Job{}, err
	}
	return s.ask(ctx, who, row, n.Timeout, n.Extras)
}

// answerer returns the agent that is to answer: the one asked for, if it runs, or the oldest that does.
func (s *Service) answerer(ctx context.Context, who auth.Identity, asked *uuid.UUID) (id uuid.UUID, err error) {
	err = store.View(ctx, s.store, who.Scope(), "looking for a job's agent", func(q db.Scoped) error {
		if asked != nil {
			id = *asked
			return messaging.MustRun(ctx, q, id)
		}
		id, err = q.GetFirstRunningAgent(ctx, s.messaging.CurrentServer())
		if errors.Is(err, sql.ErrNoRows) {
			return apierr.Wrap(err, apierr.AgentNotFound, "No agents available on server")
		}
		return err
	})
	return id, err
}

// ask posts a job's question.
func (s *Service) ask(ctx context.Context, who auth.Identity, row db.InsertJobParams, timeout time.Duration, extras messaging.Extras) (Job, error) {
	about, err := jsontext.Overlay([]byte(row.Metadata), jsontext.Encode(map[string]any{
		"jobId": row.ID, "agentId": row.AgentID, "userId": row.UserID, "isJobChannel": true,
	}))
	if err != nil {
		return Job{}, err
	}
	insertChannel, err := s.messaging.OwnChannel(channelSource, row.ChannelID, messaging.NewChannel{
		Name: "job-" + row.ID.String(), Type: messaging.TypeDM, Metadata: about, Participants: []uuid.UUID{row.UserID, row.AgentID},
	})
	if err != nil {
		return Job{}, err
	}
	onMessage, err := jsontext.Overlay([]byte(row.Metadata), jsontext.Encode(map[string]any{"jobId": row.ID, "isJobMessage": true}))
	if err != nil {
		return Job{}, err
	}
	var stored db.Job
	_, err = s.messaging.Post(ctx, who, messaging.Draft{
		ChannelID: row.ChannelID, AuthorID: row.UserID, Content: row.Content, SourceType: SourceRequest, Target: &row.AgentID,
		RawMessage: jsontext.Encode(map[string]any{"content": row.Content}), Metadata: onMessage, Extras: extras,
		MakeChannel: func(ctx context.Context, q db.Scoped) error {
			if err := s.mayAdd(ctx, q, row.UserID); err != nil {
				return err
			}
			return insertChannel(ctx, q)
		},
		Also: func(ctx context.Context, q db.Scoped, messageID uuid.UUID) (err error) {
			row.MessageID, row.CreatedAt = messageID, s.millis()
			row.ExpiresAt = row.CreatedAt + dbtype.Millis(timeout.Milliseconds())
			stored, err = q.InsertJob(ctx, row)
			return err
		},
	})
	if err != nil {
		return Job{}, err
	}
	s.alarm.By(stored.ExpiresAt)
	return jobOf(stored, row.CreatedAt)
}

// List returns jobs, newest first, and the counts of all: the caller's own, or those of all callers for one without an
// identity.
func (s *Service) List(ctx context.Context, who auth.Identity, query Query) ([]Job, Counts, error) {
	limit := int64(defaultList)
	if query.Limit > 0 {
		limit = int64(min(query.Limit, maxList))
	}
	if !slices.Contains([]Status{Processing, Completed, Failed, Timeout}, Status(query.Status)) {
		query.Status = ""
	}
	now, offset, until := s.millis(), int64(max(query.Offset, 0)), dbtype.Until(query.Until)
	var out []Job
	var counts Counts
	err := store.View(ctx, s.store, who.Scope(), "listing jobs", func(q db.Scoped) (err error) {
		var rows []db.Job
		switch {
		case !who.SeesAll():
			rows, err = q.ListUserJobs(ctx, db.ListUserJobsParams{UserID: who.Entity(), Status: query.Status, Until: until, LimitRows: limit, OffsetRows: offset})
		case query.Status != "":
			rows, err = q.ListJobsOfStatus(ctx, db.ListJobsOfStatusParams{Status: query.Status, Until: until, LimitRows: limit, OffsetRows: offset})
		default:
			rows, err = q.ListJobs(ctx, db.ListJobsParams{Until: until, LimitRows: limit, OffsetRows: offset})
		}
		if err != nil {
			return err
		}
		if out, err = jobsOf(rows, now); err != nil {
			return err
		}
		counts, err = countJobs(ctx, q, db.CountJobsParams{Now: now, AnyUser: who.SeesAll(), UserID: who.Entity()})
		return err
	})
	return out, counts, err
}

// Counts counts the jobs of all callers.
func (s *Service) Counts(ctx context.Context) (Counts, error) {
	var out Counts
	err := store.SystemView(ctx, s.store, "counting jobs", func(q db.System) (err error) {
		out, err = countJobs(ctx, q, db.CountJobsParams{Now: s.millis(), AnyUser: true})
		return err
	})
	return out, err
}

func countJobs(ctx context.Context, q db.Scoped, params db.CountJobsParams) (Counts, error) {
	rows, err := q.CountJobs(ctx, params)
	out := Counts{ByStatus: map[Status]int{}}
	for _, r := range rows {
		out.ByStatus[Status(r.State)] = int(r.Jobs)
		if Status(r.State) == Completed {
			out.Took = time.Duration(r.TookMs) * time.Millisecond
		}
	}
	return out, err
}

// Get returns a job. When it is under way, it waits up to the given time for the end.
func (s *Service) Get(ctx context.Context, who auth.Identity, id uuid.UUID, wait time.Duration) (Job, error) {
	job, err := s.read(ctx, who, id)
	if err != nil || job.EndedAt != nil || wait <= 0 {
		return job, err
	}
	sub, err := s.messaging.Subscribe(job.ChannelID)
	if err != nil {
		return job, err
	}
	defer sub.Close()
	ctx, enough := context.WithTimeoutCause(ctx, wait, errWaited)
	defer enough()
	expiry := time.NewTimer(job.ExpiresAt.Sub(s.now()) + time.Millisecond)
	defer expiry.Stop()
	for { // the first look is at what happened before the subscription began
		if job, err = s.read(context.WithoutCancel(ctx), who, id); err != nil || job.EndedAt != nil {
			return job, err
		}
		switch err := awaitTurnEnd(ctx, sub, expiry.C); {
		case errors.Is(err, errWaited):
			return job, nil
		case err != nil:
			return job, err
		}
	}
}

// errWaited ends the wait for a job that is still running.
var errWaited = errors.New("job: waited long enough")

// awaitTurnEnd returns when a turn may have ended, or at a certain moment, and now and then, in case an event was lost.
func awaitTurnEnd(ctx context.Context, sub *bus.Subscription, moment <-chan time.Time) error {
	check := time.NewTimer(checkInterval)
	defer check.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-moment:
			return nil
		case <-check.C:
			return nil
		case m, open := <-sub.C():
			if !open {
				return errWaited // the server is stopping
			}
			if e, err := messaging.DecodeEvent(m); m.Lost || err != nil || e.Type == messaging.EventTurnEnded {
				return nil
			}
		}
	}
}

func (s *Service) read(ctx context.Context, who auth.Identity, id uuid.UUID) (Job, error) {
	var out Job
	err := store.View(ctx, s.store, who.Scope(), "reading a job", func(q db.Scoped) error {
		before := s.millis()
		row, err := q.GetJob(ctx, id)
		if err != nil {
			return store.NotFound(err, "Job not found")
		}
		out, err = jobOf(row, min(before, s.millis())) // after a jump of the clock in between, nothing that is running must seem to have ended
		return err
	})
	return out, err
}

// settle ends the jobs of turns that have ended, in the same transaction. reply is what the one turn said, or nil. A job whose time
// is over stays a sweep's to end.
func (s *Service) settle(ctx context.Context, q db.Scoped, reply *messaging.Message, turns []messaging.Turn) error {
	for _, t := range turns {
		end := db.EndJobParams{MessageID: t.MessageID, AgentID: t.AgentID, Now: new(s.millis())}
		switch {
		case t.Status == messaging.TurnReplied && reply != nil:
			end.Status = string(Completed)
			end.Result = dbtype.JSON(jsontext.Encode(Result{
				MessageID: reply.ID, AuthorID: reply.AuthorID, Content: reply.Content, Metadata: reply.Metadata, CreatedAt: reply.CreatedAt,
			}))
		case t.Status == messaging.TurnReplied, t.Status == messaging.TurnIgnored:
			end.Status, end.Error = string(Failed), noResponse
		case t.Status == messaging.TurnTimedOut:
			end.Status, end.Error = string(Timeout), timedOut
		default:
			end.Status, end.Error = string(Failed), t.Detail
			if t.Detail == "" {
				end.Error = answerFailed
			}
		}
		if _, err := q.EndJob(ctx, end); err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
	}
	return nil
}

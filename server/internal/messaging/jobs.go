package messaging

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
	"github.com/elizad/elizad/server/internal/store"
)

const (
	defaultJobs = 50
	maxJobs     = 500
)

// CreateJob asks an agent a question in a channel of its own; the channel, the question, the agent's turn and the job are
// one transaction. An agent that isn't there or doesn't run is AGENT_NOT_FOUND; too many jobs under way are QUEUE_FULL.
func (s *Service) CreateJob(ctx context.Context, who auth.Identity, n NewJob) (Job, error) {
	if n.Timeout == 0 {
		n.Timeout = defaultJobTimeout
	}
	switch {
	case n.UserID == uuid.Nil:
		return Job{}, apierr.New(apierr.ValidationFailed, "userId is required and must be a valid UUID string")
	case n.Content == "":
		return Job{}, apierr.New(apierr.ValidationFailed, "content cannot be empty")
	case n.Timeout < minJobTimeout || n.Timeout > maxJobTimeout:
		return Job{}, apierr.New(apierr.ValidationFailed, "timeoutMs must be from %d to %d", minJobTimeout.Milliseconds(), maxJobTimeout.Milliseconds())
	}
	metadata, err := smallObject(n.Metadata, "metadata", maxJobMetadata)
	if err != nil {
		return Job{}, err
	}
	agentID, err := s.jobAgent(ctx, who, n.AgentID)
	if err != nil {
		return Job{}, err
	}
	row := db.InsertJobParams{
		ID: uuid.New(), AgentID: agentID, UserID: n.UserID, ChannelID: uuid.New(), Content: stripNUL(n.Content), Metadata: dbtype.JSON(metadata),
	}
	if err := s.setCallback(&row, n); err != nil {
		return Job{}, err
	}
	return s.askJob(ctx, who, row, n.Timeout, n.Extras)
}

// jobAgent returns the agent that is to answer: the one asked for, if it runs, or the oldest that does.
func (s *Service) jobAgent(ctx context.Context, who auth.Identity, asked *uuid.UUID) (id uuid.UUID, err error) {
	err = store.View(ctx, s.store, who.Scope(), "looking for a job's agent", func(q db.Querier) error {
		if asked != nil {
			id = *asked
			return mustRun(ctx, q, id)
		}
		id, err = q.GetFirstRunningAgent(ctx, s.CurrentServer())
		if errors.Is(err, sql.ErrNoRows) {
			return apierr.Wrap(err, apierr.AgentNotFound, "No agents available on server")
		}
		return err
	})
	return id, err
}

// askJob posts a job's question.
func (s *Service) askJob(ctx context.Context, who auth.Identity, row db.InsertJobParams, timeout time.Duration, extras Extras) (Job, error) {
	about, err := mergeObjects([]byte(row.Metadata), encode(map[string]any{
		"jobId": row.ID, "agentId": row.AgentID, "userId": row.UserID, "isJobChannel": true,
	}))
	if err != nil {
		return Job{}, err
	}
	channel, err := s.newChannelRow(auth.Entity(row.UserID), row.ChannelID, NewChannel{Name: "job-" + row.ID.String(), Type: TypeDM, Metadata: about})
	if err != nil {
		return Job{}, err
	}
	channel.SourceType = new(sourceJob)
	onMessage, err := mergeObjects([]byte(row.Metadata), encode(map[string]any{"jobId": row.ID, "isJobMessage": true}))
	if err != nil {
		return Job{}, err
	}
	var stored db.Job
	_, err = s.Post(ctx, who, Draft{
		ChannelID: row.ChannelID, AuthorID: row.UserID, Content: row.Content, SourceType: SourceJobRequest, Target: &row.AgentID,
		RawMessage: encode(map[string]any{"content": row.Content}), Metadata: onMessage, Extras: extras,
		makeChannel: func(ctx context.Context, p *post) error {
			if err := s.mayAddJob(ctx, p.q, row.UserID); err != nil {
				return err
			}
			_, err := s.insertChannel(ctx, p.q, channel, []uuid.UUID{row.UserID, row.AgentID})
			return err
		},
		also: func(ctx context.Context, p *post) (err error) {
			row.MessageID, row.CreatedAt = p.out.Message.ID, s.millis()
			row.ExpiresAt = row.CreatedAt + dbtype.Millis(timeout.Milliseconds())
			stored, err = p.q.InsertJob(ctx, row)
			return err
		},
	})
	if err != nil {
		return Job{}, err
	}
	s.sweepBy(stored.ExpiresAt)
	return jobOf(stored, row.CreatedAt)
}

// Jobs returns jobs, newest first, and the counts of all: the caller's own, or everybody's for a caller who doesn't say who
// it is.
func (s *Service) Jobs(ctx context.Context, who auth.Identity, query JobQuery) ([]Job, JobCounts, error) {
	limit := int64(defaultJobs)
	if query.Limit > 0 {
		limit = int64(min(query.Limit, maxJobs))
	}
	if !slices.Contains([]JobStatus{JobProcessing, JobCompleted, JobFailed, JobTimeout}, JobStatus(query.Status)) {
		query.Status = ""
	}
	now, offset, until := s.millis(), int64(max(query.Offset, 0)), newest(query.Until)
	var out []Job
	var counts JobCounts
	err := store.View(ctx, s.store, who.Scope(), "listing jobs", func(q db.Querier) (err error) {
		var rows []db.Job
		switch {
		case !seesAll(who):
			rows, err = q.ListUserJobs(ctx, db.ListUserJobsParams{UserID: who.EntityID, Status: query.Status, Until: until, LimitRows: limit, OffsetRows: offset})
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
		counts, err = countJobs(ctx, q, db.CountJobsParams{Now: now, AnyUser: seesAll(who), UserID: who.EntityID})
		return err
	})
	return out, counts, err
}

// JobCounts counts everybody's jobs.
func (s *Service) JobCounts(ctx context.Context) (JobCounts, error) {
	var out JobCounts
	err := store.View(ctx, s.store, auth.Service().Scope(), "counting jobs", func(q db.Querier) (err error) {
		out, err = countJobs(ctx, q, db.CountJobsParams{Now: s.millis(), AnyUser: true})
		return err
	})
	return out, err
}

func countJobs(ctx context.Context, q db.Querier, params db.CountJobsParams) (JobCounts, error) {
	rows, err := q.CountJobs(ctx, params)
	out := JobCounts{ByStatus: map[JobStatus]int{}}
	for _, r := range rows {
		out.ByStatus[JobStatus(r.State)] = int(r.Jobs)
		if JobStatus(r.State) == JobCompleted {
			out.Took = durationOf(r.TookMs)
		}
	}
	return out, err
}

// Job returns a job. When it is under way, it waits up to the given time for the end.
func (s *Service) Job(ctx context.Context, who auth.Identity, id uuid.UUID, wait time.Duration) (Job, error) {
	job, err := s.readJob(ctx, who, id)
	if err != nil || job.EndedAt != nil || wait <= 0 {
		return job, err
	}
	sub, err := s.Subscribe(job.ChannelID)
	if err != nil {
		return job, err
	}
	defer sub.Close()
	ctx, enough := context.WithTimeoutCause(ctx, wait, errWaited)
	defer enough()
	expiry := time.NewTimer(job.ExpiresAt.Sub(s.now()) + time.Millisecond)
	defer expiry.Stop()
	for { // the first look is at what happened before the subscription began
		if job, err = s.readJob(context.WithoutCancel(ctx), who, id); err != nil || job.EndedAt != nil {
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

// errWaited ends the wait for a job that goes on.
var errWaited = errors.New("messaging: waited long enough")

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
			if e, err := DecodeEvent(m); m.Lost || err != nil || e.Type == EventTurnEnded {
				return nil
			}
		}
	}
}

func (s *Service) readJob(ctx context.Context, who auth.Identity, id uuid.UUID) (Job, error) {
	var out Job
	err := store.View(ctx, s.store, who.Scope(), "reading a job", func(q db.Querier) error {
		before := s.millis()
		row, err := q.GetJob(ctx, id)
		if err != nil {
			return store.NotFound(err, "Job not found")
		}
		out, err = jobOf(row, s.judge(before))
		return err
	})
	return out, err
}

// settleJobs ends the jobs of turns that have ended, in the same transaction. reply is what the one turn said, or nil. A job
// whose time is over stays a sweep's to end.
func (s *Service) settleJobs(ctx context.Context, q db.Querier, channel Channel, reply *Message, turns ...Turn) error {
	if !channel.isFor(sourceJob) {
		return nil
	}
	for _, t := range turns {
		end := db.EndJobParams{MessageID: t.MessageID, AgentID: t.AgentID, Now: new(s.millis())}
		switch {
		case t.Status == TurnReplied && reply != nil:
			end.Status = string(JobCompleted)
			end.Result = dbtype.JSON(encode(JobResult{
				MessageID: reply.ID, AuthorID: reply.AuthorID, Content: reply.Content, Metadata: reply.Metadata, CreatedAt: reply.CreatedAt,
			}))
		case t.Status == TurnReplied, t.Status == TurnIgnored:
			end.Status, end.Error = string(JobFailed), jobSilence
		case t.Status == TurnTimedOut:
			end.Status, end.Error = string(JobTimeout), jobTimedOut
		default:
			end.Status, end.Error = string(JobFailed), t.Detail
			if t.Detail == "" {
				end.Error = jobTrouble
			}
		}
		if _, err := q.EndJob(ctx, end); err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
	}
	return nil
}

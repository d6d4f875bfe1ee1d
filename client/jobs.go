package client

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
)

// What AwaitJob asks for at a time: an answer when the job has ended, and at the latest after jobWait. An answer that comes
// much sooner without an end is one of a server that doesn't wait, such as one that stops.
const (
	jobWait      = 20 * time.Second
	jobWaitLeast = time.Second
)

// JobsQuery restricts a list of jobs; the zero value asks for the newest 50.
type JobsQuery struct {
	Status string // empty: all
	Limit  int    // at most 500; 0: 50
}

// Jobs returns the client's jobs, newest first.
func (c *Client) Jobs(ctx context.Context, q JobsQuery) ([]Job, error) {
	jobs, _, err := c.jobs(ctx, q, "")
	return jobs, err
}

// AllJobs yields everything that Jobs would with no limit, and reads pages of q.Limit as they are taken. Jobs that are
// created meanwhile are not among them. After an error nothing more comes.
func (c *Client) AllJobs(ctx context.Context, q JobsQuery) iter.Seq2[Job, error] {
	return all(func(cursor string) ([]Job, string, error) { return c.jobs(ctx, q, cursor) })
}

func (c *Client) jobs(ctx context.Context, q JobsQuery, cursor string) (jobs []Job, next string, err error) {
	params := api.ListJobsParams{Limit: positive(q.Limit), Status: text(q.Status), Cursor: text(cursor)}
	list, err := callBare[api.JobList](ctx, c, "listing jobs", leading(&next, func(ctx context.Context) (*http.Response, error) {
		return c.api.ListJobs(ctx, &params)
	}))
	return list.Jobs, next, err
}

// CreateJob asks an agent one question and returns at once; see AwaitJob. The user is the client unless n says otherwise.
func (c *Client) CreateJob(ctx context.Context, n NewJob) (JobCreated, error) {
	if n.UserID == uuid.Nil {
		n.UserID = c.entity
	}
	return callBare[JobCreated](ctx, c, "creating a job", func(ctx context.Context) (*http.Response, error) {
		return c.api.CreateJob(ctx, n)
	})
}

// Job returns a job as it is.
func (c *Client) Job(ctx context.Context, id uuid.UUID) (Job, error) { return c.job(ctx, id, nil) }

// AwaitJob returns a job when it has ended, in whichever way. It waits as long as ctx; the client's timeout is for what an
// answer takes beside the waiting.
func (c *Client) AwaitJob(ctx context.Context, id uuid.UUID) (Job, error) {
	patient := *c
	if c.timeout > 0 {
		patient.timeout = c.timeout + jobWait
	}
	prefer := fmt.Sprintf("wait=%d", int(jobWait.Seconds()))
	var pause backoff
	for {
		asked := time.Now()
		job, err := patient.job(ctx, id, &prefer)
		if err != nil || job.EndedAt != nil {
			return job, err
		}
		if time.Since(asked) >= jobWaitLeast {
			pause = backoff{}
		} else if err := sleep(ctx, pause.next()); err != nil {
			return job, fmt.Errorf("waiting for a job: %w", err)
		}
	}
}

func (c *Client) job(ctx context.Context, id uuid.UUID, prefer *string) (Job, error) {
	return callBare[Job](ctx, c, "reading a job", func(ctx context.Context) (*http.Response, error) {
		return c.api.GetJob(ctx, id, &api.GetJobParams{Prefer: prefer})
	})
}

// JobsHealth returns how many jobs there are, and how those went that have ended.
func (c *Client) JobsHealth(ctx context.Context) (JobsHealth, error) {
	return callBare[JobsHealth](ctx, c, "counting jobs", func(ctx context.Context) (*http.Response, error) {
		return c.api.GetJobsHealth(ctx)
	})
}

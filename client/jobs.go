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

// The time that AwaitJob asks the server to wait for the end of a job. A response that comes much sooner without an end is from
// a server that doesn't wait, such as one that is stopping.
const (
	jobWait      = 20 * time.Second
	jobWaitLeast = time.Second
)

// JobsQuery restricts a list of jobs; the zero value selects the newest 50.
type JobsQuery struct {
	Status string // empty: all
	Limit  int    // at most 500; 0: 50
}

// Jobs returns the client's jobs, newest first.
func (c *Client) Jobs(ctx context.Context, q JobsQuery) ([]Job, error) {
	jobs, _, err := c.jobs(ctx, q, "")
	return jobs, err
}

// AllJobs yields the jobs of Jobs without its limit, and reads pages of q.Limit as they are consumed. Jobs that are created
// meanwhile are not included. An error is the last element.
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

// Job returns a job in its current state.
func (c *Client) Job(ctx context.Context, id uuid.UUID) (Job, error) { return c.job(ctx, id, nil) }

// AwaitJob returns a job when it has ended, in whichever way. It waits as long as ctx; the client's timeout applies to the rest
// of each response.
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

// JobsHealth returns how many jobs there are, and how many ended in which way.
func (c *Client) JobsHealth(ctx context.Context) (JobsHealth, error) {
	return callBare[JobsHealth](ctx, c, "counting jobs", func(ctx context.Context) (*http.Response, error) {
		return c.api.GetJobsHealth(ctx)
	})
}

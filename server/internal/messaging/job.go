package messaging

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
)

// JobStatus is where a job stands.
type JobStatus string

// A job is under way and ends in one of the others, once.
const (
	JobProcessing JobStatus = "processing"
	JobCompleted  JobStatus = "completed" // the agent answered
	JobFailed     JobStatus = "failed"    // the agent's turn ended without an answer
	JobTimeout    JobStatus = "timeout"   // its time was over before
)

// Limits of jobs.
const (
	maxJobMetadata    = 10_000 // bytes of JSON
	minJobTimeout     = time.Second
	maxJobTimeout     = 5 * time.Minute
	defaultJobTimeout = 30 * time.Second
	jobMemory         = 24 * time.Hour // how long a job is kept after its end, with its channel
)

// SourceJobRequest is the source type of the message that a job asks.
const SourceJobRequest = "job_request"

// What jobs without an answer say.
const (
	jobTimedOut = "Job timed out waiting for agent response"
	jobSilence  = "Agent did not respond"
	jobTrouble  = "The agent failed to answer"
)

// Job is one question to one agent, asked in a channel of its own.
type Job struct {
	ID        uuid.UUID
	AgentID   uuid.UUID
	UserID    uuid.UUID
	ChannelID uuid.UUID
	MessageID uuid.UUID // the question
	Content   string
	Metadata  json.RawMessage // the caller's own, an object
	Status    JobStatus
	Result    *JobResult // set when it is completed
	Error     string     // why there is no answer
	Callback  *JobCallback
	CreatedAt time.Time
	ExpiresAt time.Time
	EndedAt   *time.Time
}

// JobResult is the answer to a job, as it was given.
type JobResult struct {
	MessageID uuid.UUID       `json:"id"`
	AuthorID  uuid.UUID       `json:"authorId"`
	Content   string          `json:"content"`
	Metadata  json.RawMessage `json:"metadata,omitempty"`
	CreatedAt time.Time       `json:"createdAt"`
}

// Took returns how long the answer took.
func (j Job) Took() time.Duration {
	if j.EndedAt == nil {
		return 0
	}
	return j.EndedAt.Sub(j.CreatedAt)
}

// JobCallback says how the announcement of a job's end stands.
type JobCallback struct {
	URL      string
	Attempts int
	Pending  bool   // it is tried, for the first time or again
	Error    string // why the last attempt failed
}

// NewJob is what CreateJob needs to know.
type NewJob struct {
	UserID         uuid.UUID
	AgentID        *uuid.UUID // nil: the oldest running one
	Content        string
	Extras         Extras
	Metadata       json.RawMessage // an object, or nil
	Timeout        time.Duration   // 0 means 30 seconds; from 1 second to 5 minutes
	CallbackURL    string          // hears of the end; may be empty
	CallbackSecret string          // signs what is sent there; may be empty
}

// JobQuery restricts a list of jobs.
type JobQuery struct {
	Limit  int // 0 means 50; at most 500
	Offset int
	Status string     // any, unless it is a JobStatus
	Until  *time.Time // not newer than this
}

// JobCounts sums up jobs.
type JobCounts struct {
	ByStatus map[JobStatus]int
	Took     time.Duration // of the completed ones, in all
}

// Total returns how many jobs were counted.
func (c JobCounts) Total() int {
	n := 0
	for _, jobs := range c.ByStatus {
		n += jobs
	}
	return n
}

// jobOf shows a job as it is at a moment: its time may be over before anybody has noted it.
func jobOf(r db.Job, now dbtype.Millis) (Job, error) {
	j := Job{
		ID: r.ID, AgentID: r.AgentID, UserID: r.UserID, ChannelID: r.ChannelID, MessageID: r.MessageID, Content: r.Content,
		Metadata: json.RawMessage(r.Metadata), Status: JobStatus(r.Status), Error: r.Error,
		CreatedAt: r.CreatedAt.Time(), ExpiresAt: r.ExpiresAt.Time(), EndedAt: timeOf(r.EndedAt),
	}
	if r.EndedAt == nil && r.ExpiresAt <= now {
		j.Status, j.Error, j.EndedAt = JobTimeout, jobTimedOut, &j.ExpiresAt
	}
	if r.CallbackURL != nil {
		j.Callback = &JobCallback{URL: *r.CallbackURL, Attempts: int(r.CallbackAttempts), Pending: r.CallbackDueAt != nil, Error: r.CallbackError}
	}
	if r.Result != nil {
		if err := json.Unmarshal(r.Result, &j.Result); err != nil {
			return Job{}, fmt.Errorf("reading the result of job %s: %w", r.ID, err)
		}
	}
	return j, nil
}

func jobsOf(rows []db.Job, now dbtype.Millis) ([]Job, error) {
	out := make([]Job, len(rows))
	for i, r := range rows {
		var err error
		if out[i], err = jobOf(r, now); err != nil {
			return nil, err
		}
	}
	return out, nil
}

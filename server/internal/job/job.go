package job

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/internal/messaging"
)

// Status is the state of a job.
type Status string

// A job is under way and ends in one of the others, once.
const (
	Processing Status = "processing"
	Completed  Status = "completed" // the agent answered
	Failed     Status = "failed"    // the agent's turn ended without an answer
	Timeout    Status = "timeout"   // its time was over before
)

// Limits of jobs.
const (
	maxMetadata    = 10_000 // bytes of JSON
	minTimeout     = time.Second
	maxTimeout     = 5 * time.Minute
	defaultTimeout = 30 * time.Second
	memory         = 24 * time.Hour // how long a job is kept after its end, with its channel
)

// channelSource is the source type of the channels of jobs.
const channelSource = "job"

// SourceRequest is the source type of the message that a job asks.
const SourceRequest = "job_request"

// What jobs without an answer say.
const (
	timedOut     = "Job timed out waiting for agent response"
	noResponse   = "Agent did not respond"
	answerFailed = "The agent failed to answer"
)

// Job is one question to one agent, asked in its own channel.
type Job struct {
	ID        uuid.UUID
	AgentID   uuid.UUID
	UserID    uuid.UUID
	ChannelID uuid.UUID
	MessageID uuid.UUID // the question
	Content   string
	Metadata  json.RawMessage // the caller's own, an object
	Status    Status
	Result    *Result // set when it is completed
	Error     string  // why there is no answer
	Callback  *Callback
	CreatedAt time.Time
	ExpiresAt time.Time
	EndedAt   *time.Time
}

// Result is the answer to a job, as it was given.
type Result struct {
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

// Callback is the state of the announcement of a job's end.
type Callback struct {
	URL      string
	Attempts int
	Pending  bool   // it is tried, for the first time or again
	Error    string // why the last attempt failed
}

// NewJob is what Create needs to know.
type NewJob struct {
	UserID         uuid.UUID
	AgentID        *uuid.UUID // nil: the oldest running one
	Content        string
	Extras         messaging.Extras
	Metadata       json.RawMessage // an object, or nil
	Timeout        time.Duration   // 0 means 30 seconds; from 1 second to 5 minutes
	CallbackURL    string          // gets the end; may be empty
	CallbackSecret string          // signs what is sent there; may be empty
}

// Query restricts a list of jobs.
type Query struct {
	Limit  int // 0 means 50; at most 500
	Offset int
	Status string     // any, unless it is a Status
	Until  *time.Time // not newer than this
}

// Counts sums up jobs.
type Counts struct {
	ByStatus map[Status]int
	Took     time.Duration // of the completed ones, in all
}

// Total returns how many jobs were counted.
func (c Counts) Total() int {
	n := 0
	for _, jobs := range c.ByStatus {
		n += jobs
	}
	return n
}

// jobOf shows a job as it is at a moment: its time may be over before a sweep has noted it.
func jobOf(r db.Job, now dbtype.Millis) (Job, error) {
	j := Job{
		ID: r.ID, AgentID: r.AgentID, UserID: r.UserID, ChannelID: r.ChannelID, MessageID: r.MessageID, Content: r.Content,
		Metadata: json.RawMessage(r.Metadata), Status: Status(r.Status), Error: r.Error,
		CreatedAt: r.CreatedAt.Time(), ExpiresAt: r.ExpiresAt.Time(), EndedAt: dbtype.TimeOf(r.EndedAt),
	}
	if r.EndedAt == nil && r.ExpiresAt <= now {
		j.Status, j.Error, j.EndedAt = Timeout, timedOut, &j.ExpiresAt
	}
	if r.CallbackURL != nil {
		j.Callback = &Callback{URL: *r.CallbackURL, Attempts: int(r.CallbackAttempts), Pending: r.CallbackDueAt != nil, Error: r.CallbackError}
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

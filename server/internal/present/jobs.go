package present

import (
	"math"
	"time"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server/internal/job"
)

// Job shows a job, in answers and to the address that its caller named.
func (d Documents) Job(j job.Job) api.Job {
	w := api.Job{
		JobID: j.ID, Status: api.JobStatus(j.Status), AgentID: j.AgentID, UserID: j.UserID, ChannelID: j.ChannelID, Prompt: j.Content,
		CreatedAt: j.CreatedAt.UnixMilli(), ExpiresAt: j.ExpiresAt.UnixMilli(), Error: Optional(j.Error), Metadata: d.files.Shown(j.Metadata, j.ChannelID),
	}
	if j.EndedAt != nil {
		w.EndedAt = new(j.EndedAt.UnixMilli())
	}
	if r := j.Result; r != nil {
		w.Result = &api.JobResult{ProcessingTimeMs: j.Took().Milliseconds(), Message: api.JobMessage{
			ID: r.MessageID, Content: r.Content, AuthorID: r.AuthorID, CreatedAt: r.CreatedAt.UnixMilli(), Metadata: d.files.Shown(r.Metadata, j.ChannelID),
		}}
	}
	if c := j.Callback; c != nil {
		w.Callback = &api.JobCallback{URL: c.URL, Attempts: c.Attempts, Error: Optional(c.Error), Status: callbackStatus(j)}
	}
	return w
}

func callbackStatus(j job.Job) api.JobCallbackStatus {
	switch {
	case j.Callback.Pending:
		return api.JobCallbackStatusPending
	case j.Callback.Error != "":
		return api.JobCallbackStatusFailed
	case j.Callback.Attempts > 0:
		return api.JobCallbackStatusDelivered
	default:
		return api.JobCallbackStatusWaiting
	}
}

// JobsHealth shows how many jobs there are, of at most so many at once, and how they ended.
func JobsHealth(c job.Counts, most int) api.JobsHealth {
	w := api.JobsHealth{
		Healthy: true, Timestamp: time.Now().UnixMilli(), TotalJobs: c.Total(), MaxJobs: most,
		StatusCounts: api.JobCounts{
			Processing: c.ByStatus[job.Processing], Completed: c.ByStatus[job.Completed],
			Failed: c.ByStatus[job.Failed], Timeout: c.ByStatus[job.Timeout],
		},
	}
	n := w.StatusCounts
	if n.Completed > 0 {
		w.Metrics.AverageProcessingTimeMs = c.Took.Milliseconds() / int64(n.Completed)
	}
	if ended := n.Completed + n.Failed + n.Timeout; ended > 0 {
		share := func(k int) float32 { return float32(math.Round(float64(k)/float64(ended)*100) / 100) }
		w.Metrics.SuccessRate, w.Metrics.FailureRate, w.Metrics.TimeoutRate = share(n.Completed), share(n.Failed), share(n.Timeout)
	}
	return w
}

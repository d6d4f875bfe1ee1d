package rest

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/gen/apiserver"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/job"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/present"
)

type jobHandlers struct {
	jobs *job.Service
	docs present.Documents
}

func (h jobHandlers) CreateJob(ctx context.Context, req apiserver.CreateJobRequestObject) (apiserver.CreateJobResponseObject, error) {
	j, err := h.jobs.Create(ctx, auth.FromContext(ctx), job.NewJob{
		UserID: req.Body.UserID, AgentID: req.Body.AgentID, Content: req.Body.Content, Metadata: req.Body.Metadata,
		Extras:      messaging.Extras{Attachments: req.Body.Attachments},
		Timeout:     time.Duration(deref(req.Body.TimeoutMs)) * time.Millisecond,
		CallbackURL: deref(req.Body.CallbackURL), CallbackSecret: deref(req.Body.CallbackSecret),
	})
	if err != nil {
		return nil, err
	}
	return apiserver.CreateJob201JSONResponse{
		JobID: j.ID, Status: api.JobStatus(j.Status), CreatedAt: j.CreatedAt.UnixMilli(), ExpiresAt: j.ExpiresAt.UnixMilli(),
	}, nil
}

func (h jobHandlers) ListJobs(ctx context.Context, req apiserver.ListJobsRequestObject) (apiserver.ListJobsResponseObject, error) {
	query := job.Query{Limit: looseInt(req.Params.Limit), Status: deref(req.Params.Status)}
	until, err := untilFrom(req.Params.Cursor, &query.Offset, &query.Until)
	if err != nil {
		return nil, err
	}
	found, counts, err := h.jobs.List(ctx, auth.FromContext(ctx), query)
	if err != nil {
		return nil, err
	}
	filtered, total := counts.ByStatus[job.Status(query.Status)], counts.Total()
	if !slices.Contains(jobStatuses, job.Status(query.Status)) {
		filtered = total
	}
	var headers apiserver.ListJobs200ResponseHeaders
	if end := query.Offset + len(found); len(found) > 0 && end < filtered {
		headers.Link = nextUntil(ctx, until, found[0].CreatedAt, query.Offset, len(found))
	}
	return apiserver.ListJobs200JSONResponse{
		Headers: headers, Body: api.JobList{Jobs: present.Each(found, h.docs.Job), Total: total, Filtered: filtered},
	}, nil
}

func (h jobHandlers) GetJobsHealth(ctx context.Context, _ apiserver.GetJobsHealthRequestObject) (apiserver.GetJobsHealthResponseObject, error) {
	counts, err := h.jobs.Counts(ctx)
	if err != nil {
		return nil, err
	}
	return apiserver.GetJobsHealth200JSONResponse(present.JobsHealth(counts, h.jobs.Most())), nil
}

func (h jobHandlers) GetJob(ctx context.Context, req apiserver.GetJobRequestObject) (apiserver.GetJobResponseObject, error) {
	wait := preferredWait(deref(req.Params.Prefer))
	j, err := h.jobs.Get(ctx, auth.FromContext(ctx), req.JobID, wait)
	if err != nil {
		return nil, err
	}
	out := apiserver.GetJob200JSONResponse{Body: h.docs.Job(j)}
	if wait > 0 {
		out.Headers.PreferenceApplied = new("wait=" + strconv.Itoa(int(wait.Seconds())))
	}
	return out, nil
}

// longestWait is shorter than what proxies allow a request.
const longestWait = time.Minute

// preferredWait reads the preference wait (RFC 7240 §4.3) from a Prefer header; 0 when there is none that can be read.
func preferredWait(header string) time.Duration {
	for preference := range strings.SplitSeq(header, ",") {
		preference, _, _ = strings.Cut(preference, ";")
		name, value, _ := strings.Cut(preference, "=")
		if !strings.EqualFold(strings.TrimSpace(name), "wait") {
			continue
		}
		n, err := strconv.ParseUint(strings.Trim(strings.TrimSpace(value), `"`), 10, 31)
		if err != nil {
			return 0
		}
		return min(time.Duration(n)*time.Second, longestWait)
	}
	return 0
}

var jobStatuses = []job.Status{job.Processing, job.Completed, job.Failed, job.Timeout}

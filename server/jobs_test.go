package server_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/elizad/elizad/gen/api"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/modeltest"
	"github.com/elizad/elizad/server/internal/webhook"
)

func TestJobIsAnswered(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	created := n.job(api.CreateJobRequest{Content: "Hello", Metadata: jsonOf(map[string]any{"k": 1})})
	if created.Status != "processing" || created.ExpiresAt-created.CreatedAt != 30_000 {
		t.Errorf("created %+v", created)
	}
	get := func(prefer *string) answer {
		return n.read(n.api().GetJob(t.Context(), created.JobID, &api.GetJobParams{Prefer: prefer})).want(200)
	}
	a := get(new("respond-async, wait=20"))
	j := into[api.Job](a)
	if j.Status != "completed" || j.Result.Message.Content == "" || j.Result.Message.AuthorID != n.agentID() || j.Prompt != "Hello" || object(j.Metadata)["k"] != 1.0 {
		t.Errorf("job %s", a.body)
	}
	if got := a.header.Get("Preference-Applied"); got != "wait=20" {
		t.Errorf("applied %q", got)
	}
	if got := get(nil).header.Get("Preference-Applied"); got != "" {
		t.Errorf("applied %q without being asked", got)
	}
	if h := n.history(j.ChannelID); len(h) != 2 || h[0].ID != j.Result.Message.ID || deref(h[1].SourceType) != "job_request" {
		t.Errorf("history %+v", h)
	}
	list := into[api.JobList](n.read(n.api().ListJobs(t.Context(), &api.ListJobsParams{Status: new("completed"), Limit: new("5")})).want(200))
	if len(list.Jobs) != 1 || list.Total != 1 || list.Filtered != 1 || list.Jobs[0].JobID != j.JobID {
		t.Errorf("list %+v", list)
	}
	if others := into[api.JobList](n.read(n.as(uuid.New()).api().ListJobs(t.Context(), nil)).want(200)); others.Total != 0 {
		t.Errorf("somebody else sees %d jobs", others.Total)
	}
	health := into[api.JobsHealth](n.read(n.api().GetJobsHealth(t.Context())).want(200))
	if !health.Healthy || health.TotalJobs != 1 || health.StatusCounts.Completed != 1 || health.Metrics.SuccessRate != 1 {
		t.Errorf("health %+v", health)
	}
}

func TestJobFailsWithTheReason(t *testing.T) {
	t.Parallel()
	model := modeltest.New(t, func(modeltest.Request) modeltest.Script { return modeltest.Fail(401, "Incorrect API key provided") })
	n := start(t, t.TempDir(), "OPENAI_BASE_URL="+model.URL, "OPENAI_API_KEY=sk-test-0123456789abcdef0123456789abcdef")
	j := n.job(api.CreateJobRequest{Content: "Hello", AgentID: new(n.agent().ID)})
	got := n.endedJob(j.JobID)
	if got.Status != "failed" || !strings.Contains(deref(got.Error), "OPENAI_API_KEY") {
		t.Errorf("job %+v", got)
	}
}

func TestJobTimesOutAndOutlivesTheServer(t *testing.T) {
	t.Parallel()
	model := modeltest.New(t, func(modeltest.Request) modeltest.Script {
		return modeltest.Script{Chunks: []string{"x"}, Ending: modeltest.Hang}
	})
	dir := t.TempDir()
	n := start(t, dir, "OPENAI_BASE_URL="+model.URL, "OPENAI_API_KEY=sk-test-0123456789abcdef0123456789abcdef")
	slow := n.job(api.CreateJobRequest{Content: "Hello", TimeoutMs: new(1000)})
	got := n.endedJob(slow.JobID)
	if got.Status != "timeout" || deref(got.Error) != "Job timed out waiting for agent response" || deref(got.EndedAt) != got.ExpiresAt {
		t.Errorf("job %+v", got)
	}
	kept := n.job(api.CreateJobRequest{Content: "Hello again", TimeoutMs: new(60_000)})
	n.stop()

	again := start(t, dir) // now the built-in responder answers
	if got := again.endedJob(kept.JobID); got.Status != "completed" {
		t.Errorf("after a restart %+v", got)
	}
	if got := again.endedJob(slow.JobID); got.Status != "timeout" {
		t.Errorf("after a restart %+v", got)
	}
}

func TestJobIsAnnounced(t *testing.T) {
	t.Parallel()
	type call struct {
		header http.Header
		body   []byte
	}
	calls := make(chan call, 9)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		calls <- call{r.Header, body}
	}))
	t.Cleanup(hook.Close)
	cfg := testConfig(t)
	cfg.Sessions.WebhookAllow = "127.0.0.1"
	n := startWith(t, cfg)
	j := n.job(api.CreateJobRequest{Content: "Hello", CallbackURL: new(hook.URL), CallbackSecret: new("hush")})
	c := <-calls
	var body struct {
		Type string
		Data api.Job
	}
	if err := json.Unmarshal(c.body, &body); err != nil || body.Type != "job.completed" || body.Data.JobID != j.JobID || body.Data.Result.Message.Content == "" {
		t.Errorf("%s: %v", c.body, err)
	}
	if want := "v1," + webhook.Sign("hush", j.JobID.String(), c.header.Get("webhook-timestamp"), c.body); c.header.Get("webhook-signature") != want {
		t.Errorf("signature %q", c.header.Get("webhook-signature"))
	}
	eventually(t, "the note of delivery", func() bool {
		a := n.read(n.api().GetJob(t.Context(), j.JobID, nil)).want(200)
		if strings.Contains(string(a.body), "hush") {
			t.Fatalf("the secret is shown: %s", a.body)
		}
		return into[api.Job](a).Callback.Status == "delivered"
	})
}

func TestJobBadInput(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	user := uuid.New()
	for name, body := range map[string]any{ // sent raw: no valid request says this
		"nothing": map[string]any{}, "no user": map[string]any{"content": "x"}, "user is no UUID": map[string]any{"userId": "me", "content": "x"},
		"no content": map[string]any{"userId": user}, "empty": map[string]any{"userId": user, "content": ""},
		"content is no text": map[string]any{"userId": user, "content": 7}, "long": map[string]any{"userId": user, "content": strings.Repeat("x", 200_001)},
		"agent is no UUID": map[string]any{"userId": user, "content": "x", "agentId": "x"}, "metadata": map[string]any{"userId": user, "content": "x", "metadata": []int{}},
		"much metadata": map[string]any{"userId": user, "content": "x", "metadata": map[string]any{"x": strings.Repeat("x", 10_001)}},
		"short":         map[string]any{"userId": user, "content": "x", "timeoutMs": 999}, "too long": map[string]any{"userId": user, "content": "x", "timeoutMs": 300_001},
		"time is text":  map[string]any{"userId": user, "content": "x", "timeoutMs": "soon"},
		"own network":   map[string]any{"userId": user, "content": "x", "callbackUrl": "http://127.0.0.1:1/"},
		"cloud secrets": map[string]any{"userId": user, "content": "x", "callbackUrl": "http://169.254.169.254/latest/meta-data"},
		"a file":        map[string]any{"userId": user, "content": "x", "callbackUrl": "file:///etc/passwd"},
	} {
		clearError(t, name, n.do("POST", jobsPath, body), http.StatusBadRequest, "")
	}
	ask := func(agent *uuid.UUID) answer {
		return n.createJob(api.CreateJobRequest{UserID: user, Content: "x", AgentID: agent})
	}
	clearError(t, "unknown agent", ask(new(uuid.New())), http.StatusNotFound, "AGENT_NOT_FOUND")
	get := func(id uuid.UUID) answer {
		return n.read(n.api().GetJob(t.Context(), id, &api.GetJobParams{Prefer: new("wait=soon")}))
	}
	clearError(t, "unknown job", get(uuid.New()), http.StatusNotFound, "NOT_FOUND")
	get(n.job(api.CreateJobRequest{Content: "x"}).JobID).want(200)
	n.read(n.api().ListJobs(t.Context(), &api.ListJobsParams{Limit: new("-3"), Status: new("nonsense")})).want(200)
	n.stopAgent(n.agentID())
	clearError(t, "no agent runs", ask(nil), http.StatusNotFound, "AGENT_NOT_FOUND")
}

package job_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/job"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/messaging/messagingtest"
)

func TestJobEndsWithItsTurn(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		outcome messaging.Outcome
		status  job.Status
		err     string
	}{
		{"answered", messaging.Outcome{Status: messaging.TurnReplied, Reply: &messaging.Reply{Content: "because"}}, job.Completed, ""},
		{"ignored", messaging.Outcome{Status: messaging.TurnIgnored, Reason: "model"}, job.Failed, "Agent did not respond"},
		{"without a text", messaging.Outcome{Status: messaging.TurnReplied}, job.Failed, "Agent did not respond"},
		{"failed", messaging.Outcome{Status: messaging.TurnFailed, Reason: "model_auth", Detail: "The key is wrong"}, job.Failed, "The key is wrong"},
		{"took too long", messaging.Outcome{Status: messaging.TurnTimedOut}, job.Timeout, "Job timed out waiting for agent response"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b, c := timed(t)
			j := b.job(t, job.NewJob{Metadata: json.RawMessage(`{"k":1}`)})
			if j.Status != job.Processing || !j.ExpiresAt.Equal(c.Now.Add(30*time.Second)) || j.AgentID != b.Agent {
				t.Fatalf("%+v", j)
			}
			turn := b.Claim(t, 1)[0]
			c.Pass(2 * time.Second)
			if _, err := b.FinishTurn(t.Context(), messagingtest.Worker, turn, tt.outcome); err != nil {
				t.Fatal(err)
			}
			got := b.readJob(t, j.ID)
			if got.Status != tt.status || got.Error != tt.err || got.EndedAt == nil || got.Took() != 2*time.Second {
				t.Errorf("%+v", got)
			}
			if (got.Result != nil) != (tt.status == job.Completed) || got.Result != nil && (got.Result.Content != "because" || got.Result.MessageID != turn.ResponseID || got.Result.AuthorID != b.Agent) {
				t.Errorf("result %+v", got.Result)
			}
		})
	}
}

func TestJobHasItsOwnChannel(t *testing.T) {
	t.Parallel()
	b, _ := timed(t)
	j := b.job(t, job.NewJob{})
	c, err := b.Channel(t.Context(), b.Who, j.ChannelID)
	if err != nil || c.Name != "job-"+j.ID.String() || c.Type != messaging.TypeDM || !cmp.Equal(c.Participants, []uuid.UUID{b.User, b.Agent}) {
		t.Errorf("%+v, %v", c, err)
	}
	listed, err := b.ServerChannels(t.Context(), b.Who, messaging.DefaultServerID, messaging.ChannelQuery{})
	if err != nil || len(listed.Channels) != 0 {
		t.Errorf("listed %+v, %v", listed, err)
	}
}

func TestJobTimesOut(t *testing.T) {
	t.Parallel()
	b, c := timed(t)
	j := b.job(t, job.NewJob{Timeout: 5 * time.Second})
	turn := b.Claim(t, 1)[0]
	c.Pass(5 * time.Second)
	if got := b.readJob(t, j.ID); got.Status != job.Timeout || got.Error == "" {
		t.Errorf("before a sweep: %+v", got)
	}
	b.sweep(t)
	if got := b.readJob(t, j.ID); got.Status != job.Timeout || !got.EndedAt.Equal(j.ExpiresAt) {
		t.Errorf("after a sweep: %+v", got)
	}
	_, err := b.FinishTurn(t.Context(), messagingtest.Worker, turn, messaging.Outcome{Status: messaging.TurnReplied, Reply: &messaging.Reply{Content: "late"}})
	messagingtest.WantCode(t, err, apierr.Conflict)
}

// A job that was reported as over doesn't change any more: an answer that comes between its time-out and the sweep is too late.
func TestAnswerAfterTheTimeOfAJob(t *testing.T) {
	t.Parallel()
	b, c := timed(t)
	j := b.job(t, job.NewJob{Timeout: 5 * time.Second})
	turn := b.Claim(t, 1)[0]
	c.Pass(6 * time.Second)
	b.Answer(t, turn, "late")
	for range 2 {
		if got := b.readJob(t, j.ID); got.Status != job.Timeout || got.Result != nil {
			t.Errorf("%+v", got)
		}
		b.sweep(t)
	}
}

func TestJobEndsWhenItsQuestionIsDeleted(t *testing.T) {
	t.Parallel()
	for name, remove := range map[string]func(*bench, job.Job) error{
		"message": func(b *bench, j job.Job) error {
			return b.DeleteMessage(t.Context(), b.Who, j.ChannelID, j.MessageID)
		},
		"messages": func(b *bench, j job.Job) error { return b.ClearChannel(t.Context(), b.Who, j.ChannelID) },
		"channel":  func(b *bench, j job.Job) error { return b.DeleteChannel(t.Context(), b.Who, j.ChannelID) },
		"agent": func(b *bench, j job.Job) error {
			return b.CancelAgentTurns(t.Context(), j.AgentID, "agent_stopped", "The agent was stopped")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, _ := timed(t)
			j := b.job(t, job.NewJob{})
			if err := remove(b, j); err != nil {
				t.Fatal(err)
			}
			if got := b.readJob(t, j.ID); got.Status != job.Failed || got.Error == "" {
				t.Errorf("%+v", got)
			}
		})
	}
}

// The result outlives the message that it came from, and is kept for a day; then the channel is removed too.
func TestJobIsKeptForADay(t *testing.T) {
	t.Parallel()
	b, c := timed(t)
	j := b.job(t, job.NewJob{})
	b.Answer(t, b.Claim(t, 1)[0], "because")
	if err := b.ClearChannel(t.Context(), b.Who, j.ChannelID); err != nil {
		t.Fatal(err)
	}
	c.Pass(24*time.Hour - time.Second)
	b.sweep(t)
	if got := b.readJob(t, j.ID); got.Result == nil || got.Result.Content != "because" {
		t.Errorf("%+v", got)
	}
	c.Pass(time.Second)
	b.sweep(t)
	_, err := b.jobs.Get(t.Context(), b.Who, j.ID, 0)
	messagingtest.WantCode(t, err, apierr.NotFound)
	_, err = b.Channel(t.Context(), b.Who, j.ChannelID)
	messagingtest.WantCode(t, err, apierr.NotFound)
}

func TestWaitForAJob(t *testing.T) {
	t.Parallel()
	b := setup(t)
	j := b.job(t, job.NewJob{})
	short, err := b.jobs.Get(t.Context(), b.Who, j.ID, 20*time.Millisecond)
	if err != nil || short.Status != job.Processing {
		t.Errorf("%+v, %v", short, err)
	}
	waited := make(chan job.Job, 1)
	go func() {
		got, err := b.jobs.Get(t.Context(), b.Who, j.ID, messagingtest.Patience)
		if err != nil {
			t.Errorf("waiting: %v", err)
		}
		waited <- got
	}()
	b.Answer(t, b.Claim(t, 1)[0], "because")
	select {
	case got := <-waited:
		if got.Status != job.Completed {
			t.Errorf("%+v", got)
		}
	case <-time.After(2 * messagingtest.Patience):
		t.Fatal("no notification")
	}
	brief := b.job(t, job.NewJob{Timeout: time.Second})
	if got, err := b.jobs.Get(t.Context(), b.Who, brief.ID, messagingtest.Patience); err != nil || got.Status != job.Timeout {
		t.Errorf("its time was over: %+v, %v", got, err)
	}
}

func TestJobIsRefused(t *testing.T) {
	t.Parallel()
	b, _ := timed(t)
	idle := uuid.New()
	b.Join(t, idle, false)
	good := job.NewJob{UserID: b.User, Content: "why?"}
	for _, tt := range []struct {
		name   string
		change func(*job.NewJob)
		code   apierr.Code
	}{
		{"no user", func(n *job.NewJob) { n.UserID = uuid.Nil }, apierr.ValidationFailed},
		{"no content", func(n *job.NewJob) { n.Content = "" }, apierr.ValidationFailed},
		{"long content", func(n *job.NewJob) { n.Content = strings.Repeat("x", messaging.DefaultMaxContent+1) }, apierr.ValidationFailed},
		{"short time", func(n *job.NewJob) { n.Timeout = time.Millisecond }, apierr.ValidationFailed},
		{"long time", func(n *job.NewJob) { n.Timeout = time.Hour }, apierr.ValidationFailed},
		{"list as metadata", func(n *job.NewJob) { n.Metadata = json.RawMessage(`[]`) }, apierr.ValidationFailed},
		{"much metadata", func(n *job.NewJob) { n.Metadata = json.RawMessage(`{"x":"` + strings.Repeat("x", 10_000) + `"}`) }, apierr.ValidationFailed},
		{"unknown agent", func(n *job.NewJob) { n.AgentID = new(uuid.New()) }, apierr.AgentNotFound},
		{"idle agent", func(n *job.NewJob) { n.AgentID = &idle }, apierr.AgentNotFound},
		{"a callback where none are made", func(n *job.NewJob) { n.CallbackURL = "https://example.com" }, apierr.ValidationFailed},
		{"a secret for nothing", func(n *job.NewJob) { n.CallbackSecret = "s" }, apierr.ValidationFailed},
	} {
		n := good
		tt.change(&n)
		if _, err := b.jobs.Create(t.Context(), b.Who, n); !apierr.IsCode(err, tt.code) {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.code)
		}
	}
	listed, err := b.ServerChannels(t.Context(), b.Who, messaging.DefaultServerID, messaging.ChannelQuery{IncludeInternal: true})
	if err != nil || len(listed.Channels) != 0 {
		t.Errorf("refused jobs left channels: %+v, %v", listed, err)
	}
	empty := setup(t)
	if err := empty.RemoveServerAgent(t.Context(), b.Who, messaging.DefaultServerID, empty.Agent); err != nil {
		t.Fatal(err)
	}
	_, err = empty.jobs.Create(t.Context(), empty.Who, job.NewJob{UserID: empty.User, Content: "why?"})
	messagingtest.WantCode(t, err, apierr.AgentNotFound)
}

func TestJobsAreListed(t *testing.T) {
	t.Parallel()
	b, c := timed(t)
	var ids []uuid.UUID
	for range 3 {
		ids = append(ids, b.job(t, job.NewJob{}).ID)
		c.Pass(time.Second)
	}
	for _, turn := range b.Claim(t, 3) {
		if turn.MessageID == b.readJob(t, ids[1]).MessageID {
			b.Answer(t, turn, "because")
		}
	}
	got, counts, err := b.jobs.List(t.Context(), b.Who, job.Query{Status: "completed"})
	if err != nil || len(got) != 1 || got[0].ID != ids[1] || counts.Total() != 3 || counts.ByStatus[job.Completed] != 1 || counts.Took != 2*time.Second {
		t.Errorf("%+v, %+v, %v", got, counts, err)
	}
	if got, _, err = b.jobs.List(t.Context(), b.Who, job.Query{Status: "whatever", Limit: 2}); err != nil || len(got) != 2 || got[0].ID != ids[2] {
		t.Errorf("%+v, %v", got, err)
	}
	if got, counts, err = b.jobs.List(t.Context(), auth.Claimed(uuid.New()), job.Query{}); err != nil || len(got) != 0 || counts.Total() != 0 {
		t.Errorf("another's: %+v, %+v, %v", got, counts, err)
	}
}

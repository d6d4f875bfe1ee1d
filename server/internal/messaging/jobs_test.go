package messaging_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/messaging"
)

func (b *bench) job(t testing.TB, n messaging.NewJob) messaging.Job {
	t.Helper()
	n.UserID = b.user
	if n.Content == "" {
		n.Content = "why?"
	}
	j, err := b.CreateJob(t.Context(), b.who, n)
	if err != nil {
		t.Fatalf("creating a job: %v", err)
	}
	return j
}

func (b *bench) readJob(t testing.TB, id uuid.UUID) messaging.Job {
	t.Helper()
	j, err := b.Job(t.Context(), b.who, id, 0)
	if err != nil {
		t.Fatalf("reading a job: %v", err)
	}
	return j
}

func TestJobEndsWithItsTurn(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		outcome messaging.Outcome
		status  messaging.JobStatus
		err     string
	}{
		{"answered", messaging.Outcome{Status: messaging.TurnReplied, Reply: &messaging.Reply{Content: "because"}}, messaging.JobCompleted, ""},
		{"ignored", messaging.Outcome{Status: messaging.TurnIgnored, Reason: "model"}, messaging.JobFailed, "Agent did not respond"},
		{"without a text", messaging.Outcome{Status: messaging.TurnReplied}, messaging.JobFailed, "Agent did not respond"},
		{"failed", messaging.Outcome{Status: messaging.TurnFailed, Reason: "model_auth", Detail: "The key is wrong"}, messaging.JobFailed, "The key is wrong"},
		{"took too long", messaging.Outcome{Status: messaging.TurnTimedOut}, messaging.JobTimeout, "Job timed out waiting for agent response"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b, c := timed(t)
			j := b.job(t, messaging.NewJob{Metadata: json.RawMessage(`{"k":1}`)})
			if j.Status != messaging.JobProcessing || !j.ExpiresAt.Equal(c.now.Add(30*time.Second)) || j.AgentID != b.agent {
				t.Fatalf("%+v", j)
			}
			turn := b.claim(t, 1)[0]
			c.pass(2 * time.Second)
			if _, err := b.FinishTurn(t.Context(), worker, turn, tt.outcome); err != nil {
				t.Fatal(err)
			}
			got := b.readJob(t, j.ID)
			if got.Status != tt.status || got.Error != tt.err || got.EndedAt == nil || got.Took() != 2*time.Second {
				t.Errorf("%+v", got)
			}
			if (got.Result != nil) != (tt.status == messaging.JobCompleted) || got.Result != nil && (got.Result.Content != "because" || got.Result.MessageID != turn.ResponseID || got.Result.AuthorID != b.agent) {
				t.Errorf("result %+v", got.Result)
			}
		})
	}
}

func TestJobHasAChannelOfItsOwn(t *testing.T) {
	t.Parallel()
	b, _ := timed(t)
	j := b.job(t, messaging.NewJob{})
	c, err := b.Channel(t.Context(), b.who, j.ChannelID)
	if err != nil || c.Name != "job-"+j.ID.String() || c.Type != messaging.TypeDM || !cmp.Equal(c.Participants, []uuid.UUID{b.user, b.agent}) {
		t.Errorf("%+v, %v", c, err)
	}
	listed, err := b.ServerChannels(t.Context(), b.who, messaging.DefaultServerID, messaging.ChannelQuery{})
	if err != nil || len(listed.Channels) != 0 {
		t.Errorf("listed %+v, %v", listed, err)
	}
}

func TestJobTimesOut(t *testing.T) {
	t.Parallel()
	b, c := timed(t)
	j := b.job(t, messaging.NewJob{Timeout: 5 * time.Second})
	turn := b.claim(t, 1)[0]
	c.pass(5 * time.Second)
	if got := b.readJob(t, j.ID); got.Status != messaging.JobTimeout || got.Error == "" {
		t.Errorf("before a sweep: %+v", got)
	}
	b.sweep(t)
	if got := b.readJob(t, j.ID); got.Status != messaging.JobTimeout || !got.EndedAt.Equal(j.ExpiresAt) {
		t.Errorf("after a sweep: %+v", got)
	}
	_, err := b.FinishTurn(t.Context(), worker, turn, messaging.Outcome{Status: messaging.TurnReplied, Reply: &messaging.Reply{Content: "late"}})
	wantCode(t, err, apierr.Conflict)
}

// What is told about a job doesn't change any more: an answer that comes between its time and the sweep is too late.
func TestAnswerAfterTheTimeOfAJob(t *testing.T) {
	t.Parallel()
	b, c := timed(t)
	j := b.job(t, messaging.NewJob{Timeout: 5 * time.Second})
	turn := b.claim(t, 1)[0]
	c.pass(6 * time.Second)
	b.answer(t, turn, "late")
	for range 2 {
		if got := b.readJob(t, j.ID); got.Status != messaging.JobTimeout || got.Result != nil {
			t.Errorf("%+v", got)
		}
		b.sweep(t)
	}
}

func TestJobEndsWhenItsQuestionGoes(t *testing.T) {
	t.Parallel()
	for name, remove := range map[string]func(*bench, messaging.Job) error{
		"message": func(b *bench, j messaging.Job) error {
			return b.DeleteMessage(t.Context(), b.who, j.ChannelID, j.MessageID)
		},
		"messages": func(b *bench, j messaging.Job) error { return b.ClearChannel(t.Context(), b.who, j.ChannelID) },
		"channel":  func(b *bench, j messaging.Job) error { return b.DeleteChannel(t.Context(), b.who, j.ChannelID) },
		"agent": func(b *bench, j messaging.Job) error {
			return b.CancelAgentTurns(t.Context(), b.who, j.AgentID, "agent_stopped", "The agent was stopped")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, _ := timed(t)
			j := b.job(t, messaging.NewJob{})
			if err := remove(b, j); err != nil {
				t.Fatal(err)
			}
			if got := b.readJob(t, j.ID); got.Status != messaging.JobFailed || got.Error == "" {
				t.Errorf("%+v", got)
			}
		})
	}
}

// The result outlives the message that it was, and is kept for a day; then the channel goes too.
func TestJobIsKeptForADay(t *testing.T) {
	t.Parallel()
	b, c := timed(t)
	j := b.job(t, messaging.NewJob{})
	b.answer(t, b.claim(t, 1)[0], "because")
	if err := b.ClearChannel(t.Context(), b.who, j.ChannelID); err != nil {
		t.Fatal(err)
	}
	c.pass(24*time.Hour - time.Second)
	b.sweep(t)
	if got := b.readJob(t, j.ID); got.Result == nil || got.Result.Content != "because" {
		t.Errorf("%+v", got)
	}
	c.pass(time.Second)
	b.sweep(t)
	_, err := b.Job(t.Context(), b.who, j.ID, 0)
	wantCode(t, err, apierr.NotFound)
	_, err = b.Channel(t.Context(), b.who, j.ChannelID)
	wantCode(t, err, apierr.NotFound)
}

func TestWaitForAJob(t *testing.T) {
	t.Parallel()
	b := setup(t)
	j := b.job(t, messaging.NewJob{})
	short, err := b.Job(t.Context(), b.who, j.ID, 20*time.Millisecond)
	if err != nil || short.Status != messaging.JobProcessing {
		t.Errorf("%+v, %v", short, err)
	}
	waited := make(chan messaging.Job, 1)
	go func() {
		got, err := b.Job(t.Context(), b.who, j.ID, patience)
		if err != nil {
			t.Errorf("waiting: %v", err)
		}
		waited <- got
	}()
	b.answer(t, b.claim(t, 1)[0], "because")
	select {
	case got := <-waited:
		if got.Status != messaging.JobCompleted {
			t.Errorf("%+v", got)
		}
	case <-time.After(2 * patience):
		t.Fatal("nobody was told")
	}
	brief := b.job(t, messaging.NewJob{Timeout: time.Second})
	if got, err := b.Job(t.Context(), b.who, brief.ID, patience); err != nil || got.Status != messaging.JobTimeout {
		t.Errorf("its time was over: %+v, %v", got, err)
	}
}

func TestJobIsRefused(t *testing.T) {
	t.Parallel()
	b, _ := timed(t)
	idle := uuid.New()
	b.addAgent(t, idle, false)
	good := messaging.NewJob{UserID: b.user, Content: "why?"}
	for _, tt := range []struct {
		name   string
		change func(*messaging.NewJob)
		code   apierr.Code
	}{
		{"no user", func(n *messaging.NewJob) { n.UserID = uuid.Nil }, apierr.ValidationFailed},
		{"no content", func(n *messaging.NewJob) { n.Content = "" }, apierr.ValidationFailed},
		{"long content", func(n *messaging.NewJob) { n.Content = strings.Repeat("x", messaging.DefaultMaxContent+1) }, apierr.ValidationFailed},
		{"short time", func(n *messaging.NewJob) { n.Timeout = time.Millisecond }, apierr.ValidationFailed},
		{"long time", func(n *messaging.NewJob) { n.Timeout = time.Hour }, apierr.ValidationFailed},
		{"list as metadata", func(n *messaging.NewJob) { n.Metadata = json.RawMessage(`[]`) }, apierr.ValidationFailed},
		{"much metadata", func(n *messaging.NewJob) { n.Metadata = json.RawMessage(`{"x":"` + strings.Repeat("x", 10_000) + `"}`) }, apierr.ValidationFailed},
		{"unknown agent", func(n *messaging.NewJob) { n.AgentID = new(uuid.New()) }, apierr.AgentNotFound},
		{"idle agent", func(n *messaging.NewJob) { n.AgentID = &idle }, apierr.AgentNotFound},
		{"a callback where none are made", func(n *messaging.NewJob) { n.CallbackURL = "https://example.com" }, apierr.ValidationFailed},
		{"a secret for nothing", func(n *messaging.NewJob) { n.CallbackSecret = "s" }, apierr.ValidationFailed},
	} {
		n := good
		tt.change(&n)
		if _, err := b.CreateJob(t.Context(), b.who, n); !apierr.IsCode(err, tt.code) {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.code)
		}
	}
	listed, err := b.ServerChannels(t.Context(), b.who, messaging.DefaultServerID, messaging.ChannelQuery{IncludeInternal: true})
	if err != nil || len(listed.Channels) != 0 {
		t.Errorf("refused jobs left channels: %+v, %v", listed, err)
	}
	empty := setup(t)
	if err := empty.RemoveServerAgent(t.Context(), b.who, messaging.DefaultServerID, empty.agent); err != nil {
		t.Fatal(err)
	}
	_, err = empty.CreateJob(t.Context(), empty.who, messaging.NewJob{UserID: empty.user, Content: "why?"})
	wantCode(t, err, apierr.AgentNotFound)
}

func TestJobsAreListed(t *testing.T) {
	t.Parallel()
	b, c := timed(t)
	var ids []uuid.UUID
	for range 3 {
		ids = append(ids, b.job(t, messaging.NewJob{}).ID)
		c.pass(time.Second)
	}
	for _, turn := range b.claim(t, 3) {
		if turn.MessageID == b.readJob(t, ids[1]).MessageID {
			b.answer(t, turn, "because")
		}
	}
	got, counts, err := b.Jobs(t.Context(), b.who, messaging.JobQuery{Status: "completed"})
	if err != nil || len(got) != 1 || got[0].ID != ids[1] || counts.Total() != 3 || counts.ByStatus[messaging.JobCompleted] != 1 || counts.Took != 2*time.Second {
		t.Errorf("%+v, %+v, %v", got, counts, err)
	}
	if got, _, err = b.Jobs(t.Context(), b.who, messaging.JobQuery{Status: "whatever", Limit: 2}); err != nil || len(got) != 2 || got[0].ID != ids[2] {
		t.Errorf("%+v, %v", got, err)
	}
	if got, counts, err = b.Jobs(t.Context(), auth.Entity(uuid.New()), messaging.JobQuery{}); err != nil || len(got) != 0 || counts.Total() != 0 {
		t.Errorf("another's: %+v, %+v, %v", got, counts, err)
	}
}

// plain is a Sealer that only marks what it was given.
type plain struct{}

func (plain) Seal(owner string, values map[string]string) ([]byte, error) {
	return json.Marshal(map[string]string{"sealed for " + owner: strings.ToUpper(values["callback"])})
}

func (plain) Open(owner string, sealed []byte) (map[string]string, error) {
	var values map[string]string
	err := json.Unmarshal(sealed, &values)
	return map[string]string{"callback": strings.ToLower(values["sealed for "+owner])}, err
}

func TestCallbacks(t *testing.T) {
	t.Parallel()
	b, c := timed(t, func(cfg *messaging.Config) {
		cfg.Secrets = plain{}
		cfg.CheckCallback = func(url string) error {
			if url != "https://example.com" {
				return apierr.Wrap(errors.New("no"), apierr.ValidationFailed, "no")
			}
			return nil
		}
	})
	_, err := b.CreateJob(t.Context(), b.who, messaging.NewJob{UserID: b.user, Content: "why?", CallbackURL: "https://elsewhere"})
	wantCode(t, err, apierr.ValidationFailed)
	hints, err := b.CallbackWork()
	if err != nil {
		t.Fatal(err)
	}
	defer hints.Close()
	j := b.job(t, messaging.NewJob{CallbackURL: "https://example.com", CallbackSecret: "hush"})
	claim := func() []messaging.Callback {
		t.Helper()
		out, err := b.ClaimCallbacks(t.Context(), 9, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	if got := claim(); len(got) != 0 {
		t.Fatalf("too early: %+v", got)
	}
	b.answer(t, b.claim(t, 1)[0], "because")
	<-hints.C()
	got := claim()
	if len(got) != 1 || got[0].Secret != "hush" || got[0].Attempt != 1 || got[0].Job.ID != j.ID || got[0].Job.Status != messaging.JobCompleted {
		t.Fatalf("%+v", got)
	}
	if again := claim(); len(again) != 0 {
		t.Errorf("claimed twice: %+v", again)
	}
	c.pass(time.Minute)
	if got = claim(); len(got) != 1 || got[0].Attempt != 2 {
		t.Fatalf("an attempt that nobody settled: %+v", got)
	}
	retry := c.now.Add(time.Second)
	if err := b.SettleCallback(t.Context(), j.ID, 2, "busy", &retry); err != nil {
		t.Fatal(err)
	}
	at, ok, err := b.NextCallback(t.Context())
	if err != nil || !ok || !at.Equal(retry) {
		t.Errorf("next %v, %v, %v", at, ok, err)
	}
	c.pass(time.Second)
	claim()
	if err := b.SettleCallback(t.Context(), j.ID, 3, "", nil); err != nil {
		t.Fatal(err)
	}
	if cb := b.readJob(t, j.ID).Callback; cb == nil || cb.Pending || cb.Error != "" || cb.Attempts != 3 {
		t.Errorf("%+v", cb)
	}
	if _, ok, err := b.NextCallback(t.Context()); ok || err != nil {
		t.Errorf("still due: %v", err)
	}
}

package messaging_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/messaging/messagingtest"
)

func TestTurnsOfAMailboxRunInOrder(t *testing.T) {
	t.Parallel()
	b := messagingtest.New(t)
	c := b.DM(t)
	other, err := b.CreateChannel(t.Context(), b.Who, messaging.NewChannel{Name: "other", Type: messaging.TypeDM, Participants: []uuid.UUID{b.User, b.Agent}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		b.Say(t, messaging.Draft{ChannelID: c.ID, Content: fmt.Sprint("q", i)})
	}
	b.Say(t, messaging.Draft{ChannelID: other.ID, Content: "elsewhere"})
	turns := b.Claim(t, 10)
	if len(turns) != 2 {
		t.Fatalf("%d turns of two mailboxes claimed", len(turns))
	}
	for i := range 3 {
		for _, turn := range turns {
			b.Answer(t, turn, fmt.Sprint("a", i))
		}
		turns = b.Claim(t, 10)
	}
	if diff := cmp.Diff([]string{"q0", "q1", "q2", "a0", "a1", "a2"}, b.Texts(t, c.ID)); diff != "" {
		t.Error(diff)
	}
}

// Workers get a hint when a turn has ended for which another waited, and only then.
func TestEndOfATurnHintsAtWork(t *testing.T) {
	t.Parallel()
	b := messagingtest.New(t)
	work, err := b.Work()
	if err != nil {
		t.Fatal(err)
	}
	defer work.Close()
	hinted := func() bool {
		select {
		case <-work.C():
			return true
		default:
			return false
		}
	}
	c := b.DM(t)
	for _, q := range []string{"q0", "q1"} {
		b.Say(t, messaging.Draft{ChannelID: c.ID, Content: q})
		if !hinted() {
			t.Errorf("no hint at %s", q)
		}
	}
	for _, waits := range []bool{true, false} {
		b.Answer(t, b.Claim(t, 1)[0], "a")
		if got := hinted(); got != waits {
			t.Errorf("hint %v, while another waited: %v", got, waits)
		}
	}
}

// An agent that has left the channel says nothing there any more, and the other agents are not asked in its place.
func TestTurnsOfAnAgentThatLeft(t *testing.T) {
	t.Parallel()
	b := messagingtest.New(t)
	c := b.DM(t)
	b.Say(t, messaging.Draft{ChannelID: c.ID, Content: "hello"})
	turn := b.Claim(t, 1)[0]
	other := uuid.New()
	b.Join(t, other, true)
	if err := b.AddAgent(t.Context(), b.Who, c.ID, other); err != nil {
		t.Fatal(err)
	}
	if err := b.RemoveAgent(t.Context(), b.Who, c.ID, b.Agent); err != nil {
		t.Fatal(err)
	}
	_, err := b.FinishTurn(t.Context(), messagingtest.Worker, turn, messaging.Outcome{
		Status: messaging.TurnReplied, Reply: &messaging.Reply{Content: "Goodbye.", AuthorName: "Agent"},
	})
	if !apierr.IsCode(err, apierr.Conflict) {
		t.Errorf("finishing its turn: %v", err)
	}
	if got := b.Texts(t, c.ID); len(got) != 1 {
		t.Errorf("said: %q", got)
	}
	if turns := b.Claim(t, 1); len(turns) != 0 {
		t.Errorf("another agent is to answer: %+v", turns)
	}
}

func TestTurnContextShowsTheConversationAsItShouldBe(t *testing.T) {
	t.Parallel()
	b := messagingtest.New(t)
	c := b.DM(t)
	for _, q := range []string{"q0", "q1", "q2"} {
		b.Say(t, messaging.Draft{ChannelID: c.ID, Content: q})
	}
	b.Answer(t, b.Claim(t, 1)[0], "a0")
	turn := b.Claim(t, 1)[0]
	got, err := b.TurnContext(t.Context(), turn, 32)
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, m := range got.Recent {
		texts = append(texts, m.Content)
	}
	if diff := cmp.Diff([]string{"q0", "a0", "q1"}, texts); diff != "" {
		t.Error(diff)
	}
	if got.Trigger.Content != "q1" || len(got.Channel.Participants) != 2 {
		t.Errorf("context %+v", got)
	}
}

func TestLeasePasses(t *testing.T) {
	t.Parallel()
	now := time.Now()
	b := messagingtest.New(t, func(c *messaging.Config) { c.Now = func() time.Time { return now } })
	c := b.DM(t)
	b.Say(t, messaging.Draft{ChannelID: c.ID, Content: "hello"})
	first := b.Claim(t, 1)[0]
	if again := b.Claim(t, 1); len(again) != 0 {
		t.Fatal("a leased turn was claimed")
	}
	now = now.Add(messagingtest.Lease + time.Second)
	taken, err := b.ClaimTurns(t.Context(), "worker-2", 1, 0, messagingtest.Lease)
	if err != nil || len(taken) != 1 || taken[0].ID != first.ID || taken[0].Attempts != 2 || taken[0].ResponseID != first.ResponseID {
		t.Fatalf("after the lease: %+v, %v", taken, err)
	}
	_, err = b.FinishTurn(t.Context(), messagingtest.Worker, first, messaging.Outcome{Status: messaging.TurnReplied, Reply: &messaging.Reply{Content: "late"}})
	messagingtest.WantCode(t, err, apierr.Conflict)
	if _, err := b.FinishTurn(t.Context(), "worker-2", taken[0], messaging.Outcome{Status: messaging.TurnReplied, Reply: &messaging.Reply{Content: "hi"}}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"hello", "hi"}, b.Texts(t, c.ID)); diff != "" {
		t.Error(diff)
	}
}

func TestPrepareReleasesTurnsOfADeadProcess(t *testing.T) {
	t.Parallel()
	b := messagingtest.New(t)
	c := b.DM(t)
	b.Say(t, messaging.Draft{ChannelID: c.ID, Content: "hello"})
	b.Claim(t, 1)
	if err := b.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	if again := b.Claim(t, 1); len(again) != 1 || again[0].Attempts != 2 {
		t.Errorf("after a restart: %+v", again)
	}
}

func TestReleaseAndRenew(t *testing.T) {
	t.Parallel()
	now := time.Now()
	b := messagingtest.New(t, func(c *messaging.Config) { c.Now = func() time.Time { return now } })
	b.Say(t, messaging.Draft{ChannelID: b.DM(t).ID, Content: "hello"})
	turn := b.Claim(t, 1)[0]
	now = now.Add(messagingtest.Lease - time.Second)
	other := uuid.New()
	if lost, _, err := b.RenewTurns(t.Context(), messagingtest.Worker, []uuid.UUID{turn.ID, other}, messagingtest.Lease); err != nil || !slices.Equal(lost, []uuid.UUID{other}) {
		t.Fatalf("RenewTurns lost %v, %v; want the turn that is not ours", lost, err)
	}
	now = now.Add(messagingtest.Lease - time.Second)
	if again := b.Claim(t, 1); len(again) != 0 {
		t.Fatal("a renewed lease passed")
	}
	if err := b.ReleaseTurn(t.Context(), "somebody else", turn); err != nil {
		t.Fatal(err)
	}
	if again := b.Claim(t, 1); len(again) != 0 {
		t.Error("another owner released the turn")
	}
	for _, release := range []func() error{
		func() error { return b.ReleaseTurn(t.Context(), messagingtest.Worker, turn) },
		func() error { return b.ReleaseTurns(t.Context(), messagingtest.Worker) },
	} {
		if err := release(); err != nil {
			t.Fatal(err)
		}
		if again := b.Claim(t, 1); len(again) != 1 {
			t.Error("a released turn can't be claimed")
		}
	}
}

func TestPolicies(t *testing.T) {
	t.Parallel()
	type states = map[string]messaging.TurnStatus
	tests := []struct {
		policy messaging.Policy
		refuse bool
		want   states // after: m0 running, then m1 and m2 posted
	}{
		{messaging.PolicyQueue, false, states{"m0": "running", "m1": "queued", "m2": "queued"}},
		{messaging.PolicyLatest, false, states{"m0": "superseded", "m1": "superseded", "m2": "queued"}},
		{messaging.PolicyMerge, false, states{"m0": "running", "m1": "superseded", "m2": "queued"}},
		{messaging.PolicyReject, true, states{"m0": "running"}},
	}
	for _, tt := range tests {
		t.Run(string(tt.policy), func(t *testing.T) {
			t.Parallel()
			b := messagingtest.New(t)
			c, err := b.UpdateChannel(t.Context(), b.Who, b.DM(t).ID, messaging.ChannelPatch{Policy: &tt.policy})
			if err != nil {
				t.Fatal(err)
			}
			ended, err := b.EndedTurns()
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(ended.Close)
			b.Say(t, messaging.Draft{ChannelID: c.ID, Content: "m0"})
			running := b.Claim(t, 1)[0]
			for _, text := range []string{"m1", "m2"} {
				_, err := b.Post(t.Context(), b.Who, messaging.Draft{ChannelID: c.ID, Content: text})
				if tt.refuse {
					messagingtest.WantCode(t, err, apierr.QueueFull)
				} else if err != nil {
					t.Fatal(err)
				}
			}
			got := states{}
			runs, _, err := b.Runs(t.Context(), b.Who, b.Agent, messaging.RunQuery{})
			if err != nil {
				t.Fatal(err)
			}
			texts := map[uuid.UUID]string{}
			h, err := b.History(t.Context(), b.Who, c.ID, messaging.HistoryQuery{})
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range h.Messages {
				texts[m.ID] = m.Content
			}
			for _, r := range runs {
				got[texts[r.MessageID]] = r.Status
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			if tt.policy != messaging.PolicyLatest {
				return
			}
			ids, err := messaging.DecodeTurnIDs(<-ended.C())
			if err != nil || len(ids) != 1 || ids[0] != running.ID {
				t.Errorf("the owner of the turn gets %v, %v", ids, err)
			}
		})
	}
}

func TestMailboxLimit(t *testing.T) {
	t.Parallel()
	b := messagingtest.New(t, func(c *messaging.Config) { c.MailboxLimit = 3 })
	c := b.DM(t)
	for range 3 {
		b.Say(t, messaging.Draft{ChannelID: c.ID, Content: "x"})
	}
	_, err := b.Post(t.Context(), b.Who, messaging.Draft{ChannelID: c.ID, Content: "one too many"})
	messagingtest.WantCode(t, err, apierr.QueueFull)
	b.Answer(t, b.Claim(t, 1)[0], "y")
	b.Say(t, messaging.Draft{ChannelID: c.ID, Content: "fits again"})
}

func TestDeletionsCancelTurns(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		act  func(b *messagingtest.Bench, t *testing.T, c messaging.Channel, m messaging.Message) error
		want string
	}{
		{"message", func(b *messagingtest.Bench, t *testing.T, c messaging.Channel, m messaging.Message) error {
			return b.DeleteMessage(t.Context(), b.Who, c.ID, m.ID)
		}, "message_deleted"},
		{"history", func(b *messagingtest.Bench, t *testing.T, c messaging.Channel, _ messaging.Message) error {
			return b.ClearChannel(t.Context(), b.Who, c.ID)
		}, "channel_cleared"},
		{"agent", func(b *messagingtest.Bench, t *testing.T, _ messaging.Channel, _ messaging.Message) error {
			return b.CancelAgentTurns(t.Context(), b.Agent, "agent_stopped", "The agent was stopped")
		}, "agent_stopped"},
		{"channel", func(b *messagingtest.Bench, t *testing.T, c messaging.Channel, _ messaging.Message) error {
			return b.DeleteChannel(t.Context(), b.Who, c.ID)
		}, "channel_deleted"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := messagingtest.New(t)
			c := b.DM(t)
			m := b.Say(t, messaging.Draft{ChannelID: c.ID, Content: "hello"}).Message
			turn := b.Claim(t, 1)[0]
			sub := messagingtest.Follow(t, b, c.ID)
			if err := tt.act(b, t, c, m); err != nil {
				t.Fatal(err)
			}
			if e := messagingtest.Next(t, sub); e.Type != messaging.EventTurnEnded || e.Turn.Status != messaging.TurnCancelled || e.Turn.Reason != tt.want {
				t.Errorf("event %+v", e)
			}
			_, err := b.FinishTurn(t.Context(), messagingtest.Worker, turn, messaging.Outcome{Status: messaging.TurnReplied, Reply: &messaging.Reply{Content: "too late"}})
			messagingtest.WantCode(t, err, apierr.Conflict)
			for _, text := range b.Texts(t, c.ID) {
				if text == "too late" {
					t.Error("the late reply was stored")
				}
			}
		})
	}
}

func TestRunRecord(t *testing.T) {
	t.Parallel()
	b := messagingtest.New(t)
	c := b.DM(t)
	m := b.Say(t, messaging.Draft{ChannelID: c.ID, Content: "hello"}).Message
	turn := b.Claim(t, 1)[0]
	at := time.UnixMilli(time.Now().UnixMilli())
	log := []messaging.TurnLogEntry{
		{Type: messaging.LogRunStarted, At: at, Data: []byte(`{"source":"test"}`)},
		{Type: messaging.LogModelUsed, At: at, Data: []byte(`{"error":"HTTP 500"}`)},
		{Type: messaging.LogRunEnded, At: at, Data: []byte(`{"status":"error","error":"The model is down"}`)},
	}
	if _, err := b.FinishTurn(t.Context(), messagingtest.Worker, turn, messaging.Outcome{
		Status: messaging.TurnFailed, Reason: "model_error", Detail: "The model is down", CharacterVersion: 3, Log: log,
	}); err != nil {
		t.Fatal(err)
	}
	run, got, err := b.Run(t.Context(), b.Who, b.Agent, turn.ID)
	if err != nil {
		t.Fatal(err)
	}
	if run.MessageID != m.ID || run.Status != messaging.TurnFailed || run.Detail != "The model is down" || run.EndedAt == nil ||
		run.Counts != (messaging.Counts{ModelCalls: 1, Errors: 1}) {
		t.Errorf("run %+v", run)
	}
	if len(got) != len(log) || got[1].Type != messaging.LogModelUsed || !got[1].At.Equal(at) {
		t.Errorf("log %+v", got)
	}
	_, _, err = b.Run(t.Context(), b.Who, uuid.New(), turn.ID)
	messagingtest.WantCode(t, err, apierr.NotFound)
	for status, want := range map[string]int{"": 1, "error": 1, "completed": 0, "started": 0, "timeout": 0} {
		if _, n, err := b.Runs(t.Context(), b.Who, b.Agent, messaging.RunQuery{Status: status}); err != nil || n != want {
			t.Errorf("runs with status %q: %d, %v; want %d", status, n, err, want)
		}
	}
}

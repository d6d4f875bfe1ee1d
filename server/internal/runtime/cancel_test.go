package runtime_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/bus"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/modeltest"
	"github.com/elizad/elizad/server/internal/runtime"
)

// writing returns a bench whose agent is in the middle of a reply: "One " was shown, the rest waits for the gate.
func writing(t *testing.T, change ...func(*runtime.Config)) (b *bench, ada uuid.UUID, dm messaging.Channel, turn messaging.Turn, gate, left chan struct{}) {
	t.Helper()
	gate, left = make(chan struct{}), make(chan struct{})
	sent := make(chan int, 10)
	first := modeltest.Script{
		Chunks: []string{"<response><actions>REPLY</actions><text>One ", "two.</text></response>"},
		Gates:  map[int]<-chan struct{}{1: gate}, Sent: sent, Left: left,
	}
	_, models := scripted(t, inOrder(first, modeltest.Frame("From the second try.")))
	b = running(t, models, change...)
	ada = b.agent(t, "Ada", "")
	dm = b.dm(t, ada)
	p, err := b.messages.Post(t.Context(), b.who, b.draft(dm, "count"))
	if err != nil {
		t.Fatal(err)
	}
	<-sent
	return b, ada, dm, p.Turns[0], gate, left
}

func TestRunIsBrokenOff(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		how    func(b *bench, ada uuid.UUID, dm messaging.Channel, turn messaging.Turn) error
		status messaging.TurnStatus
		reason string
		left   []string // in the channel
	}{
		"agent stopped": {func(b *bench, ada uuid.UUID, _ messaging.Channel, _ messaging.Turn) error {
			_, err := b.Agents().Stop(context.Background(), b.who, ada)
			return err
		}, messaging.TurnCancelled, "agent_stopped", []string{"count"}},
		"message deleted": {func(b *bench, _ uuid.UUID, dm messaging.Channel, turn messaging.Turn) error {
			return b.messages.DeleteMessage(context.Background(), b.who, dm.ID, turn.MessageID)
		}, messaging.TurnCancelled, "message_deleted", []string{}},
		"channel cleared": {func(b *bench, _ uuid.UUID, dm messaging.Channel, _ messaging.Turn) error {
			return b.messages.ClearChannel(context.Background(), b.who, dm.ID)
		}, messaging.TurnCancelled, "channel_cleared", []string{}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, ada, dm, turn, _, left := writing(t)
			if err := tt.how(b, ada, dm, turn); err != nil {
				t.Fatal(err)
			}
			select {
			case <-left: // the model doesn't go on writing an answer without a reader
			case <-time.After(patience):
				t.Fatal("the model's connection is still open")
			}
			if got := b.ended(t, turn); got.Status != tt.status || got.Reason != tt.reason || got.ReplyID != nil {
				t.Errorf("turn = %+v", got)
			}
			if diff := cmp.Diff(tt.left, b.texts(t, dm.ID)); diff != "" {
				t.Errorf("channel (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNewerMessageReplacesARun(t *testing.T) {
	t.Parallel()
	b, ada, dm, turn, _, left := writing(t)
	if _, err := b.messages.UpdateChannel(t.Context(), b.who, dm.ID, messaging.ChannelPatch{Policy: new(messaging.PolicyLatest)}); err != nil {
		t.Fatal(err)
	}
	got := b.say(t, ada, b.draft(dm, "forget it"))
	<-left
	if got.reply() != "From the second try." {
		t.Errorf("reply %q", got.reply())
	}
	if turn := b.ended(t, turn); turn.Status != messaging.TurnSuperseded {
		t.Errorf("first turn = %+v", turn)
	}
	if diff := cmp.Diff([]string{"count", "forget it", "From the second try."}, b.texts(t, dm.ID)); diff != "" {
		t.Errorf("channel (-want +got):\n%s", diff)
	}
}

func TestDeletedAgentLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	b, ada, dm, _, _, left := writing(t)
	if err := b.Agents().Delete(t.Context(), b.who, ada); err != nil {
		t.Fatal(err)
	}
	<-left
	if diff := cmp.Diff([]string{"count"}, b.texts(t, dm.ID)); diff != "" {
		t.Errorf("channel (-want +got):\n%s", diff)
	}
}

func TestStopLetsRunsFinish(t *testing.T) {
	t.Parallel()
	b, _, dm, turn, gate, _ := writing(t)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		b.stop(t, b.Service)
	}()
	if _, err := b.messages.Post(t.Context(), b.who, b.draft(dm, "too late")); err != nil {
		t.Fatal(err)
	}
	close(gate)
	<-stopped
	if got := b.ended(t, turn); got.Status != messaging.TurnReplied {
		t.Errorf("turn = %+v", got)
	}
}

// A run that doesn't finish in time is released, and the next server answers the message, once.
func TestStopReleasesTurns(t *testing.T) {
	t.Parallel()
	b, _, dm, turn, _, left := writing(t)
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if err := b.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	<-left
	run, _, err := b.messages.Run(t.Context(), b.who, turn.AgentID, turn.ID)
	if err != nil || run.Status != messaging.TurnQueued {
		t.Fatalf("turn = %+v, %v", run, err)
	}
	next, err := runtime.New(b.config)
	if err != nil {
		t.Fatal(err)
	}
	b.start(t, next)
	if got := b.ended(t, turn); got.Status != messaging.TurnReplied || got.Attempts != 2 {
		t.Errorf("turn = %+v", got)
	}
	if got := b.texts(t, dm.ID); strings.Join(got, "|") != "count|From the second try." {
		t.Errorf("channel = %q", got)
	}
}

func TestRunningAgentsRunAfterARestart(t *testing.T) {
	t.Parallel()
	_, models := scripted(t, always(modeltest.Frame("still here")))
	b := running(t, models)
	ada, bob := b.agent(t, "Ada", ""), b.agent(t, "Bob", "")
	if _, err := b.Agents().Stop(t.Context(), b.who, bob); err != nil {
		t.Fatal(err)
	}
	b.stop(t, b.Service)
	again, err := runtime.New(b.config)
	if err != nil {
		t.Fatal(err)
	}
	b.Service = again
	b.start(t, again)
	if got := b.say(t, ada, b.draft(b.dm(t, ada), "hello")); got.reply() != "still here" {
		t.Errorf("turn = %+v", got.Turn)
	}
	p, err := b.messages.Post(t.Context(), b.who, b.draft(b.dm(t, bob), "hello"))
	if err != nil || len(p.Turns) != 0 || p.Message.Unhandled != messaging.UnhandledAgentStopped {
		t.Errorf("a stopped agent: %+v, %v", p, err)
	}
}

func TestStartAndStopInAnyOrder(t *testing.T) {
	t.Parallel()
	b := setup(t, builtin(t))
	b.stop(t, b.Service)
	if err := b.Start(t.Context()); err == nil {
		t.Error("started after it was stopped")
	}
	b.stop(t, b.Service)
}

// elsewhere is the messaging of another node on the same database, whose events don't reach the bench.
func elsewhere(t *testing.T, b *bench) *messaging.Service {
	t.Helper()
	far := bus.NewLocal()
	t.Cleanup(func() { _ = far.Close() })
	return messaging.New(messaging.Config{Store: b.store, Bus: far})
}

// A worker that doesn't hear of a cancellation finds it when it renews its lease.
func TestCancellationIsFoundByTheRenewal(t *testing.T) {
	t.Parallel()
	b, _, dm, turn, _, left := writing(t, func(c *runtime.Config) { c.Lease = 300 * time.Millisecond })
	turns, err := elsewhere(t, b).CancelAnswer(t.Context(), b.who, dm.ID, turn.MessageID)
	if err != nil || len(turns) != 1 || turns[0].Status != messaging.TurnRunning {
		t.Fatalf("turns %+v, %v", turns, err)
	}
	<-left
	if got := b.ended(t, turn); got.Status != messaging.TurnCancelled || got.Reason != messaging.CancelReason || got.ReplyID == nil {
		t.Errorf("turn = %+v", got)
	}
	if diff := cmp.Diff([]string{"count", "One"}, b.texts(t, dm.ID)); diff != "" {
		t.Errorf("channel (-want +got):\n%s", diff)
	}
}

// A turn whose worker stopped before it could cancel it is cancelled by the next, without another call of a model.
func TestCancellationOutlivesTheWorker(t *testing.T) {
	t.Parallel()
	b, _, dm, turn, _, _ := writing(t, func(c *runtime.Config) { c.Lease = time.Hour })
	if _, err := elsewhere(t, b).CancelAnswer(t.Context(), b.who, dm.ID, turn.MessageID); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if err := b.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	next, err := runtime.New(b.config)
	if err != nil {
		t.Fatal(err)
	}
	b.start(t, next)
	if got := b.ended(t, turn); got.Status != messaging.TurnCancelled || got.Reason != messaging.CancelReason || got.Attempts != 2 {
		t.Errorf("turn = %+v", got)
	}
	if diff := cmp.Diff([]string{"count"}, b.texts(t, dm.ID)); diff != "" {
		t.Errorf("channel (-want +got):\n%s", diff)
	}
}

// A reply that is cancelled while the model goes on with it, because it was cut off, is no finished one.
func TestCancelOfAContinuation(t *testing.T) {
	t.Parallel()
	sent, left := make(chan int, 10), make(chan struct{})
	_, models := scripted(t, inOrder(
		modeltest.Script{Chunks: []string{"<response><actions>REPLY</actions><text>One "}, Finish: "length"},
		modeltest.Script{Chunks: []string{"<response><text>two ", "three.</text></response>"}, Gates: map[int]<-chan struct{}{1: make(chan struct{})}, Sent: sent, Left: left},
	))
	b := running(t, models)
	dm := b.dm(t, b.agent(t, "Ada", ""))
	p, err := b.messages.Post(t.Context(), b.who, b.draft(dm, "count"))
	if err != nil {
		t.Fatal(err)
	}
	<-sent
	if _, err := b.messages.CancelAnswer(t.Context(), b.who, dm.ID, p.Message.ID); err != nil {
		t.Fatal(err)
	}
	<-left
	if got := b.ended(t, p.Turns[0]); got.Status != messaging.TurnCancelled {
		t.Errorf("turn = %+v", got)
	}
	if got := b.texts(t, dm.ID); len(got) != 2 || !strings.HasPrefix(got[1], "One") {
		t.Errorf("channel %q", got)
	}
}

package runtime_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/runtime"
)

// A clock that jumps makes every lease look expired, or held for ever. Runs go on, once.
func TestClockThatJumpsDoesNotDisturbARun(t *testing.T) {
	t.Parallel()
	for name, jumps := range map[string][]time.Duration{
		"forward":           {time.Hour},
		"back":              {-time.Hour},
		"forward and back":  {time.Hour, 0},
		"back and forth":    {-time.Hour, time.Hour, 0, 2 * time.Hour},
		"day after day":     {24 * time.Hour, 48 * time.Hour, 72 * time.Hour},
		"less than a lease": {10 * time.Second, 20 * time.Second, 30 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, ada, dm, turn, gate, _ := writing(t)
			for _, ahead := range jumps {
				b.ahead.Store(int64(ahead))
				// A turn beside it is claimed by the clock as it is now.
				other := b.group(t, ada)
				if got := b.say(t, ada, b.draft(other, "Ada, are you there?")); got.reply() != "From the second try." {
					t.Fatalf("beside it: %+v\n%s", got, b.log)
				}
			}
			close(gate)
			if got := b.ended(t, turn); got.Status != messaging.TurnReplied || got.Attempts != 1 {
				t.Errorf("turn = %+v", got)
			}
			if diff := cmp.Diff([]string{"count", "One two."}, b.texts(t, dm.ID)); diff != "" {
				t.Errorf("channel (-want +got):\n%s", diff)
			}
		})
	}
}

// A turn that another process claimed while this one was suspended belongs to that process: the run here ends without a reply.
func TestRunWithALostLeaseIsCancelled(t *testing.T) {
	t.Parallel()
	b, _, dm, turn, _, left := writing(t, func(c *runtime.Config) { c.Lease = 300 * time.Millisecond })
	b.ahead.Store(int64(time.Hour))
	var taken []messaging.Turn
	for deadline := time.Now().Add(patience); len(taken) == 0 && time.Now().Before(deadline); {
		var err error
		if taken, err = b.other().ClaimTurns(t.Context(), "other", 1, 0, time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	if len(taken) != 1 || taken[0].ID != turn.ID {
		t.Fatalf("the other process claimed %+v", taken)
	}
	select {
	case <-left:
	case <-time.After(patience):
		t.Fatalf("the model is still asked for a turn that was lost\n%s", b.log)
	}
	if _, err := b.messages.FinishTurn(t.Context(), "other", taken[0], messaging.Outcome{Status: messaging.TurnReplied, Reply: &messaging.Reply{Content: "From elsewhere."}}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"count", "From elsewhere."}, b.texts(t, dm.ID)); diff != "" {
		t.Errorf("channel (-want +got):\n%s", diff)
	}
}

// other is the message store as a process sees it whose clock is a day ahead, so that every lease has passed.
func (b *bench) other() *messaging.Service {
	return messaging.New(messaging.Config{Store: b.store, Bus: b.bus, Now: func() time.Time { return time.Now().Add(24 * time.Hour) }})
}

// A claim whose response was lost leaves a turn that is ours and doesn't run. It is claimed again once its lease has expired.
func TestAbandonedTurnIsClaimed(t *testing.T) {
	t.Parallel()
	b := setup(t, builtin(t), func(c *runtime.Config) { c.Owner, c.Lease = "we", 300*time.Millisecond })
	ada := b.agent(t, "Ada", "")
	p, err := b.messages.Post(t.Context(), b.who, b.draft(b.dm(t, ada), "hello"))
	if err != nil {
		t.Fatal(err)
	}
	if turns, err := b.messages.ClaimTurns(t.Context(), "we", 1, 0, time.Second); err != nil || len(turns) != 1 {
		t.Fatalf("claimed %v, %v", turns, err)
	}
	b.start(t, b.Service)
	b.say(t, ada, b.draft(b.group(t, ada), "Ada, are you there?"))
	if turn := b.ended(t, p.Turns[0]); turn.Status != messaging.TurnReplied {
		t.Errorf("turn = %+v", turn)
	}
}

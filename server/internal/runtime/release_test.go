package runtime_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/runtime"
)

// brokenOnce is a database that can't be read at the first attempt at a turn, and that confirms the turn's release only after
// the dispatcher has handled its next claim.
type brokenOnce struct {
	*messaging.Service
	reads  atomic.Int32
	claims chan bool     // whether a claim brought a turn
	ended  chan struct{} // closed when the turn has ended
}

func (m *brokenOnce) TurnContext(ctx context.Context, t messaging.Turn, recent int) (messaging.TurnContext, error) {
	if m.reads.Add(1) == 1 {
		return messaging.TurnContext{}, apierr.New(apierr.Unavailable, "The database is not available")
	}
	return m.Service.TurnContext(ctx, t, recent)
}

func (m *brokenOnce) ClaimTurns(ctx context.Context, owner string, n, perSender int, lease time.Duration) ([]messaging.Turn, error) {
	turns, err := m.Service.ClaimTurns(ctx, owner, n, perSender, lease)
	m.claims <- len(turns) > 0
	return turns, err
}

func (m *brokenOnce) ReleaseTurn(ctx context.Context, owner string, t messaging.Turn) error {
	for len(m.claims) > 0 { // including that of the first attempt
		<-m.claims
	}
	err := m.Service.ReleaseTurn(ctx, owner, t)
	for taken := false; !taken; {
		taken = <-m.claims
	}
	select {
	case <-m.claims: // the dispatcher claims again after it has started what it got
	case <-m.ended:
	}
	return err
}

// A turn whose run failed on the database is claimed again as soon as it is free, even by the server that releases it and has
// not completed that. Its lease never expires here.
func TestTurnGivenBackIsTakenAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t, builtin(t))
	m := &brokenOnce{Service: b.messages, claims: make(chan bool, 1000), ended: make(chan struct{})}
	b.config.Messages, b.config.Lease = m, 24*time.Hour
	s, err := runtime.New(b.config)
	if err != nil {
		t.Fatal(err)
	}
	b.Service = s
	ada := b.agent(t, "Ada", "")
	b.start(t, s)
	got := b.say(t, ada, b.draft(b.dm(t, ada), "Hello"))
	close(m.ended)
	if got.Turn.Status != messaging.TurnReplied || got.Turn.Attempts != 2 {
		t.Errorf("turn %+v", got.Turn)
	}
}

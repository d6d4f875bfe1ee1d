package storetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/apierr"
)

// randomOps does to a few mailboxes whatever can be done to them, at random.
type randomOps struct {
	*fixture
	agents, channels, senders []uuid.UUID

	mu    sync.Mutex
	turns []db.Turn // all that were ever queued, as they were then
}

func newRandomOps(t *testing.T, f *fixture) *randomOps {
	t.Helper()
	c := &randomOps{fixture: f}
	server := f.server(t)
	for range 3 {
		c.agents = append(c.agents, f.agent(t, "Ann"))
		c.channels = append(c.channels, f.channel(t, server))
		c.senders = append(c.senders, uuid.New())
	}
	return c
}

// step does one thing as owner.
func (c *randomOps) step(ctx context.Context, random *rand.Rand, owner string) error {
	pick := func(ids []uuid.UUID) uuid.UUID { return ids[random.IntN(len(ids))] }
	agent, channel, sender := pick(c.agents), pick(c.channels), pick(c.senders)
	var queued []db.Turn
	var do func(q db.System) error
	switch random.IntN(16) {
	default:
		do = func(q db.System) error { // a message to one agent, or to all
			queued = nil
			message, err := post(ctx, q, newMessage(channel, sender, "x"), start)
			if err != nil {
				return err
			}
			for i := range 1 + random.IntN(len(c.agents)) {
				turn, err := insertTurn(q, ctx, newTurn(c.agents[i], message))
				if err != nil {
					return err
				}
				queued = append(queued, turn)
			}
			return nil
		}
	case 0, 1, 2, 3, 4:
		do = func(q db.System) error {
			_, err := claimTurns(owner)(q, ctx, db.ListClaimableTurnsParams{Now: start + dbtype.Millis(random.IntN(3))*lease, MaxPerSender: 4, MaxTurns: 2, AfterSender: sender})
			return err
		}
	case 5, 6, 7:
		turn, ok := c.any(random)
		if !ok {
			return nil
		}
		do = func(q db.System) error {
			_, err := q.FinishTurn(ctx, db.FinishTurnParams{ID: turn.ID, Owner: owner, Status: "replied", EndedAt: new(start)})
			return err
		}
	case 8:
		turn, ok := c.any(random)
		if !ok {
			return nil
		}
		do = func(q db.System) error {
			if random.IntN(2) == 0 {
				_, err := q.EndQueuedTurn(ctx, db.EndQueuedTurnParams{ID: turn.ID, NewStatus: "cancelled", EndedAt: new(start)})
				return err
			}
			_, err := q.EndMessageTurns(ctx, db.EndMessageTurnsParams{MessageID: turn.MessageID, NewStatus: "cancelled", EndedAt: new(start)})
			return err
		}
	case 9:
		do = func(q db.System) error {
			_, err := q.EndMailboxTurns(ctx, db.EndMailboxTurnsParams{AgentID: agent, ChannelID: channel, QueuedOnly: random.IntN(2) == 0, NewStatus: "superseded", EndedAt: new(start)})
			return err
		}
	case 10:
		do = func(q db.System) error {
			_, err := q.ReleaseTurnLeases(ctx, owner)
			return err
		}
	case 11:
		if random.IntN(4) > 0 {
			return nil
		}
		do = func(q db.System) error {
			if random.IntN(2) == 0 {
				_, err := q.EndChannelTurns(ctx, db.EndChannelTurnsParams{ChannelID: channel, NewStatus: "cancelled", EndedAt: new(start)})
				return err
			}
			_, err := q.EndAgentTurns(ctx, db.EndAgentTurnsParams{AgentID: agent, NewStatus: "cancelled", EndedAt: new(start)})
			return err
		}
	}
	err := c.SystemUpdate(ctx, do)
	if apierr.IsCode(err, apierr.NotFound) {
		return nil // the turn is another's
	}
	if err == nil {
		c.mu.Lock()
		c.turns = append(c.turns, queued...)
		c.mu.Unlock()
	}
	return err
}

func (c *randomOps) any(random *rand.Rand) (db.Turn, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.turns) == 0 {
		return db.Turn{}, false
	}
	last := min(len(c.turns), 40)
	return c.turns[len(c.turns)-1-random.IntN(last)], true
}

// check compares the marks with what the turns say.
func (c *randomOps) check(t *testing.T) {
	t.Helper()
	type mailbox struct{ agent, channel uuid.UUID }
	first := map[mailbox]db.Turn{}
	var active []db.Turn
	c.view(t, func(ctx context.Context, q db.System) error {
		for _, turn := range c.turns {
			turn, err := q.GetTurn(ctx, turn.ID)
			if err != nil {
				return err
			}
			if turn.Status != "queued" && turn.Status != "running" {
				continue
			}
			active = append(active, turn)
			box := mailbox{turn.AgentID, turn.ChannelID}
			if head, ok := first[box]; !ok || turn.Seq < head.Seq {
				first[box] = turn
			}
		}
		return nil
	})
	for _, turn := range active {
		want := first[mailbox{turn.AgentID, turn.ChannelID}].ID == turn.ID
		if turn.Head != want {
			t.Errorf("turn %d of a mailbox, %s: marked as its head %t, want %t", turn.Seq, turn.Status, turn.Head, want)
		}
		if turn.Status == "running" && !want {
			t.Errorf("turn %d runs behind another", turn.Seq)
		}
	}
}

func testHeads(t *testing.T, setup func(t *testing.T) *fixture) {
	t.Run("marked after each step", func(t *testing.T) {
		c := newRandomOps(t, setup(t))
		seed := rand.Uint64()
		random := rand.New(rand.NewPCG(seed, 1))
		for i := range 400 {
			if err := c.step(t.Context(), random, "node"); err != nil {
				t.Fatalf("step %d with seed %d: %v", i, seed, err)
			}
			if i%5 == 0 {
				c.check(t)
			}
			if t.Failed() {
				t.Fatalf("after step %d with seed %d", i, seed)
			}
		}
	})

	t.Run("marked after many at once", func(t *testing.T) {
		c := newRandomOps(t, setup(t))
		for round := range 20 {
			var group sync.WaitGroup
			for node := range 6 {
				group.Go(func() {
					random := rand.New(rand.NewPCG(uint64(round), uint64(node)))
					for range 10 {
						if err := c.step(t.Context(), random, fmt.Sprint("node-", node)); err != nil {
							t.Errorf("a step: %v", err)
						}
					}
				})
			}
			group.Wait()
			c.check(t)
			if t.Failed() {
				t.Fatalf("in round %d", round)
			}
		}
	})

	t.Run("one sender's many hide no other sender", func(t *testing.T) {
		f := setup(t)
		server, flood := f.server(t), uuid.New()
		f.update(t, func(ctx context.Context, q db.System) error {
			agent, err := q.InsertAgent(ctx, newAgent("Ann"))
			if err != nil {
				return err
			}
			for i := range 40 {
				sender, channel := flood, newChannel(server, "c")
				if i >= 30 {
					sender = uuid.New()
				}
				if _, err := q.InsertChannel(ctx, channel); err != nil {
					return err
				}
				message, err := post(ctx, q, newMessage(channel.ID, sender, "x"), start+dbtype.Millis(i))
				if err != nil {
					return err
				}
				if err := q.InsertTurn(ctx, newTurn(agent.ID, message)); err != nil {
					return err
				}
			}
			return nil
		})
		// The first gets two, so that only the others are left to be claimed, one by one.
		arg := db.ListClaimableTurnsParams{Now: start + 50, MaxPerSender: 2, MaxTurns: 2}
		if got := updated(t, f, claimTurns("node"), arg); len(got) != 2 {
			t.Fatalf("claimed %d", len(got))
		}
		arg.MaxTurns = 1
		seen := map[uuid.UUID]bool{}
		for range 11 {
			for _, turn := range updated(t, f, claimTurns("node"), arg) {
				seen[turn.SenderID] = true
				arg.AfterSender = turn.SenderID
			}
		}
		if len(seen) < 10 {
			t.Errorf("%d senders of 11 came to be served", len(seen))
		}
	})
}

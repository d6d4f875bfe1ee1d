package storetest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
)

func testConcurrency(t *testing.T, setup func(t *testing.T) *fixture) {
	t.Run("posts to one channel leave no gap", func(t *testing.T) {
		f := setup(t)
		const writers, each = 8, 20
		channel := f.channel(t, f.server(t))
		var group sync.WaitGroup
		for w := range writers {
			group.Go(func() {
				author, last := uuid.New(), int64(0)
				for i := range each {
					var message db.Message
					err := f.SystemUpdate(t.Context(), func(q db.System) (err error) {
						message, err = post(t.Context(), q, newMessage(channel, author, fmt.Sprint(i)), start+dbtype.Millis(w*i))
						return err
					})
					if err != nil {
						t.Errorf("posting: %v", err)
						return
					}
					if message.Seq <= last {
						t.Errorf("a later message got number %d after %d", message.Seq, last)
					}
					last = message.Seq
				}
			})
		}
		group.Wait()
		messages := viewed(t, f, db.System.ListMessagesFromSeq, db.ListMessagesFromSeqParams{ChannelID: channel, LimitRows: 1000})
		if len(messages) != writers*each {
			t.Fatalf("stored %d messages, want %d", len(messages), writers*each)
		}
		for i, message := range messages {
			if message.Seq != int64(i+1) {
				t.Fatalf("message %d has number %d", i+1, message.Seq)
			}
			if i > 0 && message.CreatedAt < messages[i-1].CreatedAt {
				t.Errorf("message %d is dated before the one in front of it", i+1)
			}
		}
	})

	t.Run("what is read under a lock is what is changed", func(t *testing.T) {
		f := setup(t)
		const writers = 8
		channel := f.channel(t, f.server(t))
		before := viewed(t, f, db.System.GetChannel, channel).Name
		var group sync.WaitGroup
		for range writers {
			group.Go(func() {
				err := f.SystemUpdate(t.Context(), func(q db.System) error {
					row, err := q.GetChannelForUpdate(t.Context(), channel)
					if err != nil {
						return err
					}
					_, err = q.UpdateChannel(t.Context(), db.UpdateChannelParams{
						ID: channel, Name: row.Name + "x", Metadata: row.Metadata, TurnPolicy: row.TurnPolicy, UpdatedAt: row.UpdatedAt,
					})
					return err
				})
				if err != nil {
					t.Errorf("changing: %v", err)
				}
			})
		}
		group.Wait()
		if got := viewed(t, f, db.System.GetChannel, channel).Name; got != before+strings.Repeat("x", writers) {
			t.Errorf("of %d changes to %q remains %q", writers, before, got)
		}
	})

	t.Run("four claimers never take one turn twice", func(t *testing.T) {
		f := setup(t)
		const mailboxes, depth, claimers = 6, 5, 4
		server := f.server(t)
		f.update(t, func(ctx context.Context, q db.System) error { return fillMailboxes(ctx, q, server, mailboxes, depth) })

		var mu sync.Mutex
		taken := map[uuid.UUID]string{}
		lastSeq := map[uuid.UUID]int64{} // by agent
		inWork := map[uuid.UUID]bool{}   // by agent
		var group sync.WaitGroup
		for c := range claimers {
			group.Go(func() {
				owner := fmt.Sprint("node-", c)
				for {
					mu.Lock()
					over := len(taken) == mailboxes*depth
					mu.Unlock()
					if over {
						return
					}
					var turns []db.Turn
					err := f.SystemUpdate(t.Context(), func(q db.System) (err error) {
						turns, err = claimTurns(owner)(q, t.Context(), db.ListClaimableTurnsParams{Now: start, MaxPerSender: 1 << 30, MaxTurns: 2})
						return err
					})
					if err != nil {
						t.Errorf("claiming: %v", err)
						return
					}
					if len(turns) > 2 {
						t.Errorf("claimed %d turns, asked for 2", len(turns))
					}
					for _, turn := range turns {
						mu.Lock()
						if other, ok := taken[turn.ID]; ok {
							t.Errorf("%s and %s took the same turn", other, owner)
						}
						if inWork[turn.AgentID] || turn.Seq != lastSeq[turn.AgentID]+1 {
							t.Errorf("message %d was taken after %d, with one in work: %t", turn.Seq, lastSeq[turn.AgentID], inWork[turn.AgentID])
						}
						taken[turn.ID], inWork[turn.AgentID], lastSeq[turn.AgentID] = owner, true, turn.Seq
						mu.Unlock()
					}
					for _, turn := range turns {
						mu.Lock()
						inWork[turn.AgentID] = false // the next one may be taken as soon as this is stored
						mu.Unlock()
						err := f.SystemUpdate(t.Context(), func(q db.System) error {
							_, err := q.FinishTurn(t.Context(), db.FinishTurnParams{ID: turn.ID, Owner: owner, Status: "replied", EndedAt: new(start)})
							return err
						})
						if err != nil {
							t.Errorf("finishing: %v", err)
							return
						}
					}
				}
			})
		}
		group.Wait()
	})

	t.Run("failures among many leave the others whole", func(t *testing.T) {
		f := setup(t)
		const callers = 60
		channel := f.channel(t, f.server(t))
		var group sync.WaitGroup
		for i := range callers {
			group.Go(func() {
				duplicate := newAgent("twice")
				err := f.SystemUpdate(t.Context(), func(q db.System) error {
					if _, err := post(t.Context(), q, newMessage(channel, uuid.New(), fmt.Sprint(i)), start); err != nil || i%3 != 0 {
						return err
					}
					if _, err := q.InsertAgent(t.Context(), duplicate); err != nil {
						return err
					}
					_, err := q.InsertAgent(t.Context(), duplicate)
					return err
				})
				if (err != nil) != (i%3 == 0) {
					t.Errorf("caller %d: %v", i, err)
				}
			})
		}
		group.Wait()
		if got := viewed(t, f, db.System.GetChannel, channel); got.LastSeq != callers*2/3 {
			t.Errorf("last number = %d, want %d: one per success", got.LastSeq, callers*2/3)
		}
		if got := viewed(t, f, countAgents, struct{}{}); got != 0 {
			t.Errorf("%d agents of failed updates are stored", got)
		}
	})
}

// fillMailboxes queues depth turns for each of a number of new agents, in one channel each.
func fillMailboxes(ctx context.Context, q db.System, server uuid.UUID, mailboxes, depth int) error {
	for range mailboxes {
		agent, err := q.InsertAgent(ctx, newAgent("Ann"))
		if err != nil {
			return err
		}
		channel := newChannel(server, "general")
		if _, err := q.InsertChannel(ctx, channel); err != nil {
			return err
		}
		for range depth {
			message, err := post(ctx, q, newMessage(channel.ID, uuid.New(), "x"), start)
			if err != nil {
				return err
			}
			if err := q.InsertTurn(ctx, newTurn(agent.ID, message)); err != nil {
				return err
			}
		}
	}
	return nil
}

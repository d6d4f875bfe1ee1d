package sqlitestore_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/internal/store/sqlitestore"
	"github.com/elizad/elizad/server/internal/store/storetest"
)

const now dbtype.Millis = 1_800_000_000_000

// room is a channel of one agent.
type room struct{ agent, channel uuid.UUID }

// rooms fills a store with channels.
func rooms(t testing.TB, s *sqlitestore.Store, n int) []room {
	t.Helper()
	var all []room
	ctx := t.Context()
	err := s.SystemUpdate(ctx, func(q db.System) error {
		all = all[:0]
		server := uuid.New()
		if err := q.EnsureMessageServer(ctx, db.EnsureMessageServerParams{ID: server, Name: "s", SourceType: "t", Metadata: dbtype.JSON("{}"), CreatedAt: now, UpdatedAt: now}); err != nil {
			return err
		}
		for i := range n {
			r := room{uuid.New(), uuid.New()}
			if _, err := q.InsertAgent(ctx, db.InsertAgentParams{ID: r.agent, Name: fmt.Sprint("agent", i), Character: dbtype.JSON("{}"), Secrets: dbtype.JSON("{}"), Enabled: true, Running: true, CreatedAt: now, UpdatedAt: now}); err != nil {
				return err
			}
			if _, err := q.AddServerAgent(ctx, db.AddServerAgentParams{MessageServerID: server, AgentID: r.agent}); err != nil {
				return err
			}
			if _, err := q.InsertChannel(ctx, db.InsertChannelParams{ID: r.channel, MessageServerID: server, Name: "c", Type: "GROUP", Metadata: dbtype.JSON("{}"), TurnPolicy: "queue", CreatedAt: now, UpdatedAt: now}); err != nil {
				return err
			}
			for _, entity := range []uuid.UUID{uuid.New(), r.agent} {
				if _, err := q.AddParticipant(ctx, db.AddParticipantParams{ChannelID: r.channel, EntityID: entity, JoinedAt: now}); err != nil {
					return err
				}
			}
			all = append(all, r)
		}
		return nil
	})
	if err != nil {
		t.Fatalf("filling the store: %v", err)
	}
	return all
}

// post stores a message and a turn for every agent of the channel, as one durable transaction.
func post(ctx context.Context, s *sqlitestore.Store, channel uuid.UUID) (db.InsertMessageParams, error) {
	var message db.InsertMessageParams
	id := uuid.Must(uuid.NewV7())
	err := s.SystemUpdate(ctx, func(q db.System) error {
		c, err := q.NextSeq(ctx, db.NextSeqParams{ID: channel, Now: now})
		if err != nil {
			return err
		}
		message = db.InsertMessageParams{
			ID: id, ChannelID: channel, Seq: c.LastSeq, AuthorID: uuid.Nil, AuthorName: "Ann", SourceType: "bench",
			Content:  "How do I reset the password of the printer on the third floor? It asks for one since this morning.",
			Metadata: dbtype.JSON(`{"channelType":"GROUP"}`), CreatedAt: c.UpdatedAt, UpdatedAt: c.UpdatedAt,
		}
		if err := q.InsertMessage(ctx, message); err != nil {
			return err
		}
		agents, err := q.ListChannelAgents(ctx, channel)
		if err != nil {
			return err
		}
		for _, agent := range agents {
			err := q.InsertTurn(ctx, db.InsertTurnParams{
				ID: uuid.Must(uuid.NewV7()), AgentID: agent.ID, ChannelID: channel, MessageID: id, Seq: c.LastSeq, ResponseID: uuid.New(), QueuedAt: now,
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	return message, err
}

// BenchmarkPost measures durable posts: taking a number, storing the message, finding the agents, queueing a turn.
func BenchmarkPost(b *testing.B) {
	for _, callers := range []int{1, 16, 64, 256} {
		b.Run(fmt.Sprint(callers), func(b *testing.B) {
			s := open(b, b.TempDir())
			all := rooms(b, s, 64)
			share(b, callers, func(i int) error {
				_, err := post(b.Context(), s, all[i%len(all)].channel)
				return err
			})
		})
	}
}

// BenchmarkRead measures reads of one row by its key, beside no writer.
func BenchmarkRead(b *testing.B) {
	for _, callers := range []int{1, 4, 16} {
		b.Run(fmt.Sprint(callers), func(b *testing.B) {
			s := open(b, b.TempDir())
			all := rooms(b, s, 64)
			share(b, callers, func(i int) error {
				return s.SystemView(b.Context(), func(q db.System) error {
					_, err := q.GetChannel(b.Context(), all[i%len(all)].channel)
					return err
				})
			})
		})
	}
}

// BenchmarkPage measures reads of the newest fifty messages of a channel.
func BenchmarkPage(b *testing.B) {
	s := open(b, b.TempDir())
	channel := rooms(b, s, 1)[0].channel
	for range 200 {
		if _, err := post(b.Context(), s, channel); err != nil {
			b.Fatal(err)
		}
	}
	share(b, 4, func(int) error {
		return s.SystemView(b.Context(), func(q db.System) error {
			_, err := q.ListMessagesBefore(b.Context(), db.ListMessagesBeforeParams{ChannelID: channel, Before: now * 2, LimitRows: 50})
			return err
		})
	})
}

// share runs do b.N times on a number of goroutines, and reports the rate and the slowest percentile.
func share(b *testing.B, callers int, do func(i int) error) {
	b.Helper()
	times := make([]time.Duration, b.N)
	var next atomic.Int64
	var group sync.WaitGroup
	b.ResetTimer()
	for range callers {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < b.N; i = int(next.Add(1)) - 1 {
				begin := time.Now()
				if err := do(i); err != nil {
					b.Error(err)
					return
				}
				times[i] = time.Since(begin)
			}
		})
	}
	group.Wait()
	b.StopTimer()
	slices.Sort(times)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
	b.ReportMetric(float64(times[len(times)*99/100].Microseconds())/1000, "p99-ms")
}

// BenchmarkViewers compares queries for one who takes part with the same for everybody.
func BenchmarkViewers(b *testing.B) { storetest.BenchmarkViewers(b, open(b, b.TempDir())) }

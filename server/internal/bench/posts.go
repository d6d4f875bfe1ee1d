package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/bus"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/store"
	"github.com/elizad/elizad/server/internal/store/sqlitestore"
)

// measurePosts compares the rate of durable posts through the whole of messaging with the rate at which the store takes the
// same rows bare: the channel's number, the message and the turn of an agent, in one durable transaction.
func measurePosts(ctx context.Context, progress io.Writer) ([]figure, error) {
	const (
		callers  = 64
		channels = 1000
		rounds   = 5
		span     = time.Second
	)
	dir, err := os.MkdirTemp("", "elizad-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	b, err := openPostBench(ctx, dir, channels)
	if err != nil {
		return nil, err
	}
	var ratios []float64
	for range rounds { // in turns, so that both meet the same machine
		bare, err := rate(ctx, callers, span, b.bare)
		if err != nil {
			return nil, errors.Join(err, b.store.Close())
		}
		post, err := rate(ctx, callers, span, b.post)
		if err != nil {
			return nil, errors.Join(err, b.store.Close())
		}
		fmt.Fprintf(progress, "  bare %6.0f/s, posts %6.0f/s\n", bare, post)
		ratios = append(ratios, post/bare)
	}
	how := fmt.Sprintf("messaging.Post beside the same rows written bare; %d callers, %d channels, SQLite, synchronous=FULL, median of %d rounds in turns", callers, channels, rounds)
	return []figure{atLeast("durable posts / the store's bare rate", median(ratios), "", 0.7, how)}, b.store.Close()
}

// postBench is a database with channels of one agent each.
type postBench struct {
	store    store.System
	service  *messaging.Service
	agent    uuid.UUID
	user     uuid.UUID
	channels []uuid.UUID
	next     atomic.Int64
}

func openPostBench(ctx context.Context, dir string, channels int) (*postBench, error) {
	st, err := sqlitestore.Open(ctx, sqlitestore.Config{Dir: dir})
	if err != nil {
		return nil, err
	}
	b := &postBench{store: st, service: messaging.New(messaging.Config{Store: st, Bus: bus.NewLocal(), MailboxLimit: 1 << 30}), agent: uuid.New(), user: uuid.New()}
	if err := b.fill(ctx, channels); err != nil {
		return nil, errors.Join(err, st.Close())
	}
	return b, nil
}

func (b *postBench) fill(ctx context.Context, channels int) error {
	if err := b.service.Prepare(ctx); err != nil {
		return err
	}
	who := auth.Claimed(b.user)
	now := dbtype.MillisOf(time.Now())
	err := b.store.Update(ctx, who.Scope(), func(q db.Scoped) error {
		_, err := q.InsertAgent(ctx, db.InsertAgentParams{
			ID: b.agent, Name: "Bench", Character: dbtype.JSON(`{}`), Secrets: dbtype.JSON(`{}`), Enabled: true, Running: true, CreatedAt: now, UpdatedAt: now,
		})
		return err
	})
	if err != nil {
		return err
	}
	if err := b.service.AddServerAgent(ctx, who, messaging.DefaultServerID, b.agent); err != nil {
		return err
	}
	for range channels {
		c, err := b.service.CreateChannel(ctx, who, messaging.NewChannel{Name: "bench", Type: messaging.TypeDM, Participants: []uuid.UUID{b.user, b.agent}})
		if err != nil {
			return err
		}
		b.channels = append(b.channels, c.ID)
	}
	return nil
}

func (b *postBench) channel() uuid.UUID {
	return b.channels[int(b.next.Add(1))%len(b.channels)]
}

const benchText = "The quick brown fox jumps over the lazy dog, and then it does it again."

func (b *postBench) post(ctx context.Context) error {
	_, err := b.service.Post(ctx, auth.Claimed(b.user), messaging.Draft{ChannelID: b.channel(), Content: benchText})
	return err
}

func (b *postBench) bare(ctx context.Context) error {
	channel, message := b.channel(), newID()
	now := dbtype.MillisOf(time.Now())
	return b.store.SystemUpdate(ctx, func(q db.System) error {
		row, err := q.NextSeq(ctx, db.NextSeqParams{ID: channel, Now: now})
		if err != nil {
			return err
		}
		if err := q.InsertMessage(ctx, db.InsertMessageParams{
			ID: message, ChannelID: channel, Seq: row.LastSeq, AuthorID: b.user, Content: benchText, SourceType: messaging.SourceGUI,
			Metadata: dbtype.JSON(`{}`), CreatedAt: now, UpdatedAt: now,
		}); err != nil {
			return err
		}
		return q.InsertTurn(ctx, db.InsertTurnParams{
			ID: newID(), AgentID: b.agent, ChannelID: channel, MessageID: message, SenderID: b.user, Seq: row.LastSeq, ResponseID: newID(), QueuedAt: now,
		})
	})
}

// newID returns an id of the kind that messages and turns have.
func newID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

// rate runs do by many callers for a span and returns how often per second it succeeded.
func rate(ctx context.Context, callers int, span time.Duration, do func(context.Context) error) (float64, error) {
	var done atomic.Int64
	errs := make([]error, callers)
	var wg sync.WaitGroup
	begin := time.Now()
	for i := range callers {
		wg.Go(func() {
			for time.Since(begin) < span && errs[i] == nil {
				errs[i] = do(ctx)
				done.Add(1)
			}
		})
	}
	wg.Wait()
	return float64(done.Load()) / time.Since(begin).Seconds(), errors.Join(errs...)
}

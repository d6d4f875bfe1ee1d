package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/internal/store"
)

// BenchmarkViewers measures what it costs to ask whether somebody takes part: each query runs in turns for one who does and for
// everybody, and the ratio of their usual times is reported. One viewer takes part in a fifth of 500 channels, another in two of them.
func BenchmarkViewers(b *testing.B, s store.System) {
	viewer, rare, server := uuid.New(), uuid.New(), uuid.New()
	channels := make([]uuid.UUID, 500)
	const at dbtype.Millis = 1_800_000_000_000
	content := func(channel, n int) string {
		if n == 30 && channel%50 == 0 {
			return "an odd tea"
		}
		return fmt.Sprintf("the tea of day %d is ready", n)
	}
	err := s.SystemUpdate(b.Context(), func(q db.System) error {
		if err := q.EnsureMessageServer(b.Context(), db.EnsureMessageServerParams{ID: server, Name: "s", SourceType: "t", Metadata: dbtype.JSON("{}"), CreatedAt: at, UpdatedAt: at}); err != nil {
			return err
		}
		for i := range channels {
			channels[i] = uuid.New()
			if _, err := q.InsertChannel(b.Context(), db.InsertChannelParams{ID: channels[i], MessageServerID: server, Name: "c", Type: "GROUP", Metadata: dbtype.JSON("{}"), TurnPolicy: "queue", CreatedAt: at, UpdatedAt: at + dbtype.Millis(i)}); err != nil {
				return err
			}
			who := uuid.New()
			switch {
			case i%5 == 0:
				who = viewer
			case i == 251 || i == 252:
				who = rare
			}
			if _, err := q.AddParticipant(b.Context(), db.AddParticipantParams{ChannelID: channels[i], EntityID: who, JoinedAt: at}); err != nil {
				return err
			}
			for n := range 60 {
				if err := q.InsertMessage(b.Context(), db.InsertMessageParams{
					ID: uuid.Must(uuid.NewV7()), ChannelID: channels[i], Seq: int64(n + 1), AuthorID: who, AuthorName: "Ann", Content: content(i, n),
					SourceType: "bench", Metadata: dbtype.JSON("{}"), CreatedAt: at + dbtype.Millis(n), UpdatedAt: at + dbtype.Millis(n),
				}); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	all := db.SearchMessagesParams{ToTime: at * 2, AnyChannel: true, AnyAuthor: true, Words: `"tea"`, LimitRows: 20}
	searchAll := func(q db.Scoped, _ bool, _ uuid.UUID) error {
		_, err := q.SearchMessages(b.Context(), all)
		return err
	}
	for _, query := range []struct {
		name   string
		rare   bool
		writes bool
		run    func(q db.Scoped, narrow bool, channel uuid.UUID) error
	}{
		{"channel", false, false, func(q db.Scoped, _ bool, channel uuid.UUID) error {
			_, err := q.GetChannel(b.Context(), channel)
			return err
		}},
		{"50 messages", false, false, func(q db.Scoped, _ bool, channel uuid.UUID) error {
			_, err := q.ListMessagesBefore(b.Context(), db.ListMessagesBeforeParams{ChannelID: channel, Before: at * 2, LimitRows: 50})
			return err
		}},
		{"50 channels", false, false, func(q db.Scoped, narrow bool, _ uuid.UUID) error {
			if narrow {
				_, err := q.ListOwnServerChannels(b.Context(), db.ListOwnServerChannelsParams{MessageServerID: server, LimitRows: 50})
				return err
			}
			_, err := q.ListServerChannels(b.Context(), db.ListServerChannelsParams{MessageServerID: server, LimitRows: 50})
			return err
		}},
		{"search in a channel", false, false, func(q db.Scoped, _ bool, channel uuid.UUID) error {
			_, err := q.SearchMessages(b.Context(), db.SearchMessagesParams{ToTime: at * 2, ChannelID: channel, AnyAuthor: true, Words: `"tea"`, LimitRows: 20})
			return err
		}},
		{"search everywhere", false, false, searchAll},
		{"search everywhere in two channels", true, false, searchAll},
		{"search everywhere for a rare word", false, false, func(q db.Scoped, _ bool, _ uuid.UUID) error {
			odd := all
			odd.Words = `"odd"`
			_, err := q.SearchMessages(b.Context(), odd)
			return err
		}},
		{"count of a search everywhere", false, false, func(q db.Scoped, _ bool, _ uuid.UUID) error {
			_, err := q.CountFoundMessages(b.Context(), db.CountFoundMessagesParams{ToTime: all.ToTime, AnyChannel: true, AnyAuthor: true, Words: all.Words, MaxRows: 1000})
			return err
		}},
		{"number of a post", false, true, func(q db.Scoped, _ bool, channel uuid.UUID) error {
			_, err := q.NextSeq(b.Context(), db.NextSeqParams{ID: channel, Now: at})
			return err
		}},
	} {
		b.Run(query.name, func(b *testing.B) {
			do := s.View
			if query.writes {
				do = s.Update
			}
			scopes := [2]store.Scope{{Viewer: viewer}, {Viewer: viewer, Everyone: true}}
			if query.rare {
				scopes[0].Viewer = rare
			}
			var took [2][]time.Duration
			for i := 0; b.Loop(); i++ {
				channel := channels[i%100*5]
				for j := range 2 {
					which := (i + j) % 2 // neither goes first always
					begin := time.Now()
					err := do(b.Context(), scopes[which], func(q db.Scoped) error { return query.run(q, which == 0, channel) })
					took[which] = append(took[which], time.Since(begin))
					if err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(usually(took[0]).Seconds()/usually(took[1]).Seconds(), "viewer/everyone")
		})
	}
}

// usually returns the median of times, which what else the machine does disturbs least.
func usually(times []time.Duration) time.Duration {
	slices.Sort(times)
	return times[len(times)/2]
}

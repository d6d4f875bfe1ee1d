package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/internal/store"
)

// BenchmarkViewers measures what it costs to ask whether somebody takes part: each query runs in turns for one who does and for
// everybody, and the ratio of their times is reported. The viewer takes part in a fifth of 500 channels.
func BenchmarkViewers(b *testing.B, s store.System) {
	viewer, server := uuid.New(), uuid.New()
	channels := make([]uuid.UUID, 500)
	const at dbtype.Millis = 1_800_000_000_000
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
			if i%5 == 0 {
				who = viewer
			}
			if _, err := q.AddParticipant(b.Context(), db.AddParticipantParams{ChannelID: channels[i], EntityID: who, JoinedAt: at}); err != nil {
				return err
			}
			for n := range 60 {
				if err := q.InsertMessage(b.Context(), db.InsertMessageParams{
					ID: uuid.Must(uuid.NewV7()), ChannelID: channels[i], Seq: int64(n + 1), AuthorID: who, AuthorName: "Ann", Content: fmt.Sprintf("the tea of day %d is ready", n),
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
	narrow, wide := store.Scope{Viewer: viewer}, store.Scope{Viewer: viewer, Everyone: true}
	for _, query := range []struct {
		name   string
		writes bool
		run    func(q db.Scoped, narrow bool, channel uuid.UUID) error
	}{
		{"channel", false, func(q db.Scoped, _ bool, channel uuid.UUID) error {
			_, err := q.GetChannel(b.Context(), channel)
			return err
		}},
		{"50 messages", false, func(q db.Scoped, _ bool, channel uuid.UUID) error {
			_, err := q.ListMessagesBefore(b.Context(), db.ListMessagesBeforeParams{ChannelID: channel, Before: at * 2, LimitRows: 50})
			return err
		}},
		{"50 channels", false, func(q db.Scoped, narrow bool, _ uuid.UUID) error {
			if narrow {
				_, err := q.ListOwnServerChannels(b.Context(), db.ListOwnServerChannelsParams{MessageServerID: server, LimitRows: 50})
				return err
			}
			_, err := q.ListServerChannels(b.Context(), db.ListServerChannelsParams{MessageServerID: server, LimitRows: 50})
			return err
		}},
		{"search in a channel", false, func(q db.Scoped, _ bool, channel uuid.UUID) error {
			_, err := q.SearchMessages(b.Context(), db.SearchMessagesParams{ToTime: at * 2, ChannelID: channel, AnyAuthor: true, Words: `"tea"`, LimitRows: 20})
			return err
		}},
		{"search everywhere", false, func(q db.Scoped, _ bool, _ uuid.UUID) error {
			_, err := q.SearchMessages(b.Context(), db.SearchMessagesParams{ToTime: at * 2, AnyChannel: true, AnyAuthor: true, Words: `"tea"`, LimitRows: 20})
			return err
		}},
		{"number of a post", true, func(q db.Scoped, _ bool, channel uuid.UUID) error {
			_, err := q.NextSeq(b.Context(), db.NextSeqParams{ID: channel, Now: at})
			return err
		}},
	} {
		b.Run(query.name, func(b *testing.B) {
			do := s.View
			if query.writes {
				do = s.Update
			}
			var took [2]time.Duration
			for i := 0; b.Loop(); i++ {
				channel := channels[i%100*5]
				for j := range 2 {
					which := (i + j) % 2 // neither goes first always
					scope := [2]store.Scope{narrow, wide}[which]
					begin := time.Now()
					err := do(b.Context(), scope, func(q db.Scoped) error { return query.run(q, which == 0, channel) })
					took[which] += time.Since(begin)
					if err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(took[0].Seconds()/took[1].Seconds(), "viewer/everyone")
		})
	}
}

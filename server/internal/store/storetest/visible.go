package storetest

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/internal/store"
)

// testViewers compares what viewers find with what is left of everybody's when the channels of others are taken out.
func testViewers(t *testing.T, setup func(t *testing.T) *fixture) {
	t.Run("finds what everybody finds, in their own channels", func(t *testing.T) {
		f := setup(t)
		const (
			channels = 40
			messages = 4_000
			limit    = 7
			few      = 100 // counted up to
		)
		random := rand.New(rand.NewPCG(1, 2))
		server, viewers := f.server(t), map[string]uuid.UUID{"in all": uuid.New(), "in a third": uuid.New(), "in two": uuid.New(), "in quiet ones": uuid.New(), "in none": uuid.New()}
		takesPart := func(who string, channel int) bool {
			return map[string]bool{"in all": true, "in a third": channel%3 == 0, "in two": channel == 4 || channel == 11, "in quiet ones": channel >= channels-2}[who]
		}
		var all []uuid.UUID
		own := map[string]map[uuid.UUID]bool{}
		for i := range channels {
			channel := f.channel(t, server)
			all = append(all, channel)
			for who, id := range viewers {
				if !takesPart(who, i) {
					continue
				}
				if own[who] == nil {
					own[who] = map[uuid.UUID]bool{}
				}
				own[who][channel] = true
				updated(t, f, db.System.AddParticipant, db.AddParticipantParams{ChannelID: channel, EntityID: id, JoinedAt: start})
			}
		}
		authors := []uuid.UUID{uuid.New(), uuid.New()}
		f.update(t, func(ctx context.Context, q db.System) error {
			for i := range messages {
				in := random.IntN(channels - 2)
				if i < 200 { // what is in the last two channels is older than all else
					in = channels - 1 - i%2
				}
				text := "usual"
				if random.IntN(100) == 0 {
					text += ", sometimes"
				}
				if random.IntN(1000) == 0 {
					text += ", odd"
				}
				if err := q.InsertMessage(ctx, db.InsertMessageParams{
					ID: uuid.New(), ChannelID: all[in], Seq: int64(i + 1), AuthorID: authors[random.IntN(2)], Content: text, SourceType: "test", Metadata: dbtype.JSON("{}"),
					CreatedAt: start + dbtype.Millis(i), UpdatedAt: start + dbtype.Millis(i),
				}); err != nil {
					return err
				}
			}
			return nil
		})
		for _, words := range []string{`"usual"`, `"sometimes"`, `"odd"`, `"odd" "sometimes"`, `"never"`} {
			for _, p := range []db.SearchMessagesParams{
				{AnyAuthor: true, ToTime: math.MaxInt64}, {AuthorID: authors[0], ToTime: math.MaxInt64}, {AnyAuthor: true, FromTime: start + 1_000, ToTime: start + 3_000},
			} {
				p.AnyChannel, p.Words, p.LimitRows = true, words, messages
				everything := viewed(t, f, db.System.SearchMessages, p)
				for who, id := range viewers {
					var expected []int64
					for _, row := range everything {
						if own[who][row.Message.ChannelID] {
							expected = append(expected, row.Message.Seq)
						}
					}
					what := fmt.Sprintf("%s %s, %s from %d", who, words, map[bool]string{true: "anybody's", false: "one author's"}[p.AnyAuthor], p.FromTime)
					p.LimitRows = limit
					err := f.View(t.Context(), store.Scope{Viewer: id}, func(q db.Scoped) error {
						for _, p.OffsetRows = range []int64{0, 1, 50, 1_500, int64(len(expected))} {
							rows, err := q.SearchMessages(t.Context(), p)
							if err != nil {
								return err
							}
							got := []int64{}
							for _, row := range rows {
								got = append(got, row.Message.Seq)
							}
							from := min(int(p.OffsetRows), len(expected))
							want := append([]int64{}, expected[from:min(from+limit, len(expected))]...)
							if diff := cmp.Diff(want, got); diff != "" {
								t.Errorf("%s, behind %d (-want +got):\n%s", what, p.OffsetRows, diff)
							}
						}
						n, err := q.CountFoundMessages(t.Context(), db.CountFoundMessagesParams{
							AnyChannel: true, AnyAuthor: p.AnyAuthor, AuthorID: p.AuthorID, FromTime: p.FromTime, ToTime: p.ToTime, Words: words, MaxRows: few,
						})
						if want := int64(min(few, len(expected))); n != want {
							t.Errorf("%s: counted %d, want %d", what, n, want)
						}
						return err
					})
					if err != nil {
						t.Fatalf("%s: %v", what, err)
					}
				}
			}
		}
	})
}

package storetest

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
)

func testSearch(t *testing.T, setup func(t *testing.T) *fixture) {
	t.Run("words are found alike", func(t *testing.T) {
		f := setup(t)
		server := f.server(t)
		channel, other, ann := f.channel(t, server), f.channel(t, server), uuid.New()
		for i, text := range []string{"The quick brown fox", "QUICK! foxes", "ann@example.com, well-known_name", "Größe", "don't", "it's \\ a `test`"} {
			f.post(t, channel, ann, text, start+dbtype.Millis(i))
		}
		f.post(t, other, uuid.New(), "quick elsewhere", start+10)
		for words, want := range map[string][]string{
			`"quick"`:             {"quick elsewhere", "QUICK! foxes", "The quick brown fox"},
			`"quick" "fox"`:       {"The quick brown fox"},
			`"fo"`:                {},
			`"example"`:           {"ann@example.com, well-known_name"},
			`"well"`:              {"ann@example.com, well-known_name"},
			`"name"`:              {"ann@example.com, well-known_name"},
			`"größe"`:             {"Größe"},
			`"grosse"`:            {},
			`"don" "t"`:           {"don't"},
			`"test"`:              {"it's \\ a `test`"},
			`"nowhere" "nothing"`: {},
		} {
			found := viewed(t, f, db.System.SearchMessages, db.SearchMessagesParams{
				Words: words, AnyChannel: true, AnyAuthor: true, ToTime: math.MaxInt64, LimitRows: 10,
			})
			got := make([]string, len(found))
			for i, row := range found {
				got[i] = row.Message.Content
				if row.MessageServerID != server {
					t.Errorf("%s: message server %s", words, row.MessageServerID)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", words, diff)
			}
			if n := viewed(t, f, db.System.CountFoundMessages, db.CountFoundMessagesParams{
				Words: words, AnyChannel: true, AnyAuthor: true, ToTime: math.MaxInt64, MaxRows: 2,
			}); n != int64(min(2, len(want))) {
				t.Errorf("%s: counted %d", words, n)
			}
		}
		narrow := db.SearchMessagesParams{Words: `"quick"`, ChannelID: channel, AuthorID: ann, FromTime: start + 1, ToTime: start + 1, LimitRows: 10}
		if got := viewed(t, f, db.System.SearchMessages, narrow); len(got) != 1 || got[0].Message.Content != "QUICK! foxes" {
			t.Errorf("narrowed: %+v", got)
		}
	})

	t.Run("newest first by their times", func(t *testing.T) {
		f := setup(t)
		server, ann := f.server(t), uuid.New()
		for _, at := range []dbtype.Millis{5, 1, 9, 5} { // as a clock goes that is set back
			f.post(t, f.channel(t, server), ann, "tide", start+at)
		}
		for _, tt := range []struct {
			from, to      dbtype.Millis
			limit, offset int64
			want          []dbtype.Millis
		}{
			{0, math.MaxInt64, 9, 0, []dbtype.Millis{9, 5, 5, 1}},
			{start + 5, start + 5, 9, 0, []dbtype.Millis{5, 5}},
			{start + 2, math.MaxInt64, 9, 0, []dbtype.Millis{9, 5, 5}},
			{0, start + 8, 2, 1, []dbtype.Millis{5, 1}},
			{-1, start, 9, 0, []dbtype.Millis{}},
			{math.MaxInt64, math.MaxInt64, 9, 0, []dbtype.Millis{}},
		} {
			span := db.CountFoundMessagesParams{FromTime: tt.from, ToTime: tt.to, AnyChannel: true, AuthorID: ann, Words: `"tide"`, MaxRows: 9}
			got := []dbtype.Millis{}
			for _, row := range viewed(t, f, db.System.SearchMessages, db.SearchMessagesParams{
				FromTime: tt.from, ToTime: tt.to, AnyChannel: true, AuthorID: ann, Words: span.Words, LimitRows: tt.limit, OffsetRows: tt.offset,
			}) {
				got = append(got, row.Message.CreatedAt-start)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%+v (-want +got):\n%s", tt, diff)
			}
			if n := viewed(t, f, db.System.CountFoundMessages, span); n != int64(len(tt.want))+tt.offset {
				t.Errorf("%+v: counted %d", tt, n)
			}
		}
	})

	t.Run("what is rare is found behind much else", func(t *testing.T) {
		f := setup(t)
		channel, ann := f.channel(t, f.server(t)), uuid.New()
		const many = 2_100
		f.update(t, func(ctx context.Context, q db.System) error {
			for i := range many {
				content := "usual"
				if i < 2 {
					content = "usual, and odd"
				}
				if err := q.InsertMessage(ctx, db.InsertMessageParams{
					ID: uuid.New(), ChannelID: channel, Seq: int64(i + 1), AuthorID: ann, Content: content, SourceType: "test", Metadata: dbtype.JSON("{}"),
					CreatedAt: start + dbtype.Millis(i),
				}); err != nil {
					return err
				}
			}
			return nil
		})
		for name, p := range map[string]db.SearchMessagesParams{
			"anywhere": {AnyChannel: true, AnyAuthor: true}, "in the channel": {ChannelID: channel, AnyAuthor: true}, "by the author": {AnyChannel: true, AuthorID: ann},
		} {
			find := func(words string, offset int64) (seqs []int64) {
				p.Words, p.OffsetRows, p.LimitRows, p.ToTime = words, offset, 2, math.MaxInt64
				for _, row := range viewed(t, f, db.System.SearchMessages, p) {
					seqs = append(seqs, row.Message.Seq)
				}
				return seqs
			}
			for words, pages := range map[string]map[int64][]int64{
				`"odd"`: {0: {2, 1}, 1: {1}, 2: nil}, `"usual"`: {0: {many, many - 1}, many - 2: {2, 1}}, `"odd" "usual"`: {0: {2, 1}}, `"od"`: {0: nil},
			} {
				for offset, want := range pages {
					if diff := cmp.Diff(want, find(words, offset)); diff != "" {
						t.Errorf("%s, %s from %d (-want +got):\n%s", words, name, offset, diff)
					}
				}
			}
		}
	})

	t.Run("the index follows", func(t *testing.T) {
		f := setup(t)
		server := f.server(t)
		channel := f.channel(t, server)
		find := func(word string) int64 {
			return viewed(t, f, db.System.CountFoundMessages, db.CountFoundMessagesParams{
				Words: `"` + word + `"`, AnyChannel: true, AnyAuthor: true, ToTime: math.MaxInt64, MaxRows: 100,
			})
		}
		one := f.post(t, channel, uuid.New(), "alpha", start)
		f.post(t, channel, uuid.New(), "beta", start)
		updated(t, f, db.System.UpdateMessage, db.UpdateMessageParams{ID: one.ID, Content: "gamma", SourceType: "test", Metadata: dbtype.JSON("{}"), UpdatedAt: start + 1})
		if find("alpha") != 0 || find("gamma") != 1 {
			t.Error("a changed message is found by what it was")
		}
		updated(t, f, db.System.DeleteMessage, db.DeleteMessageParams{ID: one.ID, ChannelID: channel})
		if find("gamma") != 0 || find("beta") != 1 {
			t.Error("a deleted message is found")
		}
		updated(t, f, db.System.DeleteMessageServer, server)
		if find("beta") != 0 {
			t.Error("a message of a deleted server is found")
		}
		f.post(t, f.channel(t, f.server(t)), uuid.New(), "beta again", start)
		if find("beta") != 1 {
			t.Error("the index is out of step")
		}
	})

	t.Run("filtered without words", func(t *testing.T) {
		f := setup(t)
		channel, other, ann, bob := f.channel(t, f.server(t)), f.channel(t, f.server(t)), uuid.New(), uuid.New()
		f.post(t, channel, ann, "1", start)
		f.post(t, channel, bob, "2", start+1)
		f.post(t, other, ann, "3", start+2)
		all := db.FilterChannelMessagesParams{ChannelID: channel, AnyAuthor: true, ToTime: math.MaxInt64, LimitRows: 10}
		if got := viewed(t, f, db.System.FilterChannelMessages, all); len(got) != 2 || got[0].Message.Content != "2" {
			t.Errorf("in a channel: %+v", got)
		}
		if n := viewed(t, f, db.System.CountChannelMessages, db.CountChannelMessagesParams{ChannelID: channel, AuthorID: bob, ToTime: math.MaxInt64, MaxRows: 9}); n != 1 {
			t.Errorf("by one author: %d", n)
		}
		by := db.FilterAuthorMessagesParams{AuthorID: ann, ToTime: math.MaxInt64, LimitRows: 1, OffsetRows: 1}
		if got := viewed(t, f, db.System.FilterAuthorMessages, by); len(got) != 1 || got[0].Message.Content != "1" {
			t.Errorf("by an author: %+v", got)
		}
		if n := viewed(t, f, db.System.CountAuthorMessages, db.CountAuthorMessagesParams{AuthorID: ann, FromTime: start + 1, ToTime: math.MaxInt64, MaxRows: 9}); n != 1 {
			t.Errorf("since: %d", n)
		}
	})

	t.Run("older by number", func(t *testing.T) {
		f := setup(t)
		channel := f.channel(t, f.server(t))
		for i, text := range []string{"1", "2", "3"} {
			f.post(t, channel, uuid.New(), text, start+dbtype.Millis(i))
		}
		got := viewed(t, f, db.System.ListMessagesBeforeSeq, db.ListMessagesBeforeSeqParams{ChannelID: channel, BeforeSeq: 3, LimitRows: 9})
		if diff := cmp.Diff([]string{"2", "1"}, contents(got)); diff != "" {
			t.Error(diff)
		}
	})
}

func testMirrors(t *testing.T, setup func(t *testing.T) *fixture) {
	t.Run("made once, then changed", func(t *testing.T) {
		f := setup(t)
		server := f.server(t)
		upsert := func(server uuid.UUID, name string, at dbtype.Millis) db.Channel {
			return updated(t, f, db.System.UpsertSourceChannel, db.UpsertSourceChannelParams{
				ID: uuid.New(), MessageServerID: server, Name: name, Type: "GROUP", SourceType: new("discord"), SourceID: new("42"),
				Metadata: dbtype.JSON("{}"), TurnPolicy: "queue", CreatedAt: at, UpdatedAt: at,
			})
		}
		first := upsert(server, "general", start+5)
		again := upsert(server, "lobby", start)
		if again.ID != first.ID || again.Name != "lobby" || again.UpdatedAt != start+5 {
			t.Errorf("first %+v, again %+v", first, again)
		}
		if elsewhere := upsert(f.server(t), "general", start+9); elsewhere.ID == first.ID {
			t.Error("two servers share a channel")
		}
		found := viewed(t, f, db.System.FindSourceChannel, db.FindSourceChannelParams{SourceType: new("discord"), SourceID: new("42")})
		if found.ID != first.ID {
			t.Errorf("found %+v, want the oldest", found)
		}
		if ids := viewed(t, f, db.System.ListServerChannelIDs, server); len(ids) != 1 || ids[0] != first.ID {
			t.Errorf("channels %v", ids)
		}
		if n := viewed(t, f, db.System.CountServerChannels, db.CountServerChannelsParams{MessageServerID: server, MaxRows: 9}); n != 1 {
			t.Errorf("%d channels", n)
		}
	})
}

func testIdempotency(t *testing.T, setup func(t *testing.T) *fixture) {
	key := func(entity uuid.UUID, name string, at dbtype.Millis) db.InsertIdempotencyKeyParams {
		return db.InsertIdempotencyKeyParams{
			EntityID: entity, IdempotencyKey: name, Fingerprint: "f", Claim: uuid.New(), Header: dbtype.JSON("{}"), Body: []byte{}, CreatedAt: at,
		}
	}
	t.Run("claimed, kept, given up", func(t *testing.T) {
		f := setup(t)
		mine := key(uuid.New(), "k", start)
		for i, want := range []int64{1, 0} {
			if n := updated(t, f, db.System.InsertIdempotencyKey, mine); n != want {
				t.Errorf("claim %d: %d rows, want %d", i+1, n, want)
			}
		}
		if n := updated(t, f, db.System.InsertIdempotencyKey, key(uuid.New(), "k", start)); n != 1 {
			t.Error("the key of another caller is in the way")
		}
		complete := db.CompleteIdempotencyKeyParams{
			EntityID: mine.EntityID, IdempotencyKey: "k", Claim: uuid.New(), Status: 201, Header: dbtype.JSON(`{"Etag":"x"}`), Body: []byte("a\x00\xff"),
		}
		if n := updated(t, f, db.System.CompleteIdempotencyKey, complete); n != 0 {
			t.Error("somebody else's claim was completed")
		}
		renew := db.RenewIdempotencyKeyParams{EntityID: mine.EntityID, IdempotencyKey: "k", Claim: complete.Claim, CreatedAt: start + 5}
		for _, want := range []int64{0, 1} {
			if n := updated(t, f, db.System.RenewIdempotencyKey, renew); n != want {
				t.Errorf("renewed %d rows, want %d", n, want)
			}
			renew.Claim = mine.Claim
		}
		complete.Claim = mine.Claim
		updated(t, f, db.System.CompleteIdempotencyKey, complete)
		row := viewed(t, f, db.System.GetIdempotencyKey, db.GetIdempotencyKeyParams{EntityID: mine.EntityID, IdempotencyKey: "k"})
		if row.Status != 201 || string(row.Body) != "a\x00\xff" || row.Fingerprint != "f" || row.CreatedAt != start+5 {
			t.Errorf("row %+v", row)
		}
		if n := updated(t, f, db.System.RenewIdempotencyKey, renew); n != 0 {
			t.Error("an answer was made younger")
		}
		f.update(t, func(ctx context.Context, q db.System) error {
			n, err := q.DeleteOpenIdempotencyKeys(ctx)
			if n != 1 {
				t.Errorf("%d open claims, want the other caller's", n)
			}
			return err
		})
		gone := db.DeleteIdempotencyKeyParams{EntityID: mine.EntityID, IdempotencyKey: "k", Claim: mine.Claim}
		if n := updated(t, f, db.System.DeleteIdempotencyKey, gone); n != 1 {
			t.Errorf("deleted %d", n)
		}
	})

	t.Run("the oldest go first", func(t *testing.T) {
		f := setup(t)
		entity := uuid.New()
		for i, name := range []string{"b", "a", "c"} {
			updated(t, f, db.System.InsertIdempotencyKey, key(entity, name, start+dbtype.Millis(i)))
		}
		old := db.DeleteOldIdempotencyKeysParams{Before: start + 2, LimitRows: 1}
		for i, want := range []int64{1, 1, 0} {
			if n := updated(t, f, db.System.DeleteOldIdempotencyKeys, old); n != want {
				t.Errorf("sweep %d: %d rows, want %d", i+1, n, want)
			}
		}
		viewed(t, f, db.System.GetIdempotencyKey, db.GetIdempotencyKeyParams{EntityID: entity, IdempotencyKey: "c"})
	})

	t.Run("those of one owner, of one caller, and of all", func(t *testing.T) {
		f := setup(t)
		caller := uuid.New()
		keep := func(entity uuid.UUID, name, body string, at dbtype.Millis) {
			k := key(entity, name, at)
			updated(t, f, db.System.InsertIdempotencyKey, k)
			updated(t, f, db.System.CompleteIdempotencyKey, db.CompleteIdempotencyKeyParams{
				EntityID: entity, IdempotencyKey: name, Claim: k.Claim, Status: 201, Header: k.Header, Body: []byte(body), Digest: "d",
			})
		}
		keep(caller, "2", "\x00é", start+2)
		keep(caller, "1", "1", start+1)
		keep(uuid.New(), "0", "other", start)
		keep(caller, "3", "333", start+3)
		updated(t, f, db.System.InsertIdempotencyKey, key(uuid.New(), "open", start-1))
		if row := viewed(t, f, db.System.GetIdempotencyKey, db.GetIdempotencyKeyParams{EntityID: caller, IdempotencyKey: "1"}); row.Digest != "d" {
			t.Errorf("row %+v", row)
		}
		lengths := updated(t, f, db.System.DeleteCallersAnswers, db.DeleteCallersAnswersParams{EntityID: caller, LimitRows: 2})
		slices.Sort(lengths)
		if diff := cmp.Diff([]int64{1, 3}, lengths); diff != "" {
			t.Errorf("lengths (-want +got):\n%s", diff)
		}
		viewed(t, f, db.System.GetIdempotencyKey, db.GetIdempotencyKeyParams{EntityID: caller, IdempotencyKey: "3"})
		if diff := cmp.Diff([]int64{5}, updated(t, f, db.System.DeleteOldestAnswers, 1)); diff != "" {
			t.Errorf("lengths (-want +got):\n%s", diff)
		}
	})

	t.Run("an owner that lives again gives up its own claims", func(t *testing.T) {
		f := setup(t)
		mine, others := key(uuid.New(), "k", start), key(uuid.New(), "k", start)
		mine.Owner, others.Owner = uuid.New(), uuid.New()
		updated(t, f, db.System.InsertIdempotencyKey, mine)
		updated(t, f, db.System.InsertIdempotencyKey, others)
		if n := updated(t, f, db.System.DeleteOwnersOpenIdempotencyKeys, mine.Owner); n != 1 {
			t.Errorf("%d claims", n)
		}
		viewed(t, f, db.System.GetIdempotencyKey, db.GetIdempotencyKeyParams{EntityID: others.EntityID, IdempotencyKey: "k"})
	})
}

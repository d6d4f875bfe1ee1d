package storetest

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/apierr"
)

func testMessages(t *testing.T, setup func(t *testing.T) *fixture) {
	t.Run("kept as given", func(t *testing.T) {
		f := setup(t)
		channel := f.channel(t, f.server(t))
		arg := newMessage(channel, uuid.New(), "line\nline \t\x01 '\" 🙂")
		arg.Seq, arg.CreatedAt, arg.UpdatedAt = 7, start, start+1
		arg.RawMessage, arg.InReplyTo = dbtype.JSON(`{}`), new(uuid.New())
		arg.SourceID, arg.Unhandled = new("client-1"), new("NO_AGENT")
		want := alike[db.Message](arg)
		if diff := cmp.Diff(want, updated(t, f, insertMessage, arg)); diff != "" {
			t.Errorf("inserted (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(want, viewed(t, f, db.System.GetMessage, arg.ID)); diff != "" {
			t.Errorf("read (-want +got):\n%s", diff)
		}

		arg.ID, arg.Seq = uuid.New(), 8
		arg.RawMessage, arg.InReplyTo, arg.SourceID, arg.Unhandled = nil, nil, nil, nil
		if diff := cmp.Diff(alike[db.Message](arg), updated(t, f, insertMessage, arg)); diff != "" {
			t.Errorf("without the optional parts (-want +got):\n%s", diff)
		}
	})

	t.Run("numbered without a gap, dated without going back", func(t *testing.T) {
		f := setup(t)
		channel, author := f.channel(t, f.server(t)), uuid.New()
		for i, at := range []dbtype.Millis{5, 3, 9} {
			got := f.post(t, channel, author, "x", start+at)
			if want := max(at, 5); got.Seq != int64(i+1) || got.CreatedAt != start+want {
				t.Errorf("message %d: number %d at +%d, want at +%d", i+1, got.Seq, got.CreatedAt-start, want)
			}
		}
		if got := viewed(t, f, db.System.GetChannel, channel); got.LastSeq != 3 || got.UpdatedAt != start+9 {
			t.Errorf("channel: last number %d at +%d, want 3 at +9", got.LastSeq, got.UpdatedAt-start)
		}
		if err := failing(t, f, db.System.NextSeq, db.NextSeqParams{ID: uuid.New(), Now: start}); !apierr.IsCode(err, apierr.NotFound) {
			t.Errorf("a number in an unknown channel: %v, want NOT_FOUND", err)
		}
	})

	t.Run("pages", func(t *testing.T) {
		f := setup(t)
		channel, author := f.channel(t, f.server(t)), uuid.New()
		f.post(t, f.channel(t, f.server(t)), author, "elsewhere", start)
		for i := 1; i <= 6; i++ {
			f.post(t, channel, author, fmt.Sprint(i), start+dbtype.Millis(i/2*10)) // 2 and 3, 4 and 5 at the same time
		}
		const never = dbtype.Millis(1 << 60)
		for _, tt := range []struct {
			name          string
			before, after dbtype.Millis
			limit, offset int64
			want          []string
		}{
			{"all, newest first", never, 0, 10, 0, []string{"6", "5", "4", "3", "2", "1"}},
			{"first page", never, 0, 4, 0, []string{"6", "5", "4", "3"}},
			{"second page", never, 0, 4, 4, []string{"2", "1"}},
			{"before a time", start + 20, 0, 10, 0, []string{"3", "2", "1"}},
			{"after a time", never, start + 10, 10, 0, []string{"6", "5", "4"}},
			{"between", start + 30, start, 10, 0, []string{"5", "4", "3", "2"}},
			{"nothing", start, 0, 10, 0, []string{}},
		} {
			got := viewed(t, f, db.System.ListMessagesBefore, db.ListMessagesBeforeParams{
				ChannelID: channel, Before: tt.before, After: tt.after, LimitRows: tt.limit, OffsetRows: tt.offset,
			})
			if diff := cmp.Diff(tt.want, contents(got)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.name, diff)
			}
		}
		after := viewed(t, f, db.System.ListMessagesAfter, db.ListMessagesAfterParams{ChannelID: channel, After: start, LimitRows: 3, OffsetRows: 1})
		if diff := cmp.Diff([]string{"3", "4", "5"}, contents(after)); diff != "" {
			t.Errorf("after a time, oldest first (-want +got):\n%s", diff)
		}
		missed := viewed(t, f, db.System.ListMessagesFromSeq, db.ListMessagesFromSeqParams{ChannelID: channel, AfterSeq: 2, LimitRows: 3})
		if diff := cmp.Diff([]string{"3", "4", "5"}, contents(missed)); diff != "" {
			t.Errorf("after a number (-want +got):\n%s", diff)
		}
	})

	t.Run("what an agent sees", func(t *testing.T) {
		f := setup(t)
		channel, user, agent := f.channel(t, f.server(t)), uuid.New(), uuid.New()
		for _, m := range []struct {
			author uuid.UUID
			text   string
		}{{user, "q1"}, {user, "q2"}, {agent, "a1"}, {user, "q3"}, {agent, "a2"}} {
			f.post(t, channel, m.author, m.text, start)
		}
		got := viewed(t, f, db.System.ListRecentMessages, db.ListRecentMessagesParams{ChannelID: channel, UpToSeq: 2, AgentID: agent, LimitRows: 3})
		texts := make([]string, len(got))
		for i, row := range got {
			texts[i] = row.Remembered
		}
		if diff := cmp.Diff([]string{"a2", "a1", "q2"}, texts); diff != "" {
			t.Errorf("conversation up to q2 (-want +got):\n%s", diff)
		}
	})

	t.Run("found by the client's id", func(t *testing.T) {
		f := setup(t)
		channel, author := f.channel(t, f.server(t)), uuid.New()
		arg := newMessage(channel, author, "hello")
		arg.Seq, arg.CreatedAt, arg.UpdatedAt, arg.SourceID = 1, start, start, new("c1")
		updated(t, f, insertMessage, arg)
		same := db.FindClientMessageParams{ChannelID: channel, SourceID: new("c1"), AuthorID: author, Content: "hello", Since: start}
		if got := viewed(t, f, db.System.FindClientMessage, same); got.ID != arg.ID {
			t.Errorf("found %s, want %s", got.ID, arg.ID)
		}
		for name, change := range map[string]func(*db.FindClientMessageParams){
			"other channel": func(p *db.FindClientMessageParams) { p.ChannelID = uuid.New() },
			"other id":      func(p *db.FindClientMessageParams) { p.SourceID = new("c2") },
			"other author":  func(p *db.FindClientMessageParams) { p.AuthorID = uuid.New() },
			"other text":    func(p *db.FindClientMessageParams) { p.Content = "Hello" },
			"long ago":      func(p *db.FindClientMessageParams) { p.Since = start + 1 },
		} {
			other := same
			change(&other)
			if err := failing(t, f, db.System.FindClientMessage, other); !apierr.IsCode(err, apierr.NotFound) {
				t.Errorf("%s: %v, want NOT_FOUND", name, err)
			}
		}
	})

	t.Run("deleted, their numbers are not given again", func(t *testing.T) {
		f := setup(t)
		channel, author := f.channel(t, f.server(t)), uuid.New()
		first := f.post(t, channel, author, "1", start)
		f.post(t, channel, author, "2", start)
		if got := updated(t, f, db.System.DeleteMessage, db.DeleteMessageParams{ID: first.ID, ChannelID: uuid.New()}); got != 0 {
			t.Errorf("DeleteMessage in another channel changed %d rows, want 0", got)
		}
		if got := updated(t, f, db.System.DeleteMessage, db.DeleteMessageParams{ID: first.ID, ChannelID: channel}); got != 1 {
			t.Errorf("DeleteMessage changed %d rows, want 1", got)
		}
		if got := updated(t, f, db.System.DeleteChannelMessages, channel); got != 1 {
			t.Errorf("DeleteChannelMessages changed %d rows, want 1", got)
		}
		if got := f.post(t, channel, author, "3", start); got.Seq != 3 {
			t.Errorf("next number = %d, want 3", got.Seq)
		}
	})
}

package messaging_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/messaging/messagingtest"
)

func TestSearch(t *testing.T) {
	t.Parallel()
	b := messagingtest.New(t)
	here, there := b.DM(t), b.Say(t, messaging.Draft{ChannelID: uuid.New(), Content: "The sea elsewhere", Create: &messaging.AutoCreate{}}).Message
	friend := auth.Claimed(uuid.New())
	for _, m := range []struct {
		who  auth.Identity
		text string
	}{
		{b.Who, "The sea is calm"}, {b.Who, "I saw the SEA, and a ship."}, {friend, "A ship at sea"}, {b.Who, `Quotes " and (brackets) AND NOT OR*`},
		{b.Who, "Größe über alles"}, {b.Who, "mail ann@example.com now"},
	} {
		if _, err := b.Post(t.Context(), m.who, messaging.Draft{ChannelID: here.ID, Content: m.text}); err != nil {
			t.Fatal(err)
		}
	}
	gone := b.Say(t, messaging.Draft{ChannelID: here.ID, Content: "sea that dries up"}).Message
	if err := b.DeleteMessage(t.Context(), b.Who, here.ID, gone.ID); err != nil {
		t.Fatal(err)
	}
	edited := b.Say(t, messaging.Draft{ChannelID: here.ID, Content: "sea"}).Message
	if _, err := b.EditMessage(t.Context(), b.Who, edited.ID, "lake", nil); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name  string
		query messaging.SearchQuery
		want  []string
	}{
		{"a word", messaging.SearchQuery{Text: "sea"}, []string{"A ship at sea", "I saw the SEA, and a ship.", "The sea is calm", "The sea elsewhere"}},
		{"all words", messaging.SearchQuery{Text: "ship, sea"}, []string{"A ship at sea", "I saw the SEA, and a ship."}},
		{"no part of a word", messaging.SearchQuery{Text: "se"}, []string{}},
		{"in a channel", messaging.SearchQuery{Text: "elsewhere", ChannelID: &here.ID}, []string{}},
		{"by an author", messaging.SearchQuery{Text: "sea", AuthorID: new(friend.Entity())}, []string{"A ship at sea"}},
		{"operators are words", messaging.SearchQuery{Text: `"quotes" AND (not`}, []string{`Quotes " and (brackets) AND NOT OR*`}},
		{"beyond ASCII", messaging.SearchQuery{Text: "ÜBER größe"}, []string{"Größe über alles"}},
		{"a part of an address", messaging.SearchQuery{Text: "example"}, []string{"mail ann@example.com now"}},
		{"after an edit", messaging.SearchQuery{Text: "lake"}, []string{"lake"}},
		{"punctuation", messaging.SearchQuery{Text: "!?"}, []string{}},
		{"only a channel", messaging.SearchQuery{ChannelID: &there.ChannelID}, []string{"The sea elsewhere"}},
		{"an author in a channel", messaging.SearchQuery{ChannelID: &here.ID, AuthorID: new(friend.Entity())}, []string{"A ship at sea"}},
		{"only an author", messaging.SearchQuery{AuthorID: new(friend.Entity())}, []string{"A ship at sea"}},
		{"in the future", messaging.SearchQuery{Text: "sea", From: new(time.Now().Add(time.Hour))}, []string{}},
		{"in the past", messaging.SearchQuery{Text: "sea", To: new(time.Now().Add(-time.Hour))}, []string{}},
	} {
		found, err := b.Search(t.Context(), b.Who, tt.query)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		got := make([]string, len(found.Messages))
		for i, m := range found.Messages {
			got[i] = m.Content
		}
		if diff := cmp.Diff(tt.want, got); diff != "" || found.Total != len(tt.want) {
			t.Errorf("%s: total %d\n%s", tt.name, found.Total, diff)
		}
	}
	_, err := b.Search(t.Context(), b.Who, messaging.SearchQuery{Text: " ", From: new(time.Now())})
	messagingtest.WantCode(t, err, apierr.ValidationFailed)
}

func TestSearchIsPaged(t *testing.T) {
	t.Parallel()
	b := messagingtest.New(t)
	c := b.DM(t)
	for i := range 5 {
		b.Say(t, messaging.Draft{ChannelID: c.ID, Content: fmt.Sprint("word ", i)})
	}
	var got []string
	for offset := 0; ; offset += 2 {
		page, err := b.Search(t.Context(), b.Who, messaging.SearchQuery{Text: "word", Limit: 2, Offset: offset})
		if err != nil || page.Total != 5 {
			t.Fatalf("%+v, %v", page, err)
		}
		for _, m := range page.Messages {
			got = append(got, m.Content)
		}
		if !page.HasMore {
			break
		}
	}
	if diff := cmp.Diff([]string{"word 4", "word 3", "word 2", "word 1", "word 0"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestHistoryByNumber(t *testing.T) {
	t.Parallel()
	b := messagingtest.New(t)
	c := b.DM(t)
	for i := range 5 {
		b.Say(t, messaging.Draft{ChannelID: c.ID, Content: fmt.Sprint(i + 1)})
	}
	for _, tt := range []struct {
		query messaging.HistoryQuery
		want  []string
		more  bool
	}{
		{messaging.HistoryQuery{BeforeSeq: new(int64(4)), Limit: 2}, []string{"3", "2"}, true},
		{messaging.HistoryQuery{BeforeSeq: new(int64(3)), Limit: 2}, []string{"2", "1"}, false},
		{messaging.HistoryQuery{AfterSeq: new(int64(1)), Limit: 2}, []string{"3", "2"}, true},
		{messaging.HistoryQuery{AfterSeq: new(int64(5))}, []string{}, false},
	} {
		h, err := b.History(t.Context(), b.Who, c.ID, tt.query)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]string, len(h.Messages))
		for i, m := range h.Messages {
			got[i] = m.Content
		}
		if diff := cmp.Diff(tt.want, got); diff != "" || h.HasMore != tt.more {
			t.Errorf("%+v: more %v %s", tt.query, h.HasMore, diff)
		}
	}
}

// A search that finds more than is counted can be read to its end.
func TestSearchBeyondTheCount(t *testing.T) {
	t.Parallel()
	b := messagingtest.New(t)
	const counted, more = 1000, 3
	channel := b.DM(t).ID
	err := b.Store.SystemUpdate(t.Context(), func(q db.System) error {
		for i := range counted + more {
			if err := q.InsertMessage(t.Context(), db.InsertMessageParams{
				ID: uuid.New(), ChannelID: channel, Seq: int64(i + 1), AuthorID: b.User, Content: "x", SourceType: "test", Metadata: dbtype.JSON(`{}`),
			}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for offset, want := range map[int]messaging.SearchPage{
		counted - 2:        {Total: counted, HasMore: true},
		counted + more - 2: {Total: counted},
	} {
		page, err := b.Search(t.Context(), b.Who, messaging.SearchQuery{ChannelID: &channel, Limit: 2, Offset: offset})
		if err != nil {
			t.Fatal(err)
		}
		if page.Total != want.Total || page.HasMore != want.HasMore || len(page.Messages) != 2 {
			t.Errorf("from %d: %d messages of %d, more: %t", offset, len(page.Messages), page.Total, page.HasMore)
		}
	}
}

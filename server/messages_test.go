package server_test

import (
	"net/http"
	"testing"

	"github.com/elizad/elizad/gen/api"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

func TestSingleMessages(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	channel, author := n.group(), uuid.New()
	m := n.say(channel, author, "helo")
	get := func(id uuid.UUID) answer { return n.read(n.api().GetMessage(t.Context(), id)) }
	if got := data[api.Message](get(m.ID).want(200)); got.Content != "helo" || got.ChannelID != channel {
		t.Errorf("message %+v", got)
	}
	edited := data[api.Message](n.edit(m.ID, "hello").want(200))
	if edited.Content != "hello" || object(edited.Metadata)["edited"] != true || edited.Seq != m.Seq {
		t.Errorf("message %+v", edited)
	}
	clearError(t, "a stranger", n.as(uuid.New()).edit(m.ID, "x"), http.StatusForbidden, "FORBIDDEN")
	n.as(author).edit(m.ID, "hello!").want(200)
	clearError(t, "empty", n.edit(m.ID, ""), http.StatusBadRequest, "")
	clearError(t, "unknown", get(uuid.New()), http.StatusNotFound, "NOT_FOUND")
	clearError(t, "unknown", n.edit(uuid.New(), "x"), http.StatusNotFound, "NOT_FOUND")
}

func TestSearchOverREST(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	channel, ann := n.group(), uuid.New()
	for _, text := range []string{"the sea", "a ship at sea", "the hills"} {
		n.say(channel, ann, text)
	}
	n.say(channel, uuid.New(), "sea air")
	search := func(body api.SearchMessagesRequest) api.MessageSearch {
		t.Helper()
		a := n.read(n.api().SearchMessages(t.Context(), body)).want(200)
		if a.header.Get("X-Total-Count") == "" {
			t.Error("no X-Total-Count")
		}
		return data[api.MessageSearch](a)
	}
	texts := func(f api.MessageSearch) (out []string) {
		for _, m := range f.Messages {
			out = append(out, m.Content)
		}
		return out
	}
	found := search(api.SearchMessagesRequest{Query: new("SEA"), ChannelID: &channel, AuthorID: &ann})
	if diff := cmp.Diff([]string{"a ship at sea", "the sea"}, texts(found)); diff != "" {
		t.Error(diff)
	}
	sea := api.SearchMessagesRequest{Query: new("sea"), Limit: new(2)}
	sea.From, sea.To = jsonOf("2020-01-01T00:00:00Z"), jsonOf(32503680000000)
	page := search(sea)
	if diff := cmp.Diff([]string{"sea air", "a ship at sea"}, texts(page)); diff != "" || page.Total != 3 || !page.HasMore {
		t.Errorf("%+v %s", page, diff)
	}
	begun := search(api.SearchMessagesRequest{AuthorID: &ann, Limit: new(2)})
	n.say(channel, ann, "a lake")
	if diff := cmp.Diff([]string{"the sea"}, texts(search(api.SearchMessagesRequest{AuthorID: &ann, Limit: new(2), Cursor: begun.NextCursor}))); diff != "" {
		t.Errorf("a message in between moves the page: %s", diff)
	}
	for what, next := range map[string]api.SearchMessagesRequest{
		"by cursor": {Query: new("sea"), Limit: new(2), Cursor: page.NextCursor}, "by page": {Query: new("sea"), Limit: new(2), Page: new(2)},
		"by offset": {Query: new("sea"), Limit: new(2), Offset: new(2)},
	} {
		if diff := cmp.Diff([]string{"the sea"}, texts(search(next))); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
	long, most := n.group(), 200
	for range most + 1 {
		n.say(long, ann, "x")
	}
	if got := search(api.SearchMessagesRequest{ChannelID: &long, Limit: new(1000), Page: new(2)}); len(got.Messages) != 1 {
		t.Errorf("%d messages on the second page of the largest size", len(got.Messages))
	}
	for _, bad := range []string{ // sent raw: no valid request says this
		`{}`, `{"query":""}`, `{"query":"x","cursor":"zzz"}`, `{"query":"x","from":"yesterday"}`, `{"query":"x","from":[1]}`, `{"authorId":"x"}`,
	} {
		clearError(t, bad, n.do("POST", "/api/messaging/messages/search", bad), http.StatusBadRequest, "")
	}
}

func TestAnonymousAuthorOverREST(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	m := data[api.Message](n.post(n.group(), api.PostMessageRequest{Content: new("Hello"), Metadata: jsonOf(map[string]any{})}).want(201))
	if want := "0a92fab3-2301-04cc-a6ea-dd9898325b9b"; m.AuthorID.String() != want {
		t.Errorf("author %s, want %s", m.AuthorID, want)
	}
}

func TestUnknownParentOfAMessage(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	channel := n.group()
	clearError(t, "an unknown parent", n.post(channel, api.PostMessageRequest{Content: new("x"), InReplyToMessageID: new(uuid.NewString())}), 400, "")
	clearError(t, "a name of an object's own", n.post(channel, api.PostMessageRequest{Content: new("x"), Transport: new(api.Transport("toString"))}), 400, "")
}

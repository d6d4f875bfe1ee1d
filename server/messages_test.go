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
	path := "/api/messaging/messages/" + m.ID.String()
	if got := data[api.Message](n.do("GET", path, nil).want(200)); got.Content != "helo" || got.ChannelID != channel {
		t.Errorf("message %+v", got)
	}
	edited := data[api.Message](n.do("PATCH", path, map[string]any{"content": "hello"}).want(200))
	if edited.Content != "hello" || object(edited.Metadata)["edited"] != true || edited.Seq != m.Seq {
		t.Errorf("message %+v", edited)
	}
	clearError(t, "a stranger", n.do("PATCH", path, map[string]any{"content": "x"}, "X-Entity-Id", uuid.NewString()), http.StatusForbidden, "FORBIDDEN")
	n.do("PATCH", path, map[string]any{"content": "hello!"}, "X-Entity-Id", author.String()).want(200)
	clearError(t, "empty", n.do("PATCH", path, map[string]any{"content": ""}), http.StatusBadRequest, "")
	clearError(t, "unknown", n.do("GET", "/api/messaging/messages/"+uuid.NewString(), nil), http.StatusNotFound, "NOT_FOUND")
	clearError(t, "unknown", n.do("PATCH", "/api/messaging/messages/"+uuid.NewString(), map[string]any{"content": "x"}), http.StatusNotFound, "NOT_FOUND")
}

func TestSearchOverREST(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	channel, ann := n.group(), uuid.New()
	for _, text := range []string{"the sea", "a ship at sea", "the hills"} {
		n.say(channel, ann, text)
	}
	n.say(channel, uuid.New(), "sea air")
	type found struct {
		Messages   []api.Message
		Total      int
		HasMore    bool
		NextCursor string
	}
	search := func(body any) found {
		t.Helper()
		a := n.do("POST", "/api/messaging/messages/search", body).want(200)
		f := data[found](a)
		if a.header.Get("X-Total-Count") == "" {
			t.Error("no X-Total-Count")
		}
		return f
	}
	texts := func(f found) (out []string) {
		for _, m := range f.Messages {
			out = append(out, m.Content)
		}
		return out
	}
	if diff := cmp.Diff([]string{"a ship at sea", "the sea"}, texts(search(map[string]any{"query": "SEA", "channelId": channel, "authorId": ann}))); diff != "" {
		t.Error(diff)
	}
	page := search(map[string]any{"query": "sea", "limit": 2, "from": "2020-01-01T00:00:00Z", "to": 32503680000000})
	if diff := cmp.Diff([]string{"sea air", "a ship at sea"}, texts(page)); diff != "" || page.Total != 3 || !page.HasMore {
		t.Errorf("%+v %s", page, diff)
	}
	begun := search(map[string]any{"authorId": ann, "limit": 2})
	n.say(channel, ann, "a lake")
	if diff := cmp.Diff([]string{"the sea"}, texts(search(map[string]any{"authorId": ann, "limit": 2, "cursor": begun.NextCursor}))); diff != "" {
		t.Errorf("a message in between moves the page: %s", diff)
	}
	for _, next := range []any{
		map[string]any{"query": "sea", "limit": 2, "cursor": page.NextCursor}, map[string]any{"query": "sea", "limit": 2, "page": 2},
		map[string]any{"query": "sea", "limit": 2, "offset": 2},
	} {
		if diff := cmp.Diff([]string{"the sea"}, texts(search(next))); diff != "" {
			t.Errorf("%v: %s", next, diff)
		}
	}
	long, most := n.group(), 200
	for range most + 1 {
		n.say(long, ann, "x")
	}
	if got := search(map[string]any{"channelId": long, "limit": 1000, "page": 2}); len(got.Messages) != 1 {
		t.Errorf("%d messages on the second page of the largest size", len(got.Messages))
	}
	for _, bad := range []any{
		map[string]any{}, map[string]any{"query": ""}, map[string]any{"query": "x", "cursor": "zzz"}, map[string]any{"query": "x", "from": "yesterday"},
		map[string]any{"query": "x", "from": []int{1}}, map[string]any{"authorId": "x"},
	} {
		clearError(t, "search", n.do("POST", "/api/messaging/messages/search", bad), http.StatusBadRequest, "")
	}
}

func TestAnonymousAuthorOverREST(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	m := data[api.Message](n.do("POST", "/api/messaging/channels/"+n.group().String()+"/messages", map[string]any{"content": "Hello", "metadata": map[string]any{}}).want(201))
	if want := "0a92fab3-2301-04cc-a6ea-dd9898325b9b"; m.AuthorID.String() != want {
		t.Errorf("author %s, want %s", m.AuthorID, want)
	}
}

func TestUnknownParentOfAMessage(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	path := "/api/messaging/channels/" + n.group().String() + "/messages"
	clearError(t, "an unknown parent", n.do("POST", path, map[string]any{"content": "x", "in_reply_to_message_id": uuid.New()}), 400, "")
	clearError(t, "a name of an object's own", n.do("POST", path, map[string]any{"content": "x", "transport": "toString"}), 400, "")
}

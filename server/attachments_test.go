package server_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/elizad/elizad/gen/api"
)

// Attachments that no agent could see are refused with their place, over REST and sockets.
func TestAttachmentsOfAWrongForm(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	channel, user := n.dm()
	post := func(attachments any) answer {
		return n.post(channel, api.PostMessageRequest{AuthorID: &user, Content: new("x"), Attachments: jsonOf(attachments)})
	}
	inMetadata := func(attachments any) answer {
		return n.post(channel, api.PostMessageRequest{AuthorID: &user, Content: new("x"), Metadata: jsonOf(map[string]any{"attachments": attachments})})
	}
	for _, tt := range []struct {
		attachments any
		place       string
	}{
		{5, "attachments must be a list of files"}, {true, "attachments must be a list of files"},
		{[]any{map[string]any{"url": "x"}, 7}, "attachments[1] must be an object with a url"}, {[]any{map[string]any{"url": 7}}, "attachments[0].url must be a text"},
		{[]any{map[string]any{"url": "x", "title": []int{}}}, "attachments[0].title must be a text"}, {[]any{map[string]any{}}, "attachments[0] needs a url"},
		{[]any{[]any{}}, "attachments[0] must be an object with a url"}, {map[string]any{"id": "1"}, "attachments[0] needs a url"},
	} {
		for place, a := range map[string]answer{tt.place: post(tt.attachments), "metadata." + tt.place: inMetadata(tt.attachments)} {
			clearError(t, place, a, http.StatusBadRequest, "VALIDATION_ERROR")
			if e := into[api.Error](a); !strings.HasPrefix(e.Error.Message, place) {
				t.Errorf("message %q, want %q", e.Error.Message, place)
			}
		}
	}
	clearError(t, "a text", post("cat.png"), http.StatusBadRequest, "VALIDATION_ERROR")
	if got := n.history(channel); len(got) > 0 {
		t.Errorf("stored %+v", got)
	}
	for _, fine := range []any{
		map[string]any{"url": "https://example.org/a.png"}, []any{"https://example.org/a.png"}, []any{},
		[]any{map[string]any{"id": 1, "url": "https://example.org/a.png", "contentType": nil, "size": 4}}, nil,
	} {
		post(fine).want(201)
	}
}

func TestAttachmentsNameAddresses(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	n := startWith(t, cfg)
	channel, user := n.dm()
	agent := n.agentID()
	place := func(parts ...string) string { return filepath.Join(append([]string{cfg.Storage.Dir}, parts...)...) }
	attachments := []any{
		map[string]any{"id": "1", "url": place("generated", agent.String(), "a b.png"), "title": "kept"},
		place("uploads", "agents", agent.String(), "x.png"), place("uploads", "channels", channel.String(), "y.png"),
		"https://example.com/z.png", "/etc/passwd", "/media/generated/x/y.png", "relative.png", place("elizad.db"), place("generated", agent.String(), "..", "..", "elizad.db"),
	}
	look := api.PostMessageRequest{AuthorID: &user, Content: new("look"), Metadata: jsonOf(map[string]any{"attachments": attachments})}
	look.RawMessage = jsonOf(map[string]any{"text": "look", "attachments": attachments[:1]})
	posted := n.post(channel, look).want(201)
	if strings.Contains(string(posted.body), place("generated")) || strings.Contains(string(posted.body), place("uploads")) {
		t.Errorf("the answer names a place on disk: %s", posted.body)
	}
	want := fmt.Sprint([]any{
		map[string]any{"id": "1", "url": "/media/generated/" + agent.String() + "/a%20b.png", "title": "kept"},
		"/media/uploads/agents/" + agent.String() + "/x.png", "/media/uploads/channels/" + channel.String() + "/y.png",
		"https://example.com/z.png", "/etc/passwd", "/media/generated/x/y.png", "relative.png", place("elizad.db"), place("generated", agent.String(), "..", "..", "elizad.db"),
	})
	for _, m := range n.history(channel) {
		if m.Content != "look" {
			continue
		}
		// The attachments of the raw message win in what is read.
		if got := fmt.Sprint(object(m.RawMessage)["attachments"]); got != fmt.Sprint([]any{map[string]any{"id": "1", "url": "/media/generated/" + agent.String() + "/a%20b.png", "title": "kept"}}) {
			t.Errorf("raw message: %s", got)
		}
	}
	look.Content, look.RawMessage = new("again"), nil
	second := data[api.Message](n.post(channel, look).want(201))
	if got := fmt.Sprint(object(second.Metadata)["attachments"]); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

package server_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/agent"
)

// rlo turns the direction of what follows.
const rlo = "\u202e"

func TestNamesAreHarmless(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	const family = "👩\u200d👩\u200d👧"
	name, want := rlo+"A\u200bda\x07 "+family+"\u2069", "Ada "+family
	expect := func(what, got string) {
		t.Helper()
		if got != want {
			t.Errorf("%s is %+q, want %+q", what, got, want)
		}
	}
	type named struct{ ID, Name string }
	made := data[struct {
		ID        string
		Character named
	}](n.do("POST", "/api/agents", map[string]any{"characterJson": map[string]any{"name": name, "bio": "x"}}).want(201))
	expect("the agent's name", made.Character.Name)
	if made.ID != agent.ID(want).String() {
		t.Errorf("the id %s doesn't follow from the name that is shown", made.ID)
	}
	expect("its name after a change", data[named](n.do("PATCH", "/api/agents/"+made.ID, map[string]any{"name": name}).want(200)).Name)
	n.do("PATCH", "/api/agents/"+made.ID, map[string]any{"name": rlo}).want(400)

	channel, user := n.dm()
	expect("the channel's name", data[named](n.do("PATCH", "/api/messaging/channels/"+channel.String(), map[string]any{"name": name}).want(200)).Name)
	n.do("PATCH", "/api/messaging/channels/"+channel.String(), map[string]any{"name": rlo}).want(400)
	expect("a new channel's name", data[named](n.do("POST", "/api/messaging/channels", map[string]any{"name": name, "message_server_id": uuid.Nil, "participantCentralUserIds": []string{user.String()}}).want(201)).Name)
	server := data[struct{ Server named }](n.do("POST", "/api/messaging/message-servers", map[string]any{"name": name, "sourceType": "test"}).want(201)).Server
	expect("the message server's name", server.Name)
	n.do("POST", "/api/messaging/channels/"+channel.String()+"/messages", map[string]any{
		"author_id": user, "content": "hello " + rlo, "message_server_id": uuid.Nil, "author_display_name": name,
	}).want(201)
	history := n.do("GET", "/api/messaging/channels/"+channel.String()+"/messages", nil).want(200)
	for _, m := range data[struct {
		Messages []struct{ AuthorID, AuthorDisplayName, Content string }
	}](history).Messages {
		if m.AuthorID == user.String() {
			expect("the author's name", m.AuthorDisplayName)
			if m.Content != "hello "+rlo {
				t.Errorf("what was said is %+q", m.Content)
			}
		}
	}
	body, kind := fileForm("file", strings.ReplaceAll(name, "\x07", "")+".txt", "text/plain", "hello")
	file := data[struct{ OriginalName string }](n.do("POST", "/api/messaging/channels/"+channel.String()+"/upload-media", body, "Content-Type", kind).want(200))
	if file.OriginalName != want+".txt" {
		t.Errorf("the file's name is %+q", file.OriginalName)
	}
	expect("the room's name", data[named](n.do("POST", fmt.Sprintf("/api/agents/%s/rooms", made.ID), map[string]any{"name": name}).want(201)).Name)
}

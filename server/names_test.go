package server_test

import (
	"strings"
	"testing"

	"github.com/elizad/elizad/gen/api"

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
	made := data[api.AgentCreated](n.createAgent(map[string]any{"name": name, "bio": "x"}).want(201))
	expect("the agent's name", object(made.Character)["name"].(string))
	if made.ID != agent.ID(want) {
		t.Errorf("the id %s doesn't follow from the name that is shown", made.ID)
	}
	expect("its name after a change", data[api.Agent](n.changeAgent(made.ID, map[string]any{"name": name}).want(200)).Name)
	n.changeAgent(made.ID, map[string]any{"name": rlo}).want(400)

	channel, user := n.dm()
	rename := func(name string) answer {
		return n.read(n.api().UpdateChannel(t.Context(), channel, nil, api.ChannelPatch{Name: &name}))
	}
	expect("the channel's name", data[api.ChannelUpdated](rename(name).want(200)).Name)
	rename(rlo).want(400)
	expect("a new channel's name", data[api.ChannelCreated](n.createChannel(api.CreateChannelRequest{Name: name}).want(201)).Name)
	server := api.CreateMessageServerRequest{Name: name, SourceType: "test"}
	expect("the message server's name", data[api.MessageServerCreated](n.read(n.api().CreateMessageServer(t.Context(), server)).want(201)).Name)
	n.post(channel, api.PostMessageRequest{AuthorID: &user, Content: new("hello " + rlo), AuthorDisplayName: &name}).want(201)
	for _, m := range n.history(channel) {
		if m.AuthorID == user {
			expect("the author's name", deref(m.AuthorDisplayName))
			if m.Content != "hello "+rlo {
				t.Errorf("what was said is %+q", m.Content)
			}
		}
	}
	file := data[api.Upload](n.uploadToMessage(channel, formPart{"file", strings.ReplaceAll(name, "\x07", "") + ".txt", "text/plain", "hello"}).want(200))
	if file.OriginalName != want+".txt" {
		t.Errorf("the file's name is %+q", file.OriginalName)
	}
	expect("the room's name", data[api.RoomCreated](n.createRoom(made.ID, api.CreateRoomRequest{Name: &name}).want(201)).Name)
}

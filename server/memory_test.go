package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/elizad/elizad/gen/api"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/server/agent"
)

func TestTurnsLeaveMemories(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	id := n.agentID()
	channel, user := n.dm()
	posted := into[api.MessagePostedEnvelope](n.ask(channel, user, "Tell me of Zebrafish").want(201))
	room := agent.UUIDFor(id, channel.String())

	list := n.memories(id, api.ListMemoriesParams{})
	if len(list.Memories) != 2 || list.HasMore {
		t.Fatalf("memories %+v", list)
	}
	said, heard := list.Memories[0], list.Memories[1]
	heardID := agent.UUIDOf(posted.UserMessage.ID.String() + "-" + id.String())
	if said.ID != posted.AgentResponse.ResponseID || said.EntityID != id || object(said.Content)["text"] != posted.AgentResponse.Text || object(said.Content)["inReplyTo"] != heardID.String() {
		t.Errorf("the reply is remembered as %+v", said)
	}
	if heard.ID != heardID || heard.EntityID != user || deref(heard.MessageID) != posted.UserMessage.ID || object(heard.Content)["text"] != "Tell me of Zebrafish" {
		t.Errorf("the message is remembered as %+v", heard)
	}
	for _, m := range list.Memories {
		if m.Type != "messages" || m.AgentID != id || m.RoomID != room || !m.Unique || object(m.Metadata)["type"] != "message" || m.CreatedAt == 0 || m.Embedding != nil {
			t.Errorf("memory %+v", m)
		}
	}
	for _, of := range []api.ListMemoriesParams{{ChannelID: &channel}, {RoomID: &room}} {
		if diff := cmp.Diff(list, n.memories(id, of)); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", of, diff)
		}
	}
	of := func(room uuid.UUID, p api.ListRoomMemoriesParams) api.MemoryList {
		t.Helper()
		return data[api.MemoryList](n.read(n.api().ListRoomMemories(t.Context(), id, room, &p)).want(200))
	}
	for _, name := range []uuid.UUID{room, channel} {
		if diff := cmp.Diff(list, of(name, api.ListRoomMemoriesParams{TableName: new("messages"), IncludeEmbedding: new("true")})); diff != "" {
			t.Errorf("of the room %s (-want +got):\n%s", name, diff)
		}
	}
	if both := of(channel, api.ListRoomMemoriesParams{}); !deref(both.Success) || len(both.Data) != 2 {
		t.Errorf("without a table: %+v", both)
	}
	// Sent raw: an older name of the path, ids in capitals, and queries of which many are no valid ones.
	path := "/api/memory/" + strings.ToUpper(id.String())
	odd := data[api.MemoryList](n.do("GET", path+"/rooms/"+strings.ToUpper(channel.String())+"/memories?tableName=messages", nil).want(200))
	if diff := cmp.Diff(list, odd); diff != "" {
		t.Errorf("in capitals (-want +got):\n%s", diff)
	}
	for query, want := range map[string]int{
		"limit=1": 1, "search=ME%20OF%20ZEBRA": 1, "search=nowhere": 0, "type=facts": 0, "tableName=facts&type=messages": 0, "page=2&limit=1": 1, "page=3&limit=1": 0,
		"offset=1": 1, "from=2100-01-01": 0, "to=2000-01-01T00:00:00.000Z": 0, "before=1": 0, "before=rubbish": 2, "limit=-5": 2, "limit=x": 2,
		"roomId=" + uuid.NewString(): 0,
	} {
		if got := data[api.MemoryList](n.do("GET", path+"/memories?"+query, nil).want(200)); len(got.Memories) != want {
			t.Errorf("%s: %d memories, want %d", query, len(got.Memories), want)
		}
	}
	clearError(t, "a bad time", n.do("GET", path+"/memories?from=someday", nil), http.StatusBadRequest, "INVALID_REQUEST")
	clearError(t, "a bad channel", n.do("GET", path+"/memories?channelId=x", nil), http.StatusBadRequest, "INVALID_ID")
	if got := n.memories(id, api.ListMemoriesParams{Limit: new("1")}); !got.HasMore {
		t.Error("one of two, and no more")
	}
}

func TestWhatAnAgentRemembersDecidesWhatItSees(t *testing.T) {
	t.Parallel()
	n, model := prompts(t)
	id := n.agentID()
	channel, user := n.dm()
	n.ask(channel, user, "The code word is marmalade").want(201)
	n.ask(channel, user, "The number is forty").want(201)
	if p := lastPrompt(t, model); !strings.Contains(p, "marmalade") {
		t.Fatalf("the prompt lacks the conversation:\n%s", p)
	}
	about := func(text string) []api.Memory {
		t.Helper()
		return n.memories(id, api.ListMemoriesParams{Search: &text}).Memories
	}
	find := func(text string) api.Memory {
		t.Helper()
		list := about(text)
		if len(list) != 1 {
			t.Fatalf("%q: %+v", text, list)
		}
		return list[0]
	}
	code, number := find("marmalade"), find("forty")

	edited := data[api.MemoryUpdated](n.do("PATCH", "/api/agents/"+id.String()+"/memories/"+code.ID.String(), map[string]any{
		"id": code.ID, "content": map[string]any{"text": "The code word is honey", "note": 1}, // with its id, as older clients send it
	}).want(200))
	if edited.ID != code.ID || edited.RoomID != code.RoomID || object(edited.Content)["text"] != "The code word is honey" || edited.Message == "" || edited.UpdatedAt < code.UpdatedAt {
		t.Errorf("edited %+v", edited)
	}
	for range 2 {
		n.read(n.api().DeleteMemory(t.Context(), id, number.ID)).want(200)
	}
	n.ask(channel, user, "What do you know?").want(201)
	if p := lastPrompt(t, model); strings.Contains(p, "marmalade") || !strings.Contains(p, "honey") || strings.Contains(p, "forty") {
		t.Errorf("the agent sees what it should not, or lacks what it should see:\n%s", p)
	}
	texts := n.history(channel)
	if len(texts) != 6 || texts[5].Content != "The code word is marmalade" || texts[3].Content != "The number is forty" {
		t.Fatalf("the channel itself has changed: %+v", texts)
	}

	n.read(n.api().DeleteMessage(t.Context(), channel, texts[5].ID)).want(204)
	if got := about("honey"); len(got) != 0 {
		t.Errorf("a deleted message is remembered: %+v", got)
	}
	n.read(n.api().ClearRoomMemories(t.Context(), id, channel)).want(204)
	n.ask(channel, user, "And now?").want(201)
	if p := lastPrompt(t, model); strings.Contains(p, "What do you know?") {
		t.Errorf("a cleared room is remembered:\n%s", p)
	}
	cleared := data[api.MemoriesCleared](n.read(n.api().ClearMemories(t.Context(), id)).want(200))
	if cleared.Deleted != 2 || cleared.Message == "" {
		t.Errorf("cleared %+v", cleared)
	}
	n.ask(channel, user, "Once more").want(201)
	if p := lastPrompt(t, model); strings.Contains(p, "And now?") {
		t.Errorf("everything was forgotten, but not this:\n%s", p)
	}
	n.read(n.api().ClearChannel(t.Context(), channel)).want(204)
	if got := n.memories(id, api.ListMemoriesParams{}); len(got.Memories) != 0 {
		t.Errorf("a cleared channel is remembered: %+v", got)
	}
}

func TestMemoryChanges(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	id := n.agentID()
	channel, user := n.dm()
	n.ask(channel, user, "Zebrafish").want(201)
	m := n.memories(id, api.ListMemoriesParams{Limit: new("1"), Offset: new("1")}).Memories[0]
	change := func(to api.MemoryPatch) answer { return n.changeMemory(id, m.ID, to).want(200) }
	owl := api.MemoryPatch{Content: jsonOf("Owl morning")}
	if got := data[api.Memory](change(owl)); object(got.Content)["text"] != "Owl morning" {
		t.Errorf("a text as content: %+v", got)
	}
	got := data[api.Memory](change(api.MemoryPatch{Metadata: jsonOf(map[string]any{"type": "custom"}), Embedding: []float32{0.5, -1}}))
	if object(got.Metadata)["type"] != "custom" || object(got.Content)["text"] != "Owl morning" {
		t.Errorf("metadata: %+v", got)
	}
	found := func() []api.Memory {
		t.Helper()
		return n.memories(id, api.ListMemoriesParams{IncludeEmbedding: new("true"), Search: new("owl morning")}).Memories
	}
	if diff := cmp.Diff([]float32{0.5, -1}, found()[0].Embedding); diff != "" {
		t.Errorf("embedding (-want +got):\n%s", diff)
	}
	path := "/api/agents/" + id.String() + "/memories/" + m.ID.String()
	n.do("PATCH", path, `{"embedding":[]}`).want(200) // the client leaves out an empty list
	if got := found()[0].Embedding; got != nil {
		t.Errorf("a removed embedding: %v", got)
	}
	last := change(owl)
	if same := change(api.MemoryPatch{}); string(same.body) != string(last.body) {
		t.Errorf("nothing was to change, and %s became %s", last.body, same.body)
	}
	for what, body := range map[string]string{ // sent raw: no valid request says this
		"null content": `{"content":null}`, "a number as content": `{"content":7}`, "a list as metadata": `{"metadata":[1]}`, "text as embedding": `{"embedding":"x"}`,
	} {
		clearError(t, what, n.do("PATCH", path, body), http.StatusBadRequest, "")
	}
	other := n.newAgent("Other", "b")
	clearError(t, "somebody else's memory", n.changeMemory(other, m.ID, owl), http.StatusNotFound, "NOT_FOUND")
	n.read(n.api().DeleteMemory(t.Context(), other, m.ID)).want(200)
	n.read(n.api().ClearRoomMemories(t.Context(), other, channel)).want(204)
	if got := found(); len(got) != 1 {
		t.Errorf("another agent deleted it: %v", got)
	}
}

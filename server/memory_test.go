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
	room := agent.UUIDFor(uuid.MustParse(id), channel).String()

	list := n.memories("/api/agents/" + id + "/memories")
	if len(list.Memories) != 2 || list.HasMore {
		t.Fatalf("memories %+v", list)
	}
	said, heard := list.Memories[0], list.Memories[1]
	heardID := agent.UUIDOf(posted.UserMessage.ID.String() + "-" + id).String()
	if said.ID != posted.AgentResponse.ResponseID || said.EntityID.String() != id || object(said.Content)["text"] != posted.AgentResponse.Text || object(said.Content)["inReplyTo"] != heardID {
		t.Errorf("the reply is remembered as %+v", said)
	}
	if heard.ID.String() != heardID || heard.EntityID.String() != user || deref(heard.MessageID) != posted.UserMessage.ID || object(heard.Content)["text"] != "Tell me of Zebrafish" {
		t.Errorf("the message is remembered as %+v", heard)
	}
	for _, m := range list.Memories {
		if m.Type != "messages" || m.AgentID.String() != id || m.RoomID.String() != room || !m.Unique || object(m.Metadata)["type"] != "message" || m.CreatedAt == 0 || m.Embedding != nil {
			t.Errorf("memory %+v", m)
		}
	}
	for _, path := range []string{
		"/api/memory/" + id + "/memories", "/api/memory/" + id + "/memories?channelId=" + channel, "/api/memory/" + id + "/memories?roomId=" + room,
		"/api/memory/" + id + "/rooms/" + channel + "/memories?tableName=messages&includeEmbedding=true", "/api/agents/" + id + "/rooms/" + room + "/memories?tableName=messages",
		"/api/memory/" + strings.ToUpper(id) + "/rooms/" + strings.ToUpper(channel) + "/memories?tableName=messages",
	} {
		if diff := cmp.Diff(list, n.memories(path)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
	if both := n.memories("/api/memory/" + id + "/rooms/" + channel + "/memories"); !deref(both.Success) || len(both.Data) != 2 {
		t.Errorf("without a table: %+v", both)
	}
	for query, want := range map[string]int{
		"limit=1": 1, "search=ME%20OF%20ZEBRA": 1, "search=nowhere": 0, "type=facts": 0, "tableName=facts&type=messages": 0, "page=2&limit=1": 1, "page=3&limit=1": 0,
		"offset=1": 1, "from=2100-01-01": 0, "to=2000-01-01T00:00:00.000Z": 0, "before=1": 0, "before=rubbish": 2, "limit=-5": 2, "limit=x": 2,
		"roomId=" + uuid.NewString(): 0,
	} {
		if got := n.memories("/api/memory/" + id + "/memories?" + query); len(got.Memories) != want {
			t.Errorf("%s: %d memories, want %d", query, len(got.Memories), want)
		}
	}
	if got := n.memories("/api/memory/" + id + "/memories?limit=1"); !got.HasMore {
		t.Error("one of two, and no more")
	}
	clearError(t, "a bad time", n.do("GET", "/api/memory/"+id+"/memories?from=someday", nil), http.StatusBadRequest, "INVALID_REQUEST")
	clearError(t, "a bad channel", n.do("GET", "/api/memory/"+id+"/memories?channelId=x", nil), http.StatusBadRequest, "INVALID_ID")
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
	find := func(text string) api.Memory {
		t.Helper()
		list := n.memories("/api/memory/" + id + "/memories?search=" + text)
		if len(list.Memories) != 1 {
			t.Fatalf("%q: %+v", text, list)
		}
		return list.Memories[0]
	}
	code, number := find("marmalade"), find("forty")

	edited := data[struct {
		api.Memory
		Message string
	}](n.do("PATCH", "/api/memory/"+id+"/memories/"+code.ID.String(), map[string]any{"id": code.ID, "content": map[string]any{"text": "The code word is honey", "note": 1}}).want(200))
	if edited.ID != code.ID || edited.RoomID != code.RoomID || object(edited.Content)["text"] != "The code word is honey" || edited.Message == "" || edited.UpdatedAt < code.UpdatedAt {
		t.Errorf("edited %+v", edited)
	}
	n.do("DELETE", "/api/memory/"+id+"/memories/"+number.ID.String(), nil).want(200)
	n.do("DELETE", "/api/memory/"+id+"/memories/"+number.ID.String(), nil).want(200)
	n.ask(channel, user, "What do you know?").want(201)
	if p := lastPrompt(t, model); strings.Contains(p, "marmalade") || !strings.Contains(p, "honey") || strings.Contains(p, "forty") {
		t.Errorf("the agent sees what it should not, or lacks what it should see:\n%s", p)
	}
	if texts := n.history(channel); len(texts) != 6 || texts[5].Content != "The code word is marmalade" || texts[3].Content != "The number is forty" {
		t.Errorf("the channel itself has changed: %+v", texts)
	}

	var first api.Message
	for _, m := range n.history(channel) {
		first = m
	}
	n.do("DELETE", "/api/messaging/channels/"+channel+"/messages/"+first.ID.String(), nil).want(204)
	if got := n.memories("/api/memory/" + id + "/memories?search=honey"); len(got.Memories) != 0 {
		t.Errorf("a deleted message is remembered: %+v", got)
	}
	n.do("DELETE", "/api/memory/"+id+"/memories/all/"+channel, nil).want(204)
	n.ask(channel, user, "And now?").want(201)
	if p := lastPrompt(t, model); strings.Contains(p, "What do you know?") {
		t.Errorf("a cleared room is remembered:\n%s", p)
	}
	cleared := data[struct {
		Deleted int
		Message string
	}](n.do("DELETE", "/api/memory/"+id+"/memories", nil).want(200))
	if cleared.Deleted != 2 || cleared.Message == "" {
		t.Errorf("cleared %+v", cleared)
	}
	n.ask(channel, user, "Once more").want(201)
	if p := lastPrompt(t, model); strings.Contains(p, "And now?") {
		t.Errorf("everything was forgotten, but not this:\n%s", p)
	}
	n.do("DELETE", "/api/messaging/channels/"+channel+"/messages", nil).want(204)
	if got := n.memories("/api/memory/" + id + "/memories"); len(got.Memories) != 0 {
		t.Errorf("a cleared channel is remembered: %+v", got)
	}
}

func TestMemoryChanges(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	id := n.agentID()
	channel, user := n.dm()
	n.ask(channel, user, "Zebrafish").want(201)
	m := n.memories("/api/memory/" + id + "/memories?limit=1&offset=1").Memories[0]
	path := "/api/agents/" + id + "/memories/" + m.ID.String()
	if got := data[api.Memory](n.do("PATCH", path, map[string]any{"content": "Owl morning"}).want(200)); object(got.Content)["text"] != "Owl morning" {
		t.Errorf("a text as content: %+v", got)
	}
	if got := data[api.Memory](n.do("PATCH", path, map[string]any{"metadata": map[string]any{"type": "custom"}, "embedding": []float64{0.5, -1}}).want(200)); object(got.Metadata)["type"] != "custom" || object(got.Content)["text"] != "Owl morning" {
		t.Errorf("metadata: %+v", got)
	}
	list := n.memories("/api/agents/" + id + "/memories?includeEmbedding=true&search=owl%20morning")
	if diff := cmp.Diff([]float32{0.5, -1}, list.Memories[0].Embedding); diff != "" {
		t.Errorf("embedding (-want +got):\n%s", diff)
	}
	n.do("PATCH", path, map[string]any{"embedding": []float64{}}).want(200)
	if list = n.memories("/api/agents/" + id + "/memories?includeEmbedding=true&search=owl%20morning"); list.Memories[0].Embedding != nil {
		t.Errorf("a removed embedding: %v", list.Memories[0].Embedding)
	}
	last := n.do("PATCH", path, map[string]any{"content": "Owl morning"}).want(200)
	if same := n.do("PATCH", path, map[string]any{}).want(200); string(same.body) != string(last.body) {
		t.Errorf("nothing was to change, and %s became %s", last.body, same.body)
	}
	for what, body := range map[string]any{
		"null content": `{"content":null}`, "a number as content": map[string]any{"content": 7}, "a list as metadata": map[string]any{"metadata": []int{1}},
		"text as embedding": map[string]any{"embedding": "x"},
	} {
		clearError(t, what, n.do("PATCH", path, body), http.StatusBadRequest, "")
	}
	other := n.newAgent("Other", "b")
	clearError(t, "somebody else's memory", n.do("PATCH", "/api/agents/"+other+"/memories/"+m.ID.String(), map[string]any{"content": "mine"}), http.StatusNotFound, "NOT_FOUND")
	n.do("DELETE", "/api/agents/"+other+"/memories/"+m.ID.String(), nil).want(200)
	n.do("DELETE", "/api/agents/"+other+"/memories/all/"+channel, nil).want(204)
	if got := memoryTexts(n.memories("/api/agents/" + id + "/memories?search=owl%20morning")); len(got) != 1 {
		t.Errorf("another agent deleted it: %v", got)
	}
}

package server_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/modeltest"
)

// group returns a new channel with the given participants.
func (n *node) group(participants ...string) string {
	n.t.Helper()
	return data[struct{ ID string }](n.do("POST", "/api/messaging/channels", map[string]any{
		"name": "Group", "message_server_id": uuid.Nil, "participantCentralUserIds": participants,
	}).want(201)).ID
}

func (n *node) say(channel, author, text string) wireMessage {
	n.t.Helper()
	return data[wireMessage](n.do("POST", "/api/messaging/channels/"+channel+"/messages", map[string]any{
		"author_id": author, "content": text,
	}).want(201))
}

func TestSubmittedMessages(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	agent, user := n.agent().ID, uuid.NewString()
	channel := n.group(agent, user)
	question := n.say(channel, user, "Hello")
	id := uuid.NewString()
	body := map[string]any{
		"channel_id": channel, "server_id": uuid.Nil, "author_id": agent, "content": "Hi", "source_type": "agent_response",
		"raw_message": map[string]any{"text": "Hi", "thought": "greet", "actions": []string{"REPLY"}}, "messageId": id,
		"in_reply_to_message_id": question.ID, "metadata": map[string]any{"agentName": "Eliza"},
	}
	m := data[wireMessage](n.do("POST", "/api/messaging/submit", body).want(201))
	if m.ID != id || m.AuthorID != agent || m.InReplyToRootMessageID != question.ID || m.Metadata["thought"] != "greet" || m.SourceType != "agent_response" {
		t.Errorf("message %+v", m)
	}
	if again := data[wireMessage](n.do("POST", "/api/messaging/submit", body).want(201)); again.ID != id || again.Seq != m.Seq {
		t.Errorf("repeated: %+v", again)
	}
	body["author_id"] = user
	clearError(t, "another author's id", n.do("POST", "/api/messaging/submit", body), http.StatusConflict, "CONFLICT")

	// As the client of ElizaOS sends it.
	m = data[wireMessage](n.do("POST", "/api/messaging/submit", map[string]any{
		"agentId": agent, "channelId": channel, "content": "Short form", "inReplyToMessageId": question.ID,
	}).want(201))
	if m.AuthorID != agent || m.SourceType != "agent_response" || m.RawMessage["text"] != "Short form" || m.InReplyToRootMessageID != question.ID {
		t.Errorf("message %+v", m)
	}
	for what, change := range map[string]any{"content": "", "messageId": "x", "in_reply_to_message_id": "x", "channel_id": nil} {
		bad := map[string]any{"channel_id": channel, "author_id": agent, "content": "x"}
		bad[what] = change
		clearError(t, "bad "+what, n.do("POST", "/api/messaging/submit", bad), http.StatusBadRequest, "")
	}
	clearError(t, "unknown channel", n.do("POST", "/api/messaging/submit", map[string]any{"channel_id": uuid.New(), "author_id": agent, "content": "x"}), http.StatusNotFound, "")
	clearError(t, "wrong server", n.do("POST", "/api/messaging/submit", map[string]any{
		"channel_id": channel, "author_id": agent, "content": "x", "message_server_id": uuid.New(),
	}), http.StatusBadRequest, "")
	clearError(t, "unknown parent", n.do("POST", "/api/messaging/submit", map[string]any{
		"channel_id": channel, "author_id": agent, "content": "x", "in_reply_to_message_id": uuid.New(),
	}), http.StatusBadRequest, "")
}

func TestActionMessages(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	agent := n.agent().ID
	channel := n.group(agent)
	m := data[wireMessage](n.do("POST", "/api/messaging/action", map[string]any{
		"channel_id": channel, "author_id": agent, "content": "Executing action: SEARCH",
		"raw_message": map[string]any{"actionStatus": "executing"}, "metadata": map[string]any{"run": "1"},
	}).want(201))
	if m.SourceType != "agent_action" {
		t.Errorf("message %+v", m)
	}
	path := "/api/messaging/action/" + m.ID
	after := data[wireMessage](n.do("PATCH", path, map[string]any{
		"content": "Executed", "raw_message": map[string]any{"actionStatus": "completed"}, "metadata": map[string]any{"took": 3},
		"server_message_id": uuid.Nil,
	}).want(200))
	if after.ID != m.ID || after.Content != "Executed" || after.RawMessage["actionStatus"] != "completed" || after.Metadata["run"] != "1" || after.Metadata["took"] != float64(3) {
		t.Errorf("message %+v", after)
	}
	if same := data[wireMessage](n.do("PATCH", path, nil).want(200)); same.Content != "Executed" {
		t.Errorf("an empty change made %+v", same)
	}
	clearError(t, "unknown", n.do("PATCH", "/api/messaging/action/"+uuid.NewString(), map[string]any{}), http.StatusNotFound, "")
	said := n.say(channel, uuid.NewString(), "mine")
	clearError(t, "no action", n.do("PATCH", "/api/messaging/action/"+said.ID, map[string]any{"content": "forged"}), http.StatusForbidden, "FORBIDDEN")
}

func TestIngestedMessages(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	channel, user := n.dm()
	type ingested struct {
		MessageID  string
		MessageIDs []string
		Processed  int
	}
	single := map[string]any{
		"channel_id": channel, "message_server_id": uuid.Nil, "author_id": user, "content": "Hello from there", "source_type": "discord",
		"source_id": "1", "author_display_name": "Ann", "in_reply_to_message_id": "not one",
	}
	first := data[ingested](n.do("POST", "/api/messaging/ingest-external", single).want(202))
	if again := data[ingested](n.do("POST", "/api/messaging/ingest-external", single).want(202)); again.MessageID != first.MessageID || first.Processed != 1 {
		t.Errorf("first %+v, then %+v", first, again)
	}
	eventually(t, "the agent's answer", func() bool { return len(n.history(channel)) == 2 })

	server := data[struct{ ID string }](n.do("POST", "/api/messaging/message-servers", map[string]any{"name": "Chats", "sourceType": "telegram"}).want(201)).ID
	synced := data[struct{ Synced int }](n.do("POST", "/api/messaging/message-servers/"+server+"/sync-channels", map[string]any{
		"channels": []any{map[string]any{"name": "family", "type": "group", "sourceId": "-100"}},
	}).want(200))
	if synced.Synced != 1 {
		t.Errorf("synced %+v", synced)
	}
	list := map[string]any{"platform": "telegram", "channelId": "-100", "messages": []any{
		map[string]any{"id": "7", "authorId": "4411", "content": "one", "timestamp": 1795188790230},
		map[string]any{"id": "8", "authorId": "4411", "content": "two"},
	}}
	many := data[ingested](n.do("POST", "/api/messaging/ingest-external", list).want(202))
	n.do("POST", "/api/messaging/ingest-external", list).want(202)
	m := data[wireMessage](n.do("GET", "/api/messaging/messages/"+many.MessageIDs[0], nil).want(200))
	if many.Processed != 2 || m.Content != "one" || m.SourceType != "telegram" || m.Metadata["timestamp"] != float64(1795188790230) {
		t.Errorf("%+v, message %+v", many, m)
	}
	if got := n.history(m.ChannelID); len(got) != 2 {
		t.Errorf("history %+v", got)
	}
	single["author_id"] = n.agent().ID
	clearError(t, "an agent", n.do("POST", "/api/messaging/ingest-external", single), http.StatusForbidden, "FORBIDDEN")
	single["author_id"] = "not-a-uuid"
	clearError(t, "no author", n.do("POST", "/api/messaging/ingest-external", single), http.StatusBadRequest, "")
	clearError(t, "unknown channel there", n.do("POST", "/api/messaging/ingest-external", map[string]any{
		"platform": "telegram", "channelId": "-200", "messages": []any{},
	}), http.StatusNotFound, "")
}

func TestCompletion(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	channel := n.group()
	m := n.say(channel, uuid.NewString(), "x")
	for _, body := range []any{
		map[string]any{"messageId": m.ID, "status": "completed"},
		map[string]any{"messageId": m.ID, "status": "failed", "error": "no network"},
		map[string]any{"channel_id": channel, "server_id": uuid.Nil},
	} {
		if d := data[struct{ Success bool }](n.do("POST", "/api/messaging/complete", body).want(200)); !d.Success {
			t.Errorf("%v: %+v", body, d)
		}
	}
	clearError(t, "nothing", n.do("POST", "/api/messaging/complete", map[string]any{}), http.StatusBadRequest, "")
	clearError(t, "unknown", n.do("POST", "/api/messaging/complete", map[string]any{"messageId": uuid.New()}), http.StatusNotFound, "")
}

func TestAgentsCannotBeForged(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.Security.AuthToken, cfg.Security.ServiceKey = "open sesame", "we are one"
	n := startWith(t, cfg)
	key := []string{"X-API-KEY", "open sesame"}
	agent := data[struct{ Agents []wireAgent }](n.do("GET", "/api/agents", nil, key...).want(200)).Agents[0].ID
	channel := data[struct{ ID string }](n.do("POST", "/api/messaging/channels", map[string]any{"name": "G", "participantCentralUserIds": []string{agent}}, key...).want(201)).ID
	forged := map[string]any{"channel_id": channel, "author_id": agent, "content": "I, the agent"}
	messages := "/api/messaging/channels/" + channel + "/messages"
	clearError(t, "submit", n.do("POST", "/api/messaging/submit", forged, key...), http.StatusForbidden, "FORBIDDEN")
	clearError(t, "action", n.do("POST", "/api/messaging/action", forged, key...), http.StatusForbidden, "FORBIDDEN")
	clearError(t, "message", n.do("POST", messages, map[string]any{"author_id": agent, "content": "x"}, key...), http.StatusForbidden, "FORBIDDEN")
	clearError(t, "header", n.do("POST", messages, map[string]any{"content": "x"}, append(key, "X-Entity-Id", agent)...), http.StatusForbidden, "FORBIDDEN")
	clearError(t, "wrong secret", n.do("POST", "/api/messaging/submit", forged, append(key, "X-Internal-Service-Secret", "we are two")...), http.StatusUnauthorized, "UNAUTHORIZED")
	n.do("POST", "/api/messaging/submit", forged, append(key, "X-Internal-Service-Secret", "we are one")...).want(201)
	n.do("POST", "/api/messaging/submit", map[string]any{"channel_id": channel, "author_id": uuid.New(), "content": "a person"}, key...).want(201)
}

func TestAnonymousAuthorOverREST(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	m := data[wireMessage](n.do("POST", "/api/messaging/channels/"+n.group()+"/messages", map[string]any{"content": "Hello", "metadata": map[string]any{}}).want(201))
	if want := "0a92fab3-2301-04cc-a6ea-dd9898325b9b"; m.AuthorID != want {
		t.Errorf("author %s, want %s", m.AuthorID, want)
	}
}

func TestSingleMessages(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	channel, author := n.group(), uuid.NewString()
	m := n.say(channel, author, "helo")
	path := "/api/messaging/messages/" + m.ID
	if got := data[wireMessage](n.do("GET", path, nil).want(200)); got.Content != "helo" || got.ChannelID != channel {
		t.Errorf("message %+v", got)
	}
	edited := data[wireMessage](n.do("PATCH", path, map[string]any{"content": "hello"}).want(200))
	if edited.Content != "hello" || edited.Metadata["edited"] != true || edited.Seq != m.Seq {
		t.Errorf("message %+v", edited)
	}
	clearError(t, "a stranger", n.do("PATCH", path, map[string]any{"content": "x"}, "X-Entity-Id", uuid.NewString()), http.StatusForbidden, "FORBIDDEN")
	n.do("PATCH", path, map[string]any{"content": "hello!"}, "X-Entity-Id", author).want(200)
	clearError(t, "empty", n.do("PATCH", path, map[string]any{"content": ""}), http.StatusBadRequest, "")
	clearError(t, "unknown", n.do("GET", "/api/messaging/messages/"+uuid.NewString(), nil), http.StatusNotFound, "NOT_FOUND")
	clearError(t, "unknown", n.do("PATCH", "/api/messaging/messages/"+uuid.NewString(), map[string]any{"content": "x"}), http.StatusNotFound, "NOT_FOUND")
}

func TestSearchOverREST(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	channel, ann := n.group(), uuid.NewString()
	for _, text := range []string{"the sea", "a ship at sea", "the hills"} {
		n.say(channel, ann, text)
	}
	n.say(channel, uuid.NewString(), "sea air")
	type found struct {
		Messages   []wireMessage
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

func TestMessageServerIsDeleted(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	server := data[struct{ ID string }](n.do("POST", "/api/messaging/message-servers", map[string]any{"name": "S", "sourceType": "x"}).want(201)).ID
	channel := data[struct{ ID string }](n.do("POST", "/api/messaging/channels", map[string]any{"name": "C", "message_server_id": server}).want(201)).ID
	if d := data[struct{ Success bool }](n.do("DELETE", "/api/messaging/message-servers/"+server, nil).want(200)); !d.Success {
		t.Errorf("%+v", d)
	}
	clearError(t, "its channel", n.do("GET", "/api/messaging/channels/"+channel+"/details", nil), http.StatusNotFound, "")
	clearError(t, "again", n.do("DELETE", "/api/messaging/message-servers/"+server, nil), http.StatusNotFound, "SERVER_NOT_FOUND")
	clearError(t, "the current one", n.do("DELETE", "/api/messaging/message-servers/"+uuid.Nil.String(), nil), http.StatusConflict, "CONFLICT")
}

func TestTitles(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	agent := n.agent().ID
	channel := n.group()
	path := "/api/messaging/channels/" + channel + "/generate-title"
	type title struct {
		Title     *string
		ChannelID string
		Reason    string
	}
	if got := data[title](n.do("POST", path, map[string]any{"agentId": agent}).want(200)); got.Title != nil || got.Reason == "" || got.ChannelID != channel {
		t.Errorf("%+v", got)
	}
	for _, text := range []string{"Good morning", "I dream about sailing ships", "They sail to far islands", "What does it mean?"} {
		n.say(channel, uuid.NewString(), text)
	}
	if got := data[title](n.do("POST", path, map[string]any{"agentId": agent}).want(200)); got.Title == nil || *got.Title == "" || got.Reason != "" {
		t.Errorf("%+v", got)
	}
	clearError(t, "unknown agent", n.do("POST", path, map[string]any{"agentId": uuid.New()}), http.StatusNotFound, "")
	clearError(t, "unknown channel", n.do("POST", "/api/messaging/channels/"+uuid.NewString()+"/generate-title", map[string]any{"agentId": agent}), http.StatusNotFound, "")
	n.do("POST", "/api/agents/"+agent+"/stop", nil).want(200)
	clearError(t, "stopped agent", n.do("POST", path, map[string]any{"agentId": agent}), http.StatusNotFound, "")
}

// TestMessagesFromOutsideAreAnswered asks as bridges do that want the answer at once.
func TestMessagesFromOutsideAreAnswered(t *testing.T) {
	t.Parallel()
	model := modeltest.New(t, func(modeltest.Request) modeltest.Script { return modeltest.Frame("Four.") })
	n := start(t, t.TempDir(), "OPENAI_BASE_URL="+model.URL)
	channel, quiet := n.group(n.agent().ID, uuid.NewString()), n.group(uuid.NewString())
	type answer struct {
		MessageID  string
		MessageIDs []string
		Response   *string
	}
	ask := func(channel, id string) answer {
		t.Helper()
		return data[answer](n.do("POST", "/api/messaging/external-messages", map[string]any{
			"platform": "discord", "messageId": id, "channelId": channel, "userId": "somebody", "content": "Eliza, what is 2 + 2?",
			"attachments": []any{}, "metadata": map[string]any{},
		}).want(200))
	}
	first := ask(channel, "1")
	if first.Response == nil || *first.Response != "Four." || first.MessageIDs[0] != first.MessageID {
		t.Errorf("%+v", first)
	}
	if again := ask(channel, "1"); again.MessageID != first.MessageID || again.Response == nil || *again.Response != "Four." || len(n.history(channel)) != 2 {
		t.Errorf("the same message again: %+v", again)
	}
	if alone := ask(quiet, "2"); alone.MessageID == "" || alone.Response != nil || len(n.history(quiet)) != 1 {
		t.Errorf("where nobody answers: %+v", alone)
	}
	n.do("POST", "/api/messaging/external-messages", map[string]any{"channel_id": channel, "author_id": n.agent().ID, "content": "Hi"}).want(403)
}

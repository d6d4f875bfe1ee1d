package server_test

import (
	"net/http"
	"testing"

	"github.com/elizad/elizad/gen/api"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/modeltest"
)

func TestSubmittedMessages(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	agent, user := n.agentID(), uuid.New()
	channel := n.group(agent, user)
	question := n.say(channel, user, "Hello")
	id := uuid.New()
	body := map[string]any{
		"channel_id": channel, "server_id": uuid.Nil, "author_id": agent, "content": "Hi", "source_type": "agent_response",
		"raw_message": map[string]any{"text": "Hi", "thought": "greet", "actions": []string{"REPLY"}}, "messageId": id,
		"in_reply_to_message_id": question.ID, "metadata": map[string]any{"agentName": "Eliza"},
	}
	m := data[api.Message](n.do("POST", "/api/messaging/submit", body).want(201))
	if m.ID != id || m.AuthorID != agent || idOf(m.InReplyToRootMessageID) != question.ID.String() || object(m.Metadata)["thought"] != "greet" || deref(m.SourceType) != "agent_response" {
		t.Errorf("message %+v", m)
	}
	if again := data[api.Message](n.do("POST", "/api/messaging/submit", body).want(201)); again.ID != id || again.Seq != m.Seq {
		t.Errorf("repeated: %+v", again)
	}
	body["author_id"] = user
	clearError(t, "another author's id", n.do("POST", "/api/messaging/submit", body), http.StatusConflict, "CONFLICT")

	// As the client of ElizaOS sends it.
	m = data[api.Message](n.do("POST", "/api/messaging/submit", map[string]any{
		"agentId": agent, "channelId": channel, "content": "Short form", "inReplyToMessageId": question.ID,
	}).want(201))
	if m.AuthorID != agent || deref(m.SourceType) != "agent_response" || object(m.RawMessage)["text"] != "Short form" || idOf(m.InReplyToRootMessageID) != question.ID.String() {
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
	agent := n.agentID()
	channel := n.group(agent)
	m := data[api.Message](n.do("POST", "/api/messaging/action", map[string]any{
		"channel_id": channel, "author_id": agent, "content": "Executing action: SEARCH",
		"raw_message": map[string]any{"actionStatus": "executing"}, "metadata": map[string]any{"run": "1"},
	}).want(201))
	if deref(m.SourceType) != "agent_action" {
		t.Errorf("message %+v", m)
	}
	path := "/api/messaging/action/" + m.ID.String()
	after := data[api.Message](n.do("PATCH", path, map[string]any{
		"content": "Executed", "raw_message": map[string]any{"actionStatus": "completed"}, "metadata": map[string]any{"took": 3},
		"server_message_id": uuid.Nil,
	}).want(200))
	if after.ID != m.ID || after.Content != "Executed" || object(after.RawMessage)["actionStatus"] != "completed" || object(after.Metadata)["run"] != "1" || object(after.Metadata)["took"] != float64(3) {
		t.Errorf("message %+v", after)
	}
	if same := data[api.Message](n.do("PATCH", path, nil).want(200)); same.Content != "Executed" {
		t.Errorf("an empty change made %+v", same)
	}
	clearError(t, "unknown", n.do("PATCH", "/api/messaging/action/"+uuid.NewString(), map[string]any{}), http.StatusNotFound, "")
	said := n.say(channel, uuid.New(), "mine")
	clearError(t, "no action", n.do("PATCH", "/api/messaging/action/"+said.ID.String(), map[string]any{"content": "forged"}), http.StatusForbidden, "FORBIDDEN")
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

	server := data[api.MessageServerCreated](n.do("POST", "/api/messaging/message-servers", map[string]any{"name": "Chats", "sourceType": "telegram"}).want(201)).ID
	synced := data[struct{ Synced int }](n.do("POST", "/api/messaging/message-servers/"+server.String()+"/sync-channels", map[string]any{
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
	m := data[api.Message](n.do("GET", "/api/messaging/messages/"+many.MessageIDs[0], nil).want(200))
	if many.Processed != 2 || m.Content != "one" || deref(m.SourceType) != "telegram" || object(m.Metadata)["timestamp"] != float64(1795188790230) {
		t.Errorf("%+v, message %+v", many, m)
	}
	if got := n.history(m.ChannelID); len(got) != 2 {
		t.Errorf("history %+v", got)
	}
	single["author_id"] = n.agentID()
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
	m := n.say(channel, uuid.New(), "x")
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
	agent := data[api.AgentList](n.do("GET", "/api/agents", nil, key...).want(200)).Agents[0].ID
	channel := data[struct{ ID string }](n.do("POST", "/api/messaging/channels", map[string]any{"name": "G", "participantCentralUserIds": []string{agent.String()}}, key...).want(201)).ID
	forged := map[string]any{"channel_id": channel, "author_id": agent, "content": "I, the agent"}
	messages := "/api/messaging/channels/" + channel + "/messages"
	clearError(t, "submit", n.do("POST", "/api/messaging/submit", forged, key...), http.StatusForbidden, "FORBIDDEN")
	clearError(t, "action", n.do("POST", "/api/messaging/action", forged, key...), http.StatusForbidden, "FORBIDDEN")
	clearError(t, "message", n.do("POST", messages, map[string]any{"author_id": agent, "content": "x"}, key...), http.StatusForbidden, "FORBIDDEN")
	clearError(t, "header", n.do("POST", messages, map[string]any{"content": "x"}, append(key, "X-Entity-Id", agent.String())...), http.StatusForbidden, "FORBIDDEN")
	clearError(t, "wrong secret", n.do("POST", "/api/messaging/submit", forged, append(key, "X-Internal-Service-Secret", "we are two")...), http.StatusUnauthorized, "UNAUTHORIZED")
	n.do("POST", "/api/messaging/submit", forged, append(key, "X-Internal-Service-Secret", "we are one")...).want(201)
	n.do("POST", "/api/messaging/submit", map[string]any{"channel_id": channel, "author_id": uuid.New(), "content": "a person"}, key...).want(201)
}

// TestMessagesFromOutsideAreAnswered asks as bridges do that want the answer at once.
func TestMessagesFromOutsideAreAnswered(t *testing.T) {
	t.Parallel()
	model := modeltest.New(t, func(modeltest.Request) modeltest.Script { return modeltest.Frame("Four.") })
	n := start(t, t.TempDir(), "OPENAI_BASE_URL="+model.URL)
	channel, quiet := n.group(n.agentID(), uuid.New()), n.group(uuid.New())
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
	first := ask(channel.String(), "1")
	if first.Response == nil || *first.Response != "Four." || first.MessageIDs[0] != first.MessageID {
		t.Errorf("%+v", first)
	}
	if again := ask(channel.String(), "1"); again.MessageID != first.MessageID || again.Response == nil || *again.Response != "Four." || len(n.history(channel)) != 2 {
		t.Errorf("the same message again: %+v", again)
	}
	if alone := ask(quiet.String(), "2"); alone.MessageID == "" || alone.Response != nil || len(n.history(quiet)) != 1 {
		t.Errorf("where nobody answers: %+v", alone)
	}
	n.do("POST", "/api/messaging/external-messages", map[string]any{"channel_id": channel, "author_id": n.agentID(), "content": "Hi"}).want(403)
}

// What a person submits is a question, in every spelling in which clients say so; what an agent says, or somebody in an
// agent's manner, is not.
func TestSubmissionsOfPeopleAreAnswered(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	agent := n.agentID()
	for name, tt := range map[string]struct {
		body   map[string]any
		agent  bool
		source string
	}{
		"as documented":   {map[string]any{"source_type": "user_message", "raw_message": map[string]any{"text": "Hello"}}, false, "user_message"},
		"from a chat":     {map[string]any{"source_type": "client_chat"}, false, "client_chat"},
		"from a program":  {map[string]any{"sourceType": "api", "rawMessage": map[string]any{"text": "Hello"}}, false, "api"},
		"without source":  {map[string]any{}, false, "eliza_gui"},
		"as an answer":    {map[string]any{"source_type": "agent_response"}, true, "agent_response"},
		"as an action":    {map[string]any{"source_type": "agent_action"}, true, "agent_action"},
		"by an agent":     {map[string]any{"author_id": agent}, true, "agent_response"},
		"by a chat agent": {map[string]any{"author_id": agent, "source_type": "client_chat"}, true, "client_chat"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			user := uuid.New()
			channel := n.group(agent, user)
			body := map[string]any{"channel_id": channel, "server_id": uuid.Nil, "author_id": user, "content": "Hello"}
			for k, v := range tt.body {
				body[k] = v
			}
			m := data[api.Message](n.do("POST", "/api/messaging/submit", body).want(201))
			if deref(m.SourceType) != tt.source {
				t.Errorf("source %q, want %q", deref(m.SourceType), tt.source)
			}
			if tt.agent {
				// A question that comes after it is the first that is answered.
				n.ask(channel, user, "Who are you?").want(201)
			}
			eventually(t, "an answer", func() bool { return len(n.history(channel)) > 1 })
			for _, h := range n.history(channel) {
				if tt.agent && idOf(h.InReplyToRootMessageID) == m.ID.String() {
					t.Errorf("an agent answered what an agent said: %+v", h)
				}
				if !tt.agent && h.AuthorID == agent && idOf(h.InReplyToRootMessageID) != m.ID.String() {
					t.Errorf("the answer is to %q", idOf(h.InReplyToRootMessageID))
				}
			}
		})
	}
}

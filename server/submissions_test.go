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
	agent, user, id := n.agentID(), uuid.New(), uuid.New()
	channel := n.group(agent, user)
	question := n.say(channel, user, "Hello").ID
	body := api.SubmitMessageRequest{
		ChannelID: channel, MessageServerID: new(uuid.Nil), AuthorID: agent, Content: "Hi", SourceType: new("agent_response"),
		RawMessage: jsonOf(map[string]any{"text": "Hi", "thought": "greet", "actions": []string{"REPLY"}}), MessageID: &id,
		InReplyToMessageID: &question, Metadata: jsonOf(map[string]any{"agentName": "Eliza"}),
	}
	m := data[api.Message](n.submit(body).want(201))
	if m.ID != id || m.AuthorID != agent || idOf(m.InReplyToRootMessageID) != question || object(m.Metadata)["thought"] != "greet" || deref(m.SourceType) != "agent_response" {
		t.Errorf("message %+v", m)
	}
	if again := data[api.Message](n.submit(body).want(201)); again.ID != id || again.Seq != m.Seq {
		t.Errorf("repeated: %+v", again)
	}
	body.AuthorID = user
	clearError(t, "another author's id", n.submit(body), http.StatusConflict, "CONFLICT")

	// Sent raw: as the client of ElizaOS does, and what no valid request says.
	const path = "/api/messaging/submit"
	m = data[api.Message](n.do("POST", path, map[string]any{
		"agentId": agent, "channelId": channel, "content": "Short form", "inReplyToMessageId": question,
	}).want(201))
	if m.AuthorID != agent || deref(m.SourceType) != "agent_response" || object(m.RawMessage)["text"] != "Short form" || idOf(m.InReplyToRootMessageID) != question {
		t.Errorf("message %+v", m)
	}
	for what, change := range map[string]any{"content": "", "messageId": "x", "in_reply_to_message_id": "x", "channel_id": nil} {
		bad := map[string]any{"channel_id": channel, "author_id": agent, "content": "x"}
		bad[what] = change
		clearError(t, "bad "+what, n.do("POST", path, bad), http.StatusBadRequest, "")
	}
	clearError(t, "unknown channel", n.submit(api.SubmitMessageRequest{ChannelID: uuid.New(), AuthorID: agent, Content: "x"}), http.StatusNotFound, "")
	clearError(t, "wrong server", n.submit(api.SubmitMessageRequest{
		ChannelID: channel, AuthorID: agent, Content: "x", MessageServerID: new(uuid.New()),
	}), http.StatusBadRequest, "")
	clearError(t, "unknown parent", n.submit(api.SubmitMessageRequest{
		ChannelID: channel, AuthorID: agent, Content: "x", InReplyToMessageID: new(uuid.New()),
	}), http.StatusBadRequest, "")
}

func TestActionMessages(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	agent := n.agentID()
	channel := n.group(agent)
	m := data[api.Message](n.action(api.SubmitMessageRequest{
		ChannelID: channel, AuthorID: agent, Content: "Executing action: SEARCH",
		RawMessage: jsonOf(map[string]any{"actionStatus": "executing"}), Metadata: jsonOf(map[string]any{"run": "1"}),
	}).want(201))
	if deref(m.SourceType) != "agent_action" {
		t.Errorf("message %+v", m)
	}
	after := data[api.Message](n.changeAction(m.ID, api.ActionPatch{
		Content: new("Executed"), RawMessage: jsonOf(map[string]any{"actionStatus": "completed"}), Metadata: jsonOf(map[string]any{"took": 3}),
	}).want(200))
	if after.ID != m.ID || after.Content != "Executed" || object(after.RawMessage)["actionStatus"] != "completed" || object(after.Metadata)["run"] != "1" || object(after.Metadata)["took"] != float64(3) {
		t.Errorf("message %+v", after)
	}
	for _, body := range []any{nil, map[string]any{"server_message_id": uuid.Nil}} { // sent raw: no body, and what older clients add
		if same := data[api.Message](n.do("PATCH", "/api/messaging/action/"+m.ID.String(), body).want(200)); same.Content != "Executed" {
			t.Errorf("an empty change made %+v", same)
		}
	}
	clearError(t, "unknown", n.changeAction(uuid.New(), api.ActionPatch{}), http.StatusNotFound, "")
	said := n.say(channel, uuid.New(), "mine")
	clearError(t, "no action", n.changeAction(said.ID, api.ActionPatch{Content: new("forged")}), http.StatusForbidden, "FORBIDDEN")
}

func TestIngestedMessages(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	channel, user := n.dm()
	single := api.IngestRequest{
		ChannelID: channel.String(), MessageServerID: new(uuid.Nil), AuthorID: &user, Content: new("Hello from there"), SourceType: new("discord"),
		SourceID: new("1"), AuthorDisplayName: new("Ann"), InReplyToMessageID: new("not one"),
	}
	first := data[api.Ingested](n.ingest(single).want(202))
	if again := data[api.Ingested](n.ingest(single).want(202)); deref(again.MessageID) != deref(first.MessageID) || first.Processed != 1 {
		t.Errorf("first %+v, then %+v", first, again)
	}
	eventually(t, "the agent's answer", func() bool { return len(n.history(channel)) == 2 })

	family := api.SyncChannelsRequest{Channels: []api.SourceChannel{{Name: "family", Type: jsonOf("group"), SourceID: "-100"}}}
	synced := data[api.ChannelsSynced](n.read(n.api().SyncMessageServerChannels(t.Context(), n.messageServer(), family)).want(200))
	if synced.Synced != 1 {
		t.Errorf("synced %+v", synced)
	}
	list := api.IngestRequest{Platform: new("telegram"), ChannelID: "-100", Messages: []api.ExternalMessage{
		{ID: "7", AuthorID: "4411", Content: "one", Timestamp: jsonOf(1795188790230)}, {ID: "8", AuthorID: "4411", Content: "two"},
	}}
	many := data[api.Ingested](n.ingest(list).want(202))
	n.ingest(list).want(202)
	m := data[api.Message](n.read(n.api().GetMessage(t.Context(), many.MessageIds[0])).want(200))
	if many.Processed != 2 || m.Content != "one" || deref(m.SourceType) != "telegram" || object(m.Metadata)["timestamp"] != float64(1795188790230) {
		t.Errorf("%+v, message %+v", many, m)
	}
	if got := n.history(m.ChannelID); len(got) != 2 {
		t.Errorf("history %+v", got)
	}
	single.AuthorID = new(n.agentID())
	clearError(t, "an agent", n.ingest(single), http.StatusForbidden, "FORBIDDEN")
	clearError(t, "no author", n.do("POST", "/api/messaging/ingest-external", map[string]any{
		"channel_id": channel, "author_id": "not-a-uuid", "content": "x",
	}), http.StatusBadRequest, "")
	list.ChannelID = "-200"
	clearError(t, "unknown channel there", n.ingest(list), http.StatusNotFound, "")
}

func TestCompletion(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	channel := n.group()
	m := n.say(channel, uuid.New(), "x").ID
	complete := func(body api.CompleteRequest) answer { return n.read(n.api().CompleteMessage(t.Context(), body)) }
	for _, body := range []api.CompleteRequest{
		{MessageID: &m, Status: new(api.CompleteRequestStatusCompleted)},
		{MessageID: &m, Status: new(api.CompleteRequestStatusFailed), Error: new("no network")},
		{ChannelID: &channel, MessageServerID: new(uuid.Nil)},
	} {
		if d := data[api.Done](complete(body).want(200)); !d.Success {
			t.Errorf("%+v: %+v", body, d)
		}
	}
	clearError(t, "nothing", complete(api.CompleteRequest{}), http.StatusBadRequest, "")
	clearError(t, "unknown", complete(api.CompleteRequest{MessageID: new(uuid.New())}), http.StatusNotFound, "")
}

func TestAgentsCannotBeForged(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.Security.AuthToken, cfg.Security.ServiceKey = "open sesame", "we are one"
	n := startWith(t, cfg).keyed("open sesame")
	agent := n.agentID()
	channel := n.group(agent)
	forged := api.SubmitMessageRequest{ChannelID: channel, AuthorID: agent, Content: "I, the agent"}
	clearError(t, "submit", n.submit(forged), http.StatusForbidden, "FORBIDDEN")
	clearError(t, "action", n.action(forged), http.StatusForbidden, "FORBIDDEN")
	clearError(t, "message", n.post(channel, api.PostMessageRequest{AuthorID: &agent, Content: new("x")}), http.StatusForbidden, "FORBIDDEN")
	clearError(t, "header", n.as(agent).post(channel, api.PostMessageRequest{Content: new("x")}), http.StatusForbidden, "FORBIDDEN")
	const secret = "X-Internal-Service-Secret"
	clearError(t, "wrong secret", n.with(secret, "we are two").submit(forged), http.StatusUnauthorized, "UNAUTHORIZED")
	n.with(secret, "we are one").submit(forged).want(201)
	n.submit(api.SubmitMessageRequest{ChannelID: channel, AuthorID: uuid.New(), Content: "a person"}).want(201)
}

// TestMessagesFromOutsideAreAnswered asks as bridges do that want the answer at once.
func TestMessagesFromOutsideAreAnswered(t *testing.T) {
	t.Parallel()
	model := modeltest.New(t, func(modeltest.Request) modeltest.Script { return modeltest.Frame("Four.") })
	n := start(t, t.TempDir(), "OPENAI_BASE_URL="+model.URL)
	channel, quiet := n.group(n.agentID(), uuid.New()), n.group(uuid.New())
	ask := func(channel uuid.UUID, id string) api.Ingested {
		t.Helper()
		return data[api.Ingested](n.do("POST", "/api/messaging/external-messages", map[string]any{ // sent raw, in the words of bridges
			"platform": "discord", "messageId": id, "channelId": channel, "userId": "somebody", "content": "Eliza, what is 2 + 2?",
			"attachments": []any{}, "metadata": map[string]any{},
		}).want(200))
	}
	first := ask(channel, "1")
	if deref(first.Response) != "Four." || first.MessageIds[0] != deref(first.MessageID) {
		t.Errorf("%+v", first)
	}
	if again := ask(channel, "1"); deref(again.MessageID) != deref(first.MessageID) || deref(again.Response) != "Four." || len(n.history(channel)) != 2 {
		t.Errorf("the same message again: %+v", again)
	}
	if alone := ask(quiet, "2"); alone.MessageID == nil || alone.Response != nil || len(n.history(quiet)) != 1 {
		t.Errorf("where nobody answers: %+v", alone)
	}
	n.read(n.api().AskExternal(t.Context(), api.IngestRequest{ChannelID: channel.String(), AuthorID: new(n.agentID()), Content: new("Hi")})).want(403)
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
			m := data[api.Message](n.do("POST", "/api/messaging/submit", body).want(201)) // raw, for the spellings
			if deref(m.SourceType) != tt.source {
				t.Errorf("source %q, want %q", deref(m.SourceType), tt.source)
			}
			if tt.agent {
				// A question that comes after it is the first that is answered.
				n.ask(channel, user, "Who are you?").want(201)
			}
			eventually(t, "an answer", func() bool { return len(n.history(channel)) > 1 })
			for _, h := range n.history(channel) {
				if tt.agent && idOf(h.InReplyToRootMessageID) == m.ID {
					t.Errorf("an agent answered what an agent said: %+v", h)
				}
				if !tt.agent && h.AuthorID == agent && idOf(h.InReplyToRootMessageID) != m.ID {
					t.Errorf("the answer is to %q", idOf(h.InReplyToRootMessageID))
				}
			}
		})
	}
}

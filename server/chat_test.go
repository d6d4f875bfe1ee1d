package server_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/modeltest"
)

// reply is an answer over the http transport.
type reply struct {
	Success       bool
	UserMessage   wireMessage
	AgentResponse struct {
		Text, ResponseID, InReplyTo, Thought string
		Actions                              []string
	}
}

func TestFreshServerAnswers(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	if a := n.agent(); a.Name != "Eliza" || a.Status != "active" {
		t.Fatalf("the default agent is %+v", a)
	}
	channel, user := n.dm()
	got := into[reply](n.ask(channel, user, "Hello").want(201))
	if got.AgentResponse.Text == "" || got.UserMessage.Content != "Hello" {
		t.Fatalf("answer %+v", got)
	}
	messages := n.history(channel)
	if len(messages) != 2 || messages[0].ID != got.AgentResponse.ResponseID || messages[0].Content != got.AgentResponse.Text ||
		messages[0].InReplyToRootMessageID != got.UserMessage.ID || messages[1].Content != "Hello" {
		t.Errorf("history %+v", messages)
	}
	if messages[0].Metadata["provider"] != "builtin" {
		t.Errorf("the reply doesn't say who wrote it: %v", messages[0].Metadata)
	}
}

func TestWebsocketTransportAnswersLater(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	channel, user := n.dm()
	n.do("POST", "/api/messaging/channels/"+channel+"/messages", map[string]any{
		"author_id": user, "content": "Hello", "message_server_id": uuid.Nil,
	}).want(201)
	eventually(t, "the agent's answer", func() bool { return len(n.history(channel)) == 2 })
}

func eventually(t *testing.T, what string, happened func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for !happened() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("%s did not come", what)
		}
	}
}

type sseEvent struct {
	name string
	data json.RawMessage
}

func readSSE(t testing.TB, body []byte) []sseEvent {
	t.Helper()
	var out []sseEvent
	var e sseEvent
	for scanner := bufio.NewScanner(bytes.NewReader(body)); scanner.Scan(); {
		switch line := scanner.Text(); {
		case line == "" && e.name != "":
			out = append(out, e)
			e = sseEvent{}
		case strings.HasPrefix(line, "event: "):
			e.name = line[len("event: "):]
		case strings.HasPrefix(line, "data: "):
			e.data = json.RawMessage(line[len("data: "):])
		}
	}
	return out
}

func TestSSETransport(t *testing.T) {
	t.Parallel()
	model := modeltest.New(t, func(modeltest.Request) modeltest.Script { return modeltest.Frame("Streams carry words one by one.") })
	n := start(t, t.TempDir(), "OPENAI_BASE_URL="+model.URL, "OPENAI_API_KEY=sk-test-0123456789abcdef0123456789abcdef")
	channel, user := n.dm()
	a := n.do("POST", "/api/messaging/channels/"+channel+"/messages", map[string]any{
		"author_id": user, "content": "Tell me about streams", "message_server_id": uuid.Nil, "transport": "sse",
	}).want(200)
	events := readSSE(t, a.body)
	var names []string
	var text strings.Builder
	for _, e := range events {
		if e.name == "chunk" {
			var c struct{ Chunk string }
			if err := json.Unmarshal(e.data, &c); err != nil {
				t.Fatal(err)
			}
			text.WriteString(c.Chunk)
		}
		if len(names) == 0 || names[len(names)-1] != e.name {
			names = append(names, e.name)
		}
	}
	if diff := cmp.Diff([]string{"user_message", "chunk", "done"}, names); diff != "" {
		t.Errorf("events %s\n%s", diff, a.body)
	}
	var done struct{ Text, ResponseID string }
	if err := json.Unmarshal(events[len(events)-1].data, &done); err != nil {
		t.Fatal(err)
	}
	if text.String() != done.Text || done.Text != "Streams carry words one by one." {
		t.Errorf("pieces %q, end %q", text.String(), done.Text)
	}
	if h := n.history(channel); len(h) != 2 || h[0].ID != done.ResponseID || h[0].Metadata["provider"] != "openai" {
		t.Errorf("history %+v", h)
	}
}

func TestModelFailureIsTold(t *testing.T) {
	t.Parallel()
	model := modeltest.New(t, func(modeltest.Request) modeltest.Script {
		return modeltest.Fail(401, "Incorrect API key provided: sk-secret")
	})
	n := start(t, t.TempDir(), "OPENAI_BASE_URL="+model.URL, "OPENAI_API_KEY=sk-test-0123456789abcdef0123456789abcdef")
	channel, user := n.dm()
	a := n.ask(channel, user, "Hello")
	failure := into[wireError](a)
	if a.status < 400 || a.status == 500 || failure.Success || !strings.Contains(failure.Error.Message+failure.Error.Details, "OPENAI_API_KEY") {
		t.Errorf("status %d, %s", a.status, a.body)
	}
	if bytes.Contains(a.body, []byte("sk-")) {
		t.Errorf("the answer shows a key: %s", a.body)
	}
	if h := n.history(channel); len(h) != 2 || !strings.Contains(h[0].Content, "OPENAI_API_KEY") || strings.Contains(h[0].Content, "sk-") {
		t.Errorf("history %+v", h)
	}
	type run struct{ RunID, Status, Outcome, Detail string }
	runs := data[struct{ Runs []run }](n.do("GET", "/api/agents/"+n.agent().ID+"/runs", nil).want(200)).Runs
	if len(runs) != 1 || runs[0].Status != "error" || runs[0].Outcome != "failed" || !strings.Contains(runs[0].Detail, "OPENAI_API_KEY") {
		t.Errorf("runs %+v", runs)
	}
}

func TestRestartKeepsEverything(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := start(t, dir)
	channel, user := n.dm()
	n.ask(channel, user, "Hello").want(201)
	agent := n.do("POST", "/api/agents", map[string]any{"agent": map[string]any{"name": "Ada", "bio": "Counts."}}).want(201)
	id := data[struct{ ID string }](agent).ID
	n.do("POST", "/api/agents/"+id+"/start", nil).want(200)
	before := n.history(channel)
	n.stop()

	again := start(t, dir)
	if diff := cmp.Diff(before, again.history(channel)); diff != "" {
		t.Error(diff)
	}
	if a := data[wireAgent](again.do("GET", "/api/agents/"+id, nil).want(200)); a.Status != "active" {
		t.Errorf("the agent that ran is %s", a.Status)
	}
	into[reply](again.ask(channel, user, "Hello again").want(201))
}

func TestRapidMessagesAreAllAnsweredInOrder(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	channel, user := n.dm()
	const count = 10
	var asked []string
	for range count {
		m := data[wireMessage](n.do("POST", "/api/messaging/channels/"+channel+"/messages", map[string]any{
			"author_id": user, "content": "I think therefore I am", "message_server_id": uuid.Nil,
		}).want(201))
		asked = append(asked, m.ID)
	}
	eventually(t, "the last answer", func() bool { return len(n.history(channel)) == 2*count })
	var answered []string
	for _, m := range n.history(channel) { // newest first
		if m.InReplyToRootMessageID != "" {
			answered = append([]string{m.InReplyToRootMessageID}, answered...)
		}
	}
	if diff := cmp.Diff(asked, answered); diff != "" {
		t.Error(diff)
	}
}

func TestDocuments(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	for path, want := range map[string]string{
		"/openapi.json": `"openapi":"3.0.3"`, "/openapi.yaml": "openapi: 3.0.3", "/asyncapi.yaml": "asyncapi: 3.0.0",
		"/docs": "<html", "/": "<!doctype html>", "/chat/somebody": "<!doctype html>",
	} {
		if a := n.do("GET", path, nil).want(200); !bytes.Contains(a.body, []byte(want)) {
			t.Errorf("%s has no %s: %.200s", path, want, a.body)
		}
	}
}

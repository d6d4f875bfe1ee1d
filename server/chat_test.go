package server_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/elizad/elizad/gen/api"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/modeltest"
)

func TestFreshServerAnswers(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	if a := n.agent(); a.Name != "Eliza" || a.Status != "active" {
		t.Fatalf("the default agent is %+v", a)
	}
	channel, user := n.dm()
	got := into[api.MessagePostedEnvelope](n.ask(channel, user, "Hello").want(201))
	if got.AgentResponse.Text == "" || got.UserMessage.Content != "Hello" {
		t.Fatalf("answer %+v", got)
	}
	messages := n.history(channel)
	if len(messages) != 2 || messages[0].ID != got.AgentResponse.ResponseID || messages[0].Content != got.AgentResponse.Text ||
		idOf(messages[0].InReplyToRootMessageID) != got.UserMessage.ID || messages[1].Content != "Hello" {
		t.Errorf("history %+v", messages)
	}
	if object(messages[0].Metadata)["provider"] != "builtin" {
		t.Errorf("the reply doesn't say who wrote it: %v", messages[0].Metadata)
	}
}

func TestWebsocketTransportAnswersLater(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	channel, user := n.dm()
	n.say(channel, user, "Hello")
	eventually(t, "the agent's answer", func() bool { return len(n.history(channel)) == 2 })
}

func TestModelFailureIsTold(t *testing.T) {
	t.Parallel()
	model := modeltest.New(t, func(modeltest.Request) modeltest.Script {
		return modeltest.Fail(401, "Incorrect API key provided: sk-secret")
	})
	n := start(t, t.TempDir(), "OPENAI_BASE_URL="+model.URL, "OPENAI_API_KEY=sk-test-0123456789abcdef0123456789abcdef")
	channel, user := n.dm()
	a := n.ask(channel, user, "Hello")
	failure := into[api.Error](a)
	if a.status < 400 || a.status == 500 || failure.Success || !strings.Contains(failure.Error.Message+deref(failure.Error.Details), "OPENAI_API_KEY") {
		t.Errorf("status %d, %s", a.status, a.body)
	}
	if bytes.Contains(a.body, []byte("sk-")) {
		t.Errorf("the answer shows a key: %s", a.body)
	}
	if h := n.history(channel); len(h) != 2 || !strings.Contains(h[0].Content, "OPENAI_API_KEY") || strings.Contains(h[0].Content, "sk-") {
		t.Errorf("history %+v", h)
	}
	runs := n.runs(n.agentID(), api.ListRunsParams{}).Runs
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
	id := n.newAgent("Ada", "Counts.")
	n.startAgent(id)
	before := n.history(channel)
	n.stop()

	again := start(t, dir)
	if diff := cmp.Diff(before, again.history(channel)); diff != "" {
		t.Error(diff)
	}
	if a := data[api.Agent](again.read(again.api().GetAgent(t.Context(), id)).want(200)); a.Status != "active" {
		t.Errorf("the agent that ran is %s", a.Status)
	}
	into[api.MessagePostedEnvelope](again.ask(channel, user, "Hello again").want(201))
}

func TestRapidMessagesAreAllAnsweredInOrder(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	channel, user := n.dm()
	const count = 10
	var asked, answered []uuid.UUID
	for range count {
		asked = append(asked, n.say(channel, user, "I think therefore I am").ID)
	}
	eventually(t, "the last answer", func() bool { return len(n.history(channel)) == 2*count })
	for _, m := range slices.Backward(n.history(channel)) { // the oldest first
		if to := idOf(m.InReplyToRootMessageID); to != uuid.Nil {
			answered = append(answered, to)
		}
	}
	if diff := cmp.Diff(asked, answered); diff != "" {
		t.Error(diff)
	}
}

// In a group an agent chooses whether to answer, but not when it is the one that is asked.
func TestAddressedAgentAnswersInAGroup(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	user, first := uuid.New(), n.agentID()
	second := n.newAgent("Ada", "Counts.")
	n.startAgent(second)
	group := n.group(user, first, second)
	for _, tt := range []struct {
		target          string
		answers         uuid.UUID
		outcome, reason string
	}{
		{"", first, "ignored", "model_ignore"},
		{second.String(), second, "replied", "addressed"},
		{first.String(), first, "replied", "addressed"},
	} {
		for _, transport := range []api.Transport{api.TransportHTTP, api.TransportSse} {
			a := n.post(group, api.PostMessageRequest{
				AuthorID: &user, Content: new("What a day"), Transport: &transport, Metadata: jsonOf(map[string]any{"targetAgentId": tt.target}),
			})
			for _, part := range []string{`"outcome":"` + tt.outcome, `"reason":"` + tt.reason, `"agentId":"` + tt.answers.String()} {
				if a.status/100 != 2 || !strings.Contains(string(a.body), part) {
					t.Errorf("%s to %q: no %s in %d %s", transport, tt.target, part, a.status, a.body)
				}
			}
		}
	}
	runs := n.runs(first, api.ListRunsParams{}).Runs
	if len(runs) != 6 || runs[2].Reason != "addressed_other" { // newest first: two to the first, before them two to the second
		t.Errorf("the first agent's runs: %+v", runs)
	}
}

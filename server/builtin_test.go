package server_test

import (
	"context"
	"strings"
	"testing"

	"github.com/elizad/elizad/gen/api"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/model/doctor"
)

// gadgets is a plugin whose actions say that they were taken, or say nothing.
func gadgets() agent.Plugin {
	act := func(name, say string, similes ...string) agent.Action {
		return agent.Action{Name: name, Similes: similes, Description: name, Handle: func(context.Context, *agent.Run) (agent.Result, error) {
			return agent.Result{Text: "taken", Say: say}, nil
		}}
	}
	return agent.Plugin{Name: "lab", Provision: func(context.Context, agent.Setup) (agent.Components, error) {
		return agent.Components{Actions: []agent.Action{
			act("ROLL_DICE", "The plugin rolled a seven.", "THROW_DICE"), act("FROBNICATE_WIDGET", "The widget is frobnicated."), act("SEARCH", "Found it."),
			act("CHECK_ORDER", ""),
		}}, nil
	}}
}

// What a message calls by the name of a plugin's action is done by that action, even where the responder has a skill of its own.
func TestBuiltinResponderTakesPluginActions(t *testing.T) {
	t.Parallel()
	n := withPlugin(t, testConfig(t), gadgets())
	for text, want := range map[string]string{
		"roll the dice": "The plugin rolled a seven.", "Please roll a die!": "The plugin rolled a seven.", "Can you throw dice?": "The plugin rolled a seven.",
		"please frobnicate the widget": "The widget is frobnicated.", "FROBNICATE_WIDGET": "The widget is frobnicated.", "Hello. Frobnicate my widgets, please": "The widget is frobnicated.",
		"search for a cat": "Found it.", "check my order": "check order",
	} {
		channel, user := n.dm()
		got := into[api.MessagePostedEnvelope](n.ask(channel, user, text).want(201)).AgentResponse
		if !strings.Contains(got.Text, want) || strings.Contains(got.Text, "shows") {
			t.Errorf("%q: %q, want %q", text, got.Text, want)
		}
	}
	for _, text := range []string{"I went to search for help and found none", "Hello", "the order was wrong", "I have a widget"} {
		channel, user := n.dm()
		if got := into[api.MessagePostedEnvelope](n.ask(channel, user, text).want(201)).AgentResponse; got.Text == "Found it." || strings.Contains(got.Text, "frobnicated") {
			t.Errorf("%q: %q", text, got.Text)
		}
	}
}

// The responder's notice comes with the first reply to a person, not again the same day, in whichever channel and from whichever
// agent, and never where a program asks.
func TestBuiltinNotice(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := start(t, dir)
	channel, user := n.dm()
	for i := range 40 {
		got := into[api.MessagePostedEnvelope](n.ask(channel, user, "I like trains").want(201)).AgentResponse
		if noticed := strings.Contains(got.Text, doctor.Notice); noticed != (i == 0) {
			t.Errorf("answer %d holds the notice: %v", i, noticed)
		}
	}
	noticed := func(n *node, user uuid.UUID) bool {
		other := n.group(user, n.agentID())
		return strings.Contains(into[api.MessagePostedEnvelope](n.ask(other, user, "Hello Eliza").want(201)).AgentResponse.Text, doctor.Notice)
	}
	if noticed(n, user) {
		t.Error("the notice is repeated in another channel")
	}
	if !noticed(n, uuid.New()) {
		t.Error("somebody else doesn't get the notice")
	}
	n.stop()
	n = start(t, dir)
	if noticed(n, user) {
		t.Error("the notice is repeated after a restart")
	}
	done := n.endedJob(n.job(api.CreateJobRequest{Content: "Hello"}).JobID)
	if text := done.Result.Message.Content; text == "" || strings.Contains(text, doctor.Notice) {
		t.Errorf("the job's answer is %q", text)
	}
	said := into[api.SessionMessagePostedEnvelope](n.askSession(n.session(nil).SessionID, "Hello").want(201))
	if text := said.AgentResponse.Text; text == "" || strings.Contains(text, doctor.Notice) {
		t.Errorf("the session's answer is %q", text)
	}
}

// What it is asked to remember it knows when it is asked, and of what it wasn't told it claims nothing.
func TestBuiltinRemembersWhatItIsTold(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	channel, user := n.dm()
	n.ask(channel, user, "My name is Marta. Remember that the gate code is 4711.").want(201)
	n.ask(channel, user, "Please remember that the spare key is under the mat").want(201)
	for question, want := range map[string]string{
		"what is the gate code?": "4711", "where is the spare key?": "under the mat", "what's my name?": "Marta",
	} {
		if got := into[api.MessagePostedEnvelope](n.ask(channel, user, question).want(201)).AgentResponse; !strings.Contains(got.Text, want) {
			t.Errorf("%q: %q, want %q", question, got.Text, want)
		}
	}
	if got := into[api.MessagePostedEnvelope](n.ask(channel, user, "what is the capital of France?").want(201)).AgentResponse; got.Text == "" || strings.Contains(got.Text, "4711") {
		t.Errorf("%q", got.Text)
	}
}

package server_test

import (
	"testing"

	"github.com/google/uuid"
)

// Each message and what became of it is a line each, without what people write.
func TestLogFollowsAMessage(t *testing.T) {
	t.Parallel()
	var log journal
	n := startWith(t, testConfig(t), log.option())
	channel, user := n.dm()
	n.ask(channel, user, "marmalade, please").want(201)
	empty := n.group(uuid.New(), uuid.New())
	n.say(empty, user, "is anybody there?")
	n.stop()
	for name, parts := range map[string][]string{
		"came":     {`msg="message received"`, "channelId=" + channel.String(), "author=", "length=17", "agents=1"},
		"answered": {`msg="agent answered"`, "agentName=Eliza", "channelId=" + channel.String(), "ms=", "provider=builtin", "outputTokens="},
		"nobody":   {`msg="message received"`, "channelId=" + empty.String(), "agents=0", "unhandled="},
	} {
		if got := log.lines(parts...); len(got) != 1 {
			t.Errorf("%s: %d lines\n%s", name, len(got), &log.text)
		}
	}
	if got := log.lines("marmalade"); len(got) > 0 {
		t.Errorf("the log repeats what people write: %v", got)
	}
}

// What a refused request holds may be a secret in the wrong place, and the log is read by others.
func TestRefusedValuesAreNotLogged(t *testing.T) {
	t.Parallel()
	var log journal
	n := startWith(t, testConfig(t), log.option())
	const secret = "sk-canary-0123456789"
	// Sent raw: no valid request says this.
	n.do("POST", "/api/messaging/jobs", map[string]any{"userId": secret, "content": "Hello", "metadata": secret}).want(400)
	n.do("POST", "/api/agents", map[string]any{"agent": secret}).want(400)
	n.do("GET", "/api/messaging/dm-channel?targetUserId="+secret, nil).want(400)
	n.stop()
	if got := log.lines("userId: must be a UUID"); len(got) != 1 {
		t.Errorf("the refusal is not in the log: %s", &log.text)
	}
	if got := log.lines(secret); len(got) > 0 {
		t.Errorf("the log holds what was refused: %s", got)
	}
}

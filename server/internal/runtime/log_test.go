package runtime_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/elizad/elizad/server/internal/modeltest"
)

// Log entries are filtered by the name of the agent, so every entry about an agent names it.
func TestLogNamesTheAgent(t *testing.T) {
	t.Parallel()
	_, models := scripted(t, inOrder(modeltest.Fail(http.StatusUnauthorized, "no"), modeltest.Frame("better now")))
	b := running(t, models)
	ada := b.agent(t, "Ada", "")
	dm := b.dm(t, ada)
	b.say(t, ada, b.draft(dm, "one"))
	b.say(t, ada, b.draft(dm, "two"))
	if _, err := b.Agents().Stop(t.Context(), b.who, ada); err != nil {
		t.Fatal(err)
	}
	if err := b.Agents().Delete(t.Context(), b.who, ada); err != nil {
		t.Fatal(err)
	}
	b.stop(t, b.Service) // after it, everything is logged
	for _, message := range []string{"agent created", "agent started", "model failed", "agent did not answer", "agent answered", "agent stopped", "agent deleted"} {
		if !named(b.log.String(), message, "agentName=Ada") {
			t.Errorf("no %q with the agent's name:\n%s", message, b.log)
		}
	}
}

// named reports whether a log has a line with a message and an attribute.
func named(log, message, attr string) bool {
	for line := range strings.Lines(log) {
		if strings.Contains(line, `msg="`+message+`"`) && strings.Contains(line, attr) {
			return true
		}
	}
	return false
}

// The log at its default level shows who answered, how fast, through which model and for how many tokens, or why there was no
// answer.
func TestLogShowsTheOutcomeOfAMessage(t *testing.T) {
	t.Parallel()
	_, models := scripted(t, inOrder(modeltest.Frame("good day"), modeltest.Fail(http.StatusUnauthorized, "no")))
	b := running(t, models)
	ada := b.agent(t, "Ada", "")
	dm := b.dm(t, ada)
	b.say(t, ada, b.draft(dm, "a private question"))
	b.say(t, ada, b.draft(dm, "another one"))
	b.stop(t, b.Service)
	log := b.log.String()
	for message, attrs := range map[string][]string{
		"agent answered":       {"level=INFO", "agentName=Ada", "ms=", "provider=openai", "model=", "inputTokens=", "outputTokens=", "messageId=", "channelId="},
		"agent did not answer": {"level=WARN", "agentName=Ada", "status=failed", "reason=model_", "detail="},
	} {
		for _, attr := range attrs {
			if !named(log, message, attr) {
				t.Errorf("no %q with %s:\n%s", message, attr, log)
			}
		}
	}
	if strings.Contains(log, "private question") {
		t.Errorf("the log repeats what people write:\n%s", log)
	}
}

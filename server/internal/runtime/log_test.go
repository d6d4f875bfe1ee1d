package runtime_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/elizad/elizad/server/internal/modeltest"
)

// People choose the entries of one agent by its name, so whatever concerns an agent names it.
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
	b.stop(t, b.Service) // after it, all has been said
	for _, message := range []string{"agent created", "agent started", "model failed", "turn ended", "agent stopped", "agent deleted"} {
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

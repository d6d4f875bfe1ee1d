package server_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server/internal/modeltest"
)

// An agent that is removed from a channel while it writes an answer says nothing there any more, whichever way it is removed; who asked is
// told.
func TestAgentRemovedInTheMiddleOfAnAnswer(t *testing.T) {
	t.Parallel()
	for name, remove := range map[string]func(n *node, channel, user uuid.UUID){
		"as an agent": func(n *node, channel, _ uuid.UUID) {
			n.read(n.api().RemoveChannelAgent(n.t.Context(), channel, n.agentID())).want(200)
		},
		"as a participant": func(n *node, channel, user uuid.UUID) {
			n.do("PATCH", "/api/messaging/central-channels/"+channel.String(), map[string]any{"participantCentralUserIds": []uuid.UUID{user}}).want(200)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			begun, gate := make(chan struct{}), make(chan struct{})
			once := sync.OnceFunc(func() { close(begun) })
			model := modeltest.New(t, func(modeltest.Request) modeltest.Script {
				once()
				script := modeltest.Frame("This is a secret.")
				script.Gates = map[int]<-chan struct{}{3: gate}
				return script
			})
			n := start(t, t.TempDir(), "OPENAI_BASE_URL="+model.URL, "OPENAI_API_KEY=key")
			channel, user := n.dm()
			answered := make(chan []sseEvent, 1)
			go func() { answered <- n.stream(channel, user, "What is it?") }()
			<-begun
			remove(n, channel, user)
			close(gate)
			events := <-answered
			if last := object(events[len(events)-1].data); last["outcome"] != "cancelled" || last["reason"] != "agent_removed" {
				t.Errorf("who asked is told %v", last)
			}
			if i := slices.IndexFunc(n.history(channel), func(m api.Message) bool { return m.AuthorID == n.agentID() }); i >= 0 {
				t.Errorf("it has said %q", n.history(channel)[i].Content)
			}
			run := n.runs(n.agentID(), api.ListRunsParams{Limit: new("1")}).Runs[0]
			if run.Reason != "agent_removed" {
				t.Errorf("the run ended as %+v", run)
			}
		})
	}
}

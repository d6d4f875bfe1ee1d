package server_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/elizad/elizad/gen/api"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/settings"
)

// One sender asks much more than there are workers, of a model that answers none of it before somebody else was answered.
func TestOneSenderLeavesWorkersToOthers(t *testing.T) {
	t.Parallel()
	answered := make(chan struct{})
	model := newSink(t, func(_ http.ResponseWriter, r *http.Request) bool {
		body, err := io.ReadAll(r.Body)
		if err == nil && strings.Contains(string(body), "flood") {
			select {
			case <-answered:
			case <-r.Context().Done():
			}
		}
		return false
	})
	cfg := testConfig(t)
	cfg.Messages.ConcurrentRuns = 4
	cfg.Agents.Environment = settings.ReadAgentEnvironment([]string{"OPENAI_BASE_URL=" + model.URL, "OPENAI_API_KEY=sk-of-nobody-0123456789", "LARGE_MODEL=m", "SMALL_MODEL=m"})
	n := startWith(t, cfg)
	var agents []uuid.UUID
	for i := range 5 {
		agents = append(agents, n.bring(fmt.Sprint("Ann", i), nil))
	}
	ask := func(user, agent uuid.UUID, text string, transport api.Transport) answer {
		dm := jsonOf(map[string]any{"isDm": true, "targetUserId": agent})
		return n.post(uuid.New(), api.PostMessageRequest{AuthorID: &user, Content: &text, Transport: &transport, Metadata: dm})
	}
	flooder, other := uuid.New(), uuid.New()
	for i := range 500 {
		ask(flooder, agents[i%len(agents)], "flood", api.TransportWebsocket).want(201)
	}
	if a := ask(other, agents[0], "Hello", api.TransportHTTP).want(201); !strings.Contains(string(a.body), "Fine.") {
		t.Errorf("answered: %s", a.body)
	}
	close(answered)
}

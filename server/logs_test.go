package server_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/elizad/elizad/gen/api"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/internal/modeltest"
	"github.com/elizad/elizad/server/settings"
)

func types(logs []api.AgentLogEntry) []string {
	out := []string{}
	for _, l := range logs {
		out = append(out, l.Type)
	}
	return out
}

func TestLogOfAnAgent(t *testing.T) {
	t.Parallel()
	n, _ := prompts(t)
	id := n.agentID()
	channel, user := n.dm()
	other := n.newAgent("Other", "b")
	n.ask(channel, user, "Hello").want(201)
	log := func(id uuid.UUID) []api.AgentLogEntry { return n.logs(id, api.ListAgentLogsParams{Limit: new(50)}) }
	logs := log(id)
	if len(logs) < 3 || logs[0].Type != "run_event" || logs[len(logs)-1].Type != "run_event" || !slices.Contains(types(logs), "useModel:TEXT_LARGE") {
		t.Fatalf("log %v", types(logs))
	}
	room := agent.UUIDFor(id, channel.String())
	run := object(logs[0].Body)["runId"]
	seen := map[string]bool{}
	for i, l := range logs {
		if l.AgentID != id || l.RoomID != room || l.ChannelID != channel || object(l.Body)["runId"] != run || object(l.Body)["roomId"] != room.String() || seen[l.ID.String()] {
			t.Errorf("entry %+v", l)
		}
		if seen[l.ID.String()] = true; i > 0 && l.Timestamp > logs[i-1].Timestamp {
			t.Errorf("not newest first: %+v", logs)
		}
		switch {
		case l.Type == "run_event":
			if l.EntityID != user || object(l.Body)["status"] == nil || object(l.Body)["messageId"] == nil {
				t.Errorf("run event %+v", l)
			}
		case strings.HasPrefix(l.Type, "useModel:"):
			usage, _ := object(l.Body)["usage"].(map[string]any)
			if l.EntityID != id || object(l.Body)["modelType"] == nil || object(l.Body)["modelKey"] == nil || object(l.Body)["provider"] != "openai" || usage["total_tokens"] == nil || object(l.Body)["prompt"] != nil || object(l.Body)["response"] != nil {
				t.Errorf("model call %+v", l)
			}
		}
	}
	all := len(logs)
	path := "/api/agents/" + id.String() + "/logs?"
	for query, want := range map[string]int{ // sent raw, with what is no valid query below
		"": min(all, 10), "count=1": 1, "count=1&limit=2": 2, "limit=0": 0, "limit=5000": all, "limit=1&offset=1": 1, "limit=1&page=99": 0,
		"type=run_event&offset=9223372036854775807": 0, "type=run_event&page=9223372036854775807": 0,
		"limit=50&roomId=" + channel.String(): all, "limit=50&roomId=" + room.String(): all, "limit=50&roomId=" + uuid.NewString(): 0,
		"limit=50&type=run_event": 2, "limit=1&offset=1&type=run_event": 1, "limit=50&type=nothing": 0,
		"limit=50&excludeTypes=run_event,text_": all - 2 - strings.Count(strings.Join(types(logs), " "), "useModel:"), "limit=50&excludeTypes=run_event&excludeTypes=none": all - 2,
		"limit=50&search=USEMODEL": strings.Count(strings.Join(types(logs), " "), "useModel:"), "limit=50&search=nowhere-to-be-found": 0,
		"limit=50&from=2100-01-01": 0, "limit=50&until=1000": 0, "limit=50&level=error": all,
	} {
		if got := data[[]api.AgentLogEntry](n.do("GET", path+query, nil).want(200)); len(got) != want {
			t.Errorf("%s: %d entries, want %d: %v", query, len(got), want, types(got))
		}
	}
	if got := log(other); len(got) != 0 {
		t.Errorf("the log of an agent that did nothing: %v", types(got))
	}
	for _, bad := range []string{"limit=-1", "limit=x", "count=1.5", "offset=-1", "page=0", "from=someday", "roomId=x"} {
		clearError(t, bad, n.do("GET", path+bad, nil), http.StatusBadRequest, "")
	}

	n.read(n.api().DeleteAgentLog(t.Context(), other, logs[1].ID)).want(204)
	if got := log(id); len(got) != all {
		t.Errorf("another agent deleted an entry: %v", types(got))
	}
	for range 2 {
		n.read(n.api().DeleteAgentLog(t.Context(), id, logs[1].ID)).want(204)
	}
	got := log(id)
	if diff := cmp.Diff(slices.Delete(slices.Clone(logs), 1, 2), got); diff != "" {
		t.Errorf("after the deletion (-want +got):\n%s", diff)
	}
}

func TestCaptureShowsPrompts(t *testing.T) {
	t.Parallel()
	model := modeltest.New(t, func(modeltest.Request) modeltest.Script { return modeltest.Frame("Certainly.") })
	cfg := testConfig(t)
	cfg.Messages.Capture = "all"
	cfg.Agents.Environment = settings.ReadAgentEnvironment([]string{"OPENAI_BASE_URL=" + model.URL, "OPENAI_API_KEY=sk-test-0123456789abcdef0123456789abcdef"})
	n := startWith(t, cfg)
	id := n.agentID()
	channel, user := n.dm()
	n.ask(channel, user, "The code word is marmalade").want(201)
	call := n.logs(id, api.ListAgentLogsParams{Type: new("useModel:TEXT_LARGE")})[0]
	if !strings.Contains(object(call.Body)["prompt"].(string), "marmalade") || !strings.Contains(object(call.Body)["response"].(string), "Certainly.") {
		t.Errorf("model call %+v", call)
	}
}

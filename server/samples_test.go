package server_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/google/uuid"
)

// missing lists where got lacks what a sample of the original has: a member, or a value of the same kind. Of a list the first
// element stands for all.
func missing(at string, sample, got any) []string {
	switch want := sample.(type) {
	case nil:
		return nil
	case map[string]any:
		members, ok := got.(map[string]any)
		if !ok {
			return []string{fmt.Sprintf("%s is %T, not an object", at, got)}
		}
		var out []string
		for name, value := range want {
			if _, ok := members[name]; !ok {
				out = append(out, at+"/"+name+" is missing")
				continue
			}
			out = append(out, missing(at+"/"+name, value, members[name])...)
		}
		slices.Sort(out)
		return out
	case []any:
		items, ok := got.([]any)
		if !ok {
			return []string{fmt.Sprintf("%s is %T, not a list", at, got)}
		}
		if len(want) == 0 || len(items) == 0 {
			return nil
		}
		return missing(at+"/0", want[0], items[0])
	default:
		if fmt.Sprintf("%T", want) != fmt.Sprintf("%T", got) {
			return []string{fmt.Sprintf("%s is %T, not %T", at, got, want)}
		}
		return nil
	}
}

// TestAnswersCoverTheOriginals holds our answers against bodies that the original server sent (REST reference §17): whatever a
// client could read there, it can read here.
func TestAnswersCoverTheOriginals(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	id := n.agent().ID
	channel, user := n.dm()
	n.ask(channel, user, "Hello").want(201)
	run := data[struct{ Runs []struct{ RunID string } }](n.do("GET", "/api/agents/"+id+"/runs", nil).want(200)).Runs[0].RunID
	room := data[wireRoom](n.do("POST", "/api/memory/"+id+"/rooms", map[string]any{"name": "Room1", "metadata": map[string]any{"k": 1}}).want(201)).ID
	base := "/api/agents/" + id
	for _, tt := range []struct {
		name, method, path string
		body               any
		status             int
		sample             string
	}{
		{"9 a world", "POST", base + "/worlds", map[string]any{"name": "W1", "metadata": map[string]any{"k": 1}, "messageServerId": uuid.Nil}, 201,
			`{"success":true,"data":{"world":{"id":"W","agentId":"A","name":"W1","metadata":{"k":1},"messageServerId":"0","createdAt":"2026-11-20T15:35:54.532Z"}}}`},
		{"11 panels", "GET", base + "/panels", nil, 200, `{"success":true,"data":[]}`},
		{"12 log", "GET", base + "/logs?limit=1", nil, 200,
			`{"success":true,"data":[{"id":"L","createdAt":"2026","entityId":"A","body":{"runId":"X","status":"failed","duration":5},"type":"run_event","roomId":"R"}]}`},
		{"14 runs", "GET", base + "/runs", nil, 200,
			`{"success":true,"data":{"runs":[{"runId":"X","status":"completed","startedAt":1,"endedAt":2,"durationMs":1,"messageId":"M","roomId":"R","entityId":"A",
				"metadata":{},"counts":{"actions":1,"modelCalls":3,"errors":2,"evaluators":1}}],"total":1,"hasMore":false}}`},
		{"15 a run", "GET", base + "/runs/" + run, nil, 200,
			`{"success":true,"data":{"summary":{"runId":"X","status":"completed","startedAt":1,"endedAt":2,"durationMs":70,"messageId":"M","roomId":"R","entityId":"A",
				"counts":{"actions":1,"modelCalls":3,"errors":2,"evaluators":1}},"events":[{"type":"RUN_STARTED","timestamp":1,"data":{"source":"lab","messageId":"M"}}]}}`},
		{"17 memories", "GET", "/api/memory/" + id + "/memories?limit=1&offset=1", nil, 200,
			`{"success":true,"data":{"memories":[{"id":"M","type":"messages","createdAt":1,"content":{"text":"m24","source":"client"},"entityId":"A","agentId":"A","roomId":"R",
				"unique":true,"metadata":{"type":"message"}}]}}`},
		{"22 a new room", "POST", "/api/memory/" + id + "/rooms", map[string]any{"name": "Room1", "metadata": map[string]any{"k": 1}}, 201,
			`{"success":true,"data":{"id":"R","name":"Room1","agentId":"A","createdAt":1795188997387,"source":"client","type":"DM","worldId":"W","metadata":{"k":1}}}`},
		{"24 a room", "GET", "/api/memory/" + id + "/rooms/" + room, nil, 200,
			`{"success":true,"data":{"id":"R","name":"Room1","channelId":"R","agentId":"A","messageServerId":null,"worldId":"W","type":"DM","source":"client","metadata":null,
				"serverId":null,"worldName":"World for Room1"}}`},
		{"34 a group in part", "POST", "/api/memory/groups/" + uuid.NewString(), map[string]any{"agentIds": []any{id, uuid.New()}, "name": "Grp", "source": "client"}, 207,
			`{"success":false,"data":[{"id":"R","name":"Grp","source":"client","worldId":"W","type":"API"}],"errors":[{"agentId":"X","code":"CREATE_ERROR","message":"no"}]}`},
	} {
		var sample any
		if err := json.Unmarshal([]byte(tt.sample), &sample); err != nil {
			t.Fatal(err)
		}
		got := into[any](n.do(tt.method, tt.path, tt.body).want(tt.status))
		for _, what := range missing("", sample, got) {
			t.Errorf("%s: %s", tt.name, what)
		}
	}
}

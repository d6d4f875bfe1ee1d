package rest_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/rest"
	"github.com/elizad/elizad/server/internal/runtime"
)

func character(t *testing.T, text string) agent.Character {
	t.Helper()
	c, err := agent.ParseCharacter([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestGetAgent(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.agents.get = func(id uuid.UUID) (runtime.Agent, error) {
		if id != eliza {
			return runtime.Agent{}, apierr.New(apierr.NotFound, "Agent not found")
		}
		return runtime.Agent{
			ID: eliza, Enabled: true, Running: true, SecretKeys: []string{"API_KEY"}, CreatedAt: time.UnixMilli(5), UpdatedAt: time.UnixMilli(7),
			Character: character(t, `{"name":"Eliza","bio":["one","two"],"style":{"all":["x"]},"templates":{"a":"b"},
				"messageExamples":[[{"name":"u","content":{"text":"hi"}}]],"knowledge":["a",{"path":"p","shared":true}],
				"settings":{"n":12345678901234567890,"nested":{"a":null}}}`),
			Model:   runtime.ModelStatus{EndpointStatus: runtime.EndpointStatus{Provider: "builtin", Model: "doctor"}, Notice: "No key"},
			Plugins: []runtime.PluginStatus{{Name: "p", Status: runtime.PluginUnavailable, Reason: "unknown"}},
		}, nil
	}
	got := f.call(t, "GET", "/api/agents/"+strings.ToUpper(eliza.String()), nil)
	want := map[string]any{
		"id": eliza.String(), "enabled": true, "server_id": nil, "createdAt": 5.0, "updatedAt": 7.0, "name": "Eliza", "username": "",
		"bio": []any{"one", "two"}, "messageExamples": []any{[]any{map[string]any{"name": "u", "content": map[string]any{"text": "hi"}}}},
		"postExamples": []any{}, "topics": []any{}, "adjectives": []any{}, "plugins": []any{},
		"knowledge": []any{"a", map[string]any{"path": "p", "shared": true}}, "style": map[string]any{"all": []any{"x"}},
		"templates": map[string]any{"a": "b"}, "status": "active", "secretKeys": []any{"API_KEY"},
		"settings":     map[string]any{"n": 12345678901234567890.0, "nested": map[string]any{"a": nil}, "secrets": map[string]any{"API_KEY": agent.SecretMask}},
		"model":        map[string]any{"provider": "builtin", "model": "doctor", "notice": "No key"},
		"pluginStatus": []any{map[string]any{"name": "p", "available": false, "status": "unavailable", "reason": "unknown"}},
	}
	if diff := cmp.Diff(want, got.data()); diff != "" {
		t.Errorf("agent (-want +got):\n%s", diff)
	}
	if !strings.Contains(got.raw, "12345678901234567890") {
		t.Error("a large number in the settings was changed")
	}
	list := f.call(t, "GET", "/api/agents", nil)
	item := list.data()["agents"].([]any)[0].(map[string]any)
	if item["bio"] != "one" || item["characterName"] != "Eliza" || item["status"] != "active" {
		t.Errorf("list item: %v", item)
	}
	if got := f.call(t, "POST", "/api/agents/"+eliza.String()+"/stop", nil); got.data()["status"] != "active" || got.data()["message"] != "Agent stopped" {
		t.Errorf("stop: %s", got.raw)
	}
	if got := f.call(t, "GET", "/api/agents/"+uuid.NewString(), nil); got.status != 404 || got.code() != "NOT_FOUND" {
		t.Errorf("unknown: %d %s", got.status, got.raw)
	}
	if got := f.call(t, "GET", "/api/agents/urn:uuid:"+eliza.String(), nil); got.status != 400 || got.code() != "INVALID_ID" {
		t.Errorf("another spelling of a UUID: %d %s", got.status, got.raw)
	}
}

func TestCreateAgent(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.agents.create = func(c agent.Character) (runtime.Agent, bool, error) {
		return runtime.Agent{ID: eliza, Enabled: true, Character: c}, true, nil
	}
	const eliza = `{"name":"Eliza","bio":"b"}`
	tests := []struct {
		name, body string
		status     int
		say        string
	}{
		{"characterJson", `{"characterJson":` + eliza + `}`, 201, ""},
		{"agent", `{"agent":` + eliza + `,"characterJson":null}`, 201, ""},
		{"the body itself", eliza, 201, ""},
		{"what was read is sent back", `{"agent":{"name":"Eliza","bio":"b","enabled":true,"status":"active","createdAt":1}}`, 201, ""},
		{"nothing", `{}`, 400, "No character configuration provided"},
		{"a path", `{"characterPath":"/etc/passwd"}`, 400, "characterPath is not supported"},
		{"no bio", `{"agent":{"name":"Eliza"}}`, 400, "Character validation failed: bio is required"},
		{"an unknown key", `{"name":"Eliza","bio":"b","lore":[]}`, 400, "/lore"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := f.call(t, "POST", "/api/agents", tt.body)
			if got.status != tt.status || !strings.Contains(got.raw, tt.say) {
				t.Fatalf("got %d: %s", got.status, got.raw)
			}
			if tt.status == 400 && got.code() != "CREATE_ERROR" {
				t.Errorf("code %s", got.code())
			}
			if tt.status == 201 && (got.data()["name"] != "Eliza" || got.data()["status"] != "inactive" || got.data()["character"].(map[string]any)["bio"] != "b") {
				t.Errorf("created: %s", got.raw)
			}
		})
	}
}

func TestUpdateAgentPassesThePatchOn(t *testing.T) {
	t.Parallel()
	f := setup(t)
	var patch map[string]json.RawMessage
	f.agents.update = func(id uuid.UUID, p map[string]json.RawMessage) (runtime.Agent, error) {
		patch = p
		return runtime.Agent{ID: id, Character: character(t, `{"name":"Eliza","bio":"b"}`)}, nil
	}
	got := f.call(t, "PATCH", "/api/agents/"+eliza.String(), `{"system":null,"settings":{"secrets":{"K":null},"n":12345678901234567890}}`)
	if got.status != 200 {
		t.Fatal(got.raw)
	}
	if string(patch["system"]) != "null" || !strings.Contains(string(patch["settings"]), `"n":12345678901234567890`) || !strings.Contains(string(patch["settings"]), `"K":null`) {
		t.Errorf("patch: %s", patch)
	}
}

func TestRuns(t *testing.T) {
	t.Parallel()
	f := setup(t)
	channel := f.addChannel(t)
	f.play(t, nil, messaging.Outcome{
		Status: messaging.TurnFailed, Reason: "model_auth", Detail: "No key",
		Log: []messaging.TurnLogEntry{{Type: messaging.LogModelUsed, At: time.UnixMilli(9), Data: []byte(`{"modelType":"TEXT_LARGE"}`)}},
	})
	f.call(t, "POST", messagesOf(channel), map[string]any{"content": "Hello", "transport": "http"})
	base := "/api/agents/" + eliza.String() + "/runs"
	list := f.call(t, "GET", base+"?status=all&limit=0&roomId="+channel.String(), nil)
	if list.status != 200 || list.data()["total"] != 1.0 || list.data()["hasMore"] != false {
		t.Fatal(list.raw)
	}
	run := list.data()["runs"].([]any)[0].(map[string]any)
	want := map[string]any{"status": "error", "outcome": "failed", "reason": "model_auth", "detail": "No key", "channelId": channel.String(), "roomId": agent.UUIDFor(eliza, channel.String()).String(), "entityId": alice.String()}
	for key, v := range want {
		if run[key] != v {
			t.Errorf("%s = %v, want %v", key, run[key], v)
		}
	}
	if run["startedAt"].(float64)+run["durationMs"].(float64) != run["endedAt"] {
		t.Errorf("times: %v", run)
	}
	detail := f.call(t, "GET", base+"/"+run["runId"].(string), nil)
	events := detail.data()["events"].([]any)
	if len(events) != 1 || events[0].(map[string]any)["type"] != "MODEL_USED" || events[0].(map[string]any)["timestamp"] != 9.0 {
		t.Errorf("detail: %s", detail.raw)
	}
	if got := f.call(t, "GET", base+"?status=completed", nil); got.data()["total"] != 0.0 {
		t.Errorf("completed: %s", got.raw)
	}
	if got := f.call(t, "GET", "/api/agents/"+alice.String()+"/runs/"+run["runId"].(string), nil); got.status != 404 {
		t.Errorf("another agent's run: %d", got.status)
	}
}

func TestSystem(t *testing.T) {
	t.Parallel()
	report := rest.HealthReport{ActiveAgents: 1}
	f := setup(t, func(d *rest.Deps) { d.Health = func(context.Context) rest.HealthReport { return report } })
	for path, member := range map[string]string{
		"/healthz": "timestamp", "/health": "uptime", "/api/server/health": "checks", "/api/server/ping": "pong", "/api/system/version": "version",
	} {
		got := f.call(t, "GET", path, nil)
		if _, enveloped := got.body["success"]; got.status != 200 || got.body[member] == nil || enveloped {
			t.Errorf("%s: %d %s", path, got.status, got.raw)
		}
	}
	for _, isolated := range []bool{false, true} {
		f := setup(t, func(d *rest.Deps) { d.Isolated = isolated })
		if got := f.call(t, "GET", "/api/system/config", nil); got.data()["requiresAuth"] != isolated {
			t.Errorf("config: %s", got.raw)
		}
	}
	full := rest.Condition{Word: "disk_full", Problem: "The disk is full"}
	for name, r := range map[string]rest.HealthReport{
		"agents": {}, "database": {ActiveAgents: 1, Database: full}, "files": {ActiveAgents: 1, Files: full}, "server": {ActiveAgents: 1, Stopping: true},
	} {
		report = r
		want := map[string]any{"status": "fail"}
		if r.Database == full || r.Files == full {
			want["message"] = full.Problem
		}
		got := f.call(t, "GET", "/health", nil)
		checks, _ := got.body["checks"].(map[string]any)
		if got.status != 503 || got.body["status"] != "DEGRADED" || !cmp.Equal(checks[name], want) {
			t.Errorf("without %s: %d %s", name, got.status, got.raw)
		}
	}
}

package server_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A sealed secret is shown nowhere, not even where a model throws the key back in its refusal and all texts of runs are kept.
func TestSecretsAreNowhere(t *testing.T) {
	t.Parallel()
	for _, refuses := range []bool{false, true} {
		key := canary("agent", "nowhere")
		vendor := newSink(t, func(w http.ResponseWriter, r *http.Request) bool {
			if refuses {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(http.StatusUnauthorized)
				_, _ = w.Write([]byte(`{"error":{"message":"Incorrect API key provided: ` + strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ") + `"}}`))
			}
			return refuses
		})
		cfg := testConfig(t)
		cfg.Messages.Capture = "all"
		log := &journal{}
		n := startWith(t, cfg, log.option())
		id := n.bring("Ada", map[string]any{
			"settings": map[string]any{"modelProvider": "openai", "OPENAI_BASE_URL": vendor.URL, "LARGE_MODEL": "m", "SMALL_MODEL": "m", "deep": map[string]any{"apiKey": key + "-deep"}},
			"secrets":  map[string]any{"OPENAI_API_KEY": key},
		})
		n.use(id)
		if !vendor.saw(key) {
			t.Fatal("the key did not arrive: the test shows nothing")
		}
		agent := "/api/agents/" + id.String()
		for _, path := range []string{
			"/api/agents", agent, agent + "/secrets", agent + "/logs", agent + "/runs", agent + "/memories", agent + "/rooms", agent + "/panels",
			"/api/agents/worlds", "/api/audit", "/api/server/logs", "/api/system/environment/local", "/api/messaging/message-servers",
		} {
			if a := n.owner().do("GET", path, nil); strings.Contains(string(a.body), "canary") {
				t.Errorf("refusing %t: %s shows the key: %.2000s", refuses, path, a.body)
			}
		}
		for _, run := range n.runIDs(agent) {
			if a := n.owner().do("GET", agent+"/runs/"+run, nil); strings.Contains(string(a.body), "canary") {
				t.Errorf("refusing %t: a run shows the key: %.2000s", refuses, a.body)
			}
		}
		if a := n.owner().do("PATCH", agent, map[string]any{"secrets": map[string]any{"OPENAI_API_KEY": []string{key}}}); a.status < 400 || strings.Contains(string(a.body), "canary") {
			t.Errorf("a refused change: %d %s", a.status, a.body)
		}
		if lines := log.lines("canary"); len(lines) > 0 {
			t.Errorf("refusing %t: the log shows the key: %s", refuses, lines)
		}
		n.stop()
		if *engine != "sqlite" {
			continue
		}
		for _, name := range []string{"elizad.db", "elizad.db-wal"} {
			if raw, err := os.ReadFile(filepath.Join(cfg.Storage.Dir, name)); err == nil && strings.Contains(string(raw), "canary") {
				t.Errorf("refusing %t: %s holds the key", refuses, name)
			}
		}
	}
}

// runIDs returns the ids of an agent's runs.
func (n *node) runIDs(agent string) []string {
	n.t.Helper()
	list := data[struct {
		Runs []struct {
			RunID string `json:"runId"`
		}
	}](n.owner().do("GET", agent+"/runs", nil).want(200))
	var ids []string
	for _, run := range list.Runs {
		ids = append(ids, run.RunID)
	}
	if len(ids) == 0 {
		n.t.Error("there are no runs: the test shows nothing")
	}
	return ids
}

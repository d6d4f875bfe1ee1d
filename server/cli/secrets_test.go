package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/elizad/elizad/client"
	"github.com/elizad/elizad/server"
)

// The owner gives an agent a secret, sees its name, and changes the master key once the server has stopped.
func TestSecrets(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	i, url := serving(t, dir)
	api, err := client.New(url)
	if err != nil {
		t.Fatal(err)
	}
	agents, err := api.Agents(t.Context())
	if err != nil || len(agents) == 0 {
		t.Fatalf("%v %v", agents, err)
	}
	if _, err := api.UpdateAgent(t.Context(), agents[0].ID, map[string]any{"secrets": json.RawMessage(`{"TOKEN": "canary"}`)}); err != nil {
		t.Fatal(err)
	}
	if code, out, about := do("secrets", "list", "--url", url, "--data-dir", dir); code != 0 || !strings.Contains(out, "TOKEN") || strings.Contains(out, "canary") {
		t.Errorf("list: %d %s %s", code, out, about)
	}
	var listed []agentSecret
	if code, out, _ := do("secrets", "list", "--json", agents[0].ID.String(), "--url", url, "--data-dir", dir); code != 0 || json.Unmarshal([]byte(out), &listed) != nil || len(listed) != 1 || listed[0].ChangedAt == nil || listed[0].AgentID != agents[0].ID {
		t.Errorf("list as JSON: %d %s", code, out)
	}
	key := func() string {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(dir, "master.key"))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	before := key()
	if code, _, about := do("secrets", "rotate", "--data-dir", dir); code != exitFailure || !strings.Contains(about, "is in use by") || key() != before {
		t.Errorf("beside the server: %d %s", code, about)
	}
	i.signals <- os.Interrupt
	if code := <-i.code; code != 0 {
		t.Fatalf("exit code %d: %s", code, i.err)
	}
	if code, out, about := do("secrets", "rotate", "--dry-run", "--data-dir", dir); code != 0 || !strings.Contains(out, "Would seal the secrets of 1 agents") || key() != before {
		t.Errorf("dry run: %d %s %s", code, out, about)
	}
	var done server.Rotation
	code, out, about := do("secrets", "rotate", "--json", "--data-dir", dir)
	if code != 0 || json.Unmarshal([]byte(out), &done) != nil || done.Moved != 1 || key() == before || strings.Contains(out, strings.Split(before, "\n")[1]) {
		t.Errorf("rotate: %d %s %s", code, out, about)
	}
	if kept, err := os.ReadFile(done.Backup); err != nil || !strings.Contains(string(kept), strings.Split(before, "\n")[1]) {
		t.Errorf("the backup of the key: %v", err)
	}
	_, url = serving(t, dir)
	if code, out, _ := do("audit", "list", "--url", url, "--data-dir", dir); code != 0 || !strings.Contains(out, "secrets.rotate") {
		t.Errorf("the audit log: %d %s", code, out)
	}
	if code, out, _ := do("secrets", "list", "--url", url, "--data-dir", dir); code != 0 || !strings.Contains(out, "TOKEN") {
		t.Errorf("list with the new key: %d %s", code, out)
	}
	if code, out, _ := do("secrets", "new-key"); code != 0 || len(strings.TrimSpace(out)) < 40 {
		t.Errorf("new-key: %d %d characters", code, len(out))
	}
}

package cli

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/elizad/elizad/client"
	"github.com/elizad/elizad/server"
)

// The owner gives the server a name, moves what was there before to it, and gives a conversation to somebody else; nothing happens without
// --yes.
func TestIsolation(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	i, url := serving(t, dir)
	old, person := uuid.New(), uuid.New()
	api, err := client.New(url, client.WithEntity(old))
	if err != nil {
		t.Fatal(err)
	}
	agents, err := api.Agents(t.Context())
	if err != nil || len(agents) == 0 {
		t.Fatalf("%v %v", agents, err)
	}
	if _, err := api.DirectChannel(t.Context(), agents[0].ID); err != nil {
		t.Fatal(err)
	}
	if code, _, about := do("isolation", "adopt", "--server-id", "office", "--yes", "--data-dir", dir); code != exitFailure || !strings.Contains(about, "is in use by") {
		t.Errorf("beside the server: %d %s", code, about)
	}
	i.signals <- os.Interrupt
	if code := <-i.code; code != 0 {
		t.Fatalf("exit code %d: %s", code, i.err)
	}
	holds := func() (of map[string]int64, unproven int) {
		t.Helper()
		var status server.ServerIDs
		code, out, about := do("isolation", "status", "--json", "--server-id", "office", "--data-dir", dir)
		if code != 0 || json.Unmarshal([]byte(out), &status) != nil {
			t.Fatalf("status: %d %s %s", code, out, about)
		}
		of = map[string]int64{}
		for _, s := range status.All {
			of[s.Name] = s.Channels
		}
		return of, len(status.Unproven)
	}
	if code, _, about := do("isolation", "adopt", "--data-dir", dir); code != exitUsage || !strings.Contains(about, "ELIZA_SERVER_ID") {
		t.Errorf("without a name: %d %s", code, about)
	}
	if code, out, about := do("isolation", "adopt", "--server-id", "office", "--data-dir", dir); code != exitFailure || !strings.Contains(out, "Would move") || !strings.Contains(about, "--yes") {
		t.Errorf("without --yes: %d %s %s", code, out, about)
	}
	if code, out, about := do("isolation", "adopt", "--dry-run", "--server-id", "office", "--data-dir", dir); code != 0 || !strings.Contains(out, "channels") || about != "" {
		t.Errorf("dry run: %d %s %s", code, out, about)
	}
	if of, _ := holds(); of[""] != 1 || len(of) != 1 {
		t.Errorf("before: %v", of)
	}
	if code, out, about := do("isolation", "adopt", "--yes", "--server-id", "office", "--data-dir", dir); code != 0 || !strings.Contains(out, "Moved") || !strings.Contains(out, "audit log") {
		t.Errorf("adopt: %d %s %s", code, out, about)
	}
	if of, unproven := holds(); of[""] != 0 || of["office"] != 1 || unproven != 1 {
		t.Errorf("afterwards: %v, %d were never proven", of, unproven)
	}
	if code, out, _ := do("isolation", "adopt", "--yes", "--server-id", "office", "--data-dir", dir); code != 0 || !strings.Contains(out, "Nothing is left") {
		t.Errorf("once more: %d %s", code, out)
	}
	assign := []string{"isolation", "assign", old.String(), person.String(), "--server-id", "office", "--data-dir", dir}
	if code, out, about := do(assign...); code != exitFailure || !strings.Contains(out, "Would give") || !strings.Contains(about, "--yes") {
		t.Errorf("assign without --yes: %d %s %s", code, out, about)
	}
	var done server.Assignment
	if code, out, about := do(append(assign, "--yes", "--json")...); code != 0 || json.Unmarshal([]byte(out), &done) != nil || done.Channels != 1 || done.Known {
		t.Errorf("assign: %d %s %s", code, out, about)
	}
	if code, out, _ := do(append(assign, "--yes")...); code != 0 || !strings.Contains(out, "Nothing is left") {
		t.Errorf("once more: %d %s", code, out)
	}
	if code, _, about := do("isolation", "assign", "ada", person.String(), "--data-dir", dir); code != exitUsage || !strings.Contains(about, "old") {
		t.Errorf("of no id: %d %s", code, about)
	}
}

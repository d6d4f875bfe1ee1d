package cli

import (
	"database/sql"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/elizad/elizad/client"
)

// The owner makes a key, sees that in the log, and verifies it; a log that was changed does not verify.
func TestAudit(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	i, url := serving(t, dir)
	ask := func(args ...string) (code int, out, err string) {
		t.Helper()
		return do(append(args, "--url", url, "--data-dir", dir)...)
	}
	if code, out, _ := ask("audit", "verify"); code != 0 || !strings.Contains(out, "holds: 0 entries") {
		t.Errorf("at first: %d %s", code, out)
	}
	ask("keys", "create", "Website", "--scope", "chat")
	ask("keys", "create", "Other", "--scope", "chat")
	if code, out, err := ask("audit", "list", "--action", "key", "--since", "1h"); code != 0 || strings.Count(out, "key.create") != 2 || !strings.Contains(out, "scopes: chat") || !strings.Contains(out, "with a key") {
		t.Errorf("list: %d %s %s", code, out, err)
	}
	if code, out, _ := ask("audit", "list", "--limit", "1"); code != 0 || strings.Count(out, "key.create") != 1 {
		t.Errorf("one: %d %s", code, out)
	}
	var entry client.AuditEntry
	if code, out, err := ask("audit", "list", "--json", "--limit", "1"); code != 0 || json.Unmarshal([]byte(out), &entry) != nil || entry.Seq != 2 {
		t.Errorf("list as JSON: %d %s %s", code, out, err)
	}
	code, out, _ := ask("audit", "verify")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	known := lines[len(lines)-1]
	if code != 0 || !strings.HasPrefix(known, "2:") || !strings.Contains(out, "holds: 2 entries") {
		t.Fatalf("verify: %d %s", code, out)
	}
	if code, out, _ := ask("audit", "verify", "--known", known); code != 0 {
		t.Errorf("the same end: %d %s", code, out)
	}
	if code, out, _ := ask("audit", "verify", "--known", "2:"+strings.Repeat("0", 64)); code != exitFailure || !strings.Contains(out, "entry 2 is changed") {
		t.Errorf("another end: %d %s", code, out)
	}
	for _, wrong := range []string{"2", "x:" + known[2:], "2:7"} {
		if code, _, err := ask("audit", "verify", "--known", wrong); code != exitUsage || !strings.Contains(err, "--known") {
			t.Errorf("--known %s: %d %s", wrong, code, err)
		}
	}
	i.signals <- os.Interrupt
	if code := <-i.code; code != 0 {
		t.Fatalf("exit code %d: %s", code, i.err)
	}
	db, err := sql.Open("sqlite", filepath.Join(dir, "elizad.db"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), "UPDATE audit_entries SET details = 'scopes: read' WHERE seq = 1"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	_, url = serving(t, dir)
	if code, out, _ := ask("audit", "verify"); code != exitFailure || !strings.Contains(out, "does not hold: entry 1 is changed") {
		t.Errorf("changed: %d %s", code, out)
	}
	var report struct {
		OK      bool
		Checked int
		Broken  struct{ Seq int }
	}
	if code, out, err := ask("audit", "verify", "--json"); code != exitFailure || json.Unmarshal([]byte(out), &report) != nil || report.OK || report.Broken.Seq != 1 || err != "" {
		t.Errorf("changed, as JSON: %d %s %s", code, out, err)
	}
}

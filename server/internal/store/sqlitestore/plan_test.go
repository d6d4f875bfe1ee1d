package sqlitestore_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestNoQueryReadsAWholeTable asks SQLite how it would run each generated query. One that walks a table costs more with
// every message ever posted; only small tables that are listed as a whole may be walked, an index of what is under way or
// of which the first rows are read, and sessions and jobs where they are counted, since they are forgotten after a day.
func TestNoQueryReadsAWholeTable(t *testing.T) {
	t.Parallel()
	allowed := map[string]string{
		"CountAgents":          "agents",
		"ListAgents":           "agents",
		"ListAgentHeads":       "agents",
		"ListMessageServers":   "message_servers",
		"ListWorlds":           "w",
		"ListWorldAgents":      "s",
		"ClaimTurns":           "t USING INDEX turns_active",
		"RenewTurnLeases":      "turns USING INDEX turns_active",
		"ReleaseTurnLeases":    "turns USING INDEX turns_active",
		"ReleaseAllTurnLeases": "turns USING INDEX turns_active",
		"EndChannelTurns":      "turns USING INDEX turns_active",
		"CountSessions":        "sessions",
		"ListSessions":         "sessions USING INDEX sessions_live",
		"EndAllSessions":       "sessions USING INDEX sessions_live",
		"NextSessionDue":       "sessions USING INDEX sessions_due",
		"CountJobs":            "jobs",
		"CountActiveJobs":      "(subquery", // which is bounded
		"ListJobs":             "jobs USING INDEX jobs_created",
		"NextJobExpiry":        "jobs USING INDEX jobs_active",

		"DeleteOpenIdempotencyKeys": "idempotency_keys USING INDEX idempotency_keys_open",
	}
	// A subquery's own steps are listed, too, and the full text index is asked for words, which SQLite calls a scan.
	harmless := []string{"(subquery", "message_index VIRTUAL TABLE INDEX 0:M"}
	files, err := filepath.Glob("../../../../gen/sqlite/*.sql.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("finding the generated queries: %v, %v", files, err)
	}
	dir := t.TempDir()
	open(t, dir)
	database := raw(t, dir)
	query := regexp.MustCompile("(?s)= `-- name: (\\w+) :\\w+\n(.*?)`")
	parameter := regexp.MustCompile(`\?[0-9]+`)
	explained := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range query.FindAllSubmatch(text, -1) {
			name, statement := string(match[1]), string(match[2])
			distinct := map[string]bool{}
			for _, parameter := range parameter.FindAllString(statement, -1) {
				distinct[parameter] = true
			}
			rows, err := database.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+statement, make([]any, len(distinct))...)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			explained++
			for rows.Next() {
				var id, parent, unused int
				var step string
				if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				walked, scans := strings.CutPrefix(step, "SCAN ")
				if slices.ContainsFunc(harmless, func(prefix string) bool { return strings.HasPrefix(walked, prefix) }) {
					continue
				}
				if scans && (allowed[name] == "" || !strings.HasPrefix(walked, allowed[name])) {
					t.Errorf("%s: %s", name, step)
				}
			}
			if err := rows.Err(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			rows.Close()
		}
	}
	if explained < 50 {
		t.Errorf("only %d queries were found: has the generated code a new form?", explained)
	}
}

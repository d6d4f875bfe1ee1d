package sqlitestore_test

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	_ "modernc.org/sqlite"

	"github.com/elizad/elizad/server/internal/store/sqlitestore"
	"github.com/elizad/elizad/server/internal/store/storetest"
)

// raw opens the database of a data directory, bypassing the store.
func raw(t *testing.T, dir string) *sql.DB {
	t.Helper()
	pool, err := sql.Open("sqlite", filepath.Join(dir, "elizad.db"))
	if err != nil {
		t.Fatalf("opening past the store: %v", err)
	}
	t.Cleanup(func() { pool.Close() })
	return pool
}

func TestUpgradeFromFirstRelease(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := raw(t, dir).ExecContext(t.Context(), storetest.FirstRelease(t, "sqlite")); err != nil {
		t.Fatalf("making a database of the first release: %v", err)
	}
	storetest.CheckFirstRelease(t, open(t, dir))

	// The upgraded schema equals that of a new database, up to formatting.
	fresh := t.TempDir()
	open(t, fresh)
	if diff := cmp.Diff(schema(t, fresh), schema(t, dir)); diff != "" {
		t.Errorf("an upgraded database differs from a new one (-new +upgraded); released migrations are never edited:\n%s", diff)
	}
}

func schema(t *testing.T, dir string) map[string]string {
	t.Helper()
	rows, err := raw(t, dir).QueryContext(t.Context(), "SELECT type || ' ' || name, coalesce(sql, '') FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'")
	if err != nil {
		t.Fatalf("reading the schema: %v", err)
	}
	defer rows.Close()
	all := map[string]string{}
	for rows.Next() {
		var name, definition string
		if err := rows.Scan(&name, &definition); err != nil {
			t.Fatalf("reading the schema: %v", err)
		}
		all[name] = strings.Join(strings.Fields(definition), " ")
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("reading the schema: %v", err)
	}
	return all
}

func TestNewerDatabaseIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := open(t, dir).Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	if _, err := raw(t, dir).ExecContext(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)"); err != nil {
		t.Fatalf("making it newer: %v", err)
	}
	s, err := sqlitestore.Open(t.Context(), sqlitestore.Config{Dir: dir})
	if err == nil {
		s.Close()
		t.Fatal("a newer database was opened")
	}
	if !strings.Contains(err.Error(), "9999") {
		t.Errorf("the error doesn't name the version: %v", err)
	}
}

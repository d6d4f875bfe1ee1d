package pgtest_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/elizad/elizad/server/internal/pgtest"
)

func ask[T any](t *testing.T, url, query string) T {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatalf("connecting to %s: %v", url, err)
	}
	t.Cleanup(func() { conn.Close(t.Context()) })
	var answer T
	if err := conn.QueryRow(t.Context(), query).Scan(&answer); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return answer
}

func TestDatabases(t *testing.T) {
	t.Parallel()
	migrated, other, empty := pgtest.URL(t), pgtest.URL(t), pgtest.EmptyURL(t)
	const tables = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"
	if got := ask[int](t, migrated, tables); got == 0 {
		t.Error("the database has no schema")
	}
	if got := ask[int](t, empty, tables); got != 0 {
		t.Errorf("the empty database has %d tables", got)
	}
	if a, b := ask[string](t, migrated, "SELECT current_database()"), ask[string](t, other, "SELECT current_database()"); a == b {
		t.Errorf("two tests share the database %s", a)
	}
	if ask[bool](t, migrated, "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user") {
		t.Error("the tests run as a role that row-level security doesn't bind")
	}
	for _, url := range []string{migrated, empty} {
		if !ask[bool](t, url, "SELECT 'a' < 'B'") {
			t.Error("text is sorted by bytes: queries that rely on it would pass here and fail elsewhere")
		}
	}
}

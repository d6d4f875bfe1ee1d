package pgstore_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/elizad/elizad/server/internal/pgtest"
	"github.com/elizad/elizad/server/internal/store"
	"github.com/elizad/elizad/server/internal/store/pgstore"
	"github.com/elizad/elizad/server/internal/store/storetest"
)

// connect opens a connection that bypasses the store.
func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatalf("connecting past the store: %v", err)
	}
	t.Cleanup(func() { conn.Close(t.Context()) })
	if _, err := conn.Exec(t.Context(), fmt.Sprintf("SET elizad.tenant = %d", store.DefaultTenant)); err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestUpgradeFromFirstRelease(t *testing.T) {
	t.Parallel()
	url := pgtest.EmptyURL(t)
	if _, err := connect(t, url).Exec(t.Context(), storetest.FirstRelease(t, "postgres")); err != nil {
		t.Fatalf("making a database of the first release: %v", err)
	}
	storetest.CheckFirstRelease(t, open(t, url))

	if diff := cmp.Diff(schema(t, pgtest.URL(t)), schema(t, url)); diff != "" {
		t.Errorf("an upgraded database differs from a new one (-new +upgraded); released migrations are never edited:\n%s", diff)
	}
}

// schema describes columns, indexes and constraints.
func schema(t *testing.T, url string) []string {
	t.Helper()
	rows, err := connect(t, url).Query(t.Context(), `
		SELECT table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable || ' ' || coalesce(column_default, '')
		FROM information_schema.columns WHERE table_schema = 'public'
		UNION SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
		UNION SELECT conrelid::regclass || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
		ORDER BY 1`)
	if err != nil {
		t.Fatalf("reading the schema: %v", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatalf("reading the schema: %v", err)
	}
	return all
}

func TestManyNodesStartAtOnce(t *testing.T) {
	t.Parallel()
	url := pgtest.EmptyURL(t)
	var nodes sync.WaitGroup
	for range 4 {
		nodes.Go(func() {
			s, err := pgstore.Open(t.Context(), pgstore.Config{URL: url})
			if err != nil {
				t.Errorf("Open: %v", err)
				return
			}
			if err := s.Ping(t.Context()); err != nil {
				t.Errorf("Ping: %v", err)
			}
			if err := s.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		})
	}
	nodes.Wait()
}

func TestNewerDatabaseIsRefused(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	if _, err := connect(t, url).Exec(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, true)"); err != nil {
		t.Fatalf("making it newer: %v", err)
	}
	s, err := pgstore.Open(t.Context(), pgstore.Config{URL: url})
	if err == nil {
		s.Close()
		t.Fatal("a newer database was opened")
	}
	if !strings.Contains(err.Error(), "9999") {
		t.Errorf("the error doesn't name the version: %v", err)
	}
}

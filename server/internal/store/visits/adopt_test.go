package visits_test

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/server/internal/pgtest"
	"github.com/elizad/elizad/server/internal/store"
	"github.com/elizad/elizad/server/internal/store/pgstore"
	"github.com/elizad/elizad/server/internal/store/sqlitestore"
)

// schema reads a database beside its store.
type schema interface {
	meter
	// texts returns the only column of a query.
	texts(t *testing.T, query string) []string
}

// Tables without a tenant: the list of tenants, that of migrations, and the indexes of words on SQLite, whose documents belong to messages and passages.
func withoutTenant(table string) bool {
	return table == "goose_db_version" || table == "tenants" || table == "message_texts" || table == "messages_to_index" || strings.HasPrefix(table, "message_index") || strings.HasPrefix(table, "passage_index") || strings.HasPrefix(table, "sqlite_")
}

// testAdopt moves rows of every table that the schema has. A table that is added later is in this test by itself, and has rows in the
// history, or the test says so.
func testAdopt(t *testing.T, d schema, open func(t *testing.T) store.System, tables, hasTenant string) {
	fill(t, d, 200)
	count := func(table, where string) string {
		return d.texts(t, "SELECT CAST(count(*) AS text) FROM "+table+" WHERE "+where)[0]
	}
	before := map[string]string{}
	for _, table := range d.texts(t, tables) {
		switch {
		case withoutTenant(table):
		case len(d.texts(t, fmt.Sprintf(hasTenant, table))) == 0:
			t.Errorf("%s has no tenant: give it one, or say here why it needs none", table)
		default:
			if before[table] = count(table, "tenant = 1"); before[table] == "0" {
				t.Errorf("%s is empty: put rows of it into the history", table)
			}
		}
	}
	s := open(t)
	a := store.Adopt{To: store.Tenant{ServerID: uuid.New(), Name: "east"}, Alone: true, Note: func(from, to db.System, _ int64) error { return nil }}
	for _, dry := range []bool{true, false} {
		a.DryRun = dry
		done, err := s.Adopt(t.Context(), a)
		if err != nil || len(done.Clashes) > 0 {
			t.Fatalf("%v %+v", err, done.Clashes)
		}
		for table, rows := range before {
			if !slices.Contains(store.Staying, table) && fmt.Sprint(done.Rows[table]) != rows {
				t.Errorf("dry run %t: %d rows of %s, want %s", dry, done.Rows[table], table, rows)
			}
			if dry && count(table, "tenant = 1") != rows {
				t.Errorf("the dry run changed %s", table)
			}
		}
	}
	for table, rows := range before {
		left, moved := count(table, "tenant = 1"), count(table, "tenant <> 1")
		switch {
		case slices.Contains(store.Staying, table):
			if left != rows {
				t.Errorf("%s rows of %s are left, want all %s", left, table, rows)
			}
		case table == "adoptions": // notes this one
		case left != "0" || moved != rows:
			t.Errorf("%s: %s rows are left and %s were moved, want all %s", table, left, moved, rows)
		}
	}
	if again, err := s.Adopt(t.Context(), a); err != nil || again.All() > 0 {
		t.Errorf("once more: %+v, %v", again, err)
	}
}

func TestAdoptOnSQLite(t *testing.T) {
	t.Parallel()
	m := openSQLite(t, false)
	testAdopt(t, m, func(t *testing.T) store.System {
		s, err := sqlitestore.Open(t.Context(), m.config)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	}, "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name", "SELECT name FROM pragma_table_info('%s') WHERE name = 'tenant'")
	if broken := m.texts(t, `SELECT "table" FROM pragma_foreign_key_check`); len(broken) > 0 {
		t.Errorf("rows refer to nothing: %v", broken)
	}
}

func TestAdoptOnPostgres(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	m := connectPostgres(t, strings.Replace(url, "user=elizad", "user=postgres", 1)) // who sees all tenants
	testAdopt(t, m, func(t *testing.T) store.System {
		s, err := pgstore.Open(t.Context(), pgstore.Config{URL: url})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	}, "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1", "SELECT attname::text FROM pg_attribute WHERE attrelid = '%s'::regclass AND attname = 'tenant'")
	open := m.texts(t, "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND NOT (relrowsecurity AND relforcerowsecurity) ORDER BY 1")
	if !slices.Equal(open, []string{"goose_db_version", "message_words", "passage_words", "tenants"}) {
		t.Errorf("afterwards these have no forced policy: %v", open)
	}
}

func (m *sqliteMeter) texts(t *testing.T, query string) (out []string) {
	t.Helper()
	rows, err := m.database.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var text sql.NullString
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		out = append(out, text.String)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

func (m *postgresMeter) texts(t *testing.T, query string) []string {
	t.Helper()
	rows, err := m.conn.Query(t.Context(), query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return out
}

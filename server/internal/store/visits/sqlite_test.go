package visits_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"testing"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/gen/sqlite"
	"github.com/elizad/elizad/gen/unscoped"
	"github.com/elizad/elizad/server/internal/store/sqlitestore"
)

// TestSQLite counts the steps of SQLite's virtual machine. It takes ten or more for a row, and some seventy to write one that
// is in several indexes.
func TestSQLite(t *testing.T) {
	t.Parallel()
	for name, statistics := range map[string]bool{"without statistics": false, "with statistics": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hold(t, 100, nil, func(t *testing.T) meter { return openSQLite(t, statistics) })
		})
	}
}

func TestTenantsOnSQLite(t *testing.T) {
	t.Parallel()
	testTenants(t, another, nil, func(t *testing.T) trial { return openSQLite(t, false) })
}

func TestViewersOnSQLite(t *testing.T) {
	t.Parallel()
	testViewers(t, func(t *testing.T) trial { return openSQLite(t, false) })
}

func openSQLite(t *testing.T, statistics bool) *sqliteMeter {
	t.Helper()
	config := sqlitestore.Config{Dir: t.TempDir()}
	write(t, config)
	database, err := sql.Open("sqlite", config.Path())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { database.Close() })
	m := &sqliteMeter{config: config, database: database, statistics: statistics}
	m.connect(t, config.Path())
	return m
}

// write lets the store write something, and search: it migrates a database to the newest schema, and brings its index of words up to date.
func write(t *testing.T, config sqlitestore.Config) {
	t.Helper()
	s, err := sqlitestore.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	err = s.SystemUpdate(t.Context(), func(q db.System) error { return q.NoteFormerAgent(t.Context(), db.NoteFormerAgentParams{}) })
	found := s.SystemView(t.Context(), func(q db.System) error {
		_, err := q.CountFoundMessages(t.Context(), db.CountFoundMessagesParams{AnyChannel: true, AnyAuthor: true, Words: common, MaxRows: 1})
		return err
	})
	if err := errors.Join(err, found, s.Close()); err != nil {
		t.Fatal(err)
	}
}

// sqliteMeter reads SQLite's own counts, which the driver doesn't expose.
type sqliteMeter struct {
	config     sqlitestore.Config
	database   *sql.DB
	statistics bool

	tls  *libc.TLS
	conn uintptr
}

func (m *sqliteMeter) connect(t *testing.T, path string) {
	t.Helper()
	m.tls = libc.NewTLS()
	name, err := libc.CString(path)
	if err != nil {
		t.Fatal(err)
	}
	defer libc.Xfree(m.tls, name)
	out := libc.Xcalloc(m.tls, 1, 8)
	defer libc.Xfree(m.tls, out)
	if code := sqlite3.Xsqlite3_open_v2(m.tls, name, out, sqlite3.SQLITE_OPEN_READWRITE, 0); code != sqlite3.SQLITE_OK {
		t.Fatalf("opening %s: %d", path, code)
	}
	m.conn = libc.AtomicLoadPUintptr(out)
	m.run(t, "PRAGMA foreign_keys = ON", nil)
	t.Cleanup(func() {
		sqlite3.Xsqlite3_close_v2(m.tls, m.conn)
		m.tls.Close()
	})
}

func (m *sqliteMeter) id(kind int, number string) string {
	return fmt.Sprintf("printf('%08x-0000-7000-8000-%%012x', %s)", kind, number)
}

func (m *sqliteMeter) bytes(number string) string { return "CAST(" + number + " AS BLOB)" }

func (m *sqliteMeter) exec(t *testing.T, statement string) {
	t.Helper()
	if _, err := m.database.ExecContext(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func (m *sqliteMeter) settle(t *testing.T) {
	t.Helper()
	write(t, m.config)
	if m.statistics {
		m.exec(t, "ANALYZE")
	}
}

func (m *sqliteMeter) count(t *testing.T, fn func(q unscoped.Querier) error) int {
	t.Helper()
	tx, err := m.database.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	r := &sqliteRecorder{Tx: tx}
	err = fn(sqlite.New(r))
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		t.Errorf("%s: %v", r.query, err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	m.run(t, "BEGIN IMMEDIATE", nil)
	defer m.run(t, "ROLLBACK", nil)
	return m.run(t, r.query, r.args)
}

// run runs one statement to its end and returns the number of steps.
func (m *sqliteMeter) run(t *testing.T, query string, args []any) int {
	t.Helper()
	text, err := libc.CString(query)
	if err != nil {
		t.Fatal(err)
	}
	defer libc.Xfree(m.tls, text)
	out := libc.Xcalloc(m.tls, 1, 8)
	defer libc.Xfree(m.tls, out)
	if code := sqlite3.Xsqlite3_prepare_v2(m.tls, m.conn, text, -1, out, 0); code != sqlite3.SQLITE_OK {
		t.Fatalf("%s: preparing: %d", query, code)
	}
	statement := libc.AtomicLoadPUintptr(out)
	defer sqlite3.Xsqlite3_finalize(m.tls, statement)
	for i, arg := range args {
		value, err := driver.DefaultParameterConverter.ConvertValue(arg)
		if err != nil {
			t.Fatalf("%s: argument %d: %v", query, i+1, err)
		}
		m.bind(t, statement, int32(i+1), value)
	}
	for {
		switch code := sqlite3.Xsqlite3_step(m.tls, statement); code {
		case sqlite3.SQLITE_ROW:
		case sqlite3.SQLITE_DONE:
			return int(sqlite3.Xsqlite3_stmt_status(m.tls, statement, sqlite3.SQLITE_STMTSTATUS_VM_STEP, 0))
		default:
			t.Fatalf("%s: %d", query, code)
		}
	}
}

func (m *sqliteMeter) bind(t *testing.T, statement uintptr, position int32, value driver.Value) {
	t.Helper()
	const copied = ^uintptr(0) // SQLITE_TRANSIENT
	switch v := value.(type) {
	case nil:
		sqlite3.Xsqlite3_bind_null(m.tls, statement, position)
	case bool:
		number := int64(0)
		if v {
			number = 1
		}
		sqlite3.Xsqlite3_bind_int64(m.tls, statement, position, number)
	case int64:
		sqlite3.Xsqlite3_bind_int64(m.tls, statement, position, v)
	case string:
		text, err := libc.CString(v)
		if err != nil {
			t.Fatal(err)
		}
		defer libc.Xfree(m.tls, text)
		sqlite3.Xsqlite3_bind_text(m.tls, statement, position, text, int32(len(v)), copied)
	case []byte:
		blob, err := libc.CString(string(v))
		if err != nil {
			t.Fatal(err)
		}
		defer libc.Xfree(m.tls, blob)
		sqlite3.Xsqlite3_bind_blob(m.tls, statement, position, blob, int32(len(v)), copied)
	default:
		t.Fatalf("an argument is a %T", value)
	}
}

// sqliteRecorder notes the query that goes through a transaction.
type sqliteRecorder struct {
	*sql.Tx
	query string
	args  []any
}

func (r *sqliteRecorder) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	r.query, r.args = query, args
	return r.Tx.ExecContext(ctx, query, args...)
}

func (r *sqliteRecorder) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	r.query, r.args = query, args
	return r.Tx.QueryContext(ctx, query, args...)
}

func (r *sqliteRecorder) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	r.query, r.args = query, args
	return r.Tx.QueryRowContext(ctx, query, args...)
}

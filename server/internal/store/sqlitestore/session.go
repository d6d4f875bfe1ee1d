package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/elizad/elizad/gen/sqlite"
	"github.com/elizad/elizad/gen/unscoped"
	"github.com/elizad/elizad/server/internal/store"
)

// session is one connection with the statements prepared on it. One goroutine uses it at a time.
type session struct {
	conn     *sql.Conn
	prepared map[string]statement // by query text; bounded, because all texts are constants of the generated code
	trace    func(query string)   // nil for none

	// complete brings the index of words up to date before it is read; nil for the writer.
	complete func(ctx context.Context) error
}

type statement struct {
	*sql.Stmt
	writes   bool
	searches bool // reads the index of words
}

func newSession(ctx context.Context, pool *sql.DB, trace func(query string)) (*session, error) {
	conn, err := pool.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	return &session{conn: conn, prepared: map[string]statement{}, trace: trace}, nil
}

// statement returns query, prepared at its first use.
func (s *session) statement(ctx context.Context, query string) (statement, error) {
	if known, ok := s.prepared[query]; ok {
		return known, nil
	}
	prepared, err := s.conn.PrepareContext(ctx, query)
	if err != nil {
		return statement{}, err
	}
	known := statement{Stmt: prepared, writes: !store.IsRead(query), searches: strings.Contains(query, "message_index")}
	s.prepared[query] = known
	return known, nil
}

// exec runs a statement of the session's own.
func (s *session) exec(ctx context.Context, command string) error {
	_, err := s.change(ctx, command)
	return err
}

// change runs a statement of the session's own and returns how many rows it changed.
func (s *session) change(ctx context.Context, command string) (int64, error) {
	prepared, err := s.statement(ctx, command)
	if err != nil {
		return 0, err
	}
	result, err := prepared.ExecContext(ctx)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// close gives the connection back to its pool, which must be closed next. database/sql doesn't close the statements of a
// single connection by itself, and SQLite keeps files open as long as there are any.
func (s *session) close() error {
	var errs []error
	for _, prepared := range s.prepared {
		errs = append(errs, prepared.Close())
	}
	return errors.Join(append(errs, s.conn.Close())...)
}

// pragma returns the value of a pragma.
func (s *session) pragma(ctx context.Context, name string) (string, error) {
	var value string
	if err := s.conn.QueryRowContext(ctx, "PRAGMA "+name).Scan(&value); err != nil {
		return "", fmt.Errorf("reading pragma %s: %w", name, err)
	}
	return value, nil
}

// view runs fn for reading.
func (s *session) view(fn func(q unscoped.Querier) error) error {
	h := &handle{session: s}
	defer h.end()
	return fn(sqlite.New(h))
}

// errEnded is what a query gets after the function that it belonged to has returned.
var errEnded = errors.New("the transaction of this query has ended")

// handle is what the generated code runs on: a session, for the time of one View or Update.
type handle struct {
	session *session
	inGroup bool // part of a group commit
	saves   bool // its changes need a savepoint
	wrote   bool // it has begun to change something; the savepoint exists, if it is needed
	failure error
	ended   bool
}

var _ sqlite.DBTX = (*handle)(nil)

func (h *handle) end() { h.ended = true }

// statement prepares query and, when it is the first one of a group member to change something, sets the savepoint, if it needs
// one.
func (h *handle) statement(ctx context.Context, query string) (context.Context, statement, error) {
	if h.ended {
		return ctx, statement{}, errEnded
	}
	if h.inGroup {
		// An interrupted statement would roll back the whole group.
		ctx = context.WithoutCancel(ctx)
	}
	if h.session.trace != nil {
		h.session.trace(query)
	}
	prepared, err := h.session.statement(ctx, query)
	if err == nil && h.inGroup && prepared.writes && !h.wrote {
		if h.saves {
			err = h.session.exec(ctx, "SAVEPOINT member")
		}
		h.wrote = err == nil
	}
	if err == nil && !h.inGroup && prepared.searches {
		// On a disk that is full the search finds what is in the index.
		if h.session.complete(ctx) != nil {
			err = ctx.Err()
		}
	}
	return ctx, prepared, h.note(err)
}

// note remembers the first error: a transaction in which a statement failed must not be committed.
func (h *handle) note(err error) error {
	if h.failure == nil {
		h.failure = err
	}
	return err
}

// ExecContext implements [sqlite.DBTX].
func (h *handle) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	ctx, prepared, err := h.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	result, err := prepared.ExecContext(ctx, args...)
	return result, h.note(err)
}

// QueryContext implements [sqlite.DBTX].
func (h *handle) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	ctx, prepared, err := h.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	rows, err := prepared.QueryContext(ctx, args...)
	return rows, h.note(err)
}

// QueryRowContext implements [sqlite.DBTX].
func (h *handle) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	ctx, prepared, err := h.statement(ctx, query)
	if err != nil {
		// Only database/sql can make a Row that holds an error; it does for a context that has ended.
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		return h.session.conn.QueryRowContext(ended, query)
	}
	row := prepared.QueryRowContext(ctx, args...)
	h.note(row.Err())
	return row
}

// PrepareContext implements [sqlite.DBTX]; the generated code doesn't use it.
func (h *handle) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	_, prepared, err := h.statement(ctx, query)
	return prepared.Stmt, err
}

package pgstore

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/elizad/elizad/gen/postgres"
	"github.com/elizad/elizad/server/internal/store"
)

var (
	errWrites = errors.New("a view cannot write")
	errEnded  = errors.New("the view of this query has ended")
)

// readOnly runs the generated code's queries on one connection, outside of a transaction, and refuses those that write.
// A read-only transaction would do the same for two more round trips; through a pooler there is one, which says whose rows are meant.
type readOnly struct {
	conn  postgres.DBTX
	ended bool
}

var _ postgres.DBTX = (*readOnly)(nil)

func (r *readOnly) end() { r.ended = true }

func (r *readOnly) refuse(query string) error {
	if r.ended {
		return errEnded
	}
	if !store.IsRead(query) {
		return errWrites
	}
	return nil
}

// Exec implements [postgres.DBTX].
func (r *readOnly) Exec(ctx context.Context, query string, args ...any) (pgconn.CommandTag, error) {
	if err := r.refuse(query); err != nil {
		return pgconn.CommandTag{}, err
	}
	return r.conn.Exec(ctx, query, args...)
}

// Query implements [postgres.DBTX].
func (r *readOnly) Query(ctx context.Context, query string, args ...any) (pgx.Rows, error) {
	if err := r.refuse(query); err != nil {
		return nil, err
	}
	return r.conn.Query(ctx, query, args...)
}

// QueryRow implements [postgres.DBTX].
func (r *readOnly) QueryRow(ctx context.Context, query string, args ...any) pgx.Row {
	if err := r.refuse(query); err != nil {
		return failedRow{err}
	}
	return r.conn.QueryRow(ctx, query, args...)
}

// failedRow is the row of a query that was not run.
type failedRow struct{ err error }

// Scan implements [pgx.Row].
func (r failedRow) Scan(...any) error { return r.err }

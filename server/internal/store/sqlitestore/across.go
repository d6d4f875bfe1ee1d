package sqlitestore

import (
	"context"

	"github.com/elizad/elizad/gen/sqlite"
	"github.com/elizad/elizad/gen/unscoped"
	"github.com/elizad/elizad/server/internal/store"
)

// ReadOf implements [store.Engine]: the queries name the tenant, and nothing else keeps tenants apart.
func (s *Store) ReadOf(ctx context.Context, _ int64, fn func(q unscoped.Querier) error) error {
	return s.Read(ctx, fn)
}

// Across implements [store.Engine]. No other process is on the database; afterwards the index of words is brought up to date; what is
// not is left to the next start.
func (s *Store) Across(ctx context.Context, _ bool, fn func(q store.Across) error) error {
	wrote := false
	err := s.writer.submit(ctx, &update{raw: func(h *handle) error {
		err := fn(across{sqlite.New(h), h})
		wrote = h.wrote
		return err
	}})
	if err == nil && wrote {
		s.index.written.Add(1)
		_ = s.index.complete(ctx) // what is left waits in the database
	}
	return s.health.Translate(err, classify)
}

// across runs any statement in a transaction.
type across struct {
	unscoped.Querier
	handle *handle
}

// Exec implements [store.Across].
func (a across) Exec(ctx context.Context, statement string) (int64, error) {
	result, err := a.handle.ExecContext(ctx, statement)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// Texts implements [store.Across].
func (a across) Texts(ctx context.Context, query string) (out [][]string, err error) {
	rows, err := a.handle.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // all were read, or its error counts
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		row := make([]string, len(names))
		into := make([]any, len(names))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		out = append(out, row)
	}
	return out, rows.Err()
}

// Columns implements [store.Across].
func (a across) Columns(ctx context.Context) ([][]string, error) {
	return a.Texts(ctx, `SELECT t.name, c.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c WHERE t.type = 'table' ORDER BY t.name, c.cid`)
}

// Keys implements [store.Across].
func (a across) Keys(ctx context.Context) ([][]string, error) {
	return a.Texts(ctx, `SELECT t.name, i.name, c.name FROM sqlite_schema t JOIN pragma_index_list(t.name) i JOIN pragma_index_info(i.name) c
WHERE t.type = 'table' AND i."unique" ORDER BY t.name, i.name, c.seqno`)
}

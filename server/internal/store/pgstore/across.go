package pgstore

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/elizad/elizad/gen/postgres"
	"github.com/elizad/elizad/gen/unscoped"
	"github.com/elizad/elizad/server/internal/store"
)

const (
	// lockTime bounds how long the tables are waited for: whoever comes later waits behind.
	lockTime = 10 * time.Second
	// leaveTime is how long connections of a server that has just stopped may take to be gone.
	leaveTime  = 3 * time.Second
	leavePause = 50 * time.Millisecond
)

// ReadOf implements [store.Engine].
func (s *Store) ReadOf(ctx context.Context, tenant int64, fn func(q unscoped.Querier) error) error {
	return s.health.Translate(s.transact(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SET LOCAL "+tenantSetting+" = '"+strconv.FormatInt(tenant, 10)+"'", pgx.QueryExecModeExec); err != nil {
			return fmt.Errorf("choosing the tenant: %w", err)
		}
		return fn(postgres.New(tx))
	}), classify)
}

// Across implements [store.Engine]. The policies are suspended for the owner of the tables, inside the transaction; that locks the tables
// against everybody else until it ends, however it ends.
func (s *Store) Across(ctx context.Context, alone bool, fn func(q store.Across) error) error {
	err := s.transact(ctx, func(tx pgx.Tx) error {
		if err := mustBeBound(ctx, tx); err != nil {
			return err
		}
		if !alone {
			if err := awaitLeave(ctx, tx); err != nil {
				return err
			}
		}
		a := across{postgres.New(tx), tx}
		for _, set := range []string{"statement_timeout = 0", "idle_in_transaction_session_timeout = 0", "lock_timeout = " + strconv.FormatInt(lockTime.Milliseconds(), 10)} {
			if _, err := a.Exec(ctx, "SET LOCAL "+set); err != nil {
				return err
			}
		}
		guarded, err := a.Texts(ctx, "SELECT c.oid::regclass::text FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND c.relrowsecurity AND c.relforcerowsecurity ORDER BY 1")
		if err != nil {
			return err
		}
		for _, table := range guarded {
			if _, err := a.Exec(ctx, "ALTER TABLE "+table[0]+" NO FORCE ROW LEVEL SECURITY"); err != nil {
				return fmt.Errorf("suspending the policy of %s: %w", table[0], err)
			}
		}
		if err := fn(a); err != nil {
			return err
		}
		for _, table := range guarded {
			if _, err := a.Exec(ctx, "ALTER TABLE "+table[0]+" FORCE ROW LEVEL SECURITY"); err != nil {
				return fmt.Errorf("restoring the policy of %s: %w", table[0], err)
			}
		}
		return nil
	})
	if code(err) == lockNotAvailable {
		err = fmt.Errorf("the tables are in use: stop the servers on this database and try again: %w", err)
	}
	return s.health.Translate(err, classify)
}

// awaitLeave waits until no server is connected to the database, for those that have just stopped, and else says who is.
func awaitLeave(ctx context.Context, tx pgx.Tx) error {
	const query = `SELECT coalesce(nullif(application_name, ''), 'a program') || coalesce(' at ' || host(client_addr), '') FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid() AND (usename = current_user OR application_name = 'elizad')
ORDER BY 1`
	for end := time.Now().Add(leaveTime); ; {
		rows, err := tx.Query(ctx, query, pgx.QueryExecModeExec)
		if err != nil {
			return fmt.Errorf("asking who is connected: %w", err)
		}
		who, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil || len(who) == 0 {
			return err
		}
		if time.Now().After(end) {
			return fmt.Errorf("%w: %d connections: %s", store.ErrConnected, len(who), strings.Join(who[:min(len(who), 3)], ", "))
		}
		// What is read of pg_stat_activity stays the same within a transaction until it is dropped.
		if _, err := tx.Exec(ctx, "SELECT pg_stat_clear_snapshot()", pgx.QueryExecModeExec); err != nil {
			return fmt.Errorf("asking who is connected: %w", err)
		}
		select {
		case <-time.After(leavePause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// across runs any statement in a transaction.
type across struct {
	unscoped.Querier
	tx pgx.Tx
}

// Exec implements [store.Across].
func (a across) Exec(ctx context.Context, statement string) (int64, error) {
	done, err := a.tx.Exec(ctx, statement, pgx.QueryExecModeExec)
	return done.RowsAffected(), err
}

// Texts implements [store.Across].
func (a across) Texts(ctx context.Context, query string) ([][]string, error) {
	rows, err := a.tx.Query(ctx, query, pgx.QueryExecModeExec)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) ([]string, error) {
		texts := make([]string, len(row.FieldDescriptions()))
		into := make([]any, len(texts))
		for i := range texts {
			into[i] = &texts[i]
		}
		return texts, row.Scan(into...)
	})
}

// Columns implements [store.Across].
func (a across) Columns(ctx context.Context) ([][]string, error) {
	return a.Texts(ctx, `SELECT t.relname::text, c.attname::text FROM pg_class t JOIN pg_attribute c ON c.attrelid = t.oid
WHERE t.relnamespace = current_schema()::regnamespace AND t.relkind = 'r' AND c.attnum > 0 AND NOT c.attisdropped ORDER BY 1, c.attnum`)
}

// Keys implements [store.Across].
func (a across) Keys(ctx context.Context) ([][]string, error) {
	return a.Texts(ctx, `SELECT t.relname::text, x.relname::text, c.attname::text FROM pg_class t
JOIN pg_index i ON i.indrelid = t.oid AND i.indisunique JOIN pg_class x ON x.oid = i.indexrelid
JOIN LATERAL unnest(i.indkey) WITH ORDINALITY k (attnum, place) ON true JOIN pg_attribute c ON c.attrelid = t.oid AND c.attnum = k.attnum
WHERE t.relnamespace = current_schema()::regnamespace AND t.relkind = 'r' ORDER BY 1, 2, k.place`)
}

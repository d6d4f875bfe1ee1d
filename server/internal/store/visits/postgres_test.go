package visits_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/elizad/elizad/gen/postgres"
	"github.com/elizad/elizad/gen/unscoped"
	"github.com/elizad/elizad/server/internal/pgtest"
	"github.com/elizad/elizad/server/internal/store"
)

// TestPostgres counts the rows that scans visit. PostgreSQL makes a plan for the values of a query or, after some repeats, one
// for any values; both must stay within the limit. The tables are analyzed first: PostgreSQL takes a table without statistics
// for small, and sorts where it should walk an index, until autovacuum runs within a minute.
func TestPostgres(t *testing.T) {
	t.Parallel()
	extra := map[string]int{
		"SearchMessages":     6 * 2000,      // looks through as many messages before it uses the index of words, in several steps
		"ListEntityFacts":    3 * 500,       // an agent keeps as many facts about an entity at most, each with a source and its message
		"CountFoundMessages": math.MaxInt32, // the index of words is read to the end of its entries for a word
	}
	for _, mode := range []string{"force_custom_plan", "force_generic_plan"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			hold(t, 1, extra, func(t *testing.T) meter {
				m := openPostgres(t)
				m.exec(t, "SET plan_cache_mode = "+mode)
				return m
			})
		})
	}
}

// Each of the two walls between tenants holds without the other: what the statements say, and the policies of the tables.
func TestTenantsOnPostgres(t *testing.T) {
	t.Parallel()
	t.Run("without policies", func(t *testing.T) {
		t.Parallel()
		testTenants(t, another, nil, func(t *testing.T) trial {
			m := openPostgres(t)
			for _, table := range ownTables {
				m.exec(t, "ALTER TABLE "+table+" NO FORCE ROW LEVEL SECURITY")
			}
			return m
		})
	})
	t.Run("by policies alone", func(t *testing.T) {
		t.Parallel()
		// These look at message_words, passage_words and the list of tenants, which are outside of the wall.
		outside := []string{"CountFoundMessages", "SearchPassages", "NoteIsolation", "ListNamings"}
		testTenants(t, store.DefaultTenant, outside, func(t *testing.T) trial {
			m := openPostgres(t)
			m.tenant = another
			return m
		})
	})
}

func TestViewersOnPostgres(t *testing.T) {
	t.Parallel()
	testViewers(t, func(t *testing.T) trial { return openPostgres(t) })
}

func openPostgres(t *testing.T) *postgresMeter {
	t.Helper()
	return connectPostgres(t, pgtest.URL(t))
}

func connectPostgres(t *testing.T, url string) *postgresMeter {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	m := &postgresMeter{conn: conn, tenant: store.DefaultTenant}
	m.exec(t, fmt.Sprintf("SET elizad.tenant = %d", store.DefaultTenant))
	return m
}

// postgresMeter asks PostgreSQL how it ran a query.
type postgresMeter struct {
	conn   *pgx.Conn
	tenant int64 // whose rows the policies show to what is tried
}

func (m *postgresMeter) id(kind int, number string) string {
	return fmt.Sprintf("('%08x-0000-7000-8000-' || lpad(to_hex(%s), 12, '0'))::uuid", kind, number)
}

func (m *postgresMeter) bytes(number string) string {
	return "CAST(CAST(" + number + " AS text) AS bytea)"
}

func (m *postgresMeter) exec(t *testing.T, statement string) {
	t.Helper()
	if _, err := m.conn.Exec(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func (m *postgresMeter) settle(t *testing.T) {
	t.Helper()
	m.exec(t, "ANALYZE")
}

func (m *postgresMeter) count(t *testing.T, fn func(q unscoped.Querier) error) int {
	t.Helper()
	r := &postgresRecorder{}
	m.within(t, func(tx pgx.Tx) {
		r.Tx = tx
		if err := fn(postgres.New(r)); err != nil && !errors.Is(err, pgx.ErrNoRows) {
			t.Errorf("%s: %v", r.query, err)
		}
	})
	var visited int
	m.within(t, func(tx pgx.Tx) {
		if _, err := tx.Exec(t.Context(), "PREPARE counted AS "+r.query, pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Fatalf("%s: preparing: %v", r.query, err)
		}
		explain := "EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) EXECUTE counted"
		for i := range r.args {
			explain += fmt.Sprintf("%s$%d", map[bool]string{true: " (", false: ", "}[i == 0], i+1)
		}
		if len(r.args) > 0 {
			explain += ")"
		}
		var report []byte
		if err := tx.QueryRow(t.Context(), explain, append([]any{pgx.QueryExecModeSimpleProtocol}, r.args...)...).Scan(&report); err != nil {
			t.Fatalf("%s: %v", r.query, err)
		}
		var plans []struct{ Plan step }
		if err := json.Unmarshal(report, &plans); err != nil {
			t.Fatal(err)
		}
		for _, p := range plans {
			visited += p.Plan.visited()
		}
	})
	m.exec(t, "DEALLOCATE counted")
	return visited
}

// within runs fn in a transaction that is rolled back.
func (m *postgresMeter) within(t *testing.T, fn func(tx pgx.Tx)) {
	t.Helper()
	tx, err := m.conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := tx.Rollback(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}()
	fn(tx)
}

// step is a node of a plan, with the counts of its run.
type step struct {
	NodeType  string  `json:"Node Type"`
	Rows      float64 `json:"Actual Rows"`
	Loops     float64 `json:"Actual Loops"`
	Filtered  float64 `json:"Rows Removed by Filter"`
	Rechecked float64 `json:"Rows Removed by Index Recheck"`
	Plans     []step  `json:"Plans"`
}

func (s step) visited() int {
	n := 0
	if strings.HasSuffix(s.NodeType, "Scan") {
		n = int((s.Rows + s.Filtered + s.Rechecked) * s.Loops)
	}
	for _, p := range s.Plans {
		n += p.visited()
	}
	return n
}

// postgresRecorder notes the query that goes through a transaction.
type postgresRecorder struct {
	pgx.Tx
	query string
	args  []any
}

func (r *postgresRecorder) Exec(ctx context.Context, query string, args ...any) (pgconn.CommandTag, error) {
	r.query, r.args = query, args
	return r.Tx.Exec(ctx, query, args...)
}

func (r *postgresRecorder) Query(ctx context.Context, query string, args ...any) (pgx.Rows, error) {
	r.query, r.args = query, args
	return r.Tx.Query(ctx, query, args...)
}

func (r *postgresRecorder) QueryRow(ctx context.Context, query string, args ...any) pgx.Row {
	r.query, r.args = query, args
	return r.Tx.QueryRow(ctx, query, args...)
}

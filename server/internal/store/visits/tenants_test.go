package visits_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/gen/postgres"
	"github.com/elizad/elizad/gen/sqlite"
	"github.com/elizad/elizad/gen/unscoped"
	"github.com/elizad/elizad/server/internal/store"
)

// another is a tenant that has nothing.
const another = store.DefaultTenant + 1

// trial runs queries on the rows of the default tenant.
type trial interface {
	meter
	// try runs fn, rolls its changes back, and returns the tables in which it changed rows of the default tenant.
	try(t *testing.T, fn func(q unscoped.Querier) error) (changed []string, err error)
	// letIn lets all that is tried later see the rows of the default tenant.
	letIn()
}

// testTenants runs every query bound to a tenant, with the ids of the default tenant's rows: it finds nothing, and changes
// nothing of them. A query is in this test as soon as it is generated; except lists those that may find something.
func testTenants(t *testing.T, bound int64, except []string, open func(t *testing.T) trial) {
	d := open(t)
	fill(t, d, 200)
	queries := reflect.TypeFor[db.System]()
	for i := range queries.NumMethod() {
		method := queries.Method(i)
		for _, c := range circumstancesOf(method.Name) {
			var found []reflect.Value
			changed, err := d.try(t, func(q unscoped.Querier) (err error) {
				found, err = run(t, method, c, db.NewSystem(q, bound))
				return err
			})
			if len(changed) > 0 {
				t.Errorf("%s%s changes rows of another tenant in %v", method.Name, c.name, changed)
			}
			if err != nil { // no row; or an insert that the other's rows are in the way of
				continue
			}
			if inserts.MatchString(method.Name) || slices.Contains(except, method.Name) {
				continue
			}
			if len(found) > 0 && !nothing(found[0]) {
				t.Errorf("%s%s finds %+v of another tenant", method.Name, c.name, found[0].Interface())
			}
		}
	}
	// The same queries find and change much for the tenant whose rows they are, or the test would show nothing.
	d.letIn()
	busy := 0
	for i := range queries.NumMethod() {
		method := queries.Method(i)
		var found []reflect.Value
		changed, err := d.try(t, func(q unscoped.Querier) (err error) {
			found, err = run(t, method, usual[0], db.NewSystem(q, store.DefaultTenant))
			return err
		})
		if len(changed) > 0 || err == nil && len(found) > 0 && !nothing(found[0]) {
			busy++
		}
	}
	if all := queries.NumMethod(); busy < all*4/5 {
		t.Errorf("only %d of %d queries find or change something of their own tenant", busy, all)
	}
}

var inserts = regexp.MustCompile(`^(Insert|Ensure|Upsert|Add)`)

// nothing reports whether a result holds no row: nothing in a list, no count, no text.
func nothing(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice:
		return v.Len() == 0
	case reflect.Struct: // a row of counts; others are an error when there is none
		for i := range v.NumField() {
			if !nothing(v.Field(i)) {
				return false
			}
		}
		return true
	default:
		return v.IsZero()
	}
}

// testViewers runs every query that is bound to a viewer, with the ids of rows that belong to others: for a stranger it finds nothing
// and changes nothing, and for somebody who takes part in everything it does what it does for everybody.
func testViewers(t *testing.T, open func(t *testing.T) trial) {
	d := open(t)
	fill(t, d, 200)
	d.letIn()
	queries := reflect.TypeFor[db.Scoped]()
	tried, alike := 0, 0
	for i := range queries.NumMethod() {
		method := queries.Method(i)
		if !narrowed(method.Name) {
			continue
		}
		tried++
		for _, c := range append(slices.Clone(usual), searches...) {
			try := func(scope db.Scope) (found []reflect.Value, changed []string, err error) {
				scope.Tenant = store.DefaultTenant
				changed, err = d.try(t, func(q unscoped.Querier) (err error) {
					found, err = run(t, method, c, db.NewScoped(q, scope))
					return err
				})
				return found, changed, err
			}
			found, changed, err := try(db.Scope{Viewer: numbered(aUser, 2)})
			if len(changed) > 0 {
				t.Errorf("%s%s changes %v for a stranger", method.Name, c.name, changed)
			}
			if err == nil && len(found) > 0 && !nothing(found[0]) {
				t.Errorf("%s%s finds %+v for a stranger", method.Name, c.name, found[0].Interface())
			}
			own, ownChanges, ownErr := try(db.Scope{Viewer: numbered(aUser, 1)})
			all, allChanges, allErr := try(db.Scope{Everyone: true})
			same := slices.Equal(ownChanges, allChanges) && (ownErr == nil) == (allErr == nil) && len(own) == len(all)
			for i := range all {
				same = same && reflect.DeepEqual(own[i].Interface(), all[i].Interface())
			}
			if same {
				alike++
			} else if !slices.Contains(partial, method.Name) {
				t.Errorf("%s%s for one who takes part: %v %v, %v; for everybody %v %v, %v", method.Name, c.name, own, ownChanges, ownErr, all, allChanges, allErr)
			}
		}
	}
	if tried < 40 || alike < tried*len(usual)/2 {
		t.Errorf("%d queries are bound to a viewer, and %d trials found the same for those who may see it", tried, alike)
	}
}

// partial lists the queries of which each serves either a viewer or everybody.
var partial = []string{
	"ListServerChannels", "ListOwnServerChannels", "CountServerChannels", "CountAllServerChannels", "CountOwnServerChannels", "ListSessions", "ListJobs", "ListJobsOfStatus",
}

// run calls a query and returns what it finds, if it finds something.
func run(t *testing.T, method reflect.Method, c circumstances, q db.Scoped) ([]reflect.Value, error) {
	t.Helper()
	in := []reflect.Value{reflect.ValueOf(t.Context())}
	value := arguments(method.Name, c)
	for j := 1; j < method.Type.NumIn(); j++ {
		in = append(in, parameter(t, method.Name, method.Type.In(j), value))
	}
	out := reflect.ValueOf(q).MethodByName(method.Name).Call(in)
	last := len(out) - 1
	err, _ := out[last].Interface().(error)
	return out[:last], err
}

// ownTables are the tables with a tenant.
var ownTables = []string{
	"message_servers", "agents", "message_server_agents", "channels", "channel_participants", "messages", "turns", "turn_events", "turn_actions", "sessions", "jobs", "dialogues",
	"worlds", "world_agents", "rooms", "memories", "documents", "document_contents", "passages", "forgotten_messages", "former_agents", "agents_to_conceal", "secret_times", "idempotency_keys", "api_keys", "audit_entries", "audit_chains", "adoptions", "usage_days",
}

// differences returns the tables whose rows of the default tenant change while fn runs. read returns what the table holds of it.
func differences(t *testing.T, read func(table string) (string, error), fn func()) (changed []string) {
	t.Helper()
	contents := func() map[string]string {
		out := map[string]string{}
		for _, table := range ownTables {
			text, err := read(table)
			if err != nil {
				t.Fatal(err)
			}
			out[table] = text
		}
		return out
	}
	before := contents()
	fn()
	for table, after := range contents() {
		if before[table] != after {
			changed = append(changed, table)
		}
	}
	slices.Sort(changed)
	return changed
}

func (m *sqliteMeter) try(t *testing.T, fn func(q unscoped.Querier) error) (changed []string, err error) {
	t.Helper()
	tx, e := m.database.BeginTx(t.Context(), nil)
	if e != nil {
		t.Fatal(e)
	}
	defer func() { _ = tx.Rollback() }()
	read := func(table string) (string, error) {
		rows, err := tx.QueryContext(t.Context(), fmt.Sprintf("SELECT * FROM %s WHERE tenant = %d", table, store.DefaultTenant))
		if err != nil {
			return "", err
		}
		defer func() { _ = rows.Close() }()
		columns, err := rows.Columns()
		if err != nil {
			return "", err
		}
		var text strings.Builder
		for rows.Next() {
			row := make([]sql.RawBytes, len(columns))
			into := make([]any, len(columns))
			for i := range row {
				into[i] = &row[i]
			}
			if err := rows.Scan(into...); err != nil {
				return "", err
			}
			fmt.Fprintf(&text, "%s\n", row)
		}
		return text.String(), rows.Err()
	}
	changed = differences(t, read, func() { err = fn(sqlite.New(tx)) })
	return changed, err
}

func (m *sqliteMeter) letIn() {}

func (m *postgresMeter) letIn() { m.tenant = store.DefaultTenant }

func (m *postgresMeter) try(t *testing.T, fn func(q unscoped.Querier) error) (changed []string, err error) {
	t.Helper()
	m.within(t, func(tx pgx.Tx) {
		read := func(table string) (text string, err error) {
			err = tx.QueryRow(t.Context(), fmt.Sprintf("SELECT coalesce(md5(string_agg(r::text, ',' ORDER BY r::text)), '') FROM %s r WHERE tenant = %d", table, store.DefaultTenant)).Scan(&text)
			return text, err
		}
		as := func(tenant int64) {
			if _, err := tx.Exec(t.Context(), fmt.Sprintf("SET LOCAL elizad.tenant = %d", tenant)); err != nil {
				t.Fatal(err)
			}
		}
		changed = differences(t, read, func() {
			as(m.tenant)
			defer func() { as(store.DefaultTenant) }()
			point, e := tx.Begin(t.Context())
			if e != nil {
				t.Fatal(e)
			}
			if err = fn(postgres.New(point)); err != nil && !errors.Is(err, sql.ErrNoRows) {
				if e := point.Rollback(context.WithoutCancel(t.Context())); e != nil { // an error ends a transaction
					t.Fatal(e)
				}
			}
		})
	})
	return changed, err
}

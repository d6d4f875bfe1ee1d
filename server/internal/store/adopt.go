package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/gen/unscoped"
	"github.com/elizad/elizad/queries/dbtype"
)

// Across is a transaction that sees and changes the rows of all tenants, by any statement: which tables there are is not known
// when the code is generated.
type Across interface {
	unscoped.Querier

	// Exec runs a statement and returns how many rows it changed.
	Exec(ctx context.Context, statement string) (int64, error)

	// Texts runs a query whose columns are all texts.
	Texts(ctx context.Context, query string) ([][]string, error)

	// Columns lists table and column of all tables, Keys table, name and column of all unique indexes, in their order.
	Columns(ctx context.Context) ([][]string, error)
	Keys(ctx context.Context) ([][]string, error)
}

// Adopt says what [Bound.Adopt] is to do.
type Adopt struct {
	From, To Tenant
	DryRun   bool                                       // only look
	Alone    bool                                       // no server works for one of the two, though others are connected to the database
	Progress func(table string, moved int64)            // is called after each table; nil: nobody is
	Note     func(from, to db.System, rows int64) error // is the last of the transaction
}

// Adoption is what moved, or would move.
type Adoption struct {
	Rows     map[string]int64 // by table, without those of which there are none
	Clashes  []Clash          // why nothing was moved
	Isolated *time.Time       // since when the data is isolated: the new tenant's is from now on, too
}

// All counts the rows.
func (a Adoption) All() (n int64) {
	for _, rows := range a.Rows {
		n += rows
	}
	return n
}

// Clash is a key that both tenants use.
type Clash struct {
	Table   string   `json:"table"`
	Columns []string `json:"columns"`
	Times   int      `json:"times"`
	Values  []string `json:"values"` // some of them
}

// shownClashes is how many values of a key are shown.
const shownClashes = 5

// Staying lists the tables whose rows stay with their tenant: nobody can give an entry another place in a chain of hashes, and what was
// used was used there.
var Staying = []string{"audit_entries", "audit_chains", "usage_days"}

// ErrNoTenant says that a database has no tenant of a name.
var ErrNoTenant = errors.New("there is no such server id in this database")

// ErrConnected says that others are connected to the database, which may be servers.
var ErrConnected = errors.New("others are connected to this database")

// Adopt moves all that one tenant holds to another, in one transaction, but for what is [Staying]. Its default message server becomes
// the other's. Where both use a key that each tenant may use once, nothing moves.
func (b Bound) Adopt(ctx context.Context, a Adopt) (out Adoption, err error) {
	err = b.engine.Across(ctx, a.Alone, func(q Across) error {
		out = Adoption{Rows: map[string]int64{}}
		m, err := newMove(ctx, q, a)
		if err != nil {
			return err
		}
		out.Isolated = m.isolated()
		if err := m.count(ctx, out.Rows); err != nil {
			return err
		}
		if len(out.Rows) == 0 {
			return nil
		}
		if out.Clashes, err = m.clashes(ctx); err != nil || len(out.Clashes) > 0 || a.DryRun {
			return err
		}
		return m.run(ctx, out)
	})
	return out, while("moving what a tenant holds", err)
}

// move is one adoption.
type move struct {
	Adopt
	q        Across
	from, to *Holding // to has the number 0 until it is made
	tables   []table
}

// table is one with a tenant.
type table struct {
	name    string
	columns []string
	keys    [][]string // unique indexes
}

func (t table) has(column string) bool { return slices.Contains(t.columns, column) }

func newMove(ctx context.Context, q Across, a Adopt) (*move, error) {
	m := &move{Adopt: a, q: q}
	tenants, err := listTenants(ctx, q)
	if err != nil {
		return nil, err
	}
	if m.from = withID(tenants, a.From.ServerID); m.from == nil {
		return nil, ErrNoTenant
	}
	if m.to = withID(tenants, a.To.ServerID); m.to == nil {
		m.to = &Holding{Tenant: a.To}
	}
	m.tables, err = tablesWithTenant(ctx, q)
	return m, err
}

// tablesWithTenant lists the tables whose rows move.
func tablesWithTenant(ctx context.Context, q Across) ([]table, error) {
	columns, err := q.Columns(ctx)
	if err != nil {
		return nil, err
	}
	keys, err := q.Keys(ctx)
	if err != nil {
		return nil, err
	}
	var all []table
	for _, c := range columns {
		if len(all) == 0 || all[len(all)-1].name != c[0] {
			all = append(all, table{name: c[0]})
		}
		t := &all[len(all)-1]
		t.columns = append(t.columns, c[1])
	}
	last := "" // index
	for _, k := range keys {
		t := &all[slices.IndexFunc(all, func(t table) bool { return t.name == k[0] })]
		if k[1] != last {
			last, t.keys = k[1], append(t.keys, nil)
		}
		t.keys[len(t.keys)-1] = append(t.keys[len(t.keys)-1], k[2])
	}
	return slices.DeleteFunc(all, func(t table) bool { return !t.has("tenant") || slices.Contains(Staying, t.name) }), nil
}

// isolated returns since when the data that moves is isolated, if the new tenant's isn't.
func (m *move) isolated() *time.Time {
	if m.to.Isolated != nil {
		return nil
	}
	return m.from.Isolated
}

func (m *move) count(ctx context.Context, rows map[string]int64) error {
	for _, t := range m.tables {
		n, err := m.number(ctx, fmt.Sprintf("SELECT CAST(count(*) AS text) FROM %s WHERE tenant = %d", t.name, m.from.number))
		if err != nil {
			return fmt.Errorf("counting %s: %w", t.name, err)
		}
		if n > 0 {
			rows[t.name] = n
		}
	}
	return nil
}

// number runs a query for one number.
func (m *move) number(ctx context.Context, query string) (int64, error) {
	found, err := m.q.Texts(ctx, query)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(found[0][0], 10, 64)
}

// clashes lists the keys that both tenants use. In keys with a message server, the default one of the first counts as the other's.
func (m *move) clashes(ctx context.Context) ([]Clash, error) {
	var out []Clash
	for _, t := range m.tables {
		for _, key := range t.keys {
			home := slices.Contains(key, messageServer) && t.name != agentsOfServers // of agents, those of both may serve one
			if !home && !slices.Contains(key, "tenant") {
				continue
			}
			rest := slices.DeleteFunc(slices.Clone(key), func(c string) bool { return c == "tenant" || c == messageServer })
			var value, same []string
			for _, c := range rest {
				value = append(value, "CAST(a."+c+" AS text)")
				same = append(same, "a."+c+" = b."+c)
			}
			if home {
				same = append(same, fmt.Sprintf("a.%[1]s = '%[2]s' AND b.%[1]s = '%[3]s'", messageServer, m.from.ServerID, m.to.ServerID))
			}
			found, err := m.q.Texts(ctx, fmt.Sprintf("SELECT %[1]s FROM %[2]s a JOIN %[2]s b ON %[3]s WHERE a.tenant = %[4]d AND b.tenant = %[5]d ORDER BY 1",
				strings.Join(value, " || ' ' || "), t.name, strings.Join(same, " AND "), m.from.number, m.to.number))
			if err != nil {
				return nil, fmt.Errorf("comparing %s: %w", t.name, err)
			}
			if len(found) == 0 {
				continue
			}
			c := Clash{Table: t.name, Columns: rest, Times: len(found)}
			for _, row := range found[:min(len(found), shownClashes)] {
				c.Values = append(c.Values, row[0])
			}
			out = append(out, c)
		}
	}
	return out, nil
}

const (
	messageServer   = "message_server_id"
	messageServers  = "message_servers"
	agentsOfServers = "message_server_agents"
)

func (m *move) run(ctx context.Context, out Adoption) error {
	var err error
	if m.to.number, err = m.To.Number(ctx, m.q); err != nil {
		return err
	}
	if err := m.moveHome(ctx); err != nil {
		return fmt.Errorf("moving the default message server: %w", err)
	}
	for _, t := range m.tables {
		if out.Rows[t.name] == 0 {
			continue
		}
		if err := ctx.Err(); err != nil { // on SQLite no statement is interrupted
			return err
		}
		if _, err := m.q.Exec(ctx, fmt.Sprintf("UPDATE %s SET tenant = %d WHERE tenant = %d", t.name, m.to.number, m.from.number)); err != nil {
			return fmt.Errorf("moving %s: %w", t.name, err)
		}
		if m.Progress != nil {
			m.Progress(t.name, out.Rows[t.name])
		}
	}
	from, to := db.NewSystem(m.q, m.from.number), db.NewSystem(m.q, m.to.number)
	now := dbtype.MillisOf(time.Now())
	if err := to.NoteAdoption(ctx, db.NoteAdoptionParams{ServerID: m.from.ServerID, AdoptedAt: now}); err != nil {
		return err
	}
	if err := from.NoteGiven(ctx); err != nil {
		return err
	}
	if since := out.Isolated; since != nil {
		if _, err := to.NoteIsolation(ctx, new(dbtype.MillisOf(*since))); err != nil {
			return err
		}
	}
	return m.Note(from, to, out.All())
}

// moveHome makes what is on the default message server of the first tenant, whose id is its server id, the other's. Of that server
// itself, name and all, the other's stays if it is there.
func (m *move) moveHome(ctx context.Context) error {
	before, after := m.from.ServerID.String(), m.to.ServerID.String()
	for _, t := range m.tables {
		if t.name != messageServers {
			continue
		}
		values := strings.Join(t.columns, ", ")
		values = strings.Replace(values, "id,", "'"+after+"',", 1) // the first column
		values = strings.Replace(values, "tenant", strconv.FormatInt(m.to.number, 10), 1)
		if _, err := m.q.Exec(ctx, fmt.Sprintf("INSERT INTO %[1]s (%[2]s) SELECT %[3]s FROM %[1]s WHERE id = '%[4]s' AND tenant = %[5]d ON CONFLICT (id) DO NOTHING",
			t.name, strings.Join(t.columns, ", "), values, before, m.from.number)); err != nil {
			return err
		}
	}
	for _, t := range m.tables {
		if !t.has(messageServer) {
			continue
		}
		unless := ""
		if t.name == agentsOfServers { // an agent serves it once
			unless = fmt.Sprintf(" AND NOT EXISTS (SELECT 1 FROM %[1]s o WHERE o.%[2]s = '%[3]s' AND o.agent_id = %[1]s.agent_id)", t.name, messageServer, after)
		}
		if _, err := m.q.Exec(ctx, fmt.Sprintf("UPDATE %[1]s SET %[2]s = '%[3]s' WHERE tenant = %[4]d AND %[2]s = '%[5]s'", t.name, messageServer, after, m.from.number, before)+unless); err != nil {
			return err
		}
		if t.name == agentsOfServers {
			if _, err := m.q.Exec(ctx, fmt.Sprintf("DELETE FROM %s WHERE tenant = %d AND %s = '%s'", t.name, m.from.number, messageServer, before)); err != nil {
				return err
			}
		}
		left, err := m.number(ctx, fmt.Sprintf("SELECT CAST(count(*) AS text) FROM %s WHERE %s = '%s'", t.name, messageServer, before))
		if err != nil {
			return err
		}
		if left > 0 && t.name == "channels" { // deleting the server would delete them
			return fmt.Errorf("%d channels of others are on the message server %s", left, before)
		}
	}
	_, err := m.q.Exec(ctx, fmt.Sprintf("DELETE FROM %s WHERE id = '%s' AND tenant = %d", messageServers, before, m.from.number))
	return err
}

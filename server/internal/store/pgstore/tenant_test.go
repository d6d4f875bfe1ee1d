package pgstore_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/server/internal/pgtest"
	"github.com/elizad/elizad/server/internal/store"
	"github.com/elizad/elizad/server/internal/store/pgstore"
)

// Tenants share a database, through a pooler too, where one connection serves them in turns.
func TestTenants(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	for name, address := range map[string]string{"direct": url, "pooled": pgtest.Pooled(t, url)} {
		t.Run(name, func(t *testing.T) {
			stores := map[string]*pgstore.Store{}
			for _, tenant := range []string{"", name + " east", name + " west"} {
				config := pgstore.Config{URL: address}
				if tenant != "" {
					config.Tenant = store.Tenant{ServerID: uuid.NewSHA1(uuid.Nil, []byte(tenant)), Name: tenant}
				}
				s, err := pgstore.Open(t.Context(), config)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = s.Close() })
				stores[tenant] = s
			}
			for range 3 {
				for _, s := range stores {
					agents(t, s, 2)
				}
			}
			for tenant, s := range stores {
				var found []db.Agent
				err := s.View(t.Context(), store.Scope{}, func(q db.Scoped) (err error) {
					found, err = q.ListAgents(t.Context())
					return err
				})
				if want := 6; err != nil || len(found) != want && !(tenant == "" && len(found) == 2*want) { // the default tenant has those of both subtests
					t.Errorf("%q sees %d agents, %v", tenant, len(found), err)
				}
			}
		})
	}
}

// What connects to the database beside the server sees nothing until it says whose rows it wants.
func TestPolicies(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	agents(t, open(t, url), 3)
	conn := connect(t, url)
	for _, tt := range []struct {
		set  string
		want int
	}{{"RESET elizad.tenant", 0}, {"SET elizad.tenant = 2", 0}, {"SET elizad.tenant = 1", 3}, {"RESET elizad.tenant", 0}} {
		if _, err := conn.Exec(t.Context(), tt.set); err != nil {
			t.Fatal(err)
		}
		var n int
		if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM agents").Scan(&n); err != nil || n != tt.want {
			t.Errorf("after %q: %d agents, %v; want %d", tt.set, n, err, tt.want)
		}
	}
	if _, err := conn.Exec(t.Context(), "SET elizad.tenant = 1"); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "UPDATE agents SET tenant = 2"); err == nil || !strings.Contains(err.Error(), "row-level security") {
		t.Errorf("giving rows to another tenant: %v", err)
	}
}

// A role that the policies don't bind may serve the default tenant, as superusers did before there were others, and no other.
func TestExemptRoleIsRefused(t *testing.T) {
	t.Parallel()
	p := pgtest.NewPrivate(t)
	for role, attribute := range map[string]string{"ordinary": "NOSUPERUSER", "mighty": "SUPERUSER", "exempt": "BYPASSRLS"} {
		for _, command := range []string{"CREATE ROLE " + role + " LOGIN " + attribute, "GRANT elizad TO " + role} {
			if err := p.Exec(t.Context(), command); err != nil {
				t.Fatal(err)
			}
		}
		url := strings.Replace(p.URL(), "user=elizad", "user="+role, 1)
		s, err := pgstore.Open(t.Context(), pgstore.Config{URL: url, Tenant: store.Tenant{ServerID: uuid.New(), Name: "east"}})
		if refused := role != "ordinary"; (err != nil) != refused || refused && !strings.Contains(err.Error(), "ELIZA_SERVER_ID") {
			t.Errorf("as the role %s: %v", role, err)
		}
		if err == nil {
			_ = s.Close()
		}
		if s, err = pgstore.Open(t.Context(), pgstore.Config{URL: url}); err != nil {
			t.Errorf("the default tenant as the role %s: %v", role, err)
			continue
		}
		_ = s.Close()
	}
}

// A table that is added later has a policy, too, or is listed here.
func TestEveryTableHasAPolicy(t *testing.T) {
	t.Parallel()
	rows, err := connect(t, pgtest.URL(t)).Query(t.Context(), `SELECT relname FROM pg_class
		WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND NOT (relrowsecurity AND relforcerowsecurity)
		ORDER BY relname`)
	if err != nil {
		t.Fatal(err)
	}
	open, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"goose_db_version", "message_words", "passage_words", "tenants"}, open); diff != "" {
		t.Errorf("tables without a forced policy (-want +got):\n%s", diff)
	}
}

package chaos_test

import (
	"testing"

	"github.com/elizad/elizad/server/internal/pgtest"
)

// A PostgreSQL server that crashes loses nothing that was acknowledged, and no turn fails because of it.
func TestPostgresCrash(t *testing.T) {
	t.Parallel()
	database := pgtest.NewPrivate(t)
	m := newMachine(t, "POSTGRES_URL="+database.URL())
	s := m.start()
	l := newLoad(m)
	for range *rounds {
		l.more(20)
		database.Crash(t)
		eventually(t, "health names it", func() bool { return m.health().database == "unreachable" })
		database.Start(t)
		eventually(t, "healthy again", func() bool { return m.health().ok })
	}
	l.more(20)
	l.check(t)
	s.alive()
}

// Connections that are terminated and rows that another session locks are transient faults, too.
func TestPostgresUnderAnAdministrator(t *testing.T) {
	t.Parallel()
	database := pgtest.NewPrivate(t)
	m := newMachine(t, "POSTGRES_URL="+database.URL())
	s := m.start()
	l := newLoad(m)
	for range 3 * *rounds {
		l.more(5)
		for _, command := range []string{
			"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'elizad'",
			"ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()",
			"SELECT pg_sleep(0.2)",
			"ALTER SYSTEM RESET default_transaction_read_only", "SELECT pg_reload_conf()",
		} {
			if err := database.Exec(t.Context(), command); err != nil {
				t.Fatal(err)
			}
		}
	}
	l.more(20)
	l.check(t)
	s.alive()
}

package pgstore_test

import (
	"net"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/elizad/elizad/server/internal/pgtest"
	"github.com/elizad/elizad/server/internal/store/pgstore"
)

// Addresses of hosts and object mappers open the database that they name.
func TestAddressesOfOtherPrograms(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	for _, parameters := range []string{
		"schema=public", "pgbouncer=true&connection_limit=1", "supa=base-pooler.x", "sslmode=no-verify", "sslmode=prefer&uselibpqcompat=true",
		"connection_limit=3&pool_timeout=0&connect_timeout=5", "statement_cache_size=0", "channel_binding=prefer", "options=-c%20geqo%3Doff",
		"keepalives=1&keepalives_idle=30&tcp_user_timeout=1000", "encoding=unicode&pool=5&prepared_statements=false", "ApplicationName=x&prepareThreshold=0",
		"schema=made_at_the_first_start", "search_path=public&lock_timeout=5000",
	} {
		s, err := pgstore.Open(t.Context(), pgstore.Config{URL: url + "&" + parameters})
		if err != nil {
			t.Errorf("%s: %v", parameters, err)
			continue
		}
		if err := s.Ping(t.Context()); err != nil {
			t.Errorf("%s: %v", parameters, err)
		}
		_ = s.Close()
	}
}

// A fault that keeps a server from its database is reported once, with what to do about it.
func TestRefusalsSayWhatToDo(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	config, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	unused := closed.Addr().String()
	_ = closed.Close()
	foreign, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = foreign.Close() })
	go func() {
		for {
			conn, err := foreign.Accept()
			if err != nil {
				return
			}
			_ = conn.Close()
		}
	}()
	without := func(right string) (url string) {
		url = pgtest.EmptyURL(t)
		if _, err := connect(t, url).Exec(t.Context(), "REVOKE "+right+" ON SCHEMA public FROM PUBLIC, pg_database_owner"); err != nil {
			t.Fatal(err)
		}
		return url
	}
	for name, tt := range map[string]struct {
		url  string
		want []string
	}{
		"no role": {strings.Replace(url, "user=elizad", "user=Bob%20the%201st&password=hunter2", 1),
			[]string{`role "Bob the 1st" does not exist`, "createuser -h " + config.Host + " -U postgres --pwprompt 'Bob the 1st'", "createdb ", "--owner='Bob the 1st' " + config.Database}},
		"no database":     {strings.Replace(url, "/"+config.Database, "/nowhere", 1), []string{`database "nowhere" does not exist`, "createdb -h " + config.Host + " -U postgres --owner=elizad nowhere"}},
		"no right":        {without("CREATE"), []string{"permission denied for schema public", "'GRANT USAGE, CREATE ON SCHEMA public TO elizad'"}},
		"no right at all": {without("ALL"), []string{"no schema", "'GRANT USAGE, CREATE ON SCHEMA public TO elizad'"}},
		"no parameter":    {url + "&colour=blue", []string{`"colour"`, "Remove colour=… from POSTGRES_URL"}},
		"no listener":     {"postgres://ada:hunter2@" + unused + "/ada", []string{"ada on " + unused + ", as user ada", "no PostgreSQL listens there", "in POSTGRES_URL"}},
		"no socket":       {"postgres://ada:hunter2@%2Fnowhere/ada", []string{"no PostgreSQL listens there"}},
		"no host":         {"postgres://ada:hunter2@nowhere.invalid/ada", []string{`there is no host "nowhere.invalid"`}},
		"no PostgreSQL":   {"postgres://ada:hunter2@" + foreign.Addr().String() + "/ada", []string{"it closed the connection", "sslmode=require"}},
		"no file":         {"postgres://ada:hunter2@" + unused + "/ada?sslmode=verify-full&sslrootcert=/nowhere.pem", []string{"POSTGRES_URL", "/nowhere.pem"}},
		"no address":      {"mysql://ada:hunter2@h/ada", []string{"POSTGRES_URL (--postgres-url) begins with mysql://"}},
	} {
		s, err := pgstore.Open(t.Context(), pgstore.Config{URL: tt.url})
		if err == nil {
			_ = s.Close()
			t.Errorf("%s: opened", name)
			continue
		}
		for _, want := range tt.want {
			if strings.Count(err.Error(), want) != 1 {
				t.Errorf("%s: %q is %d times in: %v", name, want, strings.Count(err.Error(), want), err)
			}
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

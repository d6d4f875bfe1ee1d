package server_test

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/pgtest"
	"github.com/elizad/elizad/server/selftest"
	"github.com/elizad/elizad/server/settings"
)

// TestIsolationMatrix tries every operation of the contract as everybody who could be another, over every way in, as the self test of a
// live server does: see package selftest. Another tenant's server shares the database; on SQLite, where one runs at a time, in turns.
func TestIsolationMatrix(t *testing.T) {
	t.Parallel()
	ear := &eavesdropper{TB: t}
	issuer, tokens := bySecret()
	dir, database := t.TempDir(), ""
	if *engine == "postgres" {
		database = pgtest.URL(t)
	}
	under := func(name string) func() *node {
		return func() *node {
			cfg := testConfig(t)
			cfg.Storage.Dir, cfg.Storage.ServerID = dir, name
			if *engine == "postgres" {
				cfg.Storage.Dir = t.TempDir() // two servers have one database, and each its folder
				databases.Store(cfg.Storage.Dir, database)
			}
			cfg.Security.Tokens, cfg.Security.Isolation, cfg.Security.AuthToken = tokens, true, rightKey
			cfg.Agents.Environment = settings.ReadAgentEnvironment(speech(t, says(mp3Bytes)))
			return startWith(ear, cfg)
		}
	}
	here, there := inTurns(t, under(""), under("branch office"))
	other := uuid.New()
	report, err := selftest.Isolation{
		URL: here, Key: rightKey,
		Other: &selftest.Server{URL: there, Key: rightKey, Alternating: *engine == "sqlite"},
		People: []selftest.Person{
			{Name: "token", Token: issuer.sign(t, other.String(), time.Hour), Entity: other},
			{Name: "liar", Token: issuer.sign(t, other.String(), time.Hour), Entity: other, Claims: uuid.New()},
		},
	}.Run(t.Context())
	if err != nil {
		t.Error(err)
	}
	tried := map[string]int{}
	for _, c := range report.Cases {
		tried[c.Way]++
		tried[c.Caller]++
		if !c.Held {
			t.Errorf("%s as %s: %s: %s: it should be one who %s; %s", c.Way, c.Caller, c.Operation, c.Request, c.Want, c.Found)
		}
	}
	t.Logf("%d cases: %v", len(report.Cases), tried)
	for _, name := range append(report.Callers, selftest.REST, selftest.Stream, selftest.File, selftest.SocketIO, selftest.Plain) {
		if tried[name] == 0 {
			t.Errorf("nothing was tried as %s", name)
		}
	}
	if diff := cmp.Diff([]string{
		"changePassword", "clearServerLogs", "createChatCompletion", "createKey", "createUser", "getGeneratedFile", "login", "logout", "postServerLogs", "refresh", "register",
		"revokeTokens", "stopServer", "updateLocalEnvironment", "updateUser",
	}, untriedIn(report)); diff != "" {
		t.Errorf("not tried (-want +got):\n%s", diff)
	}
	for _, line := range ear.trouble() {
		t.Error(line)
	}
}

func untriedIn(r selftest.Report) (names []string) {
	for _, u := range r.NotTried {
		names = append(names, u.Operation)
	}
	return names
}

// inTurns returns the addresses of two servers. Where two can't run at the same time, each is started when it is asked for something, and
// the other stopped before.
func inTurns(t *testing.T, first, second func() *node) (one, two string) {
	t.Helper()
	if *engine == "postgres" {
		a := first()
		return a.http.URL, second().http.URL
	}
	var (
		mu      sync.Mutex
		running *node
		who     int
		starts  = []func() *node{first, second}
	)
	door := func(i int) string {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			if running == nil || who != i {
				if running != nil {
					running.stop()
				}
				running, who = starts[i](), i
			}
			handler := running.server.Handler()
			mu.Unlock()
			handler.ServeHTTP(w, r)
		}))
		t.Cleanup(func() {
			srv.CloseClientConnections()
			srv.Close()
		})
		return srv.URL
	}
	return door(0), door(1)
}

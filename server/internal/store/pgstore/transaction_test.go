package pgstore_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/pgtest"
	"github.com/elizad/elizad/server/internal/store/pgstore"
)

// agents stores a number of agents.
func agents(t *testing.T, s *pgstore.Store, n int) []uuid.UUID {
	t.Helper()
	ids := make([]uuid.UUID, n)
	err := s.SystemUpdate(t.Context(), func(q db.System) error {
		for i := range ids {
			ids[i] = uuid.New()
			if _, err := q.InsertAgent(t.Context(), db.InsertAgentParams{ID: ids[i], Name: "Ann", Character: dbtype.JSON("{}"), Secrets: dbtype.JSON("{}")}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatalf("storing agents: %v", err)
	}
	return ids
}

func touch(ctx context.Context, q db.System, id uuid.UUID) error {
	_, err := q.SetAgentRunning(ctx, db.SetAgentRunningParams{ID: id, Running: true})
	return err
}

func TestDeadlockIsRunAgain(t *testing.T) {
	t.Parallel()
	s := open(t, pgtest.URL(t))
	ids := agents(t, s, 2)
	var runs atomic.Int64
	var both, group sync.WaitGroup
	both.Add(2)
	for i := range 2 {
		group.Go(func() {
			first := true
			err := s.SystemUpdate(t.Context(), func(q db.System) error {
				runs.Add(1)
				if err := touch(t.Context(), q, ids[i]); err != nil {
					return err
				}
				if first { // each locks one row before it asks for the other
					first = false
					both.Done()
					both.Wait()
				}
				return touch(t.Context(), q, ids[1-i])
			})
			if err != nil {
				t.Errorf("Update: %v", err)
			}
		})
	}
	group.Wait()
	// The one that ran again may overtake the other, and meet it again.
	if got := runs.Load(); got < 3 {
		t.Errorf("the two functions ran %d times, want one of them twice", got)
	}
}

func TestOvertakenTransactionLooksAgain(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	s, other := open(t, url), connect(t, url)
	id := agents(t, s, 1)[0]
	runs := 0
	err := s.SystemUpdate(t.Context(), func(q db.System) error {
		runs++
		if _, err := q.GetAgent(t.Context(), id); err != nil {
			return apierr.Wrap(err, apierr.NotFound, "Agent not found")
		}
		if _, err := other.Exec(t.Context(), "DELETE FROM agents WHERE id = $1", id); err != nil {
			t.Errorf("deleting what it has seen: %v", err)
		}
		_, err := q.EnsureWorld(t.Context(), db.EnsureWorldParams{ID: uuid.New(), AgentID: id, Name: "w"})
		return err
	})
	if runs != 2 || apierr.From(err).Message != "Agent not found" {
		t.Errorf("%d runs, %v", runs, err)
	}
}

func TestRowLockTimesOut(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	s, impatient := open(t, url), open(t, url+"&statement_timeout=50ms")
	id := agents(t, s, 1)[0]
	err := s.SystemUpdate(t.Context(), func(q db.System) error {
		if err := touch(t.Context(), q, id); err != nil {
			return err
		}
		err := impatient.SystemUpdate(t.Context(), func(q db.System) error { return touch(t.Context(), q, id) })
		if !apierr.IsCode(err, apierr.Timeout) {
			t.Errorf("waiting for a locked row: %v, want TIMEOUT", err)
		}
		return nil
	})
	if err != nil {
		t.Errorf("holding the row: %v", err)
	}
}

func TestCallerGivesUpWhileItWaits(t *testing.T) {
	t.Parallel()
	s := open(t, pgtest.URL(t))
	id := agents(t, s, 1)[0]
	err := s.SystemUpdate(t.Context(), func(q db.System) error {
		if err := touch(t.Context(), q, id); err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		err := s.SystemUpdate(ctx, func(q db.System) error { return touch(ctx, q, id) })
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("waiting for a locked row: %v, want the deadline", err)
		}
		return nil
	})
	if err != nil {
		t.Errorf("holding the row: %v", err)
	}
}

func TestCommitIsNotGivenUp(t *testing.T) {
	t.Parallel()
	s := open(t, pgtest.URL(t))
	id := agents(t, s, 1)[0]
	ctx, cancel := context.WithCancel(t.Context())
	err := s.SystemUpdate(ctx, func(q db.System) error {
		_, err := q.DeleteAgent(ctx, id)
		cancel()
		return err
	})
	if err != nil {
		t.Errorf("Update: %v, want the outcome of the commit", err)
	}
	err = s.SystemView(t.Context(), func(q db.System) error {
		_, err := q.GetAgent(t.Context(), id)
		return err
	})
	if !apierr.IsCode(err, apierr.NotFound) {
		t.Errorf("reading what was deleted: %v", err)
	}
}

func TestLostConnections(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	s := open(t, url)
	id := agents(t, s, 1)[0]
	other := connect(t, url)
	err := s.SystemUpdate(t.Context(), func(q db.System) error {
		// PostgreSQL stops in the middle, as its clients see it.
		if _, err := other.Exec(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"); err != nil {
			t.Errorf("ending the connections: %v", err)
		}
		return touch(t.Context(), q, id)
	})
	if !apierr.IsCode(err, apierr.Unavailable) {
		t.Errorf("a transaction that was cut off: %v, want UNAVAILABLE", err)
	}
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("afterwards: %v", err)
	}

	// The driver closes a connection that breaks while it waits for a response, and reports only that.
	err = s.SystemUpdate(t.Context(), func(db.System) error { return fmt.Errorf("committing: %w", pgconn.ErrConnClosed) })
	if !apierr.IsCode(err, apierr.Unavailable) {
		t.Errorf("a connection that broke during a commit: %v, want UNAVAILABLE", err)
	}
}

func TestWhatPostgresCannotStore(t *testing.T) {
	t.Parallel()
	s := open(t, pgtest.URL(t))
	for name, change := range map[string]func(*db.InsertAgentParams){
		"NUL in text":      func(p *db.InsertAgentParams) { p.Name = "a\x00b" },
		"not UTF-8":        func(p *db.InsertAgentParams) { p.Name = "a\xffb" },
		"number too large": func(p *db.InsertAgentParams) { p.Character = dbtype.JSON(`{"a":1e999999}`) },
		"too precise":      func(p *db.InsertAgentParams) { p.Character = dbtype.JSON(`{"a":1e-999999}`) },
		"NUL in JSON text": func(p *db.InsertAgentParams) { p.Character = dbtype.JSON(`{"a":"\u0000"}`) },
	} {
		agent := db.InsertAgentParams{ID: uuid.New(), Name: "Ann", Character: dbtype.JSON("{}"), Secrets: dbtype.JSON("{}")}
		change(&agent)
		err := s.SystemUpdate(t.Context(), func(q db.System) error {
			_, err := q.InsertAgent(t.Context(), agent)
			return err
		})
		if !apierr.IsCode(err, apierr.ValidationFailed) {
			t.Errorf("%s: %v, want VALIDATION_ERROR", name, err)
		}
	}
}

func TestDefaultsYieldToTheURL(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		url, timeout, name string
		conns              int32
	}{
		{"postgres://localhost/x", "30s", "elizad", 16},
		{"postgres://localhost/x?statement_timeout=5s&application_name=blue&pool_max_conns=3", "5s", "blue", 3},
		{"host=localhost dbname=x statement_timeout=5s", "5s", "elizad", 16},
	} {
		_, config, err := pgstore.Parse(tt.url)
		if err != nil {
			t.Errorf("%s: %v", tt.url, err)
			continue
		}
		got := config.ConnConfig.RuntimeParams
		if got["statement_timeout"] != tt.timeout || got["application_name"] != tt.name || config.MaxConns != tt.conns {
			t.Errorf("%s: %v with %d connections", tt.url, got, config.MaxConns)
		}
		if got["idle_in_transaction_session_timeout"] == "" {
			t.Errorf("%s: a node that hangs would keep its locks", tt.url)
		}
	}
}

func TestOpenFails(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{
		"no URL":    "postgres://user:hunter2@[",
		"no server": "postgres://user:hunter2@localhost:1/x?connect_timeout=5",
	} {
		s, err := pgstore.Open(t.Context(), pgstore.Config{URL: url})
		if err == nil {
			s.Close()
			t.Fatalf("%s: opened", name)
		}
		if text := err.Error(); errors.Is(err, context.DeadlineExceeded) || strings.Contains(text, "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

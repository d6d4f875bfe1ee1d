package pgstore_test

import (
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/elizad/elizad/server/internal/pgtest"
	"github.com/elizad/elizad/server/internal/store"
	"github.com/elizad/elizad/server/internal/store/pgstore"
	"github.com/elizad/elizad/server/internal/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open returns a store that is closed when the test ends.
func open(t testing.TB, url string) *pgstore.Store {
	t.Helper()
	s, err := pgstore.Open(t.Context(), pgstore.Config{URL: url})
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

func TestConformance(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) store.System { return open(t, pgtest.URL(t)) })
}

// A pooler in between is noticed, whether or not the address names it.
func TestConformanceThroughPooler(t *testing.T) {
	t.Parallel()
	for _, parameters := range []string{"", "&pgbouncer=true&connection_limit=1"} {
		t.Run(parameters, func(t *testing.T) {
			t.Parallel()
			storetest.Run(t, func(t *testing.T) store.System { return open(t, pgtest.Pooled(t, pgtest.URL(t))+parameters) })
		})
	}
}

// The first start through a pooler makes the schema, even when many start at once.
func TestMigrationThroughPooler(t *testing.T) {
	t.Parallel()
	url := pgtest.Pooled(t, pgtest.EmptyURL(t))
	var starting sync.WaitGroup
	for range 3 {
		starting.Go(func() {
			s, err := pgstore.Open(t.Context(), pgstore.Config{URL: url})
			if err != nil {
				t.Error(err)
				return
			}
			_ = s.Close()
		})
	}
	starting.Wait()
	open(t, url)
}

// A pooler that refuses session settings gets none, unless the address sets them.
func TestStrictPooler(t *testing.T) {
	t.Parallel()
	url := pgtest.Pooled(t, pgtest.URL(t), "statement_timeout", "application_name", "idle_in_transaction_session_timeout")
	if err := open(t, url).Ping(t.Context()); err != nil {
		t.Error(err)
	}
	s, err := pgstore.Open(t.Context(), pgstore.Config{URL: url + "&statement_timeout=5s"})
	if err == nil {
		_ = s.Close()
		t.Fatal("opened, without the parameter")
	}
	if text := err.Error(); !strings.Contains(text, "remove it") || !strings.Contains(text, "'ALTER ROLE elizad SET statement_timeout = …'") {
		t.Error(err)
	}
}

package pgstore_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/server/internal/pgtest"
	"github.com/elizad/elizad/server/internal/store"
	"github.com/elizad/elizad/server/internal/store/pgstore"
)

// However a transaction over all tenants ends, nothing of it is left but what was committed, and the policies hold again.
func TestAcrossIsBrokenOff(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	agents(t, open(t, url), 3)
	s := open(t, url)
	watcher := connect(t, url)
	count := func(setting string) (n int) {
		t.Helper()
		if _, err := watcher.Exec(t.Context(), setting); err != nil {
			t.Fatal(err)
		}
		if err := watcher.QueryRow(t.Context(), "SELECT count(*) FROM agents").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	moved := errors.New("all has moved")
	a := store.Adopt{To: store.Tenant{ServerID: uuid.New(), Name: "east"}, Alone: true}
	for name, end := range map[string]func(ctx context.Context, stop context.CancelFunc) error{
		"an error": func(context.Context, context.CancelFunc) error { return moved },
		"a signal": func(ctx context.Context, stop context.CancelFunc) error { stop(); return ctx.Err() },
		"the server": func(ctx context.Context, _ context.CancelFunc) error {
			_, err := watcher.Exec(ctx, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
			return err
		},
	} {
		ctx, stop := context.WithCancel(t.Context())
		a.Note = func(_, _ db.System, rows int64) error {
			if rows == 0 {
				t.Errorf("%s: nothing was moved before", name)
			}
			return end(ctx, stop)
		}
		if _, err := s.Adopt(ctx, a); err == nil {
			t.Errorf("%s: no error", name)
		}
		stop()
		if none, all := count("RESET elizad.tenant"), count("SET elizad.tenant = 1"); none != 0 || all != 3 {
			t.Errorf("%s: afterwards a stranger sees %d agents, and the tenant %d", name, none, all)
		}
	}
	a.Note = func(_, _ db.System, _ int64) error { return nil }
	if _, err := s.Adopt(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	theirTenant := "SELECT set_config('elizad.tenant', (SELECT id::text FROM tenants WHERE name = 'east'), false)"
	if none, left, theirs := count("RESET elizad.tenant"), count("SET elizad.tenant = 1"), count(theirTenant); none != 0 || left != 0 || theirs != 3 {
		t.Errorf("in the end a stranger sees %d agents, the first tenant %d, the other %d", none, left, theirs)
	}
}

// Who is connected to the database may be a server that holds what is moved. A role that the policies don't bind is refused as at the start.
func TestAcrossBesideOthers(t *testing.T) {
	t.Parallel()
	p := pgtest.NewPrivate(t)
	s := open(t, p.URL())
	a := store.Adopt{To: store.Tenant{ServerID: uuid.New(), Name: "east"}, Note: func(_, _ db.System, _ int64) error { return nil }}
	other := open(t, p.URL())
	if _, err := s.Adopt(t.Context(), a); !errors.Is(err, store.ErrConnected) || !strings.Contains(err.Error(), "elizad") {
		t.Errorf("beside another: %v", err)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Adopt(t.Context(), a); err != nil {
		t.Errorf("alone: %v", err)
	}
	for _, command := range []string{"CREATE ROLE mighty LOGIN SUPERUSER", "GRANT elizad TO mighty"} {
		if err := p.Exec(t.Context(), command); err != nil {
			t.Fatal(err)
		}
	}
	mighty, err := pgstore.Open(t.Context(), pgstore.Config{URL: strings.Replace(p.URL(), "user=elizad", "user=mighty", 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = mighty.Close() }()
	a.Alone = true
	if _, err := mighty.Adopt(t.Context(), a); err == nil || !strings.Contains(err.Error(), "superuser") {
		t.Errorf("as a superuser: %v", err)
	}
}

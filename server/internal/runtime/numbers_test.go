package runtime_test

import (
	"context"
	"testing"
	"time"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/server/internal/runtime"
	"github.com/elizad/elizad/server/internal/store"
	"github.com/elizad/elizad/server/internal/store/sqlitestore"
	"github.com/elizad/elizad/server/internal/store/storetest"
)

// The number of agents is up to date for this process, and a second old at most for others; it is not counted for each caller.
func TestNumbersOfAgents(t *testing.T) {
	t.Parallel()
	trace := &storetest.Trace{}
	st, err := sqlitestore.Open(t.Context(), sqlitestore.Config{Dir: t.TempDir(), Trace: trace.Add})
	if err != nil {
		t.Fatal(err)
	}
	start, later := time.Now(), time.Duration(0)
	b := setupOn(t, st, builtin(t), func(c *runtime.Config) { c.Now = func() time.Time { return start.Add(later) } })
	want := func(when string, total, running int) {
		t.Helper()
		if n, err := b.Agents().Count(t.Context(), b.who); err != nil || n != (runtime.Numbers{Total: total, Running: running}) {
			t.Errorf("%s: %+v, %v", when, n, err)
		}
	}
	want("at first", 0, 0)
	a, _, err := b.create(t, `{"name":"Ada","bio":"x"}`)
	if err != nil {
		t.Fatal(err)
	}
	want("made", 1, 0)
	if _, err := b.Agents().Start(t.Context(), b.who, a.ID); err != nil {
		t.Fatal(err)
	}
	want("started", 1, 1)
	trace.Reset()
	want("still", 1, 1)
	if n := trace.Count("CountAgents") + trace.Count("CountRunningAgents"); n != 0 {
		t.Errorf("counted %d times though nothing had changed", n)
	}
	other, err := runtime.New(b.config)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Agents().Stop(t.Context(), b.who, a.ID); err != nil {
		t.Fatal(err)
	}
	later = time.Second
	want("stopped by another process, a second later", 1, 0)
	if err := b.Agents().Delete(t.Context(), b.who, a.ID); err != nil {
		t.Fatal(err)
	}
	want("removed", 0, 0)
}

// Numbers that were counted before a change don't outlive it.
func TestNumbersOfAgentsThatChangeMeanwhile(t *testing.T) {
	t.Parallel()
	st, err := sqlitestore.Open(t.Context(), sqlitestore.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	slow := &interrupted{System: st}
	b := setupOn(t, slow, builtin(t))
	slow.meanwhile = func() {
		if _, _, err := b.create(t, `{"name":"Ada","bio":"x"}`); err != nil {
			t.Error(err)
		}
	}
	for _, want := range []int{0, 1} { // before the change, and after it
		if n, err := b.Agents().Count(t.Context(), b.who); err != nil || n.Total != want {
			t.Errorf("%+v, %v; want %d in all", n, err, want)
		}
	}
}

// interrupted is a store in which something happens after a read, once.
type interrupted struct {
	store.System
	meanwhile func()
}

func (s *interrupted) View(ctx context.Context, scope store.Scope, fn func(q db.Scoped) error) error {
	err := s.System.View(ctx, scope, fn)
	if change := s.meanwhile; change != nil {
		s.meanwhile = nil
		change()
	}
	return err
}

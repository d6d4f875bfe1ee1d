package storetest

import (
	"context"
	"errors"
	"runtime"
	"testing"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/server/apierr"
)

func testTransactions(t *testing.T, setup func(t *testing.T) *fixture) {
	// absent checks that nothing of an agent was stored, and that the store still works.
	absent := func(t *testing.T, f *fixture, id uuid.UUID) {
		t.Helper()
		if err := failing(t, f, db.System.GetAgent, id); !apierr.IsCode(err, apierr.NotFound) {
			t.Errorf("reading what was rolled back: %v, want NOT_FOUND", err)
		}
		f.agent(t, "still works")
	}

	t.Run("sees its own changes, others see them after it", func(t *testing.T) {
		f := setup(t)
		agent := newAgent("Ann")
		f.update(t, func(ctx context.Context, q db.System) error {
			if _, err := q.InsertAgent(ctx, agent); err != nil {
				return err
			}
			// Looking in from outside is what callers must not do here; nothing else shows what others see.
			if count := viewed(t, f, countAgents, struct{}{}); count != 0 {
				t.Errorf("another sees %d agents before the commit, want 0", count)
			}
			_, err := q.GetAgent(ctx, agent.ID)
			return err
		})
		if count := viewed(t, f, countAgents, struct{}{}); count != 1 {
			t.Errorf("another sees %d agents after the commit, want 1", count)
		}
	})

	t.Run("rolled back by an error", func(t *testing.T) {
		f := setup(t)
		agent, cause := newAgent("Ann"), errors.New("no")
		err := f.SystemUpdate(t.Context(), func(q db.System) error {
			if _, err := q.InsertAgent(t.Context(), agent); err != nil {
				return err
			}
			return cause
		})
		if !errors.Is(err, cause) {
			t.Errorf("Update: %v, want the function's error", err)
		}
		absent(t, f, agent.ID)
	})

	t.Run("rolled back by a failed statement, even if that is ignored", func(t *testing.T) {
		f := setup(t)
		agent := newAgent("Ann")
		err := f.SystemUpdate(t.Context(), func(q db.System) error {
			if _, err := q.InsertAgent(t.Context(), agent); err != nil {
				return err
			}
			_, _ = q.InsertAgent(t.Context(), agent) // a duplicate
			return nil
		})
		if err == nil {
			t.Error("Update succeeded, want an error")
		}
		absent(t, f, agent.ID)
	})

	t.Run("not rolled back by a row that isn't there", func(t *testing.T) {
		f := setup(t)
		agent := newAgent("Ann")
		f.update(t, func(ctx context.Context, q db.System) error {
			if _, err := q.GetAgent(ctx, agent.ID); err == nil {
				t.Error("found an agent that isn't there")
			}
			_, err := q.InsertAgent(ctx, agent)
			return err
		})
		viewed(t, f, db.System.GetAgent, agent.ID)
	})

	t.Run("rolled back by a panic, which goes on", func(t *testing.T) {
		f := setup(t)
		agent, cause := newAgent("Ann"), errors.New("bug")
		func() {
			defer func() {
				if value, ok := recover().(error); !ok || !errors.Is(value, cause) {
					t.Errorf("recovered %v, want the function's panic", value)
				}
			}()
			_ = f.SystemUpdate(t.Context(), func(q db.System) error {
				if _, err := q.InsertAgent(t.Context(), agent); err != nil {
					return err
				}
				panic(cause)
			})
			t.Error("Update returned after a panic")
		}()
		absent(t, f, agent.ID)
	})

	t.Run("survives the end of a goroutine", func(t *testing.T) {
		f := setup(t)
		agent := newAgent("Ann")
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = f.SystemUpdate(t.Context(), func(q db.System) error {
				if _, err := q.InsertAgent(t.Context(), agent); err != nil {
					return err
				}
				runtime.Goexit()
				return nil
			})
		}()
		<-ended
		absent(t, f, agent.ID)
	})

	t.Run("its queries end with it", func(t *testing.T) {
		f := setup(t)
		var kept db.System
		f.update(t, func(_ context.Context, q db.System) error {
			kept = q
			return nil
		})
		agent := newAgent("Ann")
		if _, err := kept.InsertAgent(t.Context(), agent); err == nil {
			t.Error("a query ran after its transaction")
		}
		absent(t, f, agent.ID)
	})

	t.Run("a view cannot write", func(t *testing.T) {
		f := setup(t)
		agent := newAgent("Ann")
		err := f.SystemView(t.Context(), func(q db.System) error {
			_, err := q.InsertAgent(t.Context(), agent)
			return err
		})
		if err == nil {
			t.Error("a view wrote")
		}
		err = f.SystemView(t.Context(), func(q db.System) error {
			_, err := q.DeleteAgent(t.Context(), agent.ID)
			return err
		})
		if err == nil {
			t.Error("a view deleted")
		}
		absent(t, f, agent.ID)
	})

	t.Run("not begun when the context has ended", func(t *testing.T) {
		f := setup(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		never := func(db.System) error {
			t.Error("the function ran")
			return nil
		}
		for name, err := range map[string]error{
			"Update": f.SystemUpdate(ctx, never),
			"View":   f.SystemView(ctx, never),
		} {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v, want it cancelled", name, err)
			}
		}
	})

	t.Run("refused after the end", func(t *testing.T) {
		f := setup(t)
		for range 2 {
			if err := f.Close(); err != nil {
				t.Fatalf("Close: %v", err)
			}
		}
		never := func(db.System) error {
			t.Error("the function ran")
			return nil
		}
		for name, err := range map[string]error{
			"Update": f.SystemUpdate(t.Context(), never),
			"View":   f.SystemView(t.Context(), never),
			"Ping":   f.Ping(t.Context()),
		} {
			if !apierr.IsCode(err, apierr.Unavailable) {
				t.Errorf("%s: %v, want UNAVAILABLE", name, err)
			}
		}
	})
}

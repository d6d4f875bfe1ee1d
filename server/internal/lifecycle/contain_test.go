package lifecycle_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/elizad/elizad/server/internal/lifecycle"
)

func TestContain(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	log := slog.New(slog.NewTextHandler(&text, nil))
	var work sync.WaitGroup
	work.Go(func() {
		defer lifecycle.Contain(log, "a turn")
		panic("out of luck")
	})
	work.Wait()
	for _, want := range []string{"panic in a turn", "out of luck", "contain_test.go"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%q is missing in %s", want, text.String())
		}
	}
}

func TestPersist(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls []time.Time
		lifecycle.Persist(t.Context(), slog.New(slog.DiscardHandler), "a loop", func() {
			if calls = append(calls, time.Now()); len(calls) < 3 {
				panic("again")
			}
		})
		if len(calls) != 3 || calls[2].Sub(calls[0]) < 2*time.Second {
			t.Errorf("called at %v, want three times with pauses", calls)
		}
		ctx, cancel := context.WithCancel(t.Context())
		lifecycle.Persist(ctx, slog.New(slog.DiscardHandler), "a loop", func() {
			cancel()
			panic("for ever")
		})
	})
}

func TestAwait(t *testing.T) {
	t.Parallel()
	if err := lifecycle.Await(t.Context(), func() {}); err != nil {
		t.Errorf("Await = %v", err)
	}
	if err := lifecycle.Await(t.Context(), func() { panic("out of luck") }); err == nil || !strings.Contains(err.Error(), "out of luck") {
		t.Errorf("Await = %v", err)
	}
	cause, release := errors.New("no more time"), make(chan struct{})
	defer close(release)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if err := lifecycle.Await(ctx, func() { <-release }); !errors.Is(err, cause) {
		t.Errorf("Await = %v, want the cause of the context's end", err)
	}
}

package idempotency_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/httpx"
	"github.com/elizad/elizad/server/internal/idempotency"
	"github.com/elizad/elizad/server/internal/store/sqlitestore"
)

func TestLifeOfAKey(t *testing.T) {
	t.Parallel()
	st, err := sqlitestore.Open(t.Context(), sqlitestore.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	clock := time.UnixMilli(1_800_000_000_000)
	keys := idempotency.New(st, func() time.Time { return clock })
	ctx := auth.NewContext(t.Context(), auth.Entity(uuid.New()))
	claim := func(fingerprint string) (httpx.Claim, *httpx.Answer) {
		t.Helper()
		c, before, err := keys.Claim(ctx, "k", fingerprint)
		if err != nil {
			t.Fatal(err)
		}
		return c, before
	}
	refused := func(what, fingerprint string) {
		t.Helper()
		if _, _, err := keys.Claim(ctx, "k", fingerprint); !apierr.IsCode(err, apierr.Conflict) {
			t.Errorf("%s: %v", what, err)
		}
	}

	first, _ := claim("a")
	refused("while the first is at work", "a")
	if err := first.Release(ctx); err != nil {
		t.Fatal(err)
	}
	slow, _ := claim("a")
	clock = clock.Add(time.Hour) // nobody works as long
	second, before := claim("a")
	if second == nil || before != nil {
		t.Fatalf("an abandoned key is not free: %v", before)
	}
	want := httpx.Answer{Status: 201, Header: map[string]string{"Content-Type": "application/json"}, Body: []byte(`{"n":1}`)}
	if err := second.Keep(ctx, want); err != nil {
		t.Fatal(err)
	}
	if err := slow.Keep(ctx, httpx.Answer{Status: 500}); err != nil { // late, and of no consequence
		t.Fatal(err)
	}
	if _, got := claim("a"); cmp.Diff(&want, got) != "" {
		t.Errorf("kept %+v", got)
	}
	refused("for another request", "b")
	other, before, err := keys.Claim(auth.NewContext(ctx, auth.Entity(uuid.New())), "k", "b")
	if err != nil || before != nil {
		t.Fatalf("another caller: %v, %v", before, err)
	}
	if err := other.Release(ctx); err != nil {
		t.Fatal(err)
	}
	clock = clock.Add(25 * time.Hour)
	fresh, before := claim("b")
	if fresh == nil || before != nil {
		t.Fatalf("after a day: %v", before)
	}
	if err := fresh.Release(ctx); err != nil {
		t.Fatal(err)
	}
}

func TestRequestAtWorkKeepsItsKey(t *testing.T) {
	t.Parallel()
	st, err := sqlitestore.Open(t.Context(), sqlitestore.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	var clock atomic.Int64
	read := make(chan struct{})
	keys := idempotency.New(st, func() time.Time {
		select {
		case read <- struct{}{}:
		default:
		}
		return time.UnixMilli(clock.Load())
	})
	keys.RenewEvery(time.Millisecond)
	first, _, err := keys.Claim(t.Context(), "k", "f")
	if err != nil {
		t.Fatal(err)
	}
	clock.Store(time.Hour.Milliseconds())
	for range 3 { // of which the second begins after the hour, and the third after the second is stored
		<-read
	}
	if _, _, err := keys.Claim(t.Context(), "k", "f"); !errors.Is(err, httpx.ErrAtWork) {
		t.Errorf("the key of a request at work was given away: %v", err)
	}
	if err := first.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	last, _, err := keys.Claim(t.Context(), "k", "f")
	if err != nil {
		t.Fatal(err)
	}
	if err := last.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestRecover(t *testing.T) {
	t.Parallel()
	st, err := sqlitestore.Open(t.Context(), sqlitestore.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	keys := idempotency.New(st, time.Now)
	lost, _, err := keys.Claim(t.Context(), "k", "f")
	if err != nil {
		t.Fatal(err)
	}
	if err := keys.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	c, _, err := keys.Claim(t.Context(), "k", "f")
	if err != nil || c == nil {
		t.Fatalf("the claim of a process that is gone stands: %v", err)
	}
	for _, open := range []httpx.Claim{lost, c} {
		if err := open.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

package idempotency_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/httpx"
	"github.com/elizad/elizad/server/internal/idempotency"
	"github.com/elizad/elizad/server/internal/store"
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
	release(t, other)
	clock = clock.Add(25 * time.Hour)
	fresh, before := claim("b")
	if fresh == nil || before != nil {
		t.Fatalf("after a day: %v", before)
	}
	release(t, fresh)
}

func release(t *testing.T, claims ...httpx.Claim) {
	t.Helper()
	for _, c := range claims {
		if err := c.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
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
	release(t, first)
	last, _, err := keys.Claim(t.Context(), "k", "f")
	if err != nil {
		t.Fatal(err)
	}
	release(t, last)
}

// A key that another node gives up at the moment when it is found taken is free.
func TestKeyGivenUpMeanwhile(t *testing.T) {
	t.Parallel()
	st, err := sqlitestore.Open(t.Context(), sqlitestore.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	lost, _, err := idempotency.New(st, time.Now).Claim(t.Context(), "k", "f")
	if err != nil {
		t.Fatal(err)
	}
	c, before, err := idempotency.New(shared{st}, time.Now).Claim(t.Context(), "k", "f")
	if err != nil || c == nil || before != nil {
		t.Fatalf("the key isn't free: %v, %v", before, err)
	}
	release(t, lost, c)
}

// shared is a store on which another node gives up its claims whenever somebody looks at one.
type shared struct{ store.Store }

func (s shared) Update(ctx context.Context, scope store.Scope, fn func(q db.Querier) error) error {
	return s.Store.Update(ctx, scope, func(q db.Querier) error { return fn(otherNode{q}) })
}

type otherNode struct{ db.Querier }

func (o otherNode) GetIdempotencyKey(ctx context.Context, key db.GetIdempotencyKeyParams) (db.IdempotencyKey, error) {
	if _, err := o.DeleteOpenIdempotencyKeys(ctx); err != nil {
		return db.IdempotencyKey{}, err
	}
	return o.Querier.GetIdempotencyKey(ctx, key)
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
	release(t, lost, c)
}

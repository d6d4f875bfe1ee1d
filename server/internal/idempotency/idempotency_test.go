package idempotency_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/httpx"
	"github.com/elizad/elizad/server/internal/idempotency"
	"github.com/elizad/elizad/server/internal/pgtest"
	"github.com/elizad/elizad/server/internal/store"
	"github.com/elizad/elizad/server/internal/store/pgstore"
	"github.com/elizad/elizad/server/internal/store/sqlitestore"
)

func newKeys(st store.System, now func() time.Time) *idempotency.Keys {
	return idempotency.New(idempotency.Config{Store: st, Logger: slog.New(slog.DiscardHandler), Now: now, Owner: uuid.New()})
}

func TestKeyLifecycle(t *testing.T) {
	t.Parallel()
	st, err := sqlitestore.Open(t.Context(), sqlitestore.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	clock := time.UnixMilli(1_800_000_000_000)
	keys := newKeys(st, func() time.Time { return clock })
	ctx := auth.NewContext(t.Context(), auth.Claimed(uuid.New()))
	claim := func(fingerprint string) (httpx.Claim, *httpx.Answer) {
		t.Helper()
		c, before, err := keys.Claim(ctx, "192.0.2.1", "k", fingerprint)
		if err != nil {
			t.Fatal(err)
		}
		return c, before
	}
	refused := func(what, fingerprint string) {
		t.Helper()
		if _, _, err := keys.Claim(ctx, "192.0.2.1", "k", fingerprint); !apierr.IsCode(err, apierr.Conflict) {
			t.Errorf("%s: %v", what, err)
		}
	}

	first, _ := claim("a")
	refused("while the first is at work", "a")
	if err := first.Release(ctx); err != nil {
		t.Fatal(err)
	}
	slow, _ := claim("a")
	clock = clock.Add(time.Hour) // longer than any request works
	second, before := claim("a")
	if second == nil || before != nil {
		t.Fatalf("an abandoned key is not free: %v", before)
	}
	want := httpx.Answer{Status: 201, Header: map[string]string{"Content-Type": "application/json"}, Body: []byte(`{"n":1}`)}
	if err := second.Keep(ctx, want); err != nil {
		t.Fatal(err)
	}
	if err := slow.Keep(ctx, httpx.Answer{Status: 500}); err != nil { // late, and without effect
		t.Fatal(err)
	}
	if _, got := claim("a"); cmp.Diff(&want, got) != "" {
		t.Errorf("kept %+v", got)
	}
	refused("for another request", "b")
	other, before, err := keys.Claim(auth.NewContext(ctx, auth.Claimed(uuid.New())), "192.0.2.1", "k", "b")
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

func TestRunningRequestKeepsItsKey(t *testing.T) {
	t.Parallel()
	st, err := sqlitestore.Open(t.Context(), sqlitestore.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	var clock atomic.Int64
	read := make(chan struct{})
	keys := newKeys(st, func() time.Time {
		select {
		case read <- struct{}{}:
		default:
		}
		return time.UnixMilli(clock.Load())
	})
	keys.RenewEvery(time.Millisecond)
	first, _, err := keys.Claim(t.Context(), "192.0.2.1", "k", "f")
	if err != nil {
		t.Fatal(err)
	}
	clock.Store(time.Hour.Milliseconds())
	for range 3 { // of which the second begins after the hour, and the third after the second is stored
		<-read
	}
	if _, _, err := keys.Claim(t.Context(), "192.0.2.1", "k", "f"); !errors.Is(err, httpx.ErrAtWork) {
		t.Errorf("the key of a request at work was given away: %v", err)
	}
	release(t, first)
	last, _, err := keys.Claim(t.Context(), "192.0.2.1", "k", "f")
	if err != nil {
		t.Fatal(err)
	}
	release(t, last)
}

// A claim that the database stores after the server that made it was killed and has returned belongs to no process.
func TestClaimThatIsStoredLate(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	open := func() store.System {
		t.Helper()
		st, err := pgstore.Open(t.Context(), pgstore.Config{URL: url})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = st.Close() })
		return st
	}
	before, now := open(), open()
	owner, caller := uuid.New(), uuid.New()
	keys := idempotency.New(idempotency.Config{Store: now, Logger: slog.New(slog.DiscardHandler), Now: time.Now, Owner: owner})
	err := before.SystemUpdate(t.Context(), func(q db.System) error {
		if _, err := q.InsertIdempotencyKey(t.Context(), db.InsertIdempotencyKeyParams{
			EntityID: caller, IdempotencyKey: "k", Fingerprint: "f", Claim: uuid.New(), Header: dbtype.JSON(`{}`), Body: []byte{},
			CreatedAt: dbtype.MillisOf(time.Now()), Owner: owner,
		}); err != nil {
			return err
		}
		return keys.Recover(t.Context(), true)
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx := auth.NewContext(t.Context(), auth.Claimed(caller))
	claim, _, err := keys.Claim(ctx, "192.0.2.1", "k", "f")
	if err != nil {
		t.Fatalf("its key is not free: %v", err)
	}
	if _, _, err := keys.Claim(ctx, "192.0.2.1", "k", "f"); !errors.Is(err, httpx.ErrAtWork) {
		t.Errorf("a claim of this life: %v", err)
	}
	release(t, claim)
}

// A key that another node gives up at the moment when it is found taken is free.
func TestKeyGivenUpMeanwhile(t *testing.T) {
	t.Parallel()
	st, err := sqlitestore.Open(t.Context(), sqlitestore.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	lost, _, err := newKeys(st, time.Now).Claim(t.Context(), "192.0.2.1", "k", "f")
	if err != nil {
		t.Fatal(err)
	}
	c, before, err := newKeys(shared{st}, time.Now).Claim(t.Context(), "192.0.2.1", "k", "f")
	if err != nil || c == nil || before != nil {
		t.Fatalf("the key isn't free: %v, %v", before, err)
	}
	release(t, lost, c)
}

// shared is a store on which another node gives up its claims whenever one is read.
type shared struct{ store.System }

func (s shared) Update(ctx context.Context, _ store.Scope, fn func(q db.Scoped) error) error {
	return s.SystemUpdate(ctx, func(q db.System) error { return fn(otherNode{q}) })
}

type otherNode struct{ db.System }

func (o otherNode) GetIdempotencyKey(ctx context.Context, key db.GetIdempotencyKeyParams) (db.IdempotencyKey, error) {
	if _, err := o.DeleteOpenIdempotencyKeys(ctx); err != nil {
		return db.IdempotencyKey{}, err
	}
	return o.System.GetIdempotencyKey(ctx, key)
}

func TestRecover(t *testing.T) {
	t.Parallel()
	st, err := sqlitestore.Open(t.Context(), sqlitestore.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	keys := newKeys(st, time.Now)
	lost, _, err := keys.Claim(t.Context(), "192.0.2.1", "k", "f")
	if err != nil {
		t.Fatal(err)
	}
	if err := keys.Recover(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	c, _, err := keys.Claim(t.Context(), "192.0.2.1", "k", "f")
	if err != nil || c == nil {
		t.Fatalf("the claim of a process that is gone is still held: %v", err)
	}
	release(t, lost, c)
}

// On a database that others use, too, an instance that returns gives up what it left open, and nothing else.
func TestRecoverBesideOthers(t *testing.T) {
	t.Parallel()
	st, err := pgstore.Open(t.Context(), pgstore.Config{URL: pgtest.URL(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	node := func(owner uuid.UUID) *idempotency.Keys {
		return idempotency.New(idempotency.Config{Store: st, Logger: slog.New(slog.DiscardHandler), Now: time.Now, Owner: owner})
	}
	killed, alive := uuid.New(), node(uuid.New())
	lost, _, err := node(killed).Claim(t.Context(), "192.0.2.1", "lost", "f")
	if err != nil {
		t.Fatal(err)
	}
	held, _, err := alive.Claim(t.Context(), "192.0.2.1", "held", "f")
	if err != nil {
		t.Fatal(err)
	}
	again := node(killed)
	for _, returned := range []bool{false, true} { // first beside a duplicate that runs under the id
		if err := again.Recover(t.Context(), returned); err != nil {
			t.Fatal(err)
		}
		c, _, err := again.Claim(t.Context(), "192.0.2.1", "lost", "f")
		if (err == nil) != returned {
			t.Errorf("returned %v: %v", returned, err)
		}
		if c != nil {
			release(t, c)
		}
	}
	if _, _, err := again.Claim(t.Context(), "192.0.2.1", "held", "f"); !errors.Is(err, httpx.ErrAtWork) {
		t.Errorf("the claim of another that is at work was given away: %v", err)
	}
	release(t, lost, held)
}

func TestAnonymousCallersHaveSeparateKeys(t *testing.T) {
	t.Parallel()
	st, err := sqlitestore.Open(t.Context(), sqlitestore.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	keys := newKeys(st, time.Now)
	for i, network := range []string{"192.0.2.1", "192.0.2.2", "2001:db8::/64"} {
		c, before, err := keys.Claim(t.Context(), network, "k", "f"+network)
		if err != nil || before != nil {
			t.Fatalf("%s: %v, %v", network, before, err)
		}
		if err := c.Keep(t.Context(), httpx.Answer{Status: 200 + i}); err != nil {
			t.Fatal(err)
		}
		if _, before, err := keys.Claim(t.Context(), network, "k", "f"+network); err != nil || before == nil || before.Status != 200+i {
			t.Errorf("%s again: %+v, %v", network, before, err)
		}
	}
}

func TestOldAnswersMakeRoom(t *testing.T) {
	t.Parallel()
	st, err := sqlitestore.Open(t.Context(), sqlitestore.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	clock := time.UnixMilli(1_800_000_000_000)
	keys := idempotency.New(idempotency.Config{
		Store: st, Logger: slog.New(slog.DiscardHandler), Now: func() time.Time { clock = clock.Add(time.Second); return clock },
		Owner: uuid.New(), PerCaller: 1 << 20, InAll: 3 << 20,
	})
	keep := func(network, key string) {
		t.Helper()
		c, _, err := keys.Claim(t.Context(), network, key, "f")
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Keep(t.Context(), httpx.Answer{Status: 201, Body: make([]byte, 60<<10)}); err != nil {
			t.Fatal(err)
		}
	}
	kept := func(network, key string) bool {
		t.Helper()
		c, before, err := keys.Claim(t.Context(), network, key, "f")
		if err != nil {
			t.Fatal(err)
		}
		if c != nil {
			release(t, c)
		}
		return before != nil
	}
	keep("quiet", "mine")
	for i := range 100 { // 6 MB
		keep("loud", fmt.Sprint(i))
	}
	if kept("loud", "0") || !kept("loud", "99") || !kept("quiet", "mine") {
		t.Error("not the oldest answers of the loud caller made room")
	}
	for i := range 100 {
		keep(fmt.Sprint("caller", i), "k")
	}
	if kept("quiet", "mine") || !kept("caller99", "k") {
		t.Error("not the oldest answers of all made room")
	}
	var bytes, rows int64
	err = st.SystemUpdate(t.Context(), func(q db.System) error {
		lengths, err := q.DeleteOldestAnswers(t.Context(), 1000)
		for _, n := range lengths {
			bytes += n
			rows++
		}
		return err
	})
	if err != nil || bytes > 3<<20 || rows < 20 {
		t.Errorf("%d bytes of %d answers were kept: %v", bytes, rows, err)
	}
}

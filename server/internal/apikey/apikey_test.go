package apikey_test

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/apikey"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/auth/authtest"
	"github.com/elizad/elizad/server/internal/store"
	"github.com/elizad/elizad/server/internal/store/sqlitestore"
)

// counted is a store that counts how often it is read.
type counted struct {
	store.System
	reads atomic.Int64
}

func (c *counted) SystemView(ctx context.Context, fn func(q db.System) error) error {
	c.reads.Add(1)
	return c.System.SystemView(ctx, fn)
}

// world is a store with a clock, of which several services may be nodes.
type world struct {
	*testing.T
	store *counted
	now   atomic.Int64
}

func newWorld(t *testing.T) *world {
	t.Helper()
	st, err := sqlitestore.Open(t.Context(), sqlitestore.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	w := &world{T: t, store: &counted{System: st}}
	w.now.Store(1_800_000_000_000)
	return w
}

func (w *world) time() time.Time { return time.UnixMilli(w.now.Load()) }

func (w *world) pass(d time.Duration) { w.now.Add(d.Milliseconds()) }

func (w *world) node(first func()) *apikey.Service {
	w.Helper()
	s := apikey.New(apikey.Config{Store: w.store, Logger: slog.New(slog.DiscardHandler), Now: w.time, First: first})
	if err := s.Start(w.Context()); err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { _ = s.Stop(context.Background()) })
	return s
}

func (w *world) make(s *apikey.Service, n apikey.NewKey) (apikey.Key, string) {
	w.Helper()
	if n.Name == "" {
		n.Name = "k"
	}
	if n.Scopes == 0 {
		n.Scopes = auth.ScopeChat
	}
	key, text, err := s.Create(w.Context(), auth.Identity{}, n)
	if err != nil {
		w.Fatal(err)
	}
	return key, text
}

func (w *world) want(s *apikey.Service, text string, want bool) auth.Grant {
	w.Helper()
	grant, ok, err := s.Find(w.Context(), text)
	if err != nil || ok != want {
		w.Fatalf("found %t, want %t; %v", ok, want, err)
	}
	return grant
}

func TestLifeOfAKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.node(nil)
	if s.Any() {
		t.Error("there is a key")
	}
	entity, maker, end := uuid.New(), uuid.New(), w.time().Add(time.Hour)
	key, text, err := s.Create(t.Context(), authtest.Holder(auth.Grant{Entity: uuid.New(), Key: maker}), apikey.NewKey{
		Name: " Web\u202esite ", Scopes: auth.ScopeManage | auth.ScopeService, EntityID: &entity, ExpiresAt: &end,
	})
	if err != nil || !s.Any() {
		t.Fatalf("any %t, %v", s.Any(), err)
	}
	if key.Name != "Website" || !strings.HasPrefix(text, key.Prefix) || len(key.Prefix) > len(text)/4 || *key.CreatedBy != maker {
		t.Errorf("made %+v for %d characters", key, len(text))
	}
	want := auth.Grant{Scopes: auth.ScopeRead | auth.ScopeChat | auth.ScopeManage | auth.ScopeService, Entity: entity, Service: true, Key: key.ID}
	if got := w.want(s, text, true); got != want {
		t.Errorf("it allows %+v, want %+v", got, want)
	}
	for _, wrong := range []string{"", "elz_", text[:len(text)-1], text + "a", strings.ToUpper(text), "elz_" + strings.Repeat("a", len(text)-4)} {
		w.want(s, wrong, false)
	}
	w.pass(time.Hour)
	w.want(s, text, false)
	got, err := s.Get(t.Context(), auth.Identity{}, key.ID)
	if err != nil || got.RevokedAt != nil || !got.ExpiresAt.Equal(end) {
		t.Errorf("kept %+v, %v", got, err)
	}
	if !w.node(nil).Any() {
		t.Error("after a restart there is no key")
	}
}

func TestRefusedKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.node(nil)
	past := w.time()
	for name, n := range map[string]apikey.NewKey{
		"no name":     {Scopes: auth.ScopeRead},
		"blank name":  {Name: "\u202e \n", Scopes: auth.ScopeRead},
		"long name":   {Name: strings.Repeat("ü", 101), Scopes: auth.ScopeRead},
		"no scope":    {Name: "k"},
		"in the past": {Name: "k", Scopes: auth.ScopeRead, ExpiresAt: &past},
	} {
		if _, _, err := s.Create(t.Context(), auth.Identity{}, n); !apierr.IsCode(err, apierr.ValidationFailed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if s.Any() {
		t.Error("a refused key closed the server")
	}
	if err := s.Revoke(t.Context(), auth.Identity{}, uuid.New()); !apierr.IsCode(err, apierr.NotFound) {
		t.Errorf("revoking nothing: %v", err)
	}
	if _, err := s.Get(t.Context(), auth.Identity{}, uuid.New()); !apierr.IsCode(err, apierr.NotFound) {
		t.Errorf("reading nothing: %v", err)
	}
}

// A revoked key is refused at once where it was revoked, and soon elsewhere, however often it was used.
func TestRevoke(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	here, there := w.node(nil), w.node(nil)
	key, text := w.make(here, apikey.NewKey{})
	other, _ := w.make(here, apikey.NewKey{})
	w.want(here, text, true)
	grant := w.want(there, text, true)

	var heard [4]atomic.Int64
	watch := func(i int, s *apikey.Service, grant auth.Grant) func() {
		return s.Watch(grant, func() { heard[i].Add(1) })
	}
	watch(0, here, grant)
	watch(1, there, grant)
	watch(2, here, auth.Grant{Key: other.ID})
	watch(3, here, grant)() // and has gone
	if err := here.Revoke(t.Context(), auth.Identity{}, key.ID); err != nil {
		t.Fatal(err)
	}
	w.want(here, text, false)
	w.pass(5 * time.Second)
	w.want(there, text, false)
	for range 2 {
		for _, s := range []*apikey.Service{here, there} {
			if err := s.Tend(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i, want := range []int64{1, 1, 0, 0} {
		if got := heard[i].Load(); got != want {
			t.Errorf("watcher %d heard %d times, want %d", i, got, want)
		}
	}
	before, err := here.Get(t.Context(), auth.Identity{}, key.ID)
	if err != nil || before.RevokedAt == nil {
		t.Fatalf("%+v, %v", before, err)
	}
	w.pass(time.Hour)
	if err := here.Revoke(t.Context(), auth.Identity{}, key.ID); err != nil {
		t.Fatal(err)
	}
	if after, err := here.Get(t.Context(), auth.Identity{}, key.ID); err != nil || !after.RevokedAt.Equal(*before.RevokedAt) {
		t.Errorf("revoked again: %+v, %v", after, err)
	}
}

func TestExpiryIsHeard(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.node(nil)
	end := w.time().Add(time.Minute)
	_, text := w.make(s, apikey.NewKey{ExpiresAt: &end})
	var heard atomic.Int64
	s.Watch(w.want(s, text, true), func() { heard.Add(1) })
	for _, want := range []int64{0, 1} {
		if err := s.Tend(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := heard.Load(); got != want {
			t.Errorf("heard %d times, want %d", got, want)
		}
		w.pass(time.Minute)
	}
}

// Requests in quick succession read a key once, and write nothing.
func TestUse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.node(nil)
	key, text := w.make(s, apikey.NewKey{})
	before := w.store.reads.Load()
	for range 10 {
		w.want(s, text, true)
		w.pass(100 * time.Millisecond)
	}
	if n := w.store.reads.Load() - before; n != 1 {
		t.Errorf("read %d times", n)
	}
	used := func() *time.Time {
		t.Helper()
		got, err := s.Get(t.Context(), auth.Identity{}, key.ID)
		if err != nil {
			t.Fatal(err)
		}
		return got.LastUsed
	}
	if at := used(); at != nil {
		t.Errorf("written on the way: %v", at)
	}
	last := w.time().Add(-100 * time.Millisecond)
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if at := used(); at == nil || !at.Equal(last) {
		t.Errorf("last used %v, want %v", at, last)
	}
}

// The first key of another node is found without a restart.
func TestFirstKeyElsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var closed [2]atomic.Int64
	here, there := w.node(func() { closed[0].Add(1) }), w.node(func() { closed[1].Add(1) })
	w.make(here, apikey.NewKey{})
	w.make(here, apikey.NewKey{})
	w.pass(5 * time.Second)
	if !there.Any() {
		t.Error("the other node knows of no key")
	}
	if closed[0].Load() != 1 || closed[1].Load() != 1 {
		t.Errorf("told %d and %d times", closed[0].Load(), closed[1].Load())
	}
	w.node(func() { t.Error("a node that begins with keys was told of the first") })
}

func TestList(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.node(nil)
	var made []string
	for _, name := range []string{"a", "b", "c"} {
		w.make(s, apikey.NewKey{Name: name})
		w.pass(time.Second)
	}
	for offset := 0; ; offset += 2 {
		keys, more, err := s.List(t.Context(), auth.Identity{}, 2, offset, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range keys {
			made = append(made, k.Name)
		}
		if !more {
			break
		}
	}
	if !slices.Equal(made, []string{"c", "b", "a"}) {
		t.Errorf("listed %v", made)
	}
}

// Of as many keys as there may be, one that has ended makes room; one that has not stays.
func TestKeysAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.node(nil)
	oldest, _ := w.make(s, apikey.NewKey{})
	for range apikey.Most - 1 {
		w.make(s, apikey.NewKey{})
	}
	if _, _, err := s.Create(t.Context(), auth.Identity{}, apikey.NewKey{Name: "k", Scopes: auth.ScopeRead}); !apierr.IsCode(err, apierr.QuotaExceeded) {
		t.Fatalf("one too many: %v", err)
	}
	if err := s.Revoke(t.Context(), auth.Identity{}, oldest.ID); err != nil {
		t.Fatal(err)
	}
	w.make(s, apikey.NewKey{})
	if _, err := s.Get(t.Context(), auth.Identity{}, oldest.ID); !apierr.IsCode(err, apierr.NotFound) {
		t.Errorf("the revoked key: %v", err)
	}
}

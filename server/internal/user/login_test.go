package user_test

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"log/slog"
	random "math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/auth/token"
	"github.com/elizad/elizad/server/internal/pgtest"
	"github.com/elizad/elizad/server/internal/store"
	"github.com/elizad/elizad/server/internal/store/pgstore"
	"github.com/elizad/elizad/server/internal/store/sqlitestore"
	"github.com/elizad/elizad/server/internal/user"
)

const password = "correct horse battery"

// world is users with a clock, and the grants of which they told that they are not good any more.
type world struct {
	*testing.T
	*user.Service
	now   atomic.Int64
	ended func(auth.Grant) bool
}

// onBoth runs a test on both engines.
func onBoth(t *testing.T, test func(w *world)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(onSQLite(t))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		st, err := pgstore.Open(t.Context(), pgstore.Config{URL: pgtest.URL(t)})
		if err != nil {
			t.Fatal(err)
		}
		test(on(t, st))
	})
}

func onSQLite(t *testing.T) *world {
	t.Helper()
	st, err := sqlitestore.Open(t.Context(), sqlitestore.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return on(t, st)
}

func on(t *testing.T, st store.System) *world {
	t.Helper()
	t.Cleanup(func() { _ = st.Close() })
	w := &world{T: t, ended: func(auth.Grant) bool { return false }}
	w.now.Store(1_800_000_000_000)
	now := func() time.Time { return time.UnixMilli(w.now.Load()) }
	w.Service = user.New(user.Config{
		Store: st, Logger: slog.New(slog.DiscardHandler), Now: now, Open: true,
		Signer:  token.NewSigner([][]byte{[]byte("a key of thirty-two bytes, or so")}, now),
		IsAgent: func(context.Context, uuid.UUID) (bool, error) { return false, nil },
		Ended:   func(revoked func(auth.Grant) bool) { w.ended = revoked },
	})
	return w
}

func (w *world) pass(d time.Duration) { w.now.Add(d.Milliseconds()) }

// family is what a login must be, by what was done to it.
type family struct {
	alive     bool
	ends      time.Time
	access    string
	tokens    []string // refresh tokens, the newest last
	refreshed time.Time
}

// TestRotation does at random what those do who have refresh tokens, or copies of them, and compares what they get with what a login is:
// one token is good at a time, one that was good before ends it, and nothing that is done to one touches another.
func TestRotation(t *testing.T) {
	t.Parallel()
	onBoth(t, func(w *world) {
		r := random.New(random.NewPCG(3, 4))
		text := base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)
		var all []*family
		add := func(login user.Login, err error) {
			w.Helper()
			if err != nil {
				w.Fatal(err)
			}
			all = append(all, &family{alive: true, ends: login.RefreshExpires, access: login.Access, tokens: []string{login.Refresh}})
		}
		add(w.Register(w.Context(), "home", user.NewUser{Email: "ada@example.com", Username: "ada", Password: password}))
		add(w.Register(w.Context(), "home", user.NewUser{Email: "ben@example.com", Username: "ben", Password: password}))
		add(w.Login(w.Context(), "home", "ada@example.com", password))
		died := 0
		for step := range 400 {
			w.pass(time.Duration(r.IntN(8)) * time.Second)
			if r.IntN(60) == 0 {
				w.pass(20 * time.Minute) // access tokens end, logins don't
			}
			now := time.UnixMilli(w.now.Load())
			f := all[r.IntN(len(all))]
			if !f.alive && r.IntN(6) == 0 {
				add(w.Login(w.Context(), "home", "ben@example.com", password))
				continue
			}
			bring, want, what := f.tokens[len(f.tokens)-1], apierr.Code(""), "the newest"
			ends := false
			switch n := r.IntN(20); {
			case n == 0: // guesses a secret for a handle that there is
				raw, _ := text.DecodeString(bring[len("elr_"):])
				_, _ = rand.Read(raw[16:])
				bring, want, ends, what = "elr_"+text.EncodeToString(raw), apierr.InvalidToken, true, "another secret"
			case n == 1:
				raw := make([]byte, 48)
				_, _ = rand.Read(raw)
				bring, want, what = "elr_"+text.EncodeToString(raw), apierr.InvalidToken, "what nobody has"
			case n == 2:
				bring, want, what = bring[:len(bring)-1], apierr.InvalidToken, "a part"
			case n < 6 && len(f.tokens) > 1:
				bring, what = f.tokens[len(f.tokens)-2], "the one before"
				if want = apierr.Conflict; now.Sub(f.refreshed) >= 10*time.Second {
					want, ends = apierr.InvalidToken, true
				}
			case n == 6 && len(f.tokens) > 2:
				bring, want, ends, what = f.tokens[r.IntN(len(f.tokens)-2)], apierr.InvalidToken, true, "an old one"
			}
			if !f.alive || !now.Before(f.ends) {
				want, ends = apierr.InvalidToken, false
			}
			login, err := w.Refresh(w.Context(), "home", bring)
			if (want == "") != (err == nil) || err != nil && !apierr.IsCode(err, want) {
				w.Fatalf("step %d: %s of %d tokens: %v, want %q", step, what, len(f.tokens), err, want)
			}
			if err == nil {
				if slices.Contains(f.tokens, login.Refresh) || !login.RefreshExpires.Equal(f.ends) {
					w.Fatalf("step %d: %s until %s, before %s", step, what, login.RefreshExpires, f.ends)
				}
				f.tokens, f.access, f.refreshed = append(f.tokens, login.Refresh), login.Access, now
			}
			if ends {
				if died++; !w.ended(auth.Grant{Token: auth.Token{Login: loginIn(w, f.access)}}) {
					w.Fatalf("step %d: nobody is told that the login has ended", step)
				}
				f.alive = false
			}
			for i, f := range all {
				if _, err := w.Verify(w.Context(), f.access); f.alive && err != nil && !errors.Is(err, auth.ErrEnded) || !f.alive && err == nil {
					w.Fatalf("step %d, after %s: the access token of login %d, alive %t: %v", step, what, i, f.alive, err)
				}
			}
		}
		if died < 3 || len(all) < 4 {
			w.Errorf("of %d logins %d ended: too little was tried", len(all), died)
		}
	})
}

// loginIn returns the login that an access token belongs to.
func loginIn(w *world, access string) uuid.UUID {
	w.Helper()
	signer := token.NewSigner([][]byte{[]byte("a key of thirty-two bytes, or so")}, func() time.Time { return time.UnixMilli(1_800_000_000_000) })
	_, login, err := signer.Verify(w.Context(), access)
	if err != nil {
		w.Fatalf("the access token: %v", err)
	}
	return login
}

// TestLoginsAreBounded: of very many logins of one user the oldest end, and nobody else's.
func TestLoginsAreBounded(t *testing.T) {
	t.Parallel()
	w := onSQLite(t)
	other, err := w.Register(w.Context(), "home", user.NewUser{Email: "ben@example.com", Username: "ben", Password: password})
	if err != nil {
		w.Fatal(err)
	}
	first, err := w.Register(w.Context(), "home", user.NewUser{Email: "ada@example.com", Username: "ada", Password: password})
	if err != nil {
		w.Fatal(err)
	}
	var second user.Login
	for i := range 50 {
		w.pass(time.Second)
		login, err := w.Login(w.Context(), "home", "ada@example.com", password)
		if err != nil {
			w.Fatal(err)
		}
		if i == 0 {
			second = login
		}
	}
	if _, err := w.Refresh(w.Context(), "home", first.Refresh); !apierr.IsCode(err, apierr.InvalidToken) {
		w.Errorf("the oldest of 51 logins: %v", err)
	}
	for name, login := range map[string]user.Login{"the second": second, "another's": other} {
		if _, err := w.Refresh(w.Context(), "home", login.Refresh); err != nil {
			w.Errorf("%s: %v", name, err)
		}
	}
}

// TestLoginsEnd: refreshing does not move the end of a login, and the last access token ends with it.
func TestLoginsEnd(t *testing.T) {
	t.Parallel()
	onBoth(t, func(w *world) {
		login, err := w.Register(w.Context(), "home", user.NewUser{Email: "ada@example.com", Username: "ada", Password: password})
		if err != nil {
			w.Fatal(err)
		}
		ends := login.RefreshExpires
		for range 29 {
			w.pass(24 * time.Hour)
			if login, err = w.Refresh(w.Context(), "home", login.Refresh); err != nil || !login.RefreshExpires.Equal(ends) {
				w.Fatalf("%s: %v, until %s", fmt.Sprint(time.UnixMilli(w.now.Load())), err, login.RefreshExpires)
			}
		}
		w.pass(24*time.Hour - time.Minute)
		if login, err = w.Refresh(w.Context(), "home", login.Refresh); err != nil || login.AccessExpires.After(ends) {
			w.Fatalf("a minute before the end: %v, an access token until %s", err, login.AccessExpires)
		}
		w.pass(time.Minute)
		if _, err := w.Refresh(w.Context(), "home", login.Refresh); !apierr.IsCode(err, apierr.InvalidToken) {
			w.Errorf("at the end: %v", err)
		}
		if _, err := w.Verify(w.Context(), login.Access); err == nil {
			w.Error("an access token is good beyond its login")
		}
	})
}

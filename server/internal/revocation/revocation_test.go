package revocation_test

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/pgtest"
	"github.com/elizad/elizad/server/internal/revocation"
	"github.com/elizad/elizad/server/internal/store"
	"github.com/elizad/elizad/server/internal/store/pgstore"
	"github.com/elizad/elizad/server/internal/store/sqlitestore"
)

// world is revocations with a clock, and what they told last of tokens that are not good any more.
type world struct {
	*testing.T
	*revocation.Service
	now  atomic.Int64
	told func(auth.Grant) bool
}

// onBoth runs a test on both engines.
func onBoth(t *testing.T, test func(w *world)) {
	t.Helper()
	for name, open := range map[string]func(t *testing.T) (store.System, error){
		"sqlite": func(t *testing.T) (store.System, error) {
			return sqlitestore.Open(t.Context(), sqlitestore.Config{Dir: t.TempDir()})
		},
		"postgres": func(t *testing.T) (store.System, error) {
			return pgstore.Open(t.Context(), pgstore.Config{URL: pgtest.URL(t)})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st, err := open(t)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = st.Close() })
			w := &world{T: t}
			w.now.Store(1_800_000_000_000)
			w.Service = revocation.New(revocation.Config{
				Store: st, Logger: slog.New(slog.DiscardHandler), Now: w.time, Ended: func(revoked func(auth.Grant) bool) { w.told = revoked },
			})
			test(w)
		})
	}
}

func (w *world) time() time.Time { return time.UnixMilli(w.now.Load()) }

// TestRevoked revokes at random, and asks about tokens of all kinds: those of an entity are refused that were issued up to its last
// revocation, single ones by their id, and those of logins at this server never, which end with them. Who watches a token is told the same.
func TestRevoked(t *testing.T) {
	t.Parallel()
	onBoth(t, func(w *world) {
		r := rand.New(rand.NewPCG(5, 6))
		var entities []uuid.UUID
		for range 4 {
			entities = append(entities, uuid.New())
		}
		until, ids := map[uuid.UUID]time.Time{}, map[string]bool{}
		for step := range 150 {
			w.now.Add(int64(r.IntN(3000)))
			entity, id := uuid.Nil, ""
			if r.IntN(2) == 0 {
				entity = entities[r.IntN(len(entities))]
				until[entity] = w.time()
			} else {
				id = fmt.Sprint("token ", r.IntN(10))
				ids[id] = true
			}
			if _, err := w.Revoke(w.Context(), auth.Identity{}, entity, id, time.Time{}); err != nil {
				w.Fatal(err)
			}
			for range 10 {
				g := auth.Grant{Entity: entities[r.IntN(len(entities))], Token: auth.Token{Issued: w.time().Add(time.Duration(r.IntN(8000)-6000) * time.Millisecond)}}
				if r.IntN(3) == 0 {
					g.Token.ID = fmt.Sprint("token ", r.IntN(14))
				}
				if r.IntN(4) == 0 {
					g.Token.Login = uuid.New()
				}
				last, any := until[g.Entity]
				want := ids[g.Token.ID] || any && g.Token.Login == uuid.Nil && !g.Token.Issued.After(last)
				got, err := w.Revoked(w.Context(), g)
				if err != nil || got != want {
					w.Fatalf("step %d: %+v is revoked: %t, %v; want %t", step, g, got, err, want)
				}
				if now := id != "" && g.Token.ID == id || entity != uuid.Nil && g.Entity == entity && g.Token.Login == uuid.Nil && !g.Token.Issued.After(w.time()); w.told(g) != now {
					w.Fatalf("step %d: of %+v was told %t", step, g, !now)
				}
			}
		}
	})
}

// TestWhatIsRevoked: one entity or one token, until a time to come; and a token without an id or a time of issue is not taken for another.
func TestWhatIsRevoked(t *testing.T) {
	t.Parallel()
	onBoth(t, func(w *world) {
		entity := uuid.New()
		for name, try := range map[string]struct {
			entity  uuid.UUID
			token   string
			expires time.Time
		}{
			"nothing": {}, "both": {entity: entity, token: "t"}, "what has ended": {entity: entity, expires: w.time()}, "what ended": {token: "t", expires: w.time().Add(-time.Hour)},
		} {
			if _, err := w.Revoke(w.Context(), auth.Identity{}, try.entity, try.token, try.expires); !apierr.IsCode(err, apierr.ValidationFailed) {
				w.Errorf("%s: %v", name, err)
			}
		}
		if list, more, err := w.List(w.Context(), auth.Identity{}, 10, 0, nil); err != nil || more || len(list) > 0 {
			w.Errorf("refused, and there are %+v, %v", list, err)
		}
		if _, err := w.Revoke(w.Context(), auth.Identity{}, uuid.Nil, "t", time.Time{}); err != nil {
			w.Fatal(err)
		}
		if revoked, err := w.Revoked(w.Context(), auth.Grant{Entity: entity}); err != nil || revoked {
			w.Errorf("a token without an id: %t, %v", revoked, err)
		}
		if _, err := w.Revoke(w.Context(), auth.Identity{}, entity, "", time.Time{}); err != nil {
			w.Fatal(err)
		}
		if revoked, err := w.Revoked(w.Context(), auth.Grant{Entity: entity}); err != nil || !revoked {
			w.Errorf("a token that does not say when it was issued: %t, %v", revoked, err)
		}
	})
}

// Package apikey holds the keys that are made and revoked while the server runs: many, each with a name, scopes and, if wanted, an
// entity and an end. The key itself is said once, when it is made; the database has its hash.
//
// What was read of a key is believed for a few seconds, so that a key that another node revokes is refused there at once, and
// here within that time. See [Service] for what a request costs.
package apikey

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base32"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/audit"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/names"
	"github.com/elizad/elizad/server/internal/store"
)

const (
	mark        = "elz_" // what every key begins with
	secretBytes = 32
	shownLength = len(mark) + 8 // characters of a key by which people tell it
	maxKeys     = 1000          // that are kept, with those that have ended
	maxName     = 100           // characters
)

// keyText spells the secret of a key. In it, nobody has to tell 0 from O.
var keyText = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// Key is what is known of a key once it was made.
type Key struct {
	ID        uuid.UUID
	Name      string
	Prefix    string      // its first characters
	Scopes    auth.Scopes // as they were asked for
	EntityID  *uuid.UUID  // the only one that callers with it may be
	CreatedBy *uuid.UUID  // the key by which it was made
	CreatedAt time.Time
	ExpiresAt *time.Time
	LastUsed  *time.Time // to about a minute
	RevokedAt *time.Time
}

// endedBy reports whether the key was revoked or has expired.
func (k Key) endedBy(now time.Time) bool {
	return k.RevokedAt != nil || k.ExpiresAt != nil && !now.Before(*k.ExpiresAt)
}

// grant returns what the key allows.
func (k Key) grant() auth.Grant {
	g := auth.Grant{Scopes: k.Scopes.Granted(), Service: k.Scopes&auth.ScopeService != 0, Key: k.ID}
	if k.EntityID != nil {
		g.Entity = *k.EntityID
	}
	return g
}

// NewKey is a key to be.
type NewKey struct {
	Name      string
	Scopes    auth.Scopes
	EntityID  *uuid.UUID
	ExpiresAt *time.Time
}

// Config is what a Service is made of. Store, Logger and Now are required.
type Config struct {
	Store  store.System
	Logger *slog.Logger
	Now    func() time.Time
	First  func() // is called when the first key is made after the start, here or by another node; nil: nobody is
}

// Service makes, finds and revokes keys. It implements [auth.ManagedKeys]. A request with a key costs a hash and a look into a map;
// every few seconds, one of them also reads the row. That a key was used is written once a minute, apart from requests.
type Service struct {
	store store.System
	log   *slog.Logger
	now   func() time.Time
	first func()

	any    atomic.Bool  // a key was made
	looked atomic.Int64 // when that was last looked up, in milliseconds

	mu       sync.Mutex
	cache    map[hash]cached
	changes  int                     // of keys, by this process: what was read before one is not remembered
	used     map[uuid.UUID]time.Time // keys whose use is not written yet
	watchers map[uuid.UUID]map[*watcher]struct{}

	tending sync.WaitGroup
	stop    context.CancelFunc
}

var _ auth.ManagedKeys = (*Service)(nil)

type hash = [sha256.Size]byte

// New returns the keys of a store. Start must follow.
func New(cfg Config) *Service {
	return &Service{
		store: cfg.Store, log: cfg.Logger, now: cfg.Now, first: cfg.First,
		cache: map[hash]cached{}, used: map[uuid.UUID]time.Time{}, watchers: map[uuid.UUID]map[*watcher]struct{}{},
	}
}

// Create makes a key, and returns its text, which nobody can be told again.
func (s *Service) Create(ctx context.Context, who auth.Identity, n NewKey) (key Key, text string, err error) {
	now := s.now()
	n.Name = names.Clean(n.Name)
	switch {
	case n.Name == "" || utf8.RuneCountInString(n.Name) > maxName:
		return key, "", apierr.New(apierr.ValidationFailed, "A key needs a name of at most %d characters", maxName)
	case n.Scopes == 0:
		return key, "", apierr.New(apierr.ValidationFailed, "A key needs a scope")
	case n.ExpiresAt != nil && !n.ExpiresAt.After(now):
		return key, "", apierr.New(apierr.ValidationFailed, "A key must expire in the future")
	}
	secret := make([]byte, secretBytes)
	_, _ = rand.Read(secret) // which does not fail
	text = mark + keyText.EncodeToString(secret)
	sum := sha256.Sum256([]byte(text))
	row := db.InsertAPIKeyParams{
		ID: uuid.New(), Name: n.Name, Prefix: text[:shownLength], Hash: sum[:], Scopes: strings.Join(n.Scopes.Names(), " "),
		EntityID: n.EntityID, CreatedAt: dbtype.MillisOf(now),
	}
	if maker := who.Key(); maker != uuid.Nil {
		row.CreatedBy = &maker
	}
	if n.ExpiresAt != nil {
		row.ExpiresAt = new(dbtype.MillisOf(*n.ExpiresAt))
	}
	err = store.Update(ctx, s.store, who.Scope(), "making an API key", func(q db.Scoped) error {
		count, err := q.CountAPIKeys(ctx)
		if err != nil {
			return err
		}
		if count >= maxKeys {
			if err := makeRoom(ctx, q, now); err != nil {
				return err
			}
		}
		made, err := q.InsertAPIKey(ctx, row)
		if err != nil {
			return err
		}
		if key, err = fromRow(made); err != nil {
			return err
		}
		return audit.Within(ctx, q, key.ID, audit.Words("scopes", key.Scopes.Names()...))
	})
	if err != nil {
		return Key{}, "", err
	}
	s.found()
	return key, text, nil
}

// makeRoom forgets a key that has ended, for the one that is made then, so that there is always one.
func makeRoom(ctx context.Context, q db.Scoped, now time.Time) error {
	forgotten, err := q.DeleteEndedAPIKey(ctx, new(dbtype.MillisOf(now)))
	if err == nil && forgotten == 0 {
		err = apierr.New(apierr.QuotaExceeded, "There are %d API keys, which is as many as there may be", maxKeys).WithDetails("Revoke one that is not needed any more")
	}
	return err
}

// List returns keys, the newest first, behind offset others that are not newer than until. more reports whether there are others
// behind them.
func (s *Service) List(ctx context.Context, who auth.Identity, limit, offset int, until *time.Time) (keys []Key, more bool, err error) {
	err = store.View(ctx, s.store, who.Scope(), "listing API keys", func(q db.Scoped) error {
		rows, err := q.ListAPIKeys(ctx, db.ListAPIKeysParams{Until: dbtype.Until(until), LimitRows: int64(limit) + 1, OffsetRows: int64(offset)})
		if err != nil {
			return err
		}
		keys = make([]Key, 0, len(rows))
		for _, row := range rows {
			key, err := fromRow(row)
			if err != nil {
				return err
			}
			keys = append(keys, key)
		}
		return nil
	})
	if more = len(keys) > limit; more {
		keys = keys[:limit]
	}
	return keys, more, err
}

// Get returns a key.
func (s *Service) Get(ctx context.Context, who auth.Identity, id uuid.UUID) (key Key, err error) {
	err = store.View(ctx, s.store, who.Scope(), "reading an API key", func(q db.Scoped) error {
		row, err := q.GetAPIKey(ctx, id)
		if err != nil {
			return noKey(err)
		}
		key, err = fromRow(row)
		return err
	})
	return key, err
}

// Revoke ends a key. It is refused from now on, and whoever watches it hears of it. To revoke a key again changes nothing.
func (s *Service) Revoke(ctx context.Context, who auth.Identity, id uuid.UUID) error {
	err := store.Update(ctx, s.store, who.Scope(), "revoking an API key", func(q db.Scoped) error {
		_, err := q.RevokeAPIKey(ctx, db.RevokeAPIKeyParams{RevokedAt: new(dbtype.MillisOf(s.now())), ID: id})
		if err != nil {
			return noKey(err)
		}
		return audit.Within(ctx, q, id, "")
	})
	if err == nil {
		s.forget(id)
		s.end(id)
	}
	return err
}

// noKey says which thing there is none of.
func noKey(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return apierr.Wrap(err, apierr.NotFound, "API key not found")
	}
	return err
}

func fromRow(row db.APIKey) (Key, error) {
	scopes, err := auth.ParseScopes(strings.Fields(row.Scopes)...)
	return Key{
		ID: row.ID, Name: row.Name, Prefix: row.Prefix, Scopes: scopes, EntityID: row.EntityID, CreatedBy: row.CreatedBy,
		CreatedAt: row.CreatedAt.Time(), ExpiresAt: dbtype.TimeOf(row.ExpiresAt), LastUsed: dbtype.TimeOf(row.LastUsedAt), RevokedAt: dbtype.TimeOf(row.RevokedAt),
	}, err
}

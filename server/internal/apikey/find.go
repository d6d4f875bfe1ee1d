package apikey

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/store"
)

const (
	// freshness is how long what was read of a key is believed.
	freshness = 3 * time.Second
	maxCached = 1024
	// lookTime bounds the look for the first key, which no request should wait for.
	lookTime = time.Second
)

// cached is what was read of a key that had not ended.
type cached struct {
	grant   auth.Grant
	expires *time.Time
	fresh   time.Time // until when this is believed
}

// Any implements [auth.ManagedKeys]. Another node on the database may make the first key, so that it is looked for now and then.
func (s *Service) Any() bool {
	if s.any.Load() {
		return true
	}
	now, last := s.now().UnixMilli(), s.looked.Load()
	if now >= last && now-last < freshness.Milliseconds() || !s.looked.CompareAndSwap(last, now) {
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), lookTime)
	defer cancel()
	if err := s.look(ctx); err != nil {
		s.log.Warn("could not look for API keys", "error", err)
	}
	return s.any.Load()
}

// look finds out whether there is a key.
func (s *Service) look(ctx context.Context) error {
	err := store.SystemView(ctx, s.store, "looking for API keys", func(q db.System) error {
		_, err := q.GetAnyAPIKey(ctx)
		return err
	})
	if apierr.IsCode(err, apierr.NotFound) {
		return nil
	}
	if err == nil {
		s.found()
	}
	return err
}

// found notes that there is a key.
func (s *Service) found() {
	if !s.any.Swap(true) && s.first != nil && s.stop != nil {
		s.first()
	}
}

// Find implements [auth.ManagedKeys]. A key that is none is looked up each time; the guard counts those.
func (s *Service) Find(ctx context.Context, text string) (auth.Grant, bool, error) {
	if !strings.HasPrefix(text, mark) || len(text) != len(mark)+keyText.EncodedLen(secretBytes) {
		return auth.Grant{}, false, nil
	}
	sum, now := sha256.Sum256([]byte(text)), s.now()
	known, changes, ok := s.recall(sum, now)
	if ok {
		return known.grant, true, nil
	}
	var key Key
	err := store.SystemView(ctx, s.store, "finding an API key", func(q db.System) error {
		row, err := q.FindAPIKey(ctx, sum[:])
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err == nil {
			key, err = fromRow(row)
		}
		return err
	})
	if err != nil || key.ID == uuid.Nil || key.endedBy(now) {
		return auth.Grant{}, false, err
	}
	known = cached{grant: key.grant(), expires: key.ExpiresAt, fresh: now.Add(freshness)}
	s.remember(sum, known, changes, now)
	return known.grant, true, nil
}

// recall returns what is believed of a key, if anything is, and notes that it was used. changes is for [Service.remember].
func (s *Service) recall(sum hash, now time.Time) (known cached, changes int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known, ok = s.cache[sum]
	ok = ok && now.Before(known.fresh) && (known.expires == nil || now.Before(*known.expires))
	if ok {
		s.used[known.grant.Key] = now
	}
	return known, s.changes, ok
}

// remember believes what was read of a key from now on, unless a key was revoked since changes were counted.
func (s *Service) remember(sum hash, known cached, changes int, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used[known.grant.Key] = now
	if changes != s.changes {
		return
	}
	if len(s.cache) >= maxCached {
		clear(s.cache)
	}
	s.cache[sum] = known
}

// forget makes the next request with a key read it again.
func (s *Service) forget(id uuid.UUID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changes++
	for sum, known := range s.cache {
		if known.grant.Key == id {
			delete(s.cache, sum)
		}
	}
}

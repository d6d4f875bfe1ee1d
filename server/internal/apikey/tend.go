package apikey

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/lifecycle"
	"github.com/elizad/elizad/server/internal/store"
)

// writeEvery is how often the uses of keys are written.
const writeEvery = time.Minute

// watcher is one who wants to hear of the end of a key.
type watcher struct{ ended func() }

// Start looks for keys, and from then on ends those that expire or that another node revokes for who watches them, and writes
// when keys were used.
func (s *Service) Start(ctx context.Context) error {
	if err := s.look(ctx); err != nil {
		return err
	}
	s.looked.Store(s.now().UnixMilli())
	ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	s.tending.Go(func() { lifecycle.Persist(ctx, s.log, "the tending of API keys", func() { s.tend(ctx) }) })
	return nil
}

// Stop ends what Start began, and writes the last uses.
func (s *Service) Stop(ctx context.Context) error {
	if s.stop == nil {
		return nil
	}
	s.stop()
	return errors.Join(lifecycle.Await(ctx, s.tending.Wait), s.writeUses(ctx))
}

func (s *Service) tend(ctx context.Context) {
	look, write := time.NewTicker(freshness), time.NewTicker(writeEvery)
	defer look.Stop()
	defer write.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-look.C:
			err = s.endWatched(ctx)
		case <-write.C:
			err = s.writeUses(ctx)
		}
		if err != nil && ctx.Err() == nil {
			s.log.Warn("could not tend API keys", "error", err)
		}
	}
}

// Watch implements [auth.ManagedKeys].
func (s *Service) Watch(grant auth.Grant, ended func()) (stop func()) {
	w := &watcher{ended}
	s.mu.Lock()
	defer s.mu.Unlock()
	of := s.watchers[grant.Key]
	if of == nil {
		of = map[*watcher]struct{}{}
		s.watchers[grant.Key] = of
	}
	of[w] = struct{}{}
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if delete(s.watchers[grant.Key], w); len(s.watchers[grant.Key]) == 0 {
			delete(s.watchers, grant.Key)
		}
	}
}

// endWatched reads the keys that are watched, and ends those that have ended.
func (s *Service) endWatched(ctx context.Context) error {
	s.mu.Lock()
	ids := slices.Collect(maps.Keys(s.watchers))
	s.mu.Unlock()
	if len(ids) == 0 {
		return nil
	}
	var ended []uuid.UUID
	err := store.SystemView(ctx, s.store, "reading watched API keys", func(q db.System) error {
		ended = nil
		for _, id := range ids {
			row, err := q.GetAPIKey(ctx, id)
			if errors.Is(err, sql.ErrNoRows) {
				ended = append(ended, id)
				continue
			}
			if err != nil {
				return err
			}
			key, err := fromRow(row)
			if err != nil {
				return fmt.Errorf("reading the API key %s: %w", id, err)
			}
			if key.endedBy(s.now()) {
				ended = append(ended, id)
			}
		}
		return nil
	})
	for _, id := range ended {
		s.end(id)
	}
	return err
}

// end lets those know who watch a key that it has ended.
func (s *Service) end(id uuid.UUID) {
	s.mu.Lock()
	watchers := s.watchers[id]
	delete(s.watchers, id)
	s.mu.Unlock()
	for w := range watchers {
		w.ended()
	}
}

// writeUses writes when keys were last used. What can't be written is tried again with the next.
func (s *Service) writeUses(ctx context.Context) error {
	s.mu.Lock()
	used := s.used
	s.used = map[uuid.UUID]time.Time{}
	s.mu.Unlock()
	if len(used) == 0 {
		return nil
	}
	err := store.SystemUpdate(ctx, s.store, "noting the use of API keys", func(q db.System) error {
		for id, at := range used {
			if _, err := q.UseAPIKey(ctx, db.UseAPIKeyParams{LastUsedAt: new(dbtype.MillisOf(at)), ID: id}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		for id, at := range used {
			if _, again := s.used[id]; !again {
				s.used[id] = at
			}
		}
	}
	return err
}

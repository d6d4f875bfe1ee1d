package runtime

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/seal"
	"github.com/elizad/elizad/server/internal/store"
)

const (
	usesEvery = time.Minute // uses of secrets are written so often
	usesBatch = 100         // in one transaction, so that others don't wait for all
	maxUses   = 10_000      // that wait to be written; of others it is forgotten that they were used
)

// Secret is what is shown of a secret of an agent.
type Secret struct {
	Name      string // a JSON pointer for one that stands deep in the character
	ChangedAt *time.Time
	LastUsed  *time.Time // of the value that it has; to about a minute
}

// use says which secret was used.
type use struct {
	agent uuid.UUID
	name  string
}

// uses remembers when secrets were used. They are written apart from what uses them, once a minute.
type uses struct {
	store store.System
	log   *slog.Logger

	mu      sync.Mutex
	pending map[use]time.Time
}

func newUses(st store.System, log *slog.Logger) *uses {
	return &uses{store: st, log: log, pending: map[use]time.Time{}}
}

// note remembers that a secret is used now.
func (u *uses) note(agent uuid.UUID, name string) {
	now := time.Now()
	u.mu.Lock()
	defer u.mu.Unlock()
	key := use{agent, name}
	if _, known := u.pending[key]; known || len(u.pending) < maxUses {
		u.pending[key] = now
	}
}

// forget drops the uses of values that secrets don't have any more.
func (u *uses) forget(agent uuid.UUID, names []string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, name := range names {
		delete(u.pending, use{agent, name})
	}
}

// of returns the uses of an agent's secrets that are not written yet.
func (u *uses) of(agent uuid.UUID) map[string]time.Time {
	u.mu.Lock()
	defer u.mu.Unlock()
	out := map[string]time.Time{}
	for key, at := range u.pending {
		if key.agent == agent {
			out[key.name] = at
		}
	}
	return out
}

// keep writes the uses until ctx ends.
func (u *uses) keep(ctx context.Context) {
	ticker := time.NewTicker(usesEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if err := u.write(ctx); err != nil && ctx.Err() == nil {
				u.log.Warn("could not note the use of secrets", "error", err)
			}
		}
	}
}

// write writes the uses. What can't be written is tried again with the next.
func (u *uses) write(ctx context.Context) error {
	u.mu.Lock()
	pending := maps.Clone(u.pending)
	u.mu.Unlock()
	for batch := range slices.Chunk(slices.Collect(maps.Keys(pending)), usesBatch) {
		err := store.SystemUpdate(ctx, u.store, "noting the use of secrets", func(q db.System) error {
			for _, key := range batch {
				at := dbtype.MillisOf(pending[key])
				if err := q.UpsertSecretUse(ctx, db.UpsertSecretUseParams{AgentID: key.agent, Name: key.name, LastUsedAt: &at}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		u.mu.Lock()
		for _, key := range batch {
			if u.pending[key].Equal(pending[key]) {
				delete(u.pending, key)
			}
		}
		u.mu.Unlock()
	}
	return nil
}

// Secrets lists the secrets of an agent by their names.
func (a *Agents) Secrets(ctx context.Context, who auth.Identity, id uuid.UUID) ([]Secret, error) {
	var out []Secret
	err := store.View(ctx, a.store, who.Scope(), "listing the secrets of an agent", func(q db.Scoped) error {
		row, err := find(ctx, q, id)
		if err != nil {
			return err
		}
		names, err := seal.Names(row.Secrets)
		if err != nil {
			return fmt.Errorf("reading the secrets of agent %s: %w", id, err)
		}
		times, err := q.ListSecretTimes(ctx, id)
		if err != nil {
			return err
		}
		known := map[string]db.SecretTime{}
		for _, t := range times {
			known[t.Name] = t
		}
		out = make([]Secret, len(names))
		for i, name := range names {
			t := known[name]
			out[i] = Secret{Name: name, ChangedAt: dbtype.TimeOf(t.ChangedAt), LastUsed: dbtype.TimeOf(t.LastUsedAt)}
		}
		return nil
	})
	recent := a.uses.of(id)
	for i, s := range out {
		if at, ok := recent[s.Name]; ok && (s.LastUsed == nil || at.After(*s.LastUsed)) {
			out[i].LastUsed = &at
		}
	}
	return out, err
}

// noteChanges writes when secrets of an agent got the values that they have.
func noteChanges(ctx context.Context, q db.Scoped, id uuid.UUID, had, have map[string]string, now dbtype.Millis) error {
	given, removed := differing(had, have)
	for _, name := range removed {
		if err := q.DeleteSecretTimes(ctx, db.DeleteSecretTimesParams{AgentID: id, Name: name}); err != nil {
			return err
		}
	}
	for _, name := range given {
		if err := q.UpsertSecretChange(ctx, db.UpsertSecretChangeParams{AgentID: id, Name: name, ChangedAt: &now}); err != nil {
			return err
		}
	}
	return nil
}

// differing returns the names of the secrets that were given a value and of those that were removed, both sorted.
func differing(had, have map[string]string) (given, removed []string) {
	for name, value := range have {
		if before, there := had[name]; !there || before != value {
			given = append(given, name)
		}
	}
	for name := range had {
		if _, kept := have[name]; !kept {
			removed = append(removed, name)
		}
	}
	slices.Sort(given)
	slices.Sort(removed)
	return given, removed
}

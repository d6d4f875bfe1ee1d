// Package reseal moves the secrets in a database to the current master key.
//
// A record of secrets names the key that it needs, and only the data key inside of it is sealed anew, so that at every moment each
// record opens with the older or with the current key. To stop in the middle loses nothing: who runs it again goes on.
package reseal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/internal/seal"
	"github.com/elizad/elizad/server/internal/store"
)

const (
	pageSize = 100 // records of one transaction

	// passes bounds how often a database is gone through that other servers write to meanwhile.
	passes = 5
)

// Config is what is moved, and to which key.
type Config struct {
	Store    store.System
	Keys     *seal.Keys      // the first is the one to move to
	DryRun   bool            // only count
	Progress func(found int) // is called with the number of records looked at; nil: nobody is
}

// Count says of how many records what is true.
type Count struct {
	Moved   int            // had an older key, and have the current one; in a dry run: have an older key
	Current int            // had the current key already
	Unknown map[string]int // are sealed with keys that are not among those given, by the ids of these; they stay as they are
	Broken  int            // don't open with the key that they name; they stay as they are
}

// ErrOlderKey says that records with older keys kept coming.
var ErrOlderKey = errors.New("another server still seals with an older key: give every server on this database the new key first, and restart it")

// Run moves the secrets of the store's tenant.
func Run(ctx context.Context, cfg Config) (Count, error) {
	ids := cfg.Keys.IDs()
	moved := 0
	for range passes {
		m := mover{Config: cfg, current: ids[0], known: ids}
		m.count.Unknown = map[string]int{}
		if err := m.agents(ctx); err != nil {
			return m.count, fmt.Errorf("moving the secrets of agents: %w", err)
		}
		if err := m.jobs(ctx); err != nil {
			return m.count, fmt.Errorf("moving the secrets of jobs: %w", err)
		}
		m.count.Current -= min(moved, m.count.Current) // those of the passes before
		last := m.count.Moved == 0 || cfg.DryRun || cfg.Store.Exclusive()
		moved += m.count.Moved
		if m.count.Moved = moved; last {
			return m.count, nil
		}
	}
	return Count{Moved: moved}, ErrOlderKey
}

// mover goes through the database once.
type mover struct {
	Config
	current string
	known   []string
	count   Count
	found   int
}

// record is something sealed, with its owner.
type record struct {
	id     uuid.UUID
	sealed dbtype.JSON
}

func (m *mover) agents(ctx context.Context) error {
	return m.each(ctx, func(q db.System, after uuid.UUID) ([]record, error) {
		rows, err := q.ListSealedAgents(ctx, db.ListSealedAgentsParams{After: after, PageSize: pageSize})
		records := make([]record, len(rows))
		for i, row := range rows {
			records[i] = record{row.ID, row.Secrets}
		}
		return records, err
	}, func(q db.System, r record) error {
		row, err := q.GetAgentForUpdate(ctx, r.id) // which others may have changed since
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		} else if err != nil {
			return err
		}
		sealed, changed, err := m.Keys.Rewrap(row.ID.String(), row.Secrets)
		if err != nil || !changed {
			return err
		}
		_, err = q.ResealAgent(ctx, db.ResealAgentParams{ID: row.ID, Secrets: sealed})
		return err
	})
}

func (m *mover) jobs(ctx context.Context) error {
	return m.each(ctx, func(q db.System, after uuid.UUID) ([]record, error) {
		rows, err := q.ListSealedJobs(ctx, db.ListSealedJobsParams{After: after, PageSize: pageSize})
		records := make([]record, len(rows))
		for i, row := range rows {
			records[i] = record{row.ID, row.CallbackSecret}
		}
		return records, err
	}, func(q db.System, r record) error { // it does not change once it is there
		sealed, changed, err := m.Keys.Rewrap(r.id.String(), r.sealed)
		if err != nil || !changed {
			return err
		}
		_, err = q.ResealJob(ctx, db.ResealJobParams{ID: r.id, CallbackSecret: sealed})
		return err
	})
}

// each goes through records page by page, and moves those of a page in one transaction.
func (m *mover) each(ctx context.Context, list func(q db.System, after uuid.UUID) ([]record, error), move func(q db.System, r record) error) error {
	for after := uuid.Nil; ; {
		var page []record
		if err := m.Store.SystemView(ctx, func(q db.System) (err error) { page, err = list(q, after); return err }); err != nil {
			return err
		}
		if len(page) == 0 {
			return nil
		}
		after = page[len(page)-1].id
		older, err := m.older(page)
		if err != nil {
			return err
		}
		if len(older) > 0 && !m.DryRun {
			err := m.Store.SystemUpdate(ctx, func(q db.System) error {
				for _, r := range older {
					if err := move(q, r); err != nil {
						return fmt.Errorf("%s: %w", r.id, err)
					}
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
		m.count.Moved += len(older)
		if m.found += len(page); m.Progress != nil {
			m.Progress(m.found)
		}
	}
}

// older returns the records with an older key that can be moved, and counts the others.
func (m *mover) older(page []record) ([]record, error) {
	var older []record
	for _, r := range page {
		switch id, err := seal.KeyID(r.sealed); {
		case err != nil:
			return nil, fmt.Errorf("%s: %w", r.id, err)
		case id == "": // it holds nothing
		case id == m.current:
			m.count.Current++
		case !slices.Contains(m.known, id):
			m.count.Unknown[id]++
		default:
			if _, _, err := m.Keys.Rewrap(r.id.String(), r.sealed); err != nil {
				m.count.Broken++
			} else {
				older = append(older, r)
			}
		}
	}
	return older, nil
}

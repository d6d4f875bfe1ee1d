package audit

import (
	"context"
	"errors"
	"time"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/internal/lifecycle"
	"github.com/elizad/elizad/server/internal/store"
)

const (
	lookEvery = 10 * time.Second // for refusals that are due
	dropEvery = time.Hour
	dropBatch = 500 // entries of one transaction
)

// Start writes refusals and drops old entries from now on.
func (s *Service) Start(ctx context.Context) error {
	ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	s.tending.Go(func() { lifecycle.Persist(ctx, s.log, "the tending of the audit log", func() { s.tend(ctx) }) })
	return nil
}

// Stop ends what Start began, and writes the refusals that are left.
func (s *Service) Stop(ctx context.Context) error {
	if s.stop == nil {
		return nil
	}
	s.stop()
	return errors.Join(lifecycle.Await(ctx, s.tending.Wait), s.writeRefusals(ctx, true))
}

func (s *Service) tend(ctx context.Context) {
	look, drop := time.NewTicker(lookEvery), time.NewTicker(dropEvery)
	defer look.Stop()
	defer drop.Stop()
	for err := s.Drop(ctx); ; {
		if err != nil && ctx.Err() == nil {
			s.log.Error("could not tend the audit log", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-s.soon:
			err = s.writeRefusals(ctx, false)
		case <-look.C:
			err = s.writeRefusals(ctx, false)
		case <-drop.C:
			err = s.Drop(ctx)
		}
	}
}

// Drop forgets the entries that are older than they are kept, from the front: one that is older than another before it waits for that.
func (s *Service) Drop(ctx context.Context) error {
	if s.keep <= 0 {
		return nil
	}
	oldest := dbtype.MillisOf(s.now().Add(-s.keep))
	for more := true; more; {
		err := store.SystemUpdate(ctx, s.store, "dropping old entries of the audit log", func(q db.System) error {
			rows, err := q.ListOldestAuditEntries(ctx, dropBatch)
			if err != nil {
				return err
			}
			old := 0
			for old < len(rows) && rows[old].At < oldest {
				old++
			}
			if more = old == dropBatch; old == 0 {
				return nil
			}
			last := rows[old-1]
			if _, err := q.DeleteAuditEntries(ctx, last.Seq); err != nil {
				return err
			}
			return q.BeginAuditChain(ctx, db.BeginAuditChainParams{Seq: last.Seq, Hash: last.Hash})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

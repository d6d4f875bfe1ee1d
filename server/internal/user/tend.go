package user

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/lifecycle"
	"github.com/elizad/elizad/server/internal/store"
)

const (
	lookEvery  = 3 * time.Second
	purgeEvery = 10 * time.Minute
	// lookBack is from when on ends are looked at again each time: clocks of nodes differ, and transactions take their time.
	lookBack = time.Minute
	// keepEnded is how long a login that has ended is kept.
	keepEnded = time.Hour
)

// Start lets those know who watch a token when its login ends on another node, and forgets logins that have ended.
func (s *Service) Start(ctx context.Context) {
	ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	s.tending.Go(func() { lifecycle.Persist(ctx, s.log, "the tending of logins", func() { s.tend(ctx) }) })
}

// Stop ends what Start began.
func (s *Service) Stop(ctx context.Context) error {
	if s.stop == nil {
		return nil
	}
	s.stop()
	return lifecycle.Await(ctx, s.tending.Wait)
}

func (s *Service) tend(ctx context.Context) {
	look, purge := time.NewTicker(lookEvery), time.NewTicker(purgeEvery)
	defer look.Stop()
	defer purge.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-look.C:
			err = s.endElsewhere(ctx)
		case <-purge.C:
			err = s.purge(ctx)
		}
		if err != nil && ctx.Err() == nil {
			s.log.Warn("could not tend logins", "error", err)
		}
	}
}

// endElsewhere tells of the logins that ended lately, on whichever node.
func (s *Service) endElsewhere(ctx context.Context) error {
	var ended []uuid.UUID
	err := store.SystemView(ctx, s.store, "looking for ended logins", func(q db.System) (err error) {
		ended, err = q.ListEndedLogins(ctx, new(dbtype.MillisOf(s.now().Add(-lookBack))))
		return err
	})
	s.ended(ended)
	return err
}

func (s *Service) purge(ctx context.Context) error {
	return store.SystemUpdate(ctx, s.store, "forgetting logins", func(q db.System) error {
		_, err := q.DeleteExpiredLogins(ctx, dbtype.MillisOf(s.now()))
		if err == nil {
			_, err = q.DeleteEndedLogins(ctx, new(dbtype.MillisOf(s.now().Add(-keepEnded))))
		}
		return err
	})
}

// ended tells of logins that have ended.
func (s *Service) ended(ids []uuid.UUID) {
	if len(ids) == 0 {
		return
	}
	set := make(map[uuid.UUID]struct{}, len(ids))
	for _, id := range ids {
		set[id] = struct{}{}
	}
	s.cfg.Ended(func(g auth.Grant) bool {
		_, ok := set[g.Token.Login]
		return ok
	})
}

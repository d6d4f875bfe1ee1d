// Package revocation holds which tokens of other issuers are not taken any more: single ones, by their jti, and all of an entity that
// were issued up to a moment. Each is kept until the last of its tokens has ended by itself.
//
// It is asked when a token is verified, whose answer is believed for a few seconds: see [auth.Remembered], which is told of each
// revocation here and, by [Service.Start], of those on other nodes.
package revocation

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/audit"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/lifecycle"
	"github.com/elizad/elizad/server/internal/store"
)

const (
	// keepFor is how long a revocation is kept of which nobody said when its tokens end.
	keepFor = 400 * 24 * time.Hour
	// most is how many are kept.
	most      = 100_000
	lookEvery = 3 * time.Second
	// lookBack is from when on revocations are looked at again each time: clocks of nodes differ, and transactions take their time.
	lookBack = time.Minute
)

// The kinds of revocations.
const (
	ofToken  = "token"
	ofEntity = "entity"
)

// Revocation says which tokens are not taken any more.
type Revocation struct {
	Entity    uuid.UUID // whose, if they were issued up to CreatedAt; or the zero UUID
	TokenID   string    // the jti of one; or ""
	CreatedAt time.Time
	ExpiresAt time.Time // until when it is kept
}

// Holds reports whether the tokens of a grant are among them. Those of a login at this server end with it, and are none of an entity.
func (r Revocation) Holds(g auth.Grant) bool {
	switch {
	case r.TokenID != "":
		return g.Token.ID == r.TokenID
	case g.Entity != r.Entity || g.Token.Login != uuid.Nil:
		return false
	default: // tokens say the second in which they were issued
		return !g.Token.Issued.After(r.CreatedAt)
	}
}

// Logins ends the logins of an entity at this server, in a transaction; tell is called after the commit.
type Logins func(ctx context.Context, q db.Scoped, entity uuid.UUID) (tell func(), err error)

// Config is what a Service is made of. All fields are required but Logins.
type Config struct {
	Store  store.System
	Logger *slog.Logger
	Now    func() time.Time
	Ended  func(revoked func(auth.Grant) bool) // is told of tokens that are not good any more
	Logins Logins                              // nil: there are none
}

// Service revokes tokens. It is safe for concurrent use.
type Service struct {
	cfg Config

	tending sync.WaitGroup
	stop    context.CancelFunc
}

// New returns the revocations of a store. Start must follow.
func New(cfg Config) *Service { return &Service{cfg: cfg} }

// Revoke revokes the tokens of an entity, or one; expires may be zero.
func (s *Service) Revoke(ctx context.Context, who auth.Identity, entity uuid.UUID, tokenID string, expires time.Time) (r Revocation, err error) {
	now := s.cfg.Now()
	p := db.UpsertRevocationParams{Kind: ofToken, Subject: tokenID, CreatedAt: dbtype.MillisOf(now), ExpiresAt: dbtype.MillisOf(now.Add(keepFor))}
	switch {
	case (entity == uuid.Nil) == (tokenID == ""):
		return Revocation{}, apierr.New(apierr.ValidationFailed, "Say either whose tokens, by entityId, or which one, by tokenId")
	case entity != uuid.Nil:
		p.Kind, p.Subject = ofEntity, entity.String()
	}
	if !expires.IsZero() {
		if !expires.After(now) {
			return Revocation{}, apierr.New(apierr.ValidationFailed, "The tokens must end in the future")
		}
		p.ExpiresAt = dbtype.MillisOf(expires)
	}
	tell := func() {}
	err = store.Update(ctx, s.cfg.Store, who.Scope(), "revoking tokens", func(q db.Scoped) error {
		count, err := q.CountRevocations(ctx)
		if err == nil && count >= most {
			_, err = q.DeleteExpiredRevocations(ctx, dbtype.MillisOf(now))
			if err == nil {
				count, err = q.CountRevocations(ctx)
			}
		}
		if err == nil && count >= most {
			err = apierr.New(apierr.QuotaExceeded, "There are %d revocations, which is as many as there may be", most)
		}
		if err != nil {
			return err
		}
		if entity != uuid.Nil && s.cfg.Logins != nil {
			if tell, err = s.cfg.Logins(ctx, q, entity); err != nil {
				return err
			}
		}
		row, err := q.UpsertRevocation(ctx, p)
		if err != nil {
			return err
		}
		r = fromRow(row)
		return audit.Within(ctx, q, entity, "")
	})
	if err == nil {
		tell()
		s.cfg.Ended(r.Holds)
	}
	return r, err
}

// Revoked reports whether the token of a grant was revoked.
func (s *Service) Revoked(ctx context.Context, g auth.Grant) (revoked bool, err error) {
	err = store.SystemView(ctx, s.cfg.Store, "looking for revocations", func(q db.System) error {
		rows, err := q.FindRevocations(ctx, db.FindRevocationsParams{TokenID: g.Token.ID, Entity: g.Entity.String()})
		revoked = false
		for _, row := range rows {
			revoked = revoked || fromRow(row).Holds(g)
		}
		return err
	})
	return revoked, err
}

// List returns revocations, the newest first, behind offset others that are not newer than until. more reports whether there are
// others behind them.
func (s *Service) List(ctx context.Context, who auth.Identity, limit, offset int, until *time.Time) (list []Revocation, more bool, err error) {
	err = store.View(ctx, s.cfg.Store, who.Scope(), "listing revocations", func(q db.Scoped) error {
		rows, err := q.ListRevocations(ctx, db.ListRevocationsParams{Until: dbtype.Until(until), LimitRows: int64(limit) + 1, OffsetRows: int64(offset)})
		list = make([]Revocation, 0, len(rows))
		for _, row := range rows {
			list = append(list, fromRow(row))
		}
		return err
	})
	if more = len(list) > limit; more {
		list = list[:limit]
	}
	return list, more, err
}

func fromRow(row db.Revocation) Revocation {
	r := Revocation{CreatedAt: row.CreatedAt.Time(), ExpiresAt: row.ExpiresAt.Time()}
	if row.Kind == ofToken {
		r.TokenID = row.Subject
	} else if id, err := uuid.Parse(row.Subject); err == nil {
		r.Entity = id
	}
	return r
}

// Start lets those know who watch a token that another node revokes.
func (s *Service) Start(ctx context.Context) {
	ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	s.tending.Go(func() { lifecycle.Persist(ctx, s.cfg.Logger, "the tending of revocations", func() { s.tend(ctx) }) })
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
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		if err := s.endElsewhere(ctx); err != nil && ctx.Err() == nil {
			s.cfg.Logger.Warn("could not look for revocations", "error", err)
		}
	}
}

// endElsewhere tells of what was revoked lately, on whichever node.
func (s *Service) endElsewhere(ctx context.Context) error {
	var rows []db.Revocation
	err := store.SystemView(ctx, s.cfg.Store, "looking for new revocations", func(q db.System) (err error) {
		rows, err = q.ListNewRevocations(ctx, dbtype.MillisOf(s.cfg.Now().Add(-lookBack)))
		return err
	})
	if len(rows) == 0 {
		return err
	}
	entities, tokens := map[uuid.UUID]Revocation{}, map[string]Revocation{}
	for _, row := range rows {
		if r := fromRow(row); r.TokenID != "" {
			tokens[r.TokenID] = r
		} else {
			entities[r.Entity] = r
		}
	}
	s.cfg.Ended(func(g auth.Grant) bool {
		_, one := tokens[g.Token.ID]
		of, all := entities[g.Entity]
		return one && g.Token.ID != "" || all && of.Holds(g)
	})
	return err
}

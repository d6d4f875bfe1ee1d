// Package idempotency remembers the answers to requests that carried an Idempotency-Key, for a day, in the database that
// also holds their effects.
package idempotency

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/httpx"
	"github.com/elizad/elizad/server/internal/lifecycle"
	"github.com/elizad/elizad/server/internal/store"
)

const (
	retention = 24 * time.Hour
	// abandoned is how long a claim may go without renewal before its process is considered dead. One
	// that lives again gives its claims up itself.
	abandoned = 6 * time.Second
	// renewal is how often claims are renewed.
	renewal = abandoned / 3
	// sweep is how many old answers go with each new claim: more than come, so that there is never a heap of them.
	sweep = 16
)

// Config is what Keys are made of. Store, Logger and Now are required.
type Config struct {
	Store     store.System
	Logger    *slog.Logger
	Now       func() time.Time
	Owner     uuid.UUID // the instance that claims keys
	PerCaller int64     // bytes that are kept for one caller; 0: no limit
	InAll     int64     // and for all; 0: no limit
}

// Keys keeps answers in a store. It implements [httpx.Answers].
type Keys struct {
	store   store.System
	log     *slog.Logger
	now     func() time.Time
	owner   uuid.UUID
	ledger  ledger
	renewal time.Duration
	alone   atomic.Bool // no other process lives under the owner's id
	held    sync.Map    // the ids of the claims that this process has, or is about to store
}

var _ httpx.Answers = (*Keys)(nil)

// New returns the keys that a store holds.
func New(cfg Config) *Keys {
	return &Keys{
		store: cfg.Store, log: cfg.Logger, now: cfg.Now, owner: cfg.Owner, renewal: renewal,
		ledger: ledger{perCaller: cfg.PerCaller, inAll: cfg.InAll},
	}
}

// Claim implements [httpx.Answers].
func (k *Keys) Claim(ctx context.Context, network, key, fingerprint string) (httpx.Claim, *httpx.Answer, error) {
	who := auth.FromContext(ctx)
	c := &claim{keys: k, who: who, caller: callerOf(who, network), key: key, id: uuid.New()}
	k.held.Store(c.id, true)
	var row db.IdempotencyKey
	var mine bool
	err := k.store.Update(ctx, who.Scope(), func(q db.Scoped) (err error) {
		now := k.now()
		if _, err := q.DeleteOldIdempotencyKeys(ctx, db.DeleteOldIdempotencyKeysParams{
			Before: dbtype.MillisOf(now.Add(-retention)), LimitRows: sweep,
		}); err != nil {
			return err
		}
		row, mine, err = c.take(ctx, q, fingerprint, now)
		return err
	})
	if err == nil && mine {
		c.hold(ctx)
		return c, nil, nil
	}
	k.held.Delete(c.id)
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("claiming an idempotency key: %w", err)
	case row.Fingerprint != fingerprint:
		return nil, nil, apierr.New(apierr.Conflict, "The Idempotency-Key was used for another request")
	case row.Status == 0:
		return nil, nil, apierr.Wrap(httpx.ErrAtWork, apierr.Conflict, "A request with this Idempotency-Key is at work").
			WithDetails("Ask again when it has ended")
	}
	answer := &httpx.Answer{Status: int(row.Status), Body: row.Body, Digest: row.Digest}
	if err := json.Unmarshal(row.Header, &answer.Header); err != nil {
		return nil, nil, fmt.Errorf("reading a kept answer: %w", err)
	}
	return nil, answer, nil
}

// callerOf names whose keys are meant: the entity's, for each managed key apart where that is unproven, or those of the network of a
// caller without an identity.
func callerOf(who auth.Identity, network string) uuid.UUID {
	entity := who.Entity()
	switch {
	case who.Proven(), who.IsService():
		return entity
	case who.Key() != uuid.Nil:
		return uuid.NewSHA1(who.Key(), entity[:])
	case entity != uuid.Nil:
		return entity
	default:
		return uuid.NewSHA1(uuid.Nil, []byte("network:"+network))
	}
}

// Recover gives up the claims that an earlier process of the owner left open, if no other lives under its id; or, where no other
// process can work on the database, all.
func (k *Keys) Recover(ctx context.Context, returned bool) error {
	k.alone.Store(returned)
	return store.SystemUpdate(ctx, k.store, "giving up idempotency keys", func(q db.System) (err error) {
		switch {
		case k.store.Exclusive():
			_, err = q.DeleteOpenIdempotencyKeys(ctx)
		case returned:
			_, err = q.DeleteOwnersOpenIdempotencyKeys(ctx, k.owner)
		}
		return err
	})
}

// claim implements [httpx.Claim].
type claim struct {
	keys   *Keys
	who    auth.Identity
	caller uuid.UUID // whose the key is
	key    string
	id     uuid.UUID
	let    func() // ends the holding
}

// hold renews the claim until it is settled, so that only those of processes that died are taken for abandoned.
func (c *claim) hold(ctx context.Context) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx)) // the work may outlast the caller
	var holding sync.WaitGroup
	c.let = func() { cancel(); holding.Wait() }
	holding.Go(func() {
		defer lifecycle.Contain(c.keys.log, "the holding of an idempotency key")
		ticker := time.NewTicker(c.keys.renewal)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			// One that fails is made up for by the next, or the key goes to another attempt, whose answer then counts.
			_ = c.keys.store.Update(ctx, c.who.Scope(), func(q db.Scoped) error {
				_, err := q.RenewIdempotencyKey(ctx, db.RenewIdempotencyKeyParams{
					CreatedAt: dbtype.MillisOf(c.keys.now()), EntityID: c.caller, IdempotencyKey: c.key, Claim: c.id,
				})
				return err
			})
		}
	})
}

// take stores the claim, or returns the row that is in its way. Between the attempt and the look at that row another node may
// give the key up, which makes it free after all.
func (c *claim) take(ctx context.Context, q db.Scoped, fingerprint string, now time.Time) (row db.IdempotencyKey, mine bool, err error) {
	for {
		if mine, err = c.insert(ctx, q, fingerprint, now); err != nil || mine {
			return row, mine, err
		}
		row, err = q.GetIdempotencyKey(ctx, db.GetIdempotencyKeyParams{EntityID: c.caller, IdempotencyKey: c.key})
		if errors.Is(err, sql.ErrNoRows) {
			continue
		} else if err != nil {
			return row, false, err
		}
		age := now.Sub(row.CreatedAt.Time())
		if age < retention && (row.Status != 0 || age < abandoned && !c.keys.outlived(row)) {
			return row, false, nil
		}
		if _, err := q.DeleteIdempotencyKey(ctx, db.DeleteIdempotencyKeyParams{EntityID: c.caller, IdempotencyKey: c.key, Claim: row.Claim}); err != nil {
			return row, false, err
		}
	}
}

// outlived reports whether a claim is of an earlier process of the owner. [Keys.Recover] gives those up that it finds; the database
// may store one later that was on its way to it when that process ended.
func (k *Keys) outlived(row db.IdempotencyKey) bool {
	_, held := k.held.Load(row.Claim)
	return row.Owner == k.owner && !held && k.alone.Load()
}

func (c *claim) insert(ctx context.Context, q db.Scoped, fingerprint string, now time.Time) (mine bool, err error) {
	n, err := q.InsertIdempotencyKey(ctx, db.InsertIdempotencyKeyParams{
		EntityID: c.caller, IdempotencyKey: c.key, Fingerprint: fingerprint, Claim: c.id, Header: dbtype.JSON(`{}`), Body: []byte{},
		CreatedAt: dbtype.MillisOf(now), Owner: c.keys.owner,
	})
	return n > 0, err
}

// Keep implements [httpx.Claim].
func (c *claim) Keep(ctx context.Context, a httpx.Answer) error {
	c.let()
	defer c.keys.held.Delete(c.id)
	header, err := json.Marshal(a.Header)
	if err != nil {
		return fmt.Errorf("encoding an answer's header: %w", err)
	}
	if a.Body == nil {
		a.Body = []byte{}
	}
	size := int64(len(header)+len(a.Body)) + rowSize
	callerFull, full := c.keys.ledger.add(c.caller, size)
	var freed, freedOfCaller int64
	err = store.Update(ctx, c.keys.store, c.who.Scope(), "keeping an answer", func(q db.Scoped) error {
		freed, freedOfCaller = 0, 0
		if _, err := q.CompleteIdempotencyKey(ctx, db.CompleteIdempotencyKeyParams{
			Status: int64(a.Status), Header: dbtype.JSON(header), Body: a.Body, Digest: a.Digest, EntityID: c.caller, IdempotencyKey: c.key, Claim: c.id,
		}); err != nil {
			return err
		}
		if callerFull {
			lengths, err := q.DeleteCallersAnswers(ctx, db.DeleteCallersAnswersParams{EntityID: c.caller, LimitRows: evicted})
			if err != nil {
				return err
			}
			freedOfCaller = sizeOf(lengths)
		}
		if full {
			lengths, err := q.DeleteOldestAnswers(ctx, evicted)
			if err != nil {
				return err
			}
			freed = sizeOf(lengths)
		}
		return nil
	})
	if err != nil {
		return err
	}
	c.keys.ledger.free(c.caller, freedOfCaller, freed)
	return nil
}

// Release implements [httpx.Claim].
func (c *claim) Release(ctx context.Context) error {
	c.let()
	defer c.keys.held.Delete(c.id)
	return store.Update(ctx, c.keys.store, c.who.Scope(), "releasing an idempotency key", func(q db.Scoped) error {
		_, err := q.DeleteIdempotencyKey(ctx, db.DeleteIdempotencyKeyParams{EntityID: c.caller, IdempotencyKey: c.key, Claim: c.id})
		return err
	})
}

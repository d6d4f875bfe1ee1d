// Package idempotency remembers the answers to requests that carried an Idempotency-Key, for a day, in the database that
// also holds their effects.
package idempotency

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/httpx"
	"github.com/elizad/elizad/server/internal/store"
)

const (
	retention = 24 * time.Hour
	// abandoned is how long nothing is heard of a request at work before its claim is taken for that of a process that died.
	abandoned = 15 * time.Second
	// renewal is how often something is heard.
	renewal = abandoned / 3
	// sweep is how many old answers go with each new claim: more than come, so that there is never a heap of them.
	sweep = 16
)

// Keys keeps answers in a store. It implements [httpx.Answers].
type Keys struct {
	store   store.Store
	now     func() time.Time
	renewal time.Duration
}

var _ httpx.Answers = (*Keys)(nil)

// New returns the keys that a store holds. now is the clock.
func New(s store.Store, now func() time.Time) *Keys {
	return &Keys{store: s, now: now, renewal: renewal}
}

// Claim implements [httpx.Answers].
func (k *Keys) Claim(ctx context.Context, key, fingerprint string) (httpx.Claim, *httpx.Answer, error) {
	who := auth.FromContext(ctx)
	c := &claim{keys: k, who: who, key: key, id: uuid.New()}
	var row db.IdempotencyKey
	var mine bool
	err := k.store.Update(ctx, who.Scope(), func(q db.Querier) (err error) {
		now := k.now()
		if _, err := q.DeleteOldIdempotencyKeys(ctx, db.DeleteOldIdempotencyKeysParams{
			Before: dbtype.MillisOf(now.Add(-retention)), LimitRows: sweep,
		}); err != nil {
			return err
		}
		row, mine, err = c.take(ctx, q, fingerprint, now)
		return err
	})
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("claiming an idempotency key: %w", err)
	case mine:
		c.hold(ctx)
		return c, nil, nil
	case row.Fingerprint != fingerprint:
		return nil, nil, apierr.New(apierr.Conflict, "The Idempotency-Key was used for another request")
	case row.Status == 0:
		return nil, nil, apierr.Wrap(httpx.ErrAtWork, apierr.Conflict, "A request with this Idempotency-Key is at work").
			WithDetails("Ask again when it has ended")
	}
	answer := &httpx.Answer{Status: int(row.Status), Body: row.Body}
	if err := json.Unmarshal(row.Header, &answer.Header); err != nil {
		return nil, nil, fmt.Errorf("reading a kept answer: %w", err)
	}
	return nil, answer, nil
}

// Recover gives up the claims of a process that is gone. Only right while no other process works on the database.
func (k *Keys) Recover(ctx context.Context) error {
	if !k.store.Exclusive() {
		return nil
	}
	err := k.store.Update(ctx, auth.Service().Scope(), func(q db.Querier) error {
		_, err := q.DeleteOpenIdempotencyKeys(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("giving up idempotency keys: %w", err)
	}
	return nil
}

// claim implements [httpx.Claim].
type claim struct {
	keys *Keys
	who  auth.Identity
	key  string
	id   uuid.UUID
	let  func() // ends the holding
}

// hold renews the claim until it is settled, so that only those of processes that died are taken for abandoned.
func (c *claim) hold(ctx context.Context) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx)) // the work may outlast the caller
	var holding sync.WaitGroup
	c.let = func() { cancel(); holding.Wait() }
	holding.Go(func() {
		ticker := time.NewTicker(c.keys.renewal)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			// One that fails is made up for by the next, or the key goes to another attempt, whose answer then counts.
			_ = c.keys.store.Update(ctx, c.who.Scope(), func(q db.Querier) error {
				_, err := q.RenewIdempotencyKey(ctx, db.RenewIdempotencyKeyParams{
					CreatedAt: dbtype.MillisOf(c.keys.now()), EntityID: c.who.EntityID, IdempotencyKey: c.key, Claim: c.id,
				})
				return err
			})
		}
	})
}

// take stores the claim, or returns the row that is in its way. Between the attempt and the look at that row another node may
// give the key up, which makes it free after all.
func (c *claim) take(ctx context.Context, q db.Querier, fingerprint string, now time.Time) (row db.IdempotencyKey, mine bool, err error) {
	for {
		if mine, err = c.insert(ctx, q, fingerprint, now); err != nil || mine {
			return row, mine, err
		}
		row, err = q.GetIdempotencyKey(ctx, db.GetIdempotencyKeyParams{EntityID: c.who.EntityID, IdempotencyKey: c.key})
		if errors.Is(err, sql.ErrNoRows) {
			continue
		} else if err != nil {
			return row, false, err
		}
		age := now.Sub(row.CreatedAt.Time())
		if age < retention && (row.Status != 0 || age < abandoned) {
			return row, false, nil
		}
		if _, err := q.DeleteIdempotencyKey(ctx, db.DeleteIdempotencyKeyParams{EntityID: c.who.EntityID, IdempotencyKey: c.key, Claim: row.Claim}); err != nil {
			return row, false, err
		}
	}
}

func (c *claim) insert(ctx context.Context, q db.Querier, fingerprint string, now time.Time) (mine bool, err error) {
	n, err := q.InsertIdempotencyKey(ctx, db.InsertIdempotencyKeyParams{
		EntityID: c.who.EntityID, IdempotencyKey: c.key, Fingerprint: fingerprint, Claim: c.id, Header: dbtype.JSON(`{}`), Body: []byte{},
		CreatedAt: dbtype.MillisOf(now),
	})
	return n > 0, err
}

// Keep implements [httpx.Claim].
func (c *claim) Keep(ctx context.Context, a httpx.Answer) error {
	c.let()
	header, err := json.Marshal(a.Header)
	if err != nil {
		return fmt.Errorf("encoding an answer's header: %w", err)
	}
	if a.Body == nil {
		a.Body = []byte{}
	}
	err = c.keys.store.Update(ctx, c.who.Scope(), func(q db.Querier) error {
		_, err := q.CompleteIdempotencyKey(ctx, db.CompleteIdempotencyKeyParams{
			Status: int64(a.Status), Header: dbtype.JSON(header), Body: a.Body, EntityID: c.who.EntityID, IdempotencyKey: c.key, Claim: c.id,
		})
		return err
	})
	if err != nil {
		return fmt.Errorf("keeping an answer: %w", err)
	}
	return nil
}

// Release implements [httpx.Claim].
func (c *claim) Release(ctx context.Context) error {
	c.let()
	err := c.keys.store.Update(ctx, c.who.Scope(), func(q db.Querier) error {
		_, err := q.DeleteIdempotencyKey(ctx, db.DeleteIdempotencyKeyParams{EntityID: c.who.EntityID, IdempotencyKey: c.key, Claim: c.id})
		return err
	})
	if err != nil {
		return fmt.Errorf("releasing an idempotency key: %w", err)
	}
	return nil
}

package storetest

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/apierr"
)

func testKeys(t *testing.T, setup func(t *testing.T) *fixture) {
	key := func(hash string, at dbtype.Millis) db.InsertAPIKeyParams {
		return db.InsertAPIKeyParams{ID: uuid.New(), Name: "n", Prefix: "elz_x", Hash: []byte(hash), Scopes: "read chat", CreatedAt: at}
	}
	anyKey := func(q db.System, ctx context.Context, _ struct{}) (uuid.UUID, error) { return q.GetAnyAPIKey(ctx) }
	count := func(q db.System, ctx context.Context, _ struct{}) (int64, error) { return q.CountAPIKeys(ctx) }

	t.Run("made, found, used, revoked", func(t *testing.T) {
		f := setup(t)
		if err := failing(t, f, anyKey, struct{}{}); !apierr.IsCode(err, apierr.NotFound) {
			t.Errorf("any key: %v", err)
		}
		entity, maker := uuid.New(), uuid.New()
		made := key("\x00\xff", start)
		made.EntityID, made.CreatedBy, made.ExpiresAt = &entity, &maker, new(start+9)
		updated(t, f, db.System.InsertAPIKey, made)
		if id := viewed(t, f, anyKey, struct{}{}); id != made.ID {
			t.Errorf("any key: %s", id)
		}
		got := viewed(t, f, db.System.FindAPIKey, made.Hash)
		if got.ID != made.ID || *got.EntityID != entity || *got.CreatedBy != maker || *got.ExpiresAt != start+9 || got.Scopes != "read chat" || got.LastUsedAt != nil || got.RevokedAt != nil {
			t.Errorf("found %+v", got)
		}
		f.view(t, func(ctx context.Context, q db.System) error {
			if _, err := q.FindAPIKey(ctx, []byte("\x00")); !errors.Is(err, sql.ErrNoRows) {
				t.Errorf("another hash: %v", err)
			}
			return nil
		})
		again := key("\x00\xff", start)
		if err := failing(t, f, db.System.InsertAPIKey, again); !apierr.IsCode(err, apierr.Conflict) {
			t.Errorf("the same hash: %v", err)
		}
		for _, use := range []struct{ at, rows dbtype.Millis }{{start + 5, 1}, {start + 5, 0}, {start + 4, 0}, {start + 6, 1}} {
			if n := updated(t, f, db.System.UseAPIKey, db.UseAPIKeyParams{LastUsedAt: new(use.at), ID: made.ID}); n != int64(use.rows) {
				t.Errorf("used at %d: %d rows, want %d", use.at-start, n, use.rows)
			}
		}
		for _, at := range []dbtype.Millis{start + 7, start + 8} {
			row := updated(t, f, db.System.RevokeAPIKey, db.RevokeAPIKeyParams{RevokedAt: new(at), ID: made.ID})
			if *row.RevokedAt != start+7 || *row.LastUsedAt != start+6 {
				t.Errorf("revoked: %+v", row)
			}
		}
		if got := viewed(t, f, db.System.GetAPIKey, made.ID); *got.RevokedAt != start+7 {
			t.Errorf("read %+v", got)
		}
	})

	t.Run("listed, and making room", func(t *testing.T) {
		f := setup(t)
		var made []db.InsertAPIKeyParams
		for i, hash := range []string{"a", "b", "c", "d"} {
			k := key(hash, start+dbtype.Millis(i))
			if hash == "b" {
				k.ExpiresAt = new(start + 10)
			}
			updated(t, f, db.System.InsertAPIKey, k)
			made = append(made, k)
		}
		updated(t, f, db.System.RevokeAPIKey, db.RevokeAPIKeyParams{RevokedAt: new(start + 5), ID: made[2].ID})
		page := viewed(t, f, db.System.ListAPIKeys, db.ListAPIKeysParams{Until: start + 2, LimitRows: 2, OffsetRows: 1})
		if len(page) != 2 || page[0].ID != made[1].ID || page[1].ID != made[0].ID {
			t.Errorf("listed %+v", page)
		}
		for _, want := range []struct {
			at         dbtype.Millis
			rows, left int64
		}{{start + 9, 1, 3}, {start + 9, 0, 3}, {start + 10, 1, 2}, {start + 11, 0, 2}} {
			if n := updated(t, f, db.System.DeleteEndedAPIKey, new(want.at)); n != want.rows {
				t.Errorf("at %d: %d went, want %d", want.at-start, n, want.rows)
			}
			if n := viewed(t, f, count, struct{}{}); n != want.left {
				t.Errorf("at %d: %d are left, want %d", want.at-start, n, want.left)
			}
		}
	})
}

package store

import (
	"context"
	"time"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
)

// IsolatedSince returns since when the tenant's data has been kept isolated, by a server with that setting; ok is false if it isn't.
func IsolatedSince(ctx context.Context, s System) (since time.Time, ok bool, err error) {
	var at *dbtype.Millis
	err = SystemView(ctx, s, "reading whether data is isolated", func(q db.System) (err error) {
		at, err = q.IsolatedSince(ctx)
		return err
	})
	if err != nil || at == nil {
		return time.Time{}, false, err
	}
	return at.Time(), true, nil
}

// SetIsolated notes that the tenant's data is isolated from now on, or that it isn't any longer.
func SetIsolated(ctx context.Context, s System, isolated bool) error {
	return SystemUpdate(ctx, s, "noting whether data is isolated", func(q db.System) (err error) {
		if !isolated {
			return q.EndIsolation(ctx)
		}
		_, err = q.NoteIsolation(ctx, new(dbtype.MillisOf(time.Now())))
		return err
	})
}

package store

import (
	"context"
	"time"

	"github.com/google/uuid"

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

// Naming is a server id under which agents of the tenant may have been named, and how often it has given away all that it had.
type Naming struct {
	ServerID uuid.UUID
	Given    int
}

// Namings lists the server ids under which the tenant's agents may have been named: those whose data it has taken over, and its own, the last.
func Namings(ctx context.Context, s System) (out []Naming, err error) {
	err = SystemView(ctx, s, "reading what the tenant has taken over", func(q db.System) error {
		rows, err := q.ListNamings(ctx)
		out = nil
		for _, row := range rows {
			out = append(out, Naming{row.ServerID, int(row.Given)})
		}
		return err
	})
	return out, err
}

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/server/apierr"
)

// View runs fn as [Store.View] does; its error says what was being done.
func View(ctx context.Context, st Store, scope Scope, doing string, fn func(q db.Scoped) error) error {
	return while(doing, st.View(ctx, scope, fn))
}

// Update runs fn as [Store.Update] does; its error says what was being done.
func Update(ctx context.Context, st Store, scope Scope, doing string, fn func(q db.Scoped) error) error {
	return while(doing, st.Update(ctx, scope, fn))
}

// SystemView runs fn as [System.SystemView] does; its error says what was being done.
func SystemView(ctx context.Context, st System, doing string, fn func(q db.System) error) error {
	return while(doing, st.SystemView(ctx, fn))
}

// SystemUpdate runs fn as [System.SystemUpdate] does; its error says what was being done.
func SystemUpdate(ctx context.Context, st System, doing string, fn func(q db.System) error) error {
	return while(doing, st.SystemUpdate(ctx, fn))
}

func while(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// NotFound makes of "no rows" a NOT_FOUND in the words of format; every other error, and nil, stays as it is.
func NotFound(err error, format string, args ...any) error {
	if errors.Is(err, sql.ErrNoRows) {
		return apierr.Wrap(err, apierr.NotFound, format, args...)
	}
	return err
}

package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/store"
)

func TestTranslate(t *testing.T) {
	t.Parallel()
	engine := errors.New("the engine's own words")
	as := func(fault store.Fault) func(error) store.Fault {
		return func(error) store.Fault { return fault }
	}
	for name, tt := range map[string]struct {
		err      error
		classify func(error) store.Fault
		want     apierr.Code
	}{
		"duplicate":          {engine, as(store.FaultUnique), apierr.Conflict},
		"missing reference":  {engine, as(store.FaultReference), apierr.NotFound},
		"text":               {engine, as(store.FaultText), apierr.ValidationFailed},
		"number":             {engine, as(store.FaultNumber), apierr.ValidationFailed},
		"gone":               {engine, as(store.FaultUnavailable), apierr.Unavailable},
		"too slow":           {engine, as(store.FaultTimeout), apierr.Timeout},
		"unknown":            {engine, as(store.FaultOther), apierr.Internal},
		"no row":             {fmt.Errorf("reading: %w", sql.ErrNoRows), as(store.FaultOther), apierr.NotFound},
		"cancelled":          {fmt.Errorf("reading: %w", context.Canceled), as(store.FaultTimeout), apierr.Cancelled},
		"deadline":           {context.DeadlineExceeded, as(store.FaultOther), apierr.Timeout},
		"the domain's error": {apierr.Wrap(sql.ErrNoRows, apierr.QueueFull, "Full"), as(store.FaultUnique), apierr.QueueFull},
	} {
		got := store.Translate(tt.err, tt.classify)
		if code := apierr.From(got).Code; code != tt.want {
			t.Errorf("%s: %s, want %s", name, code, tt.want)
		}
		if !errors.Is(got, tt.err) {
			t.Errorf("%s: the cause is lost in %v", name, got)
		}
	}
	if err := store.Translate(nil, as(store.FaultUnique)); err != nil {
		t.Errorf("nil became %v", err)
	}
}

// failing is a store whose transactions all end with an error.
type failing struct {
	store.System
	err error
}

func (f failing) View(context.Context, store.Scope, func(db.Scoped) error) error   { return f.err }
func (f failing) Update(context.Context, store.Scope, func(db.Scoped) error) error { return f.err }
func (f failing) SystemView(context.Context, func(db.System) error) error          { return f.err }
func (f failing) SystemUpdate(context.Context, func(db.System) error) error        { return f.err }

func TestErrorNamesTheOperation(t *testing.T) {
	t.Parallel()
	cause := apierr.New(apierr.QueueFull, "Full")
	for _, err := range []error{
		store.SystemView(t.Context(), failing{err: cause}, "posting a message", nil),
		store.SystemUpdate(t.Context(), failing{err: cause}, "posting a message", nil),
		store.SystemView(t.Context(), failing{err: cause}, "posting a message", nil),
		store.SystemUpdate(t.Context(), failing{err: cause}, "posting a message", nil),
	} {
		if !errors.Is(err, cause) || strings.Count(err.Error(), "posting a message") != 1 {
			t.Errorf("error %v", err)
		}
	}
	if err := store.SystemUpdate(t.Context(), failing{}, "posting a message", nil); err != nil {
		t.Errorf("no error became %v", err)
	}
	if err := store.NotFound(fmt.Errorf("reading: %w", sql.ErrNoRows), "%s not found", "Agent"); !apierr.IsCode(err, apierr.NotFound) {
		t.Errorf("no row became %v", err)
	}
	if err := store.NotFound(cause, "Agent not found"); !errors.Is(err, cause) {
		t.Errorf("another error became %v", err)
	}
}

func TestIsRead(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]bool{
		"-- name: Found :many\nWITH a AS (SELECT 1)\nSELECT updated_at FROM a":        true,
		"-- name: Claim :many\nWITH a AS (SELECT 1)\nUPDATE t SET x = 1 RETURNING *":  false,
		"-- name: Move :many\nWITH a AS (DELETE FROM t RETURNING *)\nSELECT * FROM a": false,
		"-- name: GetAgent :one\nSELECT * FROM agents":                                true,
		"SELECT 1": true,
		"-- name: InsertAgent :one\nINSERT INTO agents VALUES (1)":         false,
		"-- name: ClaimTurns :many\nWITH heads AS (SELECT 1) UPDATE turns": false,
		"-- name: Selected :exec\nDELETE FROM agents":                      false,
		"": false,
	} {
		if got := store.IsRead(query); got != want {
			t.Errorf("IsRead(%q) = %t", query, got)
		}
	}
}

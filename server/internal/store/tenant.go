package store

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/gen/unscoped"
	"github.com/elizad/elizad/queries/dbtype"
)

// DefaultTenant is the number of the tenant whose data a server keeps that was given no server id.
const DefaultTenant = 1

// Tenant says whose data a store keeps. The zero Tenant is the default one.
type Tenant struct {
	ServerID uuid.UUID // of ELIZA_SERVER_ID
	Name     string    // as the operator wrote it
}

// Engine runs transactions whose queries take their scope as arguments.
type Engine interface {
	// Read runs fn as [Store.View] does.
	Read(ctx context.Context, fn func(q unscoped.Querier) error) error

	// Write runs fn as [Store.Update] does.
	Write(ctx context.Context, fn func(q unscoped.Querier) error) error

	// ReadOf is Read of the rows of a tenant, whose number the queries name.
	ReadOf(ctx context.Context, tenant int64, fn func(q unscoped.Querier) error) error

	// Across runs fn as one transaction over all tenants; it may be run again, as for [Store.Update]. It fails where another server may
	// work on the database, unless alone says that none does which matters.
	Across(ctx context.Context, alone bool, fn func(q Across) error) error
}

// Bound binds the transactions of an engine to one tenant. The implementations of [System] embed it. Make it with [Bind].
type Bound struct {
	engine Engine
	tenant int64
}

// Number returns the number of the tenant in a database, which is given out at the first time.
func (t Tenant) Number(ctx context.Context, q unscoped.Querier) (int64, error) {
	if t.ServerID == uuid.Nil {
		return DefaultTenant, nil
	}
	number, err := q.EnsureTenant(ctx, unscoped.EnsureTenantParams{ServerID: t.ServerID, Name: t.Name, CreatedAt: dbtype.MillisOf(time.Now())})
	return number, while("looking up the tenant", err)
}

// Bind binds the transactions of an engine to the tenant with a number.
func Bind(engine Engine, tenant int64) Bound { return Bound{engine: engine, tenant: tenant} }

// View implements [Store].
func (b Bound) View(ctx context.Context, scope Scope, fn func(q db.Scoped) error) error {
	return b.engine.Read(ctx, func(q unscoped.Querier) error { return fn(b.scoped(q, scope)) })
}

// Update implements [Store].
func (b Bound) Update(ctx context.Context, scope Scope, fn func(q db.Scoped) error) error {
	return b.engine.Write(ctx, func(q unscoped.Querier) error { return fn(b.scoped(q, scope)) })
}

// SystemView implements [System].
func (b Bound) SystemView(ctx context.Context, fn func(q db.System) error) error {
	return b.engine.Read(ctx, func(q unscoped.Querier) error { return fn(db.NewSystem(q, b.tenant)) })
}

// SystemUpdate implements [System].
func (b Bound) SystemUpdate(ctx context.Context, fn func(q db.System) error) error {
	return b.engine.Write(ctx, func(q unscoped.Querier) error { return fn(db.NewSystem(q, b.tenant)) })
}

// Tenants implements [System].
func (b Bound) Tenants(ctx context.Context) ([]Tenant, error) {
	holdings, err := b.tenants(ctx)
	tenants := make([]Tenant, len(holdings))
	for i, h := range holdings {
		tenants[i] = h.Tenant
	}
	return tenants, while("listing tenants", err)
}

func (b Bound) scoped(q unscoped.Querier, scope Scope) db.Scoped {
	return db.NewScoped(q, db.Scope{Tenant: b.tenant, Viewer: scope.Viewer, Everyone: scope.Everyone})
}

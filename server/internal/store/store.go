// Package store is the seam between the domain and the databases.
//
// A [Store] runs functions over a [db.Scoped]: [Store.View] for reads, [Store.Update] for everything that writes, as one
// transaction. The domain calls the functions [View] and [Update], whose errors say what was being done. What the server does by
// itself, for no caller, is the work of a [System]. Two implementations behave alike and are held to it by the suite in storetest:
// sqlitestore for one process and pgstore for many. To add a query, write it under queries/, with its scope, run go generate ./gen,
// and add a case to storetest.
//
// A store is opened for one [Tenant]. Nobody who uses it can name another: the tenant is no argument of any query that it runs.
package store

import (
	"context"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
)

// Scope says on whose behalf the domain uses the database, within the tenant of the store. Package auth makes it of an identity.
type Scope struct {
	Viewer   uuid.UUID // the user or agent; the zero UUID for none
	Everyone bool      // sees what everyone sees who belongs to the tenant
}

// Store is one database. It is safe for concurrent use.
//
// The errors of View and Update are classified once, here: an [apierr.Error] returned by fn passes unchanged;
// [sql.ErrNoRows] and a reference to a missing row become NOT_FOUND, a duplicate becomes CONFLICT; the end of a context
// keeps its identity; anything else that [Translate] doesn't know is wrapped as it is and is an internal error to the
// outside. Inside fn the errors are the driver's own, except that errors.Is(err, sql.ErrNoRows) holds on every engine.
//
// In both methods fn uses q from one goroutine, must not keep q, and must not call View or Update: each call holds a
// connection, of which there are few.
type Store interface {
	// View runs fn for reading, on behalf of scope. Each query sees everything that was committed before it started; two queries of
	// one fn may see different states. A query that writes fails.
	View(ctx context.Context, scope Scope, fn func(q db.Scoped) error) error

	// Update runs fn as one transaction and returns nil only when it is committed and durable. When fn returns an error, or
	// panics, or ignores the error of a query other than sql.ErrNoRows, nothing of it is stored.
	//
	// fn may be run again when the engine asks for it, so it must have no effect but through q and must set, not accumulate,
	// what it captures. It must not wait for anything but q, and leaves searches for words to View: here they may miss what
	// was stored within the last second. A caller whose context ends before fn began gets the context's
	// error and fn never runs; afterwards Update may wait for the outcome.
	Update(ctx context.Context, scope Scope, fn func(q db.Scoped) error) error

	// Exclusive reports whether this process is the only one on the database: leases that a dead process left may then be
	// taken at once.
	Exclusive() bool

	// Ping checks that the database answers.
	Ping(ctx context.Context) error

	// Engine is "sqlite" or "postgres".
	Engine() string

	// Close waits for what was begun and releases the database. Later calls of View and Update fail with UNAVAILABLE.
	Close() error
}

// System is a store with the queries of the server's own work: claims, leases, expiry, and what a turn or a sweep does for all. It
// is given to the parts that do such work; which of their functions may, archtest lists.
type System interface {
	Store

	// SystemView is View for the system.
	SystemView(ctx context.Context, fn func(q db.System) error) error

	// SystemUpdate is Update for the system.
	SystemUpdate(ctx context.Context, fn func(q db.System) error) error

	// Tenants lists all tenants of the database, the default one first. To work for another of them, open a store of its own.
	Tenants(ctx context.Context) ([]Tenant, error)

	// Holdings, LeftBehind and Adopt look at, and move, what other tenants hold: see the methods of [Bound].
	Holdings(ctx context.Context) ([]Holding, error)
	LeftBehind(ctx context.Context) (Left, error)
	Adopt(ctx context.Context, a Adopt) (Adoption, error)
}

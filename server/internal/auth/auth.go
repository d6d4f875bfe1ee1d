// Package auth identifies callers.
//
// An [Identity] is decided once, where a request or a socket enters, and travels in the context; domain methods take it as
// an argument. API keys guard the doors when the operator has set any; behind them every caller may see what every other may,
// for the [store.Scope] that the domain hands to each transaction narrows nothing yet.
package auth

import (
	"context"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/store"
)

// Identity identifies a caller.
type Identity struct {
	// EntityID is the person or agent behind the request; the zero UUID is an anonymous caller. Without data isolation it
	// is what the caller says it is: a default for authorship, never a proof.
	EntityID uuid.UUID
	// Scopes is what the caller may do, judging by the credentials alone.
	Scopes Scopes
	// Key is the managed key that was presented; the zero UUID for other credentials, and none.
	Key uuid.UUID
	// Service marks the server's own parts, such as an agent at work.
	Service bool
}

// Service returns the identity of the server's own parts.
func Service() Identity { return Identity{Service: true} }

// Entity returns the identity of a caller known by id.
func Entity(id uuid.UUID) Identity { return Identity{EntityID: id} }

// SeesAll reports whether lists are not narrowed to the caller's own: for the server's own parts, and for callers without an
// identity.
func (i Identity) SeesAll() bool { return i.Service || i.EntityID == uuid.Nil }

// Scope returns i for a transaction of the store. It restricts nothing yet: see [store.Scope].
func (i Identity) Scope() store.Scope { return store.Scope{Viewer: i.EntityID, Everyone: true} }

type contextKey struct{}

// NewContext returns a context that carries i.
func NewContext(ctx context.Context, i Identity) context.Context {
	return context.WithValue(ctx, contextKey{}, i)
}

// FromContext returns the identity in ctx, or an anonymous one.
func FromContext(ctx context.Context) Identity {
	i, _ := ctx.Value(contextKey{}).(Identity)
	return i
}

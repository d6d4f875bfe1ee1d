// Package auth identifies callers.
//
// An [Identity] is decided once, where a request or a socket enters, by [Guard.Admit], and travels in the context; domain methods
// take it as an argument. Nothing outside of this package makes or changes one otherwise, but for [System], [Agent] and [Claimed], whose
// callers archtest lists. Credentials guard the doors when the operator has set any. Behind them every caller may see what every
// other may, unless the guard is [Guard.Isolating]: then the [store.Scope] that the domain hands to each transaction shows a caller
// the conversations in which it takes part, and no others.
package auth

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/store"
)

// Kind says what kind of caller somebody is.
type Kind uint8

// The kinds of callers.
const (
	Anonymous Kind = iota // has neither shown nor said anything
	Claiming              // says who it is, without proof
	KeyHolder             // has shown a key, and says who it is without proof
	User                  // has proven who it is
	Service               // has proven that it speaks for others
	Server                // is a part of the server itself
	Worker                // is an agent at work on a turn
)

// String returns the kind in words.
func (k Kind) String() string {
	return [...]string{"anonymous", "claiming", "key holder", "user", "service", "server", "agent"}[k]
}

// Proof says how a caller has proven what it is.
type Proof string

// The proofs.
const (
	NoProof         Proof = ""
	ByKey           Proof = "key"         // of the server's settings, or the owner's token
	ByManagedKey    Proof = "managed key" // that was made while the server ran
	ByToken         Proof = "token"       // that an issuer of the operator's has signed
	ByServiceSecret Proof = "service secret"
	ByItself        Proof = "itself" // it is the server
)

// Identity identifies a caller. The zero value is an anonymous one that may do nothing which needs a scope.
type Identity struct {
	entity uuid.UUID
	bound  bool // the entity is proven, and no other may be named
	kind   Kind
	narrow bool // sees what is its own, unless its scopes say more
	scopes Scopes
	proof  Proof
	key    uuid.UUID
	token  Token
	until  time.Time // zero: not known beforehand
	file   time.Time // until when the address of the file that is asked for is good; zero: it has no signature
}

// Token says which token a grant is of. The zero value is that of what is none.
type Token struct {
	ID     string    // its jti; "" if it has none
	Login  uuid.UUID // the login at this server that it belongs to; the zero UUID for another issuer's
	Issued time.Time // zero if it doesn't say
}

// System returns the identity of the server's own parts.
func System() Identity { return Identity{kind: Server, proof: ByItself, scopes: AllScopes} }

// Agent returns the identity of an agent at work: it speaks for itself alone, and sees the conversations in which it takes part, also
// where data is not isolated.
func Agent(id uuid.UUID) Identity {
	return Identity{entity: id, bound: true, kind: Worker, narrow: true, proof: ByItself, scopes: ScopeRead | ScopeChat}
}

// Claimed returns the identity of a caller who says who it is, where nothing is to be proven.
func Claimed(entity uuid.UUID) Identity { return Identity{}.Named(entity) }

// Named returns i under the name that it claims: unchanged if that is the zero UUID, if who it is was proven, or if it would see what
// is another's by that.
func (i Identity) Named(entity uuid.UUID) Identity {
	if entity == uuid.Nil || i.bound || !i.SeesEveryone() {
		return i
	}
	i.entity = entity
	if i.kind == Anonymous {
		i.kind = Claiming
	}
	return i
}

// Entity returns the person or agent behind the request; the zero UUID for a caller who hasn't said. Unless [Identity.Proven] it is
// a default for authorship, never a proof.
func (i Identity) Entity() uuid.UUID { return i.entity }

// Proven reports whether the caller has proven which entity it is.
func (i Identity) Proven() bool { return i.bound }

// Kind returns what kind of caller it is.
func (i Identity) Kind() Kind { return i.kind }

// Scopes returns what the caller may do, judging by the credentials alone.
func (i Identity) Scopes() Scopes { return i.scopes }

// Proof returns how the caller has proven what it is.
func (i Identity) Proof() Proof { return i.proof }

// Key returns the managed key that was presented; the zero UUID for other credentials, and none.
func (i Identity) Key() uuid.UUID { return i.key }

// Token returns the token that was presented; the zero value for other credentials, and none.
func (i Identity) Token() Token { return i.token }

// Until returns when the proof ends; the zero time if that is not known beforehand.
func (i Identity) Until() time.Time { return i.until }

// Principal names who has proven what it is, wherever it calls from: an entity, or else a managed key. It is empty for callers
// without proof, and for those with the key of the settings, which all may share.
func (i Identity) Principal() string {
	switch {
	case i.bound:
		return "entity " + i.entity.String()
	case i.key != uuid.Nil:
		return "key " + i.key.String()
	default:
		return ""
	}
}

// IsService reports whether the caller may speak for others: a part of the server, or a program that has shown that it may.
func (i Identity) IsService() bool { return i.kind == Service || i.kind == Server }

// SeesEveryone reports whether the caller may see what others wrote in conversations in which it takes no part: everybody where data
// is not isolated, and where it is, administrators and services.
func (i Identity) SeesEveryone() bool { return !i.narrow || i.IsService() || i.scopes&ScopeAdmin != 0 }

// SeesAgents reports whether the caller may see what belongs to agents, such as their files: everybody where data is not isolated.
func (i Identity) SeesAgents() bool { return i.SeesEveryone() || i.scopes&ScopeManage != 0 }

// withFile returns i for a request for one file, with an address that is good until then.
func (i Identity) withFile(until time.Time) Identity {
	i.narrow, i.file = false, until
	return i
}

// FileUntil returns until when the address is good of the file that is asked for; the zero time for one without a signature.
func (i Identity) FileUntil() time.Time { return i.file }

// SeesAll reports whether lists are not narrowed to the caller's own: for services, and for callers without an identity who may see
// all.
func (i Identity) SeesAll() bool { return i.IsService() || i.entity == uuid.Nil && i.SeesEveryone() }

// MayBe reports whether the caller may speak and act as an entity: only as itself, if it has proven who it is, or else as whomever it
// names, if it sees everyone.
func (i Identity) MayBe(entity uuid.UUID) bool {
	if i.bound {
		return i.IsService() || i.entity == entity
	}
	return i.SeesEveryone()
}

// Scope returns i for a transaction of the store.
func (i Identity) Scope() store.Scope {
	return store.Scope{Viewer: i.entity, Everyone: i.SeesEveryone()}
}

type (
	contextKey struct{}
	guardKey   struct{}
)

// Watch calls ended once, from another goroutine, when what the caller of a request has proven ends, unless stop is called before. ctx
// is that of the request.
func Watch(ctx context.Context, ended func()) (stop func()) {
	guard, _ := ctx.Value(guardKey{}).(Guard)
	return guard.Watch(FromContext(ctx), ended)
}

// NewContext returns a context that carries i.
func NewContext(ctx context.Context, i Identity) context.Context {
	return context.WithValue(ctx, contextKey{}, i)
}

// FromContext returns the identity in ctx, or an anonymous one.
func FromContext(ctx context.Context) Identity {
	i, _ := ctx.Value(contextKey{}).(Identity)
	return i
}

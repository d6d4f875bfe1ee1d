package auth

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"math"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/time/rate"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/lifecycle"
	"github.com/elizad/elizad/server/internal/throttle"
)

// maxFailures is how many wrong credentials one caller may present per failureWindow.
const (
	maxFailures   = 10
	failureWindow = 15 * time.Minute
)

// ErrRefused is the answer to a credential that is missing or wrong.
var ErrRefused = errors.New("credential is missing or wrong")

// ErrEnded is an [ErrRefused] for a credential that was right once. It is no guess, and not counted as one.
var ErrEnded = fmt.Errorf("%w: it has ended", ErrRefused)

// BlockedError is the answer to every credential, right or wrong, of a caller that has presented too many wrong ones.
type BlockedError struct {
	Wait time.Duration // until it is worth to try again
}

// Error says what has happened, in words for people.
func (e *BlockedError) Error() string {
	return "Too many wrong credentials from this address. Please try again later."
}

// RetryAfter returns the wait in whole seconds, at least one.
func (e *BlockedError) RetryAfter() int { return max(1, int(math.Ceil(e.Wait.Seconds()))) }

// Public returns the error as callers get it on the wire.
func (e *BlockedError) Public() *apierr.Error {
	return apierr.Wrap(e, apierr.RateLimited, "%s", e.Error()).WithDetails(fmt.Sprintf("Retry after %d seconds", e.RetryAfter()))
}

// Failures counts the wrong credentials of each caller, wherever they are presented and whichever secret they are
// meant for. Callers are networks, as httpx.ClientNetwork names them.
//
// A caller over the limit learns nothing from any answer: the right key is refused like a wrong one. For the owner
// behind the same address this must not last, so one more key is looked at every 90 seconds, a right one costs nothing, and
// a client that keeps repeating the same wrong key, which is what a forgotten one does, doesn't use that up.
type Failures struct {
	log *slog.Logger
	now func() time.Time

	mu      sync.Mutex
	seed    maphash.Seed
	callers throttle.Callers[*record]
}

// record is what is known about a caller that presented a wrong credential.
type record struct {
	bucket *rate.Limiter
	tried  []uint64 // hashes of wrong credentials, at most maxFailures
	over   bool     // it used up its bucket, which has not been full since
}

// NewFailures returns an empty count. now is the clock; nil means [time.Now].
func NewFailures(log *slog.Logger, now func() time.Time) *Failures {
	if now == nil {
		now = time.Now
	}
	return &Failures{log: log, now: now, seed: maphash.MakeSeed()}
}

// Wait returns how long a caller's credentials are not looked at; 0 if they are.
func (f *Failures) Wait(caller string) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	r, known := f.callers.Get(caller)
	if !known {
		return 0
	}
	return throttle.Wait(r.bucket, f.now(), 1)
}

// judge decides about a credential that is right or wrong, and counts it.
func (f *Failures) judge(caller, credential string, right bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.now()
	r, known := f.callers.Get(caller)
	switch {
	case !known && right:
		return nil
	case !known:
		r = &record{bucket: throttle.Limit{Max: maxFailures, Window: failureWindow}.Bucket()}
		f.callers.Add(caller, r)
	case r.bucket.TokensAt(now) >= maxFailures: // all is forgiven
		r.over, r.tried = false, nil
	}
	hash := maphash.String(f.seed, credential)
	repeated := slices.Contains(r.tried, hash)
	switch {
	case throttle.Wait(r.bucket, now, 1) > 0:
		return &BlockedError{Wait: throttle.Wait(r.bucket, now, 1)}
	case right:
		return nil
	case r.over && repeated:
		return &BlockedError{Wait: throttle.Wait(r.bucket, now, maxFailures)}
	}
	r.bucket.AllowN(now, 1)
	if !repeated {
		r.tried = append(r.tried, hash)
		r.tried = r.tried[max(0, len(r.tried)-maxFailures):]
	}
	if !r.over && throttle.Wait(r.bucket, now, 1) > 0 {
		r.over = true
		f.log.Warn("too many wrong credentials from one address; its next ones are not looked at. If it is a proxy of yours, TRUST_PROXY tells its callers apart", "client", caller)
	}
	return ErrRefused
}

// Grant is what a managed key or a token allows.
type Grant struct {
	Scopes  Scopes    // with what each of them includes
	Entity  uuid.UUID // the only one that the caller may be; the zero UUID for whomever it names
	Service bool      // the caller speaks for others
	Key     uuid.UUID // the zero UUID for a token
	Token   Token     // the zero value for a key
	Until   time.Time // when it ends; the zero time if that is not known beforehand
}

// identity returns who has shown the key or the token.
func (g Grant) identity() Identity {
	i := Identity{kind: KeyHolder, scopes: g.Scopes, proof: ByManagedKey, key: g.Key, token: g.Token, until: g.Until}
	if g.Key == uuid.Nil {
		i.proof = ByToken
	}
	if g.Entity != uuid.Nil {
		i.entity, i.bound, i.kind = g.Entity, true, User
	}
	if g.Service {
		i.kind = Service
	}
	return i
}

// ManagedKeys are the keys that are made and revoked while the server runs. They are safe for concurrent use.
type ManagedKeys interface {
	// Any reports whether a key was ever made.
	Any() bool
	// Find returns what a key allows; ok is false for one that does not exist, was revoked or has expired.
	Find(ctx context.Context, key string) (grant Grant, ok bool, err error)
	// Watch calls ended once, from another goroutine, when the key of a grant is revoked or expires, unless stop is called before.
	Watch(grant Grant, ended func()) (stop func())
}

// Tokens are what people prove with who they are. They are safe for concurrent use.
type Tokens interface {
	// Verify returns what a token proves. An error that wraps [ErrRefused] refuses it; others say that this can't be decided now.
	// Both say why in an [*apierr.Error].
	Verify(ctx context.Context, token string) (Grant, error)
	// Watch calls ended, from another goroutine, when the token of a grant is revoked, unless stop is called before.
	Watch(grant Grant, ended func()) (stop func())
}

// Guard lets in callers that present one of its keys, or a token. The zero value lets all callers in.
type Guard struct {
	tokens   Tokens // nil: none are accepted
	keys     Keys
	failures *Failures
	managed  ManagedKeys
	owner    Keys // accepted beside managed keys
	isolate  bool
	files    Files
	open     func(*http.Request) bool // nil: for none
}

// NewGuard returns a guard for keys. All guards of a server share one count of failures.
func NewGuard(keys Keys, failures *Failures) Guard { return Guard{keys: keys, failures: failures} }

// With returns a guard that accepts managed keys, too, and asks for a credential once there is one. From then on it accepts the
// owner's, so that making a key locks nobody out who could make it.
func (g Guard) With(managed ManagedKeys, owner Keys) Guard {
	g.managed, g.owner = managed, owner
	return g
}

// WithTokens returns a guard that accepts tokens, too, and asks for a credential; nil changes nothing.
func (g Guard) WithTokens(tokens Tokens) Guard {
	g.tokens = tokens
	return g
}

// Isolating returns a guard whose callers see only the conversations in which they take part, unless they are administrators or
// services; with false it returns g.
func (g Guard) Isolating(on bool) Guard {
	g.isolate = g.isolate || on
	return g
}

// Isolates reports whether the guard's callers see only what is theirs.
func (g Guard) Isolates() bool { return g.isolate }

// Files verifies the addresses of files that expire.
type Files interface {
	// Check returns until when an address is good. The path is without escapes.
	Check(path, query string) (until time.Time, err error)
	// HasExpired reports whether an error of Check is for an address that was good once.
	HasExpired(err error) bool
}

// Signing returns a guard that lets whoever has a good address of a file read it, where data is isolated.
func (g Guard) Signing(files Files) Guard {
	g.files = files
	return g
}

// Leaving returns a guard that looks at no credentials of requests for which open holds: those by which people get one.
func (g Guard) Leaving(open func(*http.Request) bool) Guard {
	g.open = open
	return g
}

func (g Guard) leaves(r *http.Request) bool { return g.open != nil && g.open(r) }

// Required reports whether a caller needs a credential.
func (g Guard) Required() bool { return g.tokens != nil || g.wantsKey() }

func (g Guard) wantsKey() bool { return g.keys.Required() || g.managed != nil && g.managed.Any() }

// Check returns nil if a caller's credential is right, [ErrRefused] if not, and a [*BlockedError] if that was not looked
// at. A missing credential is no guess, and is not counted. It does not know managed keys and tokens.
func (g Guard) Check(caller, credential string) error {
	g.managed, g.tokens = nil, nil
	_, err := g.Admit(context.Background(), caller, Credentials{Key: credential})
	return err
}

// Admit returns who a caller is by its credentials: anybody who may do everything, where none is required. Either a key or a token
// is enough; of both, both must be right, and the token says who it is. Errors are those of [Guard.Check], those of [Tokens], and
// those of reading managed keys.
func (g Guard) Admit(ctx context.Context, caller string, c Credentials) (Identity, error) {
	who, err := g.admit(ctx, caller, c)
	who.narrow = g.isolate
	return who, err
}

func (g Guard) admit(ctx context.Context, caller string, c Credentials) (who Identity, err error) {
	c.Key, c.Token = clean(c.Key), clean(c.Token)
	if c.Key == "" && (g.tokens == nil || g.known(c.Token)) {
		c.Key, c.Token = c.Token, ""
	}
	switch {
	case !g.Required():
		return Identity{scopes: AllScopes}, nil
	case c == Credentials{} && !g.wantsKey():
		return Identity{}, apierr.Wrap(ErrRefused, apierr.Unauthorized, "Authentication required").WithDetails("Send a JWT as a bearer token")
	case c == Credentials{}:
		return Identity{}, ErrRefused
	}
	if c.Key != "" {
		who, err = g.admitKey(ctx, caller, c.Key)
	}
	if c.Token != "" && g.tokens != nil && err == nil {
		who, err = g.admitToken(ctx, caller, c.Token)
	}
	return who, err
}

// known reports whether a credential is a key of the settings, or the owner's.
func (g Guard) known(credential string) bool {
	return g.keys.has(credential) || g.managed != nil && g.owner.has(credential)
}

func (g Guard) admitToken(ctx context.Context, caller, token string) (Identity, error) {
	if wait := g.failures.Wait(caller); wait > 0 {
		return Identity{}, &BlockedError{Wait: wait}
	}
	grant, err := g.tokens.Verify(ctx, token)
	if err != nil && !errors.Is(err, ErrRefused) {
		return Identity{}, err
	}
	judged := g.failures.judge(caller, token, err == nil || errors.Is(err, ErrEnded))
	if judged != nil && !errors.Is(judged, ErrRefused) {
		return Identity{}, judged
	}
	if err != nil {
		return Identity{}, err
	}
	return grant.identity(), nil
}

func (g Guard) admitKey(ctx context.Context, caller, key string) (Identity, error) {
	who, right := Identity{kind: KeyHolder, scopes: AllScopes, proof: ByKey}, g.known(key)
	if !right && g.managed != nil && g.failures.Wait(caller) == 0 {
		grant, found, err := g.managed.Find(ctx, key)
		if err != nil {
			return Identity{}, err
		}
		who, right = grant.identity(), found
	}
	if err := g.failures.judge(caller, key, right); err != nil {
		return Identity{}, err
	}
	return who, nil
}

// Watch calls ended once, from another goroutine, when what a caller has proven ends, unless stop is called before.
func (g Guard) Watch(who Identity, ended func()) (stop func()) {
	if who.proof == ByToken && g.tokens != nil {
		ended = sync.OnceFunc(ended)
		timer := time.AfterFunc(who.until.Sub(g.failures.now()), func() {
			defer lifecycle.Contain(g.failures.log, "the end of a credential")
			ended()
		})
		stop := g.tokens.Watch(Grant{Entity: who.entity, Token: who.token}, ended)
		return func() { timer.Stop(); stop() }
	}
	if g.managed == nil || who.key == uuid.Nil {
		return func() {}
	}
	return g.managed.Watch(Grant{Key: who.key}, ended)
}

// Wait returns how long a caller's credentials are not looked at; 0 if they are, or none is needed.
func (g Guard) Wait(caller string) time.Duration {
	if !g.Required() {
		return 0
	}
	return g.failures.Wait(caller)
}

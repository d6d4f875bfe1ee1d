package auth

import (
	"context"
	"crypto/sha256"
	"sync"
	"time"
)

const (
	// rememberFor is how long a verified token is believed without another look at its signature, and at what else may refuse it.
	rememberFor = 5 * time.Second
	// mostRemembered is how many tokens are believed at a time.
	mostRemembered = 4096
)

// Verifier verifies tokens, as [Tokens] do.
type Verifier interface {
	Verify(ctx context.Context, token string) (Grant, error)
}

// Remember returns tokens that verify one only every few seconds, however often it is presented: a signature costs many times what the rest
// of a request does. A refusal is not remembered. Who revokes tokens calls [Remembered.End].
func Remember(tokens Verifier, now func() time.Time) *Remembered {
	return &Remembered{tokens: tokens, now: now, grants: map[[sha256.Size]byte]remembered{}, watchers: map[*watcher]struct{}{}}
}

// Remembered are tokens of which the verified ones are believed for a while. It implements [Tokens].
type Remembered struct {
	tokens Verifier
	now    func() time.Time

	mu       sync.Mutex
	grants   map[[sha256.Size]byte]remembered // by the hash of the token, which is a secret
	ends     int                              // how often tokens were ended: what was verified before is not remembered behind one
	watchers map[*watcher]struct{}
}

type remembered struct {
	grant Grant
	until time.Time
}

// watcher is one who wants to hear of the end of a token.
type watcher struct {
	grant Grant
	ended func()
}

// Verify implements [Tokens].
func (r *Remembered) Verify(ctx context.Context, token string) (Grant, error) {
	hash, now := sha256.Sum256([]byte(token)), r.now()
	r.mu.Lock()
	known, ok := r.grants[hash]
	ends := r.ends
	r.mu.Unlock()
	if ok && now.Before(known.until) {
		return known.grant, nil
	}
	grant, err := r.tokens.Verify(ctx, token)
	if err != nil {
		return Grant{}, err
	}
	until := now.Add(rememberFor)
	if !grant.Until.IsZero() && grant.Until.Before(until) {
		until = grant.Until
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if ends != r.ends {
		return grant, nil
	}
	if len(r.grants) >= mostRemembered {
		clear(r.grants) // each is back with its next request
	}
	r.grants[hash] = remembered{grant, until}
	return grant, nil
}

// Watch implements [Tokens].
func (r *Remembered) Watch(grant Grant, ended func()) (stop func()) {
	w := &watcher{grant, ended}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.watchers[w] = struct{}{}
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.watchers, w)
	}
}

// End has the tokens that revoked holds for verified again before they are believed, and lets those know who watch them. It comes
// after whatever refuses them from now on.
func (r *Remembered) End(revoked func(Grant) bool) {
	var gone []*watcher
	r.mu.Lock()
	r.ends++
	for hash, known := range r.grants {
		if revoked(known.grant) {
			delete(r.grants, hash)
		}
	}
	for w := range r.watchers {
		if revoked(w.grant) {
			gone = append(gone, w)
			delete(r.watchers, w)
		}
	}
	r.mu.Unlock()
	for _, w := range gone {
		w.ended()
	}
}

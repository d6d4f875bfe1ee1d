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

// Remember returns tokens that verify one only every few seconds, however often it is presented: a signature costs many times what the rest
// of a request does. A refusal is not remembered.
func Remember(tokens Tokens, now func() time.Time) Tokens {
	return &remembering{tokens: tokens, now: now, grants: map[[sha256.Size]byte]remembered{}}
}

type remembering struct {
	tokens Tokens
	now    func() time.Time

	mu     sync.Mutex
	grants map[[sha256.Size]byte]remembered // by the hash of the token, which is a secret
}

type remembered struct {
	grant Grant
	until time.Time
}

// Verify implements [Tokens].
func (r *remembering) Verify(ctx context.Context, token string) (Grant, error) {
	hash, now := sha256.Sum256([]byte(token)), r.now()
	r.mu.Lock()
	known, ok := r.grants[hash]
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
	if len(r.grants) >= mostRemembered {
		clear(r.grants) // each is back with its next request
	}
	r.grants[hash] = remembered{grant, until}
	return grant, nil
}

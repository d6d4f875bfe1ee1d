package token

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"github.com/elizad/elizad/server/agent"
)

// The words by which this server's own tokens are told from those of other issuers. Clients of older servers know the first two.
const (
	ownIssuer  = "eliza-server"
	ownSubject = "eliza:"
	ownKey     = "elizad"
)

// Owner is whom a token of this server is for.
type Owner struct {
	Username string
	Email    string
	Login    uuid.UUID
}

// EntityOf returns the entity of a user of this server, which is the same whatever the case of the name's letters.
func EntityOf(username string) uuid.UUID { return agent.UUIDOf(ownSubject + strings.ToLower(username)) }

// Signer makes and verifies this server's own tokens. It is safe for concurrent use.
type Signer struct {
	keys   [][]byte
	now    func() time.Time
	parser *jwt.Parser
}

// ownClaims are what is in a token of this server.
type ownClaims struct {
	jwt.RegisteredClaims
	Username string    `json:"username"`
	Email    string    `json:"email"`
	Login    uuid.UUID `json:"sid"`
}

// NewSigner returns what signs with the first of the keys, which are secret, and takes what any of them has signed.
func NewSigner(keys [][]byte, now func() time.Time) *Signer {
	return &Signer{keys: keys, now: now, parser: jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithExpirationRequired(), jwt.WithIssuer(ownIssuer), jwt.WithLeeway(Leeway),
		jwt.WithTimeFunc(now), jwt.WithStrictDecoding(),
	)}
}

// Sign returns a token that ends then.
func (s *Signer) Sign(o Owner, expires time.Time) (string, error) {
	t := jwt.NewWithClaims(jwt.SigningMethodHS256, ownClaims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: ownIssuer, Subject: ownSubject + strings.ToLower(o.Username), ID: uuid.NewString(),
			IssuedAt: jwt.NewNumericDate(s.now()), ExpiresAt: jwt.NewNumericDate(expires),
		},
		Username: o.Username, Email: o.Email, Login: o.Login,
	})
	t.Header["kid"] = ownKey
	text, err := t.SignedString(s.keys[0])
	if err != nil {
		return "", fmt.Errorf("signing a token: %w", err)
	}
	return text, nil
}

// Knows reports whether a token says that it is one of this server. Such a one is for no other verifier.
func (s *Signer) Knows(token string) bool {
	head, _, _ := strings.Cut(token, ".")
	if len(token) > MaxSize {
		return false
	}
	text, err := base64.RawURLEncoding.DecodeString(head)
	var header struct {
		Key string `json:"kid"`
	}
	return err == nil && json.Unmarshal(text, &header) == nil && header.Key == ownKey
}

// Verify returns what a token of this server says, and the login that it belongs to. The errors are those of [Verifier.Verify].
func (s *Signer) Verify(_ context.Context, token string) (Claims, uuid.UUID, error) {
	var c ownClaims
	keys := jwt.VerificationKeySet{}
	for _, key := range s.keys {
		keys.Keys = append(keys.Keys, key)
	}
	_, err := s.parser.ParseWithClaims(token, &c, func(*jwt.Token) (any, error) { return keys, nil })
	switch {
	case errors.Is(err, jwt.ErrTokenExpired):
		err = public(Expired)
	case errors.Is(err, jwt.ErrTokenMalformed):
		err = public(Malformed)
	case err != nil:
		err = public(BadSignature)
	case c.Login == uuid.Nil || c.IssuedAt == nil || !strings.HasPrefix(c.Subject, ownSubject):
		err = public(NoSubject)
	}
	if err != nil {
		return Claims{}, uuid.Nil, err
	}
	return Claims{
		Entity: agent.UUIDOf(c.Subject), Subject: c.Subject, Issuer: c.Issuer, ID: c.ID, Issued: c.IssuedAt.Time, Expires: c.ExpiresAt.Time,
	}, c.Login, nil
}

package token_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"go.uber.org/goleak"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth/token"
	"github.com/elizad/elizad/server/settings"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	person = "5f0c3b1e-6a52-4f0e-9b57-2d9d6b0f7a11"
	secret = "a secret of more than thirty-two bytes"
)

// clock is a time that tests move.
type clock struct{ ns atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.ns.Store(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano())
	return c
}

func (c *clock) now() time.Time          { return time.Unix(0, c.ns.Load()) }
func (c *clock) forward(d time.Duration) { c.ns.Add(int64(d)) }

// valid returns claims of a good token.
func (c *clock) valid(changes ...any) jwt.MapClaims {
	out := jwt.MapClaims{
		"sub": person, "iss": "https://issuer.example", "aud": "elizad", "jti": "t-1",
		"iat": c.now().Unix(), "nbf": c.now().Unix(), "exp": c.now().Add(time.Hour).Unix(),
	}
	for i := 0; i+1 < len(changes); i += 2 {
		if changes[i+1] == nil {
			delete(out, changes[i].(string))
		} else {
			out[changes[i].(string)] = changes[i+1]
		}
	}
	return out
}

// pair is a key of an issuer.
type pair struct {
	private crypto.Signer
	method  jwt.SigningMethod
}

func edKey(t testing.TB) pair {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return pair{private, jwt.SigningMethodEdDSA}
}

func ecKey(t testing.TB, curve elliptic.Curve, method jwt.SigningMethod) pair {
	private, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return pair{private, method}
}

func rsaKey(t testing.TB, bits int) pair {
	private, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return pair{private, jwt.SigningMethodRS256}
}

// pem returns the public key as settings have it.
func (p pair) pem(t testing.TB) string {
	der, err := x509.MarshalPKIXPublicKey(p.private.Public())
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// sign returns a token with a key id, if there is one.
func (p pair) sign(t testing.TB, kid string, c jwt.Claims) string {
	return sign(t, p.method, p.private, kid, c)
}

func sign(t testing.TB, method jwt.SigningMethod, key any, kid string, c jwt.Claims) string {
	t.Helper()
	unsigned := jwt.NewWithClaims(method, c)
	if kid != "" {
		unsigned.Header["kid"] = kid
	}
	out, err := unsigned.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func newVerifier(t testing.TB, cfg settings.Tokens, o token.Options) *token.Verifier {
	t.Helper()
	v, err := token.New(cfg, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Stop)
	return v
}

// undecided stands in the tables for the answer that a token can't be decided about.
const undecided token.Refusal = "undecided"

// want verifies a token that is refused for a reason, or taken for "".
func want(t testing.TB, v *token.Verifier, what, text string, reason token.Refusal) token.Claims {
	t.Helper()
	return wantCtx(t.Context(), t, v, what, text, reason)
}

func wantCtx(ctx context.Context, t testing.TB, v *token.Verifier, what, text string, reason token.Refusal) token.Claims {
	t.Helper()
	got, err := v.Verify(ctx, text)
	if reason == "" {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
		return got
	}
	e, ok := errors.AsType[*apierr.Error](err)
	refusal, isRefusal := errors.AsType[token.Refusal](err)
	switch {
	case !ok:
		t.Errorf("%s: taken, or no error that callers may see: %v", what, err)
	case reason == undecided:
		if e.Code != apierr.Unavailable || isRefusal {
			t.Errorf("%s: %v, want UNAVAILABLE", what, err)
		}
	case e.Code != apierr.Unauthorized || e.Message != "Invalid JWT token" || refusal != reason || e.Details != "JWT verification failed: "+string(reason):
		t.Errorf("%s: %s %q %q, want %q", what, e.Code, e.Message, e.Details, reason)
	}
	if ok && strings.Contains(err.Error()+e.Details, "canary") {
		t.Errorf("%s: the error repeats the token: %v", what, err)
	}
	if got.Subject != "" || got.Decode(&struct{}{}) == nil {
		t.Errorf("%s: claims of a token that was not taken: %+v", what, got)
	}
	return got
}

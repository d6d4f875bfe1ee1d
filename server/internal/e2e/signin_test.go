package e2e_test

import (
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// TestSignIn signs in to the page as people do, by a key, a token and a password, over a refresh in two tabs, the end of a login, and
// another password; and out again.
func TestSignIn(t *testing.T) {
	t.Parallel()
	const key, secret = "a key for this test of 40 characters !!!", "a secret of the issuer, of 32 bytes or more"
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"sub": "grace", "exp": time.Now().Add(time.Hour).Unix()}).SignedString([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	p := start(t, t.TempDir(), "ELIZA_SERVER_AUTH_TOKEN="+key, "JWT_SECRET="+secret, "ELIZAD_USERS=true", "RATE_LIMIT_AUTH_MAX=100") // the stories fail on purpose more often than one client may
	t.Log(node(t, "signin.mjs", "--url", p.url, "--key", key, "--token", token, "--out", screenshots(t)))
}

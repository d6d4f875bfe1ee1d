package token

import (
	"errors"
	"slices"

	"github.com/golang-jwt/jwt/v5"
)

// Refusal says why a token is refused, in words that hold nothing of the token.
type Refusal string

// The refusals, in the words that clients know.
const (
	NotConfigured   Refusal = "JWT authentication is not configured"
	TooLarge        Refusal = "the token is too large"
	Malformed       Refusal = "Invalid Compact JWS"
	BadAlgorithm    Refusal = `"alg" (Algorithm) Header Parameter value not allowed`
	BadSignature    Refusal = "signature verification failed"
	UnknownKey      Refusal = "no applicable key found in the JSON Web Key Set"
	Expired         Refusal = `"exp" claim timestamp check failed`
	NotYetValid     Refusal = `"nbf" claim timestamp check failed`
	IssuedLater     Refusal = `"iat" claim timestamp check failed (it should be in the past)`
	NoExpiry        Refusal = "JWT missing required claim: exp"
	NoSubject       Refusal = "JWT missing required claim: sub"
	NoIssuer        Refusal = "JWT missing required claim: iss (issuer whitelist is configured)"
	UntrustedIssuer Refusal = "Untrusted issuer"
	BadAudience     Refusal = `unexpected "aud" claim value`
	NoEntity        Refusal = `"sub" claim stands for nobody`
)

// Error says it as clients know it.
func (r Refusal) Error() string { return "JWT verification failed: " + string(r) }

// errUndecided says that a token may be right or not.
var errUndecided = errors.New("the keys of the issuer of tokens can't be read")

// reason returns why the parser did not take a token, of which it has read t and c. Its own words may repeat parts of the token.
func (v *Verifier) reason(t *jwt.Token, c *claims, err error) error {
	if refusal, ok := errors.AsType[Refusal](err); ok {
		return refusal
	}
	algorithm := ""
	if t != nil {
		algorithm, _ = t.Header["alg"].(string)
	}
	switch {
	case errors.Is(err, errUndecided):
		return errUndecided
	case errors.Is(err, jwt.ErrTokenMalformed):
		return Malformed
	case !slices.Contains(v.takes, algorithm):
		return BadAlgorithm
	case errors.Is(err, jwt.ErrTokenExpired):
		return Expired
	case errors.Is(err, jwt.ErrTokenNotValidYet):
		return NotYetValid
	case errors.Is(err, jwt.ErrTokenUsedBeforeIssued):
		return IssuedLater
	case errors.Is(err, jwt.ErrTokenRequiredClaimMissing) && c.ExpiresAt == nil:
		return NoExpiry
	case errors.Is(err, jwt.ErrTokenRequiredClaimMissing), errors.Is(err, jwt.ErrTokenInvalidAudience):
		return BadAudience
	}
	return BadSignature
}

package auth

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/apierr"
)

// Header names that carry credentials and the entity that a caller says it is.
const (
	HeaderAPIKey   = "X-API-KEY"
	HeaderEntityID = "X-Entity-Id"
)

// Keys is the set of API keys that open the server. An empty set opens it to everybody.
type Keys struct {
	sums [][sha256.Size]byte
}

// NewKeys returns the set of the given keys; empty ones are left out.
func NewKeys(keys ...string) Keys {
	var k Keys
	for _, key := range keys {
		if key != "" {
			k.sums = append(k.sums, sha256.Sum256([]byte(key)))
		}
	}
	return k
}

// Required reports whether a caller needs a key.
func (k Keys) Required() bool { return len(k.sums) > 0 }

// Allow reports whether key opens the server. The time it takes doesn't depend on how much of a key is right.
func (k Keys) Allow(key string) bool {
	if !k.Required() {
		return true
	}
	sum, ok := sha256.Sum256([]byte(key)), 0
	for i := range k.sums {
		ok |= subtle.ConstantTimeCompare(sum[:], k.sums[i][:])
	}
	return ok == 1
}

// ErrorWriter writes err as the answer to r.
type ErrorWriter func(w http.ResponseWriter, r *http.Request, err error)

// Middleware lets requests below /api pass that bring a key, when one is required, and puts the caller's identity into the
// context of every request. Preflights carry no credentials and pass.
func Middleware(keys Keys, fail ErrorWriter) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if keys.Required() && guarded(r) && !keys.Allow(r.Header.Get(HeaderAPIKey)) {
				fail(w, r, apierr.New(apierr.Unauthorized, "API key required").
					WithDetails("Missing or invalid X-API-KEY header"))
				return
			}
			if who := claimed(r); who != (Identity{}) { // which is what a context without any says
				r = r.WithContext(NewContext(r.Context(), who))
			}
			next.ServeHTTP(w, r)
		})
	}
}

func guarded(r *http.Request) bool {
	return r.Method != http.MethodOptions && (r.URL.Path == "/api" || strings.HasPrefix(r.URL.Path, "/api/"))
}

// claimed returns the identity that a caller names without proof. A malformed one is nobody.
func claimed(r *http.Request) Identity {
	name := r.Header.Get(HeaderEntityID)
	if name == "" {
		return Identity{}
	}
	id, err := ParseID(name)
	if err != nil {
		return Identity{}
	}
	return Entity(id)
}

// ParseID reads an identifier in its 8-4-4-4-12 form, in either case and of any version; other spellings that UUID
// libraries accept are errors.
func ParseID(s string) (uuid.UUID, error) {
	const textLen = 36
	if len(s) != textLen {
		return uuid.Nil, apierr.New(apierr.InvalidID, "%q is not a UUID", s)
	}
	id, err := uuid.Parse(s)
	if err != nil {
		return uuid.Nil, apierr.Wrap(err, apierr.InvalidID, "%q is not a UUID", s)
	}
	return id, nil
}

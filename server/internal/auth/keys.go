package auth

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/apierr"
)

// Header names that carry credentials and the entity that a caller says it is.
const (
	HeaderAPIKey        = "X-API-KEY"
	HeaderAuthorization = "Authorization" // Bearer, and the same key, or a token
	HeaderEntityID      = "X-Entity-Id"
)

// Credentials are what a caller presents; each may be missing.
type Credentials struct {
	Key   string // an API key
	Token string // a JSON Web Token, or a key that looks like one
}

// CredentialsIn returns what a request's header presents. A bearer is a token if it has the form of one; another is a key, unless
// there is one in the header of its own.
func CredentialsIn(h http.Header) Credentials {
	c := Credentials{Key: clean(h.Get(HeaderAPIKey))}
	scheme, bearer, _ := strings.Cut(clean(h.Get(HeaderAuthorization)), " ")
	bearer = clean(bearer)
	switch {
	case !strings.EqualFold(scheme, "Bearer"):
	case strings.Count(bearer, ".") == 2:
		c.Token = bearer
	case c.Key == "":
		c.Key = bearer
	}
	return c
}

// Or returns c with a key and a token that were presented in another way, and count first.
func (c Credentials) Or(key, token string) Credentials {
	return Credentials{Key: cmp.Or(clean(key), c.Key), Token: cmp.Or(clean(token), c.Token)}
}

// Any reports whether something is presented.
func (c Credentials) Any() bool { return c != Credentials{} }

// clean takes off the white space around a credential. Files and editors add it, and a header cannot carry all of it.
func clean(key string) string { return strings.TrimSpace(key) }

// Keys is the set of API keys that open the server. An empty set opens it to all callers.
type Keys struct {
	sums [][sha256.Size]byte
}

// NewKeys returns the set of the given keys, without the white space around them; empty ones are left out.
func NewKeys(keys ...string) Keys {
	var k Keys
	for _, key := range keys {
		if key = clean(key); key != "" {
			k.sums = append(k.sums, sha256.Sum256([]byte(key)))
		}
	}
	return k
}

// Required reports whether a caller needs a key.
func (k Keys) Required() bool { return len(k.sums) > 0 }

// Allow reports whether key opens the server. The time it takes doesn't depend on how much of a key is right.
func (k Keys) Allow(key string) bool {
	return !k.Required() || k.has(key)
}

// has reports whether key is in the set.
func (k Keys) has(key string) bool {
	if len(k.sums) == 0 {
		return false
	}
	sum, ok := sha256.Sum256([]byte(key)), 0
	for i := range k.sums {
		ok |= subtle.ConstantTimeCompare(sum[:], k.sums[i][:])
	}
	return ok == 1
}

// ErrorWriter writes err as the answer to r.
type ErrorWriter func(w http.ResponseWriter, r *http.Request, err error)

// Caller names the caller of a request, for counting.
type Caller func(*http.Request) string

// Middleware lets requests of the API pass that bring a key or a token, when one is required, and puts the caller's identity into
// the context of every request, there with the scopes of the credential: all, for every caller where none is required. Where data is
// isolated, a credential says who asks for a file, too, and an address that is good lets its holder read it. Preflights carry no
// credentials and pass.
func Middleware(guard Guard, caller Caller, fail ErrorWriter) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			who := Identity{narrow: guard.isolate}
			if shown := CredentialsIn(r.Header); guarded(r) && !guard.leaves(r) || guard.isolate && isFile(r) && shown.Any() {
				var err error
				if who, err = guard.Admit(r.Context(), caller(r), shown); err != nil {
					refuse(w, r, err, fail, apierr.Wrap(err, apierr.Unauthorized, "API key required").
						WithDetails("Missing or invalid X-API-KEY header"))
					return
				}
			}
			if guard.isolate && guard.files != nil && isFile(r) {
				until, err := guard.files.Check(r.URL.Path, r.URL.RawQuery)
				switch {
				case err == nil:
					who = who.withFile(until)
				case guard.files.HasExpired(err) && who.proof == NoProof:
					fail(w, r, apierr.Wrap(err, apierr.NotFound, "The address of this file has expired").
						WithDetails("Read again what the file was shown in: its address is a new one there"))
					return
				}
			}
			if who = who.Named(claimed(r)); who != (Identity{}) { // which is what a context without any says
				r = r.WithContext(NewContext(context.WithValue(r.Context(), guardKey{}, guard), who))
			}
			next.ServeHTTP(w, r)
		})
	}
}

// refuse answers with why a credential was not accepted: with refusal, unless it was not even looked at.
func refuse(w http.ResponseWriter, r *http.Request, err error, fail ErrorWriter, refusal error) {
	if blocked, ok := errors.AsType[*BlockedError](err); ok {
		refusal = blocked.Public()
	} else if _, said := errors.AsType[*apierr.Error](err); said || !errors.Is(err, ErrRefused) {
		refusal = err
	}
	fail(w, r, refusal)
}

// IsAPI reports whether a path is one of the interface for programs, where callers are asked for credentials, even if nothing is there.
func IsAPI(path string) bool {
	for _, root := range [...]string{"/api", "/v1"} {
		if rest, ok := strings.CutPrefix(path, root); ok && (rest == "" || rest[0] == '/') {
			return true
		}
	}
	return false
}

func guarded(r *http.Request) bool { return r.Method != http.MethodOptions && IsAPI(r.URL.Path) }

// isFile reports whether a request is for a file that belongs to somebody.
func isFile(r *http.Request) bool {
	return r.Method != http.MethodOptions && strings.HasPrefix(r.URL.Path, "/media/")
}

// claimed returns the entity that a caller names without proof; the zero UUID for a malformed one.
func claimed(r *http.Request) uuid.UUID {
	name := r.Header.Get(HeaderEntityID)
	if name == "" {
		return uuid.Nil
	}
	id, err := ParseID(name)
	if err != nil {
		return uuid.Nil
	}
	return id
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

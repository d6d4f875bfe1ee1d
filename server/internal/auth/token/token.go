// Package token verifies the tokens by which callers prove who they are: JSON Web Tokens (RFC 7519) that an issuer of the
// operator's has signed.
//
// A [Verifier] is made of the settings, once. It knows one way to verify: a public key, else the issuer's set of keys, else a
// secret; there is no falling back from one to another. Which algorithms it takes follows from its keys and never from a token,
// so that no token can be signed with what everybody knows. Settings that are incomplete are errors of [New], and one without
// any refuses all tokens: nothing here lets a caller in because something is missing.
//
// To add a way to verify, add a source of keys beside staticKey and [remoteKeys].
package token

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/settings"
)

const (
	// Leeway is how far the clocks of the issuer and of this machine may be apart. A token is taken that much longer than
	// it says.
	Leeway = 30 * time.Second
	// MaxSize is how many bytes a token may have.
	MaxSize = 8 << 10
)

// Method is a way to verify tokens, as it is called on the wire.
type Method string

// The methods.
const (
	Disabled Method = "disabled" // no token is taken
	Public   Method = "Ed25519"  // a public key, of any kind; the name is older than the other kinds
	JWKS     Method = "JWKS"     // the issuer's set of keys
	Secret   Method = "Secret"   // a secret that issuer and server share
)

// Claims are what a verified token says.
type Claims struct {
	Entity  uuid.UUID // whom it is for; never the zero UUID, which stands for nobody
	Subject string    // the same in the issuer's words
	Issuer  string    // "" if the token names none, and none is asked for
	ID      string    // of the token; "" if it has none
	Issued  time.Time // zero if the token doesn't say
	Expires time.Time // without the leeway
	payload []byte
}

// Decode reads claims that only some issuers make, such as a name.
func (c Claims) Decode(into any) error {
	if err := json.Unmarshal(c.payload, into); err != nil {
		return fmt.Errorf("reading the claims: %w", err)
	}
	return nil
}

// Options are what a verifier needs besides settings. The zero value is usable.
type Options struct {
	Log       *slog.Logger      // nil: nothing is logged
	Now       func() time.Time  // nil: time.Now
	Transport http.RoundTripper // to the issuer; nil: one that trusts what the machine trusts
}

// Verifier verifies tokens. It is safe for concurrent use.
type Verifier struct {
	method    Method
	keys      source
	takes     []string // algorithms
	parser    *jwt.Parser
	issuers   []string // nil: any
	perIssuer bool     // a subject belongs to its issuer
}

// source has the keys that may have signed a token.
type source interface {
	// find returns what finds the keys for a token: those with its id, if it names one, that fit its algorithm. The error is a
	// Refusal or errUndecided.
	find(ctx context.Context) jwt.Keyfunc
	start()
	stop()
}

// New returns a verifier as the settings want it: one of the method [Disabled], if they name no way to verify. It opens no
// connection; see [Verifier.Start]. The errors are sentences that say which setting is wrong and what to write instead.
func New(cfg settings.Tokens, o Options) (*Verifier, error) {
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	if o.Now == nil {
		o.Now = time.Now
	}
	v := &Verifier{method: Disabled}
	ways := configured(cfg)
	if len(ways) == 0 {
		return v, nil
	}
	chosen := ways[0]
	for _, other := range ways[1:] {
		o.Log.Warn("two ways to verify tokens are set; one is used, and the other has no effect", "used", chosen.setting, "unused", other.setting)
	}
	issuers, err := issuersOf(cfg.Issuers)
	if err != nil {
		return nil, err
	}
	audiences, err := listOf("JWT_AUDIENCE (--jwt-audience)", cfg.Audience)
	if err != nil {
		return nil, err
	}
	switch cfg.Namespace {
	case "":
	case "issuer":
		v.perIssuer = true
	default:
		return nil, fmt.Errorf("JWT_ENTITY_NAMESPACE (--jwt-entity-namespace) is %q; write issuer, or leave it empty", cfg.Namespace)
	}
	if chosen.method == JWKS && issuers == nil && audiences == nil {
		return nil, fmt.Errorf("%s is set without JWT_AUDIENCE and JWT_ISSUER_WHITELIST, so that a token which the issuer made for any other service would be taken; "+
			"set JWT_AUDIENCE to what your tokens have as aud, or JWT_ISSUER_WHITELIST to what they have as iss", chosen.setting)
	}
	keys, algorithms, err := chosen.open(chosen, o)
	if err != nil {
		return nil, err
	}
	parsing := []jwt.ParserOption{
		jwt.WithValidMethods(algorithms), jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithLeeway(Leeway),
		jwt.WithTimeFunc(o.Now), jwt.WithStrictDecoding(),
	}
	if audiences != nil {
		parsing = append(parsing, jwt.WithAudience(audiences...))
	}
	v.method, v.keys, v.issuers = chosen.method, keys, issuers
	v.takes, v.parser = algorithms, jwt.NewParser(parsing...)
	return v, nil
}

// way is a way to verify that the settings name.
type way struct {
	method  Method
	setting string
	value   string
	open    func(way, Options) (source, []string, error)
}

// configured returns the ways that are set, the one that counts first.
func configured(cfg settings.Tokens) []way {
	ways := []way{
		{Public, "PRIVY_VERIFICATION_KEY (--privy-verification-key)", cfg.PrivyKey, openPublic},
		{Public, "JWT_ED25519_PUBLIC_KEY (--jwt-public-key)", cfg.PublicKey, openPublic},
		{JWKS, "JWT_JWKS_URI (--jwt-jwks-uri)", cfg.JWKS, openRemote},
		{Secret, "JWT_SECRET (--jwt-secret)", cfg.Secret, openSecret},
	}
	return slices.DeleteFunc(ways, func(w way) bool { return w.value == "" })
}

// listOf reads a list with commas; nil if there is none.
func listOf(setting, text string) ([]string, error) {
	if text == "" {
		return nil, nil
	}
	var out []string
	for entry := range strings.SplitSeq(text, ",") {
		if entry = strings.TrimSpace(entry); entry != "" {
			out = append(out, entry)
		}
	}
	if out == nil {
		return nil, fmt.Errorf("%s names nothing; write a list with commas, or leave it empty", setting)
	}
	return out, nil
}

// issuersOf reads the list of trusted issuers; nil for any.
func issuersOf(text string) ([]string, error) {
	const setting = "JWT_ISSUER_WHITELIST (--jwt-issuers)"
	issuers, err := listOf(setting, text)
	switch {
	case err != nil:
		return nil, err
	case len(issuers) == 1 && issuers[0] == "*":
		return nil, nil
	case slices.Contains(issuers, "*"):
		return nil, fmt.Errorf("%s has * beside other issuers; write * alone to trust any, or take it out", setting)
	}
	return issuers, nil
}

// Method returns the way in which v verifies.
func (v *Verifier) Method() Method { return v.method }

// Start lets v fetch the keys of its issuer, now and every ten minutes, where it has one. It waits for nothing: until they
// are there, tokens can't be decided about.
func (v *Verifier) Start() {
	if v.keys != nil {
		v.keys.start()
	}
}

// Stop ends what Start began, and waits for it.
func (v *Verifier) Stop() {
	if v.keys != nil {
		v.keys.stop()
	}
}

// claims are what is read of a token.
type claims struct {
	jwt.RegisteredClaims
	payload []byte
}

// UnmarshalJSON implements [json.Unmarshaler].
func (c *claims) UnmarshalJSON(payload []byte) error {
	c.payload = slices.Clone(payload)
	return json.Unmarshal(payload, &c.RegisteredClaims)
}

// Verify returns what a token says, if it is one of the issuer's and valid now. Otherwise the error is an [*apierr.Error] that
// callers may read, and tells nothing that stands in the token: UNAUTHORIZED with a [Refusal] as its cause, or UNAVAILABLE if
// that can't be decided now, because the issuer's keys can't be had. It waits a few seconds for them at most.
//
// Who calls it refuses an entity that is an agent: this package knows none.
func (v *Verifier) Verify(ctx context.Context, token string) (Claims, error) {
	c, err := v.verify(ctx, token)
	if err != nil {
		return Claims{}, public(err)
	}
	return c, nil
}

func (v *Verifier) verify(ctx context.Context, token string) (Claims, error) {
	switch {
	case v.method == Disabled:
		return Claims{}, NotConfigured
	case len(token) > MaxSize:
		return Claims{}, TooLarge
	case strings.ContainsAny(token, "\r\n"): // which decoders of base64 pass over
		return Claims{}, Malformed
	}
	var c claims
	if t, err := v.parser.ParseWithClaims(token, &c, v.keysFor(ctx)); err != nil {
		return Claims{}, v.reason(t, &c, err)
	}
	switch {
	case c.Subject == "":
		return Claims{}, NoSubject
	case c.Issuer == "" && (v.issuers != nil || v.perIssuer):
		return Claims{}, NoIssuer
	case v.issuers != nil && !slices.Contains(v.issuers, c.Issuer):
		return Claims{}, UntrustedIssuer
	}
	entity, err := v.entity(c.Issuer, c.Subject)
	if err != nil {
		return Claims{}, err
	}
	out := Claims{Entity: entity, Subject: c.Subject, Issuer: c.Issuer, ID: c.ID, Expires: c.ExpiresAt.Time, payload: c.payload}
	if c.IssuedAt != nil {
		out.Issued = c.IssuedAt.Time
	}
	return out, nil
}

// entity returns whom a subject stands for.
func (v *Verifier) entity(issuer, subject string) (uuid.UUID, error) {
	if v.perIssuer {
		const between = "|"
		if strings.Contains(issuer, between) { // or two pairs would be one
			return uuid.Nil, UntrustedIssuer
		}
		subject = issuer + between + subject
	}
	id := agent.UUIDOf(subject)
	if id == uuid.Nil { // anonymous
		return uuid.Nil, NoEntity
	}
	return id, nil
}

// keysFor returns the keys for a token's header.
func (v *Verifier) keysFor(ctx context.Context) jwt.Keyfunc {
	return func(t *jwt.Token) (any, error) {
		if _, critical := t.Header["crit"]; critical { // RFC 7515, section 4.1.11: none of them is understood here
			return nil, Malformed
		}
		if id, named := t.Header["kid"]; named {
			if _, ok := id.(string); !ok {
				return nil, Malformed
			}
		}
		return v.keys.find(ctx)(t)
	}
}

// public returns an error as callers get it.
func public(err error) *apierr.Error {
	if refusal, ok := err.(Refusal); ok {
		return apierr.Wrap(refusal, apierr.Unauthorized, "Invalid JWT token").WithDetails(refusal.Error())
	}
	return apierr.Wrap(err, apierr.Unavailable, "The token can't be verified at the moment").
		WithDetails("The keys of its issuer can't be read; try again later")
}

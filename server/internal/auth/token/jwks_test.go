package token_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"

	"github.com/elizad/elizad/server/internal/auth/token"
	"github.com/elizad/elizad/server/settings"
)

// jwk returns the public key as a member of a set.
func (p pair) jwk(t testing.TB, kid string) string {
	return marshalJWK(t, p.private.Public(), jwkset.JWKOptions{Metadata: jwkset.JWKMetadataOptions{KID: kid, USE: jwkset.UseSig, ALG: jwkset.ALG(p.method.Alg())}})
}

func marshalJWK(t testing.TB, key any, o jwkset.JWKOptions) string {
	t.Helper()
	jwk, err := jwkset.NewJWKFromKey(key, o)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(jwk.Marshal())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// issuer publishes keys over https.
type issuer struct {
	http    *httptest.Server
	answer  atomic.Pointer[http.HandlerFunc]
	fetches atomic.Int64
}

func newIssuer(t testing.TB, jwks ...string) *issuer {
	in := &issuer{}
	in.publish(jwks...)
	in.http = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		in.fetches.Add(1)
		(*in.answer.Load())(w, r)
	}))
	in.http.Config.ErrorLog = log.New(io.Discard, "", 0)
	in.http.StartTLS()
	t.Cleanup(in.http.Close)
	return in
}

func (in *issuer) answers(h http.HandlerFunc) { in.answer.Store(&h) }

// says makes the issuer answer with a text.
func (in *issuer) says(text string) {
	in.answers(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) })
}

func (in *issuer) publish(jwks ...string) { in.says(`{"keys":[` + strings.Join(jwks, ",") + `]}`) }

// leaves makes the issuer break off all connections.
func (in *issuer) leaves() {
	in.answers(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
}

func (in *issuer) url() string { return in.http.URL + "/keys" }

func (in *issuer) options(c *clock) token.Options {
	transport := in.http.Client().Transport.(*http.Transport).Clone()
	transport.DisableKeepAlives = true
	return token.Options{Now: c.now, Transport: transport}
}

// verifier returns a started one, whose background rests until tick says that the time has come.
func (in *issuer) verifier(t testing.TB, c *clock) (v *token.Verifier, tick func() time.Duration) {
	v = newVerifier(t, settings.Tokens{JWKS: in.url(), Audience: "elizad"}, in.options(c))
	pauses, ticks := make(chan time.Duration, 1), make(chan time.Time)
	v.SetAfter(func(d time.Duration) <-chan time.Time {
		pauses <- d
		return ticks
	})
	v.Start()
	pause := time.Duration(0)
	return v, func() time.Duration { // the pause that is over, when the look after it is
		if pause == 0 {
			pause = <-pauses
		}
		over := pause
		ticks <- c.now()
		pause = <-pauses
		return over
	}
}

func (in *issuer) wantFetches(t *testing.T, n int64) {
	t.Helper()
	if got := in.fetches.Load(); got != n {
		t.Errorf("%d fetches, want %d", got, n)
	}
}

func TestSetOfKeys(t *testing.T) {
	t.Parallel()
	c := newClock()
	ed, ec, rs := edKey(t), ecKey(t, elliptic.P256(), jwt.SigningMethodES256), rsaKey(t, 2048)
	p384, p521 := ecKey(t, elliptic.P384(), jwt.SigningMethodES384), ecKey(t, elliptic.P521(), jwt.SigningMethodES512)
	anyRSA := marshalJWK(t, rs.private.Public(), jwkset.JWKOptions{Metadata: jwkset.JWKMetadataOptions{KID: "any"}})
	in := newIssuer(t, ed.jwk(t, "ed"), ec.jwk(t, "ec"), rs.jwk(t, "rs"), p384.jwk(t, "p384"), p521.jwk(t, "p521"), anyRSA, ed.jwk(t, "two"), ec.jwk(t, "two"))
	v, _ := in.verifier(t, c)
	for kid, key := range map[string]pair{"ed": ed, "ec": ec, "rs": rs, "p384": p384, "p521": p521, "any": {rs.private, jwt.SigningMethodPS512}} {
		want(t, v, kid, key.sign(t, kid, c.valid()), "")
		want(t, v, kid+" without its id", key.sign(t, "", c.valid()), "")
	}
	want(t, v, "an id of two, by the first", ed.sign(t, "two", c.valid()), "")
	want(t, v, "an id of two, by the second", ec.sign(t, "two", c.valid()), "")
	want(t, v, "the id of another", ed.sign(t, "ec", c.valid()), token.UnknownKey)
	want(t, v, "an algorithm that the key is not for", pair{rs.private, jwt.SigningMethodPS256}.sign(t, "rs", c.valid()), token.UnknownKey)
	want(t, v, "another key of that id", edKey(t).sign(t, "ed", c.valid()), token.BadSignature)
	want(t, v, "another key without id", edKey(t).sign(t, "", c.valid()), token.BadSignature)
	want(t, v, "a secret", sign(t, jwt.SigningMethodHS256, []byte(rs.pem(t)), "rs", c.valid()), token.BadAlgorithm)
	want(t, v, "nobody", sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, "rs", c.valid()), token.BadAlgorithm)
	want(t, v, "another service", ed.sign(t, "ed", c.valid("aud", "x")), token.BadAudience)
	want(t, v, "expired", ed.sign(t, "ed", c.valid("exp", c.now().Add(-time.Minute).Unix())), token.Expired)
	in.wantFetches(t, 1)
}

// A new key is noticed by the first token that it signs, an old one goes with the next look.
func TestRotation(t *testing.T) {
	t.Parallel()
	c := newClock()
	first, second, third := edKey(t), edKey(t), edKey(t)
	in := newIssuer(t, first.jwk(t, "1"))
	v, tick := in.verifier(t, c)
	want(t, v, "the first", first.sign(t, "1", c.valid()), "")
	in.publish(first.jwk(t, "1"), second.jwk(t, "2"))
	want(t, v, "the second, just after a look", second.sign(t, "2", c.valid()), token.UnknownKey)
	c.forward(token.FetchAgain)
	want(t, v, "the second", second.sign(t, "2", c.valid()), "")
	want(t, v, "still the first", first.sign(t, "1", c.valid()), "")
	in.wantFetches(t, 2)
	in.publish(third.jwk(t, "3"))
	if pause := tick(); pause != token.FetchEvery {
		t.Errorf("the next look is after %v", pause)
	}
	want(t, v, "the third", third.sign(t, "3", c.valid()), "")
	want(t, v, "no more the first", first.sign(t, "1", c.valid()), token.UnknownKey)
	in.wantFetches(t, 3)
}

func TestIssuerIsAway(t *testing.T) {
	t.Parallel()
	c := newClock()
	key, next := edKey(t), edKey(t)
	in := newIssuer(t)
	in.leaves()
	v, tick := in.verifier(t, c) // which does not fail
	want(t, v, "at the start", key.sign(t, "1", c.valid()), undecided)
	want(t, v, "without an id", key.sign(t, "", c.valid()), undecided)
	want(t, v, "what is refused anyhow", sign(t, jwt.SigningMethodHS256, []byte(secret), "1", c.valid()), token.BadAlgorithm)
	in.publish(key.jwk(t, "1"))
	if pause := tick(); pause != token.FetchAgain {
		t.Errorf("the next look is after %v", pause)
	}
	want(t, v, "when it is back", key.sign(t, "1", c.valid()), "")
	in.leaves()
	tick()
	c.forward(token.FetchAgain)
	want(t, v, "known keys", key.sign(t, "1", c.valid()), "")
	want(t, v, "unknown ones", next.sign(t, "2", c.valid()), undecided)
	c.forward(time.Hour)
	want(t, v, "known keys later", key.sign(t, "1", c.valid()), "")
	in.publish(key.jwk(t, "1"), next.jwk(t, "2"))
	want(t, v, "a new one that brings it back", next.sign(t, "2", c.valid()), "")
}

// What an issuer says that is no set of keys for signatures leaves those that are known.
func TestIssuerLies(t *testing.T) {
	t.Parallel()
	c := newClock()
	key, other := edKey(t), ecKey(t, elliptic.P256(), jwt.SigningMethodES256)
	private := other.private.(*ecdsa.PrivateKey)
	symmetric := `{"kty":"oct","kid":"1","k":"c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0","alg":"HS256"}`
	redirected := newIssuer(t, other.jwk(t, "2"))
	in := newIssuer(t, key.jwk(t, "1"))
	v, tick := in.verifier(t, c)
	want(t, v, "before", key.sign(t, "1", c.valid()), "")
	for name, answer := range map[string]any{
		"garbage":         "canary",
		"nothing":         "",
		"null":            "null",
		"no keys":         `{"keys":[]}`,
		"a list":          `[]`,
		"half a set":      `{"keys":[` + other.jwk(t, "2"),
		"a page":          "<html>",
		"a large set":     `{"keys":[` + other.jwk(t, "2") + `],"x":"` + strings.Repeat("x", token.MaxSet) + `"}`,
		"many keys":       `{"keys":[` + strings.Repeat(other.jwk(t, "2")+",", token.MaxKeys) + other.jwk(t, "2") + `]}`,
		"a symmetric key": `{"keys":[` + symmetric + `]}`,
		"an unknown kind": `{"keys":[` + strings.ReplaceAll(other.jwk(t, "2"), `"EC"`, `"XX"`) + `]}`,
		"another kind":    `{"keys":[` + strings.ReplaceAll(other.jwk(t, "2"), `"EC"`, `"RSA"`) + `]}`,
		"another curve":   `{"keys":[` + strings.ReplaceAll(other.jwk(t, "2"), `"P-256"`, `"P-384"`) + `]}`,
		"for encryption":  `{"keys":[` + strings.ReplaceAll(other.jwk(t, "2"), `"sig"`, `"enc"`) + `]}`,
		"for signing":     `{"keys":[` + strings.ReplaceAll(other.jwk(t, "2"), `"kty"`, `"key_ops":["sign"],"kty"`) + `]}`,
		"another alg":     `{"keys":[` + strings.ReplaceAll(other.jwk(t, "2"), `"ES256"`, `"RS256"`) + `]}`,
		"a private key":   `{"keys":[` + marshalJWK(t, private, jwkset.JWKOptions{Marshal: jwkset.JWKMarshalOptions{Private: true}, Metadata: jwkset.JWKMetadataOptions{KID: "2"}}) + `]}`,
		"a short RSA key": `{"keys":[` + rsaKey(t, 1024).jwk(t, "2") + `]}`,
		"an error":        http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, `{"keys":[`+other.jwk(t, "2")+`]}`, 500) }),
		"another place":   http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, redirected.url(), http.StatusFound) }),
		"more than length": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "9999")
			_, _ = w.Write([]byte("{"))
		}),
	} {
		switch a := answer.(type) {
		case string:
			in.says(a)
		case http.HandlerFunc:
			in.answers(a)
		}
		tick()
		c.forward(token.FetchAgain)
		want(t, v, name+": what was known", key.sign(t, "1", c.valid()), "")
		want(t, v, name+": what it says", other.sign(t, "2", c.valid()), undecided)
		want(t, v, name+": a secret", sign(t, jwt.SigningMethodHS256, []byte("secretsecretsecretsecretsecretsecret"), "1", c.valid()), token.BadAlgorithm)
	}
	redirected.wantFetches(t, 0)
	in.publish(symmetric, `"canary"`, `{"kty":"XX","kid":"3"}`, other.jwk(t, "2")) // good ones among others
	tick()
	want(t, v, "at last", other.sign(t, "2", c.valid()), "")
}

// Tokens that name keys of fancy cost the issuer one request in half a minute, and here nobody waits for it but a few.
func TestUnknownKeysFlood(t *testing.T) {
	t.Parallel()
	c := newClock()
	key := edKey(t)
	in := newIssuer(t, key.jwk(t, "1"))
	v, _ := in.verifier(t, c)
	want(t, v, "a good one", key.sign(t, "1", c.valid()), "")
	for i := range 1000 {
		want(t, v, "a fancy one", key.sign(t, "x"+strconv.Itoa(i), c.valid()), token.UnknownKey)
	}
	in.wantFetches(t, 1)

	arrived, release := make(chan struct{}), make(chan struct{})
	set := `{"keys":[` + key.jwk(t, "1") + `]}`
	in.answers(func(w http.ResponseWriter, _ *http.Request) {
		close(arrived)
		<-release
		_, _ = w.Write([]byte(set))
	})
	c.forward(token.FetchAgain)
	var flood sync.WaitGroup
	for i := range token.MaxWaiting {
		flood.Go(func() {
			want(t, v, "one that waits", key.sign(t, "y"+strconv.Itoa(i), c.valid()), token.UnknownKey)
		})
	}
	<-arrived
	for v.Waiting() < token.MaxWaiting {
		runtime.Gosched() // they are on their way
	}
	for i := range 1000 {
		want(t, v, "one too many", key.sign(t, "z"+strconv.Itoa(i), c.valid()), undecided)
	}
	want(t, v, "a good one meanwhile", key.sign(t, "1", c.valid()), "")
	close(release)
	flood.Wait()
	in.wantFetches(t, 2)
	if n := v.Waiting(); n != 0 {
		t.Errorf("%d wait", n)
	}
}

// Who has no time does not wait for a slow issuer, and the end of the server does not either.
func TestSlowIssuer(t *testing.T) {
	t.Parallel()
	c := newClock()
	key := edKey(t)
	in := newIssuer(t)
	arrived, release := make(chan struct{}), make(chan struct{})
	in.answers(func(http.ResponseWriter, *http.Request) {
		close(arrived)
		<-release
	})
	defer close(release)
	v, _ := in.verifier(t, c)
	<-arrived
	ctx, cancel := context.WithCancel(t.Context())
	var waiting sync.WaitGroup
	waiting.Go(func() { wantCtx(ctx, t, v, "one that gives up", key.sign(t, "1", c.valid()), undecided) })
	for v.Waiting() == 0 {
		runtime.Gosched()
	}
	cancel()
	waiting.Wait()
	waiting.Go(func() { want(t, v, "one at the end", key.sign(t, "1", c.valid()), undecided) })
	for v.Waiting() == 0 {
		runtime.Gosched()
	}
	v.Stop()
	waiting.Wait()
	c.forward(time.Hour)
	want(t, v, "after the end", key.sign(t, "1", c.valid()), undecided)
	in.wantFetches(t, 1)
}

func TestIssuerOnThisMachine(t *testing.T) {
	t.Parallel()
	c := newClock()
	key := edKey(t)
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, `{"keys":[%s]}`, key.jwk(t, "1")) }))
	defer plain.Close()
	v := newVerifier(t, settings.Tokens{JWKS: plain.URL, Issuers: "https://issuer.example"}, token.Options{Now: c.now})
	v.Start()
	want(t, v, "by its own transport", key.sign(t, "1", c.valid()), "")
	want(t, v, "another issuer", key.sign(t, "1", c.valid("iss", "x")), token.UntrustedIssuer)
}

// An issuer that shows a certificate of nobody is not asked.
func TestIssuerIsChecked(t *testing.T) {
	t.Parallel()
	c := newClock()
	key := edKey(t)
	in := newIssuer(t, key.jwk(t, "1"))
	v := newVerifier(t, settings.Tokens{JWKS: in.url(), Issuers: "https://issuer.example"}, token.Options{Now: c.now})
	v.Start()
	want(t, v, "of a server that nobody vouches for", key.sign(t, "1", c.valid()), undecided)
	in.wantFetches(t, 0)
}

// breaks is a transport with a fault of its own.
type breaks struct{}

func (breaks) RoundTrip(*http.Request) (*http.Response, error) { panic("canary") }

func TestPanicWhileFetching(t *testing.T) {
	t.Parallel()
	c := newClock()
	v := newVerifier(t, settings.Tokens{JWKS: "https://issuer.example/", Audience: "elizad"}, token.Options{Now: c.now, Transport: breaks{}})
	v.Start()
	want(t, v, "with a fault", edKey(t).sign(t, "1", c.valid()), undecided)
}

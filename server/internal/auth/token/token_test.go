package token_test

import (
	"bytes"
	"crypto/elliptic"
	"encoding/base64"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/internal/auth/token"
	"github.com/elizad/elizad/server/settings"
)

func TestClaims(t *testing.T) {
	t.Parallel()
	c := newClock()
	key := ecKey(t, elliptic.P256(), jwt.SigningMethodES256)
	v := newVerifier(t, settings.Tokens{PrivyKey: key.pem(t)}, token.Options{Now: c.now})
	got := want(t, v, "a good token", key.sign(t, "", c.valid("name", "Ada")), "")
	if got.Entity.String() != person || got.Subject != person || got.Issuer != "https://issuer.example" || got.ID != "t-1" ||
		!got.Issued.Equal(c.now()) || !got.Expires.Equal(c.now().Add(time.Hour)) {
		t.Errorf("%+v", got)
	}
	var own struct{ Name string }
	if err := got.Decode(&own); err != nil || own.Name != "Ada" {
		t.Errorf("%+v: %v", own, err)
	}
	var wrong struct{ Name int }
	if err := got.Decode(&wrong); err == nil {
		t.Error("a name is a number")
	}
}

func TestEntities(t *testing.T) {
	t.Parallel()
	c := newClock()
	for name, test := range map[string]struct {
		namespace, issuer, subject string
		want                       uuid.UUID
		refused                    token.Refusal
	}{
		"a UUID is that entity":                   {"", "a", person, uuid.MustParse(person), ""},
		"in either case":                          {"", "a", strings.ToUpper(person), uuid.MustParse(person), ""},
		"another text is hashed as clients do it": {"", "a", "did:privy:1", agent.UUIDOf("did:privy:1"), ""},
		"of any issuer":                           {"", "b", "did:privy:1", agent.UUIDOf("did:privy:1"), ""},
		"nobody":                                  {"", "a", "00000000-0000-0000-0000-000000000000", uuid.Nil, token.NoEntity},
		"of one issuer":                           {"issuer", "a", person, agent.UUIDOf("a|" + person), ""},
		"of another":                              {"issuer", "b", person, agent.UUIDOf("b|" + person), ""},
		"of one who pretends to be another":       {"issuer", "a|b", "c", uuid.Nil, token.UntrustedIssuer},
		"of none":                                 {"issuer", "", "c", uuid.Nil, token.NoIssuer},
	} {
		v := newVerifier(t, settings.Tokens{Secret: secret, Namespace: test.namespace}, token.Options{Now: c.now})
		text := sign(t, jwt.SigningMethodHS256, []byte(secret), "", c.valid("iss", test.issuer, "sub", test.subject))
		if got := want(t, v, name, text, test.refused).Entity; got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

// TestRefusals has for each kind of key the tokens that somebody without it, or with another, can make.
func TestRefusals(t *testing.T) {
	t.Parallel()
	c := newClock()
	ed, ec, rs := edKey(t), ecKey(t, elliptic.P256(), jwt.SigningMethodES256), rsaKey(t, 2048)
	otherEC, p384 := ecKey(t, elliptic.P256(), jwt.SigningMethodES256), ecKey(t, elliptic.P384(), jwt.SigningMethodES384)
	for name, test := range map[string]struct {
		cfg  settings.Tokens
		good pair
		bad  map[string]string // signed otherwise, and refused for the signature
	}{
		"Ed25519": {settings.Tokens{PublicKey: ed.pem(t)}, ed, map[string]string{"another key": edKey(t).sign(t, "", c.valid())}},
		"P-256":   {settings.Tokens{PublicKey: ec.pem(t)}, ec, map[string]string{"another key": otherEC.sign(t, "", c.valid())}},
		"RSA":     {settings.Tokens{PublicKey: rs.pem(t)}, rs, map[string]string{"another key": rsaKey(t, 2048).sign(t, "", c.valid())}},
		"RSA-PSS": {settings.Tokens{PublicKey: rs.pem(t)}, pair{rs.private, jwt.SigningMethodPS256}, nil},
		"secret": {settings.Tokens{Secret: secret}, pair{method: jwt.SigningMethodHS384}, map[string]string{
			"another secret": sign(t, jwt.SigningMethodHS256, []byte("x"+secret), "", c.valid()),
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.cfg.Issuers, test.cfg.Audience = "https://issuer.example, b", "elizad,other"
			v := newVerifier(t, test.cfg, token.Options{Now: c.now})
			good := func(changes ...any) string {
				if test.good.private == nil {
					return sign(t, test.good.method, []byte(secret), "", c.valid(changes...))
				}
				return test.good.sign(t, "", c.valid(changes...))
			}
			now := c.now().Unix()
			for what, text := range map[string]string{
				"a good one": good(), "a few seconds old": good("exp", now-29), "for a clock that is behind": good("nbf", now+29, "iat", now+29),
				"without times but the end": good("nbf", nil, "iat", nil), "another issuer": good("iss", "b"), "several audiences": good("aud", []string{"x", "other"}),
			} {
				want(t, v, what, text, "")
			}
			head, rest, _ := strings.Cut(good(), ".")
			payload, signature, _ := strings.Cut(rest, ".")
			header := func(members string) string { return base64.RawURLEncoding.EncodeToString([]byte(members)) }
			other := base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"canary","exp":99999999999}`))
			for what, refused := range map[string]struct {
				text   string
				reason token.Refusal
			}{
				"nothing":                   {"", token.Malformed},
				"no token":                  {"canary", token.Malformed},
				"two parts":                 {head + "." + payload, token.Malformed},
				"five parts":                {head + ".canary.canary.canary.canary", token.Malformed},
				"no header":                 {"canary!." + rest, token.Malformed},
				"a header of nothing":       {header("null") + "." + rest, token.BadAlgorithm},
				"claims of nothing":         {head + "." + header("null") + "." + signature, token.BadSignature},
				"claims that are none":      {head + "." + header(`["canary"]`) + "." + signature, token.Malformed},
				"a number as subject":       {head + "." + header(`{"sub":1}`) + "." + signature, token.Malformed},
				"claims of another":         {head + "." + other + "." + signature, token.BadSignature},
				"another signature":         {head + "." + payload + "." + base64.RawURLEncoding.EncodeToString([]byte("canary")), token.BadSignature},
				"no signature":              {head + "." + payload + ".", token.BadSignature},
				"signed by nobody":          {sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, "", c.valid()), token.BadAlgorithm},
				"signed by nobody, as NONE": {header(`{"alg":"NONE"}`) + "." + payload + ".", token.BadAlgorithm},
				"an algorithm of fancy":     {header(`{"alg":"canary"}`) + "." + rest, token.BadAlgorithm},
				"no algorithm":              {header(`{"typ":"JWT"}`) + "." + rest, token.BadAlgorithm},
				"the curve of another":      {p384.sign(t, "", c.valid()), token.BadAlgorithm},
				"what is critical":          {header(`{"alg":"`+test.good.method.Alg()+`","crit":["canary"]}`) + "." + rest, token.Malformed},
				"a number as key id":        {header(`{"alg":"`+test.good.method.Alg()+`","kid":1}`) + "." + rest, token.Malformed},
				"too large":                 {good("canary", strings.Repeat("x", token.MaxSize)), token.TooLarge},
				"expired":                   {good("exp", now-31), token.Expired},
				"of no end":                 {good("exp", nil), token.NoExpiry},
				"an end of null":            {head + "." + header(`{"exp":null}`) + "." + signature, token.BadSignature},
				"not yet valid":             {good("nbf", now+31), token.NotYetValid},
				"of the future":             {good("iat", now+31), token.IssuedLater},
				"of nobody":                 {good("sub", nil), token.NoSubject},
				"of an empty subject":       {good("sub", ""), token.NoSubject},
				"of an unknown issuer":      {good("iss", "canary"), token.UntrustedIssuer},
				"of an issuer in part":      {good("iss", "https://issuer.example/"), token.UntrustedIssuer},
				"of an issuer of all":       {good("iss", "*"), token.UntrustedIssuer},
				"of no issuer":              {good("iss", nil), token.NoIssuer},
				"for somebody else":         {good("aud", "canary"), token.BadAudience},
				"for nobody":                {good("aud", nil), token.BadAudience},
				"for no one":                {good("aud", []string{}), token.BadAudience},
			} {
				want(t, v, what, refused.text, refused.reason)
			}
			for what, text := range test.bad {
				want(t, v, what, text, token.BadSignature)
			}
			if test.cfg.PublicKey != "" { // the key is known to everybody, and must be no secret
				for _, public := range []string{test.cfg.PublicKey, strings.TrimSpace(test.cfg.PublicKey)} {
					want(t, v, "signed with the public key", sign(t, jwt.SigningMethodHS256, []byte(public), "", c.valid()), token.BadAlgorithm)
				}
			}
		})
	}
}

// The signature's base64 has bits to spare; a token has one spelling all the same, as it may be listed as withdrawn.
func TestTokensHaveOneSpelling(t *testing.T) {
	t.Parallel()
	c := newClock()
	v := newVerifier(t, settings.Tokens{Secret: secret}, token.Options{Now: c.now})
	text := sign(t, jwt.SigningMethodHS256, []byte(secret), "", c.valid())
	want(t, v, "a good one", text, "")
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(digits, text[len(text)-1])
	want(t, v, "another spelling", text[:len(text)-1]+string(digits[last^1]), token.Malformed)
	want(t, v, "with padding", text+"=", token.Malformed)
	want(t, v, "with a line end", text+"\n", token.Malformed)
}

func TestNoWayToVerify(t *testing.T) {
	t.Parallel()
	v := newVerifier(t, settings.Tokens{Issuers: "a", Audience: "b", Namespace: "issuer"}, token.Options{})
	v.Start()
	if v.Method() != token.Disabled {
		t.Errorf("the method is %s", v.Method())
	}
	c := newClock()
	for _, text := range []string{"", sign(t, jwt.SigningMethodHS256, []byte(""), "", c.valid()), sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, "", c.valid())} {
		want(t, v, "any token", text, token.NotConfigured)
	}
}

func TestFirstWayCounts(t *testing.T) {
	t.Parallel()
	c := newClock()
	first, second := edKey(t), edKey(t)
	all := settings.Tokens{
		PrivyKey: first.pem(t), PublicKey: second.pem(t), JWKS: "https://issuer.example/keys", Secret: secret, Audience: "elizad",
	}
	for _, step := range []struct {
		method token.Method
		used   string
		text   string
		unset  func()
	}{
		{token.Public, "PRIVY_VERIFICATION_KEY", first.sign(t, "", c.valid()), func() { all.PrivyKey = "" }},
		{token.Public, "JWT_ED25519_PUBLIC_KEY", second.sign(t, "", c.valid()), func() { all.PublicKey = "" }},
		{token.JWKS, "JWT_JWKS_URI", "", func() { all.JWKS = "" }},
		{token.Secret, "", sign(t, jwt.SigningMethodHS512, []byte(secret), "", c.valid()), func() { all.Secret = "" }},
	} {
		var log bytes.Buffer
		v := newVerifier(t, all, token.Options{Now: c.now, Log: slog.New(slog.NewTextHandler(&log, nil))})
		if v.Method() != step.method {
			t.Errorf("the method is %s, want %s", v.Method(), step.method)
		}
		if step.text != "" {
			want(t, v, string(step.method), step.text, "")
		}
		for line := range strings.Lines(log.String()) {
			if !strings.Contains(line, "level=WARN") || !strings.Contains(line, `used="`+step.used) || strings.Contains(line, secret) {
				t.Errorf("the log: %s", line)
			}
		}
		if (log.Len() > 0) != (step.used != "") {
			t.Errorf("%s: the log has %q", step.method, &log)
		}
		step.unset()
	}
}

func TestIncompleteSettings(t *testing.T) {
	t.Parallel()
	ed := edKey(t)
	good := ed.pem(t)
	private := "-----BEGIN PRIVATE KEY-----\nMC4CAQ==\n-----END PRIVATE KEY-----\n"
	for name, test := range map[string]struct {
		cfg  settings.Tokens
		want []string // none: it is complete
	}{
		"a key":                        {settings.Tokens{PublicKey: good}, nil},
		"a key in one line":            {settings.Tokens{PublicKey: strings.ReplaceAll(good, "\n", `\n`)}, nil},
		"a key from Windows":           {settings.Tokens{PublicKey: strings.ReplaceAll(good, "\n", `\r\n`)}, nil},
		"no PEM":                       {settings.Tokens{PublicKey: "hunter2"}, []string{"JWT_ED25519_PUBLIC_KEY", "is no PEM", "-----BEGIN PUBLIC KEY-----"}},
		"half a PEM":                   {settings.Tokens{PrivyKey: good[:40]}, []string{"PRIVY_VERIFICATION_KEY", "is no PEM"}},
		"a private key":                {settings.Tokens{PrivyKey: private}, []string{"PRIVY_VERIFICATION_KEY", "is a private key", "openssl pkey -pubout"}},
		"a certificate":                {settings.Tokens{PrivyKey: "-----BEGIN CERTIFICATE-----\nMC4CAQ==\n-----END CERTIFICATE-----\n"}, []string{"is a PEM of the kind CERTIFICATE"}},
		"nonsense in a PEM":            {settings.Tokens{PrivyKey: "-----BEGIN PUBLIC KEY-----\nMC4CAQ==\n-----END PUBLIC KEY-----\n"}, []string{"holds no key that can be read"}},
		"two keys":                     {settings.Tokens{PrivyKey: good + good}, []string{"more than one key"}},
		"another curve":                {settings.Tokens{PrivyKey: ecKey(t, elliptic.P384(), jwt.SigningMethodES384).pem(t)}, []string{"PRIVY_VERIFICATION_KEY", "P-256"}},
		"a short RSA key":              {settings.Tokens{PrivyKey: rsaKey(t, 1024).pem(t)}, []string{"RSA with 2048"}},
		"a bad key beside a secret":    {settings.Tokens{PrivyKey: "hunter2", Secret: secret}, []string{"PRIVY_VERIFICATION_KEY"}},
		"a short secret":               {settings.Tokens{Secret: "hunter2"}, []string{"JWT_SECRET (--jwt-secret) has 7 bytes", "at least 32", "openssl rand -hex 32"}},
		"a secret of 31 bytes":         {settings.Tokens{Secret: strings.Repeat("x", 31)}, []string{"31 bytes"}},
		"a secret of 32 bytes":         {settings.Tokens{Secret: strings.Repeat("x", 32)}, nil},
		"a set for an audience":        {settings.Tokens{JWKS: "https://i.example/k", Audience: "elizad"}, nil},
		"a set for an issuer":          {settings.Tokens{JWKS: "https://i.example/k", Issuers: "https://i.example"}, nil},
		"a set on this machine":        {settings.Tokens{JWKS: "http://127.0.0.1:1/k", Issuers: "a"}, nil},
		"a set on this machine, named": {settings.Tokens{JWKS: "http://localhost:1/k", Issuers: "a"}, nil},
		"a set alone":                  {settings.Tokens{JWKS: "https://i.example/k"}, []string{"JWT_JWKS_URI", "JWT_AUDIENCE", "JWT_ISSUER_WHITELIST"}},
		"a set for all issuers":        {settings.Tokens{JWKS: "https://i.example/k", Issuers: "*"}, []string{"JWT_AUDIENCE"}},
		"a set in the open":            {settings.Tokens{JWKS: "http://i.example/k", Issuers: "a"}, []string{"JWT_JWKS_URI", "write https"}},
		"a set nowhere":                {settings.Tokens{JWKS: "i.example/k", Issuers: "a"}, []string{"JWT_JWKS_URI", "is no address"}},
		"a set in a file":              {settings.Tokens{JWKS: "file:///etc/passwd", Issuers: "a"}, []string{"is no address"}},
		"a list of no issuers":         {settings.Tokens{Secret: secret, Issuers: " , "}, []string{"JWT_ISSUER_WHITELIST", "names nothing"}},
		"all issuers and one":          {settings.Tokens{Secret: secret, Issuers: "a,*"}, []string{"JWT_ISSUER_WHITELIST", "* alone"}},
		"all issuers":                  {settings.Tokens{Secret: secret, Issuers: " * "}, nil},
		"no audience":                  {settings.Tokens{Secret: secret, Audience: ","}, []string{"JWT_AUDIENCE", "names nothing"}},
		"another namespace":            {settings.Tokens{Secret: secret, Namespace: "tenant"}, []string{"JWT_ENTITY_NAMESPACE", "write issuer"}},
	} {
		v, err := token.New(test.cfg, token.Options{})
		if (err == nil) != (len(test.want) == 0) || (v == nil) != (err != nil) {
			t.Errorf("%s: %v, %v", name, v, err)
			continue
		}
		for _, part := range test.want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %q is missing in %q", name, part, err)
			}
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error repeats the value: %v", name, err)
		}
	}
}

// FuzzVerify gives verifiers what anybody may send.
func FuzzVerify(f *testing.F) {
	c := newClock()
	key := edKey(f)
	verifiers := []*token.Verifier{
		newVerifier(f, settings.Tokens{PublicKey: key.pem(f), Issuers: "https://issuer.example"}, token.Options{Now: c.now}),
		newVerifier(f, settings.Tokens{Secret: secret, Audience: "elizad", Namespace: "issuer"}, token.Options{Now: c.now}),
	}
	good := map[string]bool{}
	for _, text := range []string{key.sign(f, "k", c.valid()), sign(f, jwt.SigningMethodHS256, []byte(secret), "", c.valid())} {
		good[text] = true
		f.Add(text)
	}
	for _, text := range []string{"", ".", "..", "...", "e30.e30.", "bnVsbA.bnVsbA.", "eyJhbGciOiJub25lIn0.e30.", "eyJhbGciOiJFZERTQSIsImtpZCI6W119.e30.AA"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, v := range verifiers {
			if _, err := v.Verify(t.Context(), text); err == nil && !good[text] {
				t.Errorf("taken by %s: %q", v.Method(), text)
			}
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	c := newClock()
	ed, ec, rs := edKey(b), ecKey(b, elliptic.P256(), jwt.SigningMethodES256), rsaKey(b, 2048)
	in := newIssuer(b, ec.jwk(b, "k"))
	remote := newVerifier(b, settings.Tokens{JWKS: in.url(), Audience: "elizad"}, in.options(c))
	remote.Start()
	for name, bench := range map[string]struct {
		v    *token.Verifier
		text string
	}{
		"Ed25519": {newVerifier(b, settings.Tokens{PublicKey: ed.pem(b)}, token.Options{Now: c.now}), ed.sign(b, "", c.valid())},
		"ES256":   {newVerifier(b, settings.Tokens{PublicKey: ec.pem(b)}, token.Options{Now: c.now}), ec.sign(b, "", c.valid())},
		"RS256":   {newVerifier(b, settings.Tokens{PublicKey: rs.pem(b)}, token.Options{Now: c.now}), rs.sign(b, "", c.valid())},
		"HS256":   {newVerifier(b, settings.Tokens{Secret: secret}, token.Options{Now: c.now}), sign(b, jwt.SigningMethodHS256, []byte(secret), "", c.valid())},
		"JWKS":    {remote, ec.sign(b, "k", c.valid())},
		"refused": {newVerifier(b, settings.Tokens{Secret: secret}, token.Options{Now: c.now}), ed.sign(b, "", c.valid())},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := bench.v.Verify(b.Context(), bench.text); (err != nil) != (name == "refused") {
					b.Fatal(err)
				}
			}
		})
	}
}

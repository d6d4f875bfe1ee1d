package server_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/coder/websocket"
	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server"
	"github.com/elizad/elizad/server/settings"
)

// issuer signs tokens.
type issuer struct {
	method jwt.SigningMethod
	key    any
	kid    string
}

// sign returns a token for somebody that ends in some time.
func (i issuer) sign(t testing.TB, subject string, left time.Duration) string {
	t.Helper()
	token := jwt.NewWithClaims(i.method, jwt.MapClaims{"sub": subject, "aud": "elizad", "exp": time.Now().Add(left).Unix()})
	if i.kid != "" {
		token.Header["kid"] = i.kid
	}
	text, err := token.SignedString(i.key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

const tokenSecret = "a secret of more than thirty-two bytes"

// bySecret is an issuer that shares a secret with the server.
func bySecret() (issuer, settings.Tokens) {
	return issuer{method: jwt.SigningMethodHS256, key: []byte(tokenSecret)}, settings.Tokens{Secret: tokenSecret}
}

// byKey is an issuer whose public key the server has.
func byKey(t testing.TB, method jwt.SigningMethod, key crypto.Signer) (issuer, settings.Tokens) {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return issuer{method: method, key: key}, settings.Tokens{PublicKey: string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))}
}

// bySet is an issuer that publishes its keys.
func bySet(t testing.TB, method jwt.SigningMethod, key crypto.Signer) (issuer, settings.Tokens) {
	t.Helper()
	jwk, err := jwkset.NewJWKFromKey(key.Public(), jwkset.JWKOptions{Metadata: jwkset.JWKMetadataOptions{KID: "k"}})
	if err != nil {
		t.Fatal(err)
	}
	set, err := json.Marshal(map[string]any{"keys": []any{jwk.Marshal()}})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(set) }))
	t.Cleanup(srv.Close)
	return issuer{method: method, key: key, kid: "k"}, settings.Tokens{JWKS: srv.URL, Audience: "elizad"}
}

// issuers are one of each kind.
func issuers(t testing.TB) map[string]func() (issuer, settings.Tokens) {
	t.Helper()
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rs, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]func() (issuer, settings.Tokens){
		"Ed25519": func() (issuer, settings.Tokens) { return byKey(t, jwt.SigningMethodEdDSA, ed) },
		"P-256":   func() (issuer, settings.Tokens) { return byKey(t, jwt.SigningMethodES256, ec) },
		"RSA":     func() (issuer, settings.Tokens) { return byKey(t, jwt.SigningMethodRS256, rs) },
		"JWKS":    func() (issuer, settings.Tokens) { return bySet(t, jwt.SigningMethodES256, ec) },
		"secret":  bySecret,
	}
}

// verifying returns a server that takes the tokens of an issuer.
func verifying(t *testing.T, tokens settings.Tokens, change ...func(*settings.Settings)) *node {
	t.Helper()
	cfg := testConfig(t)
	cfg.Security.Tokens = tokens
	for _, c := range change {
		c(&cfg)
	}
	return startWith(t, cfg)
}

// bearing returns the node whose requests carry a token.
func (n *node) bearing(token string) *node { return n.with("Authorization", "Bearer "+token) }

// connect connects a Socket.IO client, and returns the answer to its CONNECT, "" if the transport was closed.
func (n *node) connect(auth map[string]any) (conn *websocket.Conn, answer string) {
	n.t.Helper()
	conn = n.dial("/socket.io/?EIO=4&transport=websocket")
	n.write(conn, "40"+string(jsonOf(auth)))
	n.hear(conn) // the handshake
	return conn, n.hear(conn)
}

// TestTokens has a person who brings a token of each kind of issuer, by every way.
func TestTokens(t *testing.T) {
	t.Parallel()
	for name, kind := range issuers(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			issuer, cfg := kind()
			n := verifying(t, cfg)
			me, other := uuid.New(), uuid.New()
			good := issuer.sign(t, me.String(), time.Hour)
			mine := n.bearing(good).as(other) // which means nothing

			channel := mine.dmBetween(n.agentID(), me)
			if m := data[api.Message](mine.post(channel, api.PostMessageRequest{Content: new("hello")}).want(201)); m.AuthorID != me {
				t.Errorf("written by %s, want %s", m.AuthorID, me)
			}
			mine.createAgent(map[string]any{"name": "Ada", "bio": "b"}).want(403)

			conn, answer := n.connect(map[string]any{"token": good, "entityId": other})
			if !strings.HasPrefix(answer, "40") {
				t.Fatalf("Socket.IO: %s", answer)
			}
			if e := readEvent(t, conn); e.name != "authenticated" || !strings.Contains(string(e.payload), me.String()) {
				t.Errorf("Socket.IO: %s %s", e.name, e.payload)
			}
			plain := n.plain(map[string]any{"type": "auth", "token": good, "entityId": other})
			if frame := n.hear(plain); !strings.Contains(frame, me.String()) {
				t.Errorf("a plain socket: %s", frame)
			}

			clearError(t, "without a credential", n.try(), 401, "UNAUTHORIZED")
			if _, answer := n.connect(map[string]any{}); !strings.HasPrefix(answer, "44") || !strings.Contains(answer, "Authentication required") {
				t.Errorf("Socket.IO without a credential: %s", answer)
			}
			for what, bad := range map[string]string{
				"expired": issuer.sign(t, me.String(), -time.Hour), "no subject": issuer.sign(t, "", time.Hour), "changed": good[:len(good)-8] + "AAAAAAAA",
				"an agent's": issuer.sign(t, n.agentID().String(), time.Hour),
			} {
				a := n.bearing(bad).try()
				clearError(t, what, a, 401, "UNAUTHORIZED")
				if !strings.Contains(string(a.body), "Invalid JWT token") || strings.Contains(string(a.body), bad) {
					t.Errorf("%s: %s", what, a.body)
				}
				if _, answer := n.connect(map[string]any{"token": bad}); !strings.HasPrefix(answer, "44") || !strings.Contains(answer, "Invalid JWT token") {
					t.Errorf("%s on Socket.IO: %s", what, answer)
				}
				plain := n.plain(map[string]any{"type": "auth", "token": bad})
				if frame := n.hear(plain); !strings.Contains(frame, "Invalid JWT token") {
					t.Errorf("%s on a plain socket: %s", what, frame)
				}
			}
		})
	}
}

// TestOwnNameOnly has a person with a token who names somebody else.
func TestOwnNameOnly(t *testing.T) {
	t.Parallel()
	issuer, cfg := bySecret()
	n := verifying(t, cfg)
	me, other := uuid.New(), uuid.New()
	mine := n.bearing(issuer.sign(t, me.String(), time.Hour))
	theirs := n.bearing(issuer.sign(t, other.String(), time.Hour))
	channel := mine.dmBetween(n.agentID(), me)

	clearError(t, "a message", mine.post(channel, api.PostMessageRequest{AuthorID: &other, Content: new("hello")}), 403, "FORBIDDEN")
	clearError(t, "a session", mine.createSession(api.CreateSessionRequest{AgentID: n.agentID(), UserID: other}), 403, "FORBIDDEN")
	clearError(t, "a job", mine.createJob(api.CreateJobRequest{UserID: other, Content: "hello"}), 403, "FORBIDDEN")
	said := mine.say(channel, me, "hello")
	clearError(t, "an edit", theirs.edit(said.ID, "changed"), 403, "FORBIDDEN")
	session := mine.sessionOf(me)
	clearError(t, "a message to a session", theirs.askSession(session.SessionID, "hello"), 403, "FORBIDDEN")
	mine.askSession(session.SessionID, "hello").want(201)
	mine.createJob(api.CreateJobRequest{UserID: me, Content: "hello"}).want(201)

	conn, _ := n.connect(map[string]any{"token": issuer.sign(t, me.String(), time.Hour)})
	n.write(conn, `42["send_message",`+string(jsonOf(map[string]any{"channelId": channel, "senderId": other, "message": "hello"}))+`]`)
	for e := readEvent(t, conn); ; e = readEvent(t, conn) {
		if e.name == "messageError" {
			if !strings.Contains(string(e.payload), "FORBIDDEN") {
				t.Errorf("Socket.IO: %s", e.payload)
			}
			break
		}
		if e.name == "messageAck" {
			t.Fatalf("Socket.IO: %s", e.payload)
		}
	}
	for _, m := range mine.history(channel) {
		if m.AuthorID == other {
			t.Errorf("there is %+v", m)
		}
	}
}

// TestTokensAndKeys has a server that takes both, and an admin among those with tokens.
func TestTokensAndKeys(t *testing.T) {
	t.Parallel()
	issuer, cfg := bySecret()
	me, admin := uuid.New(), uuid.New()
	cfg.Admins = " " + admin.String() + ", "
	n := verifying(t, cfg, func(s *settings.Settings) { s.Security.AuthToken = rightKey })
	token := issuer.sign(t, me.String(), time.Hour)

	n.keyed(rightKey).try().want(200)
	n.bearing(rightKey).try().want(200)
	n.bearing(token).try().want(200)
	n.keyed(rightKey).bearing(token).try().want(200)
	clearError(t, "the wrong key beside a token", n.keyed("wrong").bearing(token).try(), 401, "UNAUTHORIZED")
	clearError(t, "a wrong token beside the key", n.keyed(rightKey).bearing(token+"x").try(), 401, "UNAUTHORIZED")
	clearError(t, "a token as the key", n.keyed(token).try(), 401, "UNAUTHORIZED")
	clearError(t, "neither", n.try(), 401, "UNAUTHORIZED")

	n.keyed(rightKey).newKey("Website", "chat")
	n.keyed(rightKey).bearing(token).read(n.keyed(rightKey).bearing(token).api().ListKeys(t.Context(), nil)).want(403)
	n.bearing(issuer.sign(t, admin.String(), time.Hour)).newKey("Website", "chat")
}

// TestGuessedTokens counts wrong tokens as wrong keys, and those that have expired not at all.
func TestGuessedTokens(t *testing.T) {
	t.Parallel()
	issuer, cfg := bySecret()
	n := verifying(t, cfg)
	good := issuer.sign(t, uuid.NewString(), time.Hour)
	for range 12 {
		clearError(t, "expired", n.bearing(issuer.sign(t, uuid.NewString(), -time.Hour)).try(), 401, "UNAUTHORIZED")
	}
	n.bearing(good).try().want(200)
	issuer.key = []byte("another secret of more than thirty-two bytes")
	for i := range 12 {
		a := n.bearing(issuer.sign(t, uuid.NewString(), time.Hour)).try()
		if i < 10 && a.status != 401 || i >= 10 && a.status != http.StatusTooManyRequests {
			t.Errorf("guess %d: %d %s", i, a.status, a.body)
		}
	}
	n.bearing(good).try().want(http.StatusTooManyRequests)
}

// TestIssuerAway has an issuer whose keys can't be read: nobody is refused for good.
func TestIssuerAway(t *testing.T) {
	t.Parallel()
	away := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }))
	defer away.Close()
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	n := verifying(t, settings.Tokens{JWKS: away.URL, Audience: "elizad"})
	token := issuer{method: jwt.SigningMethodES256, key: ec, kid: "k"}.sign(t, uuid.NewString(), time.Hour)
	for range 12 {
		clearError(t, "REST", n.bearing(token).try(), 503, "UNAVAILABLE")
	}
	if _, answer := n.connect(map[string]any{"token": token}); strings.HasPrefix(answer, "4") {
		t.Errorf("Socket.IO: %s", answer)
	}
	plain := n.plain(map[string]any{"type": "auth", "token": token})
	if frame := n.hear(plain); !strings.Contains(frame, "UNAVAILABLE") {
		t.Errorf("a plain socket: %s", frame)
	}
}

// TestTokenEnds has tokens that end while their holders are connected.
func TestTokenEnds(t *testing.T) {
	t.Parallel()
	issuer, cfg := bySecret()
	n := verifying(t, cfg, func(s *settings.Settings) { s.Messages.BuiltinDelay = time.Hour })
	me := uuid.New()
	channel := n.bearing(issuer.sign(t, me.String(), time.Hour)).dmBetween(n.agentID(), me)
	short := issuer.sign(t, me.String(), -27*time.Second) // the clocks of issuer and server may be half a minute apart

	conn, _ := n.connect(map[string]any{"token": short})
	plain := n.plain(map[string]any{"type": "auth", "token": short})
	n.hear(plain)
	events := n.bearing(short).stream(channel, me, "hello")
	if last := events[len(events)-1]; last.name != "error" || !strings.Contains(string(last.data), "UNAUTHORIZED") {
		t.Errorf("the stream ends with %s %s", last.name, last.data)
	}
	for e := readEvent(t, conn); e.name != "unauthorized"; e = readEvent(t, conn) {
		continue
	}
	for frame := n.hear(conn); frame != ""; frame = n.hear(conn) {
		if strings.HasPrefix(frame, "42") {
			t.Errorf("Socket.IO goes on: %s", frame)
		}
	}
	if frame := n.hear(plain); !strings.Contains(frame, "UNAUTHORIZED") {
		t.Errorf("a plain socket: %s", frame)
	}
	if frame := n.hear(plain); frame != "" {
		t.Errorf("a plain socket goes on: %s", frame)
	}
}

// TestSettingsOfTokens has settings with which a server doesn't start, as what they promise would not be there.
func TestSettingsOfTokens(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*settings.Security){
		"nobody has to prove who they are": func(s *settings.Security) { s.Isolation = true },
		"are both on":                      func(s *settings.Security) { s.Isolation, s.Unisolated = true, true },
		"ADMIN_ENTITY_IDS":                 func(s *settings.Security) { s.Tokens.Admins = "eliza" },
		"JWT_SECRET":                       func(s *settings.Security) { s.Tokens.Secret = "short" },
	} {
		cfg := testConfig(t)
		change(&cfg.Security)
		s, err := server.New(cfg, server.WithLogger(slog.New(slog.DiscardHandler)))
		if err == nil {
			err = s.Start(t.Context())
			_ = s.Shutdown(t.Context())
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

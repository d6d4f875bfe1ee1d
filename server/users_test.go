package server_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"github.com/elizad/elizad/client"
	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server"
	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/settings"
)

const password = "correct horse battery"

// withUsers returns a server on which people log in.
func withUsers(t *testing.T, change ...func(*settings.Settings)) *node {
	t.Helper()
	return startWith(t, userConfig(t, change...))
}

func userConfig(t *testing.T, change ...func(*settings.Settings)) settings.Settings {
	t.Helper()
	cfg := testConfig(t)
	cfg.Security.Users.Enable = true
	cfg.Limits.AuthMax = 1000
	for _, c := range change {
		c(&cfg)
	}
	return cfg
}

func (n *node) register(name string) api.Login {
	n.t.Helper()
	return data[api.Login](n.tryRegister(name+"@example.com", name, password).want(201))
}

func (n *node) tryRegister(email, name, password string) answer {
	n.t.Helper()
	return n.read(n.api().Register(n.t.Context(), api.RegisterRequest{Email: email, Username: name, Password: password}))
}

func (n *node) login(email, password string) answer {
	n.t.Helper()
	return n.read(n.api().Login(n.t.Context(), api.LoginRequest{Email: email, Password: password}))
}

func (n *node) refresh(token string) answer {
	n.t.Helper()
	return n.read(n.api().Refresh(n.t.Context(), api.RefreshRequest{RefreshToken: token}))
}

func (n *node) me() answer {
	n.t.Helper()
	return n.read(n.api().GetMe(n.t.Context()))
}

func (n *node) logout() answer {
	n.t.Helper()
	return n.read(n.api().Logout(n.t.Context()))
}

func (n *node) newPassword(current, next string) answer {
	n.t.Helper()
	return n.read(n.api().ChangePassword(n.t.Context(), api.ChangePasswordRequest{CurrentPassword: current, NewPassword: next}))
}

func (n *node) revoke(which api.RevokeTokensRequest) answer {
	n.t.Helper()
	return n.read(n.api().RevokeTokens(n.t.Context(), which))
}

// TestUsers has somebody register, write, log in again, also after a restart, and log out.
func TestUsers(t *testing.T) {
	t.Parallel()
	cfg := userConfig(t)
	n := startWith(t, cfg)
	clearError(t, "without a token", n.try(), 401, "UNAUTHORIZED")
	first := n.register("Ada")
	if want := agent.UUIDOf("eliza:ada"); first.EntityID != want || first.Username != "Ada" {
		t.Errorf("registered as %s %s, want %s", first.Username, first.EntityID, want)
	}
	ada := n.bearing(first.Token)
	channel := ada.dmBetween(n.agentID(), first.EntityID)
	if m := data[api.Message](ada.post(channel, api.PostMessageRequest{Content: new("hello")}).want(201)); m.AuthorID != first.EntityID {
		t.Errorf("written by %s", m.AuthorID)
	}
	ada.createAgent(map[string]any{"name": "Eve", "bio": "b"}).want(403)
	me := data[api.User](ada.me().want(200))
	if me.Email != "ada@example.com" || me.Admin || me.LastLoginAt == nil {
		t.Errorf("me: %+v", me)
	}
	clearError(t, "me by a key", n.owner().me(), 401, "UNAUTHORIZED")

	n.stop()
	n = startWith(t, cfg)
	n.bearing(first.Token).me().want(200)
	second := data[api.Login](n.login(" ADA@Example.com ", password).want(200))
	n.bearing(first.Token).logout().want(204)
	clearError(t, "after logging out", n.bearing(first.Token).try(), 401, "UNAUTHORIZED")
	clearError(t, "refreshed after logging out", n.refresh(first.RefreshToken), 401, "INVALID_TOKEN")
	n.bearing(second.Token).me().want(200)
	if text := string(n.login("ada@example.com", "wrong password").want(401).body); strings.Contains(text, "ada") {
		t.Errorf("the refusal says %s", text)
	}
}

// TestUsersAreOff: a server without users has none of the routes but the one for other issuers' tokens.
func TestUsersAreOff(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	for _, a := range []answer{
		n.do("POST", "/api/auth/register", map[string]any{"email": 1}), n.login("a@b.c", password), n.refresh("x"), n.me(), n.logout(), n.newPassword("a", "b"),
		n.owner().do("GET", "/api/auth/users", nil), n.owner().do("PATCH", "/api/auth/users/"+uuid.NewString(), map[string]any{}),
	} {
		clearError(t, "without users", a, 404, "NOT_FOUND")
	}
	clearError(t, "revoking as a stranger", n.revoke(api.RevokeTokensRequest{TokenID: new("x")}), 403, "FORBIDDEN")
	n.owner().revoke(api.RevokeTokensRequest{TokenID: new("x")}).want(201)
	n.try().want(200) // which does not close it
	locked := locked(t)
	clearError(t, "on a closed server", locked.login("a@b.c", password), 401, "UNAUTHORIZED")
}

// TestWhoMayRegister: a page learns without a credential whether people log in, and how they become users.
func TestWhoMayRegister(t *testing.T) {
	t.Parallel()
	closed := withUsers(t, func(c *settings.Settings) { c.Security.AuthToken, c.Security.Users.Registration = rightKey, "closed" })
	for name, tt := range map[string]struct {
		node *node
		want string
	}{
		"open": {withUsers(t), "open"}, "closed": {closed, "closed"}, "wrong key": {closed.keyed("wrong"), "closed"},
		"without users": {start(t, t.TempDir()), ""}, "without users, behind a key": {locked(t), ""},
	} {
		got := data[api.PublicConfig](tt.node.read(tt.node.api().GetPublicConfig(t.Context())).want(200))
		switch {
		case tt.want == "" && got.Users != nil:
			t.Errorf("%s: %+v", name, got.Users)
		case tt.want != "" && (got.Users == nil || string(got.Users.Registration) != tt.want):
			t.Errorf("%s: %+v, want %s", name, got.Users, tt.want)
		}
	}
}

// TestForeignRegistrations has what nobody may register with.
func TestForeignRegistrations(t *testing.T) {
	t.Parallel()
	n := withUsers(t)
	n.register("ada")
	n.owner().createAgent(map[string]any{"name": "eliza:agent", "bio": "b"}).want(201)
	for name, tt := range map[string]struct {
		email, name, password, code string
	}{
		"nothing":            {"", "", "", "INVALID_EMAIL"},
		"no address":         {"ada", "bob", password, "INVALID_EMAIL"},
		"two addresses":      {"a@b@c", "bob", password, "INVALID_EMAIL"},
		"a line":             {"a@b\nc", "bob", password, "INVALID_EMAIL"},
		"hidden letters":     {"a\u200bb@example.com", "bob", password, "INVALID_EMAIL"},
		"long address":       {strings.Repeat("a", 251) + "@b.c", "bob", password, "INVALID_EMAIL"},
		"short name":         {"b@example.com", "bo", password, "INVALID_USERNAME"},
		"long name":          {"b@example.com", strings.Repeat("b", 51), password, "INVALID_USERNAME"},
		"look-alike":         {"b@example.com", "аda", password, "INVALID_USERNAME"}, // Cyrillic
		"sql":                {"b@example.com", "bob'; --", password, "INVALID_USERNAME"},
		"short password":     {"b@example.com", "bob", "1234567", "INVALID_PASSWORD"},
		"long password":      {"b@example.com", "bob", strings.Repeat("p", 1025), "INVALID_PASSWORD"},
		"address taken":      {"ADA@example.com", "bob", password, "EMAIL_EXISTS"},
		"name taken":         {"b@example.com", "ADA", password, "USERNAME_EXISTS"},
		"name of full width": {"b@example.com", "\uff41\uff44\uff41", password, "USERNAME_EXISTS"},
		"an agent's":         {"b@example.com", "agent", password, "USERNAME_EXISTS"},
	} {
		status := 400
		if strings.HasSuffix(tt.code, "EXISTS") {
			status = 409
		}
		clearError(t, name, n.tryRegister(tt.email, tt.name, tt.password), status, tt.code)
	}
	n.tryRegister("c@example.com", "carl", strings.Repeat("p", 1024)).want(201)
	n.tryRegister("d@example.com", "dora", "pa\u0308sswo\u0308rd").want(201)
	n.login("d@example.com", "p\u00e4ssw\u00f6rd").want(200) // as another keyboard writes it
	for name, a := range map[string]answer{
		"unknown":    n.login("nobody@example.com", password),
		"wrong":      n.login("ada@example.com", password+"x"),
		"too long":   n.login("ada@example.com", strings.Repeat("p", 4000)),
		"no address": n.login("ada", password),
	} {
		clearError(t, name, a, 401, "INVALID_CREDENTIALS")
	}
	clearError(t, "no password", n.login("ada@example.com", ""), 400, "MISSING_CREDENTIALS")
	n.do("POST", "/api/auth/login", map[string]any{"email": []int{1}, "password": password}).want(400)
	n.login("ada@example.com", strings.Repeat("p", 5000)).want(400)
}

// TestOneWins has many ask for the same thing at once.
func TestOneWins(t *testing.T) {
	t.Parallel()
	n := withUsers(t)
	race := func(name string, ask func(i int) answer, lost ...int) (won answer) {
		t.Helper()
		var wins atomic.Int64
		var mu sync.Mutex
		var all sync.WaitGroup
		for i := range 6 {
			all.Go(func() {
				a := ask(i)
				switch {
				case a.status < 300:
					wins.Add(1)
					mu.Lock()
					won = a
					mu.Unlock()
				case a.status != lost[0]:
					t.Errorf("%s: %d %s", name, a.status, a.body)
				}
			})
		}
		all.Wait()
		if wins.Load() != 1 {
			t.Errorf("%s: %d won", name, wins.Load())
		}
		return won
	}
	race("one name", func(i int) answer { return n.tryRegister(fmt.Sprintf("a%d@example.com", i), "ada", password) }, 409)
	race("one address", func(i int) answer { return n.tryRegister("b@example.com", fmt.Sprintf("bob%d", i), password) }, 409)
	login := data[api.Login](n.login("b@example.com", password).want(200))
	next := data[api.Login](race("one refresh token", func(int) answer { return n.refresh(login.RefreshToken) }, 409))
	n.bearing(next.Token).me().want(200)
	n.refresh(next.RefreshToken).want(200)
}

// TestCopiedRefreshToken has a refresh token used again, after another was: the whole login ends.
func TestCopiedRefreshToken(t *testing.T) {
	t.Parallel()
	n := withUsers(t)
	first := n.register("ada")
	other := data[api.Login](n.login("ada@example.com", password).want(200))
	second := data[api.Login](n.refresh(first.RefreshToken).want(200))
	clearError(t, "twice at once", n.refresh(first.RefreshToken), 409, "CONFLICT")
	third := data[api.Login](n.refresh(second.RefreshToken).want(200))
	n.bearing(third.Token).me().want(200)
	if first.RefreshExpiresAt != third.RefreshExpiresAt {
		t.Error("refreshing moves the end of a login")
	}
	clearError(t, "a copy", n.refresh(first.RefreshToken), 401, "INVALID_TOKEN")
	clearError(t, "the one who was copied", n.refresh(third.RefreshToken), 401, "INVALID_TOKEN")
	for _, token := range []string{first.Token, second.Token, third.Token} {
		clearError(t, "a token of the login", n.bearing(token).try(), 401, "UNAUTHORIZED")
	}
	n.bearing(other.Token).me().want(200)
	for _, token := range []string{"", "x", "elr_", first.Token, "elr_" + strings.Repeat("a", 77), strings.ToUpper(other.RefreshToken)} {
		clearError(t, "no refresh token", n.refresh(token), 401, "INVALID_TOKEN")
	}
	n.refresh(other.RefreshToken).want(200)
}

// TestLogoutEndsConnections has sockets and a stream that came with a token of a login that ends; those of another stay.
func TestLogoutEndsConnections(t *testing.T) {
	t.Parallel()
	n := withUsers(t, func(s *settings.Settings) { s.Messages.BuiltinDelay = time.Hour })
	login := n.register("ada")
	other := data[api.Login](n.login("ada@example.com", password).want(200))
	n.endsConnections(t, login.Token, other.Token, login.EntityID, func() { n.bearing(login.Token).logout().want(204) })
}

// endsConnections fails unless what came with a token ends when end is called, and what came with another stays.
func (n *node) endsConnections(t *testing.T, token, other string, me uuid.UUID, end func()) {
	t.Helper()
	channel := n.bearing(token).dmBetween(n.agentID(), me)
	conn, _ := n.connect(map[string]any{"token": token})
	stays, _ := n.connect(map[string]any{"token": other})
	plain := n.plain(map[string]any{"type": "auth", "token": token})
	n.hear(plain)
	streamed := make(chan []sseEvent, 1)
	go func() { streamed <- n.bearing(token).stream(channel, me, "hello") }()
	for e := readEvent(t, conn); e.name != "authenticated"; e = readEvent(t, conn) {
		continue
	}
	eventually(t, "the message", func() bool { return len(n.bearing(token).history(channel)) > 0 })
	end()
	for e := readEvent(t, conn); e.name != "unauthorized"; e = readEvent(t, conn) {
		continue
	}
	for frame := n.hear(conn); frame != ""; frame = n.hear(conn) {
		if strings.HasPrefix(frame, "42") {
			t.Errorf("Socket.IO goes on: %s", frame)
		}
	}
	last := ""
	for frame := n.hear(plain); frame != ""; frame = n.hear(plain) {
		last = frame
	}
	if !strings.Contains(last, "UNAUTHORIZED") {
		t.Errorf("a plain socket: %s", last)
	}
	events := <-streamed
	if last := events[len(events)-1]; last.name != "error" || !strings.Contains(string(last.data), "UNAUTHORIZED") {
		t.Errorf("the stream ends with %s %s", last.name, last.data)
	}
	n.write(stays, `42["ping"]`)
	n.bearing(other).try().want(200)
	clearError(t, "REST", n.bearing(token).try(), 401, "UNAUTHORIZED")
}

func TestPasswordIsChanged(t *testing.T) {
	t.Parallel()
	n := withUsers(t)
	here := n.register("ada")
	there := data[api.Login](n.login("ada@example.com", password).want(200))
	ada := n.bearing(here.Token)
	clearError(t, "a wrong password", ada.newPassword("wrong", "another password"), 401, "INVALID_CREDENTIALS")
	clearError(t, "no password", ada.newPassword("", "another password"), 400, "MISSING_CREDENTIALS")
	clearError(t, "a short password", ada.newPassword(password, "short"), 400, "INVALID_PASSWORD")
	clearError(t, "the owner", n.owner().newPassword(password, "another password"), 401, "UNAUTHORIZED")
	n.bearing(there.Token).try().want(200)
	ada.newPassword(password, "another password").want(204)
	ada.try().want(200)
	clearError(t, "the other login", n.bearing(there.Token).try(), 401, "UNAUTHORIZED")
	clearError(t, "the other refresh token", n.refresh(there.RefreshToken), 401, "INVALID_TOKEN")
	clearError(t, "the old password", n.login("ada@example.com", password), 401, "INVALID_CREDENTIALS")
	n.login("ada@example.com", "another password").want(200)
	n.refresh(here.RefreshToken).want(200)
}

// TestAdminOfUsers has the admin of the settings make, change and disable users, where nobody registers.
func TestAdminOfUsers(t *testing.T) {
	t.Parallel()
	cfg := userConfig(t, func(s *settings.Settings) {
		s.Security.Users.Registration, s.Security.Users.AdminEmail, s.Security.Users.AdminPassword = "closed", "Root@example.com", password
	})
	n := startWith(t, cfg)
	clearError(t, "registering", n.tryRegister("b@example.com", "bob", password), 403, "FORBIDDEN")
	root := data[api.Login](n.login("root@example.com", password).want(200))
	admin := n.bearing(root.Token)
	bob := data[api.User](admin.read(admin.api().CreateUser(t.Context(), api.CreateUserRequest{Email: "bob@example.com", Username: "bob", Password: password})).want(201))
	login := data[api.Login](n.login("bob@example.com", password).want(200))
	mine := n.bearing(login.Token)
	for name, a := range map[string]answer{
		"list": mine.do("GET", "/api/auth/users", nil), "revoke": mine.revoke(api.RevokeTokensRequest{EntityID: &root.EntityID}),
		"change": mine.do("PATCH", "/api/auth/users/"+bob.EntityID.String(), map[string]any{"admin": true}),
	} {
		clearError(t, name, a, 403, "FORBIDDEN")
	}
	change := func(c api.UpdateUserRequest) answer {
		return admin.read(admin.api().UpdateUser(t.Context(), bob.EntityID, c))
	}
	if u := data[api.User](change(api.UpdateUserRequest{Admin: new(true)}).want(200)); !u.Admin {
		t.Error("bob is no admin")
	}
	promoted := data[api.Login](n.login("bob@example.com", password).want(200))
	n.bearing(promoted.Token).do("GET", "/api/auth/users", nil).want(200)
	change(api.UpdateUserRequest{Admin: new(false)}).want(200)
	clearError(t, "who was an admin", n.bearing(promoted.Token).try(), 401, "UNAUTHORIZED")
	login = data[api.Login](n.login("bob@example.com", password).want(200))
	change(api.UpdateUserRequest{Disabled: new(true)}).want(200)
	clearError(t, "disabled", n.bearing(login.Token).try(), 401, "UNAUTHORIZED")
	clearError(t, "disabled", n.login("bob@example.com", password), 401, "INVALID_CREDENTIALS")
	clearError(t, "disabled", n.refresh(login.RefreshToken), 401, "INVALID_TOKEN")
	change(api.UpdateUserRequest{Disabled: new(false), Password: new("another password")}).want(200)
	n.login("bob@example.com", "another password").want(200)
	clearError(t, "nobody", admin.do("PATCH", "/api/auth/users/"+uuid.NewString(), map[string]any{"admin": true}), 404, "NOT_FOUND")
	if list := data[api.UserList](admin.do("GET", "/api/auth/users?limit=1", nil).want(200)); len(list.Users) != 1 || list.Users[0].Username != "bob" {
		t.Errorf("the newest: %+v", list)
	}
	n.owner().do("GET", "/api/auth/users", nil).want(200)

	admin.newPassword(password, "a third password").want(204)
	n.stop()
	n = startWith(t, cfg)
	n.login("root@example.com", "a third password").want(200) // the settings' is the first one only
	n.stop()
	cfg.Security.Users.AdminEmail = "bob@example.com"
	s, err := server.New(cfg)
	if err == nil && *engine == "sqlite" {
		err = s.Start(t.Context())
		_ = s.Shutdown(t.Context())
		if err == nil || !strings.Contains(err.Error(), "ELIZAD_ADMIN_EMAIL") {
			t.Errorf("a user who is no admin: %v", err)
		}
	}
}

// TestGuessedPasswords counts failures, by address and by user, and not what succeeds.
func TestGuessedPasswords(t *testing.T) {
	t.Parallel()
	n := withUsers(t, func(s *settings.Settings) { s.Limits.AuthMax, s.Security.TrustProxy = 3, "127.0.0.0/8" })
	n.register("ada")
	for range 5 {
		n.login("ada@example.com", password).want(200)
	}
	from := func(i int) *node { return n.with("X-Forwarded-For", fmt.Sprintf("192.0.2.%d", i)) }
	for range 3 {
		clearError(t, "a guess", from(1).login("ada@example.com", "wrong password"), 401, "INVALID_CREDENTIALS")
	}
	over := from(1).login("ada@example.com", password)
	clearError(t, "the right one from there", over, 429, "AUTH_RATE_LIMIT_EXCEEDED")
	if over.header.Get("Retry-After") == "" {
		t.Error("it doesn't say when to try again")
	}
	from(2).login("ada@example.com", password).want(200)
	for i := range 6 {
		clearError(t, "a guess from elsewhere", from(10+i).login("ada@example.com", "wrong password"), 401, "INVALID_CREDENTIALS")
	}
	clearError(t, "too many guesses at one user", from(3).login("ada@example.com", password), 429, "AUTH_RATE_LIMIT_EXCEEDED")
	clearError(t, "another user", from(3).login("bob@example.com", password), 401, "INVALID_CREDENTIALS")
	var tooMany atomic.Int64
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if from(4).login("carl@example.com", "wrong password").status == 429 {
				tooMany.Add(1)
			}
		})
	}
	all.Wait()
	if tooMany.Load() < 17 {
		t.Errorf("%d of 20 guesses at once were refused unseen, want 17", tooMany.Load())
	}
	for i := range 3 {
		from(5).tryRegister(fmt.Sprintf("x%d@example.com", i), fmt.Sprintf("user%d", i), password).want(201)
	}
	clearError(t, "too many registrations", from(5).tryRegister("x9@example.com", "user9", password), 429, "AUTH_RATE_LIMIT_EXCEEDED")
}

// TestForgedTokensOfUsers has tokens that say they are this server's.
func TestForgedTokensOfUsers(t *testing.T) {
	t.Parallel()
	_, tokens := bySecret()
	n := withUsers(t, func(s *settings.Settings) { s.Security.Tokens = tokens })
	login := n.register("ada")
	claims := jwt.MapClaims{}
	if _, _, err := jwt.NewParser().ParseUnverified(login.Token, claims); err != nil {
		t.Fatal(err)
	}
	forge := func(method jwt.SigningMethod, key any) string {
		token := jwt.NewWithClaims(method, claims)
		token.Header["kid"] = "elizad"
		text, err := token.SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	parts := strings.Split(login.Token, ".")
	for name, token := range map[string]string{
		"none": forge(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType), "another secret": forge(jwt.SigningMethodHS256, []byte(tokenSecret)),
		"another method": forge(jwt.SigningMethodHS512, []byte(tokenSecret)), "no signature": parts[0] + "." + parts[1] + ".",
		"no header": "." + parts[1] + "." + parts[2],
	} {
		clearError(t, name, n.bearing(token).try(), 401, "UNAUTHORIZED")
	}
	n.bearing(login.Token).me().want(200)
	foreign := issuer{method: jwt.SigningMethodHS256, key: []byte(tokenSecret)}
	mine := n.bearing(foreign.sign(t, uuid.NewString(), time.Hour))
	mine.try().want(200)
	clearError(t, "another issuer's", mine.me(), 401, "UNAUTHORIZED")
	clearError(t, "another issuer's", mine.logout(), 401, "UNAUTHORIZED")
}

// TestRevokedTokens revokes tokens of another issuer: one by its id, and all of an entity.
func TestRevokedTokens(t *testing.T) {
	t.Parallel()
	_, tokens := bySecret()
	n := verifying(t, tokens, func(s *settings.Settings) { s.Messages.BuiltinDelay = time.Hour })
	me := uuid.New()
	sign := func(claims jwt.MapClaims) string {
		claims["exp"] = time.Now().Add(time.Hour).Unix()
		text, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(tokenSecret))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	ago := time.Now().Add(-time.Minute).Unix()
	one, two := sign(jwt.MapClaims{"sub": me.String(), "jti": "one", "iat": ago}), sign(jwt.MapClaims{"sub": me.String(), "jti": "two", "iat": ago})
	undated, other := sign(jwt.MapClaims{"sub": me.String()}), sign(jwt.MapClaims{"sub": uuid.NewString(), "iat": ago})
	admin := n.owner()
	for name, which := range map[string]api.RevokeTokensRequest{
		"nothing": {}, "both": {EntityID: &me, TokenID: new("one")}, "the past": {TokenID: new("one"), ExpiresAt: new(int64(1))},
	} {
		admin.revoke(which).want(400)
		n.bearing(one).try().want(200)
		_ = name
	}
	clearError(t, "by a user", n.bearing(one).revoke(api.RevokeTokensRequest{EntityID: &me}), 403, "FORBIDDEN")

	n.endsConnections(t, one, two, me, func() { admin.revoke(api.RevokeTokensRequest{TokenID: new("one")}).want(201) })
	n.bearing(two).try().want(200)
	admin.revoke(api.RevokeTokensRequest{EntityID: &me}).want(201)
	for name, token := range map[string]string{"one": one, "two": two, "undated": undated} {
		clearError(t, name, n.bearing(token).try(), 401, "UNAUTHORIZED")
	}
	n.bearing(other).try().want(200)
	n.bearing(sign(jwt.MapClaims{"sub": me.String(), "iat": time.Now().Add(20 * time.Second).Unix()})).try().want(200)
	list := data[api.RevocationList](admin.do("GET", "/api/auth/revocations", nil).want(200)).Revocations
	if len(list) != 2 || deref(list[0].EntityID) != me || deref(list[1].TokenID) != "one" {
		t.Errorf("listed %+v", list)
	}
}

// TestRevokedEntity revokes the tokens of a user of this server, who may log in again.
func TestRevokedEntity(t *testing.T) {
	t.Parallel()
	n := withUsers(t)
	login := n.register("ada")
	n.bearing(login.Token).try().want(200)
	n.owner().revoke(api.RevokeTokensRequest{EntityID: &login.EntityID}).want(201)
	clearError(t, "the token", n.bearing(login.Token).try(), 401, "UNAUTHORIZED")
	clearError(t, "the refresh token", n.refresh(login.RefreshToken), 401, "INVALID_TOKEN")
	n.bearing(data[api.Login](n.login("ada@example.com", password).want(200)).Token).try().want(200)
}

// TestRevokedElsewhere has two servers on one database: what one revokes ends on the other.
func TestRevokedElsewhere(t *testing.T) {
	t.Parallel()
	if *engine != "postgres" {
		return // one process holds a SQLite database
	}
	cfg := userConfig(t, func(s *settings.Settings) { s.Security.MasterKey = strings.Repeat("0123456789abcdef", 4) })
	here := startWith(t, cfg)
	url, _ := databases.Load(cfg.Storage.Dir)
	cfg.Storage.Dir = t.TempDir()
	databases.Store(cfg.Storage.Dir, url)
	there := startWith(t, cfg)
	login := here.register("ada")
	there.bearing(login.Token).try().want(200)
	conn, _ := there.connect(map[string]any{"token": login.Token})
	here.bearing(login.Token).logout().want(204)
	for e := readEvent(t, conn); e.name != "unauthorized"; e = readEvent(t, conn) {
		continue
	}
	clearError(t, "there", there.bearing(login.Token).try(), 401, "UNAUTHORIZED")
}

// TestClientLogsIn has the Go client keep a login.
func TestClientLogsIn(t *testing.T) {
	t.Parallel()
	n := withUsers(t)
	n.register("ada")
	source, err := client.NewLogin(n.http.URL, "ada@example.com", password)
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.New(n.http.URL, client.WithToken(source))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if me, err := c.Me(t.Context()); err != nil || me.Username != "ada" {
			t.Errorf("me: %+v, %v", me, err)
		}
	}
	if err := c.Logout(t.Context()); err != nil {
		t.Error(err)
	}
	wrong, err := client.NewLogin(n.http.URL, "ada@example.com", "wrong password")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := wrong(t.Context()); !client.IsCode(err, "INVALID_CREDENTIALS") {
		t.Errorf("a wrong password: %v", err)
	}
}

// TestSecretsOfUsers looks for passwords and tokens where they must not be.
func TestSecretsOfUsers(t *testing.T) {
	t.Parallel()
	n := withUsers(t, func(s *settings.Settings) {
		s.Security.Users.AdminEmail, s.Security.Users.AdminPassword = "root@example.com", "canary of the admin"
	})
	login := n.register("ada")
	n.login("ada@example.com", "canary of a guess").want(401)
	for _, path := range []string{"/api/server/logs", "/api/auth/users", "/api/audit", "/api/system/env/local"} {
		body := string(n.owner().do("GET", path, nil).body)
		for _, secret := range []string{password, "canary", login.Token, login.RefreshToken, "argon2"} {
			if strings.Contains(body, secret) {
				t.Errorf("%s shows %s", path, secret)
			}
		}
	}
}

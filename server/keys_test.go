package server_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
)

// newKey makes a key with some scopes.
func (n *node) newKey(name string, scopes ...api.KeyScope) api.APIKeyCreated {
	n.t.Helper()
	return n.createKey(api.CreateKeyRequest{Name: name, Scopes: scopes})
}

func (n *node) createKey(body api.CreateKeyRequest) api.APIKeyCreated {
	n.t.Helper()
	return data[api.APIKeyCreated](n.read(n.api().CreateKey(n.t.Context(), body)).want(201))
}

func (n *node) revokeKey(id uuid.UUID) answer {
	n.t.Helper()
	return n.read(n.api().RevokeKey(n.t.Context(), id))
}

func (n *node) keys() answer {
	n.t.Helper()
	return n.read(n.api().ListKeys(n.t.Context(), &api.ListKeysParams{}))
}

// try asks for the cheapest thing that needs the scope read.
func (n *node) try() answer {
	n.t.Helper()
	return n.read(n.api().Ping(n.t.Context()))
}

// TestFirstKey makes a key on a server that is open: only its owner may, and from then on everybody needs one.
func TestFirstKey(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := start(t, dir)
	for name, stranger := range map[string]*node{"nobody": n, "a guess": n.keyed("guess"), "another page": n.owner().with("Origin", "http://localhost:9999")} {
		clearError(t, name, stranger.read(stranger.api().CreateKey(t.Context(), api.CreateKeyRequest{Name: "k", Scopes: []api.KeyScope{"admin"}})), 403, "FORBIDDEN")
		clearError(t, name, stranger.keys(), 403, "FORBIDDEN")
		clearError(t, name, stranger.revokeKey(uuid.New()), 403, "FORBIDDEN")
	}
	n.owner().do("POST", "/api/keys", map[string]any{"name": "x", "scopes": []string{"everything"}}).want(400)
	n.try().want(200) // none of which made one

	socket, plain := n.listen(uuid.New(), uuid.New()), n.plain(map[string]any{"type": "status"})
	if greeting := n.hear(plain); !strings.Contains(greeting, "connected") {
		t.Fatalf("the greeting: %s", greeting)
	}
	made := n.owner().newKey("Website", "chat")
	if made.Notice == nil || !strings.HasPrefix(made.Key, made.APIKey.Prefix) {
		t.Errorf("made %+v", made)
	}
	e := readEvent(t, socket)
	for e.name == "room_joined" {
		e = readEvent(t, socket)
	}
	if e.name != "messageError" || !strings.Contains(string(e.payload), "UNAUTHORIZED") {
		t.Errorf("the socket without a key heard %s %s", e.name, e.payload)
	}
	var last string
	for frame := n.hear(plain); frame != ""; frame = n.hear(plain) {
		last = frame
	}
	if !strings.Contains(last, "UNAUTHORIZED") {
		t.Errorf("the plain socket without a key heard %s at the end", last)
	}
	for range 2 {
		clearError(t, "without a key", n.try(), 401, "UNAUTHORIZED")
		n.keyed(made.Key).try().want(200)
		n.with("Authorization", "Bearer "+made.Key).try().want(200)
		n.owner().try().want(200)
		n.read(n.api().GetLiveness(t.Context())).want(200)
		n.stop()
		n = start(t, dir)
	}
	n.owner().revokeKey(made.APIKey.ID).want(204)
	clearError(t, "the revoked key", n.keyed(made.Key).try(), 401, "UNAUTHORIZED")
	clearError(t, "without a key when there is none", n.try(), 401, "UNAUTHORIZED")
	if second := n.owner().newKey("Another", "read"); second.Notice != nil {
		t.Errorf("the second says %q", *second.Notice)
	}
}

// TestScopes tries every operation of the contract with a key of each scope, with a request that makes no sense: the key is
// refused exactly where the contract says so, before anything else is.
func TestScopes(t *testing.T) {
	t.Parallel()
	n := locked(t)
	admin := n.keyed(rightKey)
	includes := map[api.KeyScope][]api.Scope{
		"read":    {api.ScopeNone, api.ScopeRead},
		"chat":    {api.ScopeNone, api.ScopeRead, api.ScopeChat},
		"manage":  {api.ScopeNone, api.ScopeRead, api.ScopeChat, api.ScopeManage},
		"service": {api.ScopeNone, api.ScopeService},
		"admin":   {api.ScopeNone, api.ScopeRead, api.ScopeChat, api.ScopeManage, api.ScopeAdmin, api.ScopeService},
	}
	for scope, allowed := range includes {
		key := admin.newKey("k", scope).Key
		t.Run(string(scope), func(t *testing.T) {
			t.Parallel()
			n := n.keyed(key).under(t)
			for _, op := range operations(t) {
				rule, ok := api.Access(op.OperationID)
				may := false
				for _, s := range allowed {
					may = may || s == rule.Scope
				}
				if !ok || may && op.OperationID == "stopServer" {
					continue
				}
				var body any
				if op.method != http.MethodGet && op.method != http.MethodDelete {
					body = []int{}
				}
				methods := []string{op.method}
				if op.method == http.MethodGet {
					methods = append(methods, http.MethodHead)
				}
				for _, method := range methods {
					a := n.do(method, op.at("", ""), body)
					refused := a.status == http.StatusForbidden && (method == http.MethodHead || strings.Contains(string(a.body), "The scope "+string(rule.Scope)+" is needed"))
					if refused == may || a.status == http.StatusUnauthorized || a.status >= 500 && a.status != http.StatusServiceUnavailable {
						t.Errorf("%s, which needs %s: %d %s", op.name(), rule.Scope, a.status, a.body)
					}
				}
			}
		})
	}
	t.Run("two scopes", func(t *testing.T) {
		t.Parallel()
		n := n.keyed(admin.newKey("bridge", "service", "read").Key).under(t)
		n.try().want(200)
		n.submit(api.SubmitMessageRequest{}).want(400)
		n.createAgent(nil).want(403)
	})
}

// TestRevokedKey revokes a key that is in use on every way in.
func TestRevokedKey(t *testing.T) {
	t.Parallel()
	n := locked(t)
	admin := n.keyed(rightKey)
	made, other := admin.newKey("Website", "chat"), admin.newKey("Other", "chat")
	connect := func(key string) (kind, text string) {
		t.Helper()
		conn := n.dial("/socket.io/?EIO=4&transport=websocket")
		n.write(conn, "40"+string(jsonOf(map[string]any{"apiKey": key})))
		n.hear(conn) // the handshake
		answer := n.hear(conn)
		_ = conn.CloseNow()
		return answer[:2], answer
	}
	join := func(key string) (socket, plain *websocket.Conn) {
		t.Helper()
		conn := n.dial("/socket.io/?EIO=4&transport=websocket")
		n.write(conn, "40"+string(jsonOf(map[string]any{"apiKey": key})))
		for readEvent(t, conn).name != "connection_established" {
			continue
		}
		p := n.plain(map[string]any{"type": "auth", "apiKey": key})
		n.hear(p)
		return conn, p
	}
	socket, plain := join(made.Key)
	_, stays := join(other.Key)
	n.keyed(made.Key).try().want(200)
	admin.revokeKey(made.APIKey.ID).want(204)

	clearError(t, "REST", n.keyed(made.Key).try(), 401, "UNAUTHORIZED")
	if e := readEvent(t, socket); e.name != "messageError" || !strings.Contains(string(e.payload), "UNAUTHORIZED") {
		t.Errorf("Socket.IO: %s %s", e.name, e.payload)
	}
	if frame := n.hear(plain); !strings.Contains(frame, "UNAUTHORIZED") {
		t.Errorf("a plain socket: %s", frame)
	}
	if frame := n.hear(plain); frame != "" {
		t.Errorf("a plain socket goes on: %s", frame)
	}
	if kind, text := connect(made.Key); kind != "44" || !strings.Contains(text, "UNAUTHORIZED") {
		t.Errorf("a new connection: %s", text)
	}
	if kind, text := connect(other.Key); kind != "40" {
		t.Errorf("the other key: %s", text)
	}
	n.write(stays, `{"type":"status"}`)
	if frame := n.hear(stays); !strings.Contains(frame, "status") {
		t.Errorf("the socket of the other key: %s", frame)
	}
	listed := data[api.APIKeyList](admin.keys().want(200)).Keys
	if len(listed) != 2 || listed[0].Name != "Other" && listed[1].Name != "Other" {
		t.Errorf("listed %+v", listed)
	}
	one := data[api.APIKey](admin.read(admin.api().GetKey(t.Context(), made.APIKey.ID)).want(200))
	if one.RevokedAt == nil {
		t.Errorf("read %+v", one)
	}
	clearError(t, "another", admin.read(admin.api().GetKey(t.Context(), uuid.New())), 404, "NOT_FOUND")
}

// TestKeyOfAnEntity has a key that stands for one person, whoever else its holder says to be.
func TestKeyOfAnEntity(t *testing.T) {
	t.Parallel()
	n := locked(t)
	me, other := uuid.New(), uuid.New()
	mine := n.keyed(rightKey).createKey(api.CreateKeyRequest{Name: "Mine", Scopes: []api.KeyScope{"admin"}, EntityID: &me})
	key, holder := mine.Key, n.keyed(mine.Key).as(other)
	made := holder.newKey("Of mine", "read")
	if mine.APIKey.CreatedBy != nil || made.APIKey.CreatedBy == nil || *made.APIKey.CreatedBy != mine.APIKey.ID {
		t.Errorf("made by %v and %v", mine.APIKey.CreatedBy, made.APIKey.CreatedBy)
	}
	channel := holder.group()
	holder.post(channel, api.PostMessageRequest{Content: new("Hello")}).want(201)
	if said := holder.history(channel); len(said) != 1 || said[0].AuthorID != me {
		t.Errorf("said by %+v, want %s", said, me)
	}
	clearError(t, "in another name", holder.post(channel, api.PostMessageRequest{AuthorID: &other, Content: new("hello")}), 403, "FORBIDDEN")
	conn := n.dial("/socket.io/?EIO=4&transport=websocket")
	n.write(conn, "40"+string(jsonOf(map[string]any{"apiKey": key, "entityId": other})))
	for e := readEvent(t, conn); ; e = readEvent(t, conn) {
		if e.name == "authenticated" {
			if !strings.Contains(string(e.payload), me.String()) {
				t.Errorf("authenticated: %s", e.payload)
			}
			break
		}
	}
	reader := n.dial("/socket.io/?EIO=4&transport=websocket")
	n.write(reader, "40"+string(jsonOf(map[string]any{"apiKey": made.Key})))
	n.hear(reader)
	if answer := n.hear(reader); !strings.HasPrefix(answer, "44") || !strings.Contains(answer, "FORBIDDEN") {
		t.Errorf("a socket with the scope read: %s", answer)
	}
	plain := n.plain(map[string]any{"type": "auth", "apiKey": made.Key})
	if frame := n.hear(plain); !strings.Contains(frame, "FORBIDDEN") {
		t.Errorf("a plain socket with the scope read: %s", frame)
	}
}

// TestGuessedKeys counts guesses of keys that are made like any others.
func TestGuessedKeys(t *testing.T) {
	t.Parallel()
	n := locked(t)
	made := n.keyed(rightKey).newKey("k", "read")
	for i := range 12 {
		guess := made.Key[:len(made.Key)-1] + string("abcdefghijkl"[i])
		if guess == made.Key {
			guess = made.Key[:len(made.Key)-1] + "z"
		}
		if a := n.keyed(guess).try(); i < 10 && a.status != 401 || i >= 10 && a.status != http.StatusTooManyRequests {
			t.Errorf("guess %d: %d %s", i, a.status, a.body)
		}
	}
	n.keyed(made.Key).try().want(http.StatusTooManyRequests)
}

// TestListOfKeys reads it page by page.
func TestListOfKeys(t *testing.T) {
	t.Parallel()
	n := locked(t).keyed(rightKey)
	end := time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	for range 5 {
		n.createKey(api.CreateKeyRequest{Name: "k", Scopes: []api.KeyScope{"read"}, ExpiresAt: &end})
	}
	seen := map[uuid.UUID]bool{}
	for path := "/api/keys?limit=2"; path != ""; {
		a := n.do("GET", path, nil).want(200)
		for _, k := range data[api.APIKeyList](a).Keys {
			if seen[k.ID] || k.ExpiresAt == nil || *k.ExpiresAt != end {
				t.Errorf("listed %+v", k)
			}
			seen[k.ID] = true
		}
		path = nextPage(t, path, a)
	}
	if len(seen) != 5 {
		t.Errorf("%d keys", len(seen))
	}
}

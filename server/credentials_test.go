package server_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/elizad/elizad/server"
	"github.com/elizad/elizad/server/settings"
)

const rightKey = "k7Qe2-right-key-of-this-server"

// locked runs a server that asks for a key, behind a proxy that says where callers are.
func locked(t *testing.T) *node {
	t.Helper()
	cfg := testConfig(t)
	cfg.Security.AuthToken, cfg.Security.TrustProxy = rightKey, "1"
	return startWith(t, cfg)
}

// list asks for the agents, for which a key is wanted where there is one.
func (n *node) list() answer {
	n.t.Helper()
	return n.read(n.api().ListAgents(n.t.Context()))
}

// How a door answers a key.
const (
	letIn   = "in"
	refused = "refused"
	blocked = "blocked"
)

// keyDoors are the ways in which a key can be presented. Each says how the server answers one from an address.
func keyDoors() map[string]func(n *node, address, key string) string {
	rest := func(path string, header func(key string) (name, value string)) func(*node, string, string) string {
		return func(n *node, address, key string) string {
			name, value := header(key)
			a := n.do("GET", path, nil, "X-Forwarded-For", address, name, value) // raw, as one of the doors
			return outcomeOf(n.t, a.status, a.header)
		}
	}
	apiKey := func(key string) (string, string) { return "X-API-KEY", key }
	bearer := func(key string) (string, string) { return "Authorization", "bearer " + key }
	return map[string]func(n *node, address, key string) string{
		"REST":         rest("/api/agents", apiKey),
		"REST, bearer": rest("/api/server/status", bearer),
		"log stream":   rest("/api/server/logs", bearer),
		"Socket.IO over WebSocket": func(n *node, address, key string) string {
			return socketIO(n, address, nil, map[string]any{"apiKey": key})
		},
		"Socket.IO, key in the header": func(n *node, address, key string) string {
			return socketIO(n, address, []string{"X-API-KEY", key}, nil)
		},
		"Socket.IO, bearer in the header": func(n *node, address, key string) string {
			return socketIO(n, address, []string{"Authorization", "Bearer " + key}, nil)
		},
		"Socket.IO over polling": polled,
		"plain, header": func(n *node, address, key string) string {
			return plainDoor(n, "/ws", nil, "X-Forwarded-For", address, "X-API-KEY", key)
		},
		"plain, bearer": func(n *node, address, key string) string {
			return plainDoor(n, "/", nil, "X-Forwarded-For", address, "Authorization", "Bearer "+key)
		},
		"plain, query": func(n *node, address, key string) string {
			return plainDoor(n, "/ws?apiKey="+url.QueryEscape(key), nil, "X-Forwarded-For", address)
		},
		"plain, frame": func(n *node, address, key string) string {
			return plainDoor(n, "/ws", map[string]any{"type": "auth", "apiKey": key}, "X-Forwarded-For", address)
		},
	}
}

func outcomeOf(t testing.TB, status int, header http.Header) string {
	t.Helper()
	switch status {
	case http.StatusOK, http.StatusSwitchingProtocols:
		return letIn
	case http.StatusUnauthorized:
		if got := header.Values("WWW-Authenticate"); len(got) != 2 {
			t.Errorf("WWW-Authenticate: %q", got)
		}
		return refused
	case http.StatusTooManyRequests:
		if after, _ := strconv.Atoi(header.Get("Retry-After")); after < 1 || after > 900 {
			t.Errorf("Retry-After: %q", header.Get("Retry-After"))
		}
		return blocked
	default:
		return fmt.Sprint("status ", status)
	}
}

// knock opens a WebSocket; without one it says what the server answered instead.
func (n *node) knock(path string, header ...string) (conn *websocket.Conn, outcome string) {
	n.t.Helper()
	h := http.Header{}
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	conn, resp, err := websocket.Dial(n.t.Context(), "ws"+strings.TrimPrefix(n.http.URL, "http")+path, &websocket.DialOptions{HTTPHeader: h})
	if err != nil && resp == nil {
		n.t.Fatal(err)
	}
	if err != nil {
		return nil, outcomeOf(n.t, resp.StatusCode, resp.Header)
	}
	n.t.Cleanup(func() { _ = conn.CloseNow() })
	return conn, letIn
}

// engine opens an Engine.IO connection and reads its greeting.
func (n *node) engine(header ...string) (conn *websocket.Conn, outcome string) {
	n.t.Helper()
	if conn, outcome = n.knock("/socket.io/?EIO=4&transport=websocket", header...); conn != nil {
		n.hear(conn)
	}
	return conn, outcome
}

func socketIO(n *node, address string, header []string, auth map[string]any) string {
	conn, outcome := n.engine(append(header, "X-Forwarded-For", address)...)
	if conn == nil {
		return outcome
	}
	packet := "40"
	if auth != nil {
		packet += string(jsonOf(auth))
	}
	n.write(conn, packet)
	return connected(n.t, n.hear(conn))
}

// connected reads the answer to a CONNECT.
func connected(t testing.TB, packet string) string {
	t.Helper()
	switch {
	case strings.HasPrefix(packet, "40"):
		return letIn
	case strings.HasPrefix(packet, "44") && strings.Contains(packet, `"UNAUTHORIZED"`):
		return refused
	case strings.HasPrefix(packet, "44") && strings.Contains(packet, `"RATE_LIMIT_EXCEEDED"`) && strings.Contains(packet, `"retryAfter"`):
		return blocked
	default:
		return packet
	}
}

func polled(n *node, address, key string) string {
	exchange := func(method, query, body string) (int, http.Header, string) {
		r, err := http.NewRequestWithContext(n.t.Context(), method, n.http.URL+"/socket.io/?EIO=4&transport=polling"+query, strings.NewReader(body))
		if err != nil {
			n.t.Fatal(err)
		}
		r.Header.Set("X-Forwarded-For", address)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			n.t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		raw, err := io.ReadAll(resp.Body)
		if err != nil {
			n.t.Fatal(err)
		}
		return resp.StatusCode, resp.Header, string(raw)
	}
	status, header, hello := exchange("GET", "", "")
	if status != http.StatusOK {
		return outcomeOf(n.t, status, header)
	}
	var open struct{ SID string }
	if err := json.Unmarshal([]byte(hello[1:]), &open); err != nil {
		n.t.Fatal(err)
	}
	exchange("POST", "&sid="+open.SID, "40"+string(jsonOf(map[string]any{"apiKey": key})))
	_, _, packets := exchange("GET", "&sid="+open.SID, "")
	return connected(n.t, packets)
}

func plainDoor(n *node, path string, frame any, header ...string) string {
	conn, outcome := n.knock(path, header...)
	if conn == nil {
		return outcome
	}
	if frame != nil {
		n.write(conn, string(jsonOf(frame)))
	}
	switch told := n.hear(conn); {
	case strings.Contains(told, `"connected"`):
		return letIn
	case strings.Contains(told, `"UNAUTHORIZED"`):
		return refused
	case strings.Contains(told, `"RATE_LIMIT_EXCEEDED"`) && strings.Contains(told, `"retryAfter"`):
		return blocked
	default:
		return told
	}
}

// TestGuessesAreCounted guesses at each door until it is sent away, and then tries all others.
func TestGuessesAreCounted(t *testing.T) {
	t.Parallel()
	doors, number := keyDoors(), 0
	n := locked(t)
	for name, door := range doors {
		number++
		address, neighbour, stranger := fmt.Sprintf("2001:db8:1:%x::7", number), fmt.Sprintf("2001:db8:1:%x:ffff::9", number), fmt.Sprintf("2001:db8:2:%x::7", number)
		t.Run(name, func(t *testing.T) {
			if got := door(n, address, rightKey); got != letIn {
				t.Fatalf("the right key: %s", got)
			}
			for i := range 11 {
				if got, want := door(n, address, fmt.Sprint("guess ", i)), map[bool]string{true: refused, false: blocked}[i < 10]; got != want {
					t.Fatalf("guess %d: %s", i, got)
				}
			}
			for other, door := range doors {
				if got := door(n, neighbour, rightKey); got != blocked {
					t.Errorf("%s, then %s from the same network: %s", name, other, got)
				}
			}
			if got := door(n, stranger, rightKey); got != letIn {
				t.Errorf("another network: %s", got)
			}
		})
	}
	if a := n.with("X-Forwarded-For", "2001:db8:1:1::7").list(); a.status != http.StatusUnauthorized {
		t.Errorf("without a key: %d", a.status)
	}
}

// TestAddressesOfGuesses has somebody guess from one address that he spells in many ways, or pretends to be many.
func TestAddressesOfGuesses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		trust   string
		address func(i int) string
	}{
		"IPv4 mapped into IPv6":         {"1", func(i int) string { return []string{"203.0.113.7", "::ffff:203.0.113.7", "::ffff:cb00:7107"}[i%3] }},
		"a /64 of addresses":            {"1", func(i int) string { return fmt.Sprintf("2001:db8::%x:%x:%x", i+1, i*7, i) }},
		"a header that nobody trusts":   {"", func(i int) string { return fmt.Sprintf("198.51.100.%d", i) }},
		"hops that were made up":        {"1", func(i int) string { return fmt.Sprintf("198.51.100.%d, 203.0.113.7", i) }},
		"networks that aren't trusted":  {"10.0.0.0/8", func(i int) string { return fmt.Sprintf("198.51.100.%d", i) }},
		"hops before a trusted network": {"127.0.0.0/8", func(i int) string { return fmt.Sprintf("198.51.100.%d, 203.0.113.7", i) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := testConfig(t)
			cfg.Security.AuthToken, cfg.Security.TrustProxy = rightKey, tt.trust
			n := startWith(t, cfg)
			for i := range 12 {
				want := map[bool]int{true: http.StatusUnauthorized, false: http.StatusTooManyRequests}[i < 10]
				n.with("X-API-KEY", fmt.Sprint("guess", i), "X-Forwarded-For", tt.address(i), "X-Real-Ip", fmt.Sprintf("192.0.2.%d", i)).list().want(want)
			}
		})
	}
}

// TestRefusedConnects asks again and again on one connection.
func TestRefusedConnects(t *testing.T) {
	t.Parallel()
	n := locked(t)
	wrong, right := `{"apiKey":"wrong"}`, `{"apiKey":"`+rightKey+`"}`
	for name, tt := range map[string]struct {
		packets []string
		answers []string // "" is the end of the connection
	}{
		"wrong keys":                 {[]string{"40" + wrong, "40" + wrong, "40" + wrong}, []string{"44", "44", "44", ""}},
		"no keys":                    {[]string{"40", "40{}", `40{"apiKey":7}`}, []string{"44", "44", "44", ""}},
		"namespaces":                 {[]string{"40/a," + right, "40/b," + right, "40/admin,"}, []string{"44/a,", "44/b,", "44/admin,", ""}},
		"a right key after two":      {[]string{"40" + wrong, "40" + wrong, "40" + right}, []string{"44", "44", "40"}},
		"namespaces beside the main": {[]string{"40" + right, "40/a,", "40/b,", "40/c,"}, []string{"40", "44/a,", "44/b,", "44/c,", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			conn, _ := n.engine("X-Forwarded-For", "192.0.2."+strconv.Itoa(len(name)))
			for i, want := range tt.answers {
				if i < len(tt.packets) {
					n.write(conn, tt.packets[i])
				}
				got := n.hear(conn)
				for strings.HasPrefix(got, "42") || got == "2" { // events, and the heartbeat
					got = n.hear(conn)
				}
				if !strings.HasPrefix(got, want) || (want == "") != (got == "") {
					t.Fatalf("answer %d: %q, want %q", i, got, want)
				}
			}
		})
	}
}

// TestKeyNames sets one of the two variables, or both: what opens which door.
func TestKeyNames(t *testing.T) {
	t.Parallel()
	const other = "n4Zx9-another-key-altogether"
	for _, tt := range []struct{ name, token, socket, key, rest, sockets string }{
		{"auth token", rightKey, "", rightKey, letIn, letIn},
		{"sockets' key", "", rightKey, rightKey, letIn, letIn},
		{"sockets' key, wrong", "", rightKey, other, refused, refused},
		{"the same", rightKey, rightKey, rightKey, letIn, letIn},
		{"two, the token", rightKey, other, rightKey, letIn, letIn},
		{"two, the sockets'", rightKey, other, other, refused, letIn},
		{"line end in the setting", rightKey + "\r\n", "", rightKey, letIn, letIn},
		{"blank in the request", rightKey, "", rightKey + " ", letIn, letIn},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg := testConfig(t)
			cfg.Security.AuthToken, cfg.Security.SocketKey, cfg.Security.TrustProxy = tt.token, tt.socket, "1"
			n := startWith(t, cfg)
			number := 0
			for name, door := range keyDoors() {
				number++
				want := tt.sockets
				if strings.HasPrefix(name, "REST") || name == "log stream" {
					want = tt.rest
				}
				if got := door(n, fmt.Sprintf("192.0.2.%d", number), tt.key); got != want {
					t.Errorf("%s: %s, want %s", name, got, want)
				}
			}
		})
	}
}

// TestWrongServiceSecret is guessed at like a key.
func TestWrongServiceSecret(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.Security.ServiceKey = "b3Lw8-secret-of-the-services"
	n := startWith(t, cfg)
	n.with("X-Internal-Service-Secret", cfg.Security.ServiceKey).list().want(200)
	for i := range 12 {
		a := n.with("X-Internal-Service-Secret", fmt.Sprint("guess", i)).list()
		if got, want := outcomeOf(t, a.status, a.header), map[bool]string{true: refused, false: blocked}[i < 10]; got != want {
			t.Errorf("guess %d: %s", i, got)
		}
	}
	n.list().want(200)
}

// TestOwnersOperations tries to stop an open server and to handle its settings: as whom, from what page, through what proxy.
func TestOwnersOperations(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	own := n.http.URL
	port := own[strings.LastIndex(own, ":"):]
	token := []string{"X-API-KEY", n.ownerToken()}
	settings := map[string]any{"SMALL_MODEL": "stored"}
	n.with(token...).setEnvironment(settings).want(200)
	for name, tt := range map[string]struct {
		header []string
		want   int
		names  bool // it reads which settings there are
	}{
		"nobody on this machine":            {nil, 403, true},
		"a page of its own":                 {[]string{"Origin", own, "Sec-Fetch-Site", "same-origin"}, 403, true}, // a proxy's caller can say so, too
		"another port":                      {[]string{"Origin", "http://localhost:9999"}, 403, false},
		"another port, with the token":      {append([]string{"Origin", "http://localhost:9999"}, token...), 403, false},
		"another port that says it is ours": {append([]string{"Origin", "http://127.0.0.1:9999", "Sec-Fetch-Site", "same-site"}, token...), 403, false},
		"a subdomain of localhost":          {append([]string{"Origin", "http://anything.localhost" + port}, token...), 403, false},
		"a frame without an origin":         {append([]string{"Origin", "null"}, token...), 403, false},
		"a wrong token":                     {[]string{"X-API-KEY", strings.Repeat("A", 26)}, 403, true},
		"the token":                         {token, 200, false},
		"the token as bearer":               {[]string{"Authorization", "Bearer " + token[1]}, 200, false},
		"the token from a page of its own":  {append([]string{"Origin", own, "Sec-Fetch-Site", "same-origin"}, token...), 200, false},
		"the token through a proxy":         {append([]string{"X-Forwarded-For", "203.0.113.7"}, token...), 200, false},
		"a forged address":                  {[]string{"X-Forwarded-For", "127.0.0.1", "Forwarded", "for=127.0.0.1"}, 403, true},
	} {
		caller := n.with(tt.header...)
		reads := caller.environment()
		switch masked := strings.Contains(string(reads.body), `"SMALL_MODEL":"********"`); {
		case tt.names && (reads.status != 200 || !masked):
			t.Errorf("%s reads: %d %s, want the names alone", name, reads.status, reads.body)
		case !tt.names && (reads.status != tt.want || masked):
			t.Errorf("%s reads: %d %s", name, reads.status, reads.body)
		}
		if a := caller.setEnvironment(settings); a.status != tt.want {
			t.Errorf("%s writes: %d %s", name, a.status, a.body)
		}
		if tt.want != 200 {
			caller.read(caller.api().StopServer(t.Context())).want(tt.want)
			caller.do("POST", "/API//runtime/stop/", nil).want(tt.want)
		}
	}
	select {
	case <-n.server.StopRequested():
		t.Error("a stranger stopped it")
	default:
	}
	for i := range 12 {
		a := n.keyed(fmt.Sprint("guess", i)).environment()
		if i == 11 {
			a.want(http.StatusTooManyRequests)
		}
	}
	n.keyed("guess").list().want(200) // which asks for no key
}

// TestOwnerToken is the same after a restart, and nobody else can read it.
func TestOwnerToken(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := start(t, dir)
	token := n.ownerToken()
	file := filepath.Join(dir, "owner-token")
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 || len(token) < 20 {
		t.Errorf("%v, %v, %d characters", info, err, len(token))
	}
	page := n.do("GET", "/owner", nil).want(200)
	if policy := page.header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || strings.Contains(string(page.body), token) {
		t.Errorf("the page: %q\n%s", policy, page.body)
	}
	n.stop()
	if again := start(t, dir); again.ownerToken() != token {
		t.Error("a restart changed the token")
	}
	locked := locked(t)
	locked.do("GET", "/owner", nil).want(404)
	if token := locked.ownerToken(); token != "" {
		t.Error("a server with a key has a token beside it")
	}
}

// TestRebinding calls an open server by the name of a stranger's page, at every door.
func TestRebinding(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	for _, path := range []string{"/api/agents", "/", "/healthz", "/docs", "/media/x", "/socket.io/?EIO=4&transport=polling", "/ws"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, n.http.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = "attacker.example"
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusForbidden || !strings.Contains(string(body), "ELIZAD_ALLOWED_HOSTS") {
			t.Errorf("%s: %d %s", path, resp.StatusCode, body)
		}
	}
}

// TestReachableListeners hands listeners that other machines can reach to a server without a key, and with a weak one.
func TestReachableListeners(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		set  func(*settings.Settings)
		want string // in the refusal
	}{
		"no key":     {func(*settings.Settings) {}, "ELIZAD_ALLOW_OPEN=1"},
		"a weak key": {func(c *settings.Settings) { c.Security.AuthToken = "hunter2" }, "16 characters"},
	} {
		cfg := testConfig(t)
		tt.set(&cfg)
		srv, err := server.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		l := reachable{Listener: httptest.NewUnstartedServer(nil).Listener}
		if err := srv.Serve(l); err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("%s: the listener: %v", name, err)
		}
	}
}

// reachable is a listener that says that other machines can reach it; tests listen on this machine alone.
type reachable struct{ net.Listener }

func (reachable) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4zero, Port: 3000} }

// TestFramesBeforeTheKey sends more than a key needs before it has shown one, and as much after.
func TestFramesBeforeTheKey(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("x", 6<<10)
	locked, open := locked(t), start(t, t.TempDir())

	for name, path := range map[string]string{"Socket.IO": "/socket.io/?EIO=4&transport=websocket", "plain": "/ws"} {
		conn, _ := locked.knock(path, "X-Forwarded-For", "192.0.2.7")
		if name == "Socket.IO" {
			locked.hear(conn)
		}
		frame, err := conn.Writer(t.Context(), websocket.MessageText) // which is never closed: the message has no end
		if err != nil {
			t.Fatal(err)
		}
		for range 3 { // more than is buffered on the way
			_, _ = io.WriteString(frame, `40{"apiKey":"`+big)
		}
		_, _, err = conn.Read(t.Context())
		if websocket.CloseStatus(err) != websocket.StatusMessageTooBig {
			t.Errorf("%s: an endless message before the key ends with %v", name, err)
		}
	}

	conn, _ := locked.engine("X-Forwarded-For", "192.0.2.7")
	locked.write(conn, `40{"apiKey":"`+rightKey+`"}`)
	locked.hear(conn)
	locked.write(conn, `420["1",{"channelId":"`+big+`"}]`)
	for packet := ""; !strings.Contains(packet, "message"); {
		if packet = locked.hear(conn); packet == "" {
			t.Fatal("Socket.IO: a large event after the key ends the connection")
		}
	}
	plain, _ := locked.knock("/ws", "X-Forwarded-For", "192.0.2.7", "X-API-KEY", rightKey)
	locked.hear(plain)
	locked.write(plain, `{"type":"`+big+`"}`)
	if told := locked.hear(plain); !strings.Contains(told, "Unknown type") {
		t.Errorf("plain: a large frame after the key: %.200s", told)
	}

	for name, tt := range map[string]struct {
		n    *node
		want int
	}{"locked": {locked, http.StatusRequestEntityTooLarge}, "open": {open, http.StatusOK}} {
		var hello struct{ SID string }
		a := tt.n.do("GET", "/socket.io/?EIO=4&transport=polling", nil).want(200)
		if err := json.Unmarshal(a.body[1:], &hello); err != nil {
			t.Fatal(err)
		}
		if a := tt.n.do("POST", "/socket.io/?EIO=4&transport=polling&sid="+hello.SID, `40{"apiKey":"`+big+`"}`, "Content-Type", "text/plain"); a.status != tt.want {
			t.Errorf("%s, polling: status %d, want %d", name, a.status, tt.want)
		}
	}
}

func TestKeyGuardsTheAPI(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.Security.AuthToken = "open sesame"
	n := startWith(t, cfg)
	refused := n.list()
	clearError(t, "no key", refused, http.StatusUnauthorized, "UNAUTHORIZED")
	if challenge := refused.header.Get("WWW-Authenticate"); !strings.HasPrefix(challenge, "ApiKey ") {
		t.Errorf("the challenge names a scheme that isn't there: %s", challenge)
	}
	clearError(t, "wrong key", n.keyed("open").list(), http.StatusUnauthorized, "UNAUTHORIZED")
	n.keyed("open sesame").list().want(200)
	n.read(n.api().GetLiveness(t.Context())).want(200)
	if a := n.do("GET", fmt.Sprintf("/socket.io/?EIO=4&transport=polling&t=%d", 1), nil); a.status != 200 {
		t.Errorf("the handshake of the transport is refused: %d %s", a.status, a.body)
	}
}

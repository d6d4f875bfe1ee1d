package engineio_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/elizad/elizad/server/socketio/engineio"
	"github.com/elizad/elizad/server/socketio/internal/sockettest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// recorder is a handler that records its calls.
type recorder struct {
	session  *engineio.Session
	messages chan string // binary ones with a prefix
	closed   chan string // the reason
	block    chan struct{}
}

func (r *recorder) OnMessage(data []byte, binary bool) {
	if r.block != nil {
		<-r.block
	}
	message := string(data)
	if binary {
		message = "binary:" + message
	}
	r.messages <- message
}

func (r *recorder) OnClose(reason string) { r.closed <- reason }

func (r *recorder) send(messages ...string) {
	for _, m := range messages {
		r.session.Send(engineio.NewFrame([]byte(m)), engineio.SendOptions{})
	}
}

// bundle is a server with its sessions.
type bundle struct {
	*sockettest.Net
	t      testing.TB
	server *engineio.Server
	stop   func()

	mu       sync.Mutex
	sessions map[string]*recorder
	onOpen   func(*recorder)
}

func setup(t testing.TB, cfg engineio.Config, serve func(testing.TB, http.Handler) (*sockettest.Net, func())) *bundle {
	b := &bundle{t: t, sessions: make(map[string]*recorder)}
	b.server = engineio.NewServer(cfg, func(s *engineio.Session) engineio.Handler {
		r := &recorder{session: s, messages: make(chan string, 10_000), closed: make(chan string, 10)}
		b.mu.Lock()
		defer b.mu.Unlock()
		b.sessions[s.ID()] = r
		if b.onOpen != nil {
			b.onOpen(r)
		}
		return r
	})
	b.Net, b.stop = serve(t, b.server)
	return b
}

// bubble runs a test against a server on an in-memory network, with a clock that does not wait.
func bubble(t *testing.T, cfg engineio.Config, test func(t *testing.T, b *bundle)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, cfg, sockettest.Serve)
		test(t, b)
		for _, r := range b.all() {
			r.session.Abort("end of the test")
		}
		if err := b.server.Shutdown(t.Context()); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		b.stop()
	})
}

func (b *bundle) all() []*recorder {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []*recorder
	for _, r := range b.sessions {
		all = append(all, r)
	}
	return all
}

func (b *bundle) session(sid string) *recorder {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	r := b.sessions[sid]
	if r == nil {
		b.t.Fatalf("no session %q", sid)
	}
	return r
}

const (
	pollingURL   = "/engine.io/?EIO=4&transport=polling"
	websocketURL = "/engine.io/?EIO=4&transport=websocket"
)

// handshake is the data of an open packet.
type handshake struct {
	SID          string   `json:"sid"`
	Upgrades     []string `json:"upgrades"`
	PingInterval int      `json:"pingInterval"`
	PingTimeout  int      `json:"pingTimeout"`
	MaxPayload   int      `json:"maxPayload"`
}

func parseOpen(t testing.TB, text string) handshake {
	t.Helper()
	data, ok := strings.CutPrefix(text, "0")
	if !ok {
		t.Fatalf("got %q, want an open packet", text)
	}
	decoder := json.NewDecoder(strings.NewReader(data))
	decoder.DisallowUnknownFields()
	var h handshake
	if err := decoder.Decode(&h); err != nil {
		t.Fatalf("open packet %q: %v", text, err)
	}
	return h
}

// open opens a polling session.
func (b *bundle) open() (url string, r *recorder) {
	b.t.Helper()
	h := parseOpen(b.t, b.Get(b.t, pollingURL).Body)
	return pollingURL + "&sid=" + h.SID, b.session(h.SID)
}

// dial opens a WebSocket session.
func (b *bundle) dial() (*sockettest.WebSocket, *recorder) {
	b.t.Helper()
	ws := b.WebSocket(b.t, websocketURL)
	h := parseOpen(b.t, ws.Next())
	return ws, b.session(h.SID)
}

// hold starts a GET and returns where its reply will arrive.
func (b *bundle) hold(url string) <-chan sockettest.Reply {
	b.t.Helper()
	request := b.Request(b.t, http.MethodGet, url, "")
	reply := make(chan sockettest.Reply, 1)
	go func() { reply <- b.Do(b.t, request) }()
	synctest.Wait()
	return reply
}

func expect[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %#v, want %#v", what, got, want)
	}
}

// advance lets time pass; inside a bubble that takes none.
func advance(d time.Duration) { <-time.After(d) }

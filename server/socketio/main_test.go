package socketio_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/elizad/elizad/server/socketio"
	"github.com/elizad/elizad/server/socketio/internal/sockettest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	websocketURL = "/socket.io/?EIO=4&transport=websocket"
	pollingURL   = "/socket.io/?EIO=4&transport=polling"
)

// bundle is a server whose sockets can be waited for.
type bundle struct {
	*sockettest.Net
	t    testing.TB
	io   *socketio.Server
	main *socketio.Namespace

	// connected gets each socket of the main namespace, once its handlers are registered.
	connected chan *socketio.Socket
	// onConnect registers handlers.
	onConnect func(s *socketio.Socket)
}

func setup(t testing.TB, cfg socketio.Config, serve func(testing.TB, http.Handler) (*sockettest.Net, func())) (*bundle, func()) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	b := &bundle{t: t, io: socketio.NewServer(cfg), connected: make(chan *socketio.Socket, 1000)}
	b.main = b.io.Of("/")
	b.main.OnConnect(func(s *socketio.Socket) {
		if b.onConnect != nil {
			b.onConnect(s)
		}
		b.connected <- s
	})
	net, stop := serve(t, b.io)
	b.Net = net
	return b, stop
}

// bubble runs a test against a server on an in-memory network, with a clock that does not wait.
func bubble(t *testing.T, cfg socketio.Config, test func(t *testing.T, b *bundle)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, stop := setup(t, cfg, sockettest.Serve)
		test(t, b)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := b.io.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		stop()
	})
}

// client is a client that speaks packets as text. Pings are answered when something else is expected.
type client struct {
	*sockettest.WebSocket
	b *bundle
}

// dial opens a connection that has joined no namespace.
func (b *bundle) dial() *client {
	b.t.Helper()
	c := &client{WebSocket: b.WebSocket(b.t, websocketURL), b: b}
	if open := c.Next(); !strings.HasPrefix(open, "0{") {
		b.t.Fatalf("got %q, want an open packet", open)
	}
	return c
}

// session is the payload of a CONNECT packet.
type session struct {
	SID string `json:"sid"`
	PID string `json:"pid"`
}

// join joins a namespace.
func (c *client) join(namespace, auth string) session {
	c.b.t.Helper()
	prefix := "40"
	if namespace != "/" {
		prefix += namespace + ","
	}
	c.Send(prefix + auth)
	return c.accepted(prefix)
}

// accepted waits for the answer to a CONNECT packet.
func (c *client) accepted(prefix string) session {
	c.b.t.Helper()
	reply := c.Next()
	for reply == "2" {
		c.Send("3")
		reply = c.Next()
	}
	payload, ok := strings.CutPrefix(reply, prefix)
	if !ok {
		c.b.t.Fatalf("got %q, want a connection to be accepted", reply)
	}
	var s session
	if err := json.Unmarshal([]byte(payload), &s); err != nil {
		c.b.t.Fatalf("got %q: %v", reply, err)
	}
	return s
}

// connect opens a connection to the main namespace and returns both ends of it.
func (b *bundle) connect() (*client, *socketio.Socket) {
	b.t.Helper()
	c := b.dial()
	c.join("/", "")
	return c, <-b.connected
}

// answer registers a handler that confirms that everything before it was handled.
func answer(s *socketio.Socket) {
	s.On("are you done?", func(_ context.Context, ev *socketio.Event) { ev.Ack("done") })
}

// ExpectNothing fails the test if a message is on its way. The server must answer "are you done?".
func (c *client) expectNothing() {
	c.b.t.Helper()
	c.Send(`4299["are you done?"]`)
	c.Expect(`4399["done"]`)
}

func expect[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %#v, want %#v", what, got, want)
	}
}

// advance lets time pass; inside a bubble that takes none.
func advance(d time.Duration) { <-time.After(d) }

package client_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"github.com/elizad/elizad/client"
	"github.com/elizad/elizad/server"
	"github.com/elizad/elizad/server/settings"
)

func TestMain(m *testing.M) {
	code := m.Run()
	http.DefaultClient.CloseIdleConnections()
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// patience is how long a test waits for something that must happen.
const patience = time.Minute

// host is a real server that can be stopped and started again, at the same address and with the same data.
type host struct {
	t       testing.TB
	config  settings.Settings
	address string
	server  *server.Server
	served  chan error
}

// newHost starts a server. Its rate limits are off unless change turns them on.
func newHost(t testing.TB, change ...func(*settings.Settings)) *host {
	t.Helper()
	h := &host{t: t, config: server.DefaultConfig(), address: "127.0.0.1:0"}
	h.config.Storage.Dir = t.TempDir()
	h.config.Limits.RateLimit = false
	for _, c := range change {
		c(&h.config)
	}
	h.start()
	t.Cleanup(h.stop)
	return h
}

func (h *host) start() {
	h.t.Helper()
	listener, err := net.Listen("tcp", h.address)
	if err != nil {
		h.t.Fatal(err)
	}
	h.address = listener.Addr().String()
	logs := slog.New(slog.NewTextHandler(testLog{h.t}, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if h.server, err = server.New(h.config, server.WithEnvironment(), server.WithLogger(logs)); err != nil {
		h.t.Fatal(err)
	}
	if err := h.server.Start(context.Background()); err != nil {
		h.t.Fatal(err)
	}
	running, served := h.server, make(chan error, 1)
	h.served = served
	go func() { served <- running.Serve(listener) }()
}

func (h *host) stop() {
	if h.server == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := h.server.Shutdown(ctx); err != nil {
		h.t.Errorf("shutting down: %v", err)
	}
	if err := <-h.served; err != nil {
		h.t.Errorf("serving: %v", err)
	}
	h.server = nil
}

// testLog writes a server's warnings into the test's log.
type testLog struct{ t testing.TB }

func (l testLog) Write(p []byte) (int, error) {
	l.t.Log(strings.TrimSpace(string(p)))
	return len(p), nil
}

// owner returns a client that sends the owner's token.
func (h *host) owner() *client.Client {
	h.t.Helper()
	info, err := h.server.Info(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	c, _ := h.client(uuid.Nil, client.WithAPIKey(info.OwnerToken))
	return c
}

// client returns a client of the server, over connections that the test can break.
func (h *host) client(entity uuid.UUID, opts ...client.Option) (*client.Client, *cable) {
	h.t.Helper()
	wire := &cable{}
	transport := &http.Transport{DialContext: wire.dial}
	h.t.Cleanup(transport.CloseIdleConnections)
	opts = append([]client.Option{client.WithEntity(entity), client.WithHTTPClient(&http.Client{Transport: transport})}, opts...)
	c, err := client.New("http://"+h.address, opts...)
	if err != nil {
		h.t.Fatal(err)
	}
	return c, wire
}

// dial opens a connection, which ends with the test.
func (h *host) dial(c *client.Client) *client.Conn {
	h.t.Helper()
	conn, err := c.Dial(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// room makes a channel in which no agent answers.
func (h *host) room(c *client.Client) uuid.UUID {
	h.t.Helper()
	channel, err := c.CreateChannel(h.t.Context(), client.NewChannel{Name: "Room", ParticipantCentralUserIds: []uuid.UUID{c.Entity()}})
	if err != nil {
		h.t.Fatal(err)
	}
	return channel.ID
}

// cable holds the connections of a client.
type cable struct {
	mu    sync.Mutex
	conns []*wireConn
}

func (w *cable) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	c := &wireConn{Conn: conn}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.conns = append(w.conns, c)
	return c, nil
}

// cut closes all connections that are open.
func (w *cable) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.conns {
		_ = c.Conn.Close()
	}
	w.conns = nil
}

// mute stops all traffic on the connections that are open, as when a network fails silently.
func (w *cable) mute() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.conns {
		c.mu.Lock()
		c.muted = true
		c.mu.Unlock()
	}
}

type wireConn struct {
	net.Conn
	mu    sync.Mutex
	muted bool
}

func (c *wireConn) Read(p []byte) (int, error) {
	for {
		n, err := c.Conn.Read(p)
		c.mu.Lock()
		muted := c.muted
		c.mu.Unlock()
		if err != nil || !muted {
			return n, err
		}
	}
}

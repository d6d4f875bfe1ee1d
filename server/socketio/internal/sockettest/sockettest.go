// Package sockettest has what the tests of the Socket.IO packages share: a server on an in-memory or a real network, and
// clients of the wire that know no more of the protocols than the tests tell them.
//
// Everything works inside a bubble of testing/synctest if the network is in memory.
package sockettest

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"
)

// Net is a network with one HTTP server on it.
type Net struct {
	// URL is the server's base URL.
	URL string
	// Client reaches the server. It keeps no connection longer than a request, so that connections do not outlive tests.
	Client *http.Client
	// Dial opens a bare connection to the server. Nil with TLS.
	Dial func(ctx context.Context) (net.Conn, error)
}

// Serve serves handler on an in-memory network until the test ends. Call the returned function to stop it earlier, as is
// needed inside a bubble.
func Serve(t testing.TB, handler http.Handler) (*Net, func()) {
	return ServeWith(t, &http.Server{Handler: handler})
}

// ServeWith is Serve with a server that has settings.
func ServeWith(t testing.TB, server *http.Server) (*Net, func()) {
	listener := &listener{conns: make(chan net.Conn), done: make(chan struct{})}
	return serve(t, server, listener, "http://memory", listener.dial)
}

// ServeTCP serves handler on a port of the loopback interface.
func ServeTCP(t testing.TB, handler http.Handler) (*Net, func()) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	return serve(t, &http.Server{Handler: handler}, listener, "http://"+address, func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", address)
	})
}

// ServeTLS is ServeTCP with TLS.
func ServeTLS(t testing.TB, handler http.Handler) (*Net, func()) {
	server := httptest.NewTLSServer(handler)
	t.Cleanup(server.Close)
	return &Net{URL: server.URL, Client: server.Client()}, server.Close
}

func serve(t testing.TB, server *http.Server, l net.Listener, url string, dial func(context.Context) (net.Conn, error)) (*Net, func()) {
	var group sync.WaitGroup
	group.Go(func() { _ = server.Serve(l) })
	transport := &http.Transport{
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
		DisableKeepAlives: true,
	}
	stop := sync.OnceFunc(func() {
		_ = server.Close()
		group.Wait()
		transport.CloseIdleConnections()
	})
	t.Cleanup(stop)
	return &Net{URL: url, Client: &http.Client{Transport: transport}, Dial: dial}, stop
}

// listener hands out one end of pipes.
type listener struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *listener) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "memory"} }

func (l *listener) dial(ctx context.Context) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return client, nil
	case <-l.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Reply is what a request was answered.
type Reply struct {
	Status int
	Body   string
	Header http.Header
}

// Do sends a request and reads the reply. It may be called in any goroutine, so it does not end the test if that fails.
func (n *Net) Do(t testing.TB, r *http.Request) Reply {
	t.Helper()
	response, err := n.Client.Do(r)
	if err != nil {
		t.Errorf("%s %s: %v", r.Method, r.URL, err)
		return Reply{}
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Errorf("reading the reply of %s %s: %v", r.Method, r.URL, err)
	}
	return Reply{Status: response.StatusCode, Body: string(body), Header: response.Header}
}

// Request makes a request to the server.
func (n *Net) Request(t testing.TB, method, target, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, n.URL+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Get sends a GET.
func (n *Net) Get(t testing.TB, target string) Reply {
	t.Helper()
	return n.Do(t, n.Request(t, http.MethodGet, target, ""))
}

// Post sends a POST.
func (n *Net) Post(t testing.TB, target, body string) Reply {
	t.Helper()
	return n.Do(t, n.Request(t, http.MethodPost, target, body))
}

// WebSocket is a client's end of a WebSocket.
type WebSocket struct {
	*websocket.Conn
	t testing.TB
}

// WebSocket opens a WebSocket.
func (n *Net) WebSocket(t testing.TB, target string) *WebSocket {
	t.Helper()
	return n.WebSocketWith(t, target, websocket.CompressionDisabled)
}

// WebSocketWith opens a WebSocket that offers compression.
func (n *Net) WebSocketWith(t testing.TB, target string, compression websocket.CompressionMode) *WebSocket {
	t.Helper()
	conn, _, err := websocket.Dial(t.Context(), n.URL+target, &websocket.DialOptions{HTTPClient: n.Client, CompressionMode: compression})
	if err != nil {
		t.Fatalf("opening a WebSocket to %s: %v", target, err)
	}
	conn.SetReadLimit(-1)
	t.Cleanup(func() { _ = conn.CloseNow() })
	return &WebSocket{Conn: conn, t: t}
}

// Send sends text messages. It may be called in any goroutine, so it does not end the test if that fails.
func (ws *WebSocket) Send(messages ...string) {
	ws.t.Helper()
	for _, m := range messages {
		if err := ws.Write(ws.t.Context(), websocket.MessageText, []byte(m)); err != nil {
			ws.t.Errorf("sending %.40q: %v", m, err)
		}
	}
}

// SendBinary sends a binary message.
func (ws *WebSocket) SendBinary(data []byte) {
	ws.t.Helper()
	if err := ws.Write(ws.t.Context(), websocket.MessageBinary, data); err != nil {
		ws.t.Errorf("sending %d bytes: %v", len(data), err)
	}
}

// Next returns the next message, "binary:" and the data for a binary one.
func (ws *WebSocket) Next() string {
	ws.t.Helper()
	message, err := ws.TryNext()
	if err != nil {
		ws.t.Fatalf("waiting for a message: %v", err)
	}
	return message
}

// TryNext is Next without failing the test.
func (ws *WebSocket) TryNext() (string, error) {
	kind, data, err := ws.Read(ws.t.Context())
	if err != nil {
		return "", err
	}
	if kind == websocket.MessageBinary {
		return "binary:" + string(data), nil
	}
	return string(data), nil
}

// Expect fails the test unless these messages come next. Pings are answered and not compared.
func (ws *WebSocket) Expect(messages ...string) {
	ws.t.Helper()
	for _, want := range messages {
		got := ws.Next()
		for got == "2" && want != "2" {
			ws.Send("3")
			got = ws.Next()
		}
		if got != want {
			ws.t.Fatalf("got message %.200q, want %.200q", got, want)
		}
	}
}

// ExpectClose reads until the connection ends and returns the status and the reason of the close frame; -1 if there was
// none.
func (ws *WebSocket) ExpectClose() (websocket.StatusCode, string) {
	ws.t.Helper()
	for {
		if _, err := ws.TryNext(); err != nil {
			if closed, ok := errors.AsType[websocket.CloseError](err); ok {
				return closed.Code, closed.Reason
			}
			return -1, ""
		}
	}
}

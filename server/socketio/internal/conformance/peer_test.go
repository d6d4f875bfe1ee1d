package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The two protocol suites of the Socket.IO project, written anew: the same cases, against the same server. Run them by
//
//	make conformance

const (
	pingInterval = 300 * time.Millisecond
	soon         = 10 * time.Second // for what must happen
)

// peer is the other side of a suite: plain HTTP requests and a plain WebSocket.
type peer struct {
	t        *testing.T
	base     string // URL of the path
	timeouts timeouts
}

// newPeer returns a peer whose server waits long for it: on a busy machine the peer may be late, which its case doesn't test.
func newPeer(t *testing.T, path string) peer {
	t.Helper()
	return newTimedPeer(t, path, timeouts{pong: soon, connect: soon})
}

// newTimedPeer returns a peer whose server has the given time-outs.
func newTimedPeer(t *testing.T, path string, timeouts timeouts) peer {
	t.Helper()
	t.Parallel()
	server := httptest.NewServer(protocolSuites(timeouts))
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return peer{t: t, base: server.URL + path, timeouts: timeouts}
}

// request sends an HTTP request and returns status and body.
func (p peer) request(ctx context.Context, method, query, body string) (int, string, error) {
	p.t.Helper()
	r, err := http.NewRequestWithContext(ctx, method, p.base+query, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "text/plain;charset=UTF-8")
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(raw), err
}

// must is request for requests that have to succeed.
func (p peer) must(method, query, body string) (int, string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), soon)
	defer cancel()
	status, text, err := p.request(ctx, method, query, body)
	if err != nil {
		p.t.Fatalf("%s %s: %v", method, query, err)
	}
	return status, text
}

func (p peer) want(method, query, body string, status int, text string) {
	p.t.Helper()
	if s, b := p.must(method, query, body); s != status || b != text {
		p.t.Fatalf("%s %s: %d %q, want %d %q", method, query, s, b, status, text)
	}
}

// polls checks the packets of the next poll except pings, which become due while a busy machine delays the peer.
func (p peer) polls(query, payload string) {
	p.t.Helper()
	for {
		status, body := p.must(http.MethodGet, query, "")
		packets := strings.Split(body, "\x1e")
		others := slices.DeleteFunc(slices.Clone(packets), func(packet string) bool { return packet == "2" })
		if len(others) < len(packets) {
			p.want(http.MethodPost, query, "3", http.StatusOK, "ok")
		}
		if got := strings.Join(others, "\x1e"); status != http.StatusOK || len(others) > 0 && got != payload {
			p.t.Fatalf("GET %s: %d %q, want %q", query, status, body, payload)
		}
		if len(others) > 0 {
			return
		}
	}
}

// opening is the first packet of a session.
type opening struct {
	SID          string   `json:"sid"`
	Upgrades     []string `json:"upgrades"`
	PingInterval int      `json:"pingInterval"`
	PingTimeout  int      `json:"pingTimeout"`
	MaxPayload   int      `json:"maxPayload"`
}

func (p peer) readOpening(packet string, upgrades ...string) opening {
	p.t.Helper()
	raw, ok := strings.CutPrefix(packet, "0")
	var keys map[string]json.RawMessage
	var o opening
	if !ok || json.Unmarshal([]byte(raw), &keys) != nil || json.Unmarshal([]byte(raw), &o) != nil {
		p.t.Fatalf("opening %q", packet)
	}
	if len(keys) != 5 || o.SID == "" || !slices.Equal(o.Upgrades, upgrades) || o.PingInterval != 300 || o.PingTimeout != int(p.timeouts.pong.Milliseconds()) || o.MaxPayload != 1_000_000 {
		p.t.Fatalf("opening %q", packet)
	}
	return o
}

const (
	polling  = "?EIO=4&transport=polling"
	upgraded = "?EIO=4&transport=websocket"
)

// session opens a polling session and returns the query that continues it.
func (p peer) session() (query, sid string) {
	p.t.Helper()
	_, packet := p.must(http.MethodGet, polling, "")
	o := p.readOpening(packet, "websocket")
	return polling + "&sid=" + o.SID, o.SID
}

// socket is a WebSocket.
type socket struct {
	t    *testing.T
	conn *websocket.Conn
}

// dial opens a WebSocket; it fails when the server refuses.
func (p peer) dial(query string) (socket, error) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), soon)
	defer cancel()
	conn, resp, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(p.base, "http")+query, nil)
	if resp != nil && resp.Body != nil {
		_ = resp.Body.Close()
	}
	if err == nil {
		p.t.Cleanup(func() { _ = conn.CloseNow() })
	}
	return socket{t: p.t, conn: conn}, err
}

// socket opens a WebSocket session and reads its opening.
func (p peer) socket() socket {
	p.t.Helper()
	s, err := p.dial(upgraded)
	if err != nil {
		p.t.Fatal(err)
	}
	p.readOpening(s.read())
	return s
}

func (s socket) write(packet string) {
	s.t.Helper()
	if err := s.conn.Write(s.t.Context(), websocket.MessageText, []byte(packet)); err != nil {
		s.t.Fatal(err)
	}
}

func (s socket) writeBytes(data ...byte) {
	s.t.Helper()
	if err := s.conn.Write(s.t.Context(), websocket.MessageBinary, data); err != nil {
		s.t.Fatal(err)
	}
}

func (s socket) readFrame() (websocket.MessageType, []byte) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), soon)
	defer cancel()
	kind, data, err := s.conn.Read(ctx)
	if err != nil {
		s.t.Fatalf("reading: %v", err)
	}
	return kind, data
}

// read returns the next packet, which may be a ping.
func (s socket) read() string {
	s.t.Helper()
	_, data := s.readFrame()
	return string(data)
}

// next returns the next packet that is not a ping.
func (s socket) next() string {
	s.t.Helper()
	for {
		if packet := s.read(); packet != "2" {
			return packet
		}
		s.write("3")
	}
}

func (s socket) want(packet string) {
	s.t.Helper()
	if got := s.next(); got != packet {
		s.t.Fatalf("packet %q, want %q", got, packet)
	}
}

func (s socket) wantBytes(data ...byte) {
	s.t.Helper()
	for {
		kind, got := s.readFrame()
		if kind == websocket.MessageText && string(got) == "2" {
			s.write("3")
			continue
		}
		if kind != websocket.MessageBinary || !slices.Equal(got, data) {
			s.t.Fatalf("frame %v %v, want %v", kind, got, data)
		}
		return
	}
}

// closes waits until the server closes the connection and returns how long that took.
func (s socket) closes() time.Duration {
	s.t.Helper()
	begin := time.Now()
	ctx, cancel := context.WithTimeout(s.t.Context(), soon)
	defer cancel()
	for {
		if _, _, err := s.conn.Read(ctx); err != nil {
			if errors.Is(err, context.DeadlineExceeded) {
				s.t.Fatal("the connection stays open")
			}
			return time.Since(begin)
		}
	}
}

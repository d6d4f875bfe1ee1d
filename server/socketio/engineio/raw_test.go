package engineio_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"testing"
)

// rawConn is a WebSocket session whose client end is a bare connection: it can send what no library would.
type rawConn struct {
	t       *testing.T
	conn    net.Conn
	session *recorder
	reader  *bufio.Reader
	drained chan struct{}
}

var upgradeRequest = requestUpgrade(websocketURL)

func requestUpgrade(target string) string {
	return "GET " + target + " HTTP/1.1\r\nHost: memory\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
}

// rawSession opens a session and discards all input, without answering pings.
func (b *bundle) rawSession(t *testing.T) *rawConn {
	t.Helper()
	raw := b.rawDial(t, "")
	raw.drained = make(chan struct{})
	go func() {
		defer close(raw.drained)
		_, _ = io.Copy(io.Discard, raw.reader)
	}()
	return raw
}

// rawDial opens a session, with some bytes right behind the request, and reads up to the open packet.
func (b *bundle) rawDial(t *testing.T, behind string) *rawConn {
	t.Helper()
	conn, err := b.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	raw := &rawConn{t: t, conn: conn, reader: bufio.NewReader(conn)}
	raw.write(upgradeRequest + behind)
	response, err := http.ReadResponse(raw.reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "status", response.StatusCode, http.StatusSwitchingProtocols)
	_, open := raw.frame()
	raw.session = b.session(parseOpen(t, open).SID)
	return raw
}

func (r *rawConn) write(data string) {
	r.t.Helper()
	if _, err := io.WriteString(r.conn, data); err != nil {
		r.t.Error(err)
	}
}

// frame reads one frame and returns its first byte and its payload, of less than 64 KiB.
func (r *rawConn) frame() (first byte, payload string) {
	r.t.Helper()
	header := make([]byte, 2)
	if _, err := io.ReadFull(r.reader, header); err != nil {
		r.t.Fatal(err)
	}
	size := int(header[1])
	if size == 126 {
		extended := make([]byte, 2)
		if _, err := io.ReadFull(r.reader, extended); err != nil {
			r.t.Fatal(err)
		}
		size = int(extended[0])<<8 | int(extended[1])
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(r.reader, data); err != nil {
		r.t.Fatal(err)
	}
	return header[0], string(data)
}

func (r *rawConn) close() {
	_ = r.conn.Close()
	if r.drained != nil {
		<-r.drained
	}
}

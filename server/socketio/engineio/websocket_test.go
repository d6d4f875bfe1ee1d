package engineio_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/elizad/elizad/server/socketio/engineio"
	"github.com/elizad/elizad/server/socketio/internal/sockettest"
)

func TestMessagesBothWays(t *testing.T) {
	t.Parallel()
	b := setup(t, engineio.Config{}, sockettest.ServeTCP)
	ws, r := b.dial()
	large := strings.Repeat("ä", 70_000) // needs the longest frame header
	ws.Send("4text", "4", "4"+large, "bAQI=")
	ws.SendBinary([]byte{3, 4})
	for _, want := range []string{"text", "", large, "binary:\x01\x02", "binary:\x03\x04"} {
		expect(t, "received", <-r.messages, want)
	}
	middle := strings.Repeat("m", 300) // needs the middle one
	r.send("a", middle, large)
	r.session.Send(engineio.NewFrame([]byte("with"), []byte{1}, bytes.Repeat([]byte{2}, 200)), engineio.SendOptions{})
	r.session.Send(engineio.NewBinaryFrame([]byte{4}), engineio.SendOptions{})
	ws.Expect("4a", "4"+middle, "4"+large, "4with", "binary:\x01", "binary:"+strings.Repeat("\x02", 200), "binary:\x04")
	ws.CloseNow()
	expect(t, "reason", <-r.closed, engineio.ReasonTransportClose)
}

func TestManyMessagesStayInOrder(t *testing.T) {
	t.Parallel()
	b := setup(t, engineio.Config{QueuePackets: 10_000}, sockettest.ServeTCP)
	ws, r := b.dial()
	defer ws.CloseNow()
	const n = 5_000
	go func() {
		for i := range n {
			r.send(string(binary.BigEndian.AppendUint16(nil, uint16(i%100))))
		}
	}()
	for i := range n {
		ws.Expect("4" + string(binary.BigEndian.AppendUint16(nil, uint16(i%100))))
	}
}

// TLS connections have no vectored write, so frames are written another way.
func TestMessagesOverTLS(t *testing.T) {
	t.Parallel()
	b := setup(t, engineio.Config{QueuePackets: 10_000, QueueBytes: 64 << 20}, sockettest.ServeTLS)
	ws, r := b.dial()
	defer ws.CloseNow()
	large := strings.Repeat("x", 40_000)
	go func() {
		for range 200 {
			r.send("small", "another", large)
		}
	}()
	for range 200 {
		ws.Expect("4small", "4another", "4"+large)
	}
	expect(t, "secure", r.session.Request().Secure, true)
}

// The kind of violation decides how the connection is closed. Clients look at the status, and at the absence of a reason.
func TestBadMessages(t *testing.T) {
	for _, test := range []struct {
		name   string
		send   func(ws *sockettest.WebSocket)
		status websocket.StatusCode
		reason string
	}{
		{"unknown type", func(ws *sockettest.WebSocket) { ws.Send("abc") }, 1005, engineio.ReasonParseError},
		{"empty", func(ws *sockettest.WebSocket) { ws.Send("") }, 1005, engineio.ReasonParseError},
		{"bad base64", func(ws *sockettest.WebSocket) { ws.Send("b!") }, 1005, engineio.ReasonParseError},
		{"ping from the client", func(ws *sockettest.WebSocket) { ws.Send("2") }, 1005, engineio.ReasonParseError},
		{"probe without an upgrade", func(ws *sockettest.WebSocket) { ws.Send("2probe") }, 1005, engineio.ReasonParseError},
		{"close packet", func(ws *sockettest.WebSocket) { ws.Send("1") }, 1005, engineio.ReasonTransportClose},
		{"not UTF-8", func(ws *sockettest.WebSocket) { ws.Send("4\xff") }, 1007, engineio.ReasonParseError},
		{"too large", func(ws *sockettest.WebSocket) { ws.Send("4" + strings.Repeat("x", 1000)) }, 1009, engineio.ReasonTransportError},
		{"much too large", func(ws *sockettest.WebSocket) { ws.SendBinary(make([]byte, 300_000)) }, 1009, engineio.ReasonTransportError},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, engineio.Config{MaxPayload: 1000}, sockettest.ServeTCP)
			ws, r := b.dial()
			test.send(ws)
			status, reason := ws.ExpectClose()
			expect(t, "status", status, test.status)
			expect(t, "reason of the close frame", reason, "")
			expect(t, "reason", <-r.closed, test.reason)
		})
	}
}

// No library would send the frames below: masked with zeros, so that they can be read here.

func TestFragmentsAndInterleavedControlFrames(t *testing.T) {
	bubble(t, engineio.Config{}, func(t *testing.T, b *bundle) {
		raw := b.rawDial(t, "")
		go raw.write("\x01\x83\x00\x00\x00\x004he" + // text, not final
			"\x89\x82\x00\x00\x00\x00hi" + // ping
			"\x00\x80\x00\x00\x00\x00" + // empty continuation
			"\x80\x83\x00\x00\x00\x00llo") // final continuation
		first, payload := raw.frame()
		expect(t, "opcode", first, 0x8a)
		expect(t, "pong", payload, "hi")
		expect(t, "message", <-raw.session.messages, "hello")
		raw.close()
	})
}

func TestTooManyFragments(t *testing.T) {
	for name, fragment := range map[string]string{
		"of one byte": "\x00\x81\x00\x00\x00\x00x",
		"empty":       "\x00\x80\x00\x00\x00\x00",
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, engineio.Config{MaxPayload: 10_000, MaxFragments: 100}, func(t *testing.T, b *bundle) {
				raw := b.rawDial(t, "")
				written := make(chan struct{})
				go func() {
					defer close(written)
					_, _ = raw.conn.Write([]byte("\x01\x81\x00\x00\x00\x004" + strings.Repeat(fragment, 5_000)))
				}()
				first, payload := raw.frame()
				expect(t, "opcode", first, 0x88)
				expect(t, "close frame", payload, "")
				expect(t, "reason", <-raw.session.closed, engineio.ReasonParseError)
				raw.close()
				<-written
			})
		})
	}
}

func TestManyFragmentsWithinTheLimit(t *testing.T) {
	bubble(t, engineio.Config{MaxFragments: 100}, func(t *testing.T, b *bundle) {
		raw := b.rawDial(t, "")
		raw.write("\x01\x81\x00\x00\x00\x004" + strings.Repeat("\x00\x81\x00\x00\x00\x00x", 98) + "\x80\x81\x00\x00\x00\x00y")
		expect(t, "message", <-raw.session.messages, strings.Repeat("x", 98)+"y")
		raw.close()
	})
}

func TestMessageThatTakesTooLong(t *testing.T) {
	bubble(t, engineio.Config{ReadTimeout: 30 * time.Second, PingTimeout: time.Hour}, func(t *testing.T, b *bundle) {
		raw := b.rawSession(t)
		raw.write("\x81\xfe\x07\xd0\x00\x00\x00\x004")
		for range 29 {
			advance(time.Second)
			raw.write("x")
		}
		expect(t, "closed after 29 s", len(raw.session.closed), 0)
		advance(2 * time.Second)
		expect(t, "reason", <-raw.session.closed, engineio.ReasonTransportError)
		raw.close()
	})
}

// The library takes over the buffered reader of the HTTP server, and with it what the client sent early. If an update changes
// how, this hangs.
func TestFrameRightBehindTheUpgradeRequest(t *testing.T) {
	bubble(t, engineio.Config{}, func(t *testing.T, b *bundle) {
		raw := b.rawDial(t, "\x81\x86\x00\x00\x00\x004early\x81\x85\x00\x00\x00\x004next")
		expect(t, "first message", <-raw.session.messages, "early")
		expect(t, "second message", <-raw.session.messages, "next")
		raw.close()
	})
}

// The server's frames and the library's go to the same connection. If an update makes the library write a control frame in
// pieces, they mix here.
func TestPongsDoNotMixWithMessages(t *testing.T) {
	t.Parallel()
	b := setup(t, engineio.Config{QueuePackets: 100_000}, sockettest.ServeTCP)
	raw := b.rawDial(t, "")
	const n = 2_000
	ping := strings.Repeat("p", 125)
	go func() {
		for range n {
			_, _ = raw.conn.Write([]byte("\x89\xfd\x00\x00\x00\x00" + ping))
		}
	}()
	go func() {
		for range n {
			raw.session.send("message", "another")
		}
	}()
	pongs, messages := 0, 0
	for pongs < n || messages < 2*n {
		switch first, payload := raw.frame(); first {
		case 0x8a:
			expect(t, "pong", payload, ping)
			pongs++
		case 0x81:
			if payload != "4message" && payload != "4another" {
				t.Fatalf("got message %q", payload)
			}
			messages++
		default:
			t.Fatalf("got a frame of type %#x", first)
		}
	}
	raw.close()
}

func TestClientGetsTheClose(t *testing.T) {
	t.Parallel()
	b := setup(t, engineio.Config{}, sockettest.ServeTCP)
	ws, r := b.dial()
	r.send("last")
	r.session.Close("because")
	ws.Expect("4last")
	status, _ := ws.ExpectClose()
	expect(t, "status", status, websocket.StatusNormalClosure)
	expect(t, "reason", <-r.closed, "because")
	expect(t, "sending after the end", r.session.Send(engineio.NewFrame([]byte("x")), engineio.SendOptions{}), false)
}

// A client that neither reads nor answers is cut off after the close timeout.
func TestStuckClientIsCut(t *testing.T) {
	bubble(t, engineio.Config{CloseTimeout: time.Second}, func(t *testing.T, b *bundle) {
		raw := b.rawDial(t, "")
		begin := time.Now()
		raw.session.send(strings.Repeat("x", 10_000))
		raw.session.session.Close("")
		expect(t, "reason", <-raw.session.closed, engineio.ReasonForcedClose)
		if err := b.server.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		if took := time.Since(begin); took > 2*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

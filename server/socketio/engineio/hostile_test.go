package engineio_test

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/elizad/elizad/server/socketio/engineio"
	"github.com/elizad/elizad/server/socketio/internal/sockettest"
)

// Frames that RFC 6455 forbids end the connection, whatever their purpose.
func TestMalformedFrames(t *testing.T) {
	const mask = "\x00\x00\x00\x00"
	for _, test := range []struct{ name, frame string }{
		{"not masked", "\x81\x024a"},
		{"reserved bit", "\xc1\x82" + mask + "4a"},
		{"unknown opcode", "\x83\x82" + mask + "4a"},
		{"unknown control opcode", "\x8b\x80" + mask},
		{"continuation of nothing", "\x80\x82" + mask + "4a"},
		{"message within a message", "\x01\x82" + mask + "4a" + "\x81\x82" + mask + "4b"},
		{"control frame in fragments", "\x09\x80" + mask},
		{"control frame that is too long", "\x89\xfe\x00\x7e" + mask + strings.Repeat("x", 126)},
		{"length with its highest bit set", "\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff" + mask},
		{"length beyond all bounds", "\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff" + mask + strings.Repeat("4", 2000)},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, engineio.Config{MaxPayload: 1000}, func(t *testing.T, b *bundle) {
				raw := b.rawSession(t)
				defer raw.close()
				_, _ = io.WriteString(raw.conn, test.frame) // the server may not read all of it
				reason := <-raw.session.closed
				if reason != engineio.ReasonTransportError && reason != engineio.ReasonTransportClose && reason != engineio.ReasonParseError {
					t.Errorf("reason %q", reason)
				}
				expect(t, "messages", len(raw.session.messages), 0)
			})
		})
	}
}

// A client that sends its request, or the body of one, byte by byte and never to the end is cut off in time. The request is the
// HTTP server's business; the package asks for its limit.
func TestRequestsThatNeverEnd(t *testing.T) {
	cfg := engineio.Config{ReadTimeout: 30 * time.Second, PingTimeout: time.Hour}
	trickle := func(b *bundle, request string) (took time.Duration) {
		conn, err := b.Dial(b.t.Context())
		if err != nil {
			b.t.Fatal(err)
		}
		defer conn.Close()
		begin := time.Now()
		cut := make(chan struct{})
		go func() {
			defer close(cut)
			_, _ = io.Copy(io.Discard, conn)
		}()
		_, err = io.WriteString(conn, request)
		for err == nil {
			select {
			case <-cut:
				return time.Since(begin)
			case <-time.After(time.Second):
				_, err = io.WriteString(conn, "x")
			}
		}
		<-cut
		return time.Since(begin)
	}
	t.Run("header", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			b := setup(t, cfg, func(t testing.TB, h http.Handler) (*sockettest.Net, func()) {
				return sockettest.ServeWith(t, &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second})
			})
			if took := trickle(b, "GET "+websocketURL+" HTTP/1.1\r\nHost: memory\r\nX-Slow: "); took > 12*time.Second {
				t.Errorf("it was cut after %v", took)
			}
			b.stop()
		})
	})
	t.Run("body", func(t *testing.T) {
		bubble(t, cfg, func(t *testing.T, b *bundle) {
			url, r := b.open()
			took := trickle(b, "POST "+url+" HTTP/1.1\r\nHost: memory\r\nContent-Length: 1000\r\n\r\n4")
			if took > 32*time.Second {
				t.Errorf("it was cut after %v", took)
			}
			expect(t, "reason", <-r.closed, engineio.ReasonTransportClose)
		})
	})
	t.Run("body for no session", func(t *testing.T) {
		bubble(t, cfg, func(t *testing.T, b *bundle) {
			took := trickle(b, "POST "+pollingURL+"&sid=nope HTTP/1.1\r\nHost: memory\r\nContent-Length: 1000\r\n\r\n4")
			if took > 32*time.Second {
				t.Errorf("it was cut after %v", took)
			}
		})
	})
}

// Of many WebSockets that race for one session, one gets it, and no message is lost.
func TestRacingUpgrades(t *testing.T) {
	bubble(t, engineio.Config{}, func(t *testing.T, b *bundle) {
		url, r := b.open()
		r.send("before")
		var racers sync.WaitGroup
		won := make(chan *sockettest.WebSocket, 20)
		for range cap(won) {
			racers.Go(func() {
				ws := b.WebSocket(t, asWebSocket(url))
				_ = ws.Write(t.Context(), websocket.MessageText, []byte("2probe")) // the losers may be closed already
				if answer, err := ws.TryNext(); err == nil && answer == "3probe" {
					won <- ws
				}
			})
		}
		racers.Wait()
		expect(t, "winners", len(won), 1)
		ws := <-won
		ws.Send("5")
		ws.Expect("4before")
		r.send("after")
		ws.Expect("4after")
		expect(t, "late poll", b.Get(t, url).Status, 400)
		ws.CloseNow()
	})
}

// Guesses of session ids find nothing, whatever they are.
func TestForeignSessionIDs(t *testing.T) {
	bubble(t, engineio.Config{}, func(t *testing.T, b *bundle) {
		_, r := b.open()
		sid := r.session.ID()
		for _, guess := range []string{sid[:19], sid + "A", strings.ToUpper(sid) + strings.ToLower(sid), "..%2f", "%00", strings.Repeat("A", 4000)} {
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				reply := b.Do(t, b.Request(t, method, pollingURL+"&sid="+guess, "4x"))
				expect(t, method+" "+guess[:min(len(guess), 30)], reply.Body, `{"code":1,"message":"Session ID unknown"}`)
			}
		}
		expect(t, "closed", len(r.closed), 0)
		expect(t, "messages", len(r.messages), 0)
	})
}

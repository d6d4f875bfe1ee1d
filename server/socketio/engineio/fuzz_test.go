package engineio_test

import (
	"io"
	"log/slog"
	"testing"

	"github.com/elizad/elizad/server/socketio/engineio"
	"github.com/elizad/elizad/server/socketio/internal/sockettest"
)

// FuzzFrames sends any bytes in place of a WebSocket's frames: on a session, and on an upgrade of one. Nothing may panic or
// hang, the connection's end is reported once, and other sessions are not affected.
func FuzzFrames(f *testing.F) {
	const mask = "\x00\x00\x00\x00"
	for _, seed := range []string{
		"\x81\x86" + mask + "4hello", "\x01\x83" + mask + "4he" + "\x89\x82" + mask + "hi" + "\x80\x83" + mask + "llo", "\x82\x82" + mask + "\x01\x02",
		"\x81\x86" + mask + "2probe" + "\x81\x81" + mask + "5" + "\x81\x82" + mask + "4x", "\x88\x82" + mask + "\x03\xe8", "\x81\x81" + mask + "1",
		"\x81\xfe\x07\xd0" + mask + "4", "\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff" + mask, "\x00\x80" + mask + "\x80\x80" + mask, "\xf1\x00",
	} {
		f.Add([]byte(seed), false)
		f.Add([]byte(seed), true)
	}
	log := slog.New(slog.DiscardHandler)
	f.Fuzz(func(t *testing.T, frames []byte, upgrade bool) {
		b := setup(t, engineio.Config{MaxPayload: 1000, MaxFragments: 10, Logger: log}, sockettest.Serve)
		defer b.stop()
		neighbour, other := b.dial()
		request := upgradeRequest
		url, r := b.open()
		if upgrade {
			request = requestUpgrade(asWebSocket(url))
		}
		conn, err := b.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		read := make(chan struct{})
		go func() {
			defer close(read)
			_, _ = io.Copy(io.Discard, conn)
		}()
		_, _ = io.WriteString(conn, request+string(frames)) // which the server need not read to the end
		_ = conn.Close()
		<-read

		other.send("still there")
		neighbour.Expect("4still there")
		neighbour.CloseNow()
		expect(t, "reason of the neighbour", <-other.closed, engineio.ReasonTransportClose)
		r.session.Abort("end of the test")
		if err := b.server.Shutdown(t.Context()); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		for _, r := range b.all() {
			if n := len(r.closed); n > 1 {
				t.Errorf("the end was reported %d times", n)
			}
		}
	})
}

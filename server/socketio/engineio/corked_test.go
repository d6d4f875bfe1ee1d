package engineio_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/elizad/elizad/server/socketio/engineio"
	"github.com/elizad/elizad/server/socketio/internal/sockettest"
)

// idle waits until a session has nothing more to write: what the client has read stays in the backlog until the writer returns.
func (r *recorder) idle() {
	for frames, _ := r.session.Backlog(); frames > 0; frames, _ = r.session.Backlog() {
		runtime.Gosched()
	}
}

func TestCorkedFramesAreWrittenTogether(t *testing.T) {
	b := setup(t, engineio.Config{}, sockettest.ServeTCP)
	var clients []*sockettest.WebSocket
	var sessions []*recorder
	for range 3 {
		ws, r := b.dial()
		clients, sessions = append(clients, ws), append(sessions, r)
	}
	send := func(texts ...string) {
		for _, r := range sessions {
			r.send(texts...)
		}
	}
	send("before")
	for i, ws := range clients {
		ws.Expect("4before")
		sessions[i].idle()
	}
	b.server.Corked(func(full func() bool) {
		send("1", "2")
		b.server.Batch(func() { send("3") }) // which would be written at its end
		for _, r := range sessions {
			frames, _ := r.session.Backlog()
			expect(t, "frames that wait", frames, 3)
		}
		expect(t, "full", full(), false)
		b.server.Uncorked(func() {
			for _, ws := range clients {
				ws.Expect("41")
				ws.Expect("42")
				ws.Expect("43")
			}
		})
		send("4")
	})
	for _, ws := range clients {
		ws.Expect("44")
	}
}

func TestFullCork(t *testing.T) {
	b := setup(t, engineio.Config{QueuePackets: 100}, sockettest.ServeTCP)
	ws, r := b.dial()
	for _, text := range []string{"x", strings.Repeat("x", 40<<10)} { // many frames, large frames
		sent := 0
		b.server.Corked(func(full func() bool) {
			expect(t, "full at first", full(), false)
			for ; !full() && sent < 50; sent++ {
				r.send(fmt.Sprint(sent, text))
			}
		})
		if sent == 50 {
			t.Errorf("%d frames of %d bytes wait for one session, and the cork is not full", sent, len(text))
		}
		for i := range sent {
			ws.Expect(fmt.Sprint("4", i, text))
		}
	}
}

func TestPanicInACork(t *testing.T) {
	b := setup(t, engineio.Config{}, sockettest.ServeTCP)
	ws, r := b.dial()
	func() {
		defer func() { expect(t, "panic", recover(), any("in Uncorked")) }()
		b.server.Corked(func(func() bool) {
			r.send("1")
			b.server.Uncorked(func() { panic("in Uncorked") })
		})
	}()
	r.send("2")
	ws.Expect("41")
	ws.Expect("42")
}

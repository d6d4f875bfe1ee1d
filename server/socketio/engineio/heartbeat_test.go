package engineio_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/elizad/elizad/server/socketio/engineio"
)

var fast = engineio.Config{PingInterval: 300 * time.Millisecond, PingTimeout: 200 * time.Millisecond}

func TestPingsComeAtTheInterval(t *testing.T) {
	bubble(t, fast, func(t *testing.T, b *bundle) {
		ws, _ := b.dial()
		last := time.Now()
		for range 3 {
			expect(t, "message", ws.Next(), "2")
			expect(t, "time since the last pong", time.Since(last), 300*time.Millisecond)
			advance(50 * time.Millisecond)
			ws.Send("3")
			last = time.Now()
		}
	})
}

func TestSilentSessionEndsOnTime(t *testing.T) {
	bubble(t, fast, func(t *testing.T, b *bundle) {
		begin := time.Now()
		url, polling := b.open()
		ws, websocket := b.dial()
		ws.ExpectClose()
		expect(t, "reason", <-websocket.closed, engineio.ReasonPingTimeout)
		expect(t, "WebSocket session lived", time.Since(begin), 500*time.Millisecond)
		expect(t, "reason", <-polling.closed, engineio.ReasonPingTimeout)
		expect(t, "polling session lived", time.Since(begin), 500*time.Millisecond)
		expect(t, "poll", b.Get(t, url).Status, 400)
	})
}

func TestPollIsReleasedByThePing(t *testing.T) {
	bubble(t, fast, func(t *testing.T, b *bundle) {
		url, _ := b.open()
		for range 3 {
			expect(t, "poll", b.Get(t, url).Body, "2")
			expect(t, "post", b.Post(t, url, "3").Body, "ok")
		}
	})
}

// A pong may be in line behind a message that is still being sent.
func TestMessageExtendsTheDeadlineOfThePong(t *testing.T) {
	bubble(t, fast, func(t *testing.T, b *bundle) {
		ws, r := b.dial()
		expect(t, "message", ws.Next(), "2")
		advance(150 * time.Millisecond)
		ws.Send("4still there")
		<-r.messages
		advance(150 * time.Millisecond)
		expect(t, "closed", len(r.closed), 0)
		ws.ExpectClose()
		expect(t, "reason", <-r.closed, engineio.ReasonPingTimeout)
	})
}

func TestMessagesDoNotPostponeThePing(t *testing.T) {
	bubble(t, fast, func(t *testing.T, b *bundle) {
		ws, _ := b.dial()
		begin := time.Now()
		for range 5 {
			advance(50 * time.Millisecond)
			ws.Send("4busy")
		}
		expect(t, "message", ws.Next(), "2")
		expect(t, "time to the ping", time.Since(begin), 300*time.Millisecond)
	})
}

func TestSlowUploadKeepsTheSessionAlive(t *testing.T) {
	bubble(t, fast, func(t *testing.T, b *bundle) {
		ws, r := b.dial()
		expect(t, "message", ws.Next(), "2")
		// A message whose frame announces 2,000 bytes, of which 200 come every 100 ms; masked with zeros.
		raw := b.rawSession(t)
		raw.write("\x81\xfe\x07\xd0\x00\x00\x00\x004")
		for range 10 {
			advance(100 * time.Millisecond)
			raw.write(strings.Repeat("x", 199))
		}
		raw.write(strings.Repeat("x", 9))
		expect(t, "length of the message", len(<-raw.session.messages), 1999)
		expect(t, "closed", len(raw.session.closed), 0)
		expect(t, "the session that sent nothing", <-r.closed, engineio.ReasonPingTimeout)
		raw.close()
	})
}

// A handler that blocks keeps the pong from being read, which is not the client's fault.
func TestBlockedHandlerSuspendsTheDeadline(t *testing.T) {
	bubble(t, fast, func(t *testing.T, b *bundle) {
		b.onOpen = func(r *recorder) { r.block = make(chan struct{}) }
		ws, r := b.dial()
		ws.Send("4wait")
		expect(t, "message", ws.Next(), "2")
		go ws.Send("3")
		advance(10 * time.Second)
		expect(t, "closed", len(r.closed), 0)
		close(r.block)
		expect(t, "message", <-r.messages, "wait")
		expect(t, "next", ws.Next(), "2")
		ws.Send("3")
	})
}

func TestPingOvertakesABacklog(t *testing.T) {
	bubble(t, fast, func(t *testing.T, b *bundle) {
		url, r := b.open()
		for range 200 {
			r.send(strings.Repeat("x", 10_000))
		}
		advance(301 * time.Millisecond)
		reply := b.Get(t, url).Body
		if !strings.HasPrefix(reply, "2\x1e4") {
			t.Errorf("reply begins with %.10q, want the ping first", reply)
		}
		synctest.Wait()
		r.session.Abort("done")
	})
}

package engineio_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/elizad/elizad/server/socketio/engineio"
	"github.com/elizad/elizad/server/socketio/internal/sockettest"
)

// A polling client between two polls is the slowest consumer there is.

func chunk(text string) *engineio.Frame { return engineio.NewFrame([]byte(text)) }

func TestSlowConsumerIsDisconnected(t *testing.T) {
	for name, cfg := range map[string]engineio.Config{
		"too many frames": {QueuePackets: 10},
		"too many bytes":  {QueueBytes: 1000},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, cfg, func(t *testing.T, b *bundle) {
				url, r := b.open()
				for range 10 {
					expect(t, "queued", r.session.Send(chunk(strings.Repeat("x", 90)), engineio.SendOptions{}), true)
				}
				expect(t, "queued over the limit", r.session.Send(chunk(strings.Repeat("x", 200)), engineio.SendOptions{}), false)
				expect(t, "reason", <-r.closed, engineio.ReasonTransportClose)
				expect(t, "slow consumers", b.server.Stats().SlowConsumers, 1)
				synctest.Wait()
				expect(t, "poll", b.Get(t, url).Status, 400)
			})
		})
	}
}

func TestSingleLargeFrameIsNotAnOverflow(t *testing.T) {
	bubble(t, engineio.Config{QueueBytes: 1000}, func(t *testing.T, b *bundle) {
		url, r := b.open()
		large := strings.Repeat("x", 5000)
		expect(t, "queued", r.session.Send(chunk(large), engineio.SendOptions{}), true)
		expect(t, "poll", b.Get(t, url).Body, "4"+large)
	})
}

func TestVolatileFramesNeedAReadyTransport(t *testing.T) {
	bubble(t, engineio.Config{}, func(t *testing.T, b *bundle) {
		volatile := engineio.SendOptions{Volatile: true}
		url, r := b.open()
		expect(t, "without a poll", r.session.Send(chunk("v"), volatile), false)
		poll := b.hold(url)
		expect(t, "with a poll", r.session.Send(chunk("v"), volatile), true)
		expect(t, "reply", (<-poll).Body, "4v")
		r.send("queued")
		expect(t, "behind another", r.session.Send(chunk("v"), volatile), false)
		expect(t, "poll", b.Get(t, url).Body, "4queued")

		ws := b.WebSocket(t, asWebSocket(url))
		ws.Send("2probe")
		ws.Expect("3probe")
		expect(t, "during the upgrade", r.session.Send(chunk("v"), volatile), false)
		ws.Send("5")
		synctest.Wait()
		expect(t, "on a WebSocket", r.session.Send(chunk("v"), volatile), true)
		ws.Expect("4v")
	})
}

// Once a chunk of a stream is dropped, so are the rest of them, until its end; other queued messages stay.
func TestSheddingDropsCompleteStreams(t *testing.T) {
	bubble(t, engineio.Config{QueuePackets: 5}, func(t *testing.T, b *bundle) {
		url, r := b.open()
		send := func(text string, opts engineio.SendOptions) bool { return r.session.Send(chunk(text), opts) }
		a, c := engineio.SendOptions{Shed: "a"}, engineio.SendOptions{Shed: "c"}
		send("first", engineio.SendOptions{})
		send("a1", a)
		send("a2", a)
		send("c1", c)
		send("second", engineio.SendOptions{})
		expect(t, "a frame that makes room", send("third", engineio.SendOptions{}), true)
		expect(t, "a later chunk of a", send("a3", a), false)
		expect(t, "a later chunk of c", send("c2", c), false)
		expect(t, "a chunk of another stream", send("d1", engineio.SendOptions{Shed: "d"}), true)
		expect(t, "the end of a", send("a complete", engineio.SendOptions{End: "a"}), true)
		expect(t, "poll", b.Get(t, url).Body, "4first\x1e4second\x1e4third\x1e4d1\x1e4a complete")
		expect(t, "a after its end", send("a again", a), true)
		expect(t, "c, which has not ended", send("c3", c), false)
		expect(t, "poll", b.Get(t, url).Body, "4a again")
		expect(t, "closed", len(r.closed), 0)
	})
}

func TestChunkThatDoesNotFitIsShed(t *testing.T) {
	bubble(t, engineio.Config{QueuePackets: 3}, func(t *testing.T, b *bundle) {
		_, r := b.open()
		r.send("1", "2", "3")
		expect(t, "queued", r.session.Send(chunk("a1"), engineio.SendOptions{Shed: "a"}), false)
		expect(t, "closed", len(r.closed), 0)
		frames, bytes := r.session.Backlog()
		expect(t, "backlog", fmt.Sprint(frames, " ", bytes), "3 12")
	})
}

// One client that does not read delays no other.
func TestStuckClientDelaysNoOther(t *testing.T) {
	t.Parallel()
	b := setup(t, engineio.Config{QueueBytes: 1 << 20}, sockettest.ServeTCP)
	stuck := b.rawDial(t, "")
	ws, r := b.dial()
	defer ws.CloseNow()
	frame := chunk(strings.Repeat("x", 10_000))
	for len(stuck.session.closed) == 0 {
		stuck.session.session.Send(frame, engineio.SendOptions{})
		r.session.Send(frame, engineio.SendOptions{})
		ws.Next()
	}
	expect(t, "reason", <-stuck.session.closed, engineio.ReasonTransportClose)
	stuck.close()
}

// What the network does not take at once is written later, complete and in order, while others are served.
func TestSlowReaderGetsEverythingInOrder(t *testing.T) {
	t.Parallel()
	const frames, size = 300, 100_000 // far more than the kernel buffers
	b := setup(t, engineio.Config{QueuePackets: 2 * frames, QueueBytes: 2 * frames * size}, sockettest.ServeTCP)
	slow, r := b.dial()
	defer slow.CloseNow()
	quick, other := b.dial()
	defer quick.CloseNow()
	for i := range frames {
		r.send(fmt.Sprintf("%0*d", size, i), fmt.Sprint("after ", i))
		other.send(fmt.Sprint(i))
		quick.Expect(fmt.Sprintf("4%d", i))
	}
	for i := range frames {
		if got, want := slow.Next(), fmt.Sprintf("4%0*d", size, i); got != want {
			t.Fatalf("frame %d is another one, of %d bytes", i, len(got))
		}
		slow.Expect(fmt.Sprint("4after ", i))
	}
}

func TestShutdown(t *testing.T) {
	bubble(t, engineio.Config{}, func(t *testing.T, b *bundle) {
		url, polling := b.open()
		poll := b.hold(url)
		silent, _ := b.open()
		ws, websocket := b.dial()
		websocket.send("last words")
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		done := make(chan error)
		go func() { done <- b.server.Shutdown(ctx) }()
		ws.Expect("4last words")
		status, _ := ws.ExpectClose()
		expect(t, "status", int(status), 1001)
		expect(t, "poll", (<-poll).Body, "1")
		expect(t, "reason", <-polling.closed, engineio.ReasonShutdown)
		expect(t, "reason", <-websocket.closed, engineio.ReasonShutdown)
		advance(100 * time.Millisecond) // the sessions are not closed all at once
		expect(t, "poll of a session without a held one", b.Get(t, silent).Body, "6\x1e1")
		reply := b.Get(t, pollingURL)
		expect(t, "handshake", reply.Status, 503)
		expect(t, "retry after", reply.Header.Get("Retry-After"), "5")
		if err := <-done; err != nil {
			t.Errorf("Shutdown: %v", err)
		}
	})
}

func TestShutdownCutsWhatIsLeft(t *testing.T) {
	bubble(t, engineio.Config{CloseTimeout: time.Hour}, func(t *testing.T, b *bundle) {
		raw := b.rawDial(t, "") // answers no close frame
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := b.server.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Shutdown = %v, want the context's error", err)
		}
		expect(t, "reason", <-raw.session.closed, engineio.ReasonShutdown)
		synctest.Wait()
		expect(t, "sessions", b.server.Stats().Sessions[engineio.WebSocket], 0)
		raw.close()
	})
}

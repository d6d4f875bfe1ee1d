package engineio_test

import (
	"bytes"
	"crypto/rand"
	"runtime"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/elizad/elizad/server/socketio/engineio"
	"github.com/elizad/elizad/server/socketio/internal/sockettest"
)

// One frame goes to a client that takes compressed messages, to one that doesn't, and to one that polls; all read the same.
func TestDeflate(t *testing.T) {
	t.Parallel()
	b := setup(t, engineio.Config{Deflate: true}, sockettest.ServeTCP)
	plain, toPlain := b.dial()
	ws := b.WebSocketWith(t, websocketURL, websocket.CompressionNoContextTakeover)
	toPacked := b.session(parseOpen(t, ws.Next()).SID)
	url, toPoll := b.open()

	text := strings.Repeat("All work and no play. ", 400)
	binary := bytes.Repeat([]byte{1, 2, 3, 4}, 1_000)
	noise := make([]byte, 2_000) // grows when it is compressed
	_, _ = rand.Read(noise)      // never fails
	joined := engineio.JoinFrames(engineio.NewFrame([]byte("small")), engineio.NewFrame([]byte(text), binary), engineio.NewBinaryFrame(noise))

	before := b.written(2) // the open packets
	toPacked.session.Send(joined, engineio.SendOptions{})
	want := []string{"4small", "4" + text, "binary:" + string(binary), "binary:" + string(noise)}
	ws.Expect(want...)
	if sent := b.written(3) - before; sent < int64(len(noise)) || sent > int64(len(noise)+len(text)/10) {
		t.Errorf("%d bytes were written for %d", sent, joined.Size())
	}
	toPlain.session.Send(joined, engineio.SendOptions{})
	plain.Expect(want...)
	toPoll.session.Send(joined, engineio.SendOptions{})
	if reply := b.Get(t, url); !strings.Contains(reply.Body, text) {
		t.Errorf("a poll got %.100q", reply.Body)
	}

	ws.Send("4" + text)
	expect(t, "received", <-toPacked.messages, text)
}

// A message is measured by its uncompressed size.
func TestDeflatedBombIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t, engineio.Config{Deflate: true, MaxPayload: 100_000}, sockettest.ServeTCP)
	ws := b.WebSocketWith(t, websocketURL, websocket.CompressionNoContextTakeover)
	r := b.session(parseOpen(t, ws.Next()).SID)
	ws.Send("4" + strings.Repeat("a", 10_000_000))
	if status, _ := ws.ExpectClose(); status != websocket.StatusMessageTooBig {
		t.Errorf("closed with %d", status)
	}
	expect(t, "reason", <-r.closed, engineio.ReasonTransportError)
}

// By default nothing is negotiated.
func TestDeflateIsOff(t *testing.T) {
	t.Parallel()
	b := setup(t, engineio.Config{}, sockettest.ServeTCP)
	ws := b.WebSocketWith(t, websocketURL, websocket.CompressionNoContextTakeover)
	r := b.session(parseOpen(t, ws.Next()).SID)
	text := strings.Repeat("x", 10_000)
	before := b.written(1)
	r.send(text)
	ws.Expect("4" + text)
	if sent := b.written(2) - before; sent < 10_000 {
		t.Errorf("%d bytes were written", sent)
	}
}

// written waits until so many frames were sent and returns their size on the wire.
func (b *bundle) written(frames int64) int64 {
	for {
		if stats := b.server.Stats(); stats.FramesSent >= frames {
			return stats.BytesSent
		}
		runtime.Gosched()
	}
}

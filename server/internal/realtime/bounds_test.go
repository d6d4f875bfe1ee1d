package realtime

import (
	"context"
	"log/slog"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/bus"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/socketio"
)

// empty is a domain of channels without messages.
type empty struct{ Messaging }

func (empty) Channel(_ context.Context, _ auth.Identity, id uuid.UUID) (messaging.Channel, error) {
	return messaging.Channel{ID: id}, nil
}

func (empty) Subscribe(uuid.UUID) (*bus.Subscription, error) { return nil, bus.ErrClosed }

// Channels that were joined and left are not tracked for ever; those with listeners are.
func TestCursorsAreBounded(t *testing.T) {
	t.Parallel()
	io := socketio.NewServer(socketio.Config{})
	defer func() {
		if err := io.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	g := New(Config{IO: io, Messaging: empty{}})
	c := &plainConn{gateway: g, joined: map[uuid.UUID]struct{}{}}
	if !g.plain.enter(c) {
		t.Fatal("the hub is closed")
	}
	defer g.plain.leave(c)
	var listened []uuid.UUID
	for i := range 20 * minSwept {
		id := uuid.New()
		if i%100 == 0 {
			g.plain.join(c, id)
			listened = append(listened, id)
		}
		if err := g.follow(t.Context(), auth.Identity{}, id); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(g.cursors.channels()); n > 2*minSwept {
		t.Errorf("%d channels are followed", n)
	}
	for _, id := range listened {
		if !g.cursors.known(id) {
			t.Fatalf("channel %v is listened to and not followed", id)
		}
	}
}

func TestPendingIsBounded(t *testing.T) {
	t.Parallel()
	var p pending
	for range 2 * maxPending {
		p.add(uuid.New(), plainOrigin{})
	}
	last := uuid.New()
	p.add(last, plainOrigin{clientID: "last"})
	if len(p.all) > maxPending {
		t.Errorf("%d are pending", len(p.all))
	}
	if _, ok := p.take(last); !ok {
		t.Error("the newest was forgotten")
	}
}

// The typing state of a socket is dropped when it has lapsed, whatever rooms it was in.
func TestTypingIsForgotten(t *testing.T) {
	t.Parallel()
	typed := &typists{log: slog.New(slog.DiscardHandler), last: map[string]time.Time{}, stop: map[string]*time.Timer{}}
	lapsed := make(chan struct{}, 100)
	for i := range 100 {
		typed.note(strconv.Itoa(i), true, time.Now(), func() { lapsed <- struct{}{} })
	}
	for range 100 {
		<-lapsed
	}
	if len(typed.last) != 0 || len(typed.stop) != 0 {
		t.Errorf("%d and %d are kept", len(typed.last), len(typed.stop))
	}
}

// A connection that isn't read buffers a bounded number of bytes; a single frame is taken however large it is.
func TestPlainQueueIsBounded(t *testing.T) {
	t.Parallel()
	conn := func() *plainConn {
		ctx, cancel := context.WithCancel(t.Context())
		return &plainConn{gateway: &Gateway{log: slog.New(slog.DiscardHandler)}, ctx: ctx, cancel: cancel, out: make(chan plainFrame, plainQueue)}
	}
	large := conn()
	large.queue(plainFrame{data: make([]byte, 2*plainQueued)})
	if len(large.out) != 1 || large.ctx.Err() != nil {
		t.Errorf("one large frame: %d wait, %v", len(large.out), large.ctx.Err())
	}
	many := conn()
	const size = plainQueued / 8
	for range 8 {
		many.queue(plainFrame{data: make([]byte, size)})
	}
	if len(many.out) != 8 || many.ctx.Err() != nil {
		t.Errorf("as much as may wait: %d wait, %v", len(many.out), many.ctx.Err())
	}
	many.queue(plainFrame{data: make([]byte, 1)})
	if len(many.out) != 8 || many.ctx.Err() == nil {
		t.Errorf("more than may wait: %d wait, %v", len(many.out), many.ctx.Err())
	}
}

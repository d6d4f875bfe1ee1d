package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/elizad/elizad/server/socketio"
)

func TestEventIsAcknowledgedOnce(t *testing.T) {
	bubble(t, socketio.Config{}, func(t *testing.T, b *bundle) {
		kept := make(chan *socketio.Event, 2)
		b.onConnect = func(s *socketio.Socket) {
			s.On("ask", func(_ context.Context, ev *socketio.Event) {
				if err := ev.Ack(func() {}); err == nil {
					t.Error("a function was sent")
				}
				if err := ev.Ack(1, "two"); err != nil {
					t.Error(err)
				}
				if err := ev.Ack(); !errors.Is(err, socketio.ErrAlreadyAcked) {
					t.Errorf("second Ack = %v", err)
				}
			})
			s.On("keep", func(_ context.Context, ev *socketio.Event) { kept <- ev })
			answer(s)
		}
		c, _ := b.connect()
		c.Send(`420["ask"]`, `429007199254740991["keep"]`, `42["keep"]`)
		c.Expect(`430[1,"two"]`)
		later, unasked := <-kept, <-kept
		if err := later.Ack(); err != nil {
			t.Error(err)
		}
		c.Expect(`439007199254740991[]`)
		if err := unasked.Ack(); err != nil {
			t.Error(err)
		}
		c.expectNothing()
	})
}

func TestLateAcknowledgementIsDropped(t *testing.T) {
	bubble(t, socketio.Config{}, func(t *testing.T, b *bundle) {
		kept := make(chan *socketio.Event, 1)
		b.onConnect = func(s *socketio.Socket) {
			s.On("keep", func(_ context.Context, ev *socketio.Event) { kept <- ev })
		}
		c, s := b.connect()
		c.Send(`420["keep"]`)
		ev := <-kept
		c.CloseNow()
		<-s.Context().Done()
		if err := ev.Ack(); err != nil {
			t.Error(err)
		}
	})
}

func TestEmitAck(t *testing.T) {
	bubble(t, socketio.Config{}, func(t *testing.T, b *bundle) {
		b.onConnect = answer
		c, s := b.connect()
		ask := func(ctx context.Context) <-chan string {
			result := make(chan string, 1)
			go func() {
				reply, err := s.EmitAck(ctx, "q", "?")
				result <- fmt.Sprintf("%s %v", reply.Args, err)
			}()
			return result
		}
		first := ask(t.Context())
		c.Expect(`420["q","?"]`)
		second := ask(t.Context())
		c.Expect(`421["q","?"]`)
		c.Send(`431["b"]`, `430["a",1]`, `430["again"]`, `4377["nobody asked"]`)
		expect(t, "first", <-first, `["a" 1] <nil>`)
		expect(t, "second", <-second, `["b"] <nil>`)

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := s.EmitAck(ctx, "q")
		if !errors.Is(err, socketio.ErrAckTimeout) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("EmitAck = %v, want a timeout", err)
		}
		c.Expect(`422["q"]`)
		c.Send(`432["too late"]`)
		c.expectNothing()

		binary := make(chan []byte, 1)
		go func() {
			reply, err := s.EmitAck(t.Context(), "q")
			if err != nil {
				t.Error(err)
			}
			data, _ := reply.Bytes(0)
			binary <- data
		}()
		c.Expect(`423["q"]`)
		c.Send(`461-3[{"_placeholder":true,"num":0}]`)
		c.SendBinary([]byte("x"))
		expect(t, "binary reply", string(<-binary), "x")

		lost := ask(t.Context())
		c.Next()
		c.CloseNow()
		expect(t, "lost", <-lost, "[] socket is not connected")
		expect(t, "after the end", <-ask(t.Context()), "[] socket is not connected")
	})
}

// The acknowledgement is behind more events than would be queued otherwise.
func TestHandlerMayWaitForAnAcknowledgement(t *testing.T) {
	bubble(t, socketio.Config{}, func(t *testing.T, b *bundle) {
		b.onConnect = func(s *socketio.Socket) {
			s.On("ask me", func(ctx context.Context, ev *socketio.Event) {
				reply, err := s.EmitAck(ctx, "q")
				ev.Ack(fmt.Sprint(string(reply.Args[0]), err))
			})
			answer(s)
		}
		c, _ := b.connect()
		c.Send(`420["ask me"]`)
		c.Expect(`420["q"]`)
		for range 200 {
			c.Send(`42["noise"]`)
		}
		c.Send(`430["r"]`)
		c.Expect(`430["\"r\"<nil>"]`)
		c.expectNothing()
	})
}

func TestConnectionThatEndsReleasesTheHandler(t *testing.T) {
	bubble(t, socketio.Config{}, func(t *testing.T, b *bundle) {
		result := make(chan error, 1)
		b.onConnect = func(s *socketio.Socket) {
			s.On("ask me", func(_ context.Context, ev *socketio.Event) {
				_, err := s.EmitAck(context.Background(), "q")
				result <- err
			})
		}
		c, _ := b.connect()
		c.Send(`42["ask me"]`)
		c.Expect(`420["q"]`)
		c.CloseNow()
		if err := <-result; !errors.Is(err, socketio.ErrDisconnected) {
			t.Errorf("EmitAck = %v, want ErrDisconnected", err)
		}
	})
}

func TestPendingAcknowledgementsAreBounded(t *testing.T) {
	bubble(t, socketio.Config{Limits: socketio.Limits{PendingAcks: 3}}, func(t *testing.T, b *bundle) {
		_, s := b.connect()
		ctx, cancel := context.WithCancel(t.Context())
		for range 3 {
			go s.EmitAck(ctx, "q")
		}
		synctest.Wait()
		if _, err := s.EmitAck(ctx, "q"); !errors.Is(err, socketio.ErrTooManyAcks) {
			t.Errorf("EmitAck = %v, want ErrTooManyAcks", err)
		}
		cancel()
		synctest.Wait()
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := s.EmitAck(ctx, "q"); !errors.Is(err, socketio.ErrAckTimeout) {
			t.Errorf("EmitAck = %v, want ErrAckTimeout", err)
		}
	})
}

func TestBroadcastWithAcknowledgements(t *testing.T) {
	bubble(t, socketio.Config{}, func(t *testing.T, b *bundle) {
		type result struct {
			replies int
			err     error
		}
		ask := func(sel socketio.Broadcast) <-chan result {
			done := make(chan result, 1)
			go func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				replies, err := sel.EmitAck(ctx, "q")
				done <- result{len(replies), err}
			}()
			return done
		}
		if r := <-ask(b.main.To("nobody")); r != (result{}) {
			t.Errorf("without recipients: got %+v", r)
		}
		one, _ := b.connect()
		two, _ := b.connect()

		all := ask(b.main.Everyone())
		one.Expect(`421["q"]`) // the same id for all
		two.Expect(`421["q"]`)
		one.Send(`431[]`)
		two.Send(`431[]`)
		if r := <-all; r != (result{replies: 2}) {
			t.Errorf("all answered: got %+v", r)
		}

		some := ask(b.main.Everyone())
		one.Expect(`422["q"]`)
		one.Send(`432[]`)
		if r := <-some; r.replies != 1 || !errors.Is(r.err, socketio.ErrAckTimeout) {
			t.Errorf("one answered: got %+v", r)
		}

		gone := ask(b.main.Everyone())
		one.Expect(`423["q"]`)
		one.Send(`433[]`)
		two.CloseNow()
		if r := <-gone; r.replies != 1 || !errors.Is(r.err, socketio.ErrDisconnected) {
			t.Errorf("one left: got %+v", r)
		}
	})
}

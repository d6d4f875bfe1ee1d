package socketio_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/elizad/elizad/server/socketio"
	"github.com/elizad/elizad/server/socketio/engineio"
	"github.com/elizad/elizad/server/socketio/internal/sockettest"
)

func TestEventsComeAsTheyWereSent(t *testing.T) {
	for _, test := range []struct{ packet, want string }{
		{`42["a"]`, `a []`},
		{`42["a",1.50,"<x>",{"b":[true,null]}]`, `a [1.50 "<x>" {"b":[true,null]}]`},
		{`42[1,{"x":1}]`, `1 [{"x":1}]`},
		{`42["ä€😀"]`, `ä€😀 []`},
		{`427["a"]`, `a [] ack`},
		{`42["a", { "spaced" : 1 } ]`, `a [{ "spaced" : 1 }]`},
	} {
		t.Run(test.packet, func(t *testing.T) {
			bubble(t, socketio.Config{}, func(t *testing.T, b *bundle) {
				got := make(chan string, 1)
				b.onConnect = func(s *socketio.Socket) {
					s.OnAny(func(_ context.Context, ev *socketio.Event) {
						text := fmt.Sprintf("%s %s", ev.Name, ev.Args)
						if ev.HasAck() {
							text += " ack"
						}
						got <- text
					})
				}
				c, _ := b.connect()
				c.Send(test.packet)
				expect(t, "event", <-got, test.want)
			})
		})
	}
}

func TestEmit(t *testing.T) {
	bubble(t, socketio.Config{}, func(t *testing.T, b *bundle) {
		b.io.Of("/custom").OnConnect(func(s *socketio.Socket) { s.Emit("hi") })
		c, s := b.connect()
		for _, args := range [][]any{
			nil,
			{1, "two", map[string]any{"three": 3}, nil},
			{json.RawMessage(`{ "n": 1.50 }`)},
			{[]byte("x"), "between", map[string]any{"deep": []byte("y")}},
		} {
			if err := s.Emit("e", args...); err != nil {
				t.Error(err)
			}
		}
		c.Expect(`42["e"]`, `42["e",1,"two",{"three":3},null]`, `42["e",{ "n": 1.50 }]`,
			`452-["e",{"_placeholder":true,"num":0},"between",{"deep":{"_placeholder":true,"num":1}}]`, "binary:x", "binary:y")
		c.join("/custom", "")
		c.Expect(`42/custom,["hi"]`)

		if err := s.Emit("disconnect"); !errors.Is(err, socketio.ErrReservedEvent) {
			t.Errorf("Emit of a reserved event = %v", err)
		}
		if err := s.Emit("e", func() {}); err == nil {
			t.Error("Emit of a function succeeded")
		}
		if err := b.main.Emit("e", json.RawMessage(`{`)); err == nil {
			t.Error("Emit of broken JSON succeeded")
		}
	})
}

func TestBinaryEventsCanBeDecodedAndSentAgain(t *testing.T) {
	bubble(t, socketio.Config{}, func(t *testing.T, b *bundle) {
		type mixed struct {
			Hello   string
			Message []byte
		}
		got := make(chan mixed, 1)
		b.onConnect = func(s *socketio.Socket) {
			s.On("mixed", func(_ context.Context, ev *socketio.Event) {
				var m mixed
				if err := ev.Decode(0, &m); err != nil {
					t.Error(err)
				}
				got <- m
				data, err := ev.Bytes(1)
				if err != nil || string(data) != "two" {
					t.Errorf("Bytes(1) = %q, %v", data, err)
				}
				if _, err := ev.Bytes(0); !errors.Is(err, socketio.ErrNotBinary) {
					t.Errorf("Bytes(0) = %v, want ErrNotBinary", err)
				}
				if _, err := ev.Bytes(2); !errors.Is(err, socketio.ErrNotBinary) {
					t.Errorf("Bytes of a missing argument = %v, want ErrNotBinary", err)
				}
				ev.Ack(ev.Values()...)
			})
		}
		c, _ := b.connect()
		const args = `{"hello":"you","message":{"_placeholder":true,"num":0}},{"_placeholder":true,"num":1}`
		c.Send(`452-7["mixed",` + args + `]`)
		c.SendBinary([]byte("one"))
		c.SendBinary([]byte("two"))
		if diff := cmp.Diff(mixed{Hello: "you", Message: []byte("one")}, <-got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		c.Expect(`462-7[`+args+`]`, "binary:one", "binary:two")
	})
}

func TestHandle(t *testing.T) {
	bubble(t, socketio.Config{}, func(t *testing.T, b *bundle) {
		b.onConnect = func(s *socketio.Socket) {
			socketio.Handle(s, "greet", func(_ context.Context, s *socketio.Socket, name string, ack socketio.Ack) {
				ack("hi " + name)
			}, func(_ context.Context, ev *socketio.Event, err error) {
				ev.Ack("what?")
			})
			socketio.Handle(s, "count", func(_ context.Context, s *socketio.Socket, n int, _ socketio.Ack) {
				s.Emit("counted", n)
			}, nil)
			answer(s)
		}
		c, _ := b.connect()
		c.Send(`421["greet","Ann"]`, `422["greet",{}]`, `42["count",{}]`, `42["count",7]`, `42["count"]`, `42["greet","nobody asks"]`)
		c.Expect(`431["hi Ann"]`, `432["what?"]`, `42["counted",7]`, `42["counted",0]`)
		c.expectNothing()
	})
}

func TestMiddlewareOfEvents(t *testing.T) {
	bubble(t, socketio.Config{}, func(t *testing.T, b *bundle) {
		b.onConnect = func(s *socketio.Socket) {
			s.Use(func(_ context.Context, ev *socketio.Event) error {
				if ev.Name == "forbidden" {
					return errors.New("no")
				}
				return nil
			})
			s.OnAny(func(_ context.Context, ev *socketio.Event) { s.Emit("any", ev.Name) })
			s.On("allowed", func(context.Context, *socketio.Event) { s.Emit("own") })
			answer(s)
		}
		c, _ := b.connect()
		c.Send(`42["forbidden"]`, `42["unknown"]`, `42["allowed"]`)
		c.Expect(`42["any","unknown"]`, `42["any","allowed"]`, `42["own"]`)
	})
}

func TestEventsAreHandledInOrderOneAtATime(t *testing.T) {
	t.Parallel()
	b, stop := setup(t, socketio.Config{}, sockettest.ServeTCP)
	const n = 2_000
	running := false
	got := make(chan int, n)
	b.onConnect = func(s *socketio.Socket) {
		socketio.Handle(s, "n", func(_ context.Context, _ *socketio.Socket, i int, _ socketio.Ack) {
			if running {
				t.Error("two handlers at a time")
			}
			running = true
			got <- i
			running = false
		}, nil)
	}
	c, _ := b.connect()
	for i := range n {
		c.Send(fmt.Sprintf(`42["n",%d]`, i))
	}
	for i := range n {
		if j := <-got; j != i {
			t.Fatalf("got event %d, want %d", j, i)
		}
	}
	c.CloseNow()
	if err := b.io.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	stop()
}

func TestPanicInAHandlerAffectsNoOther(t *testing.T) {
	bubble(t, socketio.Config{}, func(t *testing.T, b *bundle) {
		b.onConnect = func(s *socketio.Socket) {
			s.On("panic", func(context.Context, *socketio.Event) { panic("oops") })
			answer(s)
		}
		c, _ := b.connect()
		c.Send(`42["panic"]`)
		c.expectNothing()
	})
}

// A handler that blocks stops the reading of its own connection once its queue is full. Sent events are not lost.
func TestBackpressure(t *testing.T) {
	bubble(t, socketio.Config{}, func(t *testing.T, b *bundle) {
		release, handled := make(chan struct{}), 0
		b.onConnect = func(s *socketio.Socket) {
			s.On("slow", func(context.Context, *socketio.Event) {
				<-release
				handled++
			})
			answer(s)
		}
		c, _ := b.connect()
		sent := 0
		writer := make(chan struct{})
		go func() {
			defer close(writer)
			for sent < 500 {
				c.Send(`42["slow","` + strings.Repeat("x", 1000) + `"]`)
				sent++
			}
		}()
		synctest.Wait()
		// One is being handled, 64 wait, one is with the reader, and the buffers hold a few.
		if sent < 65 || sent > 75 {
			t.Errorf("the server has taken %d events", sent)
		}
		other, _ := b.connect()
		other.expectNothing()
		close(release)
		<-writer
		c.expectNothing()
		expect(t, "handled", handled, 500)
	})
}

// A polling client sends many events at once, and gets the answers with the polls that follow, as many as each may take.
func TestBurstDoesNotOverflow(t *testing.T) {
	bubble(t, socketio.Config{Engine: engineio.Config{QueuePackets: 20}}, func(t *testing.T, b *bundle) {
		b.onConnect = func(s *socketio.Socket) {
			s.On("echo", func(_ context.Context, ev *socketio.Event) { ev.Ack(ev.Values()...) })
		}
		sid := strings.Split(b.Get(t, pollingURL).Body, `"`)[3]
		url := pollingURL + "&sid=" + sid
		b.Post(t, url, "40")
		b.Get(t, url)
		const n = 500
		var packets []string
		for i := range n {
			packets = append(packets, fmt.Sprintf(`42%d["echo"]`, i))
		}
		posted := make(chan sockettest.Reply)
		request := b.Request(t, "POST", url, strings.Join(packets, "\x1e"))
		go func() { posted <- b.Do(t, request) }()
		for received := 0; received < n; {
			for packet := range strings.SplitSeq(b.Get(t, url).Body, "\x1e") {
				expect(t, "answer", packet, fmt.Sprintf("43%d[]", received))
				received++
			}
		}
		expect(t, "post", (<-posted).Body, "ok")
	})
}

func TestSendingNeverBlocks(t *testing.T) {
	t.Parallel()
	b, stop := setup(t, socketio.Config{}, sockettest.ServeTCP)
	reasons := make(chan string, 1)
	b.onConnect = func(s *socketio.Socket) { s.OnDisconnect(func(reason string) { reasons <- reason }) }
	_, s := b.connect() // reads nothing
	data := bytes.Repeat([]byte("x"), 100_000)
	for s.Connected() {
		s.Emit("flood", data)
	}
	expect(t, "reason", <-reasons, socketio.ReasonTransportClose)
	if err := b.io.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	stop()
}

func TestHandlersOfANamespace(t *testing.T) {
	bubble(t, socketio.Config{}, func(t *testing.T, b *bundle) {
		got := make(chan string, 10)
		note := func(what string) socketio.EventHandler {
			return func(_ context.Context, ev *socketio.Event) { got <- what + " " + ev.Name }
		}
		ns := b.io.Of("/")
		ns.On("a", note("replaced"))
		ns.On("a", note("all"))
		ns.On("b", note("all"))
		ns.OnAny(note("any of all"))
		ns.OnDisconnect(func(s *socketio.Socket) { got <- "left " + s.ID() })
		b.onConnect = func(s *socketio.Socket) {
			s.OnAny(note("any"))
			s.On("b", note("own"))
			s.OnDisconnect(func(string) { got <- "own end" })
		}
		c, s := b.connect()
		c.Send(`42["a"]`, `42["b"]`, `42["c"]`, `41`)
		for _, want := range []string{
			"any of all a", "any a", "all a", "any of all b", "any b", "own b", "any of all c", "any c", "own end", "left " + s.ID(),
		} {
			expect(t, "call", <-got, want)
		}
	})
}

func TestEncodedArguments(t *testing.T) {
	bubble(t, socketio.Config{}, func(t *testing.T, b *bundle) {
		c, s := b.connect()
		if err := s.Emit("e", socketio.JSON(json.RawMessage(`{ "a":"<b>" }`)), "x"); err != nil {
			t.Error(err)
		}
		c.Expect(`42["e",{ "a":"<b>" },"x"]`)
	})
}

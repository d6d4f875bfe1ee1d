package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/elizad/elizad/server/socketio"
)

func TestConnect(t *testing.T) {
	bubble(t, socketio.Config{}, func(t *testing.T, b *bundle) {
		custom := make(chan *socketio.Socket, 1)
		b.io.Of("custom").OnConnect(func(s *socketio.Socket) { custom <- s })

		c := b.dial()
		main := c.join("/", `{"token":"123"}`)
		socket := <-b.connected
		expect(t, "id", socket.ID(), main.SID)
		expect(t, "pid without recovery", main.PID, "")
		expect(t, "auth", string(socket.Handshake().Auth), `{"token":"123"}`)
		var auth struct{ Token string }
		if err := socket.Handshake().DecodeAuth(&auth); err != nil || auth.Token != "123" {
			t.Errorf("auth: got %+v, %v", auth, err)
		}
		expect(t, "query", socket.Handshake().Query().Get("EIO"), "4")
		expect(t, "transport", socket.Transport(), "websocket")
		expect(t, "rooms", fmt.Sprint(socket.Rooms()), "["+socket.ID()+"]")
		expect(t, "found by id", b.main.Socket(main.SID), socket)

		second := c.join("/custom", "")
		other := <-custom
		expect(t, "namespace", other.Namespace().Name(), "/custom")
		expect(t, "id in the other namespace", other.ID(), second.SID)
		expect(t, "auth if none was given", string(other.Handshake().Auth), "{}")
		if main.SID == second.SID {
			t.Error("the two sockets have the same id")
		}
	})
}

func TestUnknownNamespaceLeavesTheConnectionOpen(t *testing.T) {
	bubble(t, socketio.Config{}, func(t *testing.T, b *bundle) {
		c := b.dial()
		c.Send("40/nope,{}")
		c.Expect(`44/nope,{"message":"Invalid namespace"}`)
		c.join("/", "")
	})
}

func TestDynamicNamespaces(t *testing.T) {
	bubble(t, socketio.Config{Limits: socketio.Limits{DynamicNamespaces: 2}}, func(t *testing.T, b *bundle) {
		b.io.OfFunc(func(name string) bool { return strings.HasPrefix(name, "/game-") }, func(n *socketio.Namespace) {
			n.OnConnect(func(s *socketio.Socket) { s.Emit("welcome", n.Name()) })
		})
		one, two := b.dial(), b.dial()
		one.Send("40/other,")
		one.Expect(`44/other,{"message":"Invalid namespace"}`)
		one.join("/game-1", "")
		one.Expect(`42/game-1,["welcome","/game-1"]`)
		two.join("/game-1", "")
		two.Expect(`42/game-1,["welcome","/game-1"]`)
		two.join("/game-2", "")
		two.Expect(`42/game-2,["welcome","/game-2"]`)
		one.Send("40/game-3,")
		one.Expect(`44/game-3,{"message":"Invalid namespace"}`)
		expect(t, "namespaces", len(b.io.Stats().Sockets), 3)
		two.CloseNow()
		synctest.Wait()
		expect(t, "namespaces", len(b.io.Stats().Sockets), 2)
		one.join("/game-3", "")
	})
}

func TestUnopenedConnectionsAreBounded(t *testing.T) {
	bubble(t, socketio.Config{Limits: socketio.Limits{Unopened: 2}}, func(t *testing.T, b *bundle) {
		first := b.dial()
		b.dial()
		expect(t, "status of a third", b.Get(t, pollingURL).Status, 503)
		first.join("/", "")
		expect(t, "status after one has joined", b.Get(t, pollingURL).Status, 200)
	})
}

func TestMiddlewareDecides(t *testing.T) {
	for _, test := range []struct {
		name    string
		err     error
		replies []string // none if the connection is closed
	}{
		{"refusal", &socketio.ConnectError{Message: "no <entry>"}, []string{`44{"message":"no <entry>"}`}},
		{"refusal with data", fmt.Errorf("wrapped: %w", &socketio.ConnectError{Message: "no", Data: map[string]int{"code": 7}}),
			[]string{`44{"message":"no","data":{"code":7}}`}},
		{"unexpected error", errors.New("secret"), []string{`44{"message":"Internal error"}`}},
		{"no decision", fmt.Errorf("asking: %w", socketio.ErrTryLater), nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, socketio.Config{}, func(t *testing.T, b *bundle) {
				var refuse error
				b.main.Use(func(_ context.Context, s *socketio.Socket) error {
					s.Join("room")
					return refuse
				})
				refuse = test.err
				c := b.dial()
				c.Send("40")
				if test.replies == nil {
					c.ExpectClose()
					return
				}
				c.Expect(test.replies...)
				expect(t, "members of the room", len(b.main.To("room").Sockets()), 0)
				refuse = nil
				c.join("/", "") // it may try again
				<-b.connected
				expect(t, "members of the room", len(b.main.To("room").Sockets()), 1)
			})
		})
	}
}

func TestPanickingMiddlewareRefuses(t *testing.T) {
	bubble(t, socketio.Config{}, func(t *testing.T, b *bundle) {
		b.main.Use(func(context.Context, *socketio.Socket) error { panic("oops") })
		c := b.dial()
		c.Send("40")
		c.Expect(`44{"message":"Internal error"}`)
	})
}

func TestLostConnectionEndsTheContextOfMiddleware(t *testing.T) {
	bubble(t, socketio.Config{}, func(t *testing.T, b *bundle) {
		entered, left := make(chan struct{}), make(chan struct{})
		b.main.Use(func(ctx context.Context, _ *socketio.Socket) error {
			close(entered)
			<-ctx.Done()
			close(left)
			return ctx.Err()
		})
		c := b.dial()
		c.Send("40")
		<-entered
		begin := time.Now()
		c.CloseNow()
		<-left
		expect(t, "time", time.Since(begin), 0)
	})
}

func TestMiddlewareRunsInOrderUntilOneRefuses(t *testing.T) {
	bubble(t, socketio.Config{}, func(t *testing.T, b *bundle) {
		var ran []string
		pass := func(name string, err error) socketio.Middleware {
			return func(context.Context, *socketio.Socket) error {
				ran = append(ran, name)
				return err
			}
		}
		b.main.Use(pass("a", nil), pass("b", &socketio.ConnectError{Message: "b"}), pass("c", nil))
		c := b.dial()
		c.Send("40")
		c.Expect(`44{"message":"b"}`)
		expect(t, "ran", strings.Join(ran, ""), "ab")
	})
}

func TestNothingComesBeforeTheConnection(t *testing.T) {
	bubble(t, socketio.Config{}, func(t *testing.T, b *bundle) {
		entered, release := make(chan *socketio.Socket), make(chan struct{})
		b.main.Use(func(_ context.Context, s *socketio.Socket) error {
			s.Join("room")
			entered <- s
			<-release
			return nil
		})
		b.onConnect = func(s *socketio.Socket) { s.Emit("welcome") }
		c := b.dial()
		c.Send("40")
		pending := <-entered
		if err := b.main.To("room").Emit("too early"); err != nil {
			t.Error(err)
		}
		if err := pending.Emit("too early"); !errors.Is(err, socketio.ErrDisconnected) {
			t.Errorf("Emit = %v, want ErrDisconnected", err)
		}
		expect(t, "sockets", len(b.main.Sockets()), 0)
		close(release)
		c.accepted("40")
		c.Expect(`42["welcome"]`)
	})
}

func TestConnectTimeout(t *testing.T) {
	bubble(t, socketio.Config{ConnectTimeout: time.Second}, func(t *testing.T, b *bundle) {
		b.io.Of("/closed").Use(func(context.Context, *socketio.Socket) error { return &socketio.ConnectError{Message: "closed"} })
		begin := time.Now()
		silent, refused, joined := b.dial(), b.dial(), b.dial()
		refused.Send("40/closed,")
		refused.Expect(`44/closed,{"message":"closed"}`)
		joined.join("/", "")
		expect(t, "unopened connections", b.io.Stats().Unopened, 2)
		silent.ExpectClose()
		refused.ExpectClose()
		expect(t, "time", time.Since(begin), time.Second)
		advance(time.Second)
		joined.Send("41")
		advance(2 * time.Second)
		expect(t, "unopened connections", b.io.Stats().Unopened, 0)
		joined.join("/", "") // still open
	})
}

// A protocol violation of a client ends its connection.
func TestViolations(t *testing.T) {
	block := func(b *bundle) {
		b.main.Use(func(ctx context.Context, _ *socketio.Socket) error {
			<-ctx.Done()
			return ctx.Err()
		})
	}
	for _, test := range []struct {
		name    string
		prepare func(b *bundle)
		send    []string // "binary:" for a binary message
	}{
		{"event before the connection", nil, []string{`42["a"]`}},
		{"acknowledgement before the connection", nil, []string{`430[]`}},
		{"disconnection before the connection", nil, []string{`41`}},
		{"event for another namespace", nil, []string{"40", `42/other,["a"]`}},
		{"event while the connection is pending", block, []string{"40", `42["a"]`}},
		{"second connection", nil, []string{"40", "40"}},
		{"second connection while the first is pending", block, []string{"40", "40"}},
		{"connection error from a client", nil, []string{`44{"message":"x"}`}},
		{"auth that is no object", nil, []string{`40[]`}},
		{"auth that is no JSON", nil, []string{`40{"a"`}},
		{"auth that is too large", nil, []string{`40{"a":"` + strings.Repeat("x", 16<<10) + `"}`}},
		{"auth that is too deep", nil, []string{`40{"a":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`}},
		{"unknown type", nil, []string{"40", "4abc"}},
		{"event that is no array", nil, []string{"40", "42{}"}},
		{"event without a name", nil, []string{"40", "42[]"}},
		{"event with an odd name", nil, []string{"40", "42[null]"}},
		{"event with a reserved name", nil, []string{"40", `42["disconnect"]`}},
		{"event with a long name", nil, []string{"40", `42["` + strings.Repeat("x", 129) + `"]`}},
		{"event that is no JSON", nil, []string{"40", `42["a",]`}},
		{"too deep", nil, []string{"40", `42["a",` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `]`}},
		{"too many arguments", nil, []string{"40", `42["a"` + strings.Repeat(",1", 1000) + `]`}},
		{"bad acknowledgement id", nil, []string{"40", `42abc["a"]`}},
		{"binary without a header", nil, []string{"40", "binary:x"}},
		{"text in place of an attachment", nil, []string{"40", `451-["a",{"_placeholder":true,"num":0}]`, `42["b"]`}},
		{"forged placeholder", nil, []string{"40", `451-["a",{"_placeholder":true,"num":1}]`, "binary:x"}},
		{"too many attachments", nil, []string{"40", `4511-["a"]`}},
		{"attachments that are too large", nil, []string{"40", `452-["a"]`, "binary:" + strings.Repeat("x", 600), "binary:" + strings.Repeat("x", 600)}},
		{"attachment that does not come", nil, []string{"40", `451-["a"]`}},
		{"too many namespaces", func(b *bundle) {
			for i := range 17 {
				b.io.Of(fmt.Sprint("/", i))
			}
		}, []string{"40/0,", "40/1,", "40/2,", "40/3,", "40/4,", "40/5,", "40/6,", "40/7,", "40/8,", "40/9,", "40/10,", "40/11,", "40/12,", "40/13,", "40/14,", "40/15,", "40/16,"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, socketio.Config{Limits: socketio.Limits{BinaryBytes: 1000}}, func(t *testing.T, b *bundle) {
				if test.prepare != nil {
					test.prepare(b)
				}
				c := b.dial()
				for i, message := range test.send {
					if data, ok := strings.CutPrefix(message, "binary:"); ok {
						c.SendBinary([]byte(data))
					} else {
						c.Send(message)
					}
					if i == 0 && message == "40" && test.prepare == nil {
						c.accepted("40")
					}
				}
				c.ExpectClose()
			})
		})
	}
}

func TestLeaveAndJoinAgain(t *testing.T) {
	bubble(t, socketio.Config{}, func(t *testing.T, b *bundle) {
		reasons := make(chan string, 10)
		b.onConnect = func(s *socketio.Socket) {
			s.OnDisconnect(func(reason string) { reasons <- reason })
			answer(s)
		}
		b.io.Of("/custom").OnConnect(answer)
		c := b.dial()
		first := c.join("/", "")
		c.join("/custom", "")
		c.Send("41", `42["ignored, as it was under way"]`)
		expect(t, "reason", <-reasons, socketio.ReasonClientDisconnect)
		c.Send(`42/custom,5["are you done?"]`)
		c.Expect(`43/custom,5["done"]`)
		c.Send("40") // at once
		if second := c.accepted("40"); second.SID == first.SID {
			t.Error("the id is the same")
		}
		c.expectNothing()
	})
}

func TestServerSendsAway(t *testing.T) {
	bubble(t, socketio.Config{}, func(t *testing.T, b *bundle) {
		reasons := make(chan string, 10)
		record := func(s *socketio.Socket) {
			s.OnDisconnect(func(reason string) { reasons <- s.Namespace().Name() + " " + reason })
		}
		b.onConnect = record
		b.io.Of("/custom").OnConnect(record)
		c, socket := b.connect()
		c.join("/custom", "")
		socket.Disconnect(false)
		c.Expect("41")
		expect(t, "reason", <-reasons, "/ "+socketio.ReasonServerDisconnect)
		expect(t, "connected", socket.Connected(), false)
		if err := socket.Emit("x"); !errors.Is(err, socketio.ErrDisconnected) {
			t.Errorf("Emit = %v, want ErrDisconnected", err)
		}
		c.Send(`42["under way"]`)
		c.join("/", "")
		(<-b.connected).Disconnect(true)
		got := []string{c.Next(), c.Next()}
		if got[0]+got[1] != "4141/custom," && got[0]+got[1] != "41/custom,41" {
			t.Errorf("got %q, want a disconnection of each namespace", got)
		}
		c.ExpectClose()
		synctest.Wait()
		expect(t, "reasons", len(reasons), 2)
	})
}

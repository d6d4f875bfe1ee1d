package socketio_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/elizad/elizad/server/socketio"
	"github.com/elizad/elizad/server/socketio/engineio"
)

var replay = socketio.Config{Recovery: socketio.RecoveryConfig{Mode: socketio.RecoveryReplay}}

// event returns an event's name and arguments without the offset, and the offset.
func (c *client) event() (text, offset string) {
	c.b.t.Helper()
	message := c.Next()
	for message == "2" {
		c.Send("3")
		message = c.Next()
	}
	data, ok := strings.CutPrefix(message, "42")
	var args []any
	if !ok || json.Unmarshal([]byte(data), &args) != nil {
		c.b.t.Fatalf("got %q, want an event", message)
	}
	offset, ok = args[len(args)-1].(string)
	if !ok || !strings.Contains(offset, ".") {
		c.b.t.Fatalf("got %q, want an offset as the last argument", message)
	}
	return fmt.Sprint(args[:len(args)-1]...), offset
}

// comeBack is the CONNECT packet of a client that lost its connection.
func comeBack(s session, offset string) string {
	auth := map[string]string{"pid": s.PID, "token": "t"}
	if offset != "" {
		auth["offset"] = offset
	}
	text, _ := json.Marshal(auth)
	return "40" + string(text)
}

// lose cuts the connection and waits until the server knows.
func (c *client) lose(s *socketio.Socket) {
	c.CloseNow()
	<-s.Context().Done()
	synctest.Wait()
}

func TestReplayOfMissedEvents(t *testing.T) {
	bubble(t, replay, func(t *testing.T, b *bundle) {
		c := b.dial()
		before := c.join("/", "")
		s := <-b.connected
		s.Join("room")
		s.Emit("seen")
		_, offset := c.event()
		c.lose(s)

		b.main.Emit("to all", 1)
		b.main.To("room").Emit("to the room", []byte("binary"))
		b.main.To(s.ID()).Emit("to the client")
		b.main.To("another").Emit("not for the client")
		b.main.Except("room").Emit("nor this")
		b.main.Volatile().Emit("nor this")
		b.main.Everyone().Sheddable("k").Emit("nor this")

		c = b.dial()
		c.Send(comeBack(before, offset))
		text, next := c.event()
		expect(t, "first", text, "to all1")
		expect(t, "second", strings.HasPrefix(c.Next(), `451-["to the room",{"_placeholder":true,"num":0},"`), true)
		c.Expect("binary:binary")
		text, last := c.event()
		expect(t, "third", text, "to the client")
		after := c.accepted("40")
		expect(t, "id", after.SID, before.SID)
		expect(t, "secret, which tells that all was replayed", after.PID, before.PID)
		if next == last || offset == next {
			t.Errorf("offsets %q, %q, %q are not different", offset, next, last)
		}
		s = <-b.connected
		expect(t, "recovered", s.Recovered(), true)
		b.main.To("room").Emit("live")
		text, _ = c.event()
		expect(t, "live", text, "live")
	})
}

// A client keeps the offset of its last session, and has none before the first event.
func TestReplayWithoutAUsableOffset(t *testing.T) {
	for _, offset := range []string{"", "elsewhere.1", "stale"} {
		t.Run("offset "+offset, func(t *testing.T) {
			bubble(t, replay, func(t *testing.T, b *bundle) {
				b.main.Emit("before the session")
				if offset == "stale" {
					other, s := b.connect()
					s.Emit("x")
					_, offset = other.event()
				}
				b.main.Emit("before the session")
				c := b.dial()
				before := c.join("/", "")
				s := <-b.connected
				c.lose(s)
				b.main.Emit("missed")
				c = b.dial()
				c.Send(comeBack(before, offset))
				text, _ := c.event()
				expect(t, "event", text, "missed")
				expect(t, "id", c.accepted("40").SID, before.SID)
			})
		})
	}
}

func TestQuietSessionIsRecovered(t *testing.T) {
	bubble(t, replay, func(t *testing.T, b *bundle) {
		c := b.dial()
		before := c.join("/", "")
		s := <-b.connected
		s.Emit("seen")
		_, offset := c.event()
		c.lose(s)
		c = b.dial()
		c.Send(comeBack(before, offset))
		expect(t, "secret", c.accepted("40").PID, before.PID)
	})
}

// If events that the client has missed are gone, it gets its rooms back and is told to fetch what it needs.
func TestReplayWithAGap(t *testing.T) {
	for name, cfg := range map[string]socketio.Config{
		"too many events": {Recovery: socketio.RecoveryConfig{Mode: socketio.RecoveryReplay, MaxPackets: 2}},
		"too many bytes":  {Recovery: socketio.RecoveryConfig{Mode: socketio.RecoveryReplay, MaxBytes: 100}},
		"more than a queue takes": {
			Recovery: socketio.RecoveryConfig{Mode: socketio.RecoveryReplay},
			Engine:   engineio.Config{QueueBytes: 50},
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, cfg, func(t *testing.T, b *bundle) {
				c := b.dial()
				before := c.join("/", "")
				s := <-b.connected
				s.Join("room")
				c.lose(s)
				for range 3 {
					b.main.Emit("an event of some forty bytes or so")
				}
				c = b.dial()
				c.Send(comeBack(before, ""))
				after := c.accepted("40")
				expect(t, "id", after.SID, before.SID)
				expect(t, "secret is new", after.PID != before.PID, true)
				expect(t, "rooms", len((<-b.connected).Rooms()), 2)
			})
		})
	}
}

func TestManyMissedEventsAreNoOverflow(t *testing.T) {
	bubble(t, replay, func(t *testing.T, b *bundle) {
		sid := strings.Split(b.Get(t, pollingURL).Body, `"`)[3]
		url := pollingURL + "&sid=" + sid
		b.Post(t, url, "40")
		s := <-b.connected
		var before session
		if err := json.Unmarshal([]byte(strings.TrimPrefix(b.Get(t, url).Body, "40")), &before); err != nil {
			t.Fatal(err)
		}
		b.Post(t, url, "1")
		<-s.Context().Done()
		synctest.Wait()
		for range 1000 {
			b.main.Emit("missed")
		}
		sid = strings.Split(b.Get(t, pollingURL).Body, `"`)[3]
		url = pollingURL + "&sid=" + sid
		b.Post(t, url, comeBack(before, ""))
		<-b.connected
		for got := 0; got < 1000; {
			n := strings.Count(b.Get(t, url).Body, "missed")
			if n == 0 {
				t.Fatalf("after %d events comes something else", got)
			}
			got += n
		}
	})
}

func TestEventsWithAcknowledgementHaveNoOffset(t *testing.T) {
	bubble(t, replay, func(t *testing.T, b *bundle) {
		c, s := b.connect()
		go s.EmitAck(t.Context(), "q", "x")
		c.Expect(`420["q","x"]`)
		c.CloseNow()
	})
}

func TestMiddlewareRunsAgain(t *testing.T) {
	bubble(t, replay, func(t *testing.T, b *bundle) {
		revoked := false
		b.main.Use(func(context.Context, *socketio.Socket) error {
			if revoked {
				return &socketio.ConnectError{Message: "revoked"}
			}
			return nil
		})
		c := b.dial()
		before := c.join("/", "")
		c.lose(<-b.connected)
		b.main.Emit("secret")
		revoked = true
		c = b.dial()
		c.Send(comeBack(before, ""))
		c.Expect(`44{"message":"revoked"}`)
	})
}

// The client reconnects, and its connection is lost once more before it was accepted.
func TestConnectionLostDuringRecovery(t *testing.T) {
	for _, mode := range []socketio.RecoveryMode{socketio.RecoveryRooms, socketio.RecoveryReplay} {
		t.Run(fmt.Sprint("mode ", mode), func(t *testing.T) {
			bubble(t, socketio.Config{Recovery: socketio.RecoveryConfig{Mode: mode}}, func(t *testing.T, b *bundle) {
				entered, release := make(chan struct{}, 3), make(chan struct{}, 3)
				b.main.Use(func(context.Context, *socketio.Socket) error {
					entered <- struct{}{}
					<-release
					return nil
				})
				release <- struct{}{}
				c := b.dial()
				before := c.join("/", "")
				<-entered
				c.lose(<-b.connected)
				c = b.dial()
				c.Send(comeBack(before, ""))
				<-entered
				c.CloseNow()
				synctest.Wait()
				release <- struct{}{}
				synctest.Wait()
				release <- struct{}{}
				c = b.dial()
				c.Send(comeBack(before, ""))
				expect(t, "id", c.accepted("40").SID, before.SID)
			})
		})
	}
}

// Each node numbers the events that it delivers, including those of other nodes. A session is known to the node that had it.
func TestReplayOnSeveralNodes(t *testing.T) {
	nodesWith(t, 2, replay, func(t *testing.T, _ *memoryBus, nodes []*bundle) {
		here, there := nodes[0], nodes[1]
		c := here.dial()
		before := c.join("/", "")
		s := <-here.connected
		s.Join("room")
		var offset string
		for i := range 3 { // from both nodes in turn
			nodes[i%2].main.To("room").Emit("seen", i)
			var text string
			text, offset = c.event()
			expect(t, "event", text, fmt.Sprint("seen", i))
		}
		c.lose(s)
		there.main.To("room").Emit("missed from there")
		there.main.Local().Emit("not for here")
		synctest.Wait()
		here.main.To("room").Emit("missed from here")

		c = here.dial()
		c.Send(comeBack(before, offset))
		for _, want := range []string{"missed from there", "missed from here"} {
			var text string
			text, offset = c.event()
			expect(t, "event", text, want)
		}
		expect(t, "session", c.accepted("40"), before)
		c.lose(<-here.connected)

		c = there.dial()
		c.Send(comeBack(before, offset))
		if after := c.accepted("40"); after.SID == before.SID || after.PID == before.PID {
			t.Errorf("another node gave the session away: %+v", after)
		}
		expect(t, "recovered", (<-there.connected).Recovered(), false)
		here.main.Emit("to all")
		text, _ := c.event()
		expect(t, "event", text, "to all")
	})
}

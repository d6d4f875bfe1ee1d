package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/elizad/elizad/server/socketio"
	"github.com/elizad/elizad/server/socketio/internal/sockettest"
)

func TestReasons(t *testing.T) {
	for _, test := range []struct {
		want string
		end  func(c *client, s *socketio.Socket)
	}{
		{socketio.ReasonClientDisconnect, func(c *client, _ *socketio.Socket) { c.Send("41") }},
		{socketio.ReasonServerDisconnect, func(_ *client, s *socketio.Socket) { s.Disconnect(false) }},
		{socketio.ReasonServerDisconnect, func(_ *client, s *socketio.Socket) { s.Disconnect(true) }},
		{socketio.ReasonForcedClose, func(_ *client, s *socketio.Socket) { s.CloseTransport("") }},
		{"key was revoked", func(_ *client, s *socketio.Socket) { s.CloseTransport("key was revoked") }},
		{socketio.ReasonTransportClose, func(c *client, _ *socketio.Socket) { c.Send("1") }},
		{socketio.ReasonTransportClose, func(c *client, _ *socketio.Socket) { c.CloseNow() }},
		{socketio.ReasonTransportClose, func(c *client, _ *socketio.Socket) { c.Close(1000, "") }},
		{socketio.ReasonPingTimeout, func(c *client, _ *socketio.Socket) { c.ExpectClose() }},
		{socketio.ReasonParseError, func(c *client, _ *socketio.Socket) { c.Send("4abc") }},
		{socketio.ReasonParseError, func(c *client, _ *socketio.Socket) { c.Send("abc") }},
		{socketio.ReasonServerClose, func(c *client, _ *socketio.Socket) { c.Send("40") }},
	} {
		t.Run(test.want, func(t *testing.T) {
			bubble(t, socketio.Config{}, func(t *testing.T, b *bundle) {
				reasons := make(chan string, 2)
				b.onConnect = func(s *socketio.Socket) { s.OnDisconnect(func(reason string) { reasons <- reason }) }
				c, s := b.connect()
				test.end(c, s)
				expect(t, "reason", <-reasons, test.want)
				synctest.Wait()
				expect(t, "more reasons", len(reasons), 0)
				expect(t, "sockets", len(b.main.Sockets()), 0)
				if s.Context().Err() == nil {
					t.Error("the context has not ended")
				}
			})
		})
	}
}

func TestOrderOfDisconnection(t *testing.T) {
	bubble(t, socketio.Config{}, func(t *testing.T, b *bundle) {
		var steps []string
		ended := make(chan struct{})
		started, release := make(chan struct{}), make(chan struct{})
		b.onConnect = func(s *socketio.Socket) {
			s.Join("room")
			s.On("slow", func(ctx context.Context, _ *socketio.Event) {
				close(started)
				<-release
				steps = append(steps, fmt.Sprint("slow, context ended: ", ctx.Err() != nil))
			})
			s.On("next", func(ctx context.Context, _ *socketio.Event) {
				steps = append(steps, fmt.Sprint("next, context ended: ", ctx.Err() != nil))
			})
			s.OnDisconnecting(func(string) { steps = append(steps, fmt.Sprint("disconnecting, rooms: ", len(s.Rooms()))) })
			s.OnDisconnect(func(string) {
				steps = append(steps, fmt.Sprint("disconnected, rooms: ", len(s.Rooms()), ", context ended: ", s.Context().Err() != nil))
				close(ended)
			})
		}
		c, s := b.connect()
		c.Send(`42["slow"]`, `42["next"]`, "41")
		<-started
		synctest.Wait()
		expect(t, "connected", s.Connected(), false)
		close(release)
		<-ended
		want := []string{
			"slow, context ended: false", "next, context ended: false",
			"disconnecting, rooms: 2", "disconnected, rooms: 0, context ended: true",
		}
		if !slices.Equal(steps, want) {
			t.Errorf("got %q, want %q", steps, want)
		}
	})
}

// Events received before are dropped: a server that disconnects a client wants no more from it.
func TestServerDisconnectDropsQueuedEvents(t *testing.T) {
	bubble(t, socketio.Config{}, func(t *testing.T, b *bundle) {
		handled := 0
		release := make(chan struct{})
		b.onConnect = func(s *socketio.Socket) {
			s.On("e", func(context.Context, *socketio.Event) {
				handled++
				<-release
			})
		}
		c, s := b.connect()
		c.Send(`42["e"]`, `42["e"]`, `42["e"]`)
		synctest.Wait()
		s.Disconnect(false)
		close(release)
		<-s.Context().Done()
		expect(t, "handled", handled, 1)
	})
}

// A handler that waits for its context would keep the socket for ever if the grace period did not end.
func TestGraceEnds(t *testing.T) {
	bubble(t, socketio.Config{DisconnectGrace: 10 * time.Second}, func(t *testing.T, b *bundle) {
		b.onConnect = func(s *socketio.Socket) {
			s.On("wait", func(ctx context.Context, _ *socketio.Event) { <-ctx.Done() })
		}
		c, s := b.connect()
		c.Send(`42["wait"]`)
		synctest.Wait()
		begin := time.Now()
		c.CloseNow()
		<-s.Context().Done()
		expect(t, "grace", time.Since(begin), 10*time.Second)
	})
}

func TestShutdownEndsTheContextOfHandlersThatTakeTooLong(t *testing.T) {
	bubble(t, socketio.Config{}, func(t *testing.T, b *bundle) {
		b.onConnect = func(s *socketio.Socket) {
			s.On("wait", func(ctx context.Context, _ *socketio.Event) { <-ctx.Done() })
		}
		c, _ := b.connect()
		c.Send(`42["wait"]`)
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin := time.Now()
		if err := b.io.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Shutdown = %v, want the context's error", err)
		}
		expect(t, "time", time.Since(begin), time.Second)
	})
}

// resume is what a client that lost its connection sends.
func resume(s session) string { return fmt.Sprintf(`{"pid":%q,"offset":"ignored"}`, s.PID) }

func TestRecoveryOfRooms(t *testing.T) {
	bubble(t, socketio.Config{Recovery: socketio.RecoveryConfig{Mode: socketio.RecoveryRooms}}, func(t *testing.T, b *bundle) {
		c := b.dial()
		before := c.join("/", "")
		s := <-b.connected
		expect(t, "length of the secret", len(before.PID), 24)
		expect(t, "recovered", s.Recovered(), false)
		s.Join("room")
		s.Set("name", "Ann")
		s.Emit("e", "text")
		c.Expect(`42["e","text"]`) // without an offset
		c.CloseNow()
		<-s.Context().Done()
		synctest.Wait()
		expect(t, "lost sessions", b.io.Stats().Recoverable["/"], 1)

		c = b.dial()
		after := c.join("/", resume(before))
		s = <-b.connected
		expect(t, "id", after.SID, before.SID)
		if after.PID == before.PID {
			t.Error("the secret is the same, so that the client believes that nothing was missed")
		}
		expect(t, "recovered", s.Recovered(), true)
		expect(t, "rooms", strings.Join(s.Rooms(), " "), s.ID()+" room")
		expect(t, "data", s.Get("name"), any("Ann"))
		b.main.To("room").Emit("hi")
		c.Expect(`42["hi"]`)

		thief := b.dial()
		if stolen := thief.join("/", resume(before)); stolen.SID == before.SID {
			t.Error("the secret was good for two uses")
		}
	})
}

func TestRecoveryReplacesAConnectionThatLooksAlive(t *testing.T) {
	bubble(t, socketio.Config{Recovery: socketio.RecoveryConfig{Mode: socketio.RecoveryRooms}}, func(t *testing.T, b *bundle) {
		old := b.dial()
		before := old.join("/", "")
		s := <-b.connected
		s.Join("room")
		c := b.dial()
		after := c.join("/", resume(before))
		expect(t, "id", after.SID, before.SID)
		old.ExpectClose()
		expect(t, "sockets", len(b.main.To("room").Sockets()), 1)
	})
}

func TestWhatIsNotRecovered(t *testing.T) {
	user := "ann"
	cfg := socketio.RecoveryConfig{
		Mode:             socketio.RecoveryRooms,
		MaxDisconnection: time.Minute,
		Identity:         func(s *socketio.Socket) string { name, _ := socketio.Value[string](s, "user"); return name },
	}
	for _, test := range []struct {
		name string
		end  func(c *client, s *socketio.Socket)
	}{
		{"client left", func(c *client, _ *socketio.Socket) { c.Send("41"); synctest.Wait(); c.CloseNow() }},
		{"sent away", func(_ *client, s *socketio.Socket) { s.Disconnect(true) }},
		{"violation", func(c *client, _ *socketio.Socket) { c.Send("40"); c.ExpectClose() }},
		{"parse error", func(c *client, _ *socketio.Socket) { c.Send("4x"); c.ExpectClose() }},
		{"too late", func(c *client, _ *socketio.Socket) { c.CloseNow(); advance(time.Minute) }},
		{"another user", func(c *client, _ *socketio.Socket) { c.CloseNow(); synctest.Wait(); user = "bob" }},
	} {
		t.Run(test.name, func(t *testing.T) {
			user = "ann"
			synctest.Test(t, func(t *testing.T) {
				b, stop := setup(t, socketio.Config{Recovery: cfg}, sockettest.Serve)
				b.main.Use(func(_ context.Context, s *socketio.Socket) error {
					s.Set("user", user)
					s.Join("user:" + user)
					return nil
				})
				c := b.dial()
				before := c.join("/", "")
				s := <-b.connected
				s.Join("secret room")
				s.Set("secret", "x")
				test.end(c, s)
				synctest.Wait()
				after := b.dial().join("/", resume(before))
				s = <-b.connected
				if after.SID == before.SID {
					t.Error("the id is the same")
				}
				expect(t, "recovered", s.Recovered(), false)
				expect(t, "rooms", strings.Join(s.Rooms(), " "), s.ID()+" user:"+user)
				expect(t, "data", s.Get("secret"), nil)
				s.CloseTransport("")
				if err := b.io.Shutdown(t.Context()); err != nil {
					t.Error(err)
				}
				stop()
			})
		})
	}
}

func TestLostSessionsAreBounded(t *testing.T) {
	bubble(t, socketio.Config{Recovery: socketio.RecoveryConfig{Mode: socketio.RecoveryRooms, MaxSessions: 2}}, func(t *testing.T, b *bundle) {
		var lost []session
		for range 3 {
			c := b.dial()
			lost = append(lost, c.join("/", ""))
			c.CloseNow()
			<-(<-b.connected).Context().Done()
			synctest.Wait()
		}
		expect(t, "lost sessions", b.io.Stats().Recoverable["/"], 2)
		expect(t, "the oldest is back", b.dial().join("/", resume(lost[0])).SID == lost[0].SID, false)
		expect(t, "the newest is back", b.dial().join("/", resume(lost[2])).SID == lost[2].SID, true)
	})
}

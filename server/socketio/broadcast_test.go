package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/elizad/elizad/server/socketio"
	"github.com/elizad/elizad/server/socketio/engineio"
)

func TestSelection(t *testing.T) {
	bubble(t, socketio.Config{}, func(t *testing.T, b *bundle) {
		b.onConnect = answer
		// Three clients: a in x; b in x and y; c in y.
		names := []string{"a", "b", "c"}
		clients, sockets := make(map[string]*client), make(map[string]*socketio.Socket)
		for _, name := range names {
			clients[name], sockets[name] = b.connect()
		}
		sockets["a"].Join("x")
		sockets["b"].Join("x", "y", "x")
		sockets["c"].Join("y")
		for _, test := range []struct {
			name string
			sel  socketio.Broadcast
			want string
		}{
			{"everyone", b.main.Everyone(), "abc"},
			{"a room", b.main.To("x"), "ab"},
			{"a union, each once", b.main.To("x", "y").To("x"), "abc"},
			{"an empty room", b.main.To("z"), ""},
			{"except a room", b.main.Except("x"), "c"},
			{"a room except another", b.main.To("y").Except("x"), "c"},
			{"a private room", b.main.To(sockets["b"].ID()), "b"},
			{"except a socket", b.main.To("x").Except(sockets["b"].ID()), "a"},
			{"the others", sockets["b"].Broadcast(), "ac"},
			{"the others in a room", sockets["b"].To("x"), "a"},
			{"a room of the sender's own", sockets["a"].To("y"), "bc"},
			{"local", b.main.Local().To("x"), "ab"},
		} {
			if err := test.sel.Emit(test.name); err != nil {
				t.Error(err)
			}
			got := ""
			for _, name := range names {
				if slices.Contains(test.sel.Sockets(), sockets[name]) {
					got += name
				}
				if strings.Contains(test.want, name) {
					clients[name].Expect(fmt.Sprintf(`42[%q]`, test.name))
				}
				clients[name].expectNothing()
			}
			expect(t, test.name, got, test.want)
		}
	})
}

func TestOperationsOnMany(t *testing.T) {
	bubble(t, socketio.Config{}, func(t *testing.T, b *bundle) {
		one, s1 := b.connect()
		two, s2 := b.connect()
		s1.Set("name", "one")
		if err := b.main.SocketsJoin("all", "some"); err != nil {
			t.Error(err)
		}
		if err := b.main.To(s2.ID()).SocketsLeave("some"); err != nil {
			t.Error(err)
		}
		found, err := b.main.To("some").FetchSockets(t.Context())
		if err != nil || len(found) != 1 {
			t.Fatalf("FetchSockets = %v, %v", found, err)
		}
		expect(t, "id", found[0].ID, s1.ID())
		expect(t, "rooms", strings.Join(found[0].Rooms, " "), s1.ID()+" all some")
		expect(t, "data", found[0].Data["name"], any("one"))

		name, ok := socketio.Value[string](s1, "name")
		expect(t, "typed data", fmt.Sprint(name, ok), "onetrue")
		_, ok = socketio.Value[int](s1, "name")
		expect(t, "data of another type", ok, false)

		if err := b.main.To("some").DisconnectSockets(false); err != nil {
			t.Error(err)
		}
		one.Expect("41")
		if err := b.main.DisconnectSockets(true); err != nil {
			t.Error(err)
		}
		two.Expect("41")
		two.ExpectClose()
		synctest.Wait()
		expect(t, "members", len(b.main.To("all").Sockets()), 0)
	})
}

func TestLeavingRooms(t *testing.T) {
	bubble(t, socketio.Config{}, func(t *testing.T, b *bundle) {
		var sockets []*socketio.Socket
		var clients []*client
		for range 5 {
			c, s := b.connect()
			s.Join("x", "y", "z")
			sockets, clients = append(sockets, s), append(clients, c)
		}
		sockets[0].Leave("x", "nowhere")
		sockets[4].Leave("x")
		clients[2].CloseNow()
		<-sockets[2].Context().Done()
		synctest.Wait()
		for room, want := range map[string][]*socketio.Socket{
			"x": {sockets[1], sockets[3]},
			"y": {sockets[0], sockets[1], sockets[3], sockets[4]},
		} {
			got := b.main.To(room).Sockets()
			expect(t, "members of "+room, len(got), len(want))
			for _, s := range want {
				if !slices.Contains(got, s) {
					t.Errorf("a member of %s is missing", room)
				}
			}
		}
		sockets[2].Join("x")
		expect(t, "rooms after the end", len(sockets[2].Rooms()), 0)
		expect(t, "members after a late join", len(b.main.To("x").Sockets()), 2)
		for _, tt := range []struct {
			selected string
			of       socketio.Broadcast
			want     bool
		}{
			{"x", b.main.To("x"), true}, {"a room of nobody", b.main.To("nowhere"), false}, {"the room of one who left", b.main.To(sockets[2].ID()), false},
			{"the own room", b.main.To(sockets[0].ID()), true}, {"either", b.main.To("nowhere", "y"), true},
			{"x without all of it", b.main.To("x").Except("y"), false}, {"y without x", b.main.To("y").Except("x"), true},
		} {
			expect(t, "anyone in "+tt.selected, tt.of.Any(), tt.want)
		}
	})
}

// Two broadcasts arrive in the same order at all sockets that get both, whoever sends them.
func TestRoomsAreBounded(t *testing.T) {
	bubble(t, socketio.Config{Limits: socketio.Limits{Rooms: 3}}, func(t *testing.T, b *bundle) {
		_, s := b.connect()
		for _, step := range []struct {
			name  string
			join  []string
			want  error
			rooms int // its own included
		}{
			{"some", []string{"a", "b"}, nil, 3},
			{"more than may be, of which none is joined", []string{"c", "d"}, socketio.ErrTooManyRooms, 3},
			{"the last, among known ones", []string{"a", "b", "c", "c", s.ID()}, nil, 4},
			{"one more", []string{"d"}, socketio.ErrTooManyRooms, 4},
			{"a known one", []string{"a"}, nil, 4},
		} {
			if err := s.Join(step.join...); !errors.Is(err, step.want) {
				t.Errorf("%s: error %v, want %v", step.name, err, step.want)
			}
			expect(t, step.name+": rooms", len(s.Rooms()), step.rooms)
		}
		s.Leave("b")
		if err := s.Join("d"); err != nil {
			t.Errorf("after leaving one: %v", err)
		}
		if err := b.main.SocketsJoin("e"); !errors.Is(err, socketio.ErrTooManyRooms) {
			t.Errorf("all sockets: error %v", err)
		}
	})
}

func TestBroadcastsHaveOneOrder(t *testing.T) {
	bubble(t, socketio.Config{}, func(t *testing.T, b *bundle) {
		const members, senders, each = 5, 4, 50
		var clients []*client
		for range members {
			c, s := b.connect()
			s.Join("room")
			clients = append(clients, c)
		}
		for sender := range senders {
			go func() {
				for i := range each {
					b.main.To("room").Emit("e", sender, i)
				}
			}()
		}
		var first []string
		for i, c := range clients {
			var got []string
			for range senders * each {
				got = append(got, c.Next())
			}
			if i == 0 {
				first = got
			} else if !slices.Equal(first, got) {
				t.Errorf("client %d got another order than client 0", i)
			}
		}
	})
}

// A polling client between two polls: volatile events are dropped, streams are shed as a whole, the rest is kept.
func TestSlowClientLosesWhatItCanDoWithout(t *testing.T) {
	bubble(t, socketio.Config{Engine: engineio.Config{QueuePackets: 4}}, func(t *testing.T, b *bundle) {
		sid := strings.Split(b.Get(t, pollingURL).Body, `"`)[3]
		url := pollingURL + "&sid=" + sid
		b.Post(t, url, "40")
		s := <-b.connected
		b.Get(t, url)
		s.Join("room")
		room := b.main.To("room")
		room.Volatile().Emit("typing")
		room.Sheddable("m1").Emit("chunk", 1)
		room.Sheddable("m1").Emit("chunk", 2)
		s.Emit("a")
		s.Emit("b")
		room.Emit("c")
		room.Sheddable("m1").Emit("chunk", 3)
		room.Ends("m1").Emit("message")
		expect(t, "poll", b.Get(t, url).Body, `42["a"]`+"\x1e"+`42["b"]`+"\x1e"+`42["c"]`+"\x1e"+`42["message"]`)
		for range 5 {
			s.Emit("too much")
		}
		<-s.Context().Done()
		expect(t, "slow consumers", b.io.Stats().Engine.SlowConsumers, 1)
	})
}

func TestOnlyItsPathIsServed(t *testing.T) {
	bubble(t, socketio.Config{Path: "/ws/"}, func(t *testing.T, b *bundle) {
		expect(t, "with a slash", b.Get(t, "/ws/?EIO=4&transport=polling").Status, http.StatusOK)
		expect(t, "without", b.Get(t, "/ws?EIO=4&transport=polling").Status, http.StatusOK)
		expect(t, "another", b.Get(t, pollingURL).Status, http.StatusNotFound)
	})
}

func TestShutdown(t *testing.T) {
	bubble(t, socketio.Config{}, func(t *testing.T, b *bundle) {
		reasons := make(chan string, 1)
		handled := make(chan struct{}, 1)
		release := make(chan struct{})
		b.onConnect = func(s *socketio.Socket) {
			s.OnDisconnect(func(reason string) { reasons <- reason })
			s.On("work", func(context.Context, *socketio.Event) {
				<-release
				handled <- struct{}{}
			})
		}
		c, _ := b.connect()
		c.Send(`42["work"]`)
		synctest.Wait()
		done := make(chan error)
		go func() { done <- b.io.Shutdown(t.Context()) }()
		if status, _ := c.ExpectClose(); status != 1001 {
			t.Errorf("status %d, want 1001, and no packet before", status)
		}
		synctest.Wait()
		expect(t, "shut down before the handler has returned", len(done), 0)
		close(release)
		if err := <-done; err != nil {
			t.Error(err)
		}
		expect(t, "handled", len(handled), 1)
		expect(t, "reason", <-reasons, socketio.ReasonShutdown)
	})
}

package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/coder/websocket"

	"github.com/elizad/elizad/server/socketio"
	"github.com/elizad/elizad/server/socketio/engineio"
)

// serveExample serves io on the loopback interface until stop is called.
func serveExample(io *socketio.Server) (url string, stop func()) {
	server := httptest.NewServer(io)
	return server.URL, func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		io.Shutdown(ctx)
		server.Close()
	}
}

// browser stands for socket.io-client: it prints what arrives, packet by packet.
type browser struct{ ws *websocket.Conn }

// open connects to a namespace, with the payload of its CONNECT packet, and waits for the answer.
func open(url, connect string) (b browser, answer string) {
	ws, _, err := websocket.Dial(context.Background(), url+"/socket.io/?EIO=4&transport=websocket", nil)
	if err != nil {
		log.Fatal(err)
	}
	b = browser{ws}
	b.read() // the opening of the engine
	b.send("40" + connect)
	return b, b.read()
}

func (b browser) send(packet string) {
	if err := b.ws.Write(context.Background(), websocket.MessageText, []byte(packet)); err != nil {
		log.Fatal(err)
	}
}

func (b browser) read() string {
	_, packet, err := b.ws.Read(context.Background())
	if err != nil {
		return "closed"
	}
	return string(packet)
}

// A server with one event, and what a client gets on the wire.
func Example() {
	io := socketio.NewServer(socketio.Config{})
	io.Of("/").OnConnect(func(s *socketio.Socket) {
		s.On("greet", func(_ context.Context, ev *socketio.Event) {
			var name string
			if err := ev.Decode(0, &name); err != nil {
				return
			}
			ev.Ack("hello, " + name)
			s.Emit("greeted", name)
		})
	})
	url, stop := serveExample(io)
	defer stop()

	client, _ := open(url, "")
	client.send(`420["greet","Ann"]`)
	fmt.Println(client.read())
	fmt.Println(client.read())
	// Output:
	// 430["hello, Ann"]
	// 42["greeted","Ann"]
}

// Middleware decides who may connect, and what is known of them from then on.
func ExampleNamespace_Use() {
	io := socketio.NewServer(socketio.Config{})
	io.Of("/").Use(func(ctx context.Context, s *socketio.Socket) error {
		var auth struct{ Token string }
		if err := s.Handshake().DecodeAuth(&auth); err != nil || auth.Token != "secret" {
			return &socketio.ConnectError{Message: "invalid token", Data: map[string]int{"code": 7}}
		}
		s.Set("user", "ann")
		return s.Join("user:ann")
	})
	url, stop := serveExample(io)
	defer stop()

	_, answer := open(url, `{"token":"guess"}`)
	fmt.Println(answer)
	_, answer = open(url, `{"token":"secret"}`)
	fmt.Println(strings.HasPrefix(answer, `40{"sid":`))
	// Output:
	// 44{"message":"invalid token","data":{"code":7}}
	// true
}

// Rooms: sockets join and leave them, and an event to a room reaches each socket in it once.
func ExampleNamespace_To() {
	io := socketio.NewServer(socketio.Config{})
	io.Of("/").OnConnect(func(s *socketio.Socket) {
		s.On("join", func(_ context.Context, ev *socketio.Event) {
			var channel string
			if ev.Decode(0, &channel) == nil {
				ev.Ack(s.Join("channel:"+channel) == nil) // prefixed, as the client names it
			}
		})
		s.On("leave", func(_ context.Context, ev *socketio.Event) {
			var channel string
			if ev.Decode(0, &channel) == nil {
				s.Leave("channel:" + channel)
				ev.Ack(len(s.Rooms()))
			}
		})
		s.On("say", func(_ context.Context, ev *socketio.Event) {
			s.To("channel:tea").Emit("said", ev.Values()...) // to the others
		})
	})
	url, stop := serveExample(io)
	defer stop()

	ann, _ := open(url, "")
	bob, _ := open(url, "")
	for _, client := range []browser{ann, bob} {
		client.send(`420["join","tea"]`)
		fmt.Println(client.read())
	}
	ann.send(`42["say","hello"]`)
	fmt.Println("bob:", bob.read())
	io.Of("/").To("channel:tea", "channel:coffee").Emit("notice", map[string]any{"text": "closing soon"})
	fmt.Println("ann:", ann.read())
	fmt.Println("bob:", bob.read())
	bob.send(`421["leave","tea"]`)
	fmt.Println("bob:", bob.read(), "rooms, with his own")
	// Output:
	// 430[true]
	// 430[true]
	// bob: 42["said","hello"]
	// ann: 42["notice",{"text":"closing soon"}]
	// bob: 42["notice",{"text":"closing soon"}]
	// bob: 431[1] rooms, with his own
}

// The sockets of a room, on all nodes, can be listed and disconnected.
func ExampleBroadcast_DisconnectSockets() {
	io := socketio.NewServer(socketio.Config{})
	io.Of("/").OnConnect(func(s *socketio.Socket) {
		s.Join("guests")
		s.Set("seat", 12)
		s.Emit("ready")
	})
	url, stop := serveExample(io)
	defer stop()

	client, _ := open(url, "")
	client.read()
	guests := io.Of("/").To("guests")
	found, err := guests.FetchSockets(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range found {
		fmt.Println(s.Rooms[1:], s.Data["seat"])
	}
	guests.DisconnectSockets(true)
	fmt.Println(client.read()) // DISCONNECT: the library does not reconnect by itself
	fmt.Println(client.read())
	// Output:
	// [guests] 12
	// 41
	// closed
}

// Handlers with a typed payload. Payloads that don't decode are answered in one place.
func ExampleHandle() {
	type move struct{ X, Y int }
	io := socketio.NewServer(socketio.Config{})
	io.Of("/").OnConnect(func(s *socketio.Socket) {
		socketio.Handle(s, "move", func(ctx context.Context, s *socketio.Socket, m move, ack socketio.Ack) {
			s.Broadcast().Emit("moved", s.ID(), m)
			ack(m.X + m.Y)
		}, func(ctx context.Context, ev *socketio.Event, err error) {
			ev.Ack(map[string]any{"success": false, "error": "move takes {x, y}"})
		})
	})
	url, stop := serveExample(io)
	defer stop()

	client, _ := open(url, "")
	client.send(`420["move",{"x":3,"y":4}]`)
	fmt.Println(client.read())
	client.send(`421["move","north"]`)
	fmt.Println(client.read())
	// Output:
	// 430[7]
	// 431[{"error":"move takes {x, y}","success":false}]
}

// Middleware of a socket gets each of its events first.
func ExampleSocket_Use() {
	io := socketio.NewServer(socketio.Config{})
	io.Of("/").OnConnect(func(s *socketio.Socket) {
		s.Use(func(ctx context.Context, ev *socketio.Event) error {
			if ev.Name == "delete" {
				ev.Ack("not allowed")
				return errors.New("only readers here")
			}
			return nil
		})
		s.OnAny(func(ctx context.Context, ev *socketio.Event) { ev.Ack(ev.Name) })
	})
	url, stop := serveExample(io)
	defer stop()

	client, _ := open(url, "")
	client.send(`420["delete"]`)
	fmt.Println(client.read())
	client.send(`421["read"]`)
	fmt.Println(client.read())
	// Output:
	// 430["not allowed"]
	// 431["read"]
}

// The server may ask for an answer, too. A handler may wait for it, as it does not wait behind the client's events.
func ExampleSocket_EmitAck() {
	io := socketio.NewServer(socketio.Config{})
	io.Of("/").OnConnect(func(s *socketio.Socket) {
		s.On("order", func(ctx context.Context, ev *socketio.Event) {
			ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
			defer cancel()
			answer, err := s.EmitAck(ctx, "sugar?")
			if err != nil {
				return // disconnected, or no answer: errors.Is(err, socketio.ErrAckTimeout)
			}
			var lumps int
			if answer.Decode(0, &lumps) == nil {
				ev.Ack(fmt.Sprintf("tea with %d lumps", lumps))
			}
		})
	})
	url, stop := serveExample(io)
	defer stop()

	client, _ := open(url, "")
	client.send(`427["order"]`)
	fmt.Println(client.read())
	client.send(`430[2]`)
	fmt.Println(client.read())
	// Output:
	// 420["sugar?"]
	// 437["tea with 2 lumps"]
}

// A text that is streamed to a room. A client that is too slow for the chunks gets the complete text at the end.
func ExampleBroadcast_Sheddable() {
	io := socketio.NewServer(socketio.Config{})
	io.Of("/").OnConnect(func(s *socketio.Socket) {
		s.Join("channel:1")
		s.Emit("ready")
	})
	url, stop := serveExample(io)
	defer stop()
	client, _ := open(url, "")
	client.read()

	room := io.Of("/").To("channel:1")
	for _, chunk := range []string{"It was a dark ", "and stormy night."} {
		room.Sheddable("message:7").Emit("chunk", 7, chunk)
	}
	room.Ends("message:7").Emit("message", 7, "It was a dark and stormy night.")
	for range 3 {
		fmt.Println(client.read())
	}
	// Output:
	// 42["chunk",7,"It was a dark "]
	// 42["chunk",7,"and stormy night."]
	// 42["message",7,"It was a dark and stormy night."]
}

// Namespaces that are created when a client asks for them.
func ExampleServer_OfFunc() {
	io := socketio.NewServer(socketio.Config{})
	io.OfFunc(func(name string) bool { return strings.HasPrefix(name, "/board-") }, func(ns *socketio.Namespace) {
		ns.OnConnect(func(s *socketio.Socket) { s.Emit("welcome", ns.Name()) })
	})
	url, stop := serveExample(io)
	defer stop()

	client, _ := open(url, "/board-7,")
	fmt.Println(client.read())
	_, answer := open(url, "/elsewhere,")
	fmt.Println(answer)
	// Output:
	// 42/board-7,["welcome","/board-7"]
	// 44/elsewhere,{"message":"Invalid namespace"}
}

// The server inside an application, which drains it before it exits.
func ExampleServer_Shutdown() {
	io := socketio.NewServer(socketio.Config{
		Engine:   engineio.Config{CORS: engineio.CORS{Origins: []string{"https://app.example.com"}}},
		Recovery: socketio.RecoveryConfig{Mode: socketio.RecoveryRooms},
	})
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", io)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}

	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	fmt.Println(io.Shutdown(ctx), server.Shutdown(ctx)) // in this order: http.Server does not wait for WebSockets
	// Output: <nil> <nil>
}

package socketio_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/coder/websocket"

	"github.com/elizad/elizad/server/socketio"
	"github.com/elizad/elizad/server/socketio/engineio"
)

// A server with one event, and what a client sees of it on the wire.
func Example() {
	io := socketio.NewServer(socketio.Config{})
	io.Of("/").OnConnect(func(s *socketio.Socket) {
		s.On("greet", func(_ context.Context, ev *socketio.Event) {
			var name string
			if err := ev.Decode(0, &name); err != nil {
				return
			}
			ev.Ack("hello, " + name)
		})
	})
	server := httptest.NewServer(io)
	defer server.Close()
	defer io.Shutdown(context.Background())

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	client, _, err := websocket.Dial(ctx, server.URL+"/socket.io/?EIO=4&transport=websocket", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.CloseNow()
	client.Read(ctx) // the open packet
	client.Write(ctx, websocket.MessageText, []byte("40"))
	client.Read(ctx) // the connection to the namespace
	client.Write(ctx, websocket.MessageText, []byte(`420["greet","Ann"]`))
	_, reply, err := client.Read(ctx)
	fmt.Println(string(reply), err)
	// Output: 430["hello, Ann"] <nil>
}

// Middleware decides who may connect.
func ExampleNamespace_Use() {
	io := socketio.NewServer(socketio.Config{})
	io.Of("/").Use(func(ctx context.Context, s *socketio.Socket) error {
		var auth struct{ Token string }
		if err := s.Handshake().DecodeAuth(&auth); err != nil || auth.Token != "secret" {
			return &socketio.ConnectError{Message: "invalid token"}
		}
		s.Set("user", "ann")
		s.Join("user:ann")
		return nil
	})
}

// A text that is streamed to a room. A client that is too slow for the chunks gets the whole of it at the end.
func ExampleBroadcast_Sheddable() {
	io := socketio.NewServer(socketio.Config{})
	room := io.Of("/").To("channel:1")
	for _, chunk := range []string{"It was a dark ", "and stormy night."} {
		room.Sheddable("message:7").Emit("chunk", 7, chunk)
	}
	room.Ends("message:7").Emit("message", 7, "It was a dark and stormy night.")
}

// Handlers with a typed payload.
func ExampleHandle() {
	type move struct{ X, Y int }
	io := socketio.NewServer(socketio.Config{})
	io.Of("/board").OnConnect(func(s *socketio.Socket) {
		socketio.Handle(s, "move", func(ctx context.Context, s *socketio.Socket, m move, ack socketio.Ack) {
			s.Broadcast().Emit("moved", s.ID(), m)
			ack()
		}, func(ctx context.Context, ev *socketio.Event, err error) {
			ev.Ack(map[string]string{"error": err.Error()})
		})
	})
}

// The server inside an application, which drains it before it ends.
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
	io.Shutdown(ctx)
	server.Shutdown(ctx)
}

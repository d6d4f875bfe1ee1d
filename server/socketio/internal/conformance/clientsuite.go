package main

import (
	"context"
	"net/http"
	"time"

	"github.com/elizad/elizad/server/socketio"
	"github.com/elizad/elizad/server/socketio/engineio"
)

// isoDate is how JavaScript writes a date in JSON.
const isoDate = "2006-01-02T15:04:05.000Z"

// binarySample is what the suite expects as binary data.
var binarySample = []byte("asdfasdf")

// clientSuite serves the suite of socket.io-client.
func clientSuite() http.Handler {
	io := socketio.NewServer(socketio.Config{
		Engine: engineio.Config{
			PingInterval: 2 * time.Second,
			AllowRequest: func(*http.Request) error {
				time.Sleep(10 * time.Millisecond) // so that the suite can see a connection time out
				return nil
			},
		},
		Recovery: socketio.RecoveryConfig{Mode: socketio.RecoveryReplay},
	})
	for _, name := range []string{"/timeout_socket", "/valid", "/asd"} {
		io.Of(name)
	}
	io.Of("/").Use(refuseIf(func(s *socketio.Socket) bool { return s.Handshake().Query().Get("fail") != "" },
		"Auth failed (main namespace)"))
	io.Of("/no").Use(refuseIf(func(*socketio.Socket) bool { return true }, "Auth failed (custom namespace)"))
	io.Of("/foo").OnConnect(answerID)
	io.Of("/abc").OnConnect(func(s *socketio.Socket) { s.Emit("handshake", handshake(s)) })
	io.Of("/").OnConnect(answerID)
	io.Of("/").OnConnect(answerEvents)
	io.Of("/").OnConnect(answerBinary)
	return io
}

func refuseIf(refuse func(*socketio.Socket) bool, message string) socketio.Middleware {
	return func(_ context.Context, s *socketio.Socket) error {
		if refuse(s) {
			return &socketio.ConnectError{Message: message}
		}
		return nil
	}
}

func answerID(s *socketio.Socket) {
	s.On("getId", func(_ context.Context, ev *socketio.Event) { ev.Ack(s.ID()) })
}

// handshake is what the suite reads of the handshake.
func handshake(s *socketio.Socket) any {
	query := make(map[string]string)
	for name, values := range s.Handshake().Query() {
		query[name] = values[len(values)-1]
	}
	return map[string]any{"query": query, "auth": s.Handshake().Auth}
}

// on registers a handler that needs neither context nor arguments.
func on(s *socketio.Socket, event string, fn func()) {
	s.On(event, func(context.Context, *socketio.Event) { fn() })
}

func now() string { return time.Now().UTC().Format(isoDate) }

func answerEvents(s *socketio.Socket) {
	s.On("echo", func(_ context.Context, ev *socketio.Event) { ev.Ack(ev.Values()[0]) })
	s.On("getAckDate", func(_ context.Context, ev *socketio.Event) { ev.Ack(now()) })
	s.On("getHandshake", func(_ context.Context, ev *socketio.Event) { ev.Ack(handshake(s)) })
	on(s, "hi", func() { s.Emit("hi") })
	on(s, "false", func() { s.Emit("false", false) })
	on(s, "getDate", func() { s.Emit("takeDate", now()) })
	on(s, "getDateObj", func() { s.Emit("takeDateObj", map[string]string{"date": now()}) })
	on(s, "getUtf8", func() {
		for _, text := range []string{"てすと", "Я Б Г Д Ж Й", "Ä ä Ü ü ß", "utf8 — string", "utf8 — string"} {
			s.Emit("takeUtf8", text)
		}
	})
	// In a goroutine, as some tests leave it unanswered and send more events.
	s.On("ack", func(ctx context.Context, _ *socketio.Event) { go askForAck(ctx, s) })
}

func askForAck(ctx context.Context, s *socketio.Socket) {
	reply, err := s.EmitAck(ctx, "ack")
	if err != nil {
		return
	}
	var number int
	var object struct{ Test bool }
	if reply.Decode(0, &number) == nil && reply.Decode(1, &object) == nil && number == 5 && object.Test {
		s.Emit("got it")
	}
}

func answerBinary(s *socketio.Socket) {
	on(s, "doge", func() { s.Emit("doge", binarySample) })
	on(s, "getbin", func() { s.Emit("takebin", binarySample) })

	// Each of these is answered if its argument has arrived as binary data.
	isBinary := func(ev *socketio.Event) bool {
		_, err := ev.Bytes(0)
		return err == nil
	}
	s.On("buffa", func(_ context.Context, ev *socketio.Event) {
		if isBinary(ev) {
			s.Emit("buffack")
		}
	})
	s.On("blob", func(_ context.Context, ev *socketio.Event) {
		if isBinary(ev) {
			s.Emit("back")
		}
	})
	for _, name := range []string{"jsonbuff", "jsonblob"} {
		s.On(name, func(_ context.Context, ev *socketio.Event) {
			var mixed struct {
				Hello, Goodbye string
				Message        []byte
			}
			if ev.Decode(0, &mixed) == nil && mixed.Hello == "lol" && mixed.Goodbye == "gotcha" && len(ev.Attachments) == 1 {
				s.Emit(name + "-ack")
			}
		})
	}

	// The answers come only if the events did so in order.
	var order []string
	note := func(name string, ok func(*socketio.Event) bool) {
		s.On(name, func(_ context.Context, ev *socketio.Event) {
			if ok(ev) {
				order = append(order, name)
			}
			switch n := len(order); {
			case name == "abuff2" && n >= 2 && order[n-2] == "abuff1":
				s.Emit("abuff2-ack")
			case name == "blob3" && n >= 3 && order[n-3] == "blob1" && order[n-2] == "blob2":
				s.Emit("blob3-ack")
			}
		})
	}
	note("abuff1", isBinary)
	note("abuff2", func(*socketio.Event) bool { return true })
	note("blob1", isBinary)
	note("blob2", func(ev *socketio.Event) bool {
		var text string
		return ev.Decode(0, &text) == nil && text == "second"
	})
	note("blob3", isBinary)
}

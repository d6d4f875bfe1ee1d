// Command conformance serves what the test suites of the Socket.IO project expect to find. For the suites of the two
// protocols: an Engine.IO server at /engine.io that echoes, and a Socket.IO server at /socket.io with the namespaces / and
// /custom.
//
//	go run ./server/socketio/internal/conformance --addr 127.0.0.1:3000
//
// The suites of the two JavaScript clients have their own servers:
//
//	go run ./server/socketio/internal/conformance --addr 127.0.0.1:3210 --client-suite
//	go run ./server/socketio/internal/conformance --addr 127.0.0.1:3000 --engine-client-suite
package main

import (
	"context"
	"flag"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/elizad/elizad/server/socketio"
	"github.com/elizad/elizad/server/socketio/engineio"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:3000", "address to listen on")
	client := flag.Bool("client-suite", false, "serve the suite of socket.io-client")
	engineClient := flag.Bool("engine-client-suite", false, "serve the suite of engine.io-client")
	flag.Parse()
	handler := func() http.Handler { return protocolSuites(suiteTimeouts) }
	switch {
	case *client:
		handler = clientSuite
	case *engineClient:
		handler = engineClientSuite
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := serve(ctx, *addr, handler()); err != nil {
		slog.Error("serving", "error", err)
		os.Exit(1)
	}
}

// serve serves until ctx ends.
func serve(ctx context.Context, addr string, handler http.Handler) error {
	server := &http.Server{Addr: addr, Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }()
	slog.Info("listening", "address", addr)
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		return server.Close()
	}
}

// timeouts are how long the server waits for its clients.
type timeouts struct {
	pong    time.Duration // for the answer to a ping
	connect time.Duration // for a first namespace to be joined
}

// suiteTimeouts is what the suites of the protocols expect.
var suiteTimeouts = timeouts{pong: 200 * time.Millisecond, connect: time.Second}

// protocolSuites serves the suites of the two protocols.
func protocolSuites(p timeouts) http.Handler {
	cfg := engineio.Config{
		PingInterval: 300 * time.Millisecond,
		PingTimeout:  p.pong,
		MaxPayload:   1_000_000,
		CORS:         engineio.CORS{Origins: []string{"*"}},
	}
	io := socketio.NewServer(socketio.Config{Engine: cfg, ConnectTimeout: p.connect})
	io.Of("/").OnConnect(func(s *socketio.Socket) {
		s.Emit("auth", s.Handshake().Auth)
		s.On("message", func(_ context.Context, ev *socketio.Event) {
			s.Emit("message-back", ev.Values()...)
		})
		s.On("message-with-ack", func(_ context.Context, ev *socketio.Event) {
			ev.Ack(ev.Values()...)
		})
	})
	io.Of("/custom").OnConnect(func(s *socketio.Socket) {
		s.Emit("auth", s.Handshake().Auth)
	})

	mux := http.NewServeMux()
	mux.Handle("/socket.io/", io)
	mux.Handle("/engine.io/", engineio.NewServer(cfg, func(s *engineio.Session) engineio.Handler { return echo{s} }))
	return mux
}

// echo sends every message back.
type echo struct{ session *engineio.Session }

func (e echo) OnMessage(data []byte, binary bool) {
	frame := engineio.NewFrame(data)
	if binary {
		frame = engineio.NewBinaryFrame(data)
	}
	e.session.Send(frame, engineio.SendOptions{})
}

func (e echo) OnClose(string) {}

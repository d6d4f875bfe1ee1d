package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/elizad/elizad/server/socketio"
	"github.com/elizad/elizad/server/socketio/engineio"
)

// The kinds of servers that are compared.
const (
	kindBare     = "bare"     // writes a ready frame to the network connection
	kindLibrary  = "library"  // writes the message by coder/websocket
	kindSocketIO = "socketio" // emits an event
)

var serverKinds = []string{kindBare, kindLibrary, kindSocketIO}

// The event of all measurements, in the forms that the servers and the clients need.
const eventName = "message"

var (
	eventText   = strings.Repeat("All work and no play makes Jack a dull boy. ", 8)
	eventPacket = []byte(`2["` + eventName + `","` + eventText + `"]`)
	readyFrame  = frame(0, "4"+string(eventPacket))
	// sentFrame is the frame of a client, which has to be masked, if only with zeros.
	sentFrame = frame(0x80, "4"+string(eventPacket))
)

// frame makes a WebSocket frame of a text between 126 and 65,535 bytes.
func frame(masked byte, text string) []byte {
	f := []byte{0x81, masked | 126, byte(len(text) >> 8), byte(len(text))}
	if masked != 0 {
		f = append(f, 0, 0, 0, 0)
	}
	return append(f, text...)
}

// socketServer is a server of one of the kinds.
type socketServer struct {
	kind string
	addr string
	http *http.Server
	io   *socketio.Server
	done sync.WaitGroup

	mu    sync.Mutex                // guards what follows
	rooms map[string][]func() error // of a server that is not Socket.IO: how to write to each connection
	conns []func() error            // how to close each connection
}

func startSocketServer(kind string) (*socketServer, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &socketServer{kind: kind, addr: listener.Addr().String(), rooms: make(map[string][]func() error)}
	quiet := slog.New(slog.DiscardHandler)
	s.http = &http.Server{ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(quiet.Handler(), slog.LevelError)}
	switch kind {
	case kindBare:
		s.http.Handler = http.HandlerFunc(s.serveBare)
	case kindLibrary:
		s.http.Handler = http.HandlerFunc(s.serveLibrary)
	case kindSocketIO:
		s.io = socketio.NewServer(socketio.Config{Logger: quiet, Engine: engineio.Config{PingInterval: time.Hour, KeepHeaders: []string{"User-Agent"}}})
		s.io.Of("/").OnConnect(func(socket *socketio.Socket) {
			room := socket.Handshake().Query().Get("room")
			socket.Join(room)
			socket.On(eventName, func(_ context.Context, ev *socketio.Event) {
				_ = s.io.Of("/").To(room).Emit(eventName, ev.Values()...) // what has arrived can be sent
			})
		})
		s.http.Handler = s.io
	}
	s.done.Go(func() { _ = s.http.Serve(listener) }) // ends with an error, always
	return s, nil
}

// serveBare answers an upgrade and keeps nothing of HTTP. Whatever is read is answered with the ready frame, to the room.
func (s *socketServer) serveBare(w http.ResponseWriter, r *http.Request) {
	room := r.URL.Query().Get("room")
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	if _, err := io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"); err != nil {
		return
	}
	s.join(room, conn.Close, func() error {
		_, err := conn.Write(readyFrame)
		return err
	})
	s.done.Go(func() {
		buf := make([]byte, len(sentFrame))
		for {
			if _, err := io.ReadFull(conn, buf); err != nil {
				return
			}
			if s.emit(room) != nil {
				return
			}
		}
	})
}

// serveLibrary does the same by the library.
func (s *socketServer) serveLibrary(w http.ResponseWriter, r *http.Request) {
	room := r.URL.Query().Get("room")
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	message := readyFrame[4:]
	ctx := context.Background()
	s.join(room, conn.CloseNow, func() error { return conn.Write(ctx, websocket.MessageText, message) })
	for {
		if _, _, err := conn.Read(ctx); err != nil {
			return
		}
		if s.emit(room) != nil {
			return
		}
	}
}

func (s *socketServer) join(room string, end, write func() error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rooms[room] = append(s.rooms[room], write)
	s.conns = append(s.conns, end)
}

// emit writes to a room. Rooms are complete before anything is sent.
func (s *socketServer) emit(room string) error {
	s.mu.Lock()
	members := s.rooms[room]
	s.mu.Unlock()
	for _, write := range members {
		if err := write(); err != nil {
			return fmt.Errorf("writing to a socket: %w", err)
		}
	}
	return nil
}

// emitAll sends the event to the room that all are in.
func (s *socketServer) emitAll() error {
	if s.io != nil {
		return s.io.Of("/").Emit(eventName, eventText)
	}
	return s.emit("0")
}

// stop cuts all connections.
func (s *socketServer) stop() error {
	err := s.http.Close()
	if s.io != nil {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if e := s.io.Shutdown(ctx); !errors.Is(e, context.Canceled) {
			err = errors.Join(err, e)
		}
	}
	s.mu.Lock()
	for _, end := range s.conns {
		_ = end()
	}
	s.mu.Unlock()
	s.done.Wait()
	return err
}

// readPayload reads a short unmasked frame and returns what is in it.
func readPayload(r *bufio.Reader) (string, error) {
	header := make([]byte, 2)
	if _, err := io.ReadFull(r, header); err != nil {
		return "", err
	}
	payload := make([]byte, header[1])
	_, err := io.ReadFull(r, payload)
	return string(payload), err
}

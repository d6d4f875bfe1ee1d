package realtime_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/elizad/elizad/server/internal/realtime"
	"github.com/elizad/elizad/server/socketio"
)

// pipes is a network in memory, inside the synctest bubble.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "memory"} }

// Half-open connections, and those whose client is too slow, end when the contract says.
func TestPlainConnectionsThatFallSilent(t *testing.T) {
	t.Parallel()
	const handshake = "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
	for _, tt := range []struct {
		name  string
		key   string
		send  string // after the handshake
		drip  string // and then every second
		after time.Duration
	}{
		{"says nothing, and answers no ping", "", "", "", 45 * time.Second},
		{"never shows its key", "k", "", "", 10 * time.Second},
		{"sends a frame byte by byte", "", "\x81\xfe\x10\x00\x00\x00\x00\x00", " ", 30 * time.Second},
		{"sends a message in pieces that never end", "", "\x01\x81\x00\x00\x00\x00 ", "\x00\x80\x00\x00\x00\x00", 30 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := realtime.Config{IO: socketio.NewServer(socketio.Config{})}
				if tt.key != "" {
					cfg.Guard = guard(tt.key)
				}
				gateway := realtime.New(cfg)
				network := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
				srv := &http.Server{Handler: gateway.PlainHandler(
					func(*http.Request) bool { return true }, func(*http.Request) string { return "" },
				)}
				served := make(chan error, 1)
				go func() { served <- srv.Serve(network) }()

				conn, other := net.Pipe()
				network.conns <- other
				began := time.Now()
				if _, err := io.WriteString(conn, handshake); err != nil {
					t.Fatal(err)
				}
				in := bufio.NewReader(conn)
				response, err := http.ReadResponse(in, nil)
				if err != nil || response.StatusCode != http.StatusSwitchingProtocols {
					t.Fatalf("handshake: %v, %v", response, err)
				}
				closed := make(chan struct{})
				go func() {
					defer close(closed)
					_, _ = io.Copy(io.Discard, in)
				}()
				ctx, cancel := context.WithCancel(t.Context())
				go func() {
					_, err := io.WriteString(conn, tt.send)
					for err == nil && tt.drip != "" && ctx.Err() == nil {
						select {
						case <-ctx.Done():
						case <-time.After(time.Second):
							_, err = io.WriteString(conn, tt.drip)
						}
					}
				}()
				<-closed
				// A closing server waits some seconds for the answer to its close frame.
				if took := time.Since(began); took < tt.after || took > tt.after+6*time.Second {
					t.Errorf("it ended after %v, want %v", took, tt.after)
				}
				cancel()
				_ = conn.Close()
				close(network.done)
				if err := srv.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
					t.Error(err)
				}
				<-served
				synctest.Wait()
			})
		})
	}
}

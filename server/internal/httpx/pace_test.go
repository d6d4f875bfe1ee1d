package httpx_test

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/elizad/elizad/server/internal/httpx"
	"github.com/elizad/elizad/server/settings"
)

// single is a listener with one connection.
type single struct {
	conn chan net.Conn
	done chan struct{}
}

func (s single) Accept() (net.Conn, error) {
	select {
	case c := <-s.conn:
		return c, nil
	case <-s.done:
		return nil, net.ErrClosed
	}
}
func (s single) Close() error   { close(s.done); return nil }
func (s single) Addr() net.Addr { return &net.TCPAddr{} }

func TestBodiesThatDoNotCome(t *testing.T) {
	t.Parallel()
	const size = 1 << 20
	for _, tt := range []struct {
		name, kind string
		piece      int // bytes at once
		pause      time.Duration
		status     int
	}{
		{"JSON that never comes", "application/json", 0, 0, 408},
		{"JSON by drops", "application/json", 10, time.Second, 408},
		{"JSON in time", "application/json", size / 20, time.Second, 200},
		{"an upload that never comes", "multipart/form-data; boundary=b", 0, 0, 408},
		{"an upload by drops", "multipart/form-data; boundary=b", 1 << 10, time.Second, 408},
		{"a slow upload", "multipart/form-data; boundary=b", 17 << 10, time.Second, 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client, server := net.Pipe()
				listener := single{make(chan net.Conn, 1), make(chan struct{})}
				listener.conn <- server
				handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if _, err := io.Copy(io.Discard, r.Body); err != nil {
						httpx.WriteError(w, r, httpx.RequestError(err))
						return
					}
					time.Sleep(time.Hour) // a long poll
					if r.Context().Err() != nil {
						t.Error("the caller is taken for gone")
					}
				})
				s := httpx.NewServer(httpx.LimitBody(settings.Limits{MaxBody: 2 * size, MaxUpload: 2 * size})(handler), slog.New(slog.DiscardHandler))
				served := make(chan error)
				go func() { served <- s.Serve(listener) }()
				sent := make(chan struct{})
				go func() {
					defer close(sent)
					fmt.Fprintf(client, "POST / HTTP/1.1\r\nHost: h\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", tt.kind, size)
					for left := size; tt.piece > 0 && left > 0; left -= tt.piece {
						if _, err := io.WriteString(client, strings.Repeat("x", min(tt.piece, left))); err != nil {
							return
						}
						time.Sleep(tt.pause)
					}
				}()
				response, err := http.ReadResponse(bufio.NewReader(client), nil)
				if err != nil {
					t.Fatal(err)
				}
				if body, _ := io.ReadAll(response.Body); response.StatusCode != tt.status || tt.status == 408 && !strings.Contains(string(body), "REQUEST_TIMEOUT") {
					t.Errorf("status %d: %s", response.StatusCode, body)
				}
				_ = client.Close()
				<-sent
				_ = s.Close()
				<-served
			})
		})
	}
}

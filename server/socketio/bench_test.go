package socketio_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/elizad/elizad/server/socketio"
	"github.com/elizad/elizad/server/socketio/engineio"
	"github.com/elizad/elizad/server/socketio/internal/sockettest"
)

const members = 1_000

// text makes an event of about 400 bytes.
var text = strings.Repeat("All work and no play makes Jack a dull boy. ", 8)

// frameSize is what such an event takes on a WebSocket.
var frameSize = len(`42["message",""]`) + len(text) + 4

// member opens a WebSocket that has joined the main namespace, written by hand, so that it costs as little as possible.
func (b *bundle) member() net.Conn {
	b.t.Helper()
	conn, err := b.Dial(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = conn.Close() })
	_, err = io.WriteString(conn, "GET "+websocketURL+" HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"+
		"\x81\x82\x00\x00\x00\x0040")
	if err != nil {
		b.t.Fatal(err)
	}
	reader := bufio.NewReader(conn)
	if _, err := http.ReadResponse(reader, nil); err != nil {
		b.t.Fatal(err)
	}
	for range 2 { // the open packet and the CONNECT packet
		header := make([]byte, 2)
		if _, err := io.ReadFull(reader, header); err != nil {
			b.t.Fatal(err)
		}
		if _, err := reader.Discard(int(header[1])); err != nil {
			b.t.Fatal(err)
		}
	}
	return conn
}

// readers makes each connection read n bytes whenever it is asked to, until the end of the benchmark.
func readers(b *testing.B, conns []net.Conn, n int) (readAll func()) {
	asked := make([]chan struct{}, len(conns))
	var pending, ended sync.WaitGroup
	for i, conn := range conns {
		asked[i] = make(chan struct{}, 1)
		ended.Go(func() {
			buf := make([]byte, n)
			for range asked[i] {
				if _, err := io.ReadFull(conn, buf); err != nil {
					b.Error(err)
				}
				pending.Done()
			}
		})
	}
	b.Cleanup(func() {
		for _, c := range asked {
			close(c)
		}
		ended.Wait()
	})
	return func() {
		pending.Add(len(conns))
		for _, c := range asked {
			c <- struct{}{}
		}
		pending.Wait()
	}
}

// BenchmarkFanOut sends one event to 1,000 WebSockets and waits until all have read it. Compare with BenchmarkBareFanOut: the
// difference is what the server costs.
func BenchmarkFanOut(b *testing.B) {
	bundle, stop := setup(b, socketio.Config{Engine: engineio.Config{PingInterval: time.Hour}}, sockettest.ServeTCP)
	var conns []net.Conn
	for range members {
		conns = append(conns, bundle.member())
	}
	read := readers(b, conns, frameSize)
	b.ReportAllocs()
	for b.Loop() {
		if err := bundle.main.Emit("message", text); err != nil {
			b.Fatal(err)
		}
		read()
	}
	shutdown(b, bundle, stop)
}

// BenchmarkBareFanOut writes the same bytes to 1,000 connections with nothing in between.
func BenchmarkBareFanOut(b *testing.B) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer listener.Close()
	var clients, servers []net.Conn
	for range members {
		client, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			b.Fatal(err)
		}
		defer client.Close()
		server, err := listener.Accept()
		if err != nil {
			b.Fatal(err)
		}
		defer server.Close()
		clients, servers = append(clients, client), append(servers, server)
	}
	read := readers(b, clients, frameSize)
	frame := make([]byte, frameSize)
	b.ReportAllocs()
	for b.Loop() {
		for _, conn := range servers {
			if _, err := conn.Write(frame); err != nil {
				b.Fatal(err)
			}
		}
		read()
	}
}

// BenchmarkEnqueue measures what the caller of Emit pays for 1,000 recipients.
func BenchmarkEnqueue(b *testing.B) {
	bundle, stop := setup(b, socketio.Config{Engine: engineio.Config{PingInterval: time.Hour}}, sockettest.ServeTCP)
	var conns []net.Conn
	for range members {
		conns = append(conns, bundle.member())
	}
	read := readers(b, conns, frameSize)
	var spent time.Duration
	for b.Loop() {
		begin := time.Now()
		if err := bundle.main.Emit("message", text); err != nil {
			b.Fatal(err)
		}
		spent += time.Since(begin)
		read()
	}
	b.ReportMetric(float64(spent.Nanoseconds())/float64(b.N)/members, "ns/recipient")
	shutdown(b, bundle, stop)
}

// BenchmarkIdleConnection reports the memory of a connection that has joined a namespace and three rooms, with its client's
// end, which is a bare connection.
func BenchmarkIdleConnection(b *testing.B) {
	bundle, stop := setup(b, socketio.Config{Engine: engineio.Config{PingInterval: time.Hour, KeepHeaders: []string{"User-Agent"}}}, sockettest.ServeTCP)
	bundle.onConnect = func(s *socketio.Socket) { s.Join("one", "two", "three") }
	bundle.connected = make(chan *socketio.Socket, 2*members)
	for b.Loop() {
		before := memory()
		for range members {
			bundle.member()
		}
		each := float64(memory()-before) / members
		b.ReportMetric(each, "B/conn")
		if each > 16<<10 {
			b.Errorf("an idle connection takes %.0f bytes, more than 16 KiB", each)
		}
	}
	shutdown(b, bundle, stop)
}

// memory returns the bytes of the heap and the stacks.
func memory() int64 {
	advance(50 * time.Millisecond) // for goroutines that are about to end
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc + stats.StackInuse)
}

func shutdown(b *testing.B, bundle *bundle, stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = bundle.io.Shutdown(ctx) // cuts all connections
	stop()
}

package chaos_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"
	"github.com/google/uuid"
)

// socket is a Socket.IO client that does nothing by itself.
type socket struct {
	t    *testing.T
	conn *websocket.Conn
	tcp  *net.TCPConn
}

// join connects a socket and joins a channel.
func (m *machine) join(channel string) *socket {
	m.t.Helper()
	s := &socket{t: m.t}
	dialer := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		s.tcp, _ = conn.(*net.TCPConn)
		return conn, err
	}}}
	conn, resp, err := websocket.Dial(m.t.Context(), m.url+"/socket.io/?EIO=4&transport=websocket", &websocket.DialOptions{HTTPClient: dialer})
	if err != nil {
		m.t.Fatal(err)
	}
	if resp.Body != nil {
		_ = resp.Body.Close()
	}
	m.t.Cleanup(func() { _ = conn.CloseNow() })
	conn.SetReadLimit(1 << 20)
	s.conn = conn
	s.want("0")
	s.send("40")
	s.want("40")
	s.send(`42["join_channel",{"channelId":"` + channel + `","entityId":"` + uuid.NewString() + `"}]`)
	s.want(`42["channel_joined"`)
	return s
}

func (s *socket) send(text string) {
	s.t.Helper()
	if err := s.conn.Write(s.t.Context(), websocket.MessageText, []byte(text)); err != nil {
		s.t.Error(err)
	}
}

// next returns the next packet that is not a ping.
func (s *socket) next(ctx context.Context) (string, error) {
	for {
		_, text, err := s.conn.Read(ctx)
		if err != nil || string(text) != "2" {
			return string(text), err
		}
		s.send("3")
	}
}

// want reads up to a packet with a given prefix.
func (s *socket) want(beginning string) string {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	for {
		text, err := s.next(ctx)
		if err != nil {
			s.t.Errorf("waiting for %s: %v", beginning, err)
			return ""
		}
		if strings.HasPrefix(text, beginning) {
			return text
		}
	}
}

// isHeld reports whether the server still has the connection open, whatever its kernel has yet to send.
func (s *socket) isHeld() bool {
	s.t.Helper()
	text, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		s.t.Fatal(err)
	}
	const established = " 01 "
	server, client := s.tcp.RemoteAddr().(*net.TCPAddr).Port, s.tcp.LocalAddr().(*net.TCPAddr).Port
	return strings.Contains(string(text), fmt.Sprintf(":%04X 0100007F:%04X%s", server, client, established))
}

// Sockets that have stopped reading are disconnected. Others receive everything in order, and nothing is kept for those that
// are gone.
func TestStuckSockets(t *testing.T) {
	t.Parallel()
	const (
		readers  = 3
		messages = 1000
		bound    = 256 << 20 // of memory; what a stuck socket can hold is its queue
	)
	m := newMachine(t)
	s := m.start()
	l := newLoad(m)
	var channel struct{ Data struct{ ID string } }
	user := uuid.NewString()
	m.must(201, "POST", "/api/messaging/channels", map[string]any{"name": "crowd", "message_server_id": uuid.Nil, "participantCentralUserIds": []string{user}}, &channel)
	var stuck []*socket
	for range 20 * *rounds {
		one := m.join(channel.Data.ID)
		if err := one.tcp.SetReadBuffer(8 << 10); err != nil { // what it doesn't read is not buffered by its kernel either
			t.Fatal(err)
		}
		if !one.isHeld() {
			t.Fatal("a socket that is connected is not found among the connections")
		}
		stuck = append(stuck, one)
	}
	var reading sync.WaitGroup
	for range readers {
		reader := m.join(channel.Data.ID)
		reading.Go(func() {
			for n := 1; n <= messages; n++ {
				text := reader.want(`42["messageBroadcast"`)
				var event []json.RawMessage
				var message struct{ Seq int }
				if err := json.Unmarshal([]byte(strings.TrimPrefix(text, "42")), &event); err != nil || len(event) < 2 {
					t.Errorf("message %d is %.100q, %v", n, text, err)
					return
				}
				if err := json.Unmarshal(event[1], &message); err != nil || message.Seq != n {
					t.Errorf("message %d has the number %d, %v", n, message.Seq, err)
					return
				}
			}
		})
	}
	content := strings.Repeat("Does anybody read this? ", 350) // more in total than the kernel buffers for a connection
	for n := range messages {
		m.must(201, "POST", "/api/messaging/channels/"+channel.Data.ID+"/messages", map[string]any{"author_id": user, "content": fmt.Sprint(n, content)}, nil)
	}
	reading.Wait()
	eventually(t, "the stuck sockets are let go", func() bool {
		return !slices.ContainsFunc(stuck, (*socket).isHeld)
	})
	if peak := s.peakMemory(); peak > bound {
		t.Errorf("the server took %d MB", peak>>20)
	} else {
		t.Logf("%d deliveries, %d sockets let go, %d MB at most", messages*readers, len(stuck), peak>>20)
	}
	l.more(20)
	l.check(t)
	s.alive()
}

// peakMemory returns the peak memory of a server in bytes.
func (s *server) peakMemory() int64 {
	s.t.Helper()
	text, err := os.ReadFile("/proc/" + itoa(s.cmd.Process.Pid) + "/status")
	if err != nil {
		s.t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kilobytes, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			if err != nil {
				s.t.Fatal(err)
			}
			return kilobytes << 10
		}
	}
	s.t.Fatal("the system doesn't say how much memory was used")
	return 0
}

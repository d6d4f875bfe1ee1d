package chaos_test

import (
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/pgtest"
)

// A server that is killed at any moment loses nothing that it has acknowledged.
func TestKill(t *testing.T) {
	t.Parallel()
	for engine, env := range map[string][]string{"sqlite": nil, "postgres": {"POSTGRES_URL=" + pgtest.URL(t)}} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t, env...)
			s := m.start()
			l := newLoad(m)
			for range *rounds {
				l.more(20)
				s.kill()
				s = m.start()
			}
			l.more(10)
			l.check(t)
			if n := l.refused["CONFLICT"]; n > 0 { // no client repeats a request that may still be running, except after a kill
				t.Errorf("%d repetitions had to wait for requests that died with their server", n)
			}
			if code := s.stop(); code != 0 {
				t.Errorf("exit code %d", code)
			}
			if engine == "sqlite" {
				m.checkIntegrity()
			}
		})
	}
}

// The key of a request that was running when its server was killed is free as soon as the server is back: a repeated upload is
// not refused, and makes one file. No part of the incomplete uploads before it is left, with a key or without.
func TestKillInTheMiddleOfAnUpload(t *testing.T) {
	t.Parallel()
	for engine, env := range map[string][]string{"sqlite": nil, "postgres": {"POSTGRES_URL=" + pgtest.URL(t)}} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t, env...)
			s := m.start()
			l := newLoad(m)
			l.finish()
			before, _ := m.uploads(l.agent)
			path := "/api/media/agents/" + l.agent + "/upload-media"
			for round := range *rounds {
				key := uuid.NewString()
				for _, header := range []string{"Idempotency-Key: " + key + "\r\n", ""} {
					conn, err := net.Dial("tcp", strings.TrimPrefix(m.url, "http://"))
					if err != nil {
						t.Fatal(err)
					}
					t.Cleanup(func() { _ = conn.Close() })
					if _, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: localhost\r\n%sContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 1000000\r\n\r\n"+
						"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"half.txt\"\r\n\r\n%s", path, header, strings.Repeat("half a line", 1000)); err != nil {
						t.Fatal(err)
					}
				}
				eventually(t, "half of both files has come", func() bool { _, incoming := m.uploads(l.agent); return incoming == 2 })
				s.kill()
				s = m.start()
				if _, left := m.uploads(l.agent); left > 0 {
					t.Errorf("%d parts of files are left", left)
				}
				m.must(200, "POST", path, []byte(key), nil, "Idempotency-Key", key)
				m.must(200, "POST", path, []byte(key), nil, "Idempotency-Key", key)
				if kept, left := m.uploads(l.agent); kept != before+round+1 || left > 0 {
					t.Errorf("%d files and %d parts of files are there, want %d files", kept, left, before+round+1)
				}
			}
		})
	}
}

// A server that is stopped as operators stop it exits with 0, and loses nothing either.
func TestStop(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	s := m.start()
	l := newLoad(m)
	for range *rounds {
		l.more(20)
		if code := s.stop(); code != 0 {
			t.Errorf("exit code %d", code)
		}
		s = m.start()
	}
	l.check(t)
	s.stop()
	m.checkIntegrity()
}

// lease is how long a process holds a turn without renewing it.
const lease = 15 * time.Second

// A server that is suspended longer than the lease of the answer that it is writing wakes up, and completes it.
func TestSuspendInTheMiddleOfAnAnswer(t *testing.T) {
	t.Parallel()
	for range *rounds {
		m := newMachine(t, "BUILTIN_STREAM_DELAY_MS=100")
		s := m.start()
		l := newLoad(m)
		l.finish()
		var channels []string
		for range 3 {
			user := uuid.NewString()
			var channel struct{ Data struct{ ID string } }
			m.must(200, "GET", "/api/messaging/dm-channel?targetUserId="+l.agent+"&currentUserId="+user, nil, &channel)
			m.must(201, "POST", "/api/messaging/channels/"+channel.Data.ID+"/messages", map[string]any{"author_id": user, "content": "hello"}, nil)
			channels = append(channels, channel.Data.ID)
		}
		eventually(t, "the answers are under way", func() bool {
			var list struct {
				Data struct{ Runs []struct{ StartedAt int64 } }
			}
			m.must(200, "GET", "/api/agents/"+l.agent+"/runs?status=started", nil, &list)
			return len(list.Data.Runs) > 0
		})
		s.signal(syscall.SIGSTOP)
		<-time.After(lease + time.Second) // what passes here is the lease, on the server's clock
		s.signal(syscall.SIGCONT)
		for _, channel := range channels {
			l.checkChannel(t, channel, nil)
		}
		s.alive()
		if strings.Contains(s.output.String(), "panic") {
			t.Error("something panicked")
		}
	}
}

// Sockets that have stopped reading do not delay others.
func TestStuckReaders(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	s := m.start()
	l := newLoad(m)
	for range 20 * *rounds {
		conn, err := net.Dial("tcp", strings.TrimPrefix(m.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		body := `{"agentId":"` + l.agent + `","userId":"` + uuid.NewString() + `","content":"Tell me"}`
		request := "POST /api/messaging/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "
		if _, err := conn.Write([]byte(request + itoa(len(body)) + "\r\n\r\n" + body + "GET /api/server/logs?limit=1000 HTTP/1.1\r\nHost: localhost\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
	}
	l.more(20)
	l.check(t)
	s.alive()
}

// A server without a free file descriptor serves connected clients, and all when there are descriptors again.
func TestNoMoreDescriptors(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.wrap = []string{"/bin/sh", "-c", `ulimit -n 64 && exec "$0"`}
	s := m.start()
	l := newLoad(m)
	l.more(10)
	var idle []net.Conn
	for range 100 {
		conn, err := net.Dial("tcp", strings.TrimPrefix(m.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		idle = append(idle, conn)
	}
	l.more(5)
	for _, conn := range idle {
		_ = conn.Close()
	}
	l.more(20)
	l.check(t)
	s.alive()
}

package main

import (
	"context"
	"net/http"
	"net/http/httptrace"
	"strings"
	"testing"
	"time"
)

// TestEngineIO is the suite of Engine.IO, protocol 4.
func TestEngineIO(t *testing.T) {
	t.Parallel()
	transportSuite(t, "/engine.io/")
	t.Run("message over polling", func(t *testing.T) {
		t.Parallel()
		t.Run("one text packet", func(t *testing.T) {
			p := newPeer(t, "/engine.io/")
			q, _ := p.session()
			p.want("POST", q, "4hello", 200, "ok")
			p.polls(q, "4hello")
		})
		t.Run("several text packets", func(t *testing.T) {
			p := newPeer(t, "/engine.io/")
			q, _ := p.session()
			p.want("POST", q, "4test1\x1e4test2\x1e4test3", 200, "ok")
			p.polls(q, "4test1\x1e4test2\x1e4test3")
		})
		t.Run("text and binary packets", func(t *testing.T) {
			p := newPeer(t, "/engine.io/")
			q, _ := p.session()
			p.want("POST", q, "4hello\x1ebAQIDBA==", 200, "ok")
			p.polls(q, "4hello\x1ebAQIDBA==")
		})
		t.Run("an invalid packet ends the session", func(t *testing.T) {
			p := newPeer(t, "/engine.io/")
			q, _ := p.session()
			if status, _ := p.must("POST", q, "abc"); status != http.StatusBadRequest {
				t.Errorf("status %d", status)
			}
			if status, _ := p.must("GET", q, ""); status != http.StatusBadRequest {
				t.Errorf("the session lives: %d", status)
			}
		})
		t.Run("a second poll ends the session", func(t *testing.T) {
			p := newPeer(t, "/engine.io/")
			q, _ := p.session()
			statuses := make(chan int, 2)
			for range cap(statuses) {
				go func() {
					status, _, err := p.request(t.Context(), "GET", q, "")
					if err != nil {
						status = -1
					}
					statuses <- status
				}()
			}
			if a, b := <-statuses, <-statuses; a+b != http.StatusOK+http.StatusBadRequest {
				t.Errorf("statuses %d and %d", a, b)
			}
		})
		t.Run("an abandoned poll ends the session", func(t *testing.T) {
			p := newPeer(t, "/engine.io/")
			q, _ := p.session()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			sent := func(httptrace.WroteRequestInfo) { cancel() } // the server finds that the client of the request has gone
			ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteRequest: sent})
			if _, _, err := p.request(ctx, "GET", q, ""); err == nil {
				t.Fatal("the poll was answered")
			}
			p.eventually(func() bool {
				status, _ := p.must("POST", q, "4x")
				return status == http.StatusBadRequest
			})
		})
	})
	t.Run("message over websocket", func(t *testing.T) {
		t.Parallel()
		t.Run("text", func(t *testing.T) {
			s := newPeer(t, "/engine.io/").socket()
			s.write("4hello")
			s.want("4hello")
		})
		t.Run("binary", func(t *testing.T) {
			s := newPeer(t, "/engine.io/").socket()
			s.writeBytes(1, 2, 3, 4)
			s.wantBytes(1, 2, 3, 4)
		})
		t.Run("an invalid packet ends the session", func(t *testing.T) {
			s := newPeer(t, "/engine.io/").socket()
			s.write("abc")
			s.closes()
		})
	})
}

// eventually asks until a condition holds.
func (p peer) eventually(happened func() bool) {
	p.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.NewTimer(soon)
	defer deadline.Stop()
	for !happened() {
		select {
		case <-tick.C:
		case <-deadline.C:
			p.t.Fatal("it does not happen")
		}
	}
}

// transportSuite is what both suites test of the transports: 7 cases of the handshake, 4 of the heartbeat, 2 of closing and 3
// of the upgrade.
func transportSuite(t *testing.T, path string) {
	t.Run("handshake over polling", func(t *testing.T) {
		t.Parallel()
		t.Run("opens a session", func(t *testing.T) {
			p := newTimedPeer(t, path, suiteTimeouts)
			status, packet := p.must("GET", polling, "")
			if status != http.StatusOK {
				t.Errorf("status %d", status)
			}
			p.readOpening(packet, "websocket")
		})
		for name, queries := range map[string][]string{
			"wrong EIO":       {"?transport=polling", "?EIO=abc&transport=polling"},
			"wrong transport": {"?EIO=4", "?EIO=4&transport=abc"},
		} {
			t.Run(name, func(t *testing.T) {
				p := newPeer(t, path)
				for _, q := range queries {
					if status, _ := p.must("GET", q, ""); status != http.StatusBadRequest {
						t.Errorf("%s: status %d", q, status)
					}
				}
			})
		}
		t.Run("wrong method", func(t *testing.T) {
			p := newPeer(t, path)
			for _, method := range []string{"POST", "PUT"} {
				if status, _ := p.must(method, polling, ""); status != http.StatusBadRequest {
					t.Errorf("%s: status %d", method, status)
				}
			}
		})
	})
	t.Run("handshake over websocket", func(t *testing.T) {
		t.Parallel()
		t.Run("opens a session", func(t *testing.T) { newTimedPeer(t, path, suiteTimeouts).socket() })
		for name, queries := range map[string][]string{
			"wrong EIO":       {"?transport=websocket", "?EIO=abc&transport=websocket"},
			"wrong transport": {"?EIO=4", "?EIO=4&transport=abc"},
		} {
			t.Run(name, func(t *testing.T) {
				p := newPeer(t, path)
				for _, q := range queries {
					if _, err := p.dial(q); err == nil {
						t.Errorf("%s: accepted", q)
					}
				}
			})
		}
	})
	t.Run("heartbeat over polling", func(t *testing.T) {
		t.Parallel()
		t.Run("pings", func(t *testing.T) {
			p := newPeer(t, path)
			q, _ := p.session()
			for range 3 {
				p.want("GET", q, "", 200, "2")
				p.want("POST", q, "3", 200, "ok")
			}
		})
		t.Run("silence ends the session", func(t *testing.T) {
			p := newTimedPeer(t, path, timeouts{pong: suiteTimeouts.pong, connect: soon})
			q, _ := p.session()
			<-time.After(pingInterval + suiteTimeouts.pong)
			p.eventually(func() bool {
				status, _ := p.must("GET", q, "")
				return status == http.StatusBadRequest
			})
		})
	})
	t.Run("heartbeat over websocket", func(t *testing.T) {
		t.Parallel()
		t.Run("pings", func(t *testing.T) {
			s := newPeer(t, path).socket()
			for range 3 {
				if packet := s.read(); packet != "2" {
					t.Fatalf("packet %q", packet)
				}
				s.write("3")
			}
		})
		t.Run("silence ends the session", func(t *testing.T) {
			s := newTimedPeer(t, path, timeouts{pong: suiteTimeouts.pong, connect: soon}).socket()
			if took := s.closes(); took < pingInterval {
				t.Errorf("after %v already", took)
			}
		})
	})
	t.Run("close", func(t *testing.T) {
		t.Parallel()
		t.Run("over polling", func(t *testing.T) {
			p := newPeer(t, path)
			q, _ := p.session()
			polled := make(chan string, 1)
			go func() {
				status, body, err := p.request(t.Context(), "GET", q, "")
				if err != nil || status != http.StatusOK {
					body = "failed"
				}
				polled <- strings.TrimPrefix(body, "2\x1e")
			}()
			p.want("POST", q, "1", 200, "ok")
			if body := <-polled; body != "6" && body != "2" && body != "failed" { // a ping may have come before the end, or the poll after it
				t.Errorf("the open poll got %q", body)
			}
			if status, _ := p.must("GET", q, ""); status != http.StatusBadRequest {
				t.Errorf("the session lives: %d", status)
			}
		})
		t.Run("over websocket", func(t *testing.T) {
			s := newPeer(t, path).socket()
			s.write("1")
			s.closes()
		})
	})
	t.Run("upgrade", func(t *testing.T) {
		t.Parallel()
		upgrade := func(t *testing.T) (peer, socket, string) {
			t.Helper()
			p := newPeer(t, path)
			q, sid := p.session()
			s, err := p.dial(upgraded + "&sid=" + sid)
			if err != nil {
				t.Fatal(err)
			}
			s.write("2probe")
			s.want("3probe")
			s.write("5")
			return p, s, q
		}
		t.Run("succeeds", func(t *testing.T) {
			_, s, _ := upgrade(t)
			if strings.HasPrefix(path, "/engine.io") {
				s.write("4hello")
				s.want("4hello")
				return
			}
			s.write("40")
			if packet := s.next(); !strings.HasPrefix(packet, "40{") {
				t.Errorf("packet %q", packet)
			}
		})
		t.Run("polling is over", func(t *testing.T) {
			p, s, q := upgrade(t)
			p.eventually(func() bool { // a poll that comes before the switch gets a noop
				status, _ := p.must("GET", q, "")
				return status == http.StatusBadRequest
			})
			lives(s, path)
		})
		t.Run("a second websocket is refused", func(t *testing.T) {
			p, s, q := upgrade(t)
			second, err := p.dial(upgraded + q[strings.Index(q, "&sid"):])
			if err == nil {
				second.closes()
			}
			lives(s, path)
		})
	})
}

// lives checks that a session still works.
func lives(s socket, path string) {
	s.t.Helper()
	if strings.HasPrefix(path, "/engine.io") {
		s.write("4still here")
		s.want("4still here")
		return
	}
	s.write("40")
	if packet := s.next(); !strings.HasPrefix(packet, "40{") {
		s.t.Errorf("packet %q", packet)
	}
}

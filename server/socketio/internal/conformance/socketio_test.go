package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// TestSocketIO is the suite of Socket.IO, protocol 5.
func TestSocketIO(t *testing.T) {
	t.Parallel()
	transportSuite(t, "/socket.io/")
	t.Run("connect", func(t *testing.T) {
		t.Parallel()
		for name, c := range map[string]struct{ packet, prefix, auth string }{
			"main namespace":                  {"40", "40", `{}`},
			"main namespace with a payload":   {`40{"token":"123"}`, "40", `{"token":"123"}`},
			"custom namespace":                {"40/custom,", "40/custom,", `{}`},
			"custom namespace with a payload": {`40/custom,{"token":"abc"}`, "40/custom,", `{"token":"abc"}`},
		} {
			t.Run(name, func(t *testing.T) {
				s := newPeer(t, "/socket.io/").socket()
				connect(s, c.packet, c.prefix, c.auth)
			})
		}
		t.Run("unknown namespace", func(t *testing.T) {
			s := newPeer(t, "/socket.io/").socket()
			s.write("40/random")
			s.want(`44/random,{"message":"Invalid namespace"}`)
		})
		t.Run("an invalid handshake ends the connection", func(t *testing.T) {
			s := newPeer(t, "/socket.io/").socket()
			s.write("4abc")
			s.closes()
		})
		t.Run("no handshake ends the connection", func(t *testing.T) {
			s := newTimedPeer(t, "/socket.io/", timeouts{pong: soon, connect: suiteTimeouts.connect}).socket()
			begin := time.Now()
			closed := make(chan struct{})
			go func() {
				defer close(closed)
				for {
					_, data, err := s.conn.Read(s.t.Context())
					if err != nil {
						return
					}
					if string(data) == "2" {
						_ = s.conn.Write(s.t.Context(), 1, []byte("3"))
					}
				}
			}()
			select {
			case <-closed:
			case <-time.After(soon):
				t.Fatal("the connection stays open")
			}
			if took := time.Since(begin); took < 900*time.Millisecond {
				t.Errorf("after %v already", took)
			}
		})
	})
	t.Run("disconnect", func(t *testing.T) {
		t.Parallel()
		t.Run("from the main namespace", func(t *testing.T) {
			s := connected(t)
			s.write("41")
			if packet := s.read(); packet != "2" { // nothing but the heartbeat follows
				t.Errorf("packet %q", packet)
			}
		})
		t.Run("from a custom namespace", func(t *testing.T) {
			s := connected(t)
			connect(s, "40/custom", "40/custom,", `{}`)
			s.write("41/custom")
			s.write(`42["message","message to main namespace"]`)
			s.want(`42["message-back","message to main namespace"]`)
		})
	})
	t.Run("message", func(t *testing.T) {
		t.Parallel()
		t.Run("text", func(t *testing.T) {
			s := connected(t)
			s.write(`42["message",1,"2",{"3":[true]}]`)
			s.want(`42["message-back",1,"2",{"3":[true]}]`)
		})
		t.Run("binary", func(t *testing.T) {
			s := connected(t)
			s.write(`452-["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`)
			s.writeBytes(1, 2, 3)
			s.writeBytes(4, 5, 6)
			s.want(`452-["message-back",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`)
			s.wantBytes(1, 2, 3)
			s.wantBytes(4, 5, 6)
		})
		t.Run("text with an acknowledgement", func(t *testing.T) {
			s := connected(t)
			s.write(`42456["message-with-ack",1,"2",{"3":[false]}]`)
			s.want(`43456[1,"2",{"3":[false]}]`)
		})
		t.Run("binary with an acknowledgement", func(t *testing.T) {
			s := connected(t)
			s.write(`452-789["message-with-ack",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`)
			s.writeBytes(1, 2, 3)
			s.writeBytes(4, 5, 6)
			s.want(`462-789[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`)
			s.wantBytes(1, 2, 3)
			s.wantBytes(4, 5, 6)
		})
		for name, packet := range map[string]string{
			"an unknown packet type ends the connection": "4abc",
			"an invalid payload ends the connection":     "42{}",
			"an invalid ack id ends the connection":      `42abc["message-with-ack",1]`,
		} {
			t.Run(name, func(t *testing.T) {
				s := connected(t)
				s.write(packet)
				s.closes()
			})
		}
	})
}

// connect joins a namespace and checks the answers: the socket's id, and the event with the payload.
func connect(s socket, packet, prefix, auth string) {
	s.t.Helper()
	s.write(packet)
	answer := s.next()
	var accepted map[string]string
	raw, ok := strings.CutPrefix(answer, prefix)
	if !ok || json.Unmarshal([]byte(raw), &accepted) != nil || len(accepted) != 1 || accepted["sid"] == "" {
		s.t.Fatalf("answer %q", answer)
	}
	s.want("42" + prefix[2:] + `["auth",` + auth + "]")
}

// connected returns a connection that has joined the main namespace.
func connected(t *testing.T) socket {
	t.Helper()
	s := newPeer(t, "/socket.io/").socket()
	connect(s, "40", "40", `{}`)
	return s
}

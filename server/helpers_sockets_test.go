package server_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/google/uuid"
)

// dial opens a WebSocket.
func (n *node) dial(path string) *websocket.Conn {
	n.t.Helper()
	conn, resp, err := websocket.Dial(n.t.Context(), "ws"+strings.TrimPrefix(n.http.URL, "http")+path, nil)
	if err != nil {
		n.t.Fatalf("%q: %v", path, err)
	}
	if resp.Body != nil {
		_ = resp.Body.Close()
	}
	n.t.Cleanup(func() { _ = conn.CloseNow() })
	return conn
}

// hear reads the next frame, "" at the end of the connection.
func (n *node) hear(conn *websocket.Conn) string {
	_, raw, err := conn.Read(n.t.Context())
	if err != nil {
		return ""
	}
	return string(raw)
}

// write sends a frame.
func (n *node) write(conn *websocket.Conn, text string) {
	n.t.Helper()
	if err := conn.Write(n.t.Context(), websocket.MessageText, []byte(text)); err != nil {
		n.t.Error(err)
	}
}

// plain opens a plain WebSocket and sends a frame.
func (n *node) plain(frame map[string]any) *websocket.Conn {
	n.t.Helper()
	conn := n.dial("/ws")
	n.write(conn, string(jsonOf(frame)))
	return conn
}

// listen joins a channel over Socket.IO.
func (n *node) listen(channel, user uuid.UUID) *websocket.Conn {
	n.t.Helper()
	conn := n.dial("/socket.io/?EIO=4&transport=websocket")
	n.write(conn, "40"+string(jsonOf(map[string]any{"entityId": user})))
	for readEvent(n.t, conn).name != "connection_established" {
		continue
	}
	n.emit(conn, "1", map[string]any{"channelId": channel, "entityId": user})
	for readEvent(n.t, conn).name != "channel_joined" {
		continue
	}
	return conn
}

// emit sends an event over Socket.IO.
func (n *node) emit(conn *websocket.Conn, event string, payload any) {
	n.t.Helper()
	n.write(conn, "42"+string(jsonOf([]any{event, payload})))
}

// socketEvent is what came over Socket.IO, with the members that tests look at.
type socketEvent struct {
	name                                string
	payload                             json.RawMessage
	MessageID, Status, SenderID, Reason string
}

// readEvent returns the next event of a Socket.IO connection, and answers pings meanwhile.
func readEvent(t testing.TB, conn *websocket.Conn) (e socketEvent) {
	t.Helper()
	for {
		_, raw, err := conn.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if string(raw) == "2" {
			if err := conn.Write(t.Context(), websocket.MessageText, []byte("3")); err != nil {
				t.Fatal(err)
			}
			continue
		}
		packet, isEvent := strings.CutPrefix(string(raw), "42")
		if !isEvent {
			continue
		}
		var parts []json.RawMessage
		if err := json.Unmarshal([]byte(packet), &parts); err != nil || len(parts) < 2 || json.Unmarshal(parts[0], &e.name) != nil {
			t.Fatalf("read %s: %v", raw, err)
		}
		_ = json.Unmarshal(parts[1], &e) // some events carry a text
		e.payload = parts[1]
		return e
	}
}

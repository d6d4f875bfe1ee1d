package server_test

import (
	"encoding/json"
	"testing"

	"github.com/coder/websocket"
	"github.com/google/uuid"
)

// TestPlainWebSocket talks as the product's README shows, with and without the path.
func TestPlainWebSocket(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	for _, path := range []string{"/ws", "/", ""} {
		conn := n.dial(path)
		n.write(conn, string(jsonOf(map[string]any{"type": "message", "agentId": n.agentID(), "content": "Hello", "messageId": uuid.New()})))
		answered := false
		for !answered {
			_, raw, err := conn.Read(t.Context())
			if err != nil {
				t.Fatalf("%q: %v", path, err)
			}
			var f struct {
				Type, AgentID, Content string
				Partial                bool
			}
			if err := json.Unmarshal(raw, &f); err != nil {
				t.Fatal(err)
			}
			answered = f.Type == "message" && f.AgentID == n.agentID().String() && !f.Partial && f.Content != ""
		}
		_ = conn.Close(websocket.StatusNormalClosure, "")
	}
}

// TestPlainActions asks for actions by name: one that the agent has, and one that nobody has.
func TestPlainActions(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	conn := n.dial("/ws")
	for action, want := range map[string]string{"MUTE_ROOM": "completed", "FLY": "failed"} {
		n.write(conn, string(jsonOf(map[string]any{"type": "action", "agentId": n.agentID(), "action": action})))
		var told []string
		for len(told) < 2 {
			_, raw, err := conn.Read(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var f struct{ Type, Action, Status, Error string }
			if err := json.Unmarshal(raw, &f); err != nil {
				t.Fatal(err)
			}
			if f.Type == "error" {
				t.Fatalf("%s: %s", action, raw)
			}
			if f.Type == "action" && f.Action == action {
				told = append(told, f.Status)
				if (f.Status == "failed") != (f.Error != "") {
					t.Errorf("%s: %s", action, raw)
				}
			}
		}
		if told[0] != "started" || told[1] != want {
			t.Errorf("%s: %v", action, told)
		}
	}
}

// TestPlainAgentStatus follows an agent that is stopped, started and deleted over REST.
func TestPlainAgentStatus(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	p := n.peer(t, doors()[1])
	n.stopAgent(n.agentID())
	p.until(`"status":"inactive"`)
	n.startAgent(n.agentID())
	p.until(`"status":"active"`)
	n.read(n.api().DeleteAgent(t.Context(), n.agentID())).want(204)
	p.until(`"agents":[]`)
}

// TestSocketsAreSentAway stops a server on which clients are: both doors say that they may come back.
func TestSocketsAreSentAway(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	var peers []*wsPeer
	for _, d := range doors() {
		peers = append(peers, n.peer(t, d))
	}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		n.stop()
	}()
	for i, p := range peers {
		if status := p.closed(); status != 1001 {
			t.Errorf("%s: closed with %d", doors()[i].name, status)
		}
	}
	<-stopped
}

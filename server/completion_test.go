package server_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/elizad/elizad/server/internal/modeltest"
)

// TestEveryMessageIsCompletedOnce listens as the web client does, which locks its input until messageComplete: the event comes
// once for each message, whatever became of it, and after what the agent says.
func TestEveryMessageIsCompletedOnce(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		script modeltest.Script
		status string
	}{
		"answered": {modeltest.Frame("It is raining."), "replied"},
		"ignored":  {modeltest.Say("<response><thought>t</thought><actions>IGNORE</actions><providers></providers><text></text></response>"), "ignored"},
		"failed":   {modeltest.Fail(401, "Incorrect API key provided"), "failed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := modeltest.New(t, func(modeltest.Request) modeltest.Script { return tt.script })
			n := start(t, t.TempDir(), "OPENAI_BASE_URL="+m.URL, "OPENAI_API_KEY=key")
			channel, user := n.dm()
			conn := n.listen(channel, user)
			var asked []string
			for range 2 {
				asked = append(asked, data[wireMessage](n.do("POST", "/api/messaging/channels/"+channel+"/messages", map[string]any{"author_id": user, "content": "Hello"}).want(201)).ID)
			}
			var completed []string
			replies := 0
			for len(completed) < len(asked) {
				e := readEvent(t, conn)
				switch e.name {
				case "messageBroadcast":
					if e.SenderID != user {
						replies++
					}
				case "messageComplete":
					completed = append(completed, e.MessageID)
					if e.Status != tt.status || tt.status == "replied" && replies != len(completed) {
						t.Errorf("end %d after %d replies: %+v", len(completed), replies, e)
					}
				}
			}
			if strings.Join(completed, " ") != strings.Join(asked, " ") {
				t.Errorf("asked %v, completed %v", asked, completed)
			}
		})
	}
}

// listen joins a channel over Socket.IO.
func (n *node) listen(channel, user string) *websocket.Conn {
	n.t.Helper()
	conn, resp, err := websocket.Dial(n.t.Context(), "ws"+strings.TrimPrefix(n.http.URL, "http")+"/socket.io/?EIO=4&transport=websocket", nil)
	if err != nil {
		n.t.Fatal(err)
	}
	if resp.Body != nil {
		_ = resp.Body.Close()
	}
	n.t.Cleanup(func() { _ = conn.CloseNow() })
	send := func(packet string, payload any) {
		raw, err := json.Marshal(payload)
		if err == nil {
			err = conn.Write(n.t.Context(), websocket.MessageText, append([]byte(packet), raw...))
		}
		if err != nil {
			n.t.Fatal(err)
		}
	}
	send("40", map[string]any{"entityId": user})
	for readEvent(n.t, conn).name != "connection_established" {
		continue
	}
	send("42", []any{"1", map[string]any{"channelId": channel, "entityId": user}})
	for readEvent(n.t, conn).name != "channel_joined" {
		continue
	}
	return conn
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

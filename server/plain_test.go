package server_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/google/uuid"
)

// TestPlainWebSocket talks as the product's README shows, with and without the path.
func TestPlainWebSocket(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	for _, path := range []string{"/ws", "/", ""} {
		conn, resp, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(n.http.URL, "http")+path, nil)
		if err != nil {
			t.Fatalf("%q: %v", path, err)
		}
		if resp.Body != nil {
			_ = resp.Body.Close()
		}
		question, err := json.Marshal(map[string]any{"type": "message", "agentId": n.agent().ID, "content": "Hello", "messageId": uuid.NewString()})
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.Write(t.Context(), websocket.MessageText, question); err != nil {
			t.Fatal(err)
		}
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
			answered = f.Type == "message" && f.AgentID == n.agent().ID && !f.Partial && f.Content != ""
		}
		_ = conn.Close(websocket.StatusNormalClosure, "")
	}
}

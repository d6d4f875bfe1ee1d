package server_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/elizad/elizad/gen/api"

	"github.com/google/uuid"
)

// JSON of the caller's own is bounded in size and depth wherever it is stored, and the refusal names the bound.
func TestMetadataIsBounded(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	const m = "/api/messaging/"
	agentID, user := n.agentID(), uuid.New()
	channel, _ := n.dm()
	deep := json.RawMessage(`{"a":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `}`)
	of := func(size int) map[string]any { return map[string]any{"a": strings.Repeat("x", size)} }
	with := func(name string, value any, rest map[string]any) map[string]any {
		body := map[string]any{name: value}
		for key, v := range rest {
			body[key] = v
		}
		return body
	}
	session := n.sessionOf(user).SessionID
	world := data[api.WorldResult](n.createWorld(agentID, api.CreateWorldRequest{Name: new("World")}).want(201)).WorldID
	message := map[string]any{"author_id": user, "content": "Hello"}
	there := map[string]any{"channel_id": channel, "author_id": user, "content": "Hello"}
	const message1M, place, small = "1048576", "65536", ""
	for _, c := range []struct { // sent raw: no valid request says this
		name, method, path, field string
		rest                      map[string]any
		bound                     string
	}{
		{"a message's metadata", "POST", m + "channels/" + channel.String() + "/messages", "metadata", message, message1M},
		{"a message's raw form", "POST", m + "channels/" + channel.String() + "/messages", "raw_message", message, message1M},
		{"what a message mentions", "POST", m + "channels/" + channel.String() + "/messages", "mentionContext", message, message1M},
		{"a submitted message", "POST", m + "submit", "metadata", there, message1M},
		{"an action", "POST", m + "action", "metadata", there, message1M},
		{"a message from elsewhere", "POST", m + "ingest-external", "metadata", there, message1M},
		{"a message of a session", "POST", m + "sessions/" + session.String() + "/messages", "metadata", map[string]any{"content": "Hello"}, small},
		{"a session", "POST", m + "sessions", "metadata", map[string]any{"agentId": agentID, "userId": user}, small},
		{"a job", "POST", m + "jobs", "metadata", map[string]any{"userId": user, "content": "Hello"}, small},
		{"a channel", "POST", m + "channels", "metadata", map[string]any{"name": "x", "message_server_id": uuid.Nil}, place},
		{"a change of a channel", "PATCH", m + "channels/" + channel.String(), "metadata", nil, place},
		{"a message server", "POST", m + "message-servers", "metadata", map[string]any{"name": "x", "sourceType": "x"}, place},
		{"a world", "POST", "/api/agents/" + agentID.String() + "/worlds", "metadata", map[string]any{"name": "x"}, place},
		{"a change of a world", "PATCH", "/api/agents/" + agentID.String() + "/worlds/" + world.String(), "metadata", nil, place},
		{"a room", "POST", "/api/agents/" + agentID.String() + "/rooms", "metadata", map[string]any{"name": "x"}, place},
	} {
		size := 1 << 20
		if c.bound != message1M {
			size = 64 << 10
		}
		large := n.do(c.method, c.path, with(c.field, of(size), c.rest))
		if e := into[api.Error](large).Error; large.status != 400 || !strings.Contains(e.Message, c.field) || !strings.Contains(e.Message, c.bound) || !strings.Contains(e.Message, "bytes") {
			t.Errorf("%s, too large: status %d, %.300s", c.name, large.status, large.body)
		}
		nested := n.do(c.method, c.path, with(c.field, deep, c.rest))
		if e := into[api.Error](nested).Error; nested.status != 400 || !strings.Contains(e.Message, "nest at most 64 deep") {
			t.Errorf("%s, too deep: status %d, %.300s", c.name, nested.status, nested.body)
		}
	}

	// What is merged into what is there counts with it.
	for range 2 {
		n.read(n.api().UpdateChannel(t.Context(), channel, nil, api.ChannelPatch{Metadata: jsonOf(of(40 << 10))})).want(200)
	}
	n.changeWorld(agentID, world, api.WorldPatch{Metadata: jsonOf(of(40 << 10))}).want(200)
	both := n.changeWorld(agentID, world, api.WorldPatch{Metadata: jsonOf(map[string]any{"b": strings.Repeat("x", 40<<10)})})
	if e := into[api.Error](both).Error; both.status != 400 || !strings.Contains(e.Message, "65536") {
		t.Errorf("merged: status %d, %.300s", both.status, both.body)
	}

	conn := n.plain(map[string]any{"type": "message", "channelId": channel, "content": "Hello", "metadata": deep, "messageId": "m1"})
	for {
		_, raw, err := conn.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var frame struct{ Type, Error string }
		if err := json.Unmarshal(raw, &frame); err != nil {
			t.Fatal(err)
		}
		if frame.Type == "error" {
			if !strings.Contains(frame.Error, "nest at most 64 deep") {
				t.Errorf("plain: %s", raw)
			}
			break
		}
	}
}

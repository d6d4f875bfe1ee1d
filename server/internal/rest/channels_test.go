package rest_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

func TestChannels(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.addAgent(t, eliza)
	created := f.call(t, "POST", "/api/messaging/channels", map[string]any{
		"name": "Book club", "server_id": uuid.Nil, "type": "group", "turnPolicy": "latest",
		"metadata": map[string]any{"colour": "red", "participantCentralUserIds": []any{alice}},
	})
	if created.status != 201 {
		t.Fatal(created.raw)
	}
	c := created.data()
	want := map[string]any{"colour": "red", "participantCentralUserIds": []any{alice.String()}}
	if c["type"] != "GROUP" || c["turnPolicy"] != "latest" || !cmp.Equal(c["metadata"], want) {
		t.Errorf("created: %v", c)
	}
	base := "/api/messaging/channels/" + c["id"].(string)

	if got := f.call(t, "POST", base+"/agents", map[string]any{"agentId": eliza}); got.status != 201 || got.data()["agentId"] != eliza.String() {
		t.Errorf("add agent: %s", got.raw)
	}
	if got := f.call(t, "POST", base+"/agents", map[string]any{"agentId": uuid.New()}); got.status != 404 {
		t.Errorf("add an unknown agent: %d", got.status)
	}
	got := f.call(t, "GET", base+"/agents", nil)
	if !cmp.Equal(got.data()["agents"], []any{eliza.String()}) || !cmp.Equal(got.data()["participants"], []any{alice.String(), eliza.String()}) {
		t.Errorf("agents: %s", got.raw)
	}
	if got := f.call(t, "GET", base+"/participants", nil); !cmp.Equal(got.body["data"], []any{alice.String(), eliza.String()}) {
		t.Errorf("participants: %s", got.raw)
	}

	// A client sends back what it read, with one thing changed: the injected list is not stored, and no member is lost.
	meta := f.call(t, "GET", base+"/details", nil).data()["metadata"].(map[string]any)
	meta["colour"] = "blue"
	patched := f.call(t, "PATCH", base, map[string]any{"metadata": meta, "topic": "Dune", "name": nil})
	if patched.data()["name"] != "Book club" || patched.data()["topic"] != "Dune" {
		t.Errorf("patched: %s", patched.raw)
	}
	merged := f.call(t, "PATCH", base+"?merge=true", map[string]any{"metadata": map[string]any{"size": 3}})
	want = map[string]any{"colour": "blue", "size": 3.0, "participantCentralUserIds": []any{alice.String(), eliza.String()}}
	if diff := cmp.Diff(want, merged.data()["metadata"]); diff != "" {
		t.Errorf("metadata (-want +got):\n%s", diff)
	}
	listed := f.call(t, "GET", "/api/messaging/message-servers/"+uuid.Nil.String()+"/channels", nil)
	channels := listed.data()["channels"].([]any)
	if len(channels) != 1 || !cmp.Equal(channels[0].(map[string]any)["metadata"], map[string]any{"colour": "blue", "size": 3.0}) {
		t.Errorf("list: %s", listed.raw)
	}
	if got := f.call(t, "PATCH", base, map[string]any{"participantCentralUserIds": []any{}}); !cmp.Equal(got.data()["metadata"].(map[string]any)["participantCentralUserIds"], []any{}) {
		t.Errorf("all removed: %s", got.raw)
	}

	if got := f.call(t, "DELETE", base+"/agents/"+eliza.String(), nil); got.status != 404 {
		t.Errorf("removing who takes no part: %d", got.status)
	}
	if got := f.call(t, "DELETE", base, nil); got.status != 204 {
		t.Errorf("delete: %d", got.status)
	}
	if got := f.call(t, "GET", base+"/details", nil); got.status != 404 || got.code() != "NOT_FOUND" {
		t.Errorf("after delete: %d", got.status)
	}
}

func TestDMChannel(t *testing.T) {
	t.Parallel()
	f := setup(t)
	path := fmt.Sprintf("/api/messaging/dm-channel?targetUserId=%s", eliza)
	first := f.call(t, "GET", path+"&currentUserId="+alice.String()+"&dmServerId="+uuid.NewString(), nil)
	if first.status != 200 || first.data()["type"] != "DM" {
		t.Fatal(first.raw)
	}
	if again := f.call(t, "GET", path, nil); again.data()["id"] != first.data()["id"] { // the caller is Alice
		t.Errorf("another channel: %s", again.raw)
	}
	for name, tt := range map[string]struct{ query, code string }{
		"oneself":   {"?targetUserId=" + alice.String(), "VALIDATION_ERROR"},
		"no target": {"", "INVALID_REQUEST"},
		"no id":     {"?targetUserId=bob", "INVALID_ID"},
	} {
		if got := f.call(t, "GET", "/api/messaging/dm-channel"+tt.query, nil); got.status != 400 || got.code() != tt.code {
			t.Errorf("%s: %d %s", name, got.status, got.raw)
		}
	}
}

func TestMessageServers(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.addAgent(t, eliza)
	if got := f.call(t, "GET", "/api/messaging/message-server/current", nil); got.data()["messageServerId"] != uuid.Nil.String() {
		t.Errorf("current: %s", got.raw)
	}
	created := f.call(t, "POST", "/api/messaging/message-servers", map[string]any{"name": "Club", "sourceType": "discord", "sourceId": "1", "metadata": nil})
	if created.status != 201 || created.data()["name"] != "Club" {
		t.Fatal(created.raw)
	}
	nested := created.data()["server"].(map[string]any)
	if nested["id"] != created.data()["id"] || nested["sourceId"] != "1" {
		t.Errorf("created: %s", created.raw)
	}
	if got := f.call(t, "POST", "/api/messaging/message-servers", map[string]any{"name": "Club", "sourceType": "discord", "sourceId": "1"}); got.status != 409 {
		t.Errorf("the same source twice: %d", got.status)
	}
	if got := f.call(t, "GET", "/api/messaging/message-servers", nil); len(got.data()["messageServers"].([]any)) != 2 {
		t.Errorf("list: %s", got.raw)
	}
	base := "/api/messaging/message-servers/" + created.data()["id"].(string) + "/agents"
	if got := f.call(t, "POST", base, map[string]any{"agentId": eliza}); got.status != 201 {
		t.Errorf("add agent: %s", got.raw)
	}
	if got := f.call(t, "GET", base, nil); !cmp.Equal(got.data()["agents"], []any{eliza.String()}) {
		t.Errorf("agents: %s", got.raw)
	}
	if got := f.call(t, "GET", "/api/messaging/agents/"+eliza.String()+"/message-servers", nil); len(got.data()["messageServers"].([]any)) != 2 {
		t.Errorf("servers of the agent: %s", got.raw)
	}
	if got := f.call(t, "DELETE", base+"/"+eliza.String(), nil); got.status != 200 || got.data()["message"] == "" {
		t.Errorf("remove agent: %s", got.raw)
	}
	if got := f.call(t, "GET", base, nil); !cmp.Equal(got.data()["agents"], []any{}) {
		t.Errorf("agents after removal: %s", got.raw)
	}
}

package server_test

import (
	"fmt"
	"testing"

	"github.com/elizad/elizad/gen/api"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

// twice reads an answer whose data holds its own fields and, as the type declarations of ElizaOS' client have it, the same
// once more under success and data.
func twice(t *testing.T, a answer) map[string]any {
	t.Helper()
	outer := data[map[string]any](a)
	inner, _ := outer["data"].(map[string]any)
	if outer["success"] != true || inner == nil {
		t.Fatalf("the answer lacks what the client's types promise: %s", a.body)
	}
	delete(outer, "success")
	delete(outer, "data")
	if diff := cmp.Diff(outer, inner); diff != "" {
		t.Errorf("the second form differs (-first +second):\n%s", diff)
	}
	return outer
}

func TestAnswersInTheFormsOfTheClientsTypes(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	agent, user := n.agentID(), uuid.NewString()
	channel := n.group(user)
	base := "/api/messaging/channels/" + channel
	for _, a := range []answer{
		n.do("POST", base+"/agents", map[string]any{"agentId": agent}).want(201), n.do("DELETE", base+"/agents/"+agent, nil).want(200),
	} {
		if got := data[struct {
			Success            bool
			ChannelID, AgentID string
		}](a); !got.Success || got.ChannelID != channel || got.AgentID != agent {
			t.Errorf("%+v", got)
		}
	}
	changed := n.do("PATCH", base, map[string]any{"name": "Circle", "topic": "round things"}).want(200)
	if got := twice(t, changed); got["name"] != "Circle" || got["topic"] != "round things" {
		t.Errorf("changed %v", got)
	}
	read := n.do("GET", base+"/details", nil).want(200)
	if diff := cmp.Diff(data[map[string]any](read), twice(t, changed)); diff != "" {
		t.Errorf("the changed channel is read as another one (-read +changed):\n%s", diff)
	}
	if got, want := changed.header.Get("ETag"), read.header.Get("ETag"); got != want {
		t.Errorf("the ETag of the change is %s, that of the channel %s", got, want)
	}

	server := data[api.MessageServerCreated](n.do("POST", "/api/messaging/message-servers", map[string]any{"name": "Guild", "sourceType": "discord"}).want(201)).ID.String()
	agents := "/api/messaging/message-servers/" + server + "/agents"
	if got := twice(t, n.do("POST", agents, map[string]any{"agentId": agent}).want(201)); got["agentId"] != agent || got["messageServerId"] != server {
		t.Errorf("added %v", got)
	}
	if got := twice(t, n.do("GET", agents, nil).want(200)); fmt.Sprint(got["agents"]) != "["+agent+"]" {
		t.Errorf("agents %v", got)
	}
	if got := twice(t, n.do("GET", "/api/messaging/agents/"+agent+"/message-servers", nil).want(200)); len(got["messageServers"].([]any)) != 2 {
		t.Errorf("message servers %v", got)
	}
	if got := twice(t, n.do("DELETE", agents+"/"+agent, nil).want(200)); got["agentId"] != agent {
		t.Errorf("removed %v", got)
	}
}

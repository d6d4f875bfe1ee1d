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
	agent, user := n.agentID(), uuid.New()
	channel := n.group(user)
	ref := api.AgentRef{AgentID: agent}
	for _, a := range []answer{
		n.read(n.api().AddChannelAgent(t.Context(), channel, ref)).want(201), n.read(n.api().RemoveChannelAgent(t.Context(), channel, agent)).want(200),
	} {
		if got := data[api.ChannelAgent](a); !got.Success || got.ChannelID != channel || got.AgentID != agent {
			t.Errorf("%+v", got)
		}
	}
	changed := n.read(n.api().UpdateChannel(t.Context(), channel, nil, api.ChannelPatch{Name: new("Circle"), Topic: new("round things")})).want(200)
	if got := twice(t, changed); got["name"] != "Circle" || got["topic"] != "round things" {
		t.Errorf("changed %v", got)
	}
	read := n.read(n.api().GetChannel(t.Context(), channel)).want(200)
	if diff := cmp.Diff(data[map[string]any](read), twice(t, changed)); diff != "" {
		t.Errorf("the changed channel is read as another one (-read +changed):\n%s", diff)
	}
	if got, want := changed.header.Get("ETag"), read.header.Get("ETag"); got != want {
		t.Errorf("the ETag of the change is %s, that of the channel %s", got, want)
	}

	server := n.messageServer()
	added := twice(t, n.read(n.api().AddMessageServerAgent(t.Context(), server, ref)).want(201))
	if added["agentId"] != agent.String() || added["messageServerId"] != server.String() {
		t.Errorf("added %v", added)
	}
	if got := twice(t, n.read(n.api().ListMessageServerAgents(t.Context(), server)).want(200)); fmt.Sprint(got["agents"]) != "["+agent.String()+"]" {
		t.Errorf("agents %v", got)
	}
	if got := twice(t, n.read(n.api().ListAgentMessageServers(t.Context(), agent)).want(200)); len(got["messageServers"].([]any)) != 2 {
		t.Errorf("message servers %v", got)
	}
	if got := twice(t, n.read(n.api().RemoveMessageServerAgent(t.Context(), server, agent)).want(200)); got["agentId"] != agent.String() {
		t.Errorf("removed %v", got)
	}
}

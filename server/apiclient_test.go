package server_test

import (
	"encoding/json"
	"fmt"
	"testing"

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
	agent, user := n.agent().ID, uuid.NewString()
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

	server := data[struct{ ID string }](n.do("POST", "/api/messaging/message-servers", map[string]any{"name": "Guild", "sourceType": "discord"}).want(201)).ID
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

// An agent is made again from what was read of it, under another id and name.
func TestAgentThatWasReadIsMadeAgain(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	read := data[map[string]json.RawMessage](n.do("GET", "/api/agents/"+n.agent().ID, nil).want(200))
	id := uuid.NewString()
	read["id"], read["name"] = json.RawMessage(`"`+id+`"`), json.RawMessage(`"Twin"`)
	n.do("POST", "/api/agents", map[string]any{"agent": read}).want(201)
	n.do("PATCH", "/api/agents/"+id, read).want(200)
	twin := data[map[string]json.RawMessage](n.do("GET", "/api/agents/"+id, nil).want(200))
	for _, key := range []string{"bio", "messageExamples", "topics", "style", "system"} {
		if string(twin[key]) != string(read[key]) {
			t.Errorf("%s is %s, want %s", key, twin[key], read[key])
		}
	}
}

// What a list shows as the beginning of a run is what it is found by.
func TestRunsAreFoundByTheirBeginning(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	channel, user := n.dm()
	type runList struct {
		Runs []struct {
			RunID     string
			StartedAt int64
		}
		Total int
	}
	for _, text := range []string{"One", "Two", "Three", "Four"} {
		n.ask(channel, user, text).want(201)
	}
	list := func(query string) runList {
		t.Helper()
		return data[runList](n.do("GET", "/api/agents/"+n.agent().ID+"/runs?roomId="+channel+query, nil).want(200))
	}
	all := list("")
	if len(all.Runs) != 4 {
		t.Fatalf("runs %+v", all)
	}
	for _, run := range all.Runs {
		found := list(fmt.Sprintf("&from=%d&to=%d", run.StartedAt, run.StartedAt))
		if len(found.Runs) == 0 || found.Runs[0].StartedAt != run.StartedAt || found.Total != len(found.Runs) {
			t.Errorf("the run %+v is not found by its beginning: %+v", run, found)
		}
	}
}

package server_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/elizad/elizad/gen/api"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/internal/modeltest"
)

// An agent is made again from what was read of it, under another id and name.
func TestAgentThatWasReadIsMadeAgain(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	read := data[map[string]json.RawMessage](n.do("GET", "/api/agents/"+n.agentID(), nil).want(200))
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

func TestCharacterComesBackWhole(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir(), "OPENAI_API_KEY=sk-of-the-process")
	id := data[api.AgentCreated](n.do("POST", "/api/agents", map[string]any{"agent": map[string]any{
		"name": "Ada", "bio": "A whole sentence.", "templates": map[string]any{"messageHandlerTemplate": "Be {{name}}."}, "secrets": map[string]any{"TOKEN": "secret-value"},
	}}).want(201)).ID
	n.startAgent(id.String())
	a := n.do("GET", "/api/agents/"+id.String(), nil).want(200)
	got := data[struct {
		Templates  map[string]string
		SecretKeys []string
		Settings   struct{ Secrets map[string]string }
	}](a)
	if diff := cmp.Diff(map[string]string{"messageHandlerTemplate": "Be {{name}}."}, got.Templates); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"TOKEN"}, got.SecretKeys); diff != "" || len(got.Settings.Secrets) != 1 {
		t.Errorf("the process's environment is the agent's: %s", a.body)
	}
	for _, secret := range []string{"secret-value", "sk-of-the-process"} {
		if strings.Contains(string(a.body), secret) {
			t.Errorf("%q is shown: %s", secret, a.body)
		}
	}
	clearError(t, "a file of the server", n.do("POST", "/api/agents", map[string]any{"characterPath": "/etc/hostname"}), 400, "CREATE_ERROR")
}

// A character that comes from an ElizaOS server brings its secrets as that server sealed them.
func TestSecretsOfAnOriginalServer(t *testing.T) {
	t.Parallel()
	m := modeltest.New(t, func(modeltest.Request) modeltest.Script { return modeltest.Frame("It is raining.") })
	n := start(t, t.TempDir(), "OPENAI_BASE_URL="+m.URL)
	sealed := map[string]any{"secrets": map[string]any{"OPENAI_API_KEY": "dabf52d6aacc1a780eda3223bf42bc80:ac89a86dc748c8cd1cb5433db883939d"}} // "v", with the usual salt
	id := data[api.AgentCreated](n.do("POST", "/api/agents", map[string]any{"agent": map[string]any{"name": "Ada", "bio": "Counts.", "settings": sealed}}).want(201)).ID
	n.startAgent(id.String())
	channel := data[struct{ ID string }](n.do("GET", "/api/messaging/dm-channel?targetUserId="+id.String()+"&currentUserId="+somebody, nil).want(200)).ID
	n.ask(channel, somebody, "Hello").want(201)
	if got := m.Requests()[0].Header.Get("Authorization"); got != "Bearer v" {
		t.Errorf("the model was asked with %q", got)
	}
	foreign := map[string]any{"secrets": map[string]any{"K": "dabf52d6aacc1a780eda3223bf42bc80:00112233445566778899aabbccddeeff"}}
	clearError(t, "another salt, in a new agent", n.do("POST", "/api/agents", map[string]any{"agent": map[string]any{"name": "Bob", "bio": "x", "settings": foreign}}), 400, "CREATE_ERROR")
	clearError(t, "another salt, in a change", n.do("PATCH", "/api/agents/"+id.String(), map[string]any{"settings": foreign}), 400, "UPDATE_ERROR")
}

func TestAgentsDoNotReachWhatIsOthers(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	mine := n.agentID()
	channel, user := n.dm()
	other := n.newAgent("Ada", "Counts.")
	n.startAgent(other)
	n.ask(channel, user, "Hello").want(201)
	log := n.logs(mine, "limit=50")
	memory := data[struct{ Memories []struct{ ID string } }](n.do("GET", "/api/memory/"+mine+"/memories", nil).want(200)).Memories[0].ID
	run := data[struct{ Runs []struct{ RunID string } }](n.do("GET", "/api/agents/"+mine+"/runs", nil).want(200)).Runs[0].RunID
	if got := n.logs(other, "limit=50"); len(got) != 0 || len(log) == 0 {
		t.Errorf("the other's log has %d entries", len(got))
	}
	clearError(t, "its run", n.do("GET", "/api/agents/"+other+"/runs/"+run, nil), 404, "NOT_FOUND")
	clearError(t, "changing its memory", n.do("PATCH", "/api/memory/"+other+"/memories/"+memory, map[string]any{"content": map[string]any{"text": "no"}}), 404, "NOT_FOUND")
	n.do("DELETE", "/api/memory/"+other+"/memories/"+memory, nil).want(200)
	n.do("DELETE", "/api/agents/"+other+"/logs/"+log[0].ID.String(), nil).want(204)
	if after := n.logs(mine, "limit=50"); len(after) != len(log) {
		t.Errorf("%d of %d entries are left", len(after), len(log))
	}
	if left := n.memories("/api/memory/" + mine + "/memories"); len(left.Memories) != 2 {
		t.Errorf("%d memories are left", len(left.Memories))
	}
}

func TestAgentsAreNotMadeUnderOthersIDs(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.Security.AuthToken = "0123456789abcdef0123456789abcdef"
	key := []string{"X-API-KEY", cfg.Security.AuthToken}
	n := startWith(t, cfg)
	eliza := data[api.AgentList](n.do("GET", "/api/agents", nil, key...).want(200)).Agents[0].ID
	silent, writer := uuid.NewString(), uuid.NewString()
	channel := data[struct{ ID string }](n.do("GET", "/api/messaging/dm-channel?targetUserId="+eliza.String()+"&currentUserId="+silent, nil, key...).want(200)).ID
	post := func(channel, author string) answer {
		return n.do("POST", "/api/messaging/channels/"+channel+"/messages", map[string]any{
			"author_id": author, "content": "hello", "message_server_id": uuid.Nil, "transport": "http",
		}, key...)
	}
	post(channel, writer).want(201) // the room is there now
	room := agent.UUIDFor(uuid.MustParse(eliza.String()), channel).String()
	world := agent.UUIDFor(uuid.MustParse(eliza.String()), uuid.Nil.String()).String()
	for what, id := range map[string]string{"participant": silent, "author": writer, "channel": channel, "room": room, "world": world} {
		e := into[api.Error](n.do("POST", "/api/agents", map[string]any{"characterJson": map[string]any{"id": id, "name": "Mallory", "bio": "x"}}, key...).want(409))
		if e.Error.Code != "CONFLICT" || !strings.Contains(e.Error.Message, what) {
			t.Errorf("the id of a %s: %+v", what, e.Error)
		}
	}
	for _, author := range []string{silent, writer} {
		post(channel, author).want(201)
	}

	// A room that is not there yet can be taken, and does no harm.
	next := data[struct{ ID string }](n.do("GET", "/api/messaging/dm-channel?targetUserId="+eliza.String()+"&currentUserId="+writer, nil, key...).want(200)).ID
	future := agent.UUIDFor(uuid.MustParse(eliza.String()), next).String()
	n.do("POST", "/api/agents", map[string]any{"characterJson": map[string]any{"id": future, "name": "Mallory", "bio": "x"}}, key...).want(201)
	post(next, writer).want(201)
	n.do("GET", "/api/agents/"+eliza.String()+"/rooms/"+next, nil, key...).want(200)
	var memories int
	eventually(t, "the agent remembers", func() bool {
		memories = len(data[api.MemoryList](n.do("GET", "/api/agents/"+eliza.String()+"/memories?channelId="+next, nil, key...).want(200)).Memories)
		return memories >= 2
	})

	// An agent may be deleted and made anew, wherever it took part.
	n.do("DELETE", "/api/agents/"+eliza.String(), nil, key...).want(204)
	n.do("POST", "/api/agents", map[string]any{"characterJson": map[string]any{"id": eliza, "name": "Eliza", "bio": "again"}}, key...).want(201)
}

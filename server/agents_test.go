package server_test

import (
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
	get := func(id uuid.UUID) api.AgentPatch {
		return data[api.AgentPatch](n.read(n.api().GetAgent(t.Context(), id)).want(200))
	}
	read, id := get(n.agentID()), uuid.New()
	read["id"], read["name"] = jsonOf(id), jsonOf("Twin")
	n.read(n.api().CreateAgent(t.Context(), nil, api.CreateAgentRequest{"agent": jsonOf(read)})).want(201)
	n.read(n.api().UpdateAgent(t.Context(), id, nil, read)).want(200)
	twin := get(id)
	for _, key := range []string{"bio", "messageExamples", "topics", "style", "system"} {
		if string(twin[key]) != string(read[key]) {
			t.Errorf("%s is %s, want %s", key, twin[key], read[key])
		}
	}
}

func TestCharacterComesBackWhole(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir(), "OPENAI_API_KEY=sk-of-the-process")
	id := data[api.AgentCreated](n.createAgent(map[string]any{
		"name": "Ada", "bio": "A whole sentence.", "templates": map[string]any{"messageHandlerTemplate": "Be {{name}}."}, "secrets": map[string]any{"TOKEN": "secret-value"},
	}).want(201)).ID
	n.startAgent(id)
	a := n.read(n.api().GetAgent(t.Context(), id)).want(200)
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
	clearError(t, "a file of the server", n.read(n.api().CreateAgent(t.Context(), nil, api.CreateAgentRequest{"characterPath": jsonOf("/etc/hostname")})), 400, "CREATE_ERROR")
}

// A character that comes from an ElizaOS server brings its secrets as that server sealed them.
func TestSecretsOfAnOriginalServer(t *testing.T) {
	t.Parallel()
	m := modeltest.New(t, func(modeltest.Request) modeltest.Script { return modeltest.Frame("It is raining.") })
	n := start(t, t.TempDir(), "OPENAI_BASE_URL="+m.URL)
	sealed := map[string]any{"secrets": map[string]any{"OPENAI_API_KEY": "dabf52d6aacc1a780eda3223bf42bc80:ac89a86dc748c8cd1cb5433db883939d"}} // "v", with the usual salt
	id := data[api.AgentCreated](n.createAgent(map[string]any{"name": "Ada", "bio": "Counts.", "settings": sealed}).want(201)).ID
	n.startAgent(id)
	user := uuid.New()
	n.ask(n.dmBetween(id, user), user, "Hello").want(201)
	if got := m.Requests()[0].Header.Get("Authorization"); got != "Bearer v" {
		t.Errorf("the model was asked with %q", got)
	}
	foreign := map[string]any{"secrets": map[string]any{"K": "dabf52d6aacc1a780eda3223bf42bc80:00112233445566778899aabbccddeeff"}}
	clearError(t, "another salt, in a new agent", n.createAgent(map[string]any{"name": "Bob", "bio": "x", "settings": foreign}), 400, "CREATE_ERROR")
	clearError(t, "another salt, in a change", n.changeAgent(id, map[string]any{"settings": foreign}), 400, "UPDATE_ERROR")
}

func TestAgentsDoNotReachWhatIsOthers(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	mine := n.agentID()
	channel, user := n.dm()
	other := n.newAgent("Ada", "Counts.")
	n.startAgent(other)
	n.ask(channel, user, "Hello").want(201)
	log := func(id uuid.UUID) []api.AgentLogEntry { return n.logs(id, api.ListAgentLogsParams{Limit: new(50)}) }
	entries := log(mine)
	memory := n.memories(mine, api.ListMemoriesParams{}).Memories[0].ID
	run := n.runs(mine, api.ListRunsParams{}).Runs[0].RunID
	if got := log(other); len(got) != 0 || len(entries) == 0 {
		t.Errorf("the other's log has %d entries", len(got))
	}
	clearError(t, "its run", n.read(n.api().GetRun(t.Context(), other, run, nil)), 404, "NOT_FOUND")
	clearError(t, "changing its memory", n.changeMemory(other, memory, api.MemoryPatch{Content: jsonOf(map[string]any{"text": "no"})}), 404, "NOT_FOUND")
	n.read(n.api().DeleteMemory(t.Context(), other, memory)).want(200)
	n.read(n.api().DeleteAgentLog(t.Context(), other, entries[0].ID)).want(204)
	if after := log(mine); len(after) != len(entries) {
		t.Errorf("%d of %d entries are left", len(after), len(entries))
	}
	if left := n.memories(mine, api.ListMemoriesParams{}); len(left.Memories) != 2 {
		t.Errorf("%d memories are left", len(left.Memories))
	}
}

func TestAgentsAreNotMadeUnderOthersIDs(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.Security.AuthToken = "0123456789abcdef0123456789abcdef"
	n := startWith(t, cfg).keyed(cfg.Security.AuthToken)
	eliza, silent, writer := n.agentID(), uuid.New(), uuid.New()
	channel := n.dmBetween(eliza, silent)
	n.ask(channel, writer, "hello").want(201) // the room is there now
	create := func(id uuid.UUID, name string) answer {
		return n.createAgent(map[string]any{"id": id, "name": name, "bio": "again"})
	}
	room, world := agent.UUIDFor(eliza, channel.String()), agent.UUIDFor(eliza, uuid.Nil.String())
	for what, id := range map[string]uuid.UUID{"participant": silent, "author": writer, "channel": channel, "room": room, "world": world} {
		e := into[api.Error](create(id, "Mallory").want(409))
		if e.Error.Code != "CONFLICT" || !strings.Contains(e.Error.Message, what) {
			t.Errorf("the id of a %s: %+v", what, e.Error)
		}
	}
	for _, author := range []uuid.UUID{silent, writer} {
		n.ask(channel, author, "hello").want(201)
	}

	// A room that is not there yet can be taken, and does no harm.
	next := n.dmBetween(eliza, writer)
	create(agent.UUIDFor(eliza, next.String()), "Mallory").want(201)
	n.ask(next, writer, "hello").want(201)
	n.read(n.api().GetRoom(t.Context(), eliza, next)).want(200)
	eventually(t, "the agent remembers", func() bool {
		return len(n.memories(eliza, api.ListMemoriesParams{ChannelID: &next}).Memories) >= 2
	})

	// An agent may be deleted and made anew, wherever it took part.
	n.read(n.api().DeleteAgent(t.Context(), eliza)).want(204)
	create(eliza, "Eliza").want(201)
}

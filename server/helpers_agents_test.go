package server_test

import (
	"github.com/elizad/elizad/gen/api"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/agent"
)

// agents returns all agents.
func (n *node) agents() []api.AgentListItem {
	n.t.Helper()
	return data[api.AgentList](n.read(n.api().ListAgents(n.t.Context())).want(200)).Agents
}

// agent returns the default agent.
func (n *node) agent() api.AgentListItem {
	n.t.Helper()
	list := n.agents()
	if len(list) == 0 {
		n.t.Fatal("there is no agent")
	}
	return list[0]
}

// newAgent creates an agent, which doesn't run yet.
func (n *node) newAgent(name, bio string) uuid.UUID {
	n.t.Helper()
	return data[api.AgentCreated](n.createAgent(map[string]any{"name": name, "bio": bio}).want(201)).ID
}

// createAgent creates an agent of a character's fields, which doesn't run yet.
func (n *node) createAgent(character map[string]any) answer {
	n.t.Helper()
	return n.read(n.api().CreateAgent(n.t.Context(), nil, api.CreateAgentRequest{"characterJson": jsonOf(character)}))
}

// changeAgent changes fields of an agent's character.
func (n *node) changeAgent(id uuid.UUID, fields map[string]any) answer {
	n.t.Helper()
	patch := api.AgentPatch{}
	for name, value := range fields {
		patch[name] = jsonOf(value)
	}
	return n.read(n.api().UpdateAgent(n.t.Context(), id, nil, patch))
}

// startAgent starts an agent.
func (n *node) startAgent(id uuid.UUID) {
	n.t.Helper()
	n.read(n.api().StartAgent(n.t.Context(), id)).want(200)
}

// agentID returns the default agent's, which is known from its name.
func (n *node) agentID() uuid.UUID { return agent.ID("Eliza") }

// stopAgent stops an agent.
func (n *node) stopAgent(id uuid.UUID) {
	n.t.Helper()
	n.read(n.api().StopAgent(n.t.Context(), id)).want(200)
}

// bring creates and starts an agent.
func (n *node) bring(name string, fields map[string]any) uuid.UUID {
	n.t.Helper()
	// What is asked of a model must not hold them either, whatever a character's texts name.
	const leak = "{{OPENAI_API_KEY}} {{settings.OPENAI_API_KEY}} {{secrets.OPENAI_API_KEY}} {{agent.secrets.OPENAI_API_KEY}} {{env.OPENAI_API_KEY}} {{{settings}}}"
	character := map[string]any{"name": name, "bio": "x " + leak, "system": leak, "templates": map[string]any{"messageHandlerTemplate": leak + " {{providers}}"}}
	for key, v := range fields {
		character[key] = v
	}
	id := data[api.AgentCreated](n.createAgent(character).want(201)).ID
	n.startAgent(id)
	return id
}

// use makes an agent write, hear and speak. What comes of it doesn't matter.
func (n *node) use(id uuid.UUID) {
	n.t.Helper()
	n.post(uuid.New(), api.PostMessageRequest{
		AuthorID: new(uuid.New()), Content: new("How are you?"), MessageServerID: new(uuid.Nil), Transport: new(api.TransportHTTP),
		Metadata: jsonOf(map[string]any{"isDm": true, "targetUserId": id}),
	})
	n.recordings(id)["transcription"](formPart{"file", "a.wav", "audio/wav", wavBytes})
	_ = n.read(n.api().GenerateSpeech(n.t.Context(), id, api.SpeechRequest{Text: new("Hello")}))
}

// memories returns what an agent remembers.
func (n *node) memories(id uuid.UUID, of api.ListMemoriesParams) api.MemoryList {
	n.t.Helper()
	return data[api.MemoryList](n.read(n.api().ListMemories(n.t.Context(), id, &of)).want(200))
}

// changeMemory changes a memory of an agent.
func (n *node) changeMemory(id, memory uuid.UUID, to api.MemoryPatch) answer {
	n.t.Helper()
	return n.read(n.api().UpdateMemory(n.t.Context(), id, memory, to))
}

// panels returns the pages that an agent's plugins show.
func (n *node) panels(id uuid.UUID) []api.Panel {
	n.t.Helper()
	return data[[]api.Panel](n.read(n.api().ListPanels(n.t.Context(), id)).want(200))
}

// createRoom creates a room of an agent.
func (n *node) createRoom(id uuid.UUID, body api.CreateRoomRequest) answer {
	n.t.Helper()
	return n.read(n.api().CreateRoom(n.t.Context(), id, body))
}

// createWorld creates a world of an agent, or lets it know one.
func (n *node) createWorld(id uuid.UUID, body api.CreateWorldRequest) answer {
	n.t.Helper()
	return n.read(n.api().CreateWorld(n.t.Context(), id, body))
}

// changeWorld changes a world of an agent.
func (n *node) changeWorld(id, world uuid.UUID, to api.WorldPatch) answer {
	n.t.Helper()
	return n.read(n.api().UpdateWorld(n.t.Context(), id, world, to))
}

// runs returns the runs of an agent, the newest first.
func (n *node) runs(id uuid.UUID, of api.ListRunsParams) api.RunList {
	n.t.Helper()
	return data[api.RunList](n.read(n.api().ListRuns(n.t.Context(), id, &of)).want(200))
}

// logs returns what an agent did, of its log.
func (n *node) logs(id uuid.UUID, of api.ListAgentLogsParams) []api.AgentLogEntry {
	n.t.Helper()
	return data[[]api.AgentLogEntry](n.read(n.api().ListAgentLogs(n.t.Context(), id, &of)).want(200))
}

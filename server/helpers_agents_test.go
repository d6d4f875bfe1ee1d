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
func (n *node) newAgent(name, bio string) string {
	n.t.Helper()
	return data[api.AgentCreated](n.read(n.api().CreateAgent(n.t.Context(), nil, api.CreateAgentRequest{"name": jsonOf(name), "bio": jsonOf(bio)})).want(201)).ID.String()
}

// startAgent starts an agent.
func (n *node) startAgent(id string) {
	n.t.Helper()
	n.read(n.api().StartAgent(n.t.Context(), uuid.MustParse(id))).want(200)
}

// agentID returns the default agent's, which is known from its name.
func (n *node) agentID() string { return agent.ID("Eliza").String() }

// stopAgent stops an agent.
func (n *node) stopAgent(id string) {
	n.t.Helper()
	n.read(n.api().StopAgent(n.t.Context(), uuid.MustParse(id))).want(200)
}

// bring creates and starts an agent.
func (n *node) bring(name string, fields map[string]any) string {
	n.t.Helper()
	// What is asked of a model must not hold them either, whatever a character's texts name.
	const leak = "{{OPENAI_API_KEY}} {{settings.OPENAI_API_KEY}} {{secrets.OPENAI_API_KEY}} {{agent.secrets.OPENAI_API_KEY}} {{env.OPENAI_API_KEY}} {{{settings}}}"
	character := map[string]any{"name": name, "bio": "x " + leak, "system": leak, "templates": map[string]any{"messageHandlerTemplate": leak + " {{providers}}"}}
	for key, v := range fields {
		character[key] = v
	}
	id := data[api.AgentCreated](n.read(n.api().CreateAgent(n.t.Context(), nil, api.CreateAgentRequest{"characterJson": jsonOf(character)})).want(201)).ID.String()
	n.startAgent(id)
	return id
}

// use makes an agent write, hear and speak. What comes of it doesn't matter.
func (n *node) use(id string) {
	n.t.Helper()
	n.post(uuid.NewString(), api.PostMessageRequest{
		AuthorID: new(uuid.New()), Content: new("How are you?"), MessageServerID: new(uuid.Nil), Transport: new(api.TransportHTTP),
		Metadata: jsonOf(map[string]any{"isDm": true, "targetUserId": id}),
	})
	n.upload("/api/audio/"+id+"/transcriptions", formPart{"file", "a.wav", "audio/wav", wavBytes})
	_ = n.read(n.api().GenerateSpeech(n.t.Context(), uuid.MustParse(id), api.SpeechRequest{Text: new("Hello")}))
}

// memories returns the memories at path.
func (n *node) memories(path string) api.MemoryList {
	n.t.Helper()
	return data[api.MemoryList](n.do("GET", path, nil).want(200))
}

// memoryTexts returns what memories say.
func memoryTexts(l api.MemoryList) []string {
	out := []string{}
	for _, m := range l.Memories {
		out = append(out, object(m.Content)["text"].(string))
	}
	return out
}

// logs returns what an agent did, of its log.
func (n *node) logs(id, query string) []api.AgentLogEntry {
	n.t.Helper()
	return data[[]api.AgentLogEntry](n.do("GET", "/api/agents/"+id+"/logs?"+query, nil).want(200))
}

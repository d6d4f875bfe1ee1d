package server_test

import (
	"encoding/json"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/agent"
)

type wireAgent struct {
	ID, Name, Status string
	Character        json.RawMessage
}

// agent returns the default agent.
func (n *node) agent() wireAgent {
	n.t.Helper()
	list := data[struct{ Agents []wireAgent }](n.do("GET", "/api/agents", nil).want(200)).Agents
	if len(list) == 0 {
		n.t.Fatal("there is no agent")
	}
	return list[0]
}

// agentID returns the default agent's, which is known from its name.
func (n *node) agentID() string { return agent.ID("Eliza").String() }

// bring creates and starts an agent.
func (n *node) bring(name string, fields map[string]any) string {
	n.t.Helper()
	// What is asked of a model must not hold them either, whatever a character's texts name.
	const leak = "{{OPENAI_API_KEY}} {{settings.OPENAI_API_KEY}} {{secrets.OPENAI_API_KEY}} {{agent.secrets.OPENAI_API_KEY}} {{env.OPENAI_API_KEY}} {{{settings}}}"
	character := map[string]any{"name": name, "bio": "x " + leak, "system": leak, "templates": map[string]any{"messageHandlerTemplate": leak + " {{providers}}"}}
	for key, v := range fields {
		character[key] = v
	}
	id := data[struct{ ID string }](n.do("POST", "/api/agents", map[string]any{"characterJson": character}).want(201)).ID
	n.do("POST", "/api/agents/"+id+"/start", nil).want(200)
	return id
}

// use makes an agent write, hear and speak. What comes of it doesn't matter.
func (n *node) use(id string) {
	n.t.Helper()
	user := uuid.NewString()
	n.do("POST", "/api/messaging/channels/"+uuid.NewString()+"/messages", map[string]any{
		"author_id": user, "content": "How are you?", "message_server_id": uuid.Nil, "transport": "http",
		"metadata": map[string]any{"isDm": true, "targetUserId": id},
	})
	n.upload("/api/audio/"+id+"/transcriptions", formPart{"file", "a.wav", "audio/wav", wavBytes})
	n.do("POST", "/api/audio/"+id+"/speech/generate", map[string]any{"text": "Hello"})
}

type wireMemory struct {
	ID, Type, EntityID, AgentID, RoomID, MessageID string
	CreatedAt, UpdatedAt                           int64
	Content, Metadata                              map[string]any
	Unique                                         bool
	Embedding                                      []float64
}

type wireMemories struct {
	Memories, Data []wireMemory
	HasMore        bool
	Success        bool
}

// memories returns the memories at path.
func (n *node) memories(path string) wireMemories {
	n.t.Helper()
	return data[wireMemories](n.do("GET", path, nil).want(200))
}

// memoryTexts returns what memories say.
func memoryTexts(l wireMemories) []string {
	out := []string{}
	for _, m := range l.Memories {
		out = append(out, m.Content["text"].(string))
	}
	return out
}

type wireLog struct {
	ID, Type, CreatedAt, EntityID, AgentID, RoomID, ChannelID string
	Timestamp                                                 int64
	Body                                                      map[string]any
}

// logs returns what an agent did, of its log.
func (n *node) logs(id, query string) []wireLog {
	n.t.Helper()
	return data[[]wireLog](n.do("GET", "/api/agents/"+id+"/logs?"+query, nil).want(200))
}

type wireRoom struct {
	ID, Name, ChannelID, AgentID, Type, Source, WorldID, WorldName string
	MessageServerID, ServerID                                      *string
	Metadata                                                       map[string]any
}

package server_test

import (
	"testing"

	"github.com/elizad/elizad/gen/api"

	"github.com/google/uuid"
)

func TestGoldenAgents(t *testing.T) {
	t.Parallel()
	b := golden(t)
	ada := b.ask("create an agent", "POST", "/api/agents", map[string]any{"characterJson": map[string]any{
		"name": "Ada", "bio": []string{"line one", "line two"}, "knowledge": []any{"a", map[string]any{"path": "p", "shared": true}, map[string]any{"directory": "d"}},
		"settings": map[string]any{"n": 1, "secrets": map[string]any{"K": "v"}}, "style": map[string]any{"all": []string{"x"}}, "plugins": []string{"lab"},
	}}, 201, `{"success":true,"data":{"id":"A","character":{"name":"Ada","bio":["line one"],"id":"A"}}}`)
	path := "/api/agents/" + data[api.AgentCreated](ada).ID.String()
	b.node.documents(t, data[api.AgentCreated](ada).ID, 3) // what it can't use of its knowledge is shown with it
	b.ask("create without a bio", "POST", "/api/agents", map[string]any{"characterJson": map[string]any{"name": "X"}}, 400,
		`{"success":false,"error":{"code":"CREATE_ERROR","message":"no","details":"no"}}`)
	b.ask("read an agent", "GET", path, nil, 200, `{"success":true,"data":{"id":"A","enabled":true,"server_id":null,"createdAt":1,"updatedAt":1,"name":"Ada","username":"",
		"bio":["line one"],"messageExamples":[],"postExamples":[],"topics":[],"adjectives":[],"knowledge":["a"],"plugins":[],
		"settings":{"n":1,"secrets":{"K":"mask"}},"style":{"all":["x"]},"status":"inactive"}}`)
	b.ask("start an agent", "POST", path+"/start", nil, 200, `{"success":true,"data":{"id":"A","name":"Ada","status":"active"}}`)
	b.ask("list agents", "GET", "/api/agents", nil, 200,
		`{"success":true,"data":{"agents":[{"id":"A","name":"Ada","characterName":"Ada","bio":"line one","status":"active"}]}}`)
	b.ask("change an agent", "PATCH", path, map[string]any{"topics": []string{"tea"}}, 200, `{"success":true,"data":{"id":"A","topics":["tea"],"status":"active"}}`)
	b.ask("list panels", "GET", path+"/panels", nil, 200, `{"success":true,"data":[{"name":"Lab Panel","path":"/p"}]}`)
	world := `{"success":true,"data":{"world":{"id":"W","agentId":"A","name":"W1","metadata":{"k":1},"messageServerId":"0","createdAt":"T"}}}`
	made := b.ask("create a world", "POST", path+"/worlds", map[string]any{"name": "W1", "metadata": map[string]any{"k": 1}, "messageServerId": uuid.Nil}, 201, world)
	id := data[api.WorldResult](made).WorldID.String()
	b.ask("change a world", "PATCH", path+"/worlds/"+id, map[string]any{"settings": map[string]any{"x": 1}}, 200,
		`{"success":true,"data":{"world":{"id":"W"},"worldId":"W","settings":{"x":1}}}`)
	b.ask("list worlds", "GET", "/api/agents/worlds", nil, 200, `{"success":true,"data":{"worlds":[{"id":"W","name":"N"}]}}`)
	room := `{"success":true,"data":{"id":"R","name":"Room1","agentId":"A","createdAt":1,"source":"client","type":"DM","worldId":"W","metadata":{"k":1}}}`
	made = b.ask("create a room", "POST", path+"/rooms", map[string]any{"name": "Room1", "metadata": map[string]any{"k": 1}}, 201, room)
	id = data[api.RoomCreated](made).ID.String()
	room = `{"id":"R","name":"Room1","channelId":"R","agentId":"A","messageServerId":null,"worldId":"W","type":"DM","source":"client","metadata":null,"serverId":null`
	b.ask("read a room", "GET", path+"/rooms/"+id, nil, 200, `{"success":true,"data":`+room+`,"worldName":"W"}}`)
	b.ask("list rooms", "GET", path+"/rooms", nil, 200, `{"success":true,"data":{"rooms":[`+room+`}]}}`)
	group := map[string]any{"agentIds": []any{data[api.AgentCreated](ada).ID}, "name": "Grp", "source": "client"}
	b.ask("a group", "POST", "/api/memory/groups/"+uuid.NewString(), group, 201, `{"success":true,"data":[{"id":"R","name":"Grp","source":"client","worldId":"W","type":"API"}]}`)
	group["agentIds"] = []any{data[api.AgentCreated](ada).ID, uuid.New()}
	b.ask("a group in part", "POST", "/api/memory/groups/"+uuid.NewString(), group, 207,
		`{"success":false,"data":[{"id":"R","name":"Grp","source":"client","worldId":"W","type":"API"}],"errors":[{"agentId":"X","code":"C","message":"no","details":"no"}]}`)
	b.ask("stop an agent", "POST", path+"/stop", nil, 200, `{"success":true,"data":{"message":"Agent stopped"}}`)
	b.ask("a stopped agent's panels", "GET", path+"/panels", nil, 200, "")
	b.ask("delete an agent", "DELETE", path, nil, 204, "")
	b.ask("a deleted agent", "GET", path, nil, 404, `{"success":false,"error":{"code":"NOT_FOUND","message":"Agent not found"}}`)
	b.ask("a malformed id", "GET", "/api/agents/x", nil, 400, `{"success":false,"error":{"code":"INVALID_ID","message":"Invalid agent ID format"}}`)
	b.close("agents.golden.json")
}

func TestGoldenRuns(t *testing.T) {
	t.Parallel()
	b := golden(t)
	agent := b.agentID()
	path := "/api/agents/" + agent.String()
	channel := b.dmBetween(agent, somebody())
	b.ask("answered", "POST", "/api/messaging/channels/"+channel.String()+"/messages", map[string]any{"author_id": somebody(), "content": "Hello", "transport": "http"}, 201, "").want(201)
	summary := `"runId":"X","status":"completed","startedAt":1,"endedAt":2,"durationMs":70,"messageId":"M","roomId":"R","entityId":"A",
		"counts":{"actions":1,"modelCalls":3,"errors":2,"evaluators":1}`
	runs := b.ask("list runs", "GET", path+"/runs", nil, 200, `{"success":true,"data":{"runs":[{`+summary+`,"metadata":{}}],"total":1,"hasMore":false}}`)
	run := data[api.RunList](runs).Runs[0].RunID.String()
	b.ask("read a run", "GET", path+"/runs/"+run, nil, 200,
		`{"success":true,"data":{"summary":{`+summary+`},"events":[{"type":"RUN_STARTED","timestamp":1,"data":{"source":"s","messageId":"M"}}]}}`)
	b.ask("an unknown run", "GET", path+"/runs/"+uuid.NewString(), nil, 404, `{"success":false,"error":{"code":"NOT_FOUND","message":"no"}}`)
	log := b.ask("read the log", "GET", path+"/logs?type=run_event", nil, 200,
		`{"success":true,"data":[{"id":"L","createdAt":"T","entityId":"A","body":{"runId":"X","status":"completed"},"type":"run_event","roomId":"R"}]}`)
	b.ask("the whole log", "GET", path+"/logs?limit=50", nil, 200, "")
	b.ask("delete an entry", "DELETE", path+"/logs/"+data[[]api.AgentLogEntry](log)[0].ID.String(), nil, 204, "")
	memory := `{"id":"M","type":"messages","createdAt":1,"content":{"text":"t","source":"client"},"entityId":"A","agentId":"A","roomId":"R","unique":true,"metadata":{"type":"message"}}`
	memories := b.ask("list memories", "GET", path+"/memories", nil, 200, `{"success":true,"data":{"memories":[`+memory+`]}}`)
	id := data[api.MemoryList](memories).Memories[1].ID.String()
	b.ask("memories of a room", "GET", "/api/memory/"+agent.String()+"/rooms/"+channel.String()+"/memories?tableName=messages", nil, 200, `{"success":true,"data":{"memories":[`+memory+`]}}`)
	b.ask("change a memory", "PATCH", path+"/memories/"+id, map[string]any{"content": map[string]any{"text": "Good morning"}}, 200,
		`{"success":true,"data":{"id":"M","message":"done"}}`)
	b.ask("delete a memory", "DELETE", path+"/memories/"+id, nil, 200, `{"success":true,"data":{"message":"done"}}`)
	b.ask("delete all", "DELETE", path+"/memories", nil, 200, `{"success":true,"data":{"deleted":1,"message":"done"}}`)
	b.ask("delete a room's", "DELETE", path+"/memories/all/"+channel.String(), nil, 204, "")
	b.close("runs.golden.json")
}

func TestGoldenSystem(t *testing.T) {
	t.Parallel()
	b := golden(t)
	agent := b.agentID()
	upload := `{"success":true,"data":{"url":"/u","type":"image","filename":"f","originalName":"f.png","size":7}}`
	picture := formPart{"file", "f.png", "image/png", pngBytes}
	b.add("upload to an agent", b.uploadToAgent(agent, picture), 200, upload)
	b.add("upload to a channel", b.uploadToChannel(b.group(), picture), 200, upload)
	b.add("upload nothing", b.uploadToAgent(agent, formPart{"other", "", "", "x"}), 400,
		`{"success":false,"error":{"code":"INVALID_REQUEST","message":"no"}}`)
	ways, recording := b.recordings(agent), formPart{"file", "f.wav", "audio/wav", wavBytes}
	b.add("transcribe", ways["transcription"](recording), 200, `{"success":true,"data":{"text":"t"}}`)
	b.add("an audio message", ways["audio message"](recording), 200, `{"success":true,"data":{"transcription":"t","message":"m"}}`)
	b.add("a spoken message", ways["conversation"](recording), 200, `{"success":true,"data":{"text":"t","audio":"b","metadata":{}}}`)
	b.ask("speech without text", "POST", "/api/audio/"+agent.String()+"/speech/generate", map[string]any{}, 400, `{"success":false,"error":{"code":"INVALID_REQUEST","message":"no"}}`)
	b.ask("ping", "GET", "/api/server/ping", nil, 200, `{"pong":true,"timestamp":1}`)
	b.ask("hello", "GET", "/api/server/hello", nil, 200, `{"message":"Hello World!"}`)
	b.ask("status", "GET", "/api/server/status", nil, 200,
		`{"status":"ok","agentCount":1,"timestamp":"T","agents":{"total":1,"active":1,"inactive":0},"memory":{"used":1,"total":2,"percentage":3},"uptime":1,"version":"v"}`)
	health := `{"status":"OK","version":"unknown","timestamp":"T","dependencies":{"agents":"healthy"}`
	b.ask("health", "GET", "/api/server/health", nil, 200, health+`}`)
	b.ask("public health", "GET", "/health", nil, 200, health+`,"agentCount":1}`)
	b.ask("liveness", "GET", "/healthz", nil, 200, `{"status":"ok","timestamp":"T"}`)
	logs := `{"logs":[{"time":1,"level":50,"msg":"m"}],"count":1,"total":100,"requestedLevel":"error","agentName":"all","agentId":"all","levels":["fatal"]`
	b.ask("clear the log", "DELETE", "/api/server/logs", nil, 200, `{"status":"success","message":"m","cleared":1}`)
	b.ask("write to the log", "POST", "/api/server/logs?level=error", map[string]any{"logs": []any{map[string]any{"level": "error", "message": "broken"}}}, 200, logs+`,"received":1}`)
	b.ask("read the log", "GET", "/api/server/logs?level=error", nil, 200, logs+`}`)
	b.ask("debug", "GET", "/api/server/debug/servers", nil, 200, `{"success":true,"servers":[{"id":"0","name":"Default Server","sourceType":"eliza_default","createdAt":"T","updatedAt":"T"}],
		"count":1,"data":{"runtime":{"agents":[{"id":"A","name":"n","status":"s"}],"connections":0,"memory":{}},"environment":{}}}`)
	b.ask("version", "GET", "/api/system/version", nil, 200, `{"version":"v","source":"server","timestamp":"T","environment":"development","uptime":1.5}`)
	b.ask("public configuration", "GET", "/api/system/config", nil, 200, `{"success":true,"data":{"requiresAuth":false}}`)
	b.ask("write settings", "POST", "/api/system/env/local", map[string]any{"content": map[string]any{"OPENAI_API_KEY": "k", "OPENAI_SMALL_MODEL": "m"}}, 200,
		`{"success":true,"message":"m","data":{"success":true,"message":"m"}}`, "X-API-KEY", b.ownerToken())
	b.ask("read settings", "GET", "/api/system/env/local", nil, 200, `{"success":true,"data":{"OPENAI_SMALL_MODEL":"m"}}`, "X-API-KEY", b.ownerToken())
	b.ask("no settings", "POST", "/api/system/env/local", map[string]any{"content": "x"}, 400, `{"success":false,"error":{"code":"C","message":"no"}}`, "X-API-KEY", b.ownerToken())
	b.ask("an unknown path", "GET", "/api/nowhere", nil, 404, `{"success":false,"error":{"message":"API endpoint not found","code":"NOT_FOUND"}}`)
	b.ask("no such file", "GET", "/media/generated/"+agent.String()+"/x.png", nil, 404, `{"success":false,"error":{"message":"no"}}`)
	b.ask("stop", "POST", "/api/server/stop", nil, 200, `{"success":true,"message":"m","data":{"success":true,"message":"m"}}`, "X-API-KEY", b.ownerToken())
	b.close("system.golden.json")
}

package server_test

import (
	"testing"

	"github.com/elizad/elizad/gen/api"

	"github.com/google/uuid"
)

const (
	// What the original sends of a message and of a channel, when everything is set that it sends always.
	originalMessage = `{"id":"M","channelId":"C","authorId":"U","content":"t","sourceType":"s","metadata":{},"createdAt":"T","updatedAt":"T"}`
	originalChannel = `{"id":"C","messageServerId":"S","name":"n","type":"GROUP","createdAt":"T","updatedAt":"T","metadata":{}}`
	originalPosted  = `"success":true,"userMessage":{"id":"M","channel_id":"C","message_server_id":"S","author_id":"U","content":"t","created_at":1,"source_type":"s"}`
	originalReply   = `"agentResponse":{"thought":"t","actions":["REPLY"],"providers":[],"text":"t","simple":true,"responseId":"R","inReplyTo":"M"}`
	originalFailure = `{"success":false,"error":{"code":"C","message":"m"}}`
)

func TestGoldenServersAndChannels(t *testing.T) {
	t.Parallel()
	b := golden(t)
	const m = "/api/messaging"
	agent, here := b.agentID(), "/api/messaging/message-servers/"+uuid.Nil.String()
	b.ask("the current message server", "GET", m+"/message-server/current", nil, 200, `{"success":true,"data":{"messageServerId":"S"}}`)
	b.ask("list message servers", "GET", m+"/message-servers", nil, 200,
		`{"success":true,"data":{"messageServers":[{"id":"S","name":"n","sourceType":"s","createdAt":"T","updatedAt":"T"}]}}`)
	server := b.ask("create a message server", "POST", m+"/message-servers", map[string]any{"name": "Guild", "sourceType": "discord", "sourceId": "1", "metadata": map[string]any{"k": 1}}, 201,
		`{"success":true,"data":{"server":{"id":"S","name":"n","sourceType":"s","sourceId":"1","metadata":{"k":1},"createdAt":"T","updatedAt":"T"},"id":"S","name":"n"}}`)
	guild := m + "/message-servers/" + data[api.MessageServerCreated](server).ID.String()
	b.ask("create a message server without a name", "POST", m+"/message-servers", map[string]any{}, 400, originalFailure)
	b.ask("mirror channels", "POST", guild+"/sync-channels", map[string]any{"channels": []any{map[string]any{"name": "general", "type": "GROUP", "sourceId": "7"}}}, 200,
		`{"success":true,"data":{"synced":1}}`)
	member := `{"success":true,"data":{"messageServerId":"S","agentId":"A","message":"m"}}`
	b.ask("add an agent to a message server", "POST", guild+"/agents", map[string]any{"agentId": agent}, 201, member)
	b.ask("list a message server's agents", "GET", guild+"/agents", nil, 200, `{"success":true,"data":{"messageServerId":"S","agents":["A"]}}`)
	b.ask("list an agent's message servers", "GET", m+"/agents/"+agent.String()+"/message-servers", nil, 200, `{"success":true,"data":{"agentId":"A","messageServers":["S"]}}`)
	b.ask("remove an agent from a message server", "DELETE", guild+"/agents/"+agent.String(), nil, 200, member)
	b.ask("list channels", "GET", guild+"/channels", nil, 200, `{"success":true,"data":{"channels":[`+originalChannel+`]}}`)
	b.ask("delete a message server", "DELETE", guild, nil, 200, `{"success":true,"data":{"success":true}}`)
	b.ask("delete the current message server", "DELETE", here, nil, 409, originalFailure)

	channel := `{"success":true,"data":` + originalChannel + `}`
	b.ask("a direct channel", "GET", m+"/dm-channel?targetUserId="+agent.String()+"&currentUserId="+somebody().String(), nil, 200, channel)
	b.ask("a direct channel with oneself", "GET", m+"/dm-channel?targetUserId="+somebody().String()+"&currentUserId="+somebody().String(), nil, 400, originalFailure)
	made := b.ask("create a channel", "POST", m+"/channels", map[string]any{
		"name": "Tea", "message_server_id": uuid.Nil, "participantCentralUserIds": []string{somebody().String()}, "type": "GROUP", "metadata": map[string]any{"k": 1},
	}, 201, channel)
	path := m + "/channels/" + data[api.ChannelCreated](made).ID.String()
	b.ask("create a channel of no kind", "POST", m+"/channels", map[string]any{"name": "x", "type": "BOGUS"}, 201, channel)
	b.ask("read a channel", "GET", path+"/details", nil, 200, channel)
	joined := `{"success":true,"data":{"channelId":"C","agentId":"A","message":"m"}}`
	b.ask("add an agent", "POST", path+"/agents", map[string]any{"agentId": agent}, 201, joined)
	b.ask("list participants", "GET", path+"/participants", nil, 200, `{"success":true,"data":["U"]}`)
	b.ask("list agents", "GET", path+"/agents", nil, 200, `{"success":true,"data":{"channelId":"C","participants":["U"],"agents":["A"]}}`)
	b.ask("too short for a title", "POST", path+"/generate-title", map[string]any{"agentId": agent}, 200, `{"success":true,"data":{"title":null,"channelId":"C","reason":"r"}}`)
	b.ask("remove an agent", "DELETE", path+"/agents/"+agent.String(), nil, 200, joined)
	b.ask("remove an agent again", "DELETE", path+"/agents/"+agent.String(), nil, 404, originalFailure)
	for _, text := range []string{"one", "two", "three", "four"} {
		b.say(data[api.ChannelCreated](made).ID, somebody(), text)
	}
	b.ask("a title", "POST", path+"/generate-title", map[string]any{"agentId": agent}, 200, `{"success":true,"data":{"title":"t","channelId":"C"}}`)
	b.ask("change a channel", "PATCH", path, map[string]any{"name": "Coffee", "metadata": map[string]any{"l": 2}}, 200, channel)
	b.ask("upload to a channel below messaging", "POST", path+"/upload-media", nil, 400, originalFailure)
	b.ask("delete all messages", "DELETE", path+"/messages", nil, 204, "")
	b.ask("delete a channel", "DELETE", path, nil, 204, "")
	b.ask("a deleted channel", "GET", path+"/details", nil, 404, originalFailure)
	b.close("channels.golden.json")
}

func TestGoldenMessages(t *testing.T) {
	t.Parallel()
	b := golden(t)
	const m = "/api/messaging"
	agent := b.agentID()
	channel := b.dmBetween(agent, somebody())
	path := m + "/channels/" + channel.String() + "/messages"
	b.ask("over http", "POST", path, map[string]any{"author_id": somebody(), "content": "Hello", "message_server_id": uuid.Nil, "transport": "http"}, 201,
		`{`+originalPosted+`,`+originalReply+`}`)
	b.ask("over sse", "POST", path, map[string]any{"author_id": somebody(), "content": "And then?", "message_server_id": uuid.Nil, "mode": "stream"}, 200,
		`[{"event":"user_message","data":{"id":"M","channel_id":"C","author_id":"U","content":"t","created_at":1}}]`)
	group := b.group()
	b.ask("over websocket", "POST", m+"/channels/"+group.String()+"/messages", map[string]any{"author_id": somebody(), "content": "Hello", "message_server_id": uuid.Nil,
		"raw_message": map[string]any{"x": 1}, "metadata": map[string]any{"user_display_name": "Alice"}}, 201, `{`+originalPosted+`}`)
	b.ask("over nothing", "POST", path, map[string]any{"author_id": somebody(), "content": "x", "transport": "carrier pigeon"}, 400, originalFailure)
	b.ask("without content", "POST", path, map[string]any{"author_id": somebody()}, 400, originalFailure)
	b.ask("to nobody", "POST", m+"/channels/"+group.String()+"/messages", map[string]any{"author_id": somebody(), "content": "x", "transport": "http"}, 400, originalFailure)
	b.ask("to another message server", "POST", path, map[string]any{"author_id": somebody(), "content": "x", "message_server_id": agent}, 400, originalFailure)
	b.ask("history", "GET", path, nil, 200, `{"success":true,"data":{"messages":[{"id":"M","channelId":"C","authorId":"U","content":"t","sourceType":"s","metadata":{"thought":"t","actions":["REPLY"]},
		"rawMessage":{"text":"t"},"inReplyToRootMessageId":"M","createdAt":"T","updatedAt":"T","created_at":1,"updated_at":1}]}}`)
	stored := `{"success":true,"data":` + originalMessage + `}`
	external := map[string]any{"channel_id": group, "message_server_id": uuid.Nil, "author_id": agent, "content": "Done.", "source_type": "agent_response", "raw_message": map[string]any{"text": "Done."}}
	submitted := b.ask("submit", "POST", m+"/submit", external, 201, stored)
	external["content"], external["source_type"] = "Executing action: TEA", "agent_action"
	action := data[api.Message](b.ask("an action", "POST", m+"/action", external, 201, stored)).ID
	b.ask("an action's end", "PATCH", m+"/action/"+action.String(), map[string]any{"metadata": map[string]any{"done": true}}, 200, stored)
	b.ask("submit nothing", "POST", m+"/submit", map[string]any{"channel_id": group}, 400, originalFailure)
	b.ask("ingest", "POST", m+"/ingest-external", map[string]any{"channel_id": group, "message_server_id": uuid.Nil, "author_id": somebody(), "content": "Hi", "source_type": "telegram", "source_id": "1"}, 202,
		`{"success":true,"message":"m","data":{"messageId":"M","processed":1}}`)
	b.ask("ingest for an agent", "POST", m+"/ingest-external", map[string]any{"channel_id": group, "author_id": agent, "content": "Hi"}, 403, originalFailure)
	id := data[api.Message](submitted).ID
	b.ask("complete", "POST", m+"/complete", map[string]any{"messageId": id, "status": "completed"}, 200, `{"success":true,"message":"m","data":{"success":true}}`)
	b.ask("read a message", "GET", m+"/messages/"+id.String(), nil, 200, stored)
	b.ask("edit a message", "PATCH", m+"/messages/"+id.String(), map[string]any{"content": "Done!"}, 200, stored)
	b.ask("search", "POST", m+"/messages/search", map[string]any{"query": "done", "channelId": group}, 200, `{"success":true,"data":{"messages":[`+originalMessage+`],"total":1}}`)
	b.ask("search for nothing", "POST", m+"/messages/search", map[string]any{}, 400, originalFailure)
	b.ask("delete a message", "DELETE", m+"/channels/"+group.String()+"/messages/"+id.String(), nil, 204, "")
	b.ask("a deleted message", "GET", m+"/messages/"+id.String(), nil, 404, originalFailure)
	b.ask("problem details", "GET", m+"/messages/"+id.String(), nil, 404, "", "Accept", "application/problem+json", "X-Request-Id", "golden")
	b.close("messages.golden.json")
}

func TestGoldenSessions(t *testing.T) {
	t.Parallel()
	b := golden(t)
	agent := b.agentID()
	info := `"sessionId":"S","channelId":"C","agentId":"A","userId":"U","createdAt":"T","metadata":{"page":"help"},"expiresAt":"T",
		"timeoutConfig":{"timeoutMinutes":30,"autoRenew":true,"maxDurationMinutes":720,"warningThresholdMinutes":5}`
	whole := info + `,"lastActivity":"T","renewalCount":0,"timeRemaining":1,"isNearExpiration":false`
	made := b.ask("begin", "POST", sessionsPath, map[string]any{"agentId": agent, "userId": somebody(), "metadata": map[string]any{"page": "help"}}, 201, `{`+info+`}`)
	path := sessionsPath + "/" + into[api.Session](made).SessionID.String()
	b.ask("read", "GET", path, nil, 200, `{`+whole+`}`)
	b.ask("list", "GET", sessionsPath, nil, 200, `{"sessions":[{`+whole+`}],"total":1,"stats":{"totalSessions":1,"activeSessions":1,"expiredSessions":0}}`)
	b.ask("health", "GET", sessionsPath+"/health", nil, 200, `{"status":"healthy","activeSessions":1,"timestamp":"T","expiringSoon":0,"uptime":1.5}`)
	status := `"sessionStatus":{"expiresAt":"T","renewalCount":1,"wasRenewed":true,"isNearExpiration":false}`
	b.ask("over http", "POST", path+"/messages", map[string]any{"content": "Hello", "transport": "http"}, 201, `{`+originalPosted+`,`+originalReply+`,`+status+`}`)
	b.ask("over sse", "POST", path+"/messages", map[string]any{"content": "And then?", "transport": "sse"}, 200, `[{"event":"user_message","data":{"id":"M","author_id":"U",`+status+`}}]`)
	b.ask("messages", "GET", path+"/messages?limit=2", nil, 200,
		`{"messages":[{"id":"M","content":"t","authorId":"U","isAgent":true,"createdAt":"T","metadata":{"thought":"t"}}],"hasMore":true,"cursors":{"before":1,"after":1}}`)
	b.ask("renew", "POST", path+"/renew", nil, 200, `{`+whole+`}`)
	b.ask("heartbeat", "POST", path+"/heartbeat", nil, 200, `{`+whole+`}`)
	b.ask("time-outs", "PATCH", path+"/timeout", map[string]any{"timeoutMinutes": 45}, 200, `{`+whole+`}`)
	b.ask("time-outs out of bounds", "PATCH", path+"/timeout", map[string]any{"timeoutMinutes": 1}, 400, originalFailure)
	b.ask("no content", "POST", path+"/messages", map[string]any{"content": ""}, 400, originalFailure)
	b.ask("no agent", "POST", sessionsPath, map[string]any{"userId": somebody()}, 400, originalFailure)
	b.ask("an unknown agent", "POST", sessionsPath, map[string]any{"agentId": uuid.New(), "userId": somebody()}, 404, originalFailure)
	b.ask("end", "DELETE", path, nil, 200, `{"success":true,"message":"m","data":{"success":true}}`)
	b.ask("after the end", "GET", path, nil, 404, originalFailure)
	b.close("sessions.golden.json")
}

func TestGoldenJobs(t *testing.T) {
	t.Parallel()
	b := golden(t)
	agent := b.agentID()
	made := b.ask("ask", "POST", jobsPath, map[string]any{"agentId": agent, "userId": somebody(), "content": "Hello", "metadata": map[string]any{"k": 1}}, 201,
		`{"jobId":"J","status":"processing","createdAt":1,"expiresAt":1}`)
	path := jobsPath + "/" + into[api.Job](made).JobID.String()
	job := `{"jobId":"J","status":"completed","agentId":"A","userId":"U","prompt":"t","createdAt":1,"expiresAt":1,"metadata":{"k":1},
		"result":{"message":{"id":"M","content":"t","authorId":"A","createdAt":1},"processingTimeMs":1}}`
	b.ask("an answered job", "GET", path, nil, 200, job, "Prefer", "wait=20")
	b.ask("list", "GET", jobsPath, nil, 200, `{"jobs":[`+job+`],"total":1,"filtered":1}`)
	b.ask("health", "GET", jobsPath+"/health", nil, 200, `{"healthy":true,"timestamp":1,"totalJobs":1,"statusCounts":{"pending":0,"processing":0,"completed":1,"failed":0,"timeout":0},
		"metrics":{"averageProcessingTimeMs":1,"successRate":1,"failureRate":0,"timeoutRate":0},"maxJobs":10000}`)
	b.ask("an unknown job", "GET", jobsPath+"/"+uuid.NewString(), nil, 404, originalFailure)
	b.ask("an unknown agent", "POST", jobsPath, map[string]any{"agentId": uuid.New(), "userId": somebody(), "content": "Hello"}, 404, originalFailure)
	b.ask("nobody asks", "POST", jobsPath, map[string]any{"content": "Hello"}, 400, originalFailure)
	b.ask("too little time", "POST", jobsPath, map[string]any{"userId": somebody(), "content": "Hello", "timeoutMs": 1}, 400, originalFailure)
	b.close("jobs.golden.json")
}

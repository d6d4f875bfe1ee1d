package selftest

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/elizad/elizad/gen/api"
)

// attempt is a way to try an operation. In its texts, things stand in braces.
type attempt struct {
	way    string            // REST if it is left out
	method string            // the operation's if it is left out
	path   map[string]string // what stands for a parameter of the path, if not the usual
	query  string
	header http.Header
	body   string // JSON
	file   bool   // a file is sent

	spends []kind // things that are used up by success
	// refused says why only those try it who must be refused: a success can't be taken back, or changes the server for all. They do so
	// at the end, if everything before it held, and with a body that is refused should somebody be let in.
	refused string
	// loose says that what the server lets in may still fail, for what it lacks.
	loose bool
}

// usual returns what stands for the parameters of paths.
func usual() map[string]string {
	return map[string]string{
		"agentId": "{agent}", "channelId": "{channel}", "messageId": "{message}", "sessionId": "{session}", "jobId": "{job}", "roomId": "{room}", "worldId": "{world}",
		"memoryId": "{memory}", "documentId": "{document}", "runId": "{run}", "logId": "{log}", "keyId": "{key}", "messageServerId": "{server}", "filename": "{file}", "entityId": "{owner}", "model": "{agent}",
	}
}

// untried returns why operations are not tried.
func untried() map[string]string {
	const guesses = "it counts wrong passwords"
	return map[string]string{
		"login": guesses, "refresh": guesses, "changePassword": guesses, "register": "it makes a user, and none can be removed",
		"logout": "it ends the caller's own login", "getGeneratedFile": "only an agent's work makes such files",
		"createChatCompletion": "everybody asks there in a conversation of their own",
	}
}

// attempts returns how the operations are tried that need more than their path.
func attempts() map[string][]attempt {
	in := map[string]string{"channelId": "{talk}"}
	ofSpare := map[string]string{"agentId": "{spare}"}
	ofGroup := map[string]string{"messageServerId": "{group}"}
	const forGood = "it can't be taken back"
	file := []attempt{
		{way: File, path: map[string]string{}}, {way: File, method: http.MethodHead}, {way: File, header: http.Header{"Range": {"bytes=0-99"}}},
	}
	agentsFile := []attempt{{way: File, path: map[string]string{"filename": "{picture}"}}}
	json := func(body string) []attempt { return []attempt{{body: body}} }
	return map[string][]attempt{
		// Agents.
		"createAgent":        json(`{"characterJson":{"name":"{new}","bio":["{tag}"],"settings":{"modelProvider":"builtin"}}}`),
		"updateAgent":        json(`{"topics":["{tag}"]}`),
		"deleteAgent":        {{path: ofSpare, spends: []kind{spare}}},
		"startAgent":         {{path: ofSpare}},
		"stopAgent":          {{path: ofSpare, spends: []kind{spare}}},
		"deleteAgentLog":     {{spends: []kind{entry}}},
		"cancelRun":          {{}},
		"updateMemory":       json(`{"content":{"text":"{word} changed"}}`),
		"deleteMemory":       {{spends: []kind{memory}}},
		"clearMemories":      {{path: ofSpare}},
		"addDocuments":       json(`{"content":"{tag} is the word"}`),
		"deleteDocument":     {{spends: []kind{document}}},
		"searchKnowledge":    {{query: "q={tag}"}},
		"createRoom":         json(`{"name":"{new}"}`),
		"updateRoom":         json(`{"name":"{new}"}`),
		"deleteRoom":         {{spends: []kind{room}}},
		"createWorld":        json(`{"name":"{new}"}`),
		"updateWorld":        json(`{"name":"{new}"}`),
		"createGroup":        {{path: ofGroup, body: `{"agentIds":["{spare}"],"name":"{new}"}`, spends: []kind{group}}},
		"deleteGroup":        {{path: ofGroup, spends: []kind{group}}},
		"clearGroupMemories": {{path: ofGroup}},

		// Conversations.
		"createChannel": {{body: `{"name":"{new}","message_server_id":"{server}","participantCentralUserIds":["{me}"]}`}},
		"getDMChannel":  {{query: "currentUserId={owner}&targetUserId={agent}&dmServerId={server}"}},
		"updateChannel": {
			{body: `{"name":"{word} {new}"}`},
			{body: `{"participantCentralUserIds":["{owner}","{friend}","{me}"]}`},
		},
		"deleteChannel":        {{spends: []kind{channel}}},
		"clearChannel":         {{path: in, spends: []kind{talk}}},
		"addChannelAgent":      {{body: `{"agentId":"{agent}"}`, spends: []kind{channel}}},
		"removeChannelAgent":   {{path: in, spends: []kind{talk}}},
		"generateChannelTitle": {{path: in, body: `{"agentId":"{agent}"}`, loose: true}},
		"postMessage": {
			{body: `{"author_id":"{me}","message_server_id":"{server}","content":"let me in"}`},
			{body: `{"author_id":"{owner}","message_server_id":"{server}","content":"{word} as the owner"}`},
			{way: Stream, path: in, body: `{"author_id":"{owner}","message_server_id":"{server}","content":"{word}","transport":"sse"}`, header: http.Header{"Accept": {"text/event-stream"}}},
			{way: Stream, path: in, body: `{"author_id":"{me}","message_server_id":"{server}","content":"let me in","transport":"sse"}`, header: http.Header{"Accept": {"text/event-stream"}}},
		},
		"updateMessage":      json(`{"content":"{word} {new}"}`),
		"cancelAnswer":       {{}},
		"deleteMessage":      {{spends: []kind{message}}},
		"searchMessages":     {{body: `{"query":"{tag}"}`}, {body: `{"query":"{tag}","channelId":"{channel}"}`}},
		"uploadMessageMedia": {{file: true}},
		"uploadChannelMedia": {{file: true}},
		"getChannelUpload":   file,
		"createSession":      json(`{"agentId":"{agent}","userId":"{owner}"}`),
		"postSessionMessage": {
			{body: `{"content":"{word}","transport":"http"}`},
			{way: Stream, body: `{"content":"{word}","transport":"sse"}`, header: http.Header{"Accept": {"text/event-stream"}}},
		},
		"renewSession":         {{loose: true}},
		"updateSessionTimeout": json(`{"timeoutMinutes":45}`),
		"deleteSession":        {{spends: []kind{session}}},
		"createJob":            {{body: `{"userId":"{owner}","agentId":"{agent}","content":"{word}"}`}},

		// Voices, for which an agent needs a model that has them.
		"transcribe":             {{file: true, loose: true}},
		"transcribeAudioMessage": {{file: true, loose: true}},
		"processSpeech":          {{file: true, loose: true}},
		"converseAloud":          {{body: `{"text":"{word}","roomId":"{channel}"}`, loose: true}},
		"generateSpeech":         {{body: `{"text":"hello"}`, loose: true}},
		"synthesizeAudioMessage": {{body: `{"messageId":"{message}"}`, loose: true}},

		// What services bring.
		"submitMessage":   json(`{"channel_id":"{bridge}","message_server_id":"{server}","author_id":"{friend}","content":"{word}"}`),
		"createAction":    json(`{"channel_id":"{bridge}","message_server_id":"{server}","author_id":"{friend}","content":"{word}"}`),
		"updateAction":    {{path: map[string]string{"messageId": "{action}"}, body: `{"content":"{word} done"}`}},
		"completeMessage": {{body: `{"messageId":"{message}","status":"completed"}`, loose: true}},
		"askExternal":     {{body: `{"channel_id":"{bridge}","platform":"selftest","messages":[{"id":"{new}","authorId":"a","content":"{word}"}]}`, spends: []kind{bridge}}},
		"ingestExternal":  {{body: `{"channel_id":"{bridge}","platform":"selftest","messages":[{"id":"{new}","authorId":"a","content":"{word}"}]}`, spends: []kind{bridge}}},

		// Files of agents.
		"uploadAgentMedia": {{file: true}},
		"getAgentUpload":   agentsFile,

		// The server.
		"createMessageServer":       json(`{"name":"{new}","sourceType":"selftest"}`),
		"deleteMessageServer":       {{path: ofGroup, spends: []kind{group}}},
		"addMessageServerAgent":     {{path: ofGroup, body: `{"agentId":"{spare}"}`}},
		"removeMessageServerAgent":  {{path: map[string]string{"messageServerId": "{group}", "agentId": "{spare}"}, spends: []kind{group}}},
		"syncMessageServerChannels": {{path: ofGroup, body: `{"channels":[{"name":"general","type":"GROUP","sourceId":"{new}"}]}`}},
		"createKey":                 {{body: `{}`, refused: forGood}},
		"revokeKey":                 {{spends: []kind{key}}},
		"revokeTokens":              {{body: `{}`, refused: forGood}},
		"createUser":                {{body: `{}`, refused: forGood}},
		"updateUser":                {{path: map[string]string{"entityId": "{friend}"}, body: `[]`, refused: forGood}},
		"listUsers":                 {{loose: true}},
		"getMe":                     {{loose: true}},
		"getServerHealth":           {{loose: true}},
		"getHealth":                 {{loose: true}},
		"getLocalEnvironment":       {{loose: true}},
		"updateLocalEnvironment":    {{body: `[]`, refused: "it replaces the settings of all agents"}},
		"postServerLogs":            {{body: `[]`, refused: "it writes into the log of the server"}},
		"clearServerLogs":           {{refused: "it clears the log of the server"}},
		"stopServer":                {{refused: "it stops the server"}},
	}
}

// attemptsAt returns how an operation is tried; nothing if nobody has said.
func attemptsAt(op api.Operation) []attempt {
	if of := attempts()[op.ID]; of != nil {
		return of
	}
	if op.Method == http.MethodGet || strings.HasSuffix(op.Path, "/heartbeat") || op.ID == "clearRoomMemories" {
		return []attempt{{}}
	}
	return nil
}

// template returns the target of an attempt with things in braces.
func (a attempt) template(op api.Operation) string {
	target := op.Path
	for name, thing := range usual() {
		if own := a.path[name]; own != "" {
			thing = own
		}
		target = strings.ReplaceAll(target, "{"+name+"}", thing)
	}
	if a.query != "" {
		target += "?" + a.query
	}
	return target
}

// names returns the kinds of things that an attempt names.
func (a attempt) names(op api.Operation) []kind {
	found := map[kind]bool{}
	for _, place := range blank.FindAllStringSubmatch(a.template(op)+a.body, -1) {
		switch place[1] {
		case "me", "new", "word", "tag":
		default:
			found[kind(place[1])] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

package e2e_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/elizad/elizad/server/agent"
)

// tried is the result of an operation of the explorer that was executed as the page fills it in.
type tried struct {
	ID         string
	Status     int
	Documented bool
	Body       string
}

// tryAll executes every operation of the explorer's page, and returns the results.
func tryAll(t *testing.T, url string) map[string]tried {
	t.Helper()
	out := map[string]tried{}
	for lines := bufio.NewScanner(strings.NewReader(node(t, "explorer-walk.mjs", "--url", url))); lines.Scan(); {
		var one tried
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			t.Fatalf("reading %s: %v", lines.Bytes(), err)
		}
		out[one.ID] = one
	}
	if len(out) < 102 {
		t.Errorf("only %d operations", len(out))
	}
	return out
}

// refusals are the operations that a server in use refuses as they are filled in, with the reason: they need a file, a model
// that this server doesn't have, the id of something to delete, a running action, the owner's token, or users.
func refusals() map[string]string {
	return map[string]string{
		"uploadAgentMedia": `form field \\"file\\"`, "uploadChannelMedia": `form field \\"file\\"`, "uploadMessageMedia": `form field \\"file\\"`,
		"transcribe": "set OPENAI_API_KEY", "transcribeAudioMessage": "set OPENAI_API_KEY", "synthesizeAudioMessage": "set OPENAI_API_KEY",
		"generateSpeech": "set OPENAI_API_KEY", "processSpeech": "set OPENAI_API_KEY", "converseAloud": "set OPENAI_API_KEY",
		"getAgentUpload": "File not found", "getChannelUpload": "File not found", "getGeneratedFile": "File not found",
		"getDocument": "Document not found", "deleteDocument": "Document not found",
		"deleteAgent": "Agent not found", "clearMemories": "Agent not found", "removeChannelAgent": "Agent is not a participant",
		"updateLocalEnvironment": "owner-token", "stopServer": "owner-token",
		"revokeTokens": "owner-token", "listRevocations": "owner-token",
		"register": "endpoint not found", "login": "endpoint not found", "refresh": "endpoint not found", "logout": "endpoint not found", "getMe": "endpoint not found",
		"changePassword": "endpoint not found", "createUser": "endpoint not found", "listUsers": "endpoint not found", "updateUser": "endpoint not found",
		"createKey": "owner-token", "listKeys": "owner-token", "getKey": "owner-token", "revokeKey": "owner-token", "listAuditEntries": "owner-token",
		"deleteMessageServer": "Server .* does not exist", "deleteSession": "Session .* not found",
		"updateAction": "Only action messages can be updated",
	}
}

// Whatever the explorer's page fills in is answered, or refused for a reason in the contract.
func TestExplorerFillsInWhatWorks(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	chat := p.url + "/api/messaging/"
	for path, body := range map[string]string{
		"sessions": `{"agentId": %q, "userId": %q}`, "jobs": `{"agentId": %q, "userId": %q, "content": "Hello"}`,
		"channels": `{"name": "Book club", "participantCentralUserIds": [%q, %q]}`,
	} {
		const user = "11111111-1111-4111-8111-111111111111"
		if status := send(t, http.MethodPost, chat+path, strings.NewReader(fmt.Sprintf(body, agent.ID("Eliza"), user))); status != http.StatusCreated {
			t.Fatalf("%s: status %d", path, status)
		}
	}
	var channels struct {
		Data struct{ Channels []struct{ ID string } }
	}
	list := command(t, t.TempDir(), nil, "curl", "-s", chat+"message-servers/00000000-0000-0000-0000-000000000000/channels")
	if err := json.Unmarshal([]byte(list), &channels); err != nil || len(channels.Data.Channels) == 0 {
		t.Fatalf("channels %s (%v)", list, err)
	}
	message := strings.NewReader(`{"author_id": "11111111-1111-4111-8111-111111111111", "content": "Hello", "transport": "http"}`)
	if status := send(t, http.MethodPost, chat+"channels/"+channels.Data.Channels[0].ID+"/messages", message); status != http.StatusCreated {
		t.Fatalf("a message: status %d", status)
	}
	refusals := refusals()
	for id, one := range tryAll(t, p.url) {
		want, refused := refusals[id]
		switch {
		case refused && (!one.Documented || !regexp.MustCompile(want).MatchString(one.Body)):
			t.Errorf("%s: status %d, documented: %v, %s", id, one.Status, one.Documented, one.Body)
		case refused != (one.Status >= 300):
			t.Errorf("%s: status %d: %s", id, one.Status, one.Body)
		}
	}
}

// A new server has no channel yet, nor much else; then the refusal names what is missing.
func TestExplorerOfANewServer(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	reason := regexp.MustCompile(`not found|does not exist|No agent found|not a participant|form field|set OPENAI_API_KEY|owner-token`)
	works := 0
	for id, one := range tryAll(t, p.url) {
		if one.Status < 300 {
			works++
		} else if !one.Documented || !reason.MatchString(one.Body) {
			t.Errorf("%s: status %d, documented: %v, %s", id, one.Status, one.Documented, one.Body)
		}
	}
	if works < 50 {
		t.Errorf("only %d operations do something", works)
	}
}

// The page itself, with a key that is typed into it, below a path. One POST after another once failed because of an idempotency
// key that the page filled in, and a list because of a cursor.
func TestExplorerInTheBrowser(t *testing.T) {
	t.Parallel()
	const key = "a key for this test of 40 characters !!!"
	p := start(t, t.TempDir(), "ELIZA_SERVER_AUTH_TOKEN="+key)
	site := proxy(t, p.url, "/eliza")
	t.Log(node(t, "explorer.mjs", "listAgents", "createAgent", "createChannel", "createSession", "createJob", "getDMChannel",
		"listRuns", "listJobs", "updateAgent", "getServerLogs", "--url", site, "--key", key))
}

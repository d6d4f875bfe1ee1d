package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/elizad/elizad/gen/api"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/modeltest"
	"github.com/elizad/elizad/server/settings"
)

// strange is a character of the first generation, with everything in it that this server has in another form or not at all.
const strange = `{"name":"Bea","clients":["discord"],"modelProvider":"openai","bio":["Counts things."],"lore":["Was born in a lighthouse."],"people":[],
	"description":"Half a legend.","style":{"all":null,"chat":["be {{name}}"]},"topics":"numbers, lamps","knowledge":[{"id":"k1","path":"a.md","content":"Lamps are lit."}],
	"templates":{"tweetTemplate":"{{helper with arguments}}"},"settings":{"modelConfig":{"temperature":0.4}},
	"messageExamples":[[{"user":"{{user1}}","content":{"text":"How many?"}},{"user":"Bea","content":{"text":"Three.","action":"COUNT"}}]]}`

// REST takes what --character takes, says what became of it, and the agent knows its story.
func TestImportOverREST(t *testing.T) {
	t.Parallel()
	model := modeltest.New(t, func(modeltest.Request) modeltest.Script { return modeltest.Frame("Four.") })
	n := start(t, t.TempDir(), "OPENAI_BASE_URL="+model.URL, "OPENAI_API_KEY=key", "OPENAI_LARGE_MODEL=m", "OPENAI_SMALL_MODEL=m")
	// Sent raw: what is imported is no character of this server.
	for _, body := range []string{strange, `{"characterJson":` + strange + `}`, `{"agent":` + strange + `}`} {
		refusal := into[api.Error](n.do("POST", "/api/agents", body).want(http.StatusBadRequest))
		if !strings.Contains(refusal.Error.Message, "lore: Unrecognized key") || !strings.Contains(refusal.Error.Message, "POST /api/agents?import=true") {
			t.Errorf("the refusal says %q", refusal.Error.Message)
		}
	}
	if hopeless := into[api.Error](n.createAgent(map[string]any{"name": "Bea"}).want(http.StatusBadRequest)); strings.Contains(hopeless.Error.Message, "import=true") {
		t.Errorf("%q speaks of a way that does not help", hopeless.Error.Message)
	}
	created := into[struct {
		Data   api.Agent
		Import api.AgentImport
	}](n.do("POST", "/api/agents?import=true", strange).want(http.StatusCreated))
	if diff := cmp.Diff(api.AgentImport{
		Format: "character", Kept: []string{"people"},
		Used: []string{
			"clients: discord is among the plugins", "description: part of the bio", "lore: part of the bio", "modelProvider: the setting modelProvider",
			"settings.modelConfig.temperature: the setting MODEL_TEMPERATURE", "topics: a list of what stands between commas",
		},
		Unused: []string{"plugins: @elizaos/plugin-discord is not there. This server has no plugin of that name"},
	}, created.Import); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	id := created.Data.ID
	n.do("POST", "/api/agents?import=true", `{"success":true,"data":{"character":`+strange+`}}`).want(http.StatusCreated) // the same again

	// What is read back may be sent as it is, and means the same.
	stored := data[json.RawMessage](n.read(n.api().GetAgent(t.Context(), id)).want(http.StatusOK))
	for _, want := range []string{`"content":"Lamps are lit."`, `"id":"k1"`, `"action":"COUNT"`, `"topics":["numbers","lamps"]`, `"tweetTemplate"`} {
		if !strings.Contains(string(stored), want) {
			t.Errorf("%s is missing in %s", want, stored)
		}
	}
	n.do("POST", "/api/agents", []byte(stored)).want(http.StatusCreated)

	n.startAgent(id)
	user := uuid.New()
	n.ask(n.dmBetween(id, user), user, "How many?").want(http.StatusCreated)
	requests := model.Requests()
	prompt := requests[len(requests)-1].Prompt()
	for _, want := range []string{"Was born in a lighthouse.", "Half a legend.", "Counts things.", "be Bea", "actions: COUNT"} {
		if !strings.Contains(prompt, want) {
			t.Errorf("the model is not told %q:\n%s", want, prompt)
		}
	}
}

// A file of the first generation keeps its soul: its lore is told to the model, and the start says what became of the rest.
func TestCharacterOfAStranger(t *testing.T) {
	t.Parallel()
	model := modeltest.New(t, func(modeltest.Request) modeltest.Script { return modeltest.Frame("Three.") })
	var log journal
	cfg := testConfig(t)
	cfg.Agents.Characters = []string{filepath.Join("agent", "testdata", "lore-of-an-older-character.json"), filepath.Join(t.TempDir(), "missing.json")}
	cfg.Agents.Environment = settings.ReadAgentEnvironment([]string{"OPENAI_BASE_URL=" + model.URL, "OPENAI_API_KEY=key", "OPENAI_LARGE_MODEL=m", "OPENAI_SMALL_MODEL=m"})
	if _, err := os.Stat(cfg.Agents.Characters[0]); err != nil {
		t.Fatal(err)
	}
	n := startWith(t, cfg, log.option())
	channel, user := n.dm()
	n.ask(channel, user, "How many?").want(http.StatusCreated)
	requests := model.Requests()
	for _, want := range []string{"Was born in a lighthouse.", "Never trusts round numbers.", "Counts things."} {
		if !strings.Contains(requests[len(requests)-1].Prompt(), want) {
			t.Errorf("the model is not told %q", want)
		}
	}
	for _, parts := range [][]string{{"character imported", "lore: part of the bio"}, {"plugin not available", "discord", "agentName=Ada"}, {"character left out", "missing.json"}} {
		if len(log.lines(parts...)) == 0 {
			t.Errorf("the log does not say %q:\n%s", parts, &log.text)
		}
	}
}

// A character that cannot be read is named with the place, and keeps neither the others nor the server from starting.
func TestBadCharactersAreLeftOut(t *testing.T) {
	t.Parallel()
	var log journal
	cfg := testConfig(t)
	dir := t.TempDir()
	wants := map[string]string{}
	for content, want := range map[string]string{
		`{"name": "Ada"}`:                  "bio is required",
		"{\n\"name\": \"Ada\",\n'bio': 1}": "must be a JSON object; line 3: ",
		`{"name": "Ada"`:                   "must be a JSON object; the text ends too early",
		`[]`:                               "holds no character",
		"{\n\"name\": \"Caf\xe9\"}":        "line 2: is not UTF-8",
		`{"name":"Eve","bio":"b","templates":{"replyTemplate":"{{#if x}}"}}`:              "templates.replyTemplate: line 1",
		`[{"name": "Bob", "bio": "b"}, {"name": "Nobody"}, {"name": "Cy", "bio": "c",},]`: "(character 2 of 3): Character validation failed: bio is required",
	} {
		path := filepath.Join(dir, fmt.Sprintf("%d.json", len(wants)))
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		cfg.Agents.Characters = append(cfg.Agents.Characters, path)
		wants[path] = want
	}
	n := startWith(t, cfg, log.option())
	for path, want := range wants {
		if got := log.lines("level=ERROR", "character left out", path, want); len(got) != 1 {
			t.Errorf("%d lines about %s with %q:\n%s", len(got), path, want, &log.text)
		}
	}
	var agents []string
	for _, a := range n.agents() {
		agents = append(agents, a.Name)
	}
	if diff := cmp.Diff([]string{"Bob", "Cy"}, agents); diff != "" {
		t.Errorf("agents (-want +got):\n%s", diff)
	}
}

package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server"
	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/modeltest"
)

// tower is a plugin whose one action rolls dice, and a log of what they were.
type tower struct {
	mu    sync.Mutex
	rolls []string
}

func (w *tower) plugin() agent.Plugin {
	roll := agent.Action{
		Name: "ROLL_DICE", Description: "Rolls dice",
		Parameters: json.RawMessage(`{"type":"object","required":["sides"],"additionalProperties":false,"properties":{
			"sides":{"type":"integer","minimum":2},"label":{"type":"string"},"again":{"type":"boolean"}}}`),
		Handle: func(_ context.Context, run *agent.Run) (agent.Result, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.rolls = append(w.rolls, string(run.Parameters))
			var p struct{ Sides int }
			if err := json.Unmarshal(run.Parameters, &p); err != nil {
				return agent.Result{}, apierr.New(apierr.BadRequest, "No parameters")
			}
			return agent.Result{Text: fmt.Sprintf("A die of %d sides shows %d.", p.Sides, p.Sides-1)}, nil
		},
	}
	return agent.Plugin{Name: "tower", Provision: func(context.Context, agent.Setup) (agent.Components, error) {
		return agent.Components{Actions: []agent.Action{roll}}, nil
	}}
}

func (w *tower) rolled() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.rolls...)
}

// told answers the first requests by scripts, and those of replies by what they were told of dice.
func told(scripts ...modeltest.Script) func(modeltest.Request) modeltest.Script {
	var mu sync.Mutex
	return func(r modeltest.Request) modeltest.Script {
		mu.Lock()
		defer mu.Unlock()
		if len(scripts) > 0 {
			s := scripts[0]
			scripts = scripts[1:]
			return s
		}
		_, done, _ := strings.Cut(r.Prompt(), "# Done for the newest message\n")
		done, _, _ = strings.Cut(done, "\n\n")
		return modeltest.Say("<response><text>I know: " + done + "</text></response>")
	}
}

// dialects are the settings by which a model is spoken to in each protocol.
var dialects = map[string]func(url string) []string{
	"OpenAI": func(url string) []string { return []string{"OPENAI_BASE_URL=" + url, "OPENAI_API_KEY=key"} },
	"Anthropic": func(url string) []string {
		return []string{"ANTHROPIC_BASE_URL=" + url, "ANTHROPIC_API_KEY=key"}
	},
}

// withTower starts a server whose agent has dice, and a model that answers as told.
func withTower(t *testing.T, dialect string, character map[string]any, answer func(modeltest.Request) modeltest.Script) (*node, *tower, *modeltest.Server) {
	t.Helper()
	m, w := modeltest.New(t, answer), &tower{}
	n := startWith(t, testConfig(t), server.WithPlugins(w.plugin()), server.WithEnvironment(dialects[dialect](m.URL)...))
	if character == nil {
		character = map[string]any{}
	}
	character["plugins"] = []string{"tower"}
	n.changeAgent(n.agentID(), character).want(200)
	return n, w, m
}

// A model gives an action its parameters in whichever form it writes, and the action gets them checked.
func TestParametersReachActions(t *testing.T) {
	t.Parallel()
	const done = "1. ROLL_DICE done. A die of 20 sides shows 19."
	frame := func(inner string) modeltest.Script {
		return modeltest.Say("<response><thought>t</thought>" + inner + "<text></text></response>")
	}
	for name, tt := range map[string]struct {
		script modeltest.Script
		rolled string
		says   string
	}{
		"in the list":     {frame(`<actions><action><name>ROLL_DICE</name><params>{"sides": 20}</params></action>, REPLY</actions>`), `{"sides":20}`, ""},
		"as elements":     {frame(`<actions><action><name>ROLL_DICE</name><params><sides>20</sides><label>x &lt; y</label></params></action><action>REPLY</action></actions>`), `{"label":"x < y","sides":20}`, ""},
		"beside the list": {frame(`<actions>ROLL_DICE, REPLY</actions><params>{"ROLL_DICE": {"sides": 20, "again": "True"}}</params>`), `{"again":true,"sides":20}`, ""},
		"of one action":   {frame(`<actions>ROLL_DICE,REPLY</actions><parameters>{"sides": "20"}</parameters>`), `{"sides":20}`, ""},
		"in a fence":      {frame("<actions>ROLL_DICE,REPLY</actions><params>```json\n{\"sides\": 20}\n```</params>"), `{"sides":20}`, ""},
		"in JSON":         {modeltest.Say(`{"thought": "t", "actions": [{"name": "ROLL_DICE", "params": {"sides": 20}}, "REPLY"], "text": ""}`), `{"sides":20}`, ""},
		"in JSON, beside": {modeltest.Say(`{"thought": "t", "actions": ["ROLL_DICE", "REPLY"], "params": {"sides": 20}, "text": ""}`), `{"sides":20}`, ""},
		"a call":          {modeltest.Script{Calls: []modeltest.Call{{Name: "ROLL_DICE", Arguments: `{"sides":20}`}}}, `{"sides":20}`, ""},
		"words and a call": {modeltest.Script{Chunks: []string{"Let me roll."}, Calls: []modeltest.Call{{Name: "ROLL_DICE", Arguments: `{"sides":20}`}}},
			`{"sides":20}`, "Let me roll.\n\n"},
		"a frame and its call": {modeltest.Script{
			Chunks: []string{"<response><thought>t</thought><actions>ROLL_DICE</actions><text></text></response>"},
			Calls:  []modeltest.Call{{Name: "ROLL_DICE", Arguments: `{"sides":20}`}},
		}, `{"sides":20}`, ""},
	} {
		for dialect := range dialects {
			t.Run(name+" of "+dialect, func(t *testing.T) {
				t.Parallel()
				n, w, m := withTower(t, dialect, nil, told(tt.script))
				channel, user := n.dm()
				got := n.askStream(channel, user, "Roll a d20!")
				want := tt.says + "I know: " + done
				if got.text != want || got.last.Content != want {
					t.Errorf("streamed %q, stored %q, end %s", got.text, got.last.Content, got.end.data)
				}
				if diff := cmp.Diff([]string{tt.rolled}, w.rolled()); diff != "" {
					t.Errorf("rolls (-want +got):\n%s", diff)
				}
				first := m.Requests()[0]
				if len(first.Tools) != 1 || first.Tools[0].Name != "ROLL_DICE" || !strings.Contains(string(first.Tools[0].Parameters), `"sides"`) {
					t.Errorf("tools %+v", first.Tools)
				}
				if !strings.Contains(first.Prompt(), `- ROLL_DICE: {"type":"object","required":["sides"]`) {
					t.Errorf("the prompt doesn't say what the action gets: %s", first.Prompt())
				}
			})
		}
	}
}

// A model whose parameters don't fit is told why, and asked again. If they never fit, the action doesn't run, and the reply says so.
func TestParametersThatDontFit(t *testing.T) {
	t.Parallel()
	wrong := func(params string) modeltest.Script {
		return modeltest.Say("<response><thought>t</thought><actions><action><name>ROLL_DICE</name><params>" + params + "</params></action>,REPLY</actions><text></text></response>")
	}
	for name, tt := range map[string]struct{ params, says string }{
		"missing":        {"", `missing properties: ["sides"]`},
		"another type":   {`{"sides": [6]}`, `sides: type: [6] has type "array", want "integer"`},
		"out of range":   {`{"sides": 1}`, "sides: minimum"},
		"not known":      {`{"sides": 6, "colour": "red"}`, "colour"},
		"no JSON":        {`{"sides": 6`, "not a JSON object"},
		"a list":         {`[6]`, "not a JSON object"},
		"without an end": {`{"label": "` + strings.Repeat("x", 70_000) + `"}`, "longer than 65536 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, w, m := withTower(t, "OpenAI", nil, told(wrong(tt.params), wrong(`{"sides": 6}`)))
			channel, user := n.dm()
			if got := n.askStream(channel, user, "Roll!"); got.text != "I know: 1. ROLL_DICE done. A die of 6 sides shows 5." {
				t.Errorf("streamed %q, end %s", got.text, got.end.data)
			}
			if len(w.rolled()) != 1 {
				t.Errorf("rolls %v", w.rolled())
			}
			if second := m.Requests()[1].Prompt(); !strings.Contains(second, "ROLL_DICE was not carried out") || !strings.Contains(second, tt.says) {
				_, end, _ := strings.Cut(second, "# Your last answer")
				t.Errorf("the model is told: %s", end)
			}

			n, w, _ = withTower(t, "OpenAI", nil, told(wrong(tt.params), wrong(tt.params), wrong(tt.params)))
			channel, user = n.dm()
			if got := n.askStream(channel, user, "Roll!"); !strings.HasPrefix(got.text, "I know: 1. ROLL_DICE failed. The parameters") || !strings.Contains(got.text, tt.says) {
				t.Errorf("streamed %q, end %s", got.text, got.end.data)
			}
			if len(w.rolled()) > 0 {
				t.Errorf("rolls %v", w.rolled())
			}
		})
	}
}

// A template of the character's own says by itself how parameters are given; a call of a tool is understood all the same.
func TestParametersInATemplateOfOnesOwn(t *testing.T) {
	t.Parallel()
	own := map[string]any{"templates": map[string]any{"messageHandlerTemplate": "Choose:\n{{actionsWithParams}}"}}
	n, w, m := withTower(t, "OpenAI", own, told(modeltest.Script{Calls: []modeltest.Call{{Name: "ROLL_DICE", Arguments: `{"sides":4}`}}}))
	channel, user := n.dm()
	if got := n.askStream(channel, user, "Roll!"); got.text != "I know: 1. ROLL_DICE done. A die of 4 sides shows 3." || len(w.rolled()) != 1 {
		t.Errorf("streamed %q, rolls %v", got.text, w.rolled())
	}
	if first := m.Requests()[0]; len(first.Tools) > 0 || !strings.Contains(first.Prompt(), "- ROLL_DICE: Rolls dice\n  parameters (JSON schema): {") {
		t.Errorf("tools %+v, prompt %s", first.Tools, first.Prompt())
	}
}

// A model that calls no tools is asked without them, and the prompt still says what the action gets.
func TestModelsThatCallNoTools(t *testing.T) {
	t.Parallel()
	for name, refusal := range map[string]modeltest.Script{
		"Ollama":     modeltest.Fail(400, "registry.ollama.ai/library/gemma:2b does not support tools"),
		"vLLM":       modeltest.Fail(400, `"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set`),
		"OpenRouter": modeltest.Fail(404, "No endpoints found that support tool use."),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			scripts := told(modeltest.Say(`<response><actions><action><name>ROLL_DICE</name><params>{"sides": 8}</params></action>,REPLY</actions></response>`))
			n, w, m := withTower(t, "OpenAI", nil, func(r modeltest.Request) modeltest.Script {
				if len(r.Tools) > 0 {
					return refusal
				}
				return scripts(r)
			})
			channel, user := n.dm()
			if got := n.askStream(channel, user, "Roll!"); got.text != "I know: 1. ROLL_DICE done. A die of 8 sides shows 7." || len(w.rolled()) != 1 {
				t.Errorf("streamed %q, end %s", got.text, got.end.data)
			}
			if second := m.Requests()[1]; !strings.Contains(second.Prompt(), "- ROLL_DICE: {") {
				t.Errorf("prompt %s", second.Prompt())
			}
		})
	}
}

// A message may ask for an action with its parameters itself; and the built-in responder reads them from what is said.
func TestParametersWithoutAModel(t *testing.T) {
	t.Parallel()
	w := &tower{}
	n := startWith(t, testConfig(t), server.WithPlugins(w.plugin()), server.WithEnvironment())
	n.changeAgent(n.agentID(), map[string]any{"plugins": []string{"tower"}}).want(200)
	channel, user := n.dm()
	for params, status := range map[string]int{`{"sides": 12}`: 201, `{"sides": "none"}`: 500} {
		text := "roll"
		a := n.post(channel, api.PostMessageRequest{
			AuthorID: &user, Content: &text, Transport: new(api.TransportHTTP),
			Metadata: jsonOf(map[string]any{"requestedAction": map[string]any{"name": "ROLL_DICE", "parameters": json.RawMessage(params)}}),
		}).want(status)
		if status == 500 && !strings.Contains(string(a.body), "The parameters don't fit: sides") {
			t.Errorf("%s: %s", params, a.body)
		}
	}
	if diff := cmp.Diff([]string{`{"sides":12}`}, w.rolled()); diff != "" {
		t.Errorf("rolls (-want +got):\n%s", diff)
	}
	n.ask(channel, user, "Please roll dice, sides: 20").want(201)
	if got := w.rolled(); len(got) != 2 || !strings.Contains(got[1], `"sides":20`) {
		t.Errorf("rolls %v", got)
	}
}

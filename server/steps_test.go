package server_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server"
	"github.com/elizad/elizad/server/internal/modeltest"
)

// inSteps are settings of an agent that works step by step.
func inSteps(more map[string]any) map[string]any {
	settings := map[string]any{"USE_MULTI_STEP": true}
	for name, value := range more {
		settings[name] = value
	}
	return map[string]any{"settings": settings}
}

// stepping answers requests for steps by scripts, one after the other and the last for ever, and sums up what was done.
func stepping(steps ...string) func(modeltest.Request) modeltest.Script {
	var mu sync.Mutex
	return func(r modeltest.Request) modeltest.Script {
		mu.Lock()
		defer mu.Unlock()
		if strings.Contains(r.Prompt(), "<isFinish>") {
			s := steps[0]
			if len(steps) > 1 {
				steps = steps[1:]
			}
			if tool, arguments, ok := strings.Cut(s, "!"); ok {
				return modeltest.Script{Calls: []modeltest.Call{{Name: tool, Arguments: arguments}}}
			}
			return modeltest.Say(s)
		}
		_, done, _ := strings.Cut(r.Prompt(), "# Done for the newest message\n")
		done, _, _ = strings.Cut(done, "\n\n")
		return modeltest.Say("<response><text>Summary: " + done + "</text></response>")
	}
}

// aStep is an answer that chooses one.
func aStep(action, parameters, providers string, finish bool) string {
	return fmt.Sprintf("<response><thought>t</thought><action>%s</action><parameters>%s</parameters><providers>%s</providers><isFinish>%v</isFinish></response>", action, parameters, providers, finish)
}

// An agent takes step after step, sees what each has brought, and sums up at the end.
func TestSteps(t *testing.T) {
	t.Parallel()
	roll := func(sides int) string { return aStep("ROLL_DICE", fmt.Sprintf(`{"sides": %d}`, sides), "", false) }
	done := func(n, sides int) string {
		return fmt.Sprintf("%d. ROLL_DICE done. A die of %d sides shows %d.", n, sides, sides-1)
	}
	finish := aStep("", "{}", "", true)
	for name, tt := range map[string]struct {
		settings map[string]any
		steps    []string
		want     string
		rolls    int
		ended    string // why, in the record
	}{
		"two and the end":    {nil, []string{roll(6), roll(8), finish}, "Summary: " + done(1, 6) + "\n" + done(2, 8), 2, ""},
		"the end with one":   {nil, []string{aStep("ROLL_DICE", `{"sides": 6}`, "", true)}, "Summary: " + done(1, 6), 1, ""},
		"called as a tool":   {nil, []string{`ROLL_DICE!{"sides":6}`, finish}, "Summary: " + done(1, 6), 1, ""},
		"in JSON":            {nil, []string{`{"thought":"t","action":"ROLL_DICE","parameters":{"sides":6},"providers":[],"isFinish":false}`, finish}, "Summary: " + done(1, 6), 1, ""},
		"none":               {nil, []string{finish}, "Summary: ", 0, ""},
		"a reply is the end": {nil, []string{roll(6), aStep("REPLY", "{}", "", false)}, "Summary: " + done(1, 6), 1, ""},
		"parameters mended":  {nil, []string{aStep("ROLL_DICE", "{}", "", false), roll(6), finish}, "Summary: 1. ROLL_DICE failed. The parameters don't fit: required: missing properties: [\"sides\"]\n" + done(2, 6), 1, ""},
		"no such action":     {nil, []string{aStep("DANCE", "{}", "", false), roll(6), finish}, "Summary: 1. DANCE failed. There is no such action now.\n" + done(2, 6), 1, ""},
		"the same again":     {nil, []string{roll(6)}, "Summary: " + done(1, 6) + "\n" + done(2, 6), 2, "the same step brought the same result twice"},
		"too many":           {map[string]any{"MAX_MULTISTEP_ITERATIONS": 2}, []string{roll(6), roll(8), roll(10)}, "Summary: " + done(1, 6) + "\n" + done(2, 8), 2, "as many steps"},
		"too many calls":     {map[string]any{"MULTISTEP_MAX_CALLS": 1}, []string{roll(6), roll(8)}, "Summary: " + done(1, 6), 1, "as many calls"},
		"too many tokens":    {map[string]any{"MULTISTEP_MAX_TOKENS": 1}, []string{roll(6), roll(8)}, "Summary: " + done(1, 6), 1, "as many tokens"},
		"second try":         {nil, []string{"What?", roll(6), finish}, "Summary: " + done(1, 6), 1, ""},
		"never a step":       {map[string]any{"MULTISTEP_PARSE_RETRIES": 2}, []string{roll(6), "What?"}, "Summary: " + done(1, 6), 1, "no step could be read"},
		"a provider":         {nil, []string{aStep("", "", "ENTITIES, NOTHING", false), finish}, "Summary: 1. ENTITIES done. # People in this room", 0, ""},
	} {
		for dialect := range dialects {
			t.Run(name+" of "+dialect, func(t *testing.T) {
				t.Parallel()
				n, w, _ := withTower(t, dialect, inSteps(tt.settings), stepping(tt.steps...))
				channel, user := n.dm()
				got := n.askStream(channel, user, "Roll!")
				if strings.TrimSpace(got.last.Content) != strings.TrimSpace(got.text) || !strings.HasPrefix(got.text, strings.TrimSpace(tt.want)) || tt.rolls > 0 && got.text != tt.want {
					t.Errorf("streamed %q, stored %q, end %s", got.text, got.last.Content, got.end.data)
				}
				if rolls := w.rolled(); len(rolls) != tt.rolls {
					t.Errorf("rolls %v", rolls)
				}
				if ended := fmt.Sprint(n.runEnd()["stepsEnded"]); tt.ended == "" && ended != "<nil>" || !strings.Contains(ended, tt.ended) {
					t.Errorf("the record says %s", ended)
				}
			})
		}
	}
}

// runEnd returns the end of the newest run's record.
func (n *node) runEnd() map[string]any {
	n.t.Helper()
	last := n.runs(n.agentID(), api.ListRunsParams{Limit: new("1")}).Runs[0]
	events := data[api.RunDetail](n.read(n.api().GetRun(n.t.Context(), n.agentID(), last.RunID, nil)).want(200)).Events
	return object(events[len(events)-1].Data)
}

// A model that can't sum up doesn't hide what was done.
func TestStepsWithoutASummary(t *testing.T) {
	t.Parallel()
	steps := stepping(aStep("ROLL_DICE", `{"sides": 6}`, "", true))
	n, _, _ := withTower(t, "OpenAI", inSteps(map[string]any{"MULTISTEP_SUMMARY_PARSE_RETRIES": 2}), func(r modeltest.Request) modeltest.Script {
		if strings.Contains(r.Prompt(), "<isFinish>") {
			return steps(r)
		}
		return modeltest.Say("<response></response>")
	})
	channel, user := n.dm()
	if got := n.askStream(channel, user, "Roll!"); got.text != "I could not sum up what I did. Done: ROLL_DICE." {
		t.Errorf("streamed %q, end %s", got.text, got.end.data)
	}
}

// The built-in responder takes steps, too, without any model.
func TestStepsOfTheBuiltinResponder(t *testing.T) {
	t.Parallel()
	w := &tower{}
	n := startWith(t, testConfig(t), server.WithPlugins(w.plugin()), server.WithEnvironment())
	character := inSteps(nil)
	character["plugins"] = []string{"tower"}
	n.changeAgent(n.agentID(), character).want(200)
	channel, user := n.dm()
	got := into[api.MessagePostedEnvelope](n.ask(channel, user, "Please roll the dice, sides: 20").want(201)).AgentResponse.Text
	if !strings.Contains(got, "A die of 20 sides shows 19") || len(w.rolled()) != 1 {
		t.Errorf("said %q, rolls %v", got, w.rolled())
	}
	if got := into[api.MessagePostedEnvelope](n.ask(channel, user, "Good morning").want(201)).AgentResponse.Text; got == "" || len(w.rolled()) != 1 {
		t.Errorf("said %q, rolls %v", got, w.rolled())
	}
}

// What actions did is known in later turns.
func TestEarlierResultsAreKnown(t *testing.T) {
	t.Parallel()
	n, _, m := withTower(t, "OpenAI", nil, told(modeltest.Script{Calls: []modeltest.Call{{Name: "ROLL_DICE", Arguments: `{"sides":20}`}}}))
	channel, user := n.dm()
	n.askStream(channel, user, "Roll!")
	n.askStream(channel, user, "What was it?")
	requests := m.Requests()
	_, earlier, _ := strings.Cut(requests[len(requests)-1].Prompt(), "# Done for earlier messages\n")
	earlier, _, _ = strings.Cut(earlier, "\n\n")
	if diff := cmp.Diff("- ROLL_DICE done. A die of 20 sides shows 19.", earlier); diff != "" {
		t.Errorf("the next turn is told (-want +got):\n%s", diff)
	}
}

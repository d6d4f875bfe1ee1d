package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/modeltest"
	"github.com/elizad/elizad/server/internal/runtime"
)

// plan is an answer with actions.
func plan(actions, text string) modeltest.Script {
	return modeltest.Say("<response><thought>t</thought><actions>" + actions + "</actions><text>" + text + "</text></response>")
}

// withPlugin adds a plugin named "tools" to a bench.
func withPlugin(t *testing.T, parts agent.Components) func(*runtime.Config) {
	t.Helper()
	registry, err := agent.NewRegistry(agent.Plugin{
		Name:      "tools",
		Provision: func(context.Context, agent.Setup) (agent.Components, error) { return parts, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return func(c *runtime.Config) { c.Plugins = registry }
}

func TestRoomActions(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		before, actions, text string
		after                 string
		reply                 string
	}{
		"mute":               {"", "REPLY, MUTE_ROOM", "please be quiet", "MUTED", "Fine."},
		"mute by simile":     {"", "reply,mute_chat", "please be quiet", "MUTED", "Fine."},
		"mute without reply": {"", "MUTE_ROOM", "please be quiet", "MUTED", "Fine."},
		"unmute":             {"MUTED", "UNMUTE_ROOM,REPLY", "Ada, you may talk", "", "Fine."},
		"follow":             {"", "FOLLOW_ROOM,REPLY", "please follow this room", "FOLLOWED", "Fine."},
		"unfollow":           {"FOLLOWED", "UNFOLLOW_ROOM,REPLY", "enough", "", "Fine."},
		"not offered":        {"", "UNMUTE_ROOM,REPLY", "hello", "", "Second."}, // the plan's text was written by mistake
		"unknown":            {"", "REPLY,DANCE", "dance", "", "Fine."},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, models := scripted(t, inOrder(plan(tt.actions, "Fine."), modeltest.Frame("Second.")))
			b := running(t, models)
			ada := b.agent(t, "Ada", "")
			dm := b.dm(t, ada)
			if err := b.messages.SetParticipantState(t.Context(), b.who, dm.ID, ada, tt.before); err != nil {
				t.Fatal(err)
			}
			got := b.say(t, ada, b.draft(dm, tt.text))
			if got.reply() != tt.reply || strings.Join(got.chunks, "") != tt.reply {
				t.Errorf("reply %q in %q; turn %+v", got.reply(), got.chunks, got.Turn)
			}
			if state := b.standing(t, dm, ada); state != tt.after {
				t.Errorf("state %q, want %q", state, tt.after)
			}
		})
	}
}

func TestChoosingSilence(t *testing.T) {
	t.Parallel()
	for actions, reason := range map[string]string{"IGNORE": "agent_ignored", "ignore, REPLY": "agent_ignored", "NONE": "agent_none"} {
		_, models := scripted(t, always(plan(actions, "")))
		b := running(t, models)
		ada := b.agent(t, "Ada", "")
		got := b.say(t, ada, b.draft(b.dm(t, ada), "bye"))
		if got.Turn.Status != messaging.TurnIgnored || got.Turn.Reason != reason || got.Reply != nil || len(got.chunks) != 0 {
			t.Errorf("%s: turn %+v, reply %q", actions, got.Turn, got.reply())
		}
	}
}

func TestPluginAction(t *testing.T) {
	t.Parallel()
	lookUp := agent.Action{
		Name: "LOOK_UP_WEATHER", Similes: []string{"FORECAST"}, Description: "Looks the weather up",
		Handle: func(_ context.Context, run *agent.Run) (agent.Result, error) {
			if run.Message.Author != "Olga" || run.Room.Type != "DM" || len(run.Actions) == 0 {
				return agent.Result{}, errors.New("the run is incomplete")
			}
			return agent.Result{Text: "It rains in Paris.", Values: map[string]any{"sky": "grey"}}, nil
		},
	}
	server, models := scripted(t, inOrder(plan("LOOK_UP_WEATHER,REPLY", "Let me see."), modeltest.Say("<response><text>It rains.</text></response>")))
	b := running(t, models, withPlugin(t, agent.Components{Actions: []agent.Action{lookUp}}))
	ada := b.agent(t, "Ada", `"plugins":["@me/plugin-tools"],"templates":{"replyTemplate":"{{providers}} sky={{sky}}"}`)
	got := b.say(t, ada, b.draft(b.dm(t, ada), "weather?"))
	if got.reply() != "It rains." || strings.Join(got.chunks, "") != got.reply() {
		t.Errorf("reply %q in %q, turn %+v", got.reply(), got.chunks, got.Turn)
	}
	requests := server.Requests()
	if first := requests[0].Prompt(); !strings.Contains(first, "LOOK_UP_WEATHER: Looks the weather up") {
		t.Errorf("the action is not offered: %s", first)
	}
	if second := requests[1].Prompt(); !strings.Contains(second, "It rains in Paris.") || !strings.Contains(second, "sky=grey") {
		t.Errorf("the reply's prompt doesn't know the result: %s", second)
	}
	var kinds []string
	for _, e := range b.record(t, got.Turn) {
		kind := e.kind
		if name, ok := e.data["actionName"]; ok {
			kind += " " + name.(string)
		}
		kinds = append(kinds, kind)
	}
	want := []string{"RUN_STARTED", "MODEL_USED", "ACTION_STARTED LOOK_UP_WEATHER", "ACTION_COMPLETED LOOK_UP_WEATHER", "ACTION_STARTED REPLY", "MODEL_USED", "ACTION_COMPLETED REPLY", "RUN_ENDED"}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
	log := b.record(t, got.Turn)
	call, done := log[5].data, log[6].data
	if about, _ := call["actionContext"].(map[string]any); about["actionName"] != "REPLY" || about["actionId"] != done["actionId"] {
		t.Errorf("the model call doesn't say which action made it: %v", call)
	}
	if done["promptCount"] != 1.0 || log[3].data["promptCount"] != 0.0 || log[1].data["actionContext"] != nil {
		t.Errorf("model calls of actions: %v", log)
	}
}

func TestFailingActions(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		handle   func(context.Context, *agent.Run) (agent.Result, error)
		goOn     bool
		reported string // what the model learns
		after    bool   // whether the action after it runs
	}{
		"error": {func(context.Context, *agent.Run) (agent.Result, error) { return agent.Result{}, errors.New("secret") }, false, "An internal error occurred", false},
		"public error": {func(context.Context, *agent.Run) (agent.Result, error) {
			return agent.Result{}, apierr.New(apierr.NotFound, "No such city")
		}, false, "No such city", false},
		"panic": {func(context.Context, *agent.Run) (agent.Result, error) { panic("secret") }, false, "An internal error occurred", false},
		"too slow": {func(ctx context.Context, _ *agent.Run) (agent.Result, error) {
			<-ctx.Done()
			return agent.Result{}, ctx.Err()
		}, false, "It took too long", false},
		"goes on": {func(context.Context, *agent.Run) (agent.Result, error) { return agent.Result{}, errors.New("secret") }, true, "An internal error occurred", true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ran := make(chan struct{}, 1)
			parts := agent.Components{Actions: []agent.Action{
				{Name: "TRY_IT", Handle: tt.handle, ContinueOnError: tt.goOn},
				{Name: "AND_THEN", Handle: func(context.Context, *agent.Run) (agent.Result, error) { ran <- struct{}{}; return agent.Result{}, nil }},
			}}
			server, models := scripted(t, inOrder(plan("TRY_IT,AND_THEN,REPLY", "Done!"), modeltest.Say("<response><text>It went wrong.</text></response>")))
			b := running(t, models, withPlugin(t, parts))
			ada := b.agent(t, "Ada", `"plugins":["tools"],"settings":{"ACTION_TIMEOUT_MS":50}`)
			got := b.say(t, ada, b.draft(b.dm(t, ada), "try"))
			if got.reply() != "It went wrong." {
				t.Fatalf("reply %q, turn %+v", got.reply(), got.Turn)
			}
			if prompt := server.Requests()[1].Prompt(); !strings.Contains(prompt, "TRY_IT failed. "+tt.reported) || strings.Contains(prompt, "secret") {
				t.Errorf("prompt of the reply: %s", prompt)
			}
			if after := len(ran) > 0; after != tt.after {
				t.Errorf("the next action ran: %v", after)
			}
		})
	}
}

func TestOnlyActionFails(t *testing.T) {
	t.Parallel()
	parts := agent.Components{Actions: []agent.Action{{Name: "TRY_IT", Handle: func(context.Context, *agent.Run) (agent.Result, error) { return agent.Result{}, errors.New("no") }}}}
	_, models := scripted(t, always(plan("TRY_IT", "")))
	b := running(t, models, withPlugin(t, parts))
	ada := b.agent(t, "Ada", `"plugins":["tools"]`)
	got := b.say(t, ada, b.draft(b.dm(t, ada), "try"))
	if got.Turn.Status != messaging.TurnFailed || got.Turn.Reason != "action_failed" || !strings.Contains(got.Turn.Detail, "TRY_IT") {
		t.Errorf("turn = %+v", got.Turn)
	}
}

func TestTextsOfActionsArePartOfTheReply(t *testing.T) {
	t.Parallel()
	parts := agent.Components{Actions: []agent.Action{{Name: "ROLL_DICE", Handle: func(context.Context, *agent.Run) (agent.Result, error) {
		return agent.Result{Say: "You rolled a 4. "}, nil
	}}}}
	_, models := scripted(t, always(plan("REPLY,ROLL_DICE", "Here goes.")))
	b := running(t, models, withPlugin(t, parts))
	ada := b.agent(t, "Ada", `"plugins":["tools"]`)
	got := b.say(t, ada, b.draft(b.dm(t, ada), "roll"))
	if want := "Here goes.\n\nYou rolled a 4."; got.reply() != want || strings.Join(got.chunks, "") != want {
		t.Errorf("reply %q in %q", got.reply(), got.chunks)
	}
}

// A reply that needs to know more is written again with the providers it asked for.
func TestProvidersOnDemand(t *testing.T) {
	t.Parallel()
	first := modeltest.Say("<response><actions>REPLY</actions><providers>ENTITIES, weather, NONSENSE</providers><text>Let me see</text></response>")
	server, models := scripted(t, inOrder(first, modeltest.Say("<response><text>You are Olga.</text></response>")))
	weather := agent.Provider{Name: "WEATHER", Description: "the weather", Dynamic: true, Get: func(context.Context, *agent.Run) (agent.ProviderResult, error) {
		return agent.ProviderResult{Text: "It rains."}, nil
	}}
	b := running(t, models, withPlugin(t, agent.Components{Providers: []agent.Provider{weather}}))
	ada := b.agent(t, "Ada", `"plugins":["tools"]`)
	got := b.say(t, ada, b.draft(b.dm(t, ada), "who am I?"))
	if got.reply() != "You are Olga." || strings.Join(got.chunks, "") != got.reply() {
		t.Errorf("reply %q in %q", got.reply(), got.chunks)
	}
	requests := server.Requests()
	if p := requests[0].Prompt(); strings.Contains(p, "# People in this room") || !strings.Contains(p, "- WEATHER: the weather") {
		t.Errorf("first prompt: %s", p)
	}
	if p := requests[1].Prompt(); !strings.Contains(p, "# People in this room") || !strings.Contains(p, "Olga (id "+b.user.String()+")") || !strings.Contains(p, "It rains.") {
		t.Errorf("second prompt: %s", p)
	}
}

func TestProvidersThatFailAreLeftOut(t *testing.T) {
	t.Parallel()
	provider := func(name string, get func(context.Context) (agent.ProviderResult, error)) agent.Provider {
		return agent.Provider{Name: name, Get: func(ctx context.Context, _ *agent.Run) (agent.ProviderResult, error) { return get(ctx) }}
	}
	parts := agent.Components{Providers: []agent.Provider{
		provider("GOOD", func(context.Context) (agent.ProviderResult, error) {
			return agent.ProviderResult{Text: "good news"}, nil
		}),
		provider("BAD", func(context.Context) (agent.ProviderResult, error) {
			return agent.ProviderResult{Text: "bad"}, errors.New("no")
		}),
		provider("WILD", func(context.Context) (agent.ProviderResult, error) { panic("no") }),
		provider("SLOW", func(ctx context.Context) (agent.ProviderResult, error) {
			<-ctx.Done()
			return agent.ProviderResult{}, ctx.Err()
		}),
	}}
	server, models := scripted(t, always(modeltest.Frame("fine")))
	b := running(t, models, withPlugin(t, parts))
	ada := b.agent(t, "Ada", `"plugins":["tools"],"settings":{"PROVIDER_TIMEOUT_MS":60}`)
	got := b.say(t, ada, b.draft(b.dm(t, ada), "hello"))
	if got.reply() != "fine" { // SLOW does nothing until it is cancelled
		t.Errorf("turn = %+v", got.Turn)
	}
	if p := server.Requests()[0].Prompt(); !strings.Contains(p, "good news") {
		t.Errorf("prompt: %s", p)
	}
	log := b.record(t, got.Turn)
	missing, _ := log[len(log)-1].data["providersLeftOut"].([]any)
	if len(missing) != 3 {
		t.Errorf("left out: %v", missing)
	}
}

func TestEvaluatorsLookBack(t *testing.T) {
	t.Parallel()
	seen, last := make(chan string, 10), make(chan struct{}, 10)
	evaluator := func(name string, always bool) agent.Evaluator {
		return agent.Evaluator{Name: name, AlwaysRun: always, Handle: func(_ context.Context, run *agent.Run) error {
			seen <- name + " " + run.Message.Content.Text
			return nil
		}}
	}
	parts := agent.Components{Evaluators: []agent.Evaluator{
		evaluator("ANSWERED", false), evaluator("ALWAYS", true),
		{Name: "WILD", AlwaysRun: true, Handle: func(context.Context, *agent.Run) error { panic("no") }},
		{Name: "NOT_NOW", AlwaysRun: true, Validate: func(context.Context, *agent.Run) bool {
			last <- struct{}{}
			return false
		}, Handle: func(context.Context, *agent.Run) error {
			seen <- "NOT_NOW"
			return nil
		}},
	}}
	_, models := scripted(t, inOrder(plan("IGNORE", ""), modeltest.Frame("yes")))
	b := running(t, models, withPlugin(t, parts))
	ada := b.agent(t, "Ada", `"plugins":["tools"]`)
	dm := b.dm(t, ada)
	b.say(t, ada, b.draft(dm, "one"))
	if got := <-seen; got != "ALWAYS one" {
		t.Errorf("after silence: %s", got)
	}
	two := b.say(t, ada, b.draft(dm, "two"))
	if first, second := <-seen, <-seen; first != "ANSWERED two" || second != "ALWAYS two" {
		t.Errorf("after an answer: %s, %s", first, second)
	}
	<-last // of one
	<-last
	b.stop(t, b.Service) // ends the evaluators, and waits for the record of their work
	var recorded []string
	for _, e := range b.record(t, two.Turn) {
		if e.kind == messaging.LogEvaluated {
			recorded = append(recorded, fmt.Sprint(e.data["evaluatorName"], " ", e.data["success"]))
		}
	}
	if diff := cmp.Diff([]string{"ANSWERED true", "ALWAYS true", "WILD false"}, recorded); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
}

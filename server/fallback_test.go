package server_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server/internal/modeltest"
)

// model returns what is shown of an agent's model.
func (n *node) model(agent uuid.UUID) api.AgentModel {
	n.t.Helper()
	return data[api.Agent](n.read(n.api().GetAgent(n.t.Context(), agent)).want(200)).Model
}

// TestFallbacks asks a model of the other protocol where the first one fails. The reply and the record say so, and the key of each
// goes to its own address only.
func TestFallbacks(t *testing.T) {
	t.Parallel()
	for name, failure := range map[string]modeltest.Script{
		"it is down":         modeltest.Fail(500, "Something broke."),
		"it refuses the key": modeltest.Fail(401, "No."),
		"it has no credit":   modeltest.Fail(402, "Pay."),
		"it has no model":    modeltest.Fail(404, "What?"),
		"it is limited":      {Status: 429, Body: `{"error":{"message":"Slow down."}}`, Header: map[string][]string{"Retry-After": {"3600"}}},
		"it breaks off":      {Ending: modeltest.Cut},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first := modeltest.New(t, func(modeltest.Request) modeltest.Script { return failure })
			second := modeltest.New(t, func(modeltest.Request) modeltest.Script { return modeltest.Frame("It is raining.") })
			n := start(t, t.TempDir(), "OPENAI_BASE_URL="+first.URL, "OPENAI_API_KEY=first-key", "OPENAI_MODEL=m",
				"ANTHROPIC_BASE_URL="+second.URL, "ANTHROPIC_API_KEY=second-key", "MODEL_PROVIDER=openai", "MODEL_FALLBACKS=anthropic:claude-x")
			channel, user := n.dm()
			got := n.askStream(channel, user, "Hello")
			reply := object(got.last.Metadata)
			if got.text != "It is raining." || got.last.Content != "It is raining." || reply["provider"] != "anthropic" || reply["model"] != "claude-x" || reply["fallback"] != true {
				t.Fatalf("streamed %q, stored %q with %s", got.text, got.last.Content, got.last.Metadata)
			}
			last := len(got.calls) - 1
			for i, call := range got.calls {
				failed := call["provider"] == "openai" && call["error"] != nil && call["fallback"] == nil
				answered := call["provider"] == "anthropic" && call["error"] == nil && call["fallback"] == true && call["model"] == "claude-x"
				if i < last && !failed || i == last && !answered {
					t.Errorf("call %d of %d: %v", i, last+1, call)
				}
			}
			for _, r := range first.Requests() {
				if r.Header.Get("Authorization") != "Bearer first-key" || r.Header.Get("X-Api-Key") != "" {
					t.Errorf("the first got %v", r.Header)
				}
			}
			if r := second.Requests(); len(r) != 1 || r[0].Header.Get("X-Api-Key") != "second-key" || r[0].Header.Get("Authorization") != "" {
				t.Errorf("the second got %+v", r)
			}
			if m := n.model(n.agentID()); m.Provider != "openai" || len(m.Fallbacks) != 1 || m.Fallbacks[0].Provider != "anthropic" || m.Fallbacks[0].Model != "claude-x" {
				t.Errorf("shown: %+v", m)
			}
			if used := n.usage(n.agentID(), nil); len(used.Days) != 1 || used.Days[0].Provider != "anthropic" {
				t.Errorf("used: %+v", used)
			}
		})
	}
}

// TestNoFallbackInTheMiddle keeps to the model whose words people have seen.
func TestNoFallbackInTheMiddle(t *testing.T) {
	t.Parallel()
	first := modeltest.New(t, func(modeltest.Request) modeltest.Script {
		script := modeltest.Say("<response><actions>REPLY</actions><text>It rains and ")
		script.Ending = modeltest.Cut
		return script
	})
	second := modeltest.New(t, func(modeltest.Request) modeltest.Script { return modeltest.Frame("It is dry.") })
	n := start(t, t.TempDir(), "OPENAI_BASE_URL="+first.URL, "OPENAI_MODEL=m", "ANTHROPIC_BASE_URL="+second.URL, "ANTHROPIC_API_KEY=k", "MODEL_PROVIDER=openai", "MODEL_FALLBACKS=anthropic")
	channel, user := n.dm()
	if got := n.askStream(channel, user, "Hello"); !strings.HasPrefix(got.text, "It rains and") || strings.Contains(got.text, "dry") || len(second.Requests()) != 0 {
		t.Errorf("streamed %q, and the second was asked %d times", got.text, len(second.Requests()))
	}
}

// TestFallbackToTheBuiltinResponder happens only where it is named, and says what answers.
func TestFallbackToTheBuiltinResponder(t *testing.T) {
	t.Parallel()
	m := modeltest.New(t, func(modeltest.Request) modeltest.Script { return modeltest.Fail(401, "No.") })
	n := start(t, t.TempDir(), "OPENAI_BASE_URL="+m.URL, "OPENAI_API_KEY=k", "OPENAI_MODEL=m", "MODEL_FALLBACK=nobody, mistral, builtin")
	channel, user := n.dm()
	got := n.askStream(channel, user, "Hello")
	if reply := object(got.last.Metadata); reply["provider"] != "builtin" || reply["notice"] == nil || reply["fallback"] != true || !strings.Contains(got.text, "built-in responder") {
		t.Errorf("%q with %s", got.text, got.last.Metadata)
	}
	if notice := n.model(n.agentID()).Notice; notice == nil || !strings.Contains(*notice, "refuses the key") {
		t.Errorf("the notice is %v", notice)
	}
}

// TestFallbacksThatCannotBeUsed are told to the owner before they are needed.
func TestFallbacksThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	m := modeltest.New(t, func(modeltest.Request) modeltest.Script { return modeltest.Frame("Yes.") })
	n := start(t, t.TempDir(), "OPENAI_BASE_URL="+m.URL, "OPENAI_MODEL=m", "MODEL_FALLBACKS=nobody, mistral")
	shown := n.model(n.agentID())
	if shown.Notice == nil || !strings.Contains(*shown.Notice, "MODEL_FALLBACKS names nobody") || !strings.Contains(*shown.Notice, "MISTRAL_API_KEY is not set") || len(shown.Fallbacks) != 0 {
		t.Errorf("%+v", shown)
	}
}

// TestCircuit shows an endpoint that fails again and again as left alone: it is not asked, and the turn says when it will be.
func TestCircuit(t *testing.T) {
	t.Parallel()
	m := modeltest.New(t, func(modeltest.Request) modeltest.Script {
		script := modeltest.Fail(503, "Overloaded.")
		script.Header = map[string][]string{"Retry-After": {"3600"}} // which nobody waits for
		return script
	})
	n := start(t, t.TempDir(), "OPENAI_BASE_URL="+m.URL, "OPENAI_MODEL=m")
	channel, user := n.dm()
	if shown := n.model(n.agentID()); *shown.Circuit != "closed" || shown.RetryAt != nil {
		t.Errorf("before: %+v", shown)
	}
	for range 6 {
		n.ask(channel, user, "Hello")
	}
	if asked := len(m.Requests()); asked != 5 {
		t.Errorf("it was asked %d times", asked)
	}
	if shown := n.model(n.agentID()); *shown.Circuit != "open" || shown.RetryAt == nil {
		t.Errorf("after: %+v", shown)
	}
	if run := n.runs(n.agentID(), api.ListRunsParams{Limit: new("1")}).Runs[0]; run.Reason != "model_unavailable" || !strings.Contains(run.Detail, "tried again in") {
		t.Errorf("the run: %+v", run)
	}
}

// TestProviderOfAKind asks one vendor whether to answer, and another for the answer.
func TestProviderOfAKind(t *testing.T) {
	t.Parallel()
	small := modeltest.New(t, func(modeltest.Request) modeltest.Script {
		return modeltest.Say("<response><name>Eliza</name><reasoning>Asked.</reasoning><action>RESPOND</action></response>")
	})
	large := modeltest.New(t, func(modeltest.Request) modeltest.Script { return modeltest.Frame("It is raining.") })
	n := start(t, t.TempDir(), "OPENAI_BASE_URL="+small.URL, "ANTHROPIC_BASE_URL="+large.URL, "ANTHROPIC_API_KEY=k", "TEXT_SMALL_PROVIDER=openai:tiny", "TEXT_LARGE_PROVIDER=anthropic:great")
	user := uuid.New()
	channel := n.group(user, uuid.New(), n.agentID())
	n.ask(channel, user, "Does it rain?")
	if s, l := small.Requests(), large.Requests(); len(s) != 1 || s[0].Model != "tiny" || len(l) != 1 || l[0].Model != "great" {
		t.Errorf("the small one was asked %d times, the large one %d", len(s), len(l))
	}
	if shown := n.model(n.agentID()); shown.Provider != "anthropic" || shown.Model != "great" {
		t.Errorf("shown: %+v", shown)
	}
	if used := n.usage(n.agentID(), nil); len(used.Days) != 2 {
		t.Errorf("used: %+v", used)
	}
	elsewhere := n.bring("Kay", map[string]any{"settings": map[string]any{"TEXT_LARGE_PROVIDER": "nobody"}})
	if notice := n.model(elsewhere).Notice; notice == nil || !strings.Contains(*notice, "TEXT_LARGE_PROVIDER names nobody") {
		t.Errorf("the notice is %v", notice)
	}
}

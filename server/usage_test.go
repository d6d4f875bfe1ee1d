package server_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server/internal/modeltest"
	"github.com/elizad/elizad/server/settings"
)

// metered starts a server with a model that reports 1,000 tokens of input, 400 of them from its cache, and 200 of output.
func metered(t *testing.T, prices string, env ...string) (*node, *modeltest.Server, settings.Settings) {
	t.Helper()
	m := modeltest.New(t, func(modeltest.Request) modeltest.Script {
		script := modeltest.Frame("Certainly.")
		script.Usage = &modeltest.Usage{Input: 1000, Output: 200, Cached: 400}
		return script
	})
	cfg := testConfig(t)
	if prices != "" {
		cfg.Agents.Prices = filepath.Join(t.TempDir(), "prices.json")
		if err := os.WriteFile(cfg.Agents.Prices, []byte(prices), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for i := range env {
		env[i] = strings.ReplaceAll(env[i], "{model}", m.URL)
	}
	cfg.Agents.Environment = settings.ReadAgentEnvironment(env)
	return startWith(t, cfg), m, cfg
}

// usage reads what an agent's models took.
func (n *node) usage(agent uuid.UUID, params *api.GetAgentUsageParams) api.AgentUsage {
	n.t.Helper()
	return data[api.AgentUsage](n.read(n.api().GetAgentUsage(n.t.Context(), agent, params)).want(200))
}

// TestUsage asks models of both protocols once. What that took is in the record of the run, and in the sums of the day, which a restart
// leaves as they are.
func TestUsage(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		env    []string
		prices string
		cost   float64
		known  bool
	}{
		"openai":                     {[]string{"OPENAI_BASE_URL={model}", "OPENAI_MODEL=m"}, `{"openai/m": {"input": 2, "output": 10, "cached": 0.5}}`, 0.0034, true},
		"anthropic":                  {[]string{"ANTHROPIC_BASE_URL={model}", "ANTHROPIC_API_KEY=key", "ANTHROPIC_MODEL=m"}, `{"m": {"input": 2, "output": 10, "cached": 0.5}}`, 0.0034, true},
		"of an unknown price":        {[]string{"OPENAI_BASE_URL={model}", "OPENAI_MODEL=m"}, `{"n": {"input": 2, "output": 10}}`, 0, false},
		"of a known model elsewhere": {[]string{"OPENAI_BASE_URL={model}", "OPENAI_MODEL=gpt-5-mini"}, "", 0, false},
		"of a free model":            {[]string{"OLLAMA_BASE_URL={model}", "OLLAMA_MODEL=m"}, `{"ollama/*": {"input": 0, "output": 0}}`, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, _, cfg := metered(t, tt.prices, tt.env...)
			channel, user := n.dm()
			got := n.askStream(channel, user, "Hello")
			check := func(where string, u api.ModelUsage) {
				t.Helper()
				cost, err := u.Cost.Get()
				if (err == nil) != tt.known || cost != tt.cost || u.Calls != 1 || u.InputTokens != 1000 || u.OutputTokens != 200 || u.CachedTokens != 400 || (u.UnpricedCalls == 0) != tt.known {
					t.Errorf("%s: %+v", where, u)
				}
			}
			call := got.calls[0]
			if cost, known := call["cost"]; known != tt.known || known && cost != tt.cost {
				t.Errorf("the record says %v", call)
			}
			check("the run", n.runs(n.agentID(), api.ListRunsParams{}).Runs[0].Usage)
			agent := n.agentID()
			n.stop()
			n = startWith(t, cfg)
			used := n.usage(agent, nil)
			if len(used.Days) != 1 || used.Days[0].Model == "" || used.Days[0].Provider == "" || time.Since(used.Days[0].Day.Time) > 25*time.Hour || len(used.Budgets) != 0 {
				t.Fatalf("used: %+v", used)
			}
			check("the day", used.Days[0].Usage)
			check("all", used.Total)
			if before := n.usage(agent, &api.GetAgentUsageParams{To: new("2026-01-01T00:00:00Z")}); len(before.Days) != 0 || before.Total.Calls != 0 {
				t.Errorf("before: %+v", before)
			}
		})
	}
}

// TestBuiltinResponderTakesNothing counts no calls of it.
func TestBuiltinResponderTakesNothing(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir(), "BUDGET_AGENT_TOKENS_PER_DAY=0")
	channel, user := n.dm()
	n.ask(channel, user, "Hello").want(201)
	used := n.usage(n.agentID(), nil)
	if run := n.runs(n.agentID(), api.ListRunsParams{}).Runs[0]; run.Outcome != "replied" || run.Usage.Calls != 0 || run.Usage.Cost.MustGet() != 0 || len(used.Days) != 0 {
		t.Errorf("%+v, %+v", run, used)
	}
	if b := used.Budgets; len(b) != 1 || b[0].Setting != "BUDGET_AGENT_TOKENS_PER_DAY" || b[0].Limit != 0 || b[0].Used == nil || *b[0].Used != 0 {
		t.Errorf("budgets: %+v", b)
	}
}

// TestUsageOfAnAnswerThatBrokeOff counts what was read of it.
func TestUsageOfAnAnswerThatBrokeOff(t *testing.T) {
	t.Parallel()
	m := modeltest.New(t, func(modeltest.Request) modeltest.Script {
		script := modeltest.Frame("It is raining and it will rain and there is no end of it.")
		script.Ending = modeltest.Cut
		return script
	})
	n := start(t, t.TempDir(), "OPENAI_BASE_URL="+m.URL, "OPENAI_MODEL=m")
	channel, user := n.dm()
	n.stream(channel, user, "Hello")
	if total := n.usage(n.agentID(), nil).Total; total.Calls == 0 || total.InputTokens < 100 || total.OutputTokens == 0 {
		t.Errorf("used: %+v", total)
	}
}

// TestBudgets lets each budget be used up by one answer. The next turn fails and says which setting it was, others go on where the budget is not
// theirs, and a restart changes nothing.
func TestBudgets(t *testing.T) {
	t.Parallel()
	const prices = `{"m": {"input": 2, "output": 10, "cached": 0.5}}`
	for setting, theirs := range map[string]bool{ // whether it is also that of other people in other rooms
		"BUDGET_SERVER_TOKENS_PER_DAY=1000": true, "BUDGET_SERVER_USD_PER_DAY=0.0034": true, "BUDGET_AGENT_TOKENS_PER_DAY=1200": true, "BUDGET_AGENT_USD_PER_DAY=0.001": true,
		"BUDGET_PERSON_TOKENS_PER_DAY=1200": false, "BUDGET_PERSON_USD_PER_DAY=0.003": false, "BUDGET_ROOM_TOKENS_PER_DAY=10": false, "BUDGET_ROOM_USD_PER_DAY=0.002": false,
	} {
		name, _, _ := strings.Cut(setting, "=")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, m, cfg := metered(t, prices, "OPENAI_BASE_URL={model}", "OPENAI_MODEL=m", setting)
			channel, user := n.dm()
			n.ask(channel, user, "Hello").want(201)
			refused := func(channel, user uuid.UUID, want bool) {
				t.Helper()
				asked := len(m.Requests())
				n.ask(channel, user, "And now?")
				run := n.runs(n.agentID(), api.ListRunsParams{Limit: new("1")}).Runs[0]
				if !want {
					if run.Outcome != "replied" {
						t.Errorf("somebody else: %+v", run)
					}
					return
				}
				last := n.history(channel)[0]
				if run.Outcome != "failed" || run.Reason != "budget_exhausted" || !strings.Contains(run.Detail, name+" in the environment") || !strings.Contains(run.Detail, "00:00 UTC") ||
					last.Content != "No answer: "+run.Detail || len(m.Requests()) != asked {
					t.Errorf("%+v, the history says %q, and %d requests", run, last.Content, len(m.Requests())-asked)
				}
			}
			refused(channel, user, true)
			stranger := uuid.New()
			refused(n.dmBetween(n.agentID(), stranger), stranger, theirs)
			n.stop()
			n = startWith(t, cfg)
			refused(channel, user, true)
		})
	}
}

// TestCharacterNarrowsBudgets takes the tighter one of the operator's and the character's, whichever is set where.
func TestCharacterNarrowsBudgets(t *testing.T) {
	t.Parallel()
	n, _, _ := metered(t, "", "OPENAI_BASE_URL={model}", "OPENAI_MODEL=m", "BUDGET_AGENT_TOKENS_PER_DAY=2000")
	for limit, want := range map[string]string{"1200": "the character", "1000000": "the environment", "a lot": "the character is not a number"} {
		agent := n.bring("Kay "+limit, map[string]any{"settings": map[string]any{"BUDGET_AGENT_TOKENS_PER_DAY": limit, "BUDGET_SERVER_TOKENS_PER_DAY": "0"}})
		user := uuid.New()
		channel := n.dmBetween(agent, user)
		var run api.RunSummary
		for range 3 {
			n.ask(channel, user, "Hello")
			run = n.runs(agent, api.ListRunsParams{Limit: new("1")}).Runs[0]
		}
		if run.Reason != "budget_exhausted" || !strings.Contains(run.Detail, want) {
			t.Errorf("with %s: %+v", limit, run)
		}
	}
}

// TestBudgetOfAnUnknownPrice tells the owner that a budget in money counts nothing.
func TestBudgetOfAnUnknownPrice(t *testing.T) {
	t.Parallel()
	n, _, _ := metered(t, "", "OPENAI_BASE_URL={model}", "OPENAI_MODEL=m", "BUDGET_AGENT_USD_PER_DAY=1")
	agent := data[api.Agent](n.read(n.api().GetAgent(t.Context(), n.agentID())).want(200))
	if notice := agent.Model.Notice; notice == nil || !strings.Contains(*notice, "BUDGET_AGENT_USD_PER_DAY") || !strings.Contains(*notice, "MODEL_PRICES") {
		t.Errorf("the notice is %v", notice)
	}
}

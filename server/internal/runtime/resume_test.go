package runtime_test

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/modeltest"
	"github.com/elizad/elizad/server/internal/runtime"
)

// A turn that a process took up and did not end, because it was killed, is taken again: what it has done is known and not done
// again, nor is what it had begun, in steps and in plans alike.
func TestInterruptedTurnsDoNothingTwice(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		settings string
		answers  []string
		told     []string // what the model knows at the end
		did      []string
	}{
		"in steps": {
			`{"USE_MULTI_STEP":true}`,
			[]string{
				step("SEND", `{"to":"Bob"}`), step("SEND", `{"to":"Ada"}`), step("SEND", `{"to":"Cid"}`), step("", "{}"),
				"<response><text>All sent.</text></response>",
			},
			[]string{"1. SEND done. Sent to Ada.", "2. SEND failed. It was begun before an interruption", "SEND done. Sent to Cid."},
			[]string{`{"to":"Cid"}`},
		},
		"in a plan": {
			`{}`,
			[]string{
				`<response><actions><action><name>SEND</name><params>{"to":"Ada"}</params></action><action><name>SEND</name><params>{"to":"Cid"}</params></action>REPLY</actions></response>`,
				"<response><text>All sent.</text></response>",
			},
			[]string{"1. SEND done. Sent to Ada.", "2. SEND done. Sent to Cid."},
			[]string{`{"to":"Cid"}`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			var did []string
			send := agent.Action{
				Name: "SEND", Description: "Sends a letter", Parameters: json.RawMessage(`{"type":"object","properties":{"to":{"type":"string"}}}`), ContinueOnError: true,
				Handle: func(_ context.Context, run *agent.Run) (agent.Result, error) {
					mu.Lock()
					defer mu.Unlock()
					did = append(did, string(run.Parameters))
					var p struct{ To string }
					err := json.Unmarshal(run.Parameters, &p)
					return agent.Result{Text: "Sent to " + p.To + ".", Values: map[string]any{"sent": true}}, err
				},
			}
			scripts := make([]modeltest.Script, len(tt.answers))
			for i, a := range tt.answers {
				scripts[i] = modeltest.Say(a)
			}
			server, models := scripted(t, inOrder(scripts...))
			b := setup(t, models, withPlugin(t, agent.Components{Actions: []agent.Action{send}}), func(c *runtime.Config) { c.Owner = "next" })
			ada := b.agent(t, "Ada", `"plugins":["tools"],"settings":`+tt.settings)
			dm := b.dm(t, ada)
			p, err := b.messages.Post(t.Context(), b.who, b.draft(dm, "Send letters to Ada, Bob and Cid"))
			if err != nil {
				t.Fatal(err)
			}
			turns, err := b.messages.ClaimTurns(t.Context(), "killed", 1, 0, time.Minute)
			if err != nil || len(turns) != 1 {
				t.Fatalf("claimed %v, %v", turns, err)
			}
			first := messaging.TurnAction{Position: 0, Name: "SEND", Parameters: `{"to":"Ada"}`}
			second := messaging.TurnAction{Position: 1, Name: "SEND", Parameters: `{"to":"Bob"}`}
			if err := b.messages.BeginAction(t.Context(), "killed", turns[0], time.Minute, first); err != nil {
				t.Fatal(err)
			}
			first.Result = `{"text":"Sent to Ada.","values":{"sent":true}}`
			if err := b.messages.EndAction(t.Context(), turns[0], first); err != nil {
				t.Fatal(err)
			}
			if err := b.messages.BeginAction(t.Context(), "killed", turns[0], time.Minute, second); err != nil {
				t.Fatal(err)
			}
			b.ahead.Store(int64(time.Hour)) // the lease has passed
			b.start(t, b.Service)
			if turn := b.ended(t, p.Turns[0]); turn.Status != messaging.TurnReplied || turn.Attempts != 2 {
				t.Fatalf("turn %+v\n%s", turn, b.log)
			}
			if err := b.messages.BeginAction(t.Context(), "killed", turns[0], time.Minute, messaging.TurnAction{Position: 9, Name: "SEND"}); err == nil {
				t.Error("a worker that has lost the turn begins another action")
			}
			mu.Lock()
			defer mu.Unlock()
			if diff := cmp.Diff(tt.did, did); diff != "" {
				t.Errorf("done after the interruption (-want +got):\n%s", diff)
			}
			requests := server.Requests()
			last := requests[len(requests)-1].Prompt()
			for _, want := range tt.told {
				if !strings.Contains(last, want) {
					t.Errorf("the model isn't told %q: %s", want, last)
				}
			}
			if texts := b.texts(t, dm.ID); texts[len(texts)-1] != "All sent." {
				t.Errorf("channel %q", texts)
			}
		})
	}
}

// step is an answer that chooses the next step; without an action it is the end.
func step(action, parameters string) string {
	finish := "false"
	if action == "" {
		finish = "true"
	}
	return "<response><thought>t</thought><action>" + action + "</action><parameters>" + parameters + "</parameters><providers></providers><isFinish>" + finish + "</isFinish></response>"
}

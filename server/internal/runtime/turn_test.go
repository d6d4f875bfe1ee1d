package runtime_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/modeltest"
	"github.com/elizad/elizad/server/internal/runtime"
)

func TestAnswerOfTheBuiltinResponder(t *testing.T) {
	t.Parallel()
	b := running(t, builtin(t))
	eliza := b.agent(t, "Eliza", "")
	got := b.say(t, eliza, b.draft(b.dm(t, eliza), "Hello there!"))
	if got.Turn.Status != messaging.TurnReplied || got.Turn.Reason != "direct" || got.Turn.CharacterVersion != 1 {
		t.Errorf("turn = %+v", got.Turn)
	}
	if got.reply() == "" || strings.Join(got.chunks, "") != got.reply() || len(got.chunks) < 2 {
		t.Errorf("reply %q in chunks %q", got.reply(), got.chunks)
	}
	if got.Reply.ID != got.Turn.ResponseID || got.Reply.AuthorID != eliza || got.Reply.AuthorName != "Eliza" || got.Reply.SourceType != "agent_response" {
		t.Errorf("reply = %+v", got.Reply)
	}
}

func TestWhatGoesWithAReply(t *testing.T) {
	t.Parallel()
	_, models := scripted(t, always(modeltest.Say("<response><thought>Greet back.</thought><actions>REPLY</actions><text>Hello Olga</text></response>")))
	b := running(t, models)
	ada := b.agent(t, "Ada", "")
	d := b.draft(b.dm(t, ada), "Hello")
	d.Metadata = json.RawMessage(`{"channelType":"DM","isDm":true}`)
	got := b.say(t, ada, d)

	var raw, metadata map[string]any
	if json.Unmarshal(got.Reply.RawMessage, &raw) != nil || json.Unmarshal(got.Reply.Metadata, &metadata) != nil {
		t.Fatalf("reply = %+v", got.Reply)
	}
	if diff := cmp.Diff(map[string]any{"text": "Hello Olga", "thought": "Greet back.", "actions": []any{"REPLY"}}, raw); diff != "" {
		t.Errorf("raw message (-want +got):\n%s", diff)
	}
	want := map[string]any{
		"agent_id": ada.String(), "agentName": "Ada", "attachments": []any{}, "channelType": "DM", "isDm": true, "provider": "openai", "model": "large",
	}
	if diff := cmp.Diff(want, metadata); diff != "" {
		t.Errorf("metadata (-want +got):\n%s", diff)
	}
	if got.Reply.InReplyTo == nil || *got.Reply.InReplyTo != got.Turn.MessageID {
		t.Errorf("in reply to %v", got.Reply.InReplyTo)
	}
}

func TestRecordOfATurn(t *testing.T) {
	t.Parallel()
	script := modeltest.Frame("Fine, thanks.")
	script.Usage = &modeltest.Usage{Input: 120, Output: 30, Cached: 20}
	_, models := scripted(t, always(script))
	b := running(t, models)
	ada := b.agent(t, "Ada", "")
	got := b.say(t, ada, b.draft(b.dm(t, ada), "How are you, canary?"))

	log := b.record(t, got.Turn)
	var kinds []string
	for _, e := range log {
		kinds = append(kinds, e.kind)
	}
	if diff := cmp.Diff([]string{"RUN_STARTED", "MODEL_USED", "RUN_ENDED"}, kinds); diff != "" {
		t.Fatalf("record (-want +got):\n%s", diff)
	}
	used := log[1].data
	for key, want := range map[string]any{
		"provider": "openai", "model": "large", "modelType": "TEXT_LARGE", "purpose": "handle", "attempt": 1.0,
		"inputTokens": 120.0, "outputTokens": 30.0, "cachedTokens": 20.0, "finishReason": "stop",
	} {
		if used[key] != want {
			t.Errorf("MODEL_USED %s = %v, want %v", key, used[key], want)
		}
	}
	if ended := log[2].data; ended["status"] != "completed" || ended["outcome"] != "replied" {
		t.Errorf("RUN_ENDED = %v", ended)
	}
	if text, _ := json.Marshal(log[1].data); strings.Contains(string(text), "canary") {
		t.Errorf("the record shows the prompt: %s", text)
	}
}

func TestCaptureKeepsTexts(t *testing.T) {
	t.Parallel()
	_, models := scripted(t, always(modeltest.Frame("Fine.")))
	b := running(t, models, func(c *runtime.Config) { c.Capture = runtime.CaptureAll })
	ada := b.agent(t, "Ada", `"system":"Be Ada."`)
	got := b.say(t, ada, b.draft(b.dm(t, ada), "How are you, canary?"))
	used := b.record(t, got.Turn)[1].data
	if !strings.Contains(fmt.Sprint(used["prompt"]), "canary") || used["systemPrompt"] != "Be Ada." || !strings.Contains(fmt.Sprint(used["response"]), "Fine.") {
		t.Errorf("MODEL_USED = %v", used)
	}
}

// Ten messages in a row are answered one by one, in their order, even if they arrive faster than the model writes.
func TestRapidMessagesAreAnsweredInOrder(t *testing.T) {
	t.Parallel()
	_, models := scripted(t, func(r modeltest.Request) modeltest.Script {
		_, newest, _ := strings.Cut(r.Prompt(), "# The newest message")
		for i := range 10 {
			if strings.Contains(newest, fmt.Sprintf("question %d\n", i)) {
				return modeltest.Frame(fmt.Sprintf("answer %d", i))
			}
		}
		return modeltest.Frame("confused")
	})
	b := running(t, models)
	ada := b.agent(t, "Ada", "")
	dm := b.dm(t, ada)
	var last messaging.Turn
	for i := range 10 {
		p, err := b.messages.Post(t.Context(), b.who, b.draft(dm, fmt.Sprintf("question %d", i)))
		if err != nil {
			t.Fatal(err)
		}
		last = p.Turns[0]
	}
	b.ended(t, last)
	var answers, want []string
	for _, text := range b.texts(t, dm.ID) {
		if strings.HasPrefix(text, "answer") {
			answers = append(answers, text)
		}
	}
	for i := range 10 {
		want = append(want, fmt.Sprintf("answer %d", i))
	}
	if diff := cmp.Diff(want, answers); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
}

func TestChannelsAreAnsweredAtTheSameTime(t *testing.T) {
	t.Parallel()
	gate := make(chan struct{})
	_, models := scripted(t, func(r modeltest.Request) modeltest.Script {
		s := modeltest.Frame("done")
		if strings.Contains(r.Prompt(), "slow") {
			s.Gates = map[int]<-chan struct{}{0: gate}
		}
		return s
	})
	b := running(t, models)
	ada, bob := b.agent(t, "Ada", ""), b.agent(t, "Bob", "")
	slow, err := b.messages.Post(t.Context(), b.who, b.draft(b.dm(t, ada), "slow"))
	if err != nil {
		t.Fatal(err)
	}
	if got := b.say(t, bob, b.draft(b.dm(t, bob), "fast")); got.reply() != "done" {
		t.Errorf("reply %q", got.reply())
	}
	close(gate)
	if turn := b.ended(t, slow.Turns[0]); turn.Status != messaging.TurnReplied {
		t.Errorf("slow turn = %+v", turn)
	}
}

// A turn of a server that died is claimed when its lease has expired, and answered once.
func TestTurnOfADeadServerIsTakenOver(t *testing.T) {
	t.Parallel()
	_, models := scripted(t, always(modeltest.Frame("late but here")))
	b := setup(t, models)
	ada := b.agent(t, "Ada", "")
	dm := b.dm(t, ada)
	p, err := b.messages.Post(t.Context(), b.who, b.draft(dm, "hello"))
	if err != nil {
		t.Fatal(err)
	}
	if turns, err := b.messages.ClaimTurns(t.Context(), "dead", 10, 0, time.Millisecond); err != nil || len(turns) != 1 {
		t.Fatalf("claimed %v, %v", turns, err)
	}
	b.start(t, b.Service)
	turn := b.ended(t, p.Turns[0])
	if turn.Status != messaging.TurnReplied || turn.Attempts != 2 {
		t.Errorf("turn = %+v", turn)
	}
	if _, err := b.messages.FinishTurn(t.Context(), "dead", turn, messaging.Outcome{Status: messaging.TurnReplied, Reply: &messaging.Reply{Content: "twice"}}); err == nil {
		t.Error("the dead server spoke again")
	}
	if diff := cmp.Diff([]string{"hello", "late but here"}, b.texts(t, dm.ID)); diff != "" {
		t.Errorf("channel (-want +got):\n%s", diff)
	}
}

func TestTurnThatNeverEndsIsAbandoned(t *testing.T) {
	t.Parallel()
	server, models := scripted(t, always(modeltest.Frame("hello")))
	b := setup(t, models)
	ada := b.agent(t, "Ada", "")
	p, err := b.messages.Post(t.Context(), b.who, b.draft(b.dm(t, ada), "hello"))
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if turns, err := b.messages.ClaimTurns(t.Context(), "dying", 1, 0, time.Minute); err != nil || len(turns) != 1 {
			t.Fatalf("claimed %v, %v", turns, err)
		}
		if err := b.messages.ReleaseTurns(t.Context(), "dying"); err != nil {
			t.Fatal(err)
		}
	}
	b.start(t, b.Service)
	if turn := b.ended(t, p.Turns[0]); turn.Status != messaging.TurnFailed || turn.Reason != "abandoned" || turn.Detail == "" {
		t.Errorf("turn = %+v", turn)
	}
	if n := len(server.Requests()); n != 0 {
		t.Errorf("the model was asked %d times", n)
	}
}

func TestLeaseIsKeptWhileTheModelThinks(t *testing.T) {
	t.Parallel()
	gate := make(chan struct{})
	started := make(chan struct{}, 2)
	_, models := scripted(t, func(modeltest.Request) modeltest.Script {
		started <- struct{}{}
		s := modeltest.Frame("at last")
		s.Gates = map[int]<-chan struct{}{0: gate}
		return s
	})
	b := running(t, models, func(c *runtime.Config) { c.Lease = 300 * time.Millisecond })
	ada := b.agent(t, "Ada", "")
	p, err := b.messages.Post(t.Context(), b.who, b.draft(b.dm(t, ada), "hello"))
	if err != nil {
		t.Fatal(err)
	}
	<-started
	for deadline := time.Now().Add(900 * time.Millisecond); time.Now().Before(deadline); {
		turns, err := b.messages.ClaimTurns(t.Context(), "thief", 1, 0, time.Minute)
		if err != nil || len(turns) != 0 {
			t.Fatalf("the turn was taken away: %v, %v", turns, err)
		}
	}
	close(gate)
	if turn := b.ended(t, p.Turns[0]); turn.Status != messaging.TurnReplied || turn.Attempts != 1 {
		t.Errorf("turn = %+v", turn)
	}
}

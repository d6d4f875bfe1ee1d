package runtime_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/modeltest"
	"github.com/elizad/elizad/server/internal/runtime"
)

func TestModelFailures(t *testing.T) {
	t.Parallel()
	const head = "<response><actions>REPLY</actions><text>"
	cut := broken(head + "I was going to")
	tests := map[string]struct {
		answer   modeltest.Script
		status   messaging.TurnStatus
		reason   string
		detail   string // a part of it
		requests int
	}{
		"wrong key":         {modeltest.Fail(http.StatusUnauthorized, "no"), messaging.TurnFailed, "model_auth", "OPENAI_API_KEY", 1},
		"forbidden":         {modeltest.Fail(http.StatusForbidden, "no"), messaging.TurnFailed, "model_auth", "OPENAI_API_KEY", 1},
		"no such model":     {modeltest.Fail(http.StatusNotFound, "no"), messaging.TurnFailed, "model_config", "OPENAI_LARGE_MODEL", 1},
		"too many":          {modeltest.Fail(http.StatusTooManyRequests, "no"), messaging.TurnFailed, "model_rate_limit", "", 3},
		"server error":      {modeltest.Fail(http.StatusInternalServerError, "no"), messaging.TurnFailed, "model_unavailable", "", 3},
		"refused":           {modeltest.Fail(http.StatusBadRequest, "no"), messaging.TurnFailed, "model_bad_request", "", 1},
		"no text":           {modeltest.Say(""), messaging.TurnFailed, "model_output_unusable", "", 3},
		"no frame":          {modeltest.Say("<response></response>"), messaging.TurnFailed, "model_output_unusable", "", 3},
		"cut in a thought":  {broken("<response><thought>hm, I"), messaging.TurnFailed, "model_unavailable", "", 3},
		"thoughts to limit": {limited("<think>hm, I"), messaging.TurnFailed, "model_token_limit", "TEXT_LARGE_MAX_TOKENS", 1},
		"frame to limit":    {limited("<response><thought>hm, I"), messaging.TurnFailed, "model_token_limit", "TEXT_LARGE_MAX_TOKENS", 1},
		"recorded to limit": {modeltest.Recorded("09-only-thoughts-came"), messaging.TurnFailed, "model_token_limit", "TEXT_LARGE_MAX_TOKENS", 1},
		"filtered at once":  {filtered(""), messaging.TurnFailed, "model_content_filter", "filter", 1},
		"filtered thought":  {filtered("<response><thought>hm"), messaging.TurnFailed, "model_content_filter", "filter", 1},
		"thought only":      {modeltest.Say("<response><thought>hm</thought></response>"), messaging.TurnFailed, "model_output_unusable", "", 3},
		"broken after text": {cut, messaging.TurnFailed, "model_unavailable", "", 2},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, models := scripted(t, always(tt.answer))
			b := running(t, models)
			ada := b.agent(t, "Ada", "")
			dm := b.dm(t, ada)
			got := b.say(t, ada, b.draft(dm, "hello"))
			if got.Turn.Status != tt.status || got.Turn.Reason != tt.reason || !strings.Contains(got.Turn.Detail, tt.detail) || got.Turn.Detail == "" {
				t.Errorf("turn = %s, %s, %q", got.Turn.Status, got.Turn.Reason, got.Turn.Detail)
			}
			if n := len(server.Requests()); n != tt.requests {
				t.Errorf("%d requests, want %d", n, tt.requests)
			}
			want, partial := "No answer: "+got.Turn.Detail, false
			if name == "broken after text" {
				want, partial = "I was going to", true // the rest that was asked for broke off as well
			}
			if diff := cmp.Diff([]string{"hello", want}, b.texts(t, dm.ID)); diff != "" {
				t.Errorf("channel (-want +got):\n%s", diff)
			}
			f := got.Reply.Failure()
			if f == nil || f.Reason != tt.reason || f.Message != got.Turn.Detail || f.Partial != partial || got.Reply.ID != got.Turn.ResponseID {
				t.Errorf("the message has %+v: %s", f, got.Reply.Metadata)
			}
			if shown := strings.Join(got.chunks, ""); partial && shown != want || !partial && shown != "" {
				t.Errorf("%q was streamed", shown)
			}
			log := b.record(t, got.Turn)
			if ended := log[len(log)-1]; ended.kind != "RUN_ENDED" || ended.data["status"] != "error" || ended.data["error"] != got.Turn.Detail {
				t.Errorf("last entry = %+v", ended)
			}
		})
	}
}

// broken is an answer whose connection breaks.
func broken(text string) modeltest.Script {
	s := modeltest.Say(text)
	s.Ending = modeltest.Cut
	return s
}

// limited is an answer that the token limit ends.
func limited(text string) modeltest.Script {
	s := modeltest.Say(text)
	s.Finish = "length"
	return s
}

// filtered is an answer that the provider's filter ends.
func filtered(text string) modeltest.Script {
	s := modeltest.Say(text)
	s.Finish = "content_filter"
	return s
}

func TestAnAnswerThatBreaksUnseenIsRetried(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]modeltest.Script{
		"in the thought":     broken("<response><thought>hm"),
		"in the plain words": broken("Hello, I am"),
		"in the reasoning":   broken("<think>hm"),
		"in the JSON":        broken(`{"thought":"hm","text":"Hel`),
		"before the text":    broken("<response><thought>hm</thought><actions>REPLY</actions><text>"),
		"recorded":           modeltest.Response(200, "text/event-stream", "data: {\"choices\":[{\"delta\":{\"content\":\"<think>hm\"}}]}\n\n"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, models := scripted(t, inOrder(first, modeltest.Frame("Here.")))
			b := running(t, models)
			ada := b.agent(t, "Ada", "")
			got := b.say(t, ada, b.draft(b.dm(t, ada), "hello"))
			if got.reply() != "Here." || strings.Join(got.chunks, "") != "Here." || len(server.Requests()) != 2 {
				t.Errorf("reply %q in %q after %d requests", got.reply(), got.chunks, len(server.Requests()))
			}
			if calls := modelCalls(b.record(t, got.Turn)); len(calls) != 2 || calls[0]["reason"] != "model_unavailable" || calls[0]["attempt"] != 1.0 ||
				calls[1]["attempt"] != 2.0 || calls[1]["error"] != nil {
				t.Errorf("the record has %v", calls)
			}
		})
	}
}

// modelCalls returns the data of the model calls in a record.
func modelCalls(log []event) (calls []map[string]any) {
	for _, e := range log {
		if e.kind == messaging.LogModelUsed {
			calls = append(calls, e.data)
		}
	}
	return calls
}

func TestAttemptsAreRecorded(t *testing.T) {
	t.Parallel()
	refused := modeltest.Response(400, "", `{"error":{"message":"not allowed to stream","param":"stream"}}`)
	busy := modeltest.Fail(429, "slow down")
	busy.Header = map[string][]string{"Retry-After-Ms": {"5"}}
	_, models := scripted(t, inOrder(busy, refused, modeltest.Frame("Here.")))
	b := running(t, models)
	ada := b.agent(t, "Ada", "")
	got := b.say(t, ada, b.draft(b.dm(t, ada), "hello"))
	var reasons []any
	for _, call := range modelCalls(b.record(t, got.Turn)) {
		reasons = append(reasons, call["attempt"], call["reason"])
	}
	if diff := cmp.Diff([]any{1.0, "model_rate_limit", 2.0, "model_bad_request", 3.0, nil}, reasons); diff != "" || got.reply() != "Here." {
		t.Errorf("reply %q, record (-want +got):\n%s", got.reply(), diff)
	}
	run, _, err := b.messages.Run(t.Context(), b.who, ada, got.Turn.ID)
	if err != nil || run.Counts.ModelCalls != 3 || run.Counts.Errors != 2 {
		t.Errorf("counts %+v, %v", run.Counts, err)
	}
}

// An answer that a filter cut off is not asked for again; the text so far is kept, and marked.
func TestFilteredReplyEnds(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]modeltest.Script{
		"streamed": filtered("<response><actions>REPLY</actions><text>It began like"),
		"whole":    filtered("<response><actions>REPLY</actions><text>It began like</text></response>"),
		"plain":    filtered("It began like"),
		"in JSON":  filtered(`{"thought":"t","text":"It began like`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, models := scripted(t, always(script))
			b := running(t, models)
			ada := b.agent(t, "Ada", "")
			got := b.say(t, ada, b.draft(b.dm(t, ada), "hello"))
			if got.reply() != "It began like" || got.Turn.Status != messaging.TurnReplied || len(server.Requests()) != 1 {
				t.Errorf("turn %+v, reply %q after %d requests", got.Turn, got.reply(), len(server.Requests()))
			}
			if !strings.Contains(string(got.Reply.Metadata), `"truncatedBy":"content_filter"`) {
				t.Errorf("metadata = %s", got.Reply.Metadata)
			}
		})
	}
}

func TestNoneIsReportedAsNone(t *testing.T) {
	t.Parallel()
	_, models := scripted(t, always(modeltest.Say("<response><thought>t</thought><actions>NONE</actions><text></text></response>")))
	b := running(t, models)
	ada := b.agent(t, "Ada", "")
	got := b.say(t, ada, b.draft(b.dm(t, ada), "hello"))
	if got.Turn.Status != messaging.TurnIgnored || got.Turn.Reason != "agent_none" || strings.Join(got.Actions, ",") != "NONE" {
		t.Errorf("turn %+v, actions %v", got.Turn, got.Actions)
	}
}

// A failed answer is not fed back to the model as its own message; a partial answer is, as partial.
func TestFailuresAreNotTheAgentsWords(t *testing.T) {
	t.Parallel()
	server, models := scripted(t, inOrder(
		modeltest.Fail(401, "no"), broken("<response><actions>REPLY</actions><text>I was going to"), broken("<response><thought>"), broken("<response><thought>"),
		broken("<response><thought>"), modeltest.Frame("better now")))
	b := running(t, models)
	ada := b.agent(t, "Ada", "")
	dm := b.dm(t, ada)
	for _, text := range []string{"one", "two", "three"} {
		b.say(t, ada, b.draft(dm, text))
	}
	requests := server.Requests()
	prompt := requests[len(requests)-1].Prompt()
	if strings.Contains(prompt, "No answer") || !strings.Contains(prompt, "I was going to … (the answer broke off here)") || !strings.Contains(prompt, "one") {
		t.Errorf("the prompt is:\n%s", prompt)
	}
}

// A failed decision whether to answer is not a failed answer: a busy room is not filled with notices about it.
func TestAFailedDecisionLeavesNothing(t *testing.T) {
	t.Parallel()
	_, models := scripted(t, always(modeltest.Fail(401, "no")))
	b := running(t, models)
	ada := b.agent(t, "Ada", "")
	room := b.group(t, ada)
	b.say(t, ada, b.draft(room, "what a day"))
	if diff := cmp.Diff([]string{"what a day"}, b.texts(t, room.ID)); diff != "" {
		t.Errorf("channel (-want +got):\n%s", diff)
	}
}

func TestMailboxContinuesAfterAFailure(t *testing.T) {
	t.Parallel()
	_, models := scripted(t, inOrder(modeltest.Fail(http.StatusUnauthorized, "no"), modeltest.Frame("better now")))
	b := running(t, models)
	ada := b.agent(t, "Ada", "")
	dm := b.dm(t, ada)
	b.say(t, ada, b.draft(dm, "one"))
	if status := modelNotice(t, b, ada); !strings.Contains(status, "OPENAI_API_KEY") {
		t.Errorf("the owner's notice: %q", status)
	}
	if got := b.say(t, ada, b.draft(dm, "two")); got.reply() != "better now" {
		t.Errorf("turn = %+v", got.Turn)
	}
	if status := modelNotice(t, b, ada); status != "" {
		t.Errorf("the owner's notice is still %q", status)
	}
}

func TestUnusableAnswersAreRetried(t *testing.T) {
	t.Parallel()
	server, models := scripted(t, inOrder(modeltest.Say("<response></response>"), modeltest.Say("<thought>hm"), modeltest.Frame("third time lucky")))
	b := running(t, models)
	ada := b.agent(t, "Ada", "")
	got := b.say(t, ada, b.draft(b.dm(t, ada), "hello"))
	if got.reply() != "third time lucky" {
		t.Errorf("turn = %+v, reply %q", got.Turn, got.reply())
	}
	requests := server.Requests()
	if strings.Contains(requests[0].Prompt(), "# Your last answer") || !strings.Contains(requests[2].Prompt(), "# Your last answer") {
		t.Error("only a repeated prompt says what was wrong")
	}
}

func TestPlainTextIsAnAnswer(t *testing.T) {
	t.Parallel()
	server, models := scripted(t, always(modeltest.Say("Just words from a small model.")))
	b := running(t, models)
	ada := b.agent(t, "Ada", "")
	got := b.say(t, ada, b.draft(b.dm(t, ada), "hello"))
	if got.reply() != "Just words from a small model." || strings.Join(got.chunks, "") != got.reply() || len(server.Requests()) != 1 {
		t.Errorf("reply %q in %q after %d requests", got.reply(), got.chunks, len(server.Requests()))
	}
}

// A reply that was cut off by the token limit after people had read its beginning is continued once.
func TestCutReplyIsContinued(t *testing.T) {
	t.Parallel()
	long := modeltest.Say("<response><actions>REPLY</actions><text>It began like")
	long.Finish = "length"
	broken := modeltest.Say("<response><actions>REPLY</actions><text>It began like")
	broken.Ending = modeltest.Cut
	tests := map[string]struct {
		scripts   []modeltest.Script
		want      string
		truncated bool
	}{
		"new word":      {[]modeltest.Script{long, modeltest.Say("<response><text> this, and ended.</text></response>")}, "It began like this, and ended.", false},
		"same word":     {[]modeltest.Script{long, modeltest.Say("<response><text>ly.</text></response>")}, "It began likely.", false},
		"cut again":     {[]modeltest.Script{long, long}, "It began like", true},
		"restarted":     {[]modeltest.Script{long, modeltest.Say("<response><text>It began like that, and ended.</text></response>")}, "It began like that, and ended.", false},
		"a short echo":  {[]modeltest.Script{long, modeltest.Say("<response><text>It is over.</text></response>")}, "It began likeIt is over.", false},
		"nothing more":  {[]modeltest.Script{long, modeltest.Say("<html><b>x</b></html>")}, "It began like", true},
		"plain words":   {[]modeltest.Script{limited("It began like"), modeltest.Say(" this, and ended.")}, "It began like this, and ended.", false},
		"filtered":      {[]modeltest.Script{long, filtered("<response><text> that")}, "It began like that", true},
		"broken stream": {[]modeltest.Script{broken, modeltest.Say("<response><text> that.</text></response>")}, "It began like that.", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, models := scripted(t, inOrder(tt.scripts...))
			b := running(t, models)
			ada := b.agent(t, "Ada", "")
			got := b.say(t, ada, b.draft(b.dm(t, ada), "hello"))
			if got.reply() != tt.want || strings.Join(got.chunks, "") != tt.want {
				t.Fatalf("reply %q in %q, want %q; turn %+v", got.reply(), got.chunks, tt.want, got.Turn)
			}
			if truncated := strings.Contains(string(got.Reply.Metadata), `"truncated":true`); truncated != tt.truncated {
				t.Errorf("metadata = %s", got.Reply.Metadata)
			}
			if n := len(server.Requests()); n != 2 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

func TestRunHasALimit(t *testing.T) {
	t.Parallel()
	left := make(chan struct{})
	hang := modeltest.Script{Chunks: []string{"<response><actions>REPLY</actions><text>I was going to"}, Ending: modeltest.Hang, Left: left}
	_, models := scripted(t, always(hang))
	b := running(t, models, func(c *runtime.Config) { c.RunTimeout = 300 * time.Millisecond })
	ada := b.agent(t, "Ada", "")
	dm := b.dm(t, ada)
	got := b.say(t, ada, b.draft(dm, "hello"))
	if diff := cmp.Diff([]string{"hello", "I was going to"}, b.texts(t, dm.ID)); diff != "" {
		t.Errorf("channel (-want +got):\n%s", diff)
	}
	if got.Turn.Status != messaging.TurnTimedOut || got.Turn.Reason != "run_timeout" || !strings.Contains(got.Turn.Detail, "300ms") {
		t.Errorf("turn = %+v", got.Turn)
	}
	<-left
}

func modelNotice(t *testing.T, b *bench, id interface{ String() string }) string {
	t.Helper()
	agents, err := b.Agents().List(t.Context(), b.who)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range agents {
		if a.ID.String() == id.String() {
			return a.Model.Notice
		}
	}
	t.Fatal("the agent is not in the list")
	return ""
}

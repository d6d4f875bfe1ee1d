package server_test

import (
	"encoding/json"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/elizad/elizad/gen/api"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/modeltest"
)

// spoken is what came of one question: what was streamed, what is in the history after it, and the record of the run.
type spoken struct {
	text    string      // the pieces of the stream
	end     sseEvent    // done or error
	last    api.Message // the newest of the history
	history []api.Message
	calls   []map[string]any // of models, from the record
}

// askStream asks the default agent in its DM and reads everything that there is to read.
func (n *node) askStream(channel, user uuid.UUID, question string) spoken {
	n.t.Helper()
	events := n.stream(channel, user, question)
	out := spoken{end: events[len(events)-1]}
	for _, e := range events {
		var piece struct{ Chunk string }
		if e.name == "chunk" && json.Unmarshal(e.data, &piece) == nil {
			out.text += piece.Chunk
		}
	}
	out.history = n.history(channel)
	out.last = out.history[0]
	last := n.runs(n.agentID(), api.ListRunsParams{Limit: new("1")}).Runs[0]
	run := data[api.RunDetail](n.read(n.api().GetRun(n.t.Context(), n.agentID(), last.RunID, nil)).want(200))
	for _, e := range run.Events {
		if e.Type == "MODEL_USED" {
			out.calls = append(out.calls, object(e.Data))
		}
	}
	return out
}

// TestRecordedModels puts whole servers before models that answer as recorded ones did. What they say is streamed and stored
// whole, after one call unless the model asks for more.
func TestRecordedModels(t *testing.T) {
	t.Parallel()
	const link = "See <https://example.org/start> first. Then write:\n\n```html\n<p>Hello</p>\n```\n\nThat is all."
	for name, tt := range map[string]struct {
		first string // what the first request is answered by, when that is a refusal
		text  string
		says  string // in the error, when there is one
	}{
		"01-answer-with-a-link":              {text: link},
		"02-thoughts-without-an-opening-tag": {text: "Good morning! How can I help?"},
		"03-emoji-in-two-halves":             {text: "Nice 😀 day"},
		"04-stream-under-another-type":       {text: "Streamed under a JSON type."},
		"05-model-that-may-not-stream":       {first: "05-model-that-may-not-stream-refusal", text: "Unstreamed, but here."},
		"06-blank-data-lines":                {text: "Still here."},
		"08-whole-message-at-the-end":        {text: "Only once, please."},
		"09-only-thoughts-came":              {says: "TEXT_LARGE_MAX_TOKENS"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int64
			m := modeltest.New(t, func(r modeltest.Request) modeltest.Script {
				if asked.Add(1); tt.first != "" && r.Stream {
					return modeltest.Recorded(tt.first)
				}
				return modeltest.Recorded(name)
			})
			n := start(t, t.TempDir(), "OPENAI_BASE_URL="+m.URL)
			channel, user := n.dm()
			got := n.askStream(channel, user, "Hello")
			calls := 1
			if tt.first != "" {
				calls = 2
			}
			if got.text != tt.text || tt.says == "" && got.last.Content != tt.text || !strings.Contains(string(got.end.data), tt.says) {
				t.Errorf("streamed %q, stored %q, end %s", got.text, got.last.Content, got.end.data)
			}
			if tt.says != "" && !strings.Contains(got.last.Content, tt.says) {
				t.Errorf("the history says %q", got.last.Content)
			}
			if len(got.calls) != calls || int(asked.Load()) != calls {
				t.Errorf("%d calls, in the record %v", asked.Load(), got.calls)
			}
			for _, secret := range []string{"think", "The user greets", "weather"} {
				if tt.text != "" && strings.Contains(got.text+got.last.Content, secret) {
					t.Errorf("%q is a thought", got.text)
				}
			}
			if again := n.askStream(channel, user, "Again"); tt.first != "" && (again.text != tt.text || len(again.calls) != 1) {
				t.Errorf("the next question: %q after %d calls", again.text, len(again.calls))
			}
		})
	}
}

// TestWordsWithoutAFrameAreStreamed listens to a model that doesn't keep to the form: once it is known to speak so, its words
// are shown while the model is still writing.
func TestWordsWithoutAFrameAreStreamed(t *testing.T) {
	t.Parallel()
	gate := make(chan struct{})
	var asked atomic.Int64
	m := modeltest.New(t, func(modeltest.Request) modeltest.Script {
		script := modeltest.Say("First words, then more.")
		if asked.Add(1) > 1 {
			script.Gates = map[int]<-chan struct{}{2: gate}
		}
		return script
	})
	n := start(t, t.TempDir(), "OPENAI_BASE_URL="+m.URL)
	channel, user := n.dm()
	n.ask(channel, user, "Hello").want(201)
	conn := n.listen(channel, user)
	again := n.say(channel, user, "Again").ID
	var streamed strings.Builder
	for done := false; !done; {
		switch e := readEvent(t, conn); e.name {
		case "messageStreamChunk":
			var piece struct{ Chunk string }
			if err := json.Unmarshal(e.payload, &piece); err != nil {
				t.Fatal(err)
			}
			if streamed.Len() == 0 {
				if len(n.history(channel)) != 3 {
					t.Error("the answer is complete before its first piece is shown")
				}
				close(gate)
			}
			streamed.WriteString(piece.Chunk)
		case "messageComplete":
			done = e.MessageID == again.String() // the end of the first may come late
		}
	}
	if last := n.history(channel)[0].Content; streamed.String() != "First words, then more." || last != streamed.String() {
		t.Errorf("%q is streamed, %q stored", streamed.String(), last)
	}
}

// TestDraftsAreNotShown stands before a model whose template has opened its thought, in which it drafts whole answers.
func TestDraftsAreNotShown(t *testing.T) {
	t.Parallel()
	const draft = "<response><thought>SECRET</thought><actions>REPLY</actions><providers></providers><text>SECRET</text></response>"
	var asked atomic.Int64
	m := modeltest.New(t, func(modeltest.Request) modeltest.Script {
		script := modeltest.Frame("Good morning!")
		before := "I could say SECRET: " + draft + " or so.\n</think>\n"
		if asked.Add(1) > 1 { // nothing but the model's earlier answers tells that this is a thought
			before = draft + " or so.\n</think>\n"
		}
		script.Chunks = append(strings.SplitAfter(before, " "), script.Chunks...)
		return script
	})
	n := start(t, t.TempDir(), "OPENAI_BASE_URL="+m.URL)
	channel, user := n.dm()
	for range 3 {
		if got := n.askStream(channel, user, "Hello"); got.text != "Good morning!" || got.last.Content != got.text {
			t.Errorf("streamed %q, stored %q", got.text, got.last.Content)
		}
	}
}

// TestWaitsThatTheBodyNames stands before a model that has a limit per minute.
func TestWaitsThatTheBodyNames(t *testing.T) {
	t.Parallel()
	refusal := modeltest.Recorded("07-wait-told-in-the-body")
	refusal.Body = strings.Replace(refusal.Body, "4s", "0.02s", 1)
	var asked atomic.Int64
	m := modeltest.New(t, func(modeltest.Request) modeltest.Script {
		if asked.Add(1) == 1 {
			return refusal
		}
		return modeltest.Frame("Here I am.")
	})
	n := start(t, t.TempDir(), "OPENAI_BASE_URL="+m.URL)
	channel, user := n.dm()
	got := n.askStream(channel, user, "Hello")
	if got.last.Content != "Here I am." || len(got.calls) != 2 || got.calls[0]["reason"] != "model_rate_limit" || got.calls[0]["retryInMs"] == nil {
		t.Errorf("stored %q, record %v", got.last.Content, got.calls)
	}
}

// TestBrokenAnswerStaysVisible reads along half an answer, and then everything that a reload reads: history, the single
// message, the session, the runs, the socket.
func TestBrokenAnswerStaysVisible(t *testing.T) {
	t.Parallel()
	half := modeltest.Recorded("19-half-an-answer-after-reload")
	for name, script := range map[string]modeltest.Script{
		"the stream ends": half, "the connection breaks": func() modeltest.Script { s := half; s.Ending = modeltest.Cut; return s }(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int64
			m := modeltest.New(t, func(modeltest.Request) modeltest.Script {
				if asked.Add(1) == 1 {
					return script
				}
				return modeltest.Fail(400, "no more today") // the rest that is asked for
			})
			n := start(t, t.TempDir(), "OPENAI_BASE_URL="+m.URL)
			channel, user := n.dm()
			got := n.askStream(channel, user, "How do I cook an egg?")
			if got.text != "First, boil the wat" || got.end.name != "error" {
				t.Errorf("streamed %q, then %s", got.text, got.end.data)
			}
			failure, _ := object(got.last.Metadata)["failure"].(map[string]any)
			if len(got.history) != 2 || got.last.Content != got.text || got.last.AuthorID != n.agentID() || object(got.last.Metadata)["truncated"] != true ||
				failure["reason"] != "model_unavailable" || failure["partial"] != true || !strings.Contains(failure["message"].(string), "middle of the answer") {
				t.Errorf("the history holds %+v", got.history)
			}
			if one := data[api.Message](n.read(n.api().GetMessage(t.Context(), got.last.ID)).want(200)); one.Content != got.text {
				t.Errorf("the message is %+v", one)
			}
			run := n.runs(n.agentID(), api.ListRunsParams{}).Runs[0]
			if run.Outcome != "failed" || run.Reason != "model_unavailable" || deref(run.ReplyID) != got.last.ID {
				t.Errorf("the run is %+v", run)
			}
		})
	}
}

// TestFailuresAgreeEverywhere fails in every way in which people ask, and reads the same entry everywhere.
func TestFailuresAgreeEverywhere(t *testing.T) {
	t.Parallel()
	m := modeltest.New(t, func(modeltest.Request) modeltest.Script { return modeltest.Fail(401, "no") })
	n := start(t, t.TempDir(), "OPENAI_BASE_URL="+m.URL, "OPENAI_API_KEY=key")
	const says = "No answer: The model refuses the key; check OPENAI_API_KEY."
	entry := func(channel uuid.UUID) api.Message {
		t.Helper()
		h := n.history(channel)
		if len(h) != 2 || h[0].Content != says || deref(h[0].SourceType) != "agent_response" || idOf(h[0].InReplyToRootMessageID) != h[1].ID || object(h[0].Metadata)["truncated"] != nil {
			t.Fatalf("the history holds %+v", h)
		}
		return h[0]
	}

	channel, user := n.dm()
	conn := n.listen(channel, user)
	clearError(t, "http", n.ask(channel, user, "Hello"), 502, "MODEL_ERROR")
	failed := entry(channel)
	var events []string
	for len(events) == 0 || events[len(events)-1] != "messageComplete" {
		if e := readEvent(t, conn); e.SenderID != user.String() {
			events = append(events, e.name)
		}
	}
	if got := strings.Join(events, " "); !strings.HasSuffix(got, "messageBroadcast messageStreamError messageComplete") {
		t.Errorf("the socket heard %s of %s", got, failed.ID)
	}

	s := n.session(nil)
	n.askSession(s.SessionID, "Hello").want(502)
	entry(s.ChannelID)

	job := n.endedJob(n.job(api.CreateJobRequest{Content: "Hello"}).JobID)
	if entry(job.ChannelID); job.Status != "failed" || !strings.Contains(deref(job.Error), "OPENAI_API_KEY") || job.Result != nil {
		t.Errorf("the job is %+v", job)
	}
}

// TestAnthropicSpeaksItsOwnProtocol puts a server before a model that is reached by Anthropic's settings: it is asked in that
// vendor's protocol, and its words are shown while it writes. An overload is waited for, and a limit that it names is kept. An
// address that names another protocol is asked in that one.
func TestAnthropicSpeaksItsOwnProtocol(t *testing.T) {
	t.Parallel()
	gate := make(chan struct{})
	var asked atomic.Int64
	m := modeltest.New(t, func(r modeltest.Request) modeltest.Script {
		switch asked.Add(1) {
		case 1:
			return modeltest.Refuse(529, "overloaded_error", "Overloaded")
		case 2:
			return modeltest.Refuse(400, "invalid_request_error", "max_tokens: 16384 > 8192, which is the maximum allowed number of output tokens for large")
		}
		script := modeltest.Frame("First words, then more.")
		script.Usage = &modeltest.Usage{Input: 2000, Output: 9, Cached: 1500}
		if asked.Load() == 3 {
			script.Gates = map[int]<-chan struct{}{len(script.Chunks) - 1: gate}
		}
		return script
	})
	key := "sk-ant-test-0123456789abcdef"
	n := start(t, t.TempDir(), "ANTHROPIC_API_KEY="+key, "ANTHROPIC_BASE_URL="+m.URL, "ANTHROPIC_LARGE_MODEL=large", "ANTHROPIC_SMALL_MODEL=small")
	channel, user := n.dm()
	conn := n.listen(channel, user)
	n.say(channel, user, "Hello")
	var streamed strings.Builder
	for done := false; !done; {
		switch e := readEvent(t, conn); e.name {
		case "messageStreamChunk":
			var piece struct{ Chunk string }
			if err := json.Unmarshal(e.payload, &piece); err != nil {
				t.Fatal(err)
			}
			if streamed.Len() == 0 {
				close(gate) // the model goes on only after its first words were shown
			}
			streamed.WriteString(piece.Chunk)
		case "messageComplete":
			done = true
		}
	}
	if last := n.history(channel)[0].Content; streamed.String() != "First words, then more." || last != streamed.String() {
		t.Errorf("%q is streamed, %q stored", streamed.String(), last)
	}
	got := n.askStream(channel, user, "Again")
	if got.text != "First words, then more." || len(got.calls) != 1 {
		t.Fatalf("streamed %q after %v", got.text, got.calls)
	}
	if call := got.calls[0]; call["provider"] != "anthropic" || call["model"] != "large" {
		t.Errorf("the record says %v", call)
	}
	for i, r := range m.Requests() {
		var body struct {
			MaxTokens int `json:"max_tokens"`
		}
		if err := json.Unmarshal(r.Body, &body); err != nil {
			t.Fatal(err)
		}
		want := 8192
		if i < 2 {
			want = 16384
		}
		if r.Header.Get("X-Api-Key") != key || r.Header.Get("Anthropic-Version") == "" || body.MaxTokens != want || r.Model != "large" ||
			r.System() != "" && !strings.Contains(string(r.Body), `"cache_control":{"type":"ephemeral"}`) {
			t.Errorf("request %d: %s", i, r.Body)
		}
	}

	other := modeltest.New(t, func(modeltest.Request) modeltest.Script { return modeltest.Frame("By another protocol.") })
	n = start(t, t.TempDir(), "ANTHROPIC_API_KEY="+key, "ANTHROPIC_BASE_URL="+other.URL+"/chat/completions", "ANTHROPIC_MODEL=m")
	channel, user = n.dm()
	if got := n.askStream(channel, user, "Hello"); got.text != "By another protocol." || other.Requests()[0].Header.Get("Authorization") != "Bearer "+key {
		t.Errorf("streamed %q", got.text)
	}
}

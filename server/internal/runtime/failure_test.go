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
	cut := modeltest.Say(head + "I was going to")
	cut.Ending = modeltest.Cut
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
		"no frame":          {modeltest.Say("<html><b>hello</b></html>"), messaging.TurnFailed, "model_output_unusable", "", 3},
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
			if diff := cmp.Diff([]string{"hello"}, b.texts(t, dm.ID)); diff != "" {
				t.Errorf("channel (-want +got):\n%s", diff)
			}
			log := b.record(t, got.Turn)
			if ended := log[len(log)-1]; ended.kind != "RUN_ENDED" || ended.data["status"] != "error" || ended.data["error"] != got.Turn.Detail {
				t.Errorf("last entry = %+v", ended)
			}
		})
	}
}

func TestMailboxGoesOnAfterAFailure(t *testing.T) {
	t.Parallel()
	_, models := scripted(t, inOrder(modeltest.Fail(http.StatusUnauthorized, "no"), modeltest.Frame("better now")))
	b := running(t, models)
	ada := b.agent(t, "Ada", "")
	dm := b.dm(t, ada)
	b.say(t, ada, b.draft(dm, "one"))
	if status := modelNotice(t, b, ada); !strings.Contains(status, "OPENAI_API_KEY") {
		t.Errorf("the owner is told %q", status)
	}
	if got := b.say(t, ada, b.draft(dm, "two")); got.reply() != "better now" {
		t.Errorf("turn = %+v", got.Turn)
	}
	if status := modelNotice(t, b, ada); status != "" {
		t.Errorf("the owner is still told %q", status)
	}
}

func TestUnusableAnswersAreAskedForAgain(t *testing.T) {
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

// A reply that the token limit cut off while people were reading it is continued once.
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
		"cut again":     {[]modeltest.Script{long, long}, "It began likeIt began like", true},
		"nothing more":  {[]modeltest.Script{long, modeltest.Say("<html><b>x</b></html>")}, "It began like", true},
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
	hang := modeltest.Script{Ending: modeltest.Hang, Left: left}
	_, models := scripted(t, always(hang))
	b := running(t, models, func(c *runtime.Config) { c.RunTimeout = 300 * time.Millisecond })
	ada := b.agent(t, "Ada", "")
	got := b.say(t, ada, b.draft(b.dm(t, ada), "hello"))
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

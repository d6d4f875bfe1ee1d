package rest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/session"
)

// event is one server-sent event.
type event struct {
	id, name string
	data     map[string]any
}

// eventsOf reads a whole stream.
func eventsOf(t *testing.T, stream string) []event {
	t.Helper()
	var events []event
	for frame := range strings.SplitSeq(strings.TrimSuffix(stream, "\n\n"), "\n\n") {
		var e event
		for line := range strings.SplitSeq(frame, "\n") {
			name, value, _ := strings.Cut(line, ": ")
			switch name {
			case "id":
				e.id = value
			case "event":
				e.name = value
			case "data":
				if err := json.Unmarshal([]byte(value), &e.data); err != nil {
					t.Fatalf("data of %s: %v", e.name, err)
				}
			}
		}
		events = append(events, e)
	}
	return events
}

func TestPostMessageStream(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		chunks  []string
		outcome messaging.Outcome
		want    []string       // names of events
		last    map[string]any // members of the last event
	}{
		{"replied", []string{"How ", "do you "}, messaging.Outcome{Status: messaging.TurnReplied, Reply: &messaging.Reply{Content: "How do you do."}},
			[]string{"user_message", "chunk", "chunk", "chunk", "done"}, map[string]any{"text": "How do you do.", "outcome": "replied"}},
		{"ignored", nil, messaging.Outcome{Status: messaging.TurnIgnored, Reason: "stop"},
			[]string{"user_message", "done"}, map[string]any{"text": "", "actions": []any{"IGNORE"}, "outcome": "ignored"}},
		{"failed", []string{"How "}, messaging.Outcome{Status: messaging.TurnFailed, Reason: "model_unavailable", Detail: "The model broke off"},
			[]string{"user_message", "chunk", "error"}, map[string]any{"success": false, "code": "MODEL_ERROR", "message": "The model broke off",
				"error": map[string]any{"code": "MODEL_ERROR", "message": "The model broke off", "details": "model_unavailable"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := setup(t)
			channel := f.addChannel(t)
			f.play(t, tt.chunks, tt.outcome)
			got := f.call(t, "POST", messagesOf(channel), map[string]any{"content": "Hello", "transport": "sse"})
			if got.status != 200 || got.header.Get("Content-Type") != "text/event-stream" {
				t.Fatalf("%d %s: %s", got.status, got.header.Get("Content-Type"), got.raw)
			}
			events := eventsOf(t, got.raw)
			var names []string
			var text strings.Builder
			for i, e := range events {
				names = append(names, e.name)
				if e.name == "chunk" {
					text.WriteString(e.data["chunk"].(string))
				}
				chunks := min(i, strings.Count(strings.Join(names, " "), "chunk"))
				if want := fmt.Sprintf("%s:%d:%d", events[0].data["id"], chunks, text.Len()); e.id != want {
					t.Errorf("event %d has id %s, want %s", i+1, e.id, want)
				}
			}
			if diff := cmp.Diff(tt.want, names); diff != "" {
				t.Fatalf("events (-want +got):\n%s%s", diff, got.raw)
			}
			last := events[len(events)-1].data
			for key, want := range tt.last {
				if !cmp.Equal(last[key], want) {
					t.Errorf("%s = %v, want %v", key, last[key], want)
				}
			}
			if tt.outcome.Reply != nil && text.String() != tt.outcome.Reply.Content {
				t.Errorf("the chunks make %q", text.String())
			}
		})
	}
}

// The user's message comes before any answer, and a client that leaves then does not keep the agent from answering.
func TestPostMessageStreamReaderLeaves(t *testing.T) {
	t.Parallel()
	f := setup(t)
	channel := f.addChannel(t)
	ctx, leave := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, "POST", f.url+messagesOf(channel), strings.NewReader(`{"content":"Hello","transport":"stream"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(auth.HeaderEntityID, alice.String())
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	const beginning = "id: "
	begins := make([]byte, len(beginning))
	if _, err := io.ReadFull(resp.Body, begins); err != nil || string(begins) != beginning {
		t.Fatalf("the stream begins with %q: %v", begins, err)
	}
	leave()

	replied, err := f.messaging.Subscribe(channel)
	if err != nil {
		t.Fatal(err)
	}
	defer replied.Close()
	turns, err := f.messaging.ClaimTurns(t.Context(), "test", 1, 0, 1<<40)
	if err != nil || len(turns) != 1 {
		t.Fatalf("%d turns: %v", len(turns), err)
	}
	outcome := messaging.Outcome{Status: messaging.TurnReplied, Reply: &messaging.Reply{Content: "Hi"}}
	if _, err := f.messaging.FinishTurn(t.Context(), "test", turns[0], outcome); err != nil {
		t.Fatal(err)
	}
	history, err := f.messaging.History(t.Context(), auth.Claimed(alice), channel, messaging.HistoryQuery{})
	if err != nil || len(history.Messages) != 2 {
		t.Errorf("%d messages: %v", len(history.Messages), err)
	}
}

func TestPostMessageStreamUnknownTarget(t *testing.T) {
	t.Parallel()
	f := setup(t)
	channel := f.addChannel(t)
	got := f.call(t, "POST", messagesOf(channel), map[string]any{
		"content": "Hello", "transport": "sse", "metadata": map[string]any{"targetAgentId": uuid.New()},
	})
	if got.status != 400 || got.code() != "NO_AGENT" {
		t.Errorf("got %d %s", got.status, got.raw)
	}
}

// A stream that broke off continues after the last event that its reader has seen, by the same request, in a channel as in a
// session; nothing is posted twice.
func TestStreamResumes(t *testing.T) {
	t.Parallel()
	f := setup(t)
	channel := f.addChannel(t)
	made, err := f.sessions.Create(t.Context(), auth.Claimed(alice), session.NewSession{AgentID: eliza, UserID: alice})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, path string
		channel    uuid.UUID
	}{
		{"channel", messagesOf(channel), channel},
		{"session", "/api/messaging/sessions/" + made.ID.String() + "/messages", made.ChannelID},
	} {
		t.Run(tt.name, func(t *testing.T) {
			body := map[string]any{"content": "Hello", "transport": "sse"}
			f.play(t, []string{"How ", "do you "}, messaging.Outcome{Status: messaging.TurnReplied, Reply: &messaging.Reply{Content: "How do you do."}})
			complete := eventsOf(t, f.call(t, "POST", tt.path, body).raw)
			if len(complete) != 5 {
				t.Fatalf("events %+v", complete)
			}
			for i, seen := range complete {
				again := eventsOf(t, f.call(t, "POST", tt.path, body, "Last-Event-ID", seen.id).raw)
				var text strings.Builder
				for _, e := range complete[:i+1] {
					if e.name == "chunk" {
						text.WriteString(e.data["chunk"].(string))
					}
				}
				for _, e := range again {
					if e.name == "chunk" {
						text.WriteString(e.data["chunk"].(string))
					}
				}
				last := again[len(again)-1]
				if text.String() != "How do you do." || last.name != "done" || again[0].name == "user_message" || last.data["responseId"] != complete[4].data["responseId"] {
					t.Errorf("after %s: %q, %+v", seen.id, text.String(), again)
				}
			}
			h, err := f.messaging.History(t.Context(), auth.Claimed(alice), tt.channel, messaging.HistoryQuery{})
			if err != nil || len(h.Messages) != 2 {
				t.Errorf("%d messages, %v", len(h.Messages), err)
			}
			gone := f.call(t, "POST", tt.path, body, "Last-Event-ID", uuid.NewString()+":0:0")
			if gone.status != 404 {
				t.Errorf("a message that isn't there: %d %s", gone.status, gone.raw)
			}
		})
	}
}

func TestStreamOfASessionHasItsStatus(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.addAgent(t, eliza)
	made, err := f.sessions.Create(t.Context(), auth.Claimed(alice), session.NewSession{AgentID: eliza, UserID: alice})
	if err != nil {
		t.Fatal(err)
	}
	f.play(t, nil, messaging.Outcome{Status: messaging.TurnIgnored})
	events := eventsOf(t, f.call(t, "POST", "/api/messaging/sessions/"+made.ID.String()+"/messages", map[string]any{"content": "Hello", "transport": "stream"}).raw)
	if len(events) != 2 || events[0].name != "user_message" || events[1].name != "done" {
		t.Fatalf("events %+v", events)
	}
	for _, e := range events {
		if status, _ := e.data["sessionStatus"].(map[string]any); status["renewalCount"] != 1.0 || status["wasRenewed"] != true {
			t.Errorf("%s: %v", e.name, e.data)
		}
	}
}

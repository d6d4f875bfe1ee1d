package rest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/rest"
)

func messagesOf(channel uuid.UUID) string {
	return fmt.Sprintf("/api/messaging/channels/%s/messages", channel)
}

func TestPostMessageHoldsBothSpellingsAndData(t *testing.T) {
	t.Parallel()
	f := setup(t)
	channel := f.addChannel(t)
	got := f.call(t, "POST", messagesOf(channel), map[string]any{
		"author_id": alice, "content": "Hello", "message_server_id": uuid.Nil, "source_type": "client_chat",
		"metadata": map[string]any{"user_display_name": "Alice", "big": 9007199254740993},
	})
	if got.status != http.StatusCreated {
		t.Fatalf("status %d: %s", got.status, got.raw)
	}
	user := got.body["userMessage"].(map[string]any)
	for snake, camel := range map[string]string{
		"channel_id": "channelId", "message_server_id": "messageServerId", "author_id": "authorId",
		"source_type": "sourceType", "author_display_name": "authorDisplayName",
	} {
		if user[snake] == nil || user[snake] != user[camel] {
			t.Errorf("%s = %v, %s = %v", snake, user[snake], camel, user[camel])
		}
	}
	if user["content"] != "Hello" || user["authorDisplayName"] != "Alice" || user["seq"] != 1.0 {
		t.Errorf("userMessage: %v", user)
	}
	created := user["createdAt"].(string)
	if at, err := time.Parse("2006-01-02T15:04:05.000Z", created); err != nil || float64(at.UnixMilli()) != user["created_at"] {
		t.Errorf("createdAt %q, created_at %v", created, user["created_at"])
	}
	if got.data()["id"] != user["id"] || !cmp.Equal(got.data()["userMessage"], got.body["userMessage"]) {
		t.Errorf("data does not repeat the message: %v", got.data())
	}
	runs := got.data()["runs"].([]any)
	if len(runs) != 1 || runs[0].(map[string]any)["agentId"] != eliza.String() || runs[0].(map[string]any)["outcome"] != "queued" {
		t.Errorf("runs: %v", runs)
	}
	if !strings.Contains(got.raw, "9007199254740993") {
		t.Error("a large number in the metadata was changed")
	}
}

func TestPostMessageReadsOlderSpellings(t *testing.T) {
	t.Parallel()
	f := setup(t)
	channel := f.addChannel(t)
	tests := []struct {
		name   string
		body   string
		author string
		source string
	}{
		{"nothing but content and metadata", `{"content":"a","metadata":{}}`, alice.String(), "eliza_gui"},
		{"server_id", `{"content":"b","server_id":"00000000-0000-0000-0000-000000000000","author_id":"` + alice.String() + `"}`, alice.String(), "eliza_gui"},
		{"camel case", `{"content":"c","messageServerId":"00000000-0000-0000-0000-000000000000","authorId":"AAAAAAAA-0000-0000-0000-000000000001","sourceType":"x","mode":"websocket"}`, "aaaaaaaa-0000-0000-0000-000000000001", "x"},
		{"null is nothing", `{"content":"d","raw_message":null,"metadata":null,"in_reply_to_message_id":null,"transport":null,"author_id":null}`, alice.String(), "eliza_gui"},
		{"the contract's name wins", `{"content":"e","source_type":"new","sourceType":"old"}`, alice.String(), "new"},
		{"a parent that is no id is ignored", `{"content":"f","in_reply_to_message_id":"temp-1"}`, alice.String(), "eliza_gui"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := f.call(t, "POST", messagesOf(channel), tt.body)
			if got.status != http.StatusCreated {
				t.Fatalf("status %d: %s", got.status, got.raw)
			}
			if d := got.data(); d["authorId"] != tt.author || d["sourceType"] != tt.source {
				t.Errorf("author %v, source %v; want %s, %s", d["authorId"], d["sourceType"], tt.author, tt.source)
			}
		})
	}
}

func TestPostMessageRefuses(t *testing.T) {
	t.Parallel()
	f := setup(t)
	channel := f.addChannel(t)
	tests := []struct {
		name       string
		path, body string
		status     int
		code       string
	}{
		{"an id that is none", "/api/messaging/channels/nope/messages", `{"content":"x"}`, 400, "INVALID_ID"},
		{"no body", messagesOf(channel), ``, 400, ""},
		{"broken JSON", messagesOf(channel), `{"content":`, 400, "INVALID_JSON"},
		{"a list", messagesOf(channel), `["x"]`, 400, "INVALID_REQUEST"},
		{"content of the wrong type", messagesOf(channel), `{"content":5}`, 400, "INVALID_REQUEST"},
		{"an unknown transport", messagesOf(channel), `{"content":"x","transport":"toString"}`, 400, "INVALID_REQUEST"},
		{"too much content", messagesOf(channel), `{"content":"` + strings.Repeat("x", 200_001) + `"}`, 400, "VALIDATION_ERROR"},
		{"no content", messagesOf(channel), `{}`, 400, "VALIDATION_ERROR"},
		{"another message server", messagesOf(channel), `{"content":"x","message_server_id":"11111111-1111-1111-1111-111111111111"}`, 400, "BAD_REQUEST"},
		{"nobody to answer", messagesOf(uuid.New()), `{"content":"x","transport":"http"}`, 400, "NO_AGENT"},
		{"nobody to answer a stream", messagesOf(uuid.New()), `{"content":"x","transport":"sse"}`, 400, "NO_AGENT"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := f.call(t, "POST", tt.path, tt.body)
			if got.status != tt.status || tt.code != "" && got.code() != tt.code {
				t.Errorf("got %d %s, want %d %s: %s", got.status, got.code(), tt.status, tt.code, got.raw)
			}
		})
	}
}

func TestPostMessageHTTP(t *testing.T) {
	t.Parallel()
	reply := &messaging.Reply{Content: "How do you do.", RawMessage: []byte(`{"thought":"A greeting.","actions":["REPLY"],"providers":null}`)}
	tests := []struct {
		name    string
		outcome messaging.Outcome
		status  int
		code    string
		want    map[string]any
	}{
		{"replied", messaging.Outcome{Status: messaging.TurnReplied, Reply: reply}, 201, "",
			map[string]any{"text": "How do you do.", "thought": "A greeting.", "actions": []any{"REPLY"}, "providers": []any{}, "simple": true, "seq": 2.0, "outcome": "replied"}},
		{"ignored", messaging.Outcome{Status: messaging.TurnIgnored, Reason: "not_addressed"}, 201, "",
			map[string]any{"text": "", "actions": []any{"IGNORE"}, "outcome": "ignored", "reason": "not_addressed"}},
		{"superseded", messaging.Outcome{Status: messaging.TurnSuperseded}, 201, "",
			map[string]any{"text": "", "actions": []any{"IGNORE"}, "outcome": "superseded", "superseded": true}},
		{"failed", messaging.Outcome{Status: messaging.TurnFailed, Reason: "model_auth", Detail: "The model refused the key"}, 502, "MODEL_ERROR", nil},
		{"failed inside", messaging.Outcome{Status: messaging.TurnFailed, Reason: "template_failed", Detail: "A template is broken"}, 500, "INTERNAL", nil},
		{"timed out", messaging.Outcome{Status: messaging.TurnTimedOut, Detail: "Too slow"}, 504, "TIMEOUT", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := setup(t)
			channel := f.addChannel(t)
			f.play(t, nil, tt.outcome)
			got := f.call(t, "POST", messagesOf(channel), map[string]any{"content": "Hello", "transport": "http"})
			if got.status != tt.status || got.code() != tt.code {
				t.Fatalf("got %d %q, want %d %q: %s", got.status, got.code(), tt.status, tt.code, got.raw)
			}
			response, _ := got.body["agentResponse"].(map[string]any)
			for key, want := range tt.want {
				if !cmp.Equal(response[key], want) {
					t.Errorf("agentResponse.%s = %v, want %v", key, response[key], want)
				}
			}
			if tt.want != nil && !cmp.Equal(got.data()["agentResponse"], got.body["agentResponse"]) {
				t.Error("data does not repeat the agent's response")
			}
			if tt.code != "" && !strings.Contains(got.raw, tt.outcome.Detail) {
				t.Errorf("the reason is missing: %s", got.raw)
			}
		})
	}
}

func TestPostMessageHTTPTimeoutKeepsTheMessage(t *testing.T) {
	t.Parallel()
	f := setup(t, func(d *rest.Deps) { d.HTTPTimeout = time.Millisecond })
	channel := f.addChannel(t)
	got := f.call(t, "POST", messagesOf(channel), map[string]any{"content": "Hello", "transport": "sync"})
	if got.status != http.StatusGatewayTimeout || got.code() != "TIMEOUT" {
		t.Fatalf("got %d: %s", got.status, got.raw)
	}
	history := f.call(t, "GET", messagesOf(channel), nil)
	if n := len(history.data()["messages"].([]any)); n != 1 {
		t.Errorf("%d messages are stored, want 1", n)
	}
}

func TestListMessages(t *testing.T) {
	t.Parallel()
	f := setup(t)
	channel := f.addChannel(t)
	f.play(t, nil, messaging.Outcome{Status: messaging.TurnReplied, Reply: &messaging.Reply{
		Content: "How do you do.", RawMessage: []byte(`{"thought":"T","actions":["REPLY"],"attachments":[{"url":"/media/x"}]}`),
		Metadata: []byte(`{"agentName":"Eliza"}`),
	}})
	if got := f.call(t, "POST", messagesOf(channel), map[string]any{"content": "Hello", "transport": "http"}); got.status != 201 {
		t.Fatal(got.raw)
	}
	got := f.call(t, "GET", messagesOf(channel)+"?limit=1", nil)
	list := got.data()["messages"].([]any)
	if len(list) != 1 || got.data()["hasMore"] != true {
		t.Fatalf("one of two messages was asked for: %s", got.raw)
	}
	newest := list[0].(map[string]any)
	wantMeta := map[string]any{"agentName": "Eliza", "thought": "T", "actions": []any{"REPLY"}, "attachments": []any{map[string]any{"url": "/media/x"}}}
	meta := newest["metadata"].(map[string]any)
	for key, want := range wantMeta {
		if !cmp.Equal(meta[key], want) {
			t.Errorf("metadata.%s = %v, want %v", key, meta[key], want)
		}
	}
	if _, mentioned := newest["unhandled"]; mentioned || newest["authorId"] != eliza.String() || newest["seq"] != 2.0 {
		t.Errorf("newest: %v", newest)
	}
	for query, want := range map[string]int{
		"?limit=NaN":         2,
		"?limit=-5":          2,
		"?offset=1":          1,
		"?before=0":          0,
		"?after=0":           2,
		"?before=1970-01-02": 0,
		"?after=Fri%20Nov%2020%202015%2010:00:00%20GMT%2B0100%20(CET)": 2,
	} {
		page := f.call(t, "GET", messagesOf(channel)+query, nil)
		messages, _ := page.data()["messages"].([]any)
		if page.status != 200 || len(messages) != want {
			t.Errorf("%s: %d messages, want %d: %s", query, len(messages), want, page.raw)
		}
	}
	if bad := f.call(t, "GET", messagesOf(channel)+"?before=yesterday", nil); bad.status != 400 || bad.code() != "INVALID_REQUEST" {
		t.Errorf("a time that is none: %d %s", bad.status, bad.raw)
	}
	if empty := f.call(t, "GET", messagesOf(uuid.New()), nil); empty.status != 200 || len(empty.data()["messages"].([]any)) != 0 {
		t.Errorf("an unknown channel: %s", empty.raw)
	}
}

func TestDeleteMessages(t *testing.T) {
	t.Parallel()
	f := setup(t)
	channel := f.addChannel(t)
	posted := f.call(t, "POST", messagesOf(channel), map[string]any{"content": "one"})
	f.call(t, "POST", messagesOf(channel), map[string]any{"content": "two"})
	left := func() int {
		return len(f.call(t, "GET", messagesOf(channel), nil).data()["messages"].([]any))
	}
	path := messagesOf(channel) + "/" + posted.data()["id"].(string)
	for range 2 { // the second finds nothing, which is fine
		if got := f.call(t, "DELETE", path, nil); got.status != 204 || got.raw != "" {
			t.Errorf("delete: %d %q", got.status, got.raw)
		}
	}
	if left() != 1 {
		t.Errorf("%d messages left, want 1", left())
	}
	if got := f.call(t, "DELETE", messagesOf(channel), nil); got.status != 204 || left() != 0 {
		t.Errorf("clear: %d, %d messages left", got.status, left())
	}
}

// A crash may lose the record of the key, but not the message.
func TestIdempotencyKeyNamesTheMessage(t *testing.T) {
	t.Parallel()
	f := setup(t)
	channel := f.addChannel(t)
	path := "/api/messaging/channels/" + channel.String() + "/messages"
	first := f.call(t, "POST", path, map[string]any{"content": "Hello"}, "Idempotency-Key", "k").data()
	again := f.call(t, "POST", path, map[string]any{"content": "Hello"}, "Idempotency-Key", "k").data()
	other := f.call(t, "POST", path, map[string]any{"content": "Hello"}, "Idempotency-Key", "l").data()
	if first["id"] != again["id"] || first["id"] == other["id"] || first["id"] == nil {
		t.Errorf("ids %v, %v, %v", first["id"], again["id"], other["id"])
	}
}

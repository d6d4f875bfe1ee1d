package rest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server/internal/jsontext"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/runtime"
)

// A message in a list, or in the answer to who posted it, says what it says where encoding/json writes it.
func TestMessagesInListsAreTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := drawMessage(t)
		sameJSON(t, jsontext.Encode(message(m)), appendMessage(nil, &m))
		if got, want := string(jsontext.AppendString(nil, m.Content)), string(jsontext.Encode(m.Content)); got != want {
			t.Errorf("the text %q is written as %s, want %s", m.Content, got, want)
		}
		p := postedAnswer{Posted: messaging.Posted{Message: m}}
		for range rapid.IntRange(0, 2).Draw(t, "turns") {
			p.Turns = append(p.Turns, messaging.Turn{ID: uuid.New(), AgentID: uuid.New(), Status: messaging.TurnQueued})
		}
		if len(p.Turns) > 0 && rapid.Bool().Draw(t, "answered") {
			p.answer = &api.AgentResponse{RunID: p.Turns[0].ID, Text: m.Content, Outcome: api.RunOutcome(messaging.TurnReplied)}
		}
		sameJSON(t, jsontext.Encode(messagePosted(p.Posted, p.answer)), p.appendTo(nil))
	})
}

func drawMessage(t *rapid.T) messaging.Message {
	texts := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-z <>&"\\\n\t\x00-\x1f\x{2028}\x{2029}é\x{1F600}]*`), rapid.Custom(func(t *rapid.T) string {
		return string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")) // which may be no UTF-8
	}))
	raws := rapid.SampledFrom([]string{``, `{}`, `"a text"`, `[{"thought":"inside"}]`, `{"thought":null,"actions":["REPLY"]}`,
		`{ "text" : "quoted \" {[", "thought":"a", "th\u006fught" : "b", "attachments":[{"url":"x"}] }`})
	m := messaging.Message{
		ID: uuid.New(), ChannelID: uuid.New(), AuthorID: uuid.New(), Seq: rapid.Int64().Draw(t, "seq"),
		AuthorName: texts.Draw(t, "author"), Content: texts.Draw(t, "content"), SourceType: texts.Draw(t, "source"),
		SourceID: texts.Draw(t, "source id"), Unhandled: texts.Draw(t, "unhandled"), RawMessage: json.RawMessage(raws.Draw(t, "raw")),
		Metadata:  json.RawMessage(rapid.SampledFrom([]string{`{}`, ` {"thought":1, "b":[]} `, `{"a":{}}`}).Draw(t, "metadata")),
		CreatedAt: time.UnixMilli(rapid.Int64Range(0, 1e13).Draw(t, "created")), UpdatedAt: time.UnixMilli(1),
	}
	if len(m.RawMessage) == 0 {
		m.RawMessage = nil
	}
	if rapid.Bool().Draw(t, "reply") {
		m.InReplyTo = new(uuid.New())
	}
	return m
}

// sameJSON compares two JSON texts by what they say.
func sameJSON(t *rapid.T, want, got []byte) {
	t.Helper()
	var w, g any
	if err := json.Unmarshal(got, &g); err != nil {
		t.Fatalf("%v: %s", err, got)
	}
	if err := json.Unmarshal(want, &w); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(w, g); diff != "" {
		t.Errorf("(- encoding/json, + appended)\n%s", diff)
	}
}

// An agent in the list is what the contract's type shows.
func TestAgentsInListsAreTheSame(t *testing.T) {
	t.Parallel()
	for _, a := range []runtime.Summary{
		{},
		{
			ID: uuid.New(), Name: `"Eliza" <1>`, Bio: "line\nline", Enabled: true, Running: true,
			CreatedAt: time.UnixMilli(1795188790230), UpdatedAt: time.UnixMilli(1795188790231),
		},
	} {
		var listed, want any
		if err := json.Unmarshal(agentList{a}.appendTo(nil), &listed); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(jsontext.Encode(api.AgentListEnvelope{Success: true, Data: api.AgentList{Agents: []api.AgentListItem{agentListItem(&a)}}}), &want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, listed); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
}

func agentListItem(a *runtime.Summary) api.AgentListItem {
	return api.AgentListItem{
		ID: a.ID, Name: a.Name, CharacterName: a.Name, Bio: a.Bio, Status: agentState(a.Running), Enabled: a.Enabled,
		CreatedAt: a.CreatedAt.UnixMilli(), UpdatedAt: a.UpdatedAt.UnixMilli(),
	}
}

func BenchmarkMessagePage(b *testing.B) {
	m := messaging.Message{
		ID: uuid.New(), ChannelID: uuid.New(), AuthorID: uuid.New(), AuthorName: "Eliza", SourceType: messaging.SourceAgentResponse,
		Content:    "All work and no play makes \"Jack\" a dull boy.\nAll work and no play makes Jack a dull boy.",
		RawMessage: json.RawMessage(`{"text":"All work and no play makes \"Jack\" a dull boy.","thought":"Say it.","actions":["REPLY"],"providers":["TIME"]}`),
		Metadata:   json.RawMessage(`{"user_display_name":"Alice"}`), CreatedAt: time.Now(), UpdatedAt: time.Now(),
	}
	page := messaging.History{Messages: make([]messaging.Message, 50)}
	for i := range page.Messages {
		page.Messages[i] = m
	}
	b.ReportAllocs()
	for b.Loop() {
		_ = writeJSON(httptest.NewRecorder(), http.StatusOK, messagePage{History: page, cursors: messageCursors(page)}.appendTo)
	}
}

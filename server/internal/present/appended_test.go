package present

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server/internal/fileurl"
	"github.com/elizad/elizad/server/internal/jsontext"
	"github.com/elizad/elizad/server/internal/messaging"
)

// A message in a list, or in the response to a post, is encoded by hand as encoding/json would encode it.
func TestMessagesInListsAreTheSame(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	signing := New(fileurl.New([][]byte{[]byte("a key")}, uuid.New(), func() time.Time { return now }))
	rapid.Check(t, func(t *rapid.T) {
		m, d := drawMessage(t), rapid.SampledFrom([]Documents{{}, signing}).Draw(t, "documents")
		sameJSON(t, jsontext.Encode(d.Message(m)), d.appendMessage(nil, &m))
		if got, want := string(jsontext.AppendString(nil, m.Content)), string(jsontext.Encode(m.Content)); got != want {
			t.Errorf("the text %q is written as %s, want %s", m.Content, got, want)
		}
		p, answer := messaging.Posted{Message: m}, (*api.AgentResponse)(nil)
		for range rapid.IntRange(0, 2).Draw(t, "turns") {
			p.Turns = append(p.Turns, messaging.Turn{ID: uuid.New(), AgentID: uuid.New(), Status: messaging.TurnQueued})
		}
		if len(p.Turns) > 0 && rapid.Bool().Draw(t, "answered") {
			answer = &api.AgentResponse{RunID: p.Turns[0].ID, Text: m.Content, Outcome: api.RunOutcome(messaging.TurnReplied)}
		}
		sameJSON(t, jsontext.Encode(d.MessagePosted(p, answer)), d.AppendMessagePosted(nil, p, answer))
	})
}

func drawMessage(t *rapid.T) messaging.Message {
	texts := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-z <>&"\\\n\t\x00-\x1f\x{2028}\x{2029}é\x{1F600}]*`), rapid.Custom(func(t *rapid.T) string {
		return string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")) // which may be invalid UTF-8
	}))
	raws := rapid.SampledFrom([]string{``, `{}`, `"a text"`, `[{"thought":"inside"}]`, `{"thought":null,"actions":["REPLY"]}`,
		`{ "text" : "quoted \" {[", "thought":"a", "th\u006fught" : "b", "attachments":[{"url":"x"}] }`})
	channel := uuid.New()
	raws = rapid.OneOf(raws, rapid.Map(rapid.SampledFrom([]string{`"%s"`, `{"text":"%s","url":"%s"}`, `{"a":["%s",{"attachments":"%s"}],"b":"\"%s"}`}), func(form string) string {
		return strings.ReplaceAll(form, "%s", fileurl.Path(fileurl.ChannelUploads, channel.String(), "a.png"))
	}))
	m := messaging.Message{
		ID: uuid.New(), ChannelID: channel, AuthorID: uuid.New(), Seq: rapid.Int64().Draw(t, "seq"),
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

// sameJSON compares two JSON texts by their values.
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

// someMessage is a message as an agent writes it.
func someMessage() messaging.Message {
	return messaging.Message{
		ID: uuid.New(), ChannelID: uuid.New(), AuthorID: uuid.New(), AuthorName: "Eliza", SourceType: messaging.SourceAgentResponse,
		Content:    "All work and no play makes \"Jack\" a dull boy.\nAll work and no play makes Jack a dull boy.",
		RawMessage: json.RawMessage(`{"text":"All work and no play makes \"Jack\" a dull boy.","thought":"Say it.","actions":["REPLY"],"providers":["TIME"]}`),
		Metadata:   json.RawMessage(`{"user_display_name":"Alice"}`), CreatedAt: time.Now(), UpdatedAt: time.Now(),
	}
}

func BenchmarkMessagePage(b *testing.B) {
	page := messaging.History{Messages: make([]messaging.Message, 50)}
	for i := range page.Messages {
		page.Messages[i] = someMessage()
	}
	pictures := messaging.History{Messages: slices.Clone(page.Messages)}
	for i := range pictures.Messages {
		m := &pictures.Messages[i]
		m.Metadata = json.RawMessage(`{"attachments":[{"url":"` + fileurl.Path(fileurl.ChannelUploads, m.ChannelID.String(), "a.png") + `"}]}`)
	}
	signing := New(fileurl.New([][]byte{[]byte("a key")}, uuid.New(), time.Now))
	for name, v := range map[string]struct {
		Documents
		messaging.History
	}{"appended": {Documents{}, page}, "appended, signing": {signing, page}, "with pictures": {Documents{}, pictures}, "with pictures, signing": {signing, pictures}} {
		b.Run(name, func(b *testing.B) {
			var kept []byte
			b.ReportAllocs()
			for b.Loop() {
				kept = v.AppendMessagePage(kept[:0], v.History, MessageCursors(v.History))
			}
		})
	}
	b.Run("encoded", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			jsontext.Encode(api.MessageListEnvelope{Success: true, Data: api.MessageList{Messages: Each(page.Messages, Documents{}.Message), Cursors: MessageCursors(page)}})
		}
	})
}

func BenchmarkMessagePosted(b *testing.B) {
	p := messaging.Posted{Message: someMessage(), Turns: []messaging.Turn{{ID: uuid.New(), AgentID: uuid.New(), Status: messaging.TurnQueued}}}
	b.Run("appended", func(b *testing.B) {
		var kept []byte
		b.ReportAllocs()
		for b.Loop() {
			kept = Documents{}.AppendMessagePosted(kept[:0], p, nil)
		}
	})
	b.Run("encoded", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			jsontext.Encode(Documents{}.MessagePosted(p, nil))
		}
	})
}

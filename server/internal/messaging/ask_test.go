package messaging_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/bus"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/messaging/messagingtest"
)

func converse(t *testing.T, b *messagingtest.Bench, c messaging.Channel) *messaging.Exchange {
	t.Helper()
	conv, err := b.Ask(t.Context(), b.Who, messaging.Draft{ChannelID: c.ID, Content: "hello"}, uuid.Nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conv.Close)
	return conv
}

// read returns the text that was streamed, and the end.
func read(t *testing.T, conv *messaging.Exchange) (string, messaging.TurnResult) {
	t.Helper()
	var text strings.Builder
	for e, err := range conv.Events(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if e.End != nil {
			return text.String(), *e.End
		}
		text.WriteString(e.Text)
	}
	t.Fatal("the events ended without an end")
	return "", messaging.TurnResult{}
}

func TestAskStreams(t *testing.T) {
	t.Parallel()
	b := messagingtest.New(t)
	conv := converse(t, b, b.DM(t))
	turn := b.Claim(t, 1)[0]
	for i, piece := range []string{"Good ", "morning", "!"} {
		b.StreamChunk(t.Context(), conv.Channel.MessageServerID, turn, i, piece)
	}
	reply := b.Answer(t, turn, "Good morning!")
	text, end := read(t, conv)
	if text != "Good morning!" || end.Turn.Status != messaging.TurnReplied || end.Reply == nil || end.Reply.ID != reply.ID || reply.ID != turn.ResponseID {
		t.Errorf("streamed %q, ended %+v", text, end)
	}
}

func TestAskMakesUpForLostPieces(t *testing.T) {
	t.Parallel()
	b := messagingtest.New(t)
	conv := converse(t, b, b.DM(t))
	turn := b.Claim(t, 1)[0]
	b.StreamChunk(t.Context(), conv.Channel.MessageServerID, turn, 0, "one ")
	b.StreamChunk(t.Context(), conv.Channel.MessageServerID, turn, 2, "three") // 1 was lost
	b.Answer(t, turn, "one two three")
	if text, _ := read(t, conv); text != "one two three" {
		t.Errorf("streamed %q", text)
	}
}

func TestAskOutcomesWithoutReply(t *testing.T) {
	t.Parallel()
	b := messagingtest.New(t)
	conv := converse(t, b, b.DM(t))
	turn := b.Claim(t, 1)[0]
	if _, err := b.FinishTurn(t.Context(), messagingtest.Worker, turn, messaging.Outcome{Status: messaging.TurnFailed, Reason: "model_error", Detail: "No model"}); err != nil {
		t.Fatal(err)
	}
	if text, end := read(t, conv); text != "" || end.Reply != nil || end.Turn.Status != messaging.TurnFailed || end.Turn.Detail != "No model" {
		t.Errorf("%q, %+v", text, end)
	}
}

func TestAskNeedsAnAgent(t *testing.T) {
	t.Parallel()
	b := messagingtest.New(t)
	c, err := b.CreateChannel(t.Context(), b.Who, messaging.NewChannel{Name: "people", Type: messaging.TypeGroup, Participants: []uuid.UUID{b.User}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.Ask(t.Context(), b.Who, messaging.Draft{ChannelID: c.ID, Content: "hello?"}, uuid.Nil)
	messagingtest.WantCode(t, err, apierr.NoAgent)
	if got := b.Texts(t, c.ID); len(got) != 0 {
		t.Errorf("stored all the same: %q", got)
	}
}

func TestAskResumes(t *testing.T) {
	t.Parallel()
	b := messagingtest.New(t)
	c := b.DM(t)
	first := converse(t, b, c)
	at := func(chunks, bytes int) *messaging.Position {
		return &messaging.Position{MessageID: first.Message.ID, Chunks: chunks, Bytes: bytes}
	}
	resume := func(p *messaging.Position, text string) (*messaging.Exchange, error) {
		return b.Ask(t.Context(), b.Who, messaging.Draft{ChannelID: c.ID, Content: text, Resume: p}, uuid.Nil)
	}
	turn := b.Claim(t, 1)[0]
	b.StreamChunk(t.Context(), c.MessageServerID, turn, 0, "one ")
	live, err := resume(at(1, 4), "hello")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(live.Close)
	b.StreamChunk(t.Context(), c.MessageServerID, turn, 1, "two ")
	b.Answer(t, turn, "one two three")
	for _, tt := range []struct {
		from *messaging.Position
		want string
	}{{at(0, 0), "one two three"}, {at(2, 8), "three"}, {at(3, 13), ""}, {at(9, 99), ""}} {
		late, err := resume(tt.from, "hello")
		if err != nil {
			t.Fatal(err)
		}
		text, end := read(t, late)
		if text != tt.want || end.Reply == nil || end.Turn.ID != turn.ID || !late.Duplicate || late.From == nil {
			t.Errorf("from %+v: %q, %+v", tt.from, text, end)
		}
		late.Close()
	}
	if text, _ := read(t, live); text != "two three" {
		t.Errorf("while it was written: %q", text)
	}
	if got := b.Texts(t, c.ID); len(got) != 2 {
		t.Errorf("posted again: %q", got)
	}
	other, err := resume(at(1, 4), "another question")
	if err != nil || other.From != nil || other.Duplicate {
		t.Errorf("another question: %+v, %v", other, err)
	}
	other.Close()
	_, err = resume(&messaging.Position{MessageID: uuid.New()}, "hello")
	messagingtest.WantCode(t, err, apierr.NotFound)
	wrongAuthor := messaging.Draft{ChannelID: c.ID, AuthorID: uuid.New(), Content: "hello", Resume: at(0, 0)}
	_, err = b.Ask(t.Context(), b.Who, wrongAuthor, uuid.Nil)
	messagingtest.WantCode(t, err, apierr.NotFound)
}

// A question that comes while the server stops is refused with an error to retry, and nothing of it is stored.
func TestAskWhileTheServerStops(t *testing.T) {
	t.Parallel()
	events := bus.NewLocal()
	b := messagingtest.New(t, func(c *messaging.Config) { c.Bus = events })
	c := b.DM(t)
	if err := events.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Ask(t.Context(), b.Who, messaging.Draft{ChannelID: c.ID, Content: "hello"}, uuid.Nil); !apierr.IsCode(err, apierr.Unavailable) {
		t.Errorf("%v", err)
	}
	if page, err := b.History(t.Context(), b.Who, c.ID, messaging.HistoryQuery{Limit: 1}); err != nil || len(page.Messages) > 0 {
		t.Errorf("stored: %v (%v)", page.Messages, err)
	}
}

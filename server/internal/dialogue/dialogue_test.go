package dialogue_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/elizad/elizad/server/internal/dialogue"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/messaging/messagingtest"
	"github.com/elizad/elizad/server/internal/sweep"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bench is a messaging bench with dialogues, whose clock stands still until the test moves it.
type bench struct {
	*messagingtest.Bench
	dialogues *dialogue.Service
	sweeper   *sweep.Sweeper
}

func setup(t *testing.T) (*bench, *messagingtest.Clock) {
	t.Helper()
	c := messagingtest.NewClock()
	m := messagingtest.New(t, c.Set)
	b := &bench{Bench: m, dialogues: dialogue.New(dialogue.Config{Store: m.Store, Messaging: m.Service, Now: c.Time})}
	b.Observe(b.dialogues.Observer())
	b.sweeper = sweep.New(sweep.Config{Store: sweep.NewGate(m.Store), Parts: []sweep.Part{b.dialogues.Part()}, Now: c.Time})
	return b, c
}

// asked posts a question of the bench's user, and returns its message.
func (b *bench) asked(t *testing.T, q dialogue.Question) messaging.Message {
	t.Helper()
	q.AgentID, q.UserID = b.Agent, b.User
	exchange, err := b.dialogues.Ask(t.Context(), b.Who, q)
	if err != nil {
		t.Fatal(err)
	}
	exchange.Close()
	return exchange.Message
}

// answered posts a question that is answered.
func (b *bench) answered(t *testing.T, q dialogue.Question, answer string) messaging.Message {
	t.Helper()
	m := b.asked(t, q)
	b.Answer(t, b.Claim(t, 1)[0], answer)
	return m
}

func line(text string) dialogue.Line { return dialogue.Line{Text: text} }

func after(texts ...string) (out []dialogue.Line) {
	for i, text := range texts {
		out = append(out, dialogue.Line{FromAgent: i%2 == 1, Text: text})
	}
	return out
}

// Of two questions that continue the same, as when a client asks twice at once, the second begins another dialogue.
func TestOneQuestionContinuesADialogue(t *testing.T) {
	t.Parallel()
	b, _ := setup(t)
	first := b.answered(t, dialogue.Question{Line: line("Hello")}, "Hi")
	next := dialogue.Question{Before: after("Hello", "Hi"), Line: line("And?")}
	one, other := b.asked(t, next), b.asked(t, next)
	if one.ChannelID != first.ChannelID || other.ChannelID == first.ChannelID {
		t.Errorf("in %s and %s, and the first in %s", one.ChannelID, other.ChannelID, first.ChannelID)
	}
	if diff := cmp.Diff([]string{"Hello", "Hi", "And?"}, b.Texts(t, other.ChannelID)); diff != "" {
		t.Error(diff)
	}
}

// A turn that fails leaves the question without an answer, as the client has it, too.
func TestQuestionWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	b, _ := setup(t)
	for _, chat := range []string{"", "a name"} {
		first := b.asked(t, dialogue.Question{Chat: chat, Line: line("Hello " + chat)})
		if _, err := b.FinishTurn(t.Context(), messagingtest.Worker, b.Claim(t, 1)[0], messaging.Outcome{Status: messaging.TurnFailed, Detail: "No model"}); err != nil {
			t.Fatal(err)
		}
		next := b.answered(t, dialogue.Question{Chat: chat, Before: []dialogue.Line{line("Hello " + chat)}, Line: line("Hello?")}, "Hi")
		if next.ChannelID != first.ChannelID {
			t.Errorf("%q: another dialogue began", chat)
		}
	}
}

// A dialogue ends with its channel a week after its newest question, and one that belongs to no chat soon.
func TestDialoguesEnd(t *testing.T) {
	t.Parallel()
	b, c := setup(t)
	kept := b.answered(t, dialogue.Question{Line: line("Hello")}, "Hi")
	passing := b.answered(t, dialogue.Question{Passing: true, Line: line("A title?")}, "Greeting")
	sweepAfter := func(d time.Duration) (kind [2]bool) {
		t.Helper()
		c.Pass(d)
		if _, _, err := b.sweeper.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		for i, m := range []messaging.Message{kept, passing} {
			_, err := b.Channel(t.Context(), b.Who, m.ChannelID)
			kind[i] = err == nil
		}
		return kind
	}
	if there := sweepAfter(9 * time.Minute); there != [2]bool{true, true} {
		t.Errorf("after nine minutes: %v", there)
	}
	if there := sweepAfter(2 * time.Minute); there != [2]bool{true, false} {
		t.Errorf("after eleven minutes: %v", there)
	}
	c.Pass(6 * 24 * time.Hour)
	b.answered(t, dialogue.Question{Before: after("Hello", "Hi"), Line: line("Still there?")}, "Yes")
	if there := sweepAfter(6 * 24 * time.Hour); !there[0] {
		t.Error("it ended although it went on")
	}
	if there := sweepAfter(2 * 24 * time.Hour); there[0] {
		t.Error("it doesn't end")
	}
	again := b.answered(t, dialogue.Question{Before: after("Hello", "Hi", "Still there?", "Yes"), Line: line("Hello?")}, "Yes")
	if diff := cmp.Diff([]string{"Hello", "Hi", "Still there?", "Yes", "Hello?", "Yes"}, b.Texts(t, again.ChannelID)); diff != "" {
		t.Error(diff)
	}
}

// A new dialogue is told the newest of a long history, and the beginnings of long messages.
func TestHistoryIsBounded(t *testing.T) {
	t.Parallel()
	b, _ := setup(t)
	long := make([]byte, 1<<16)
	for i := range long {
		long[i] = 'x'
	}
	var before []dialogue.Line
	for range 100 {
		before = append(before, line("old"), dialogue.Line{FromAgent: true, Text: "older"})
	}
	before = append(before, line(string(long)), dialogue.Line{FromAgent: true, Text: "Oh"})
	m := b.asked(t, dialogue.Question{Before: before, Line: line("And?")})
	texts := b.Texts(t, m.ChannelID)
	if len(texts) != 65 || len(texts[62]) > 8_100 || texts[63] != "Oh" || texts[64] != "And?" {
		t.Errorf("%d messages, one of %d bytes", len(texts), len(texts[62]))
	}
}

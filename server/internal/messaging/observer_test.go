package messaging_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/messaging/messagingtest"
)

// An observer is called for what ends in the channels that it made, and in no others; it can prevent the end, and is notified
// after the commit.
func TestObserver(t *testing.T) {
	t.Parallel()
	b := messagingtest.New(t)
	var calls []string
	var refusal error
	own := uuid.New()
	b.Observe(messaging.Observer{
		Source: "survey",
		TurnsEnded: func(_ context.Context, _ db.Scoped, reply *messaging.Message, turns []messaging.Turn) error {
			calls = nil // it may be a repetition
			for _, turn := range turns {
				calls = append(calls, string(turn.Status))
			}
			if reply != nil {
				calls = append(calls, reply.Content)
			}
			return refusal
		},
		ChannelRemoved: func(ctx context.Context, q db.Scoped, channelID uuid.UUID) error {
			calls = append(calls, "removed")
			_, err := q.GetChannel(ctx, channelID) // it is still there
			return err
		},
		Committed: func(context.Context) {
			texts := b.Texts(t, own)
			calls = append(calls, "after "+texts[len(texts)-1])
		},
	})
	wants := func(want ...string) {
		t.Helper()
		if !slices.Equal(calls, want) {
			t.Errorf("calls %q, want %q", calls, want)
		}
		calls = nil
	}
	insert, err := b.OwnChannel("survey", own, messaging.NewChannel{Name: "survey", Type: messaging.TypeDM, Participants: []uuid.UUID{b.User, b.Agent}})
	if err != nil {
		t.Fatal(err)
	}
	question := messaging.Draft{ChannelID: own, Content: "How was it?", MakeChannel: insert}
	b.Say(t, question)
	turn := b.Claim(t, 1)[0]
	refusal = errors.New("not yet")
	outcome := messaging.Outcome{Status: messaging.TurnReplied, Reply: &messaging.Reply{Content: "Fine"}}
	if _, err := b.FinishTurn(t.Context(), messagingtest.Worker, turn, outcome); !errors.Is(err, refusal) {
		t.Errorf("a refused end: %v", err)
	}
	wants("replied", "Fine")
	if texts := b.Texts(t, own); len(texts) != 1 {
		t.Errorf("a refused reply was stored: %q", texts)
	}
	refusal = nil
	b.Answer(t, turn, "Fine")
	wants("replied", "Fine", "after Fine")

	b.Say(t, messaging.Draft{ChannelID: b.DM(t).ID, Content: "Hello"})
	b.Answer(t, b.Claim(t, 1)[0], "Hi")
	wants() // of another owner's channel

	b.Say(t, question)
	refusal = errors.New("stay")
	if err := b.DeleteChannel(t.Context(), b.Who, own); !errors.Is(err, refusal) {
		t.Errorf("a refused removal: %v", err)
	}
	wants("cancelled")
	if texts := b.Texts(t, own); len(texts) != 3 {
		t.Errorf("a refused removal removed: %q", texts)
	}
	refusal = nil
	b.Answer(t, b.Claim(t, 1)[0], "Still fine")
	calls = nil
	if err := b.DeleteChannel(t.Context(), b.Who, own); err != nil {
		t.Fatal(err)
	}
	wants("removed")
}

// What a draft does beside the message is stored with it, or not at all.
func TestDraftWithMore(t *testing.T) {
	t.Parallel()
	b := messagingtest.New(t)
	c, refusal := b.DM(t), errors.New("no")
	var noted uuid.UUID
	d := messaging.Draft{ChannelID: c.ID, Content: "Hello", Also: func(_ context.Context, _ db.Scoped, messageID uuid.UUID) error {
		noted = messageID
		return refusal
	}}
	if _, err := b.Post(t.Context(), b.Who, d); !errors.Is(err, refusal) {
		t.Errorf("refused: %v", err)
	}
	if texts := b.Texts(t, c.ID); len(texts) != 0 {
		t.Errorf("stored all the same: %q", texts)
	}
	refusal = nil
	if p := b.Say(t, d); p.Message.ID != noted {
		t.Errorf("noted %s, posted %s", noted, p.Message.ID)
	}
}

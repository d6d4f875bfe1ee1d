package runtime_test

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/modeltest"
	"github.com/elizad/elizad/server/internal/runtime"
)

// Runs of many rooms happen at once and never mix what they know, send or note.
func TestManyRoomsAtOnce(t *testing.T) {
	t.Parallel()
	const rooms = 80
	newest := regexp.MustCompile(`(?s)# The newest message.*?(room \d+)\n`)
	_, models := scripted(t, func(r modeltest.Request) modeltest.Script {
		return modeltest.Frame("answer for " + newest.FindStringSubmatch(r.Prompt())[1])
	})
	b := running(t, models, func(c *runtime.Config) { c.ConcurrentRuns = 16 })
	ada := b.agent(t, "Ada", "")
	turns := make([]messaging.Turn, rooms)
	for i := range rooms {
		room, err := b.messages.CreateChannel(t.Context(), b.who, messaging.NewChannel{Name: "room", Type: messaging.TypeDM, Participants: []uuid.UUID{b.user, ada}})
		if err != nil {
			t.Fatal(err)
		}
		p, err := b.messages.Post(t.Context(), b.who, b.draft(room, fmt.Sprintf("room %d", i)))
		if err != nil {
			t.Fatal(err)
		}
		turns[i] = p.Turns[0]
	}
	for i, turn := range turns {
		turn = b.ended(t, turn)
		texts := b.texts(t, turn.ChannelID)
		if want := fmt.Sprintf("answer for room %d", i); len(texts) != 2 || texts[1] != want {
			t.Errorf("room %d: %q", i, texts)
		}
		log := b.record(t, turn)
		if len(log) != 3 || log[0].data["messageId"] != turn.MessageID.String() {
			t.Errorf("room %d: record %+v", i, log)
		}
	}
}

// BenchmarkTurn measures a whole turn with the built-in responder: post, claim, run, reply, all stored.
func BenchmarkTurn(b *testing.B) {
	bench := running(b, builtin(b))
	ada := bench.agent(b, "Ada", "")
	dm := bench.dm(b, ada)
	sub, err := bench.messages.Subscribe(dm.ID)
	if err != nil {
		b.Fatal(err)
	}
	defer sub.Close()
	for i := 0; b.Loop(); i++ {
		if _, err := bench.messages.Post(b.Context(), bench.who, bench.draft(dm, fmt.Sprintf("I feel like number %d", i))); err != nil {
			b.Fatal(err)
		}
		for m := range sub.C() {
			e, err := messaging.DecodeEvent(m)
			if err != nil {
				b.Fatal(err)
			}
			if e.Type == messaging.EventTurnEnded {
				if e.Turn.Status != messaging.TurnReplied {
					b.Fatalf("turn ended %+v", e.Turn)
				}
				break
			}
		}
	}
}

// BenchmarkTurns measures how many turns of different rooms end in a second.
func BenchmarkTurns(b *testing.B) {
	bench := running(b, builtin(b))
	ada := bench.agent(b, "Ada", "")
	rooms := make([]messaging.Channel, 50)
	for i := range rooms {
		room, err := bench.messages.CreateChannel(b.Context(), bench.who, messaging.NewChannel{Name: "room", Type: messaging.TypeDM, Participants: []uuid.UUID{bench.user, ada}})
		if err != nil {
			b.Fatal(err)
		}
		rooms[i] = room
	}
	next := make(chan messaging.Channel, len(rooms))
	for _, room := range rooms {
		next <- room
	}
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			room := <-next
			p, err := bench.messages.Post(b.Context(), bench.who, bench.draft(room, "I feel fine"))
			if err != nil {
				b.Error(err)
				return
			}
			if turn := bench.ended(b, p.Turns[0]); turn.Status != messaging.TurnReplied {
				b.Errorf("turn ended %+v", turn)
			}
			next <- room
		}
	})
}

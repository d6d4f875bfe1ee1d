package messaging_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/messaging/messagingtest"
)

func TestAskAloud(t *testing.T) {
	t.Parallel()
	b := messagingtest.New(t)
	dm, kitchen := b.DM(t), uuid.New()
	for _, tt := range []struct {
		name     string
		in, want uuid.UUID
	}{
		{"in the DM", uuid.Nil, dm.ID},
		{"in a room that is made", kitchen, kitchen},
		{"in the same room again", kitchen, kitchen},
	} {
		asked, err := b.AskAloud(t.Context(), b.Who, messaging.Spoken{
			AgentID: b.Agent, ChannelID: tt.in, SpeakerID: b.User, AuthorName: "Ada", Text: "What is the weather like?",
		})
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		t.Cleanup(asked.Close)
		m := asked.Message
		if m.ChannelID != tt.want || m.AuthorID != b.User || m.AuthorName != "Ada" || m.SourceType != "direct" || asked.Turn.AgentID != b.Agent {
			t.Errorf("%s: posted %+v for %s", tt.name, m, asked.Turn.AgentID)
		}
		b.Answer(t, b.Claim(t, 1)[0], "It is raining.")
		if _, end := read(t, asked); end.Reply == nil || end.Reply.Content != "It is raining." {
			t.Errorf("%s: ended %+v", tt.name, end)
		}
	}
	if c, err := b.Channel(t.Context(), b.Who, kitchen); err != nil || c.Type != messaging.TypeDM {
		t.Errorf("the room is %+v, %v", c, err)
	}
	_, err := b.AskAloud(t.Context(), b.Who, messaging.Spoken{AgentID: b.Agent, SpeakerID: b.User})
	messagingtest.WantCode(t, err, apierr.InvalidRequest)
}

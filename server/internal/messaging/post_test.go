package messaging_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/messaging/messagingtest"
)

func TestPostNumbersAndAnnounces(t *testing.T) {
	t.Parallel()
	b := messagingtest.New(t)
	c := b.DM(t)
	sub := messagingtest.Follow(t, b, c.ID)
	for i := range 3 {
		p := b.Say(t, messaging.Draft{ChannelID: c.ID, Content: fmt.Sprint("m", i)})
		if p.Message.Seq != int64(i+1) {
			t.Errorf("message %d has number %d", i, p.Message.Seq)
		}
		if len(p.Turns) != 1 || p.Turns[0].AgentID != b.Agent || p.Turns[0].Status != messaging.TurnQueued {
			t.Errorf("turns of message %d: %+v", i, p.Turns)
		}
		if e := messagingtest.Next(t, sub); e.Type != messaging.EventMessage || e.Seq != p.Message.Seq || e.Message.Content != p.Message.Content {
			t.Errorf("event %d: %+v", i, e)
		}
	}
	if diff := cmp.Diff([]string{"m0", "m1", "m2"}, b.Texts(t, c.ID)); diff != "" {
		t.Error(diff)
	}
}

func TestPostRefusals(t *testing.T) {
	t.Parallel()
	b := messagingtest.New(t)
	c := b.DM(t)
	other, err := b.CreateServer(t.Context(), b.Who, messaging.NewServer{Name: "Other", SourceType: "test"})
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := b.Say(t, messaging.Draft{ChannelID: uuid.New(), Content: "x", Create: &messaging.AutoCreate{CreatedBy: "test"}}).Message.ID
	tests := []struct {
		name  string
		draft messaging.Draft
		want  apierr.Code
	}{
		{"no channel", messaging.Draft{Content: "x"}, apierr.ValidationFailed},
		{"unknown channel", messaging.Draft{ChannelID: uuid.New(), Content: "x"}, apierr.NotFound},
		{"no text", messaging.Draft{ChannelID: c.ID}, apierr.ValidationFailed},
		{"too long", messaging.Draft{ChannelID: c.ID, Content: strings.Repeat("é", messaging.DefaultMaxContent+1)}, apierr.ValidationFailed},
		{"metadata is a list", messaging.Draft{ChannelID: c.ID, Content: "x", Metadata: json.RawMessage(`[]`)}, apierr.ValidationFailed},
		{"metadata is broken", messaging.Draft{ChannelID: c.ID, Content: "x", Metadata: json.RawMessage(`{"a":`)}, apierr.InvalidJSON},
		{"another message server", messaging.Draft{ChannelID: c.ID, Content: "x", ServerID: &other.ID}, apierr.BadRequest},
		{"unknown message server", messaging.Draft{ChannelID: uuid.New(), Content: "x", ServerID: new(uuid.New()), Create: &messaging.AutoCreate{}}, apierr.ServerNotFound},
		{"reply to nothing", messaging.Draft{ChannelID: c.ID, Content: "x", InReplyTo: new(uuid.New())}, apierr.BadRequest},
		{"reply across channels", messaging.Draft{ChannelID: c.ID, Content: "x", InReplyTo: &elsewhere}, apierr.BadRequest},
		{"somebody else's id", messaging.Draft{ChannelID: c.ID, Content: "x", ID: elsewhere}, apierr.Conflict},
		{"an agent that isn't here", messaging.Draft{ChannelID: c.ID, Content: "x", Target: new(uuid.New())}, apierr.NoAgent},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := b.Post(t.Context(), b.Who, tt.draft)
			messagingtest.WantCode(t, err, tt.want)
			if got := b.Texts(t, c.ID); len(got) != 0 {
				t.Errorf("a refused message was stored: %q", got)
			}
		})
	}
}

func TestPostCleansText(t *testing.T) {
	t.Parallel()
	b := messagingtest.New(t)
	c := b.DM(t)
	p := b.Say(t, messaging.Draft{ChannelID: c.ID, Content: "a\x00b\xff", Metadata: json.RawMessage(`{"k":"x\u0000y","path":"c:\\u0000"}`)})
	if p.Message.Content != "ab\uFFFD" {
		t.Errorf("content %q", p.Message.Content)
	}
	if got, want := string(p.Message.Metadata), `{"k":"xy","path":"c:\\u0000"}`; got != want {
		t.Errorf("metadata %s, want %s", got, want)
	}
}

func TestPostCreatesChannel(t *testing.T) {
	t.Parallel()
	b := messagingtest.New(t)
	id := uuid.New()
	metadata := json.RawMessage(fmt.Sprintf(`{"isDm":true,"targetUserId":%q}`, b.Agent))
	var wg sync.WaitGroup
	created := make([]bool, 8)
	for i := range created { // concurrently: one of them makes it
		wg.Go(func() {
			p, err := b.Post(t.Context(), b.Who, messaging.Draft{
				ChannelID: id, Content: "hi", Metadata: metadata, Create: messaging.AutoCreateFrom(metadata, "test_auto_creation"),
			})
			if err != nil {
				t.Error(err)
			}
			created[i] = p.ChannelCreated
		})
	}
	wg.Wait()
	n := 0
	for _, c := range created {
		if c {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d of the posts made the channel", n)
	}
	c, err := b.Channel(t.Context(), b.Who, id)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]uuid.UUID{b.User, b.Agent}, c.Participants); diff != "" {
		t.Error(diff)
	}
	if c.Type != messaging.TypeDM || c.Name != "DM "+id.String()[:8] || c.LastSeq != int64(len(created)) {
		t.Errorf("channel %+v", c)
	}
	var m map[string]any
	if err := json.Unmarshal(c.Metadata, &m); err != nil || m["created_by"] != "test_auto_creation" || m["created_for_user"] != b.User.String() {
		t.Errorf("metadata %s (%v)", c.Metadata, err)
	}
}

func TestPostTwiceUnderAClientsID(t *testing.T) {
	t.Parallel()
	b := messagingtest.New(t)
	c := b.DM(t)
	first := b.Say(t, messaging.Draft{ChannelID: c.ID, Content: "hello", ClientID: "c1"})
	again := b.Say(t, messaging.Draft{ChannelID: c.ID, Content: "hello", ClientID: "c1"})
	other := b.Say(t, messaging.Draft{ChannelID: c.ID, Content: "another text", ClientID: "c1"})
	if !again.Duplicate || again.Message.ID != first.Message.ID || len(again.Turns) != 1 {
		t.Errorf("the second post: %+v", again)
	}
	if other.Duplicate || other.Message.Seq != 2 {
		t.Errorf("another text under the same id: %+v", other.Message)
	}
}

func TestPostWithoutAgent(t *testing.T) {
	t.Parallel()
	b := messagingtest.New(t)
	stopped := uuid.New()
	b.Join(t, stopped, false)
	tests := []struct {
		name         string
		participants []uuid.UUID
		want         string
	}{
		{"people only", []uuid.UUID{b.User, uuid.New()}, messaging.UnhandledNoAgent},
		{"a stopped agent", []uuid.UUID{b.User, stopped}, messaging.UnhandledAgentStopped},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, err := b.CreateChannel(t.Context(), b.Who, messaging.NewChannel{Name: "room", Type: messaging.TypeGroup, Participants: tt.participants})
			if err != nil {
				t.Fatal(err)
			}
			sub := messagingtest.Follow(t, b, c.ID)
			if p := b.Say(t, messaging.Draft{ChannelID: c.ID, Content: "anybody?"}); p.Message.Unhandled != tt.want || len(p.Turns) != 0 {
				t.Errorf("posted %+v", p)
			}
			if e := messagingtest.Next(t, sub); e.Type != messaging.EventMessage {
				t.Errorf("first event %+v", e)
			}
			if e := messagingtest.Next(t, sub); e.Type != messaging.EventTurnEnded || e.Turn.Status != messaging.StatusUnhandled || e.Turn.Reason != tt.want {
				t.Errorf("second event %+v", e)
			}
		})
	}
}

func TestAgentsDoNotAnswerAgents(t *testing.T) {
	t.Parallel()
	b := messagingtest.New(t)
	second := uuid.New()
	b.Join(t, second, true)
	c, err := b.CreateChannel(t.Context(), b.Who, messaging.NewChannel{Name: "room", Type: messaging.TypeGroup, Participants: []uuid.UUID{b.User, b.Agent, second}})
	if err != nil {
		t.Fatal(err)
	}
	if p := b.Say(t, messaging.Draft{ChannelID: c.ID, Content: "hello both"}); len(p.Turns) != 2 {
		t.Fatalf("%d turns for two agents", len(p.Turns))
	}
	for _, turn := range b.Claim(t, 10) {
		b.Answer(t, turn, "hi")
	}
	if more := b.Claim(t, 10); len(more) != 0 {
		t.Errorf("the agents' answers caused %d turns", len(more))
	}
}

package messaging_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/messaging/messagingtest"
)

func TestIngestPostsOnce(t *testing.T) {
	t.Parallel()
	b := messagingtest.New(t)
	c := b.DM(t)
	draft := func(id, text string) messaging.Draft {
		return messaging.Draft{ChannelID: c.ID, AuthorID: b.User, Content: text, SourceType: "telegram", SourceID: id}
	}
	first, err := b.Ingest(t.Context(), b.Who, []messaging.Draft{draft("1", "one"), draft("2", "two")})
	if err != nil || len(first[0].Turns) != 1 || first[0].Message.SourceID != "1" {
		t.Fatalf("%+v, %v", first, err)
	}
	again, err := b.Ingest(t.Context(), b.Who, []messaging.Draft{draft("2", "two, edited there"), draft("3", "three")})
	if err != nil || !again[0].Duplicate || again[0].Message.ID != first[1].Message.ID || again[1].Duplicate {
		t.Fatalf("%+v, %v", again, err)
	}
	if diff := cmp.Diff([]string{"one", "two", "three"}, b.Texts(t, c.ID)); diff != "" {
		t.Error(diff)
	}
	other := draft("1", "on another platform")
	other.SourceType = "discord"
	if p, err := b.Ingest(t.Context(), b.Who, []messaging.Draft{other}); err != nil || p[0].Duplicate {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestIngestRefusesAgents(t *testing.T) {
	t.Parallel()
	b := messagingtest.New(t)
	c := b.DM(t)
	_, err := b.Ingest(t.Context(), b.Who, []messaging.Draft{
		{ChannelID: c.ID, AuthorID: b.User, Content: "first"},
		{ChannelID: c.ID, AuthorID: b.Agent, Content: "forged answer"},
	})
	messagingtest.WantCode(t, err, apierr.Forbidden)
	if got := b.Texts(t, c.ID); len(got) != 0 {
		t.Errorf("stored %q", got)
	}
}

func TestChannelsMirrorAPlatform(t *testing.T) {
	t.Parallel()
	b := messagingtest.New(t)
	server, err := b.CreateServer(t.Context(), b.Who, messaging.NewServer{Name: "Guild", SourceType: "discord", SourceID: new("42")})
	if err != nil {
		t.Fatal(err)
	}
	sync := func(list ...messaging.SourceChannel) []messaging.Channel {
		t.Helper()
		out, err := b.SyncChannels(t.Context(), b.Who, server.ID, list)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	first := sync(messaging.SourceChannel{SourceID: "a", Name: "general", Type: messaging.TypeGroup}, messaging.SourceChannel{SourceID: "b", Name: "voice", Type: messaging.TypeVoiceGroup})
	sub := messagingtest.Follow(t, b, first[0].ID)
	again := sync(messaging.SourceChannel{SourceID: "a", Name: "lobby", Type: messaging.TypeGroup})
	if again[0].ID != first[0].ID || again[0].Name != "lobby" {
		t.Errorf("%+v", again)
	}
	if e := messagingtest.Next(t, sub); e.Type != messaging.EventChannelUpdated || e.Channel.Name != "lobby" {
		t.Errorf("event %+v", e)
	}
	if page, err := b.ServerChannels(t.Context(), b.Who, server.ID, messaging.ChannelQuery{Limit: 1}); err != nil || page.Total != 2 || len(page.Channels) != 1 {
		t.Errorf("%+v, %v", page, err)
	}
	if found, err := b.PlatformChannel(t.Context(), b.Who, "discord", "a"); err != nil || found.ID != first[0].ID {
		t.Errorf("%+v, %v", found, err)
	}
	_, err = b.PlatformChannel(t.Context(), b.Who, "discord", "zzz")
	messagingtest.WantCode(t, err, apierr.NotFound)
	_, err = b.SyncChannels(t.Context(), b.Who, uuid.New(), []messaging.SourceChannel{{SourceID: "a", Name: "n"}})
	messagingtest.WantCode(t, err, apierr.ServerNotFound)
}

func TestDeletedServerDeletesItsChannels(t *testing.T) {
	t.Parallel()
	b := messagingtest.New(t)
	server, err := b.CreateServer(t.Context(), b.Who, messaging.NewServer{Name: "Guild", SourceType: "discord"})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.AddServerAgent(t.Context(), b.Who, server.ID, b.Agent); err != nil {
		t.Fatal(err)
	}
	c, err := b.CreateChannel(t.Context(), b.Who, messaging.NewChannel{ServerID: &server.ID, Name: "n", Type: messaging.TypeGroup, Participants: []uuid.UUID{b.Agent}})
	if err != nil {
		t.Fatal(err)
	}
	b.Say(t, messaging.Draft{ChannelID: c.ID, Content: "anybody?"})
	sub := messagingtest.Follow(t, b, c.ID)
	if err := b.DeleteServer(t.Context(), b.Who, server.ID); err != nil {
		t.Fatal(err)
	}
	if e := messagingtest.Next(t, sub); e.Type != messaging.EventTurnEnded || e.Turn.Status != messaging.TurnCancelled {
		t.Errorf("event %+v", e)
	}
	if e := messagingtest.Next(t, sub); e.Type != messaging.EventChannelDeleted {
		t.Errorf("event %+v", e)
	}
	_, err = b.Channel(t.Context(), b.Who, c.ID)
	messagingtest.WantCode(t, err, apierr.NotFound)
	if found, err := b.Search(t.Context(), b.Who, messaging.SearchQuery{Text: "anybody"}); err != nil || found.Total != 0 {
		t.Errorf("found %+v, %v", found, err)
	}
	messagingtest.WantCode(t, b.DeleteServer(t.Context(), b.Who, server.ID), apierr.ServerNotFound)
	messagingtest.WantCode(t, b.DeleteServer(t.Context(), b.Who, messaging.DefaultServerID), apierr.Conflict)
}

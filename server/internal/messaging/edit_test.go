package messaging_test

import (
	"encoding/json"
	"testing"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/messaging/messagingtest"
)

func TestEditingIsAnnouncedUnderTheSameID(t *testing.T) {
	t.Parallel()
	b := messagingtest.New(t)
	c := b.DM(t)
	m := b.Say(t, messaging.Draft{ChannelID: c.ID, Content: "helo", Metadata: json.RawMessage(`{"mood":"fine"}`)}).Message
	b.Say(t, messaging.Draft{ChannelID: c.ID, Content: "later"})
	sub := messagingtest.Follow(t, b, c.ID)
	edited, err := b.EditMessage(t.Context(), b.Who, m.ID, "hello", nil)
	if err != nil {
		t.Fatal(err)
	}
	var metadata struct {
		Mood   string
		Edited bool
	}
	if err := json.Unmarshal(edited.Metadata, &metadata); err != nil || metadata.Mood != "fine" || !metadata.Edited {
		t.Errorf("metadata %s", edited.Metadata)
	}
	if edited.ID != m.ID || edited.Seq != m.Seq || edited.Content != "hello" || edited.UpdatedAt.Before(m.UpdatedAt) {
		t.Errorf("edited %+v", edited)
	}
	e := messagingtest.Next(t, sub)
	if e.Type != messaging.EventMessageUpdated || e.Seq != m.Seq || e.Message.ID != m.ID || e.Message.Content != "hello" {
		t.Errorf("event %+v", e)
	}
	if read, err := b.Message(t.Context(), b.Who, m.ID); err != nil || read.Content != "hello" || read.MessageServerID != c.MessageServerID {
		t.Errorf("read %+v, %v", read, err)
	}
}

func TestEditingIsForTheAuthor(t *testing.T) {
	t.Parallel()
	b := messagingtest.New(t)
	m := b.Say(t, messaging.Draft{ChannelID: b.DM(t).ID, Content: "mine"}).Message
	_, err := b.EditMessage(t.Context(), auth.Claimed(uuid.New()), m.ID, "yours", nil)
	messagingtest.WantCode(t, err, apierr.Forbidden)
	_, err = b.EditMessage(t.Context(), b.Who, uuid.New(), "x", nil)
	messagingtest.WantCode(t, err, apierr.NotFound)
	refusal := apierr.New(apierr.PreconditionFailed, "changed")
	_, err = b.EditMessage(t.Context(), b.Who, m.ID, "x", func(now messaging.Message) error {
		if now.Content != "mine" {
			t.Errorf("checked %+v", now)
		}
		return refusal
	})
	messagingtest.WantCode(t, err, apierr.PreconditionFailed)
	if read, _ := b.Message(t.Context(), b.Who, m.ID); read.Content != "mine" {
		t.Errorf("content %q", read.Content)
	}
}

func TestActionIsBroughtUpToDate(t *testing.T) {
	t.Parallel()
	b := messagingtest.New(t)
	c := b.DM(t)
	action := b.Say(t, messaging.Draft{
		ChannelID: c.ID, AuthorID: b.Agent, Content: "Executing action: SEARCH", SourceType: messaging.SourceAgentAction, Quiet: true,
		RawMessage: json.RawMessage(`{"actionStatus":"executing"}`), Metadata: json.RawMessage(`{"run":1}`),
	})
	if len(action.Turns) != 0 || action.Message.Unhandled != "" {
		t.Errorf("an action asks for an answer: %+v", action)
	}
	sub := messagingtest.Follow(t, b, c.ID)
	done, err := b.UpdateAction(t.Context(), b.Who, action.Message.ID, messaging.ActionUpdate{
		Content: new("Executed action: SEARCH"), RawMessage: json.RawMessage(`{"actionStatus":"completed"}`), Metadata: json.RawMessage(`{"took":5}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	var metadata map[string]int
	if err := json.Unmarshal(done.Metadata, &metadata); err != nil || metadata["run"] != 1 || metadata["took"] != 5 {
		t.Errorf("metadata %s", done.Metadata)
	}
	if e := messagingtest.Next(t, sub); e.Type != messaging.EventMessageUpdated || string(e.Message.RawMessage) != `{"actionStatus":"completed"}` {
		t.Errorf("event %+v", e)
	}
	message := b.Say(t, messaging.Draft{ChannelID: c.ID, Content: "hello"}).Message
	_, err = b.UpdateAction(t.Context(), b.Who, message.ID, messaging.ActionUpdate{Content: new("bye")})
	messagingtest.WantCode(t, err, apierr.Forbidden)
	_, err = b.UpdateAction(t.Context(), b.Who, action.Message.ID, messaging.ActionUpdate{InReplyTo: new(uuid.New())})
	messagingtest.WantCode(t, err, apierr.BadRequest)
}

func TestAgentsAreGuarded(t *testing.T) {
	t.Parallel()
	b := messagingtest.New(t, func(cfg *messaging.Config) { cfg.GuardAgents = func() bool { return true } })
	c := b.DM(t)
	forged := messaging.Draft{ChannelID: c.ID, AuthorID: b.Agent, Content: "I am the agent", SourceType: messaging.SourceAgentResponse, Quiet: true}
	_, err := b.Post(t.Context(), b.Who, forged)
	messagingtest.WantCode(t, err, apierr.Forbidden)
	_, err = b.Post(t.Context(), auth.Claimed(b.Agent), messaging.Draft{ChannelID: c.ID, Content: "me, too"})
	messagingtest.WantCode(t, err, apierr.Forbidden)
	own, err := b.Post(t.Context(), auth.System(), forged)
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.EditMessage(t.Context(), auth.Identity{}, own.Message.ID, "forged", nil)
	messagingtest.WantCode(t, err, apierr.Forbidden)
	b.Say(t, messaging.Draft{ChannelID: c.ID, Content: "people are free"})
}

func TestAnonymousAuthor(t *testing.T) {
	t.Parallel()
	b := messagingtest.New(t)
	p, err := b.Post(t.Context(), auth.Identity{}, messaging.Draft{ChannelID: b.DM(t).ID, Content: "who am I?"})
	if err != nil || p.Message.AuthorID != messaging.AnonymousID {
		t.Errorf("%+v, %v", p.Message, err)
	}
}

func TestCompletion(t *testing.T) {
	t.Parallel()
	b := messagingtest.New(t)
	c := b.DM(t)
	m := b.Say(t, messaging.Draft{ChannelID: c.ID, Content: "x"}).Message
	sub := messagingtest.Follow(t, b, c.ID)
	if err := b.Complete(t.Context(), b.Who, messaging.Completion{MessageID: m.ID, Failed: true, Detail: "no network"}); err != nil {
		t.Fatal(err)
	}
	if e := messagingtest.Next(t, sub); e.Type != messaging.EventTurnEnded || e.MessageID != m.ID || e.Turn.Status != messaging.TurnFailed || e.Turn.Detail != "no network" {
		t.Errorf("event %+v", e)
	}
	if err := b.Complete(t.Context(), b.Who, messaging.Completion{ChannelID: c.ID}); err != nil {
		t.Fatal(err)
	}
	if e := messagingtest.Next(t, sub); e.Turn.Status != messaging.StatusCompleted || e.ChannelID != c.ID {
		t.Errorf("event %+v", e)
	}
	messagingtest.WantCode(t, b.Complete(t.Context(), b.Who, messaging.Completion{MessageID: uuid.New()}), apierr.NotFound)
	messagingtest.WantCode(t, b.Complete(t.Context(), b.Who, messaging.Completion{ChannelID: c.ID, ServerID: new(uuid.New())}), apierr.BadRequest)
}

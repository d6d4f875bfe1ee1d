package client_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/client"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/settings"
)

func TestSearch(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	c, _ := h.client(alice)
	ctx := t.Context()
	rooms := []uuid.UUID{h.room(c), h.room(c)}
	for i := range 7 {
		if _, err := c.Post(ctx, rooms[i%2], fmt.Sprintf("Tea number %d", i)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Post(ctx, rooms[0], "Coffee"); err != nil {
		t.Fatal(err)
	}
	var found []string
	for m, err := range c.SearchAll(ctx, client.Search{Text: "TEA number", Limit: 2}) {
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, m.Content)
	}
	if len(found) != 7 || found[0] != "Tea number 6" || found[6] != "Tea number 0" {
		t.Errorf("found %v", found)
	}
	for m := range c.SearchAll(ctx, client.Search{Channel: rooms[1], Limit: 1}) { // breaking off is fine
		if m.Content != "Tea number 5" {
			t.Errorf("found %+v", m)
		}
		break
	}
	for _, err := range c.SearchAll(ctx, client.Search{}) {
		if !client.IsCode(err, apierr.InvalidRequest) && !client.IsCode(err, apierr.ValidationFailed) {
			t.Errorf("a search for nothing: %v", err)
		}
	}
}

func TestMessageIsEdited(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	c, _ := h.client(alice)
	other, _ := h.client(uuid.New())
	ctx := t.Context()
	room := h.room(c)
	posted, err := c.Post(ctx, room, "Helo")
	if err != nil {
		t.Fatal(err)
	}
	conn := h.dial(other)
	if _, err := conn.Join(ctx, room, 0); err != nil {
		t.Fatal(err)
	}
	listen(t, conn, func(b client.Broadcast) bool { return b.Text == "Helo" })
	if m, err := c.EditMessage(ctx, posted.ID, "Hello"); err != nil || m.Content != "Hello" || m.ID != posted.ID {
		t.Errorf("%+v, %v", m, err)
	}
	if u := listen[client.MessageUpdated](t, conn); u.ID != posted.ID || u.Text != "Hello" || u.Seq != 1 {
		t.Errorf("reported %+v", u)
	}
	if m, err := other.Message(ctx, posted.ID); err != nil || m.Content != "Hello" || m.AuthorID != alice {
		t.Errorf("%+v, %v", m, err)
	}
	if _, err := other.EditMessage(ctx, posted.ID, "Mine"); !client.IsCode(err, apierr.Forbidden) {
		t.Errorf("by another entity: %v", err)
	}
	if _, err := c.Message(ctx, uuid.New()); !client.IsNotFound(err) {
		t.Errorf("what isn't there: %v", err)
	}
}

// An agent that runs elsewhere takes part over HTTP; socket clients receive its events.
func TestAgentElsewhere(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	c, _ := h.client(alice)
	ctx := t.Context()
	room, robot := h.room(c), uuid.New()
	conn := h.dial(c)
	if _, err := conn.Join(ctx, room, 0); err != nil {
		t.Fatal(err)
	}
	ingested, err := c.Ingest(ctx, client.ExternalMessages{
		ChannelID: room.String(), Platform: new("matrix"), Messages: []client.ExternalMessage{{ID: "1", AuthorID: "@bob", Content: "What time is it?"}},
	})
	if err != nil || ingested.Processed != 1 {
		t.Fatalf("%+v, %v", ingested, err)
	}
	if again, err := c.Ingest(ctx, client.ExternalMessages{
		ChannelID: room.String(), Platform: new("matrix"), Messages: []client.ExternalMessage{{ID: "1", AuthorID: "@bob", Content: "What time is it?"}},
	}); err != nil || !slices.Equal(again.MessageIds, ingested.MessageIds) {
		t.Errorf("%+v, %v", again, err)
	}
	action, err := c.SubmitAction(ctx, client.SubmittedMessage{AuthorID: robot, ChannelID: room, Content: "Looking at the clock"})
	if err != nil {
		t.Fatal(err)
	}
	if a, err := c.UpdateAction(ctx, action.ID, client.ActionPatch{Content: new("Looked at the clock")}); err != nil || a.Content != "Looked at the clock" {
		t.Errorf("%+v, %v", a, err)
	}
	answer := client.SubmittedMessage{AuthorID: robot, ChannelID: room, Content: "Noon", MessageID: new(uuid.New())}
	for range 2 {
		if m, err := c.Submit(ctx, answer); err != nil || m.ID != *answer.MessageID {
			t.Fatalf("%+v, %v", m, err)
		}
	}
	if err := c.CompleteMessage(ctx, ingested.MessageIds[0], ""); err != nil {
		t.Fatal(err)
	}
	listen(t, conn, func(b client.Broadcast) bool { return b.Text == "What time is it?" })
	listen(t, conn, func(b client.Broadcast) bool { return b.Text == "Looking at the clock" })
	if last := listen(t, conn, func(b client.Broadcast) bool { return b.Seq == 3 }); last.Text != "Noon" || last.SenderID != robot {
		t.Errorf("%+v", last)
	}
	listen(t, conn, func(e client.Complete) bool {
		return e.MessageID != nil && *e.MessageID == ingested.MessageIds[0] && e.Status == "completed"
	})
	if err := c.CompleteChannel(ctx, room, "it broke"); err != nil {
		t.Fatal(err)
	}
	listen(t, conn, func(e client.Complete) bool { return e.Status == "failed" })
}

func TestMessageServerMirrorsChannels(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	c, _ := h.client(alice)
	ctx := t.Context()
	s, err := c.CreateMessageServer(ctx, client.NewMessageServer{Name: "Guild", SourceType: "discord", SourceID: new("g1")})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"general", "lobby"} {
		if n, err := c.SyncChannels(ctx, s.ID, client.SourceChannel{SourceID: "c1", Name: name}); err != nil || n != 1 {
			t.Fatalf("%d, %v", n, err)
		}
	}
	if all, err := c.Channels(ctx, s.ID, client.ChannelsQuery{}); err != nil || len(all) != 1 || all[0].Name != "lobby" {
		t.Errorf("%+v, %v", all, err)
	}
	if err := c.DeleteMessageServer(ctx, s.ID); err != nil {
		t.Error(err)
	}
	if err := c.DeleteMessageServer(ctx, uuid.Nil); !client.IsCode(err, apierr.Conflict) {
		t.Errorf("the current one: %v", err)
	}
}

func TestTitleIsSuggested(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	c, _ := h.client(alice)
	ctx, agent := t.Context(), h.agent(c)
	channel, err := c.DirectChannel(ctx, agent)
	if err != nil {
		t.Fatal(err)
	}
	if title, reason, err := c.SuggestTitle(ctx, channel.ID, agent, 0); err != nil || title != "" || reason == "" {
		t.Errorf("an empty channel: %q, %q, %v", title, reason, err)
	}
	for _, said := range []string{"Hello", "I feel sad about the sea"} {
		if _, err := client.Reply(c.Ask(ctx, agent, said)); err != nil {
			t.Fatal(err)
		}
	}
	if title, reason, err := c.SuggestTitle(ctx, channel.ID, agent, 10); err != nil || title == "" || reason != "" {
		t.Errorf("%q, %q, %v", title, reason, err)
	}
}

func TestServerIsSeenFromOutside(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	c, _ := h.client(alice)
	ctx := t.Context()
	if s, err := c.Status(ctx); err != nil || s.AgentCount != 1 || s.Memory.Used <= 0 {
		t.Errorf("%+v, %v", s, err)
	}
	conn := h.dial(c)
	if d, err := c.Debug(ctx); err != nil || len(d.Servers) != 1 || d.Runtime.Connections != 1 {
		t.Errorf("%+v, %v", d, err)
	}
	_ = conn.Close()
	if hello, err := c.Hello(ctx); err != nil || hello == "" {
		t.Errorf("%q, %v", hello, err)
	}
	if n, err := c.WriteServerLog(ctx, client.SubmittedLog{Message: "from outside", Level: new("error")}); err != nil || n != 1 {
		t.Errorf("%d, %v", n, err)
	}
	entries, err := c.ServerLog(ctx, client.ServerLogQuery{Level: "error", Limit: 10})
	if err != nil || !slices.ContainsFunc(entries.Logs, func(e client.LogEntry) bool { return strings.HasPrefix(e.Msg, "from outside") }) {
		t.Errorf("%+v, %v", entries, err)
	}
	if n, err := c.ClearServerLog(ctx); err != nil || n < 1 {
		t.Errorf("%d, %v", n, err)
	}
	if err := c.ReplaceStoredSettings(ctx, map[string]string{"OPENAI_API_KEY": "sk-secret"}); !client.IsCode(err, apierr.Forbidden) {
		t.Errorf("replacing the settings as anybody: %v", err)
	}
	c = h.owner()
	if err := c.ReplaceStoredSettings(ctx, map[string]string{"OPENAI_API_KEY": "sk-secret"}); err != nil {
		t.Fatal(err)
	}
	if stored, err := c.StoredSettings(ctx); err != nil || stored["OPENAI_API_KEY"] == "" || stored["OPENAI_API_KEY"] == "sk-secret" {
		t.Errorf("%v, %v", stored, err)
	}
	if err := c.ReplaceStoredSettings(ctx, map[string]string{"PATH": "/tmp"}); !client.IsCode(err, apierr.InvalidRequest) && !client.IsCode(err, apierr.ValidationFailed) {
		t.Errorf("a setting of something else: %v", err)
	}
	if err := c.Stop(ctx); err != nil {
		t.Errorf("stopping: %v", err)
	}
	select {
	case <-h.server.StopRequested():
	case <-t.Context().Done():
		t.Error("the server was not asked to stop")
	}
}

// An answer of which the first word was written is cancelled, on the connection, and stays so for those who cancel it again.
func TestAnswerIsCancelled(t *testing.T) {
	t.Parallel()
	h := newHost(t, func(s *settings.Settings) { s.Messages.BuiltinDelay = time.Hour })
	c, _ := h.client(alice)
	ctx := t.Context()
	agents, err := c.Agents(ctx)
	if err != nil {
		t.Fatal(err)
	}
	channel, err := c.DirectChannel(ctx, agents[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	conn := h.dial(c)
	sent, err := conn.Send(ctx, channel.ID, "Hello", client.SendOptions{})
	if err != nil {
		t.Fatal(err)
	}
	cancelled := func(by string, runs []client.RunRef, err error, outcomes ...string) {
		t.Helper()
		if err != nil || len(runs) != 1 || !slices.Contains(outcomes, string(runs[0].Outcome)) {
			t.Errorf("%s: %+v, %v", by, runs, err)
		}
	}
	runs, err := conn.Cancel(ctx, channel.ID, sent.ID)
	cancelled("on the connection", runs, err, "running", "cancelled")
	end := listen[client.Complete](t, conn)
	if end.Status != "cancelled" || *end.MessageID != sent.ID {
		t.Errorf("the end is %+v", end)
	}
	runs, err = c.CancelAnswer(ctx, channel.ID, sent.ID)
	cancelled("by the message", runs, err, "cancelled")
	runs, err = c.CancelRun(ctx, agents[0].ID, runs[0].RunID)
	cancelled("by the run", runs, err, "cancelled")
}

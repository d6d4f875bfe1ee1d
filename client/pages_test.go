package client_test

import (
	"fmt"
	"iter"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/client"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/settings"
)

// read reads a list to its end, and calls meanwhile after the first entry, when the first page has arrived.
func read[T any](t *testing.T, list iter.Seq2[T, error], id func(T) string, meanwhile func()) (ids []string) {
	t.Helper()
	for entry, err := range list {
		if err != nil {
			t.Fatal(err)
		}
		if ids = append(ids, id(entry)); len(ids) == 1 && meanwhile != nil {
			meanwhile()
		}
	}
	return ids
}

// Entries that are added while a list is read are not in it, and shift none of the others.
func TestListsAreStable(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	c, _ := h.client(alice)
	ctx, agent := t.Context(), h.agent(c)
	channel, err := c.DirectChannel(ctx, agent)
	if err != nil {
		t.Fatal(err)
	}
	ask := func() {
		if _, err := client.Reply(c.Ask(ctx, agent, "I like tea")); err != nil {
			t.Fatal(err)
		}
	}
	work := func() {
		job, err := c.CreateJob(ctx, client.NewJob{Content: "Hello"})
		if err == nil {
			_, err = c.AwaitJob(ctx, job.JobID)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	begin := func() {
		if _, err := c.CreateSession(ctx, client.NewSession{AgentID: agent}); err != nil {
			t.Fatal(err)
		}
	}
	for range 5 {
		ask()
		work()
		begin()
		if _, err := c.CreateRoom(ctx, agent, client.NewRoom{Name: new("Den")}); err != nil {
			t.Fatal(err)
		}
	}
	runs := func(limit int) iter.Seq2[client.RunSummary, error] {
		return c.AllRuns(ctx, agent, client.RunsQuery{Channel: channel.ID, Limit: limit})
	}
	memories := func(limit int) iter.Seq2[client.Memory, error] {
		return c.AllMemories(ctx, agent, client.MemoriesQuery{Room: channel.ID, Limit: limit})
	}
	log := func(limit int) iter.Seq2[client.AgentLogEntry, error] {
		return c.AllAgentLog(ctx, agent, client.LogQuery{Room: channel.ID, Type: "run_event", Limit: limit})
	}
	found := func(limit int) iter.Seq2[client.Message, error] {
		return c.SearchAll(ctx, client.Search{Text: "tea", Channel: channel.ID, Author: alice, Limit: limit})
	}
	rooms := func(limit int) iter.Seq2[client.Room, error] {
		return c.AllRooms(ctx, agent, client.RoomsQuery{Limit: limit})
	}
	sessions := func(limit int) iter.Seq2[client.Session, error] {
		return c.AllSessions(ctx, client.SessionsQuery{Limit: limit})
	}
	jobs := func(limit int) iter.Seq2[client.Job, error] {
		return c.AllJobs(ctx, client.JobsQuery{Status: "completed", Limit: limit})
	}
	for _, err := range []error{
		same(t, "runs", 5, runs, func(r client.RunSummary) string { return r.RunID.String() }, ask),
		same(t, "memories", 10, memories, func(m client.Memory) string { return m.ID.String() }, ask),
		same(t, "log", 10, log, func(e client.AgentLogEntry) string { return e.ID.String() }, ask),
		same(t, "found", 5, found, func(m client.Message) string { return m.ID.String() }, ask),
		same(t, "rooms", 6, rooms, func(r client.Room) string { return r.ID.String() }, nil),
		same(t, "sessions", 5, sessions, func(s client.Session) string { return s.SessionID.String() }, begin),
		same(t, "jobs", 5, jobs, func(j client.Job) string { return j.JobID.String() }, work),
	} {
		if err != nil {
			t.Error(err)
		}
	}
}

// same reads a list at once, and then in pages of two while it grows.
func same[T any](t *testing.T, name string, least int, list func(limit int) iter.Seq2[T, error], id func(T) string, grow func()) error {
	t.Helper()
	want := read(t, list(100), id, nil)
	if len(want) < least {
		return fmt.Errorf("%s: %d entries, want %d", name, len(want), least)
	}
	if diff := cmp.Diff(want, read(t, list(2), id, grow)); diff != "" {
		return fmt.Errorf("%s (-at once +in pages):\n%s", name, diff)
	}
	return nil
}

// A history has no gaps where messages were deleted while it was read.
func TestHistoryWhileMessagesGo(t *testing.T) {
	t.Parallel()
	const total = 203 // more than a page
	h := newHost(t)
	c, _ := h.client(alice)
	ctx, room := t.Context(), h.room(c)
	fill(t, c, room, total)
	newest, err := c.Messages(ctx, room, client.MessagesQuery{Limit: 2})
	if err != nil {
		t.Fatal(err)
	}
	ids := read(t, c.History(ctx, room), func(m client.Message) string { return fmt.Sprint(m.Seq) }, func() {
		for _, m := range newest.Messages {
			if err := c.DeleteMessage(ctx, room, m.ID); err != nil {
				t.Fatal(err)
			}
		}
		fill(t, c, room, 1)
	})
	if len(ids) != total || ids[0] != fmt.Sprint(total) || ids[total-1] != "1" {
		t.Errorf("%d messages: %v", len(ids), ids)
	}
	older, err := c.Messages(ctx, room, client.MessagesQuery{Limit: 2, Cursor: *newest.Cursors.Next})
	if err != nil || older.Messages[0].Seq != total-2 {
		t.Errorf("%+v, %v", older, err)
	}
}

// A client with the server's secret may write as one of its agents.
func TestServiceSecret(t *testing.T) {
	t.Parallel()
	h := newHost(t, func(c *settings.Settings) { c.Security.AuthToken, c.Security.ServiceKey = "open sesame", "we are one" })
	plain, _ := h.client(alice, client.WithAPIKey("open sesame"))
	bridge, _ := h.client(uuid.New(), client.WithAPIKey("open sesame"), client.WithServiceSecret("we are one"))
	message := client.SubmittedMessage{AuthorID: h.agent(plain), ChannelID: h.room(plain), Content: "I, the agent"}
	if _, err := plain.Submit(t.Context(), message); !client.IsCode(err, apierr.Forbidden) {
		t.Errorf("without the secret: %v", err)
	}
	if m, err := bridge.Submit(t.Context(), message); err != nil || m.AuthorID != message.AuthorID {
		t.Errorf("%+v, %v", m, err)
	}
}

package client_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/client"
	"github.com/elizad/elizad/server/settings"
)

// agent returns the default agent.
func (h *host) agent(c *client.Client) uuid.UUID {
	h.t.Helper()
	agents, err := c.Agents(h.t.Context())
	if err != nil || len(agents) != 1 {
		h.t.Fatalf("agents %v, %v", agents, err)
	}
	return agents[0].ID
}

func TestSession(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	c, _ := h.client(alice)
	ctx, agent := t.Context(), h.agent(c)
	s, err := c.CreateSession(ctx, client.NewSession{AgentID: agent, TimeoutConfig: client.JSON(client.TimeoutPatch{TimeoutMinutes: client.JSON(45)})})
	if err != nil || s.UserID != alice || s.TimeoutConfig.TimeoutMinutes != 45 {
		t.Fatalf("%+v, %v", s, err)
	}
	reply, err := client.Reply(c.StreamSession(ctx, s.SessionID, client.NewSessionMessage{Content: "Hello"}))
	if err != nil || reply.Text == "" {
		t.Fatalf("%+v, %v", reply, err)
	}
	posted, err := c.PostToSession(ctx, s.SessionID, client.NewSessionMessage{Content: "And now?"})
	if err != nil || posted.Content != "And now?" {
		t.Errorf("%+v, %v", posted, err)
	}
	page, err := c.SessionMessages(ctx, s.SessionID, client.SessionMessagesQuery{})
	if err != nil || len(page.Messages) < 3 || page.Messages[len(page.Messages)-2].Content != reply.Text {
		t.Errorf("%+v, %v", page, err)
	}
	if ids := read(t, c.SessionHistory(ctx, s.SessionID), func(m client.SessionMessage) string { return m.ID.String() }, nil); len(ids) < len(page.Messages) {
		t.Errorf("%d of %d messages", len(ids), len(page.Messages))
	}
	second, err := c.SessionMessages(ctx, s.SessionID, client.SessionMessagesQuery{Limit: 1, Cursor: *page.Cursors.Prev})
	if err != nil || len(second.Messages) > 1 {
		t.Errorf("%+v, %v", second, err)
	}
	if all, err := c.Sessions(ctx, client.SessionsQuery{}); err != nil || len(all) != 1 || all[0].SessionID != s.SessionID {
		t.Errorf("%+v, %v", all, err)
	}
	if renewed, err := c.RenewSession(ctx, s.SessionID); err != nil || renewed.RenewalCount <= s.RenewalCount {
		t.Errorf("%+v, %v", renewed, err)
	}
	if err := c.DeleteSession(ctx, s.SessionID); err != nil {
		t.Error(err)
	}
	if _, err := c.Session(ctx, s.SessionID); !client.IsNotFound(err) {
		t.Errorf("after its end: %v", err)
	}
}

func TestSessionEndsWithAListener(t *testing.T) {
	t.Parallel()
	h := newHost(t, func(c *settings.Settings) {
		c.Sessions.MinTimeout, c.Sessions.Timeout, c.Sessions.Warning = time.Millisecond, 2*time.Second, time.Second
	})
	c, _ := h.client(alice)
	s, err := c.CreateSession(t.Context(), client.NewSession{AgentID: h.agent(c)})
	if err != nil {
		t.Fatal(err)
	}
	conn := h.dial(c)
	if _, err := conn.Join(t.Context(), s.ChannelID, client.Latest); err != nil {
		t.Fatal(err)
	}
	for _, expired := range []bool{false, true} {
		if e := listen[client.SessionEnds](t, conn); e.SessionID != s.SessionID || e.Expired != expired || e.ExpiresAt.IsZero() {
			t.Errorf("%+v", e)
		}
	}
}

func TestJob(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	c, _ := h.client(alice)
	created, err := c.CreateJob(t.Context(), client.NewJob{Content: "Hello"})
	if err != nil {
		t.Fatal(err)
	}
	job, err := c.AwaitJob(t.Context(), created.JobID)
	if err != nil || job.Status != "completed" || job.Result == nil || job.Result.Message.Content == "" {
		t.Fatalf("%+v, %v", job, err)
	}
	if all, err := c.Jobs(t.Context(), client.JobsQuery{Status: "completed"}); err != nil || len(all) != 1 || all[0].JobID != job.JobID {
		t.Errorf("%+v, %v", all, err)
	}
}

func TestMemory(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	c, _ := h.client(alice)
	ctx, agent := t.Context(), h.agent(c)
	for _, text := range []string{"Hello", "I like tea", "Goodbye"} {
		if _, err := client.Reply(c.Ask(ctx, agent, text)); err != nil {
			t.Fatal(err)
		}
	}
	var own []client.Memory
	count := 0
	for m, err := range c.AllMemories(ctx, agent, client.MemoriesQuery{Limit: 2}) {
		if err != nil {
			t.Fatal(err)
		}
		count++
		if m.EntityID == alice {
			own = append(own, m)
		}
	}
	if count != 6 || len(own) != 3 {
		t.Fatalf("%d memories, %d of the client's messages", count, len(own))
	}
	tea := own[1]
	found, err := c.Memories(ctx, agent, client.MemoriesQuery{Room: tea.RoomID, Search: "I LIKE TEA"})
	if err != nil || !slices.ContainsFunc(found.Memories, func(m client.Memory) bool { return m.ID == tea.ID }) {
		t.Errorf("%+v, %v", found, err)
	}
	changed, err := c.UpdateMemory(ctx, agent, tea.ID, client.MemoryPatch{Content: client.Text("I like coffee")})
	if err != nil || changed.ID != tea.ID {
		t.Errorf("%+v, %v", changed, err)
	}
	rooms, err := c.Rooms(ctx, agent, client.RoomsQuery{})
	if err != nil || len(rooms) < 2 {
		t.Errorf("%+v, %v", rooms, err)
	}
	entries, err := c.AgentLog(ctx, agent, client.LogQuery{Room: tea.RoomID, Exclude: []string{"embedding"}, Limit: 3})
	if err != nil || len(entries) != 3 {
		t.Errorf("%+v, %v", entries, err)
	}
	if n, err := c.ClearMemories(ctx, agent); err != nil || n < 6 {
		t.Errorf("%d, %v", n, err)
	}
}

func TestGroup(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	c, _ := h.client(alice)
	ctx, agent, unknown := t.Context(), h.agent(c), uuid.New()
	g, err := c.CreateGroup(ctx, uuid.Nil, client.NewGroup{Name: new("Club"), AgentIds: []uuid.UUID{agent, unknown}})
	if err != nil || len(g.Rooms) != 1 || g.Rooms[0].AgentID != agent || len(g.Failures) != 1 || g.Failures[0].AgentID != unknown {
		t.Fatalf("%+v, %v", g, err)
	}
	if g, err = c.CreateGroup(ctx, uuid.Nil, client.NewGroup{Name: new("Club")}); err != nil || len(g.Worlds) != 1 {
		t.Fatalf("%+v, %v", g, err)
	}
	world, err := c.CreateWorld(ctx, agent, client.NewWorld{Name: new("Salon")})
	if err != nil || world.Name != "Salon" {
		t.Errorf("%+v, %v", world, err)
	}
	if worlds, err := c.Worlds(ctx); err != nil || len(worlds) != 3 { // with its own
		t.Errorf("%+v, %v", worlds, err)
	}
	if err := c.DeleteGroup(ctx, uuid.Nil); err != nil {
		t.Error(err)
	}
}

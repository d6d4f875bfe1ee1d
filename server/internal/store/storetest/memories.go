package storetest

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/internal/store"
)

// place is a channel as an agent knows it, with one message that the agent remembers.
type place struct {
	agent, channel, room, world uuid.UUID
	message                     db.Message
	memory                      uuid.UUID
}

func (f *fixture) place(t *testing.T) place {
	t.Helper()
	p := place{agent: f.agent(t, "Ann"), room: uuid.New(), world: uuid.New()}
	server := f.server(t)
	p.channel = f.channel(t, server, p.agent)
	p.message = f.post(t, p.channel, uuid.New(), "hello there", start)
	f.update(t, func(ctx context.Context, q db.System) error {
		if _, err := q.EnsureServerWorld(ctx, db.EnsureServerWorldParams{ID: p.world, AgentID: p.agent, MessageServerID: server, CreatedAt: start, UpdatedAt: start}); err != nil {
			return err
		}
		_, err := q.EnsureRoom(ctx, db.EnsureRoomParams{
			ID: p.room, AgentID: p.agent, WorldID: &p.world, ChannelID: &p.channel, MessageServerID: &server, Type: "DM", Source: "test", CreatedAt: start, UpdatedAt: start,
		})
		return err
	})
	p.memory = f.memory(t, p, "messages", "hello there", start, &p.message.ID)
	return p
}

// memory stores a memory of a place.
func (f *fixture) memory(t *testing.T, p place, table, text string, at dbtype.Millis, messageID *uuid.UUID) uuid.UUID {
	t.Helper()
	arg := db.InsertMemoryParams{
		ID: uuid.New(), AgentID: p.agent, EntityID: uuid.New(), RoomID: p.room, TableName: table, Content: dbtype.JSON(`{"text":"` + text + `"}`),
		Metadata: dbtype.JSON("{}"), MessageID: messageID, IsUnique: true, Embedding: []byte{1, 2, 3, 4}, EmbeddingSpace: new("s"), CreatedAt: at, UpdatedAt: at,
	}
	if n := updated(t, f, db.System.InsertMemory, arg); n != 1 {
		t.Fatalf("InsertMemory changed %d rows, want 1", n)
	}
	return arg.ID
}

// seen returns what an agent sees of its place.
func (f *fixture) seen(t *testing.T, p place) []string {
	t.Helper()
	var out []string
	for _, row := range viewed(t, f, db.System.ListRecentMessages, db.ListRecentMessagesParams{
		AgentID: p.agent, ChannelID: p.channel, UpToSeq: 100, LimitRows: 100,
	}) {
		out = append(out, row.Remembered)
	}
	return out
}

func testMemories(t *testing.T, setup func(t *testing.T) *fixture) {
	t.Run("stored once, read as given", func(t *testing.T) {
		f := setup(t)
		p := f.place(t)
		got := viewed(t, f, db.System.GetMemory, db.GetMemoryParams{ID: p.memory, AgentID: p.agent})
		want := db.Memory{
			ID: p.memory, AgentID: p.agent, EntityID: got.EntityID, RoomID: p.room, TableName: "messages", Content: got.Content, Metadata: got.Metadata,
			MessageID: &p.message.ID, IsUnique: true, Embedding: []byte{1, 2, 3, 4}, EmbeddingSpace: new("s"), CreatedAt: start, UpdatedAt: start, Tenant: store.DefaultTenant,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("memory (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(map[string]any{"text": "hello there"}, decoded(t, got.Content)); diff != "" {
			t.Errorf("content (-want +got):\n%s", diff)
		}
		again := db.InsertMemoryParams{
			ID: uuid.New(), AgentID: p.agent, RoomID: p.room, TableName: "messages", Content: dbtype.JSON("{}"), Metadata: dbtype.JSON("{}"), MessageID: &p.message.ID,
		}
		if n := updated(t, f, db.System.InsertMemory, again); n != 0 {
			t.Errorf("a second memory of the message: %d rows, want 0", n)
		}
	})

	t.Run("listed by filter", func(t *testing.T) {
		f := setup(t)
		p := f.place(t)
		f.place(t) // another agent's
		f.memory(t, p, "messages", "Tea, please", start+1, nil)
		f.memory(t, p, "messages", "and milk", start+2, nil)
		f.memory(t, p, "facts", "likes tea", start+3, nil)
		elsewhere := p
		elsewhere.room = uuid.New()
		f.memory(t, elsewhere, "messages", "elsewhere", start+4, nil)
		type params = db.ListAgentMemoriesParams
		for _, tt := range []struct {
			name string
			room bool
			arg  params
			want []string
		}{
			{"all, newest first", false, params{}, []string{"elsewhere", "and milk", "Tea, please", "hello there"}},
			{"a room", true, params{}, []string{"and milk", "Tea, please", "hello there"}},
			{"another table", false, params{TableName: "facts"}, []string{"likes tea"}},
			{"a text in either case", false, params{SearchText: "TEA"}, []string{"Tea, please"}},
			{"a name of the content is no text", false, params{SearchText: "text"}, []string{}},
			{"a wildcard is itself", false, params{SearchText: "%"}, []string{}},
			{"a span with both ends", true, params{FromTime: start + 1, ToTime: start + 2}, []string{"and milk", "Tea, please"}},
			{"a page", false, params{LimitRows: 2, OffsetRows: 1}, []string{"and milk", "Tea, please"}},
		} {
			arg := tt.arg
			arg.AgentID = p.agent
			if arg.TableName == "" {
				arg.TableName = "messages"
			}
			if arg.ToTime == 0 {
				arg.ToTime = start + 1000
			}
			if arg.LimitRows == 0 {
				arg.LimitRows = 100
			}
			got := []string{}
			if tt.room {
				for _, m := range viewed(t, f, db.System.ListRoomMemories, db.ListRoomMemoriesParams{
					RoomID: p.room, AgentID: arg.AgentID, TableName: arg.TableName, SearchText: arg.SearchText, FromTime: arg.FromTime, ToTime: arg.ToTime, LimitRows: arg.LimitRows,
				}) {
					got = append(got, decoded(t, m.Content).(map[string]any)["text"].(string))
				}
			} else {
				for _, m := range viewed(t, f, db.System.ListAgentMemories, arg) {
					got = append(got, decoded(t, m.Content).(map[string]any)["text"].(string))
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.name, diff)
			}
		}
		list := params{AgentID: p.agent, TableName: "facts", ToTime: start + 1000, LimitRows: 1}
		if got := viewed(t, f, db.System.ListAgentMemories, list); got[0].Embedding != nil {
			t.Errorf("an embedding that nobody asked for: %v", got[0].Embedding)
		}
		list.WithEmbedding = true
		if got := viewed(t, f, db.System.ListAgentMemories, list); len(got[0].Embedding) != 4 {
			t.Errorf("embedding %v", got[0].Embedding)
		}
	})

	t.Run("they decide what an agent sees", func(t *testing.T) {
		f := setup(t)
		p := f.place(t)
		second := f.post(t, p.channel, uuid.New(), "never remembered", start+1)
		want := func(what string, texts ...string) {
			t.Helper()
			if diff := cmp.Diff(texts, f.seen(t, p)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", what, diff)
			}
		}
		want("at first", "never remembered", "hello there")
		updated(t, f, db.System.UpdateMemory, db.UpdateMemoryParams{
			ID: p.memory, AgentID: p.agent, Content: dbtype.JSON(`{"text":"good bye"}`), Metadata: dbtype.JSON("{}"), Edited: true, UpdatedAt: start + 2,
		})
		want("edited", "never remembered", "good bye")
		exec(t, f, db.System.EditMessageMemories, db.EditMessageMemoriesParams{MessageID: &p.message.ID, ContentText: "hello \"you\"", UpdatedAt: start + 3})
		want("the author has the last word", "never remembered", "hello there")
		got := viewed(t, f, db.System.GetMemory, db.GetMemoryParams{ID: p.memory, AgentID: p.agent})
		if diff := cmp.Diff(map[string]any{"text": "hello \"you\""}, decoded(t, got.Content)); diff != "" {
			t.Errorf("the memory of an edited message (-want +got):\n%s", diff)
		}
		exec(t, f, db.System.ForgetMessage, db.ForgetMessageParams{MessageID: second.ID, AgentID: p.agent})
		exec(t, f, db.System.ForgetMessage, db.ForgetMessageParams{MessageID: second.ID, AgentID: p.agent})
		want("one forgotten, twice", "hello there")
		other := p
		other.agent = f.agent(t, "Bob")
		if diff := cmp.Diff([]string{"never remembered", "hello there"}, f.seen(t, other)); diff != "" {
			t.Errorf("another agent (-want +got):\n%s", diff)
		}
		exec(t, f, db.System.ForgetRoomMessages, db.ForgetRoomMessagesParams{RoomID: p.room, AgentID: other.agent})
		want("somebody else's room", "hello there")
		exec(t, f, db.System.ForgetRoomMessages, db.ForgetRoomMessagesParams{RoomID: p.room, AgentID: p.agent})
		want("a room forgotten")
		f.post(t, p.channel, uuid.New(), "new", start+4)
		want("what comes later", "new")
		exec(t, f, db.System.ForgetAgentMessages, p.agent)
		want("everything forgotten")
	})

	t.Run("gone with their message, channel or agent", func(t *testing.T) {
		f := setup(t)
		count := func(p place) int {
			return len(viewed(t, f, db.System.ListAgentMemories, db.ListAgentMemoriesParams{AgentID: p.agent, TableName: "messages", ToTime: start + 1000, LimitRows: 9}))
		}
		for what, remove := range map[string]func(p place){
			"message": func(p place) {
				updated(t, f, db.System.DeleteMessage, db.DeleteMessageParams{ID: p.message.ID, ChannelID: p.channel})
			},
			"messages": func(p place) { updated(t, f, db.System.DeleteChannelMessages, p.channel) },
			"channel":  func(p place) { updated(t, f, db.System.DeleteChannel, p.channel) },
			"agent":    func(p place) { updated(t, f, db.System.DeleteAgent, p.agent) },
			"memory": func(p place) {
				updated(t, f, db.System.DeleteMemory, db.DeleteMemoryParams{ID: p.memory, AgentID: p.agent})
			},
			"memories": func(p place) { updated(t, f, db.System.DeleteAgentMemories, p.agent) },
		} {
			p := f.place(t)
			if count(p) != 1 {
				t.Fatalf("%d memories", count(p))
			}
			exec(t, f, db.System.ForgetMessage, db.ForgetMessageParams{MessageID: p.message.ID, AgentID: p.agent})
			remove(p)
			if n := count(p); n != 0 {
				t.Errorf("%d memories without their %s", n, what)
			}
		}
		p := f.place(t)
		fact := f.memory(t, p, "facts", "x", start, nil)
		if n := updated(t, f, db.System.DeleteRoomMemories, db.DeleteRoomMemoriesParams{RoomID: p.room, AgentID: p.agent, OnlyTable: "messages"}); n != 1 {
			t.Errorf("deleted %d, want 1", n)
		}
		viewed(t, f, db.System.GetMemory, db.GetMemoryParams{ID: fact, AgentID: p.agent})
		if n := updated(t, f, db.System.DeleteRoomMemories, db.DeleteRoomMemoriesParams{RoomID: p.room, AgentID: p.agent}); n != 1 {
			t.Errorf("deleted %d, want 1", n)
		}
	})

	t.Run("facts", func(t *testing.T) {
		f := setup(t)
		p := f.place(t)
		teller, about := p.message.AuthorID, uuid.New()
		elsewhere := f.channel(t, f.server(t), p.agent)
		fact := func(text string, entity uuid.UUID, at dbtype.Millis, sources ...uuid.UUID) uuid.UUID {
			t.Helper()
			arg := db.InsertMemoryParams{
				ID: uuid.New(), AgentID: p.agent, EntityID: entity, RoomID: p.room, TableName: "facts", Content: dbtype.JSON(`{"text":"` + text + `"}`),
				Metadata: dbtype.JSON("{}"), IsUnique: true, CreatedAt: at, UpdatedAt: at,
			}
			updated(t, f, db.System.InsertMemory, arg)
			for _, id := range sources {
				if n := updated(t, f, db.System.InsertFactSource, db.InsertFactSourceParams{MemoryID: arg.ID, MessageID: id, AgentID: p.agent}); n != 1 {
					t.Fatalf("InsertFactSource: %d rows", n)
				}
			}
			return arg.ID
		}
		second := f.post(t, elsewhere, teller, "again", start+1)
		both := fact("told twice", teller, start, p.message.ID, second.ID)
		fact("of somebody else", about, start+1, p.message.ID)
		newest := fact("told elsewhere", teller, start+2, second.ID)
		fact("told by somebody else", about, start+3, second.ID)
		if n := updated(t, f, db.System.InsertFactSource, db.InsertFactSourceParams{MemoryID: both, MessageID: p.message.ID, AgentID: p.agent}); n != 0 {
			t.Errorf("a source twice: %d rows", n)
		}
		if n := updated(t, f, db.System.InsertFactSource, db.InsertFactSourceParams{MemoryID: both, MessageID: uuid.New(), AgentID: p.agent}); n != 0 {
			t.Errorf("a source that is gone: %d rows", n)
		}
		of := func(entity uuid.UUID) (out []string) {
			for _, r := range viewed(t, f, db.System.ListEntityFacts, db.ListEntityFactsParams{AgentID: p.agent, EntityID: entity, LimitRows: 9}) {
				out = append(out, decoded(t, r.Content).(map[string]any)["text"].(string))
			}
			return out
		}
		in := func(channel uuid.UUID) (out []string) {
			for _, r := range viewed(t, f, db.System.ListChannelFacts, db.ListChannelFactsParams{AgentID: p.agent, ChannelID: channel, LimitRows: 9}) {
				out = append(out, decoded(t, r.Content).(map[string]any)["text"].(string))
			}
			slices.Sort(out)
			return out
		}
		want := func(what string, got []string, want ...string) {
			t.Helper()
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", what, diff)
			}
		}
		want("of who told them", of(teller), "told elsewhere", "told twice")
		want("of one who told nothing", of(about))
		want("in the channel", in(p.channel), "of somebody else", "told twice")
		want("in the other", in(elsewhere), "told by somebody else", "told elsewhere", "told twice")
		if old := viewed(t, f, db.System.ListOldFacts, db.ListOldFactsParams{AgentID: p.agent, EntityID: teller, KeepRows: 1, LimitRows: 9}); len(old) != 1 || old[0] != both {
			t.Errorf("old facts %v", old)
		}
		updated(t, f, db.System.DeleteMessage, db.DeleteMessageParams{ID: p.message.ID, ChannelID: p.channel})
		want("without the first message", of(teller), "told elsewhere", "told twice")
		want("in its channel", in(p.channel))
		updated(t, f, db.System.DeleteMemory, db.DeleteMemoryParams{ID: newest, AgentID: p.agent})
		want("without the memory", of(teller), "told twice")
		exec(t, f, db.System.ForgetMessage, db.ForgetMessageParams{MessageID: second.ID, AgentID: p.agent})
		want("without the second message", of(teller))
		want("in its channel", in(elsewhere))
		for _, m := range viewed(t, f, db.System.ListAgentMemories, db.ListAgentMemoriesParams{AgentID: p.agent, TableName: "facts", ToTime: start + 1000, LimitRows: 9}) {
			t.Errorf("left behind: %s", m.Content)
		}
	})

	t.Run("rooms and worlds", func(t *testing.T) {
		f := setup(t)
		p := f.place(t)
		if known := viewed(t, f, db.System.RoomExists, db.RoomExistsParams{ID: p.room, AgentID: p.agent}); !known {
			t.Error("the room is unknown")
		}
		if known := viewed(t, f, db.System.RoomExists, db.RoomExistsParams{ID: uuid.New(), AgentID: p.agent}); known {
			t.Error("any room is known")
		}
		room := viewed(t, f, db.System.GetRoom, db.GetRoomParams{ID: p.room, AgentID: p.agent})
		if *room.ChannelName != "general" || *room.WorldName != "Office" || room.Room.Name != nil || room.Room.Metadata != nil {
			t.Errorf("room %+v", room)
		}
		if rooms := viewed(t, f, db.System.ListAgentRooms, db.ListAgentRoomsParams{AgentID: p.agent, LimitRows: 9}); len(rooms) != 1 || rooms[0].Room.ID != p.room {
			t.Errorf("rooms %+v", rooms)
		}
		if rooms := viewed(t, f, db.System.ListWorldRooms, db.ListWorldRoomsParams{WorldID: &p.world, OwnerID: p.agent}); len(rooms) != 1 || rooms[0].AgentID != p.agent {
			t.Errorf("rooms of the world %+v", rooms)
		}
		other := f.agent(t, "Bob")
		exec(t, f, db.System.AddWorldAgent, db.AddWorldAgentParams{WorldID: p.world, OwnerID: p.agent, AgentID: other})
		exec(t, f, db.System.AddWorldAgent, db.AddWorldAgentParams{WorldID: p.world, OwnerID: p.agent, AgentID: other})
		for _, id := range []uuid.UUID{p.agent, other} {
			if w := viewed(t, f, db.System.GetAgentWorld, db.GetAgentWorldParams{ID: p.world, AgentID: id}); w.Name != "Office" {
				t.Errorf("world %+v", w)
			}
		}
		shared := viewed(t, f, func(q db.System, ctx context.Context, _ struct{}) ([]db.ListWorldAgentsRow, error) {
			return q.ListWorldAgents(ctx)
		}, struct{}{})
		if diff := cmp.Diff([]db.ListWorldAgentsRow{{WorldID: p.world, OwnerID: p.agent, ID: other, Name: "Bob"}}, shared); diff != "" {
			t.Errorf("who shares worlds (-want +got):\n%s", diff)
		}
		server := *room.Room.MessageServerID
		for _, id := range []uuid.UUID{p.world, server} {
			if worlds := viewed(t, f, db.System.ListServerWorlds, id); len(worlds) != 1 || worlds[0].ID != p.world {
				t.Errorf("worlds of %s: %+v", id, worlds)
			}
		}
		changed := updated(t, f, db.System.UpdateWorld, db.UpdateWorldParams{ID: p.world, AgentID: p.agent, Name: "Lab", Metadata: dbtype.JSON(`{"a":1}`), UpdatedAt: start + 1})
		if changed.Name != "Lab" || changed.Metadata == nil {
			t.Errorf("changed world %+v", changed)
		}
		exec(t, f, db.System.DeleteWorld, db.DeleteWorldParams{ID: p.world, AgentID: p.agent})
		room = viewed(t, f, db.System.GetRoom, db.GetRoomParams{ID: p.room, AgentID: p.agent})
		if room.WorldName != nil {
			t.Errorf("the world is gone, but not its name: %+v", room)
		}
	})

	// The ids of rooms and worlds can be computed by every client: one that takes an id takes nothing from another.
	t.Run("the same ids for two agents", func(t *testing.T) {
		f := setup(t)
		squatter := f.agent(t, "Mallory")
		p := place{room: uuid.New(), world: uuid.New()}
		f.update(t, func(ctx context.Context, q db.System) error {
			if _, err := q.EnsureWorld(ctx, db.EnsureWorldParams{ID: p.world, AgentID: squatter, Name: "Trap", CreatedAt: start, UpdatedAt: start}); err != nil {
				return err
			}
			_, err := q.EnsureRoom(ctx, db.EnsureRoomParams{
				ID: p.room, AgentID: squatter, WorldID: &p.world, Name: new("trap"), Type: "SELF", Source: "test", CreatedAt: start, UpdatedAt: start,
			})
			return err
		})
		victim := f.agent(t, "Ann")
		if known := viewed(t, f, db.System.RoomExists, db.RoomExistsParams{ID: p.room, AgentID: victim}); known {
			t.Error("another's room is taken for one's own")
		}
		f.update(t, func(ctx context.Context, q db.System) error {
			if n, err := q.EnsureWorld(ctx, db.EnsureWorldParams{ID: p.world, AgentID: victim, Name: "Office", CreatedAt: start, UpdatedAt: start}); n != 1 || err != nil {
				t.Errorf("the world was made %d times: %v", n, err)
			}
			n, err := q.EnsureRoom(ctx, db.EnsureRoomParams{
				ID: p.room, AgentID: victim, WorldID: &p.world, Name: new("general"), Type: "DM", Source: "test", CreatedAt: start, UpdatedAt: start,
			})
			if n != 1 {
				t.Errorf("the room was made %d times", n)
			}
			return err
		})
		for agent, want := range map[uuid.UUID][2]string{victim: {"general", "Office"}, squatter: {"trap", "Trap"}} {
			room := viewed(t, f, db.System.GetRoom, db.GetRoomParams{ID: p.room, AgentID: agent})
			if got := [2]string{*room.Room.Name, *room.WorldName}; got != want {
				t.Errorf("room and world are %v, want %v", got, want)
			}
			if rooms := viewed(t, f, db.System.ListWorldRooms, db.ListWorldRoomsParams{WorldID: &p.world, OwnerID: agent}); len(rooms) != 1 || rooms[0].AgentID != agent {
				t.Errorf("rooms of the world %+v", rooms)
			}
		}
		guest := f.agent(t, "Bob")
		exec(t, f, db.System.AddWorldAgent, db.AddWorldAgentParams{WorldID: p.world, OwnerID: victim, AgentID: guest})
		if w := viewed(t, f, db.System.GetAgentWorld, db.GetAgentWorldParams{ID: p.world, AgentID: guest}); w.AgentID != victim {
			t.Errorf("the guest shares %+v", w)
		}
		updated(t, f, db.System.DeleteAgent, squatter)
		if room := viewed(t, f, db.System.GetRoom, db.GetRoomParams{ID: p.room, AgentID: victim}); *room.WorldName != "Office" {
			t.Errorf("room %+v", room)
		}
		exec(t, f, db.System.DeleteWorld, db.DeleteWorldParams{ID: p.world, AgentID: victim})
		if shares := viewed(t, f, func(q db.System, ctx context.Context, _ struct{}) ([]db.ListWorldAgentsRow, error) {
			return q.ListWorldAgents(ctx)
		}, struct{}{}); len(shares) != 0 {
			t.Errorf("shares of a world that is gone: %+v", shares)
		}
	})
}

package server_test

import (
	"net/http"
	"testing"

	"github.com/elizad/elizad/gen/api"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"
	"github.com/oapi-codegen/nullable"

	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/internal/messaging"
)

// rooms returns an agent's rooms.
func (n *node) rooms(id uuid.UUID) []api.Room {
	n.t.Helper()
	return data[api.RoomList](n.read(n.api().ListRooms(n.t.Context(), id, nil)).want(200)).Rooms
}

// room reads an agent's room, which may be named by its channel.
func (n *node) room(id, name uuid.UUID) answer {
	n.t.Helper()
	return n.read(n.api().GetRoom(n.t.Context(), id, name))
}

func (n *node) worlds() []api.World {
	n.t.Helper()
	return data[api.WorldList](n.read(n.api().ListWorlds(n.t.Context())).want(200)).Worlds
}

// likeness compares rooms and worlds without their times, and metadata whatever the order of its members.
func likeness() cmp.Options {
	return cmp.Options{
		cmpopts.IgnoreFields(api.Room{}, "CreatedAt", "UpdatedAt"), cmpopts.IgnoreFields(api.World{}, "CreatedAt", "UpdatedAt"),
		cmp.Transformer("object", object),
	}
}

func TestRoomsOfAnAgent(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	id, server := n.agentID(), messaging.DefaultServerID
	self := nullable.NewNullableWithValue(id)
	own := api.Room{
		ID: id, Name: "Eliza", ChannelID: id, AgentID: id, Type: "SELF", Source: "elizaos", WorldID: self, WorldName: new("Eliza's World"),
		MessageServerID: self, ServerID: self, Metadata: nullable.NewNullNullable[api.JSONObjectOrNull](),
	}
	if diff := cmp.Diff([]api.Room{own}, n.rooms(id), likeness()); diff != "" {
		t.Errorf("a new agent's rooms (-want +got):\n%s", diff)
	}
	channel, user := n.dm()
	n.ask(channel, user, "Hello").want(201)
	n.ask(channel, user, "Hello again").want(201)
	room := agent.UUIDFor(id, channel.String())
	rooms := n.rooms(id)
	if len(rooms) != 2 || rooms[1].ID != room || rooms[1].ChannelID != channel || rooms[1].Type != "DM" || deref(rooms[1].WorldName) != "Default Server" ||
		idOf(rooms[1].WorldID) != agent.UUIDFor(id, server.String()) || rooms[1].MessageServerID.MustGet() != server || rooms[1].Name == "" {
		t.Fatalf("rooms %+v", rooms)
	}
	for _, name := range []uuid.UUID{room, channel} {
		if diff := cmp.Diff(rooms[1], data[api.Room](n.room(id, name).want(200))); diff != "" {
			t.Errorf("the room of %s (-want +got):\n%s", name, diff)
		}
	}
	n.read(n.api().UpdateChannel(t.Context(), channel, nil, api.ChannelPatch{Name: new("Talk")})).want(200)
	if got := n.rooms(id)[1].Name; got != "Talk" {
		t.Errorf("the channel is called Talk, the room %q", got)
	}
	rename := func(to api.RoomPatch) answer { return n.read(n.api().UpdateRoom(t.Context(), id, channel, nil, to)) }
	if got := data[api.Room](rename(api.RoomPatch{Name: new("Couch")}).want(200)); got.Name != "Couch" {
		t.Errorf("renamed: %+v", got)
	}
	clearError(t, "no name", rename(api.RoomPatch{}), http.StatusBadRequest, "VALIDATION_ERROR")
	for range 2 {
		n.read(n.api().DeleteRoom(t.Context(), id, channel)).want(204)
	}
	clearError(t, "a deleted room", n.room(id, room), http.StatusNotFound, "NOT_FOUND")
	clearError(t, "its own room", n.read(n.api().DeleteRoom(t.Context(), id, id)), http.StatusBadRequest, "BAD_REQUEST")
	if got := n.memories(id, api.ListMemoriesParams{}); len(got.Memories) != 0 {
		t.Errorf("memories of a deleted room: %+v", got)
	}
	n.ask(channel, user, "Still there?").want(201)
	if got := n.rooms(id); len(got) != 2 || got[1].Name != "Talk" {
		t.Errorf("after the next message: %+v", got)
	}
}

func TestRoomsThatClientsMake(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	id := n.agentID()
	made := data[api.RoomCreated](n.createRoom(id, api.CreateRoomRequest{Name: new("Room1"), Metadata: jsonOf(map[string]any{"k": 1})}).want(201))
	if made.Name != "Room1" || made.AgentID != id || made.Source != "client" || made.Type != "DM" || made.WorldID == uuid.Nil || made.CreatedAt == 0 || object(made.Metadata)["k"] != 1.0 {
		t.Errorf("created %+v", made)
	}
	want := api.Room{
		ID: made.ID, Name: "Room1", ChannelID: made.ID, AgentID: id, Type: "DM", Source: "client", WorldName: new("World for Room1"),
		WorldID: nullable.NewNullableWithValue(made.WorldID), MessageServerID: nullable.NewNullNullable[uuid.UUID](), ServerID: nullable.NewNullNullable[uuid.UUID](),
		Metadata: nullable.NewNullableWithValue(jsonOf(map[string]any{"k": 1})),
	}
	if diff := cmp.Diff(want, data[api.Room](n.room(id, made.ID).want(200)), likeness()); diff != "" {
		t.Errorf("room (-want +got):\n%s", diff)
	}
	second := data[api.RoomCreated](n.createRoom(id, api.CreateRoomRequest{Name: new("Room2"), Type: new("group"), Source: new("x"), WorldID: &made.WorldID}).want(201))
	if second.WorldID != made.WorldID || second.Type != "GROUP" || second.Source != "x" || second.ID == made.ID {
		t.Errorf("second %+v", second)
	}
	if rooms := n.rooms(id); len(rooms) != 3 {
		t.Errorf("%d rooms, want 3", len(rooms))
	}
	for what, body := range map[string]map[string]any{ // sent raw: no valid request says this
		"no name": {}, "an unknown type": {"name": "x", "type": "CASTLE"}, "a world that is no id": {"name": "x", "worldId": "y"},
	} {
		clearError(t, what, n.do("POST", "/api/agents/"+id.String()+"/rooms", body), http.StatusBadRequest, "")
	}
	in := func(world uuid.UUID) api.CreateRoomRequest {
		return api.CreateRoomRequest{Name: new("x"), WorldID: &world}
	}
	clearError(t, "an unknown world", n.createRoom(id, in(uuid.New())), http.StatusNotFound, "NOT_FOUND")
	other := n.newAgent("Other", "b")
	clearError(t, "somebody else's world", n.createRoom(other, in(made.WorldID)), http.StatusNotFound, "NOT_FOUND")
	clearError(t, "somebody else's room", n.room(other, made.ID), http.StatusNotFound, "NOT_FOUND")
}

func TestWorlds(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	id := n.agentID()
	if worlds := n.worlds(); len(worlds) != 1 || worlds[0].ID != id || worlds[0].Name != "Eliza's World" || !worlds[0].Metadata.IsNull() {
		t.Fatalf("worlds of a new server: %+v", worlds)
	}
	server := messaging.DefaultServerID
	made := data[api.WorldResult](n.createWorld(id, api.CreateWorldRequest{
		Name: new("W1"), Metadata: jsonOf(map[string]any{"k": 1, "description": "about it"}), MessageServerID: &server, SourceType: new("discord"),
	}).want(201))
	want := api.World{
		ID: made.WorldID, AgentID: id, Name: "W1", Description: new("about it"), MessageServerID: nullable.NewNullableWithValue(server),
		Metadata: nullable.NewNullableWithValue(jsonOf(map[string]any{"k": 1, "description": "about it", "sourceType": "discord"})),
	}
	if diff := cmp.Diff(want, made.World, likeness()); diff != "" || !made.Success || object(made.Settings) == nil {
		t.Errorf("created %+v (-want +got):\n%s", made, diff)
	}
	change := func(agent uuid.UUID, to api.WorldPatch) answer { return n.changeWorld(agent, made.WorldID, to) }
	change(id, api.WorldPatch{Settings: jsonOf(map[string]any{"a": 1})}).want(200)
	changed := data[api.WorldResult](change(id, api.WorldPatch{
		Name: new("W2"), Settings: jsonOf(map[string]any{"b": 2}), Metadata: jsonOf(map[string]any{"k": 3}),
	}).want(200))
	if changed.World.Name != "W2" || object(changed.World.Metadata.MustGet())["k"] != 3.0 || !cmp.Equal(object(changed.Settings), map[string]any{"a": 1.0, "b": 2.0}) || deref(changed.World.Description) == "" {
		t.Errorf("changed %+v", changed)
	}
	last := change(id, api.WorldPatch{Metadata: jsonOf(map[string]any{"k": 4})}).want(200)
	if same := change(id, api.WorldPatch{}).want(200); string(same.body) != string(last.body) {
		t.Errorf("nothing was to change, and %s became %s", last.body, same.body)
	}

	other := n.newAgent("Other", "b")
	clearError(t, "a world of another agent", change(other, api.WorldPatch{Name: new("x")}), http.StatusNotFound, "NOT_FOUND")
	for range 2 {
		joined := data[api.WorldResult](n.createWorld(other, api.CreateWorldRequest{WorldID: &made.WorldID}).want(201))
		if !joined.Success || joined.WorldID != made.WorldID {
			t.Errorf("joined %+v", joined)
		}
	}
	change(other, api.WorldPatch{Settings: jsonOf(map[string]any{"c": 3})}).want(200)
	var names []string
	for _, w := range n.worlds() {
		if w.ID == made.WorldID {
			for _, a := range w.Agents {
				names = append(names, a.Name)
			}
		}
	}
	if diff := cmp.Diff([]string{"Eliza", "Other"}, names); diff != "" {
		t.Errorf("who knows the world (-want +got):\n%s", diff)
	}
	clearError(t, "no name", n.createWorld(id, api.CreateWorldRequest{}), http.StatusBadRequest, "")
	// Sent raw: no valid request says this.
	clearError(t, "a server that is no id", n.do("POST", "/api/agents/"+id.String()+"/worlds", map[string]any{"name": "x", "messageServerId": "y"}), http.StatusBadRequest, "")
	clearError(t, "an unknown world", n.createWorld(id, api.CreateWorldRequest{WorldID: new(uuid.New())}), http.StatusNotFound, "NOT_FOUND")
	if panels := n.panels(id); panels == nil || len(panels) != 0 {
		t.Errorf("panels %v", panels)
	}
}

func TestGroups(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	id := n.agentID()
	other := n.newAgent("Other", "b")
	server, worldID, nobody := uuid.New(), uuid.New(), uuid.New()
	create := func(server uuid.UUID, body api.CreateGroupRequest) answer {
		return n.read(n.api().CreateGroup(t.Context(), server, body))
	}
	body := api.CreateGroupRequest{
		AgentIds: []uuid.UUID{id, other}, WorldID: &worldID, Source: new("Book club"), Name: new("Grp"), Metadata: jsonOf(map[string]any{"k": 1}),
	}
	rooms := data[[]api.GroupRoom](create(server, body).want(201))
	world := nullable.NewNullableWithValue(worldID)
	want := []api.GroupRoom{
		{ID: agent.UUIDFor(id, server.String()), AgentID: id, Name: "Grp", Source: "client", WorldID: world, Type: "API"},
		{ID: agent.UUIDFor(other, server.String()), AgentID: other, Name: "Grp", Source: "client", WorldID: world, Type: "API"},
	}
	if diff := cmp.Diff(want, rooms); diff != "" {
		t.Errorf("rooms (-want +got):\n%s", diff)
	}
	if got := data[api.Room](n.room(other, rooms[1].ID).want(200)); object(got.Metadata.MustGet())["k"] != 1.0 || deref(got.WorldName) != "Book club" {
		t.Errorf("stored %+v", got)
	}
	body.AgentIds = []uuid.UUID{id, nobody}
	part := into[api.GroupPartlyCreated](create(server, body).want(207))
	if part.Success || len(part.Data) != 1 || len(part.Errors) != 1 || part.Errors[0].AgentID != nobody || part.Errors[0].Code != "NOT_FOUND" || part.Error.Message == "" {
		t.Errorf("in part: %+v", part)
	}
	clearError(t, "nobody", create(server, api.CreateGroupRequest{AgentIds: []uuid.UUID{nobody}}), http.StatusNotFound, "NOT_FOUND")
	clearError(t, "no agents", n.do("POST", "/api/memory/groups/"+server.String(), `{"agentIds":[]}`), http.StatusBadRequest, "BAD_REQUEST") // the client leaves out an empty list
	clearError(t, "nothing", create(server, api.CreateGroupRequest{}), http.StatusBadRequest, "BAD_REQUEST")

	worlds := data[api.GroupWorlds](create(uuid.New(), api.CreateGroupRequest{Name: new("Discord"), Description: new("ours")}).want(201))
	if len(worlds.Worlds) != 1 || worlds.WorldID != worlds.Worlds[0].ID || worlds.Worlds[0].AgentID != id || deref(worlds.Worlds[0].Description) != "ours" {
		t.Errorf("worlds %+v", worlds)
	}

	channel, user := n.dm()
	n.ask(channel, user, "Hello").want(201)
	n.read(n.api().ClearGroupMemories(t.Context(), messaging.DefaultServerID)).want(204)
	if got := n.memories(id, api.ListMemoriesParams{}); len(got.Memories) != 0 {
		t.Errorf("memories of a cleared group: %+v", got)
	}
	if got := n.rooms(id); len(got) != 3 {
		t.Errorf("rooms after clearing: %+v", got)
	}
	for _, group := range []uuid.UUID{server, server, id} {
		n.read(n.api().DeleteGroup(t.Context(), group)).want(204)
	}
	if got := n.rooms(other); len(got) != 1 || got[0].ID != other {
		t.Errorf("rooms after deleting: %+v", got)
	}
	if got := n.rooms(id); len(got) != 2 {
		t.Errorf("rooms after deleting: %+v", got)
	}
	if got := n.history(channel); len(got) != 2 {
		t.Errorf("the channel has %d messages, want 2", len(got))
	}
}

package server_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/internal/messaging"
)

// wireRoom is a room without its times.
type wireRoom struct {
	ID, Name, ChannelID, AgentID, Type, Source, WorldID, WorldName string
	MessageServerID, ServerID                                      *string
	Metadata                                                       map[string]any
}

// wireWorld is a world without its times.
type wireWorld struct {
	ID, AgentID, Name, Description string
	MessageServerID                *string
	Metadata                       map[string]any
	Agents                         []struct{ ID, Name string }
}

type wireWorldResult struct {
	Success  bool
	World    wireWorld
	WorldID  string
	Settings map[string]any
}

func (n *node) rooms(id string) []wireRoom {
	n.t.Helper()
	return data[struct{ Rooms []wireRoom }](n.do("GET", "/api/memory/"+id+"/rooms", nil).want(200)).Rooms
}

func (n *node) worlds() []wireWorld {
	n.t.Helper()
	return data[struct{ Worlds []wireWorld }](n.do("GET", "/api/agents/worlds", nil).want(200)).Worlds
}

func TestRoomsOfAnAgent(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	id := n.agentID()
	server := messaging.DefaultServerID.String()
	own := wireRoom{
		ID: id, Name: "Eliza", ChannelID: id, AgentID: id, Type: "SELF", Source: "elizaos", WorldID: id, WorldName: "Eliza's World",
		MessageServerID: &id, ServerID: &id,
	}
	if diff := cmp.Diff([]wireRoom{own}, n.rooms(id)); diff != "" {
		t.Errorf("a new agent's rooms (-want +got):\n%s", diff)
	}
	channel, user := n.dm()
	n.ask(channel, user, "Hello").want(201)
	n.ask(channel, user, "Hello again").want(201)
	self := uuid.MustParse(id)
	room := agent.UUIDFor(self, channel).String()
	rooms := n.rooms(id)
	if len(rooms) != 2 || rooms[1].ID != room || rooms[1].ChannelID != channel || rooms[1].Type != "DM" || rooms[1].WorldName != "Default Server" ||
		rooms[1].WorldID != agent.UUIDFor(self, server).String() || *rooms[1].MessageServerID != server || rooms[1].Name == "" {
		t.Fatalf("rooms %+v", rooms)
	}
	for _, name := range []string{room, channel} {
		got := data[wireRoom](n.do("GET", "/api/memory/"+id+"/rooms/"+name, nil).want(200))
		if diff := cmp.Diff(rooms[1], got); diff != "" {
			t.Errorf("the room of %s (-want +got):\n%s", name, diff)
		}
	}
	n.do("PATCH", "/api/messaging/channels/"+channel, map[string]any{"name": "Talk"}).want(200)
	if got := n.rooms(id)[1].Name; got != "Talk" {
		t.Errorf("the channel is called Talk, the room %q", got)
	}
	if got := data[wireRoom](n.do("PATCH", "/api/agents/"+id+"/rooms/"+channel, map[string]any{"name": "Couch"}).want(200)); got.Name != "Couch" {
		t.Errorf("renamed: %+v", got)
	}
	clearError(t, "no name", n.do("PATCH", "/api/agents/"+id+"/rooms/"+channel, map[string]any{}), http.StatusBadRequest, "VALIDATION_ERROR")
	n.do("DELETE", "/api/agents/"+id+"/rooms/"+channel, nil).want(204)
	n.do("DELETE", "/api/agents/"+id+"/rooms/"+channel, nil).want(204)
	clearError(t, "a deleted room", n.do("GET", "/api/agents/"+id+"/rooms/"+room, nil), http.StatusNotFound, "NOT_FOUND")
	clearError(t, "its own room", n.do("DELETE", "/api/agents/"+id+"/rooms/"+id, nil), http.StatusBadRequest, "BAD_REQUEST")
	if got := n.memories("/api/agents/" + id + "/memories"); len(got.Memories) != 0 {
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
	type created struct {
		ID, Name, AgentID, Source, Type, WorldID string
		CreatedAt                                int64
		Metadata                                 map[string]any
	}
	made := data[created](n.do("POST", "/api/memory/"+id+"/rooms", map[string]any{"name": "Room1", "metadata": map[string]any{"k": 1}}).want(201))
	if made.Name != "Room1" || made.AgentID != id || made.Source != "client" || made.Type != "DM" || made.WorldID == "" || made.CreatedAt == 0 || made.Metadata["k"] != 1.0 {
		t.Errorf("created %+v", made)
	}
	got := data[wireRoom](n.do("GET", "/api/memory/"+id+"/rooms/"+made.ID, nil).want(200))
	want := wireRoom{
		ID: made.ID, Name: "Room1", ChannelID: made.ID, AgentID: id, Type: "DM", Source: "client", WorldID: made.WorldID, WorldName: "World for Room1",
		Metadata: map[string]any{"k": 1.0},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("room (-want +got):\n%s", diff)
	}
	second := data[created](n.do("POST", "/api/agents/"+id+"/rooms", map[string]any{"name": "Room2", "type": "group", "source": "x", "worldId": made.WorldID}).want(201))
	if second.WorldID != made.WorldID || second.Type != "GROUP" || second.Source != "x" || second.ID == made.ID {
		t.Errorf("second %+v", second)
	}
	if rooms := n.rooms(id); len(rooms) != 3 {
		t.Errorf("%d rooms, want 3", len(rooms))
	}
	for what, body := range map[string]map[string]any{
		"no name": {}, "an unknown type": {"name": "x", "type": "CASTLE"}, "a world that is no id": {"name": "x", "worldId": "y"},
	} {
		clearError(t, what, n.do("POST", "/api/memory/"+id+"/rooms", body), http.StatusBadRequest, "")
	}
	clearError(t, "an unknown world", n.do("POST", "/api/memory/"+id+"/rooms", map[string]any{"name": "x", "worldId": uuid.New()}), http.StatusNotFound, "NOT_FOUND")
	other := n.newAgent("Other", "b")
	clearError(t, "somebody else's world", n.do("POST", "/api/memory/"+other+"/rooms", map[string]any{"name": "x", "worldId": made.WorldID}), http.StatusNotFound, "NOT_FOUND")
	clearError(t, "somebody else's room", n.do("GET", "/api/memory/"+other+"/rooms/"+made.ID, nil), http.StatusNotFound, "NOT_FOUND")
}

func TestWorlds(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	id := n.agentID()
	if worlds := n.worlds(); len(worlds) != 1 || worlds[0].ID != id || worlds[0].Name != "Eliza's World" || worlds[0].Metadata != nil {
		t.Fatalf("worlds of a new server: %+v", worlds)
	}
	server := messaging.DefaultServerID.String()
	made := data[wireWorldResult](n.do("POST", "/api/agents/"+id+"/worlds", map[string]any{
		"name": "W1", "metadata": map[string]any{"k": 1, "description": "about it"}, "messageServerId": server, "sourceType": "discord",
	}).want(201))
	want := wireWorld{
		ID: made.WorldID, AgentID: id, Name: "W1", Description: "about it", MessageServerID: &server,
		Metadata: map[string]any{"k": 1.0, "description": "about it", "sourceType": "discord"},
	}
	if diff := cmp.Diff(want, made.World); diff != "" || !made.Success || made.Settings == nil {
		t.Errorf("created %+v (-want +got):\n%s", made, diff)
	}
	path := "/api/agents/" + id + "/worlds/" + made.WorldID
	changed := data[wireWorldResult](n.do("PATCH", path, map[string]any{"settings": map[string]any{"a": 1}}).want(200))
	changed = data[wireWorldResult](n.do("PATCH", path, map[string]any{"name": "W2", "settings": map[string]any{"b": 2}, "metadata": map[string]any{"k": 3}}).want(200))
	if changed.World.Name != "W2" || changed.World.Metadata["k"] != 3.0 || !cmp.Equal(changed.Settings, map[string]any{"a": 1.0, "b": 2.0}) || changed.World.Description == "" {
		t.Errorf("changed %+v", changed)
	}
	last := n.do("PATCH", path, map[string]any{"metadata": map[string]any{"k": 4}}).want(200)
	if same := n.do("PATCH", path, map[string]any{}).want(200); string(same.body) != string(last.body) {
		t.Errorf("nothing was to change, and %s became %s", last.body, same.body)
	}

	other := n.newAgent("Other", "b")
	theirs := "/api/agents/" + other + "/worlds/" + made.WorldID
	clearError(t, "a world of another agent", n.do("PATCH", theirs, map[string]any{"name": "x"}), http.StatusNotFound, "NOT_FOUND")
	for range 2 {
		joined := data[wireWorldResult](n.do("POST", "/api/agents/"+other+"/worlds", map[string]any{"worldId": made.WorldID}).want(201))
		if !joined.Success || joined.WorldID != made.WorldID {
			t.Errorf("joined %+v", joined)
		}
	}
	n.do("PATCH", theirs, map[string]any{"settings": map[string]any{"c": 3}}).want(200)
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
	clearError(t, "no name", n.do("POST", "/api/agents/"+id+"/worlds", map[string]any{}), http.StatusBadRequest, "")
	clearError(t, "a server that is no id", n.do("POST", "/api/agents/"+id+"/worlds", map[string]any{"name": "x", "messageServerId": "y"}), http.StatusBadRequest, "")
	clearError(t, "an unknown world", n.do("POST", "/api/agents/"+id+"/worlds", map[string]any{"worldId": uuid.New()}), http.StatusNotFound, "NOT_FOUND")
	if panels := data[[]any](n.do("GET", "/api/agents/"+id+"/panels", nil).want(200)); panels == nil || len(panels) != 0 {
		t.Errorf("panels %v", panels)
	}
}

func TestGroups(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	id := n.agentID()
	other := n.newAgent("Other", "b")
	server, worldID, nobody := uuid.NewString(), uuid.NewString(), uuid.NewString()
	path := "/api/memory/groups/" + server
	body := map[string]any{"agentIds": []string{id, other}, "worldId": worldID, "source": "Book club", "name": "Grp", "metadata": map[string]any{"k": 1}}
	type groupRoom struct{ ID, AgentID, Name, Source, WorldID, Type string }
	rooms := data[[]groupRoom](n.do("POST", path, body).want(201))
	want := []groupRoom{
		{agent.UUIDFor(uuid.MustParse(id), server).String(), id, "Grp", "client", worldID, "API"},
		{agent.UUIDFor(uuid.MustParse(other), server).String(), other, "Grp", "client", worldID, "API"},
	}
	if diff := cmp.Diff(want, rooms); diff != "" {
		t.Errorf("rooms (-want +got):\n%s", diff)
	}
	if got := data[wireRoom](n.do("GET", "/api/memory/"+other+"/rooms/"+rooms[1].ID, nil).want(200)); got.Metadata["k"] != 1.0 || got.WorldName != "Book club" {
		t.Errorf("stored %+v", got)
	}
	body["agentIds"] = []string{id, nobody}
	part := into[struct {
		Success bool
		Data    []groupRoom
		Errors  []struct{ AgentID, Code, Message string }
		Error   struct{ Code, Message string }
	}](n.do("POST", path, body).want(207))
	if part.Success || len(part.Data) != 1 || len(part.Errors) != 1 || part.Errors[0].AgentID != nobody || part.Errors[0].Code != "NOT_FOUND" || part.Error.Message == "" {
		t.Errorf("in part: %+v", part)
	}
	clearError(t, "nobody", n.do("POST", path, map[string]any{"agentIds": []string{nobody}}), http.StatusNotFound, "NOT_FOUND")
	clearError(t, "no agents", n.do("POST", path, map[string]any{"agentIds": []string{}}), http.StatusBadRequest, "BAD_REQUEST")
	clearError(t, "nothing", n.do("POST", path, map[string]any{}), http.StatusBadRequest, "BAD_REQUEST")

	worlds := data[struct {
		WorldID string
		Worlds  []wireWorld
	}](n.do("POST", "/api/memory/groups/"+uuid.NewString(), map[string]any{"name": "Discord", "description": "ours"}).want(201))
	if len(worlds.Worlds) != 1 || worlds.WorldID != worlds.Worlds[0].ID || worlds.Worlds[0].AgentID != id || worlds.Worlds[0].Description != "ours" {
		t.Errorf("worlds %+v", worlds)
	}

	channel, user := n.dm()
	n.ask(channel, user, "Hello").want(201)
	n.do("DELETE", "/api/memory/groups/"+messaging.DefaultServerID.String()+"/memories", nil).want(204)
	if got := n.memories("/api/memory/" + id + "/memories"); len(got.Memories) != 0 {
		t.Errorf("memories of a cleared group: %+v", got)
	}
	if got := n.rooms(id); len(got) != 3 {
		t.Errorf("rooms after clearing: %+v", got)
	}
	n.do("DELETE", path, nil).want(204)
	n.do("DELETE", path, nil).want(204)
	n.do("DELETE", "/api/memory/groups/"+id, nil).want(204)
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

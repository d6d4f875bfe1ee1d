package present

import (
	"cmp"
	"encoding/json"

	"github.com/oapi-codegen/nullable"

	"github.com/elizad/elizad/api/wire"
	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server/internal/jsontext"
	"github.com/elizad/elizad/server/internal/memory"
)

// Memory shows what an agent remembers. Files of channels are for those who take part there: their addresses are not signed.
func (d Documents) Memory(m memory.Memory) api.Memory {
	return api.Memory{
		ID: m.ID, Type: m.Table, CreatedAt: m.CreatedAt.UnixMilli(), UpdatedAt: m.UpdatedAt.UnixMilli(), Content: d.OfAgent(m.Content),
		EntityID: m.EntityID, AgentID: m.AgentID, RoomID: m.RoomID, MessageID: m.MessageID, Unique: m.Unique, Metadata: d.OfAgent(m.Metadata),
		Embedding: m.Embedding,
	}
}

// MemoryUpdated shows a memory that was just changed.
func (d Documents) MemoryUpdated(m memory.Memory) api.MemoryUpdated {
	w := d.Memory(m)
	return api.MemoryUpdated{
		ID: w.ID, Type: w.Type, CreatedAt: w.CreatedAt, UpdatedAt: w.UpdatedAt, Content: w.Content, EntityID: w.EntityID,
		AgentID: w.AgentID, RoomID: w.RoomID, MessageID: w.MessageID, Unique: w.Unique, Metadata: w.Metadata, Embedding: w.Embedding,
		Message: "Memory updated successfully",
	}
}

// Room shows a room that stands for no channel as its own channel, which is what clients expect.
func (d Documents) Room(r memory.Room) api.Room {
	w := api.Room{
		ID: r.ID, Name: r.Name, ChannelID: r.ID, AgentID: r.AgentID, MessageServerID: nullableID(r.MessageServerID),
		ServerID: nullableID(r.MessageServerID), WorldID: nullableID(r.WorldID), WorldName: Optional(r.WorldName),
		Type: api.ChannelType(r.Type), Source: r.Source, Metadata: nullableJSON(d.OfAgent(r.Metadata)),
		CreatedAt: wire.At(r.CreatedAt), UpdatedAt: wire.At(r.UpdatedAt),
	}
	if r.ChannelID != nil {
		w.ChannelID = *r.ChannelID
	}
	return w
}

// RoomCreated shows a room that was just made.
func (d Documents) RoomCreated(r memory.Room) api.RoomCreated {
	w := api.RoomCreated{
		ID: r.ID, Name: r.Name, AgentID: r.AgentID, CreatedAt: r.CreatedAt.UnixMilli(), UpdatedAt: r.UpdatedAt.UnixMilli(),
		Source: r.Source, Type: api.ChannelType(r.Type), MessageServerID: r.MessageServerID, Metadata: d.OfAgent(r.Metadata),
	}
	if r.WorldID != nil {
		w.WorldID = *r.WorldID
	}
	return w
}

// World shows a world.
func (d Documents) World(m memory.World) api.World {
	w := api.World{
		ID: m.ID, AgentID: m.AgentID, Name: m.Name, Description: Optional(jsontext.ObjectOf(m.Metadata).Text("description")),
		Metadata: nullableJSON(d.OfAgent(m.Metadata)), MessageServerID: nullableID(m.MessageServerID),
		CreatedAt: wire.At(m.CreatedAt), UpdatedAt: wire.At(m.UpdatedAt),
	}
	for _, a := range m.Agents {
		w.Agents = append(w.Agents, api.WorldAgent{ID: a.ID, Name: a.Name})
	}
	return w
}

// WorldResult shows a world that was just made or changed, with its settings.
func (d Documents) WorldResult(m memory.World) api.WorldResult {
	result := api.WorldResult{Success: true, World: d.World(m), WorldID: m.ID, Settings: json.RawMessage(`{}`)}
	if settings := d.OfAgent(jsontext.ObjectOf(m.Metadata).Value("settings")); jsontext.ObjectOf(settings) != nil {
		result.Settings = settings
	}
	return result
}

// GroupWorlds shows the worlds that were made for a message server, of which there is one at least.
func (d Documents) GroupWorlds(worlds []memory.World) api.GroupWorlds {
	return api.GroupWorlds{WorldID: worlds[0].ID, Worlds: Each(worlds, d.World)}
}

// GroupRoom shows a room of a group.
func GroupRoom(r memory.Room) api.GroupRoom {
	return api.GroupRoom{
		ID: r.ID, AgentID: r.AgentID, Name: r.Name, Source: "client", WorldID: nullableID(r.WorldID), Type: api.ChannelType(r.Type),
	}
}

// GroupPartlyCreated shows a group of which some rooms, one at least, could not be made.
func GroupPartlyCreated(rooms []memory.Room, failures []memory.GroupFailure) api.GroupPartlyCreated {
	w := api.GroupPartlyCreated{Data: Each(rooms, GroupRoom)}
	for _, f := range failures {
		w.Errors = append(w.Errors, api.GroupFailure{
			AgentID: f.AgentID, Code: api.ErrorCode(f.Err.Code), Message: f.Err.Message, Details: Optional(cmp.Or(f.Err.Details, f.AgentID.String())),
		})
	}
	w.Error = api.ErrorDetail{Code: w.Errors[0].Code, Message: w.Errors[0].Message, Details: Optional(w.Errors[0].AgentID.String())}
	return w
}

func nullableJSON(raw json.RawMessage) nullable.Nullable[json.RawMessage] {
	if raw == nil {
		return nullable.NewNullNullable[json.RawMessage]()
	}
	return nullable.NewNullableWithValue(raw)
}

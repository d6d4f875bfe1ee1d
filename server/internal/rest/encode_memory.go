package rest

import (
	"cmp"
	"encoding/json"

	"github.com/oapi-codegen/nullable"

	"github.com/elizad/elizad/api/wire"
	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/gen/apiserver"
	"github.com/elizad/elizad/server/internal/jsontext"
	"github.com/elizad/elizad/server/internal/memory"
)

// The translations of memories, rooms and worlds.

func memoryRecord(m memory.Memory) api.Memory {
	return api.Memory{
		ID: m.ID, Type: m.Table, CreatedAt: m.CreatedAt.UnixMilli(), UpdatedAt: m.UpdatedAt.UnixMilli(), Content: m.Content,
		EntityID: m.EntityID, AgentID: m.AgentID, RoomID: m.RoomID, MessageID: m.MessageID, Unique: m.Unique, Metadata: m.Metadata,
		Embedding: m.Embedding,
	}
}

func memoryUpdated(m memory.Memory) api.MemoryUpdated {
	w := memoryRecord(m)
	return api.MemoryUpdated{
		ID: w.ID, Type: w.Type, CreatedAt: w.CreatedAt, UpdatedAt: w.UpdatedAt, Content: w.Content, EntityID: w.EntityID,
		AgentID: w.AgentID, RoomID: w.RoomID, MessageID: w.MessageID, Unique: w.Unique, Metadata: w.Metadata, Embedding: w.Embedding,
		Message: "Memory updated successfully",
	}
}

// room shows a room that stands for no channel as its own channel, which is what clients expect.
func room(r memory.Room) api.Room {
	w := api.Room{
		ID: r.ID, Name: r.Name, ChannelID: r.ID, AgentID: r.AgentID, MessageServerID: nullableID(r.MessageServerID),
		ServerID: nullableID(r.MessageServerID), WorldID: nullableID(r.WorldID), WorldName: optional(r.WorldName),
		Type: api.ChannelType(r.Type), Source: r.Source, Metadata: nullableJSON(r.Metadata),
		CreatedAt: wire.At(r.CreatedAt), UpdatedAt: wire.At(r.UpdatedAt),
	}
	if r.ChannelID != nil {
		w.ChannelID = *r.ChannelID
	}
	return w
}

func roomAnswer(r memory.Room) apiserver.RoomAnswerJSONResponse {
	w := room(r)
	return apiserver.RoomAnswerJSONResponse{
		Headers: apiserver.RoomAnswerResponseHeaders{ETag: etag(w)}, Body: api.RoomEnvelope{Success: true, Data: w},
	}
}

func roomCreated(r memory.Room) api.RoomCreated {
	return api.RoomCreated{
		ID: r.ID, Name: r.Name, AgentID: r.AgentID, CreatedAt: r.CreatedAt.UnixMilli(), UpdatedAt: r.UpdatedAt.UnixMilli(),
		Source: r.Source, Type: api.ChannelType(r.Type), WorldID: deref(r.WorldID), MessageServerID: r.MessageServerID, Metadata: r.Metadata,
	}
}

func world(m memory.World) api.World {
	w := api.World{
		ID: m.ID, AgentID: m.AgentID, Name: m.Name, Description: optional(jsontext.ObjectOf(m.Metadata).Text("description")),
		Metadata: nullableJSON(m.Metadata), MessageServerID: nullableID(m.MessageServerID),
		CreatedAt: wire.At(m.CreatedAt), UpdatedAt: wire.At(m.UpdatedAt),
	}
	for _, a := range m.Agents {
		w.Agents = append(w.Agents, api.WorldAgent{ID: a.ID, Name: a.Name})
	}
	return w
}

func worldAnswer(m memory.World) apiserver.WorldAnswerJSONResponse {
	result := api.WorldResult{Success: true, World: world(m), WorldID: m.ID, Settings: json.RawMessage(`{}`)}
	if settings := jsontext.ObjectOf(m.Metadata).Value("settings"); jsontext.ObjectOf(settings) != nil {
		result.Settings = settings
	}
	return apiserver.WorldAnswerJSONResponse{Success: true, Data: result}
}

func groupWorlds(worlds []memory.World) api.GroupWorlds {
	return api.GroupWorlds{WorldID: worlds[0].ID, Worlds: each(worlds, world)}
}

func groupRoom(r memory.Room) api.GroupRoom {
	return api.GroupRoom{
		ID: r.ID, AgentID: r.AgentID, Name: r.Name, Source: "client", WorldID: nullableID(r.WorldID), Type: api.ChannelType(r.Type),
	}
}

func groupPartlyCreated(rooms []memory.Room, failures []memory.GroupFailure) api.GroupPartlyCreated {
	w := api.GroupPartlyCreated{Data: each(rooms, groupRoom)}
	for _, f := range failures {
		w.Errors = append(w.Errors, api.GroupFailure{
			AgentID: f.AgentID, Code: api.ErrorCode(f.Err.Code), Message: f.Err.Message, Details: optional(cmp.Or(f.Err.Details, f.AgentID.String())),
		})
	}
	w.Error = api.ErrorDetail{Code: w.Errors[0].Code, Message: w.Errors[0].Message, Details: optional(w.Errors[0].AgentID.String())}
	return w
}

func nullableJSON(raw json.RawMessage) nullable.Nullable[json.RawMessage] {
	if raw == nil {
		return nullable.NewNullNullable[json.RawMessage]()
	}
	return nullable.NewNullableWithValue(raw)
}

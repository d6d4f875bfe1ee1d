package memory

import (
	"encoding/json"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/server/internal/similar"
)

// The translations between rows and the domain.

func listedMemoryOf(r db.ListAgentMemoriesRow) Memory {
	return Memory{
		ID: r.ID, AgentID: r.AgentID, EntityID: r.EntityID, RoomID: r.RoomID, WorldID: r.WorldID, Table: r.TableName,
		Content: json.RawMessage(r.Content), Metadata: json.RawMessage(r.Metadata), MessageID: r.MessageID, Unique: r.IsUnique,
		Embedding: similar.Decode(r.Embedding), CreatedAt: r.CreatedAt.Time(), UpdatedAt: r.UpdatedAt.Time(),
	}
}

func memoryOf(r db.Memory) Memory {
	return Memory{
		ID: r.ID, AgentID: r.AgentID, EntityID: r.EntityID, RoomID: r.RoomID, WorldID: r.WorldID, Table: r.TableName,
		Content: json.RawMessage(r.Content), Metadata: json.RawMessage(r.Metadata), MessageID: r.MessageID, Unique: r.IsUnique,
		Embedding: similar.Decode(r.Embedding), CreatedAt: r.CreatedAt.Time(), UpdatedAt: r.UpdatedAt.Time(),
	}
}

// roomOf names a room that was not renamed as its channel is named now.
func roomOf(r db.GetRoomRow) Room {
	out := Room{
		ID: r.Room.ID, AgentID: r.Room.AgentID, WorldID: r.Room.WorldID, ChannelID: r.Room.ChannelID,
		MessageServerID: r.Room.MessageServerID, Type: r.Room.Type, Source: r.Room.Source, Metadata: json.RawMessage(r.Room.Metadata),
		CreatedAt: r.Room.CreatedAt.Time(), UpdatedAt: r.Room.UpdatedAt.Time(),
	}
	switch {
	case r.Room.Name != nil:
		out.Name = *r.Room.Name
	case r.ChannelName != nil:
		out.Name = *r.ChannelName
	}
	if r.WorldName != nil {
		out.WorldName = *r.WorldName
	}
	return out
}

func worldOf(r db.World) World {
	return World{
		ID: r.ID, AgentID: r.AgentID, Name: r.Name, MessageServerID: r.MessageServerID, Metadata: json.RawMessage(r.Metadata),
		CreatedAt: r.CreatedAt.Time(), UpdatedAt: r.UpdatedAt.Time(),
	}
}

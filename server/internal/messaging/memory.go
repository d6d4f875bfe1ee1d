package messaging

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/internal/jsontext"
)

// Recollection is what an agent keeps of a turn. RoomID and WorldID are the agent's own names of the channel and its message
// server.
type Recollection struct {
	RoomID    uuid.UUID
	WorldID   uuid.UUID
	Memories  []Memory
	Facts     []Fact      // that the agent is to keep
	Forgotten []uuid.UUID // facts that the agent is not to keep any longer
}

// Memory is what an agent keeps of one message.
type Memory struct {
	ID        uuid.UUID
	MessageID uuid.UUID // of the trigger or of the reply
	EntityID  uuid.UUID // its author
	Content   json.RawMessage
	Metadata  json.RawMessage
	CreatedAt time.Time // zero: when the reply was stored
}

// memoryTable is the kind of memories that messages leave behind.
const memoryTable = "messages"

// remember stores what an agent keeps of turn t, with the room it keeps it in.
func (s *Service) remember(ctx context.Context, q db.Scoped, t Turn, home Channel, r Recollection, reply *Message) error {
	if err := s.ensureRoom(ctx, q, t.AgentID, home, r); err != nil {
		return err
	}
	for _, m := range r.Memories {
		if m.CreatedAt.IsZero() {
			if reply == nil {
				continue // nothing was said after all
			}
			m.CreatedAt = reply.CreatedAt
		}
		at := dbtype.MillisOf(m.CreatedAt)
		if _, err := q.InsertMemory(ctx, db.InsertMemoryParams{
			ID: m.ID, AgentID: t.AgentID, EntityID: m.EntityID, RoomID: r.RoomID, WorldID: &r.WorldID, TableName: memoryTable,
			Content: dbtype.JSON(jsontext.DropNUL(m.Content)), Metadata: dbtype.JSON(jsontext.DropNUL(m.Metadata)), MessageID: &m.MessageID,
			IsUnique: true, CreatedAt: at, UpdatedAt: at,
		}); err != nil {
			return err
		}
	}
	for _, id := range r.Forgotten {
		if _, err := q.DeleteMemory(ctx, db.DeleteMemoryParams{ID: id, AgentID: t.AgentID}); err != nil {
			return err
		}
	}
	return s.keepFacts(ctx, q, t.AgentID, r)
}

// ensureRoom makes the agent's room and world for a channel where they aren't there yet.
func (s *Service) ensureRoom(ctx context.Context, q db.Scoped, agentID uuid.UUID, home Channel, r Recollection) error {
	known, err := q.RoomExists(ctx, db.RoomExistsParams{ID: r.RoomID, AgentID: agentID})
	if err != nil || known {
		return err
	}
	now := s.millis()
	if _, err := q.EnsureServerWorld(ctx, db.EnsureServerWorldParams{
		ID: r.WorldID, AgentID: agentID, MessageServerID: home.MessageServerID, CreatedAt: now, UpdatedAt: now,
	}); err != nil {
		return err
	}
	room := db.EnsureRoomParams{
		ID: r.RoomID, AgentID: agentID, WorldID: &r.WorldID, ChannelID: &home.ID, MessageServerID: &home.MessageServerID,
		Type: string(home.Type), Source: SourceGUI, CreatedAt: now, UpdatedAt: now,
	}
	if home.SourceType != nil {
		room.Source = *home.SourceType
	}
	_, err = q.EnsureRoom(ctx, room)
	return err
}

// channelOfRoom returns the channel that clients mean by an id: the one behind the agent's room of that id, or that of the id
// itself.
func channelOfRoom(ctx context.Context, q db.Scoped, agentID uuid.UUID, id *uuid.UUID) (*uuid.UUID, error) {
	if id == nil {
		return nil, nil
	}
	room, err := q.GetRoom(ctx, db.GetRoomParams{ID: *id, AgentID: agentID})
	switch {
	case errors.Is(err, sql.ErrNoRows) || err == nil && room.Room.ChannelID == nil:
		return id, nil
	case err != nil:
		return nil, err
	default:
		return room.Room.ChannelID, nil
	}
}

// remembered returns messages in the words in which an agent remembers them, without what no agent sees: the sender's own id,
// and what became of the message.
func remembered(rows []db.ListRecentMessagesRow, channelID, serverID uuid.UUID) []Message {
	out := make([]Message, len(rows))
	for i, r := range rows {
		out[i] = Message{
			ID: r.ID, ChannelID: channelID, MessageServerID: serverID, Seq: r.Seq, AuthorID: r.AuthorID, AuthorName: r.AuthorName,
			Content: r.Remembered, RawMessage: json.RawMessage(r.RawMessage), InReplyTo: r.InReplyTo, SourceType: r.SourceType,
			Metadata: json.RawMessage(r.Metadata), CreatedAt: r.CreatedAt.Time(),
		}
	}
	return out
}

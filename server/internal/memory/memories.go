package memory

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"math"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/jsontext"
	"github.com/elizad/elizad/server/internal/similar"
	"github.com/elizad/elizad/server/internal/store"
)

// The kinds of memories that have rules. There may be others.
const (
	tableMessages  = "messages"
	tableDocuments = "documents"
)

// maxMemories is how many memories one answer holds.
const maxMemories = 1000

// Memory is something that an agent remembers.
type Memory struct {
	ID        uuid.UUID
	AgentID   uuid.UUID
	EntityID  uuid.UUID // whose it is about: of a message, its author
	RoomID    uuid.UUID
	WorldID   *uuid.UUID
	Table     string          // what kind of memory it is: messages, facts, …
	Content   json.RawMessage // an object, mostly with a text
	Metadata  json.RawMessage // an object
	MessageID *uuid.UUID      // the central message that it stems from
	Unique    bool
	Embedding []float32 // nil: none, or not asked for
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Query selects memories of an agent.
type Query struct {
	Table      string     // empty: messages
	RoomID     *uuid.UUID // a room, or the channel of one; nil: everywhere
	Search     string     // a part of the text, in either case
	From, To   *time.Time // both ends belong to the span
	Limit      int        // 0: 1000, which is the most
	Offset     int
	Embeddings bool // return them too
}

// List returns memories, newest first, and whether there are more. An unknown room has none.
func (s *Service) List(ctx context.Context, who auth.Identity, agentID uuid.UUID, query Query) (page []Memory, more bool, err error) {
	limit := maxMemories
	if query.Limit > 0 {
		limit = min(query.Limit, maxMemories)
	}
	list := db.ListAgentMemoriesParams{
		AgentID: agentID, TableName: tableMessages, FromTime: 0, ToTime: dbtype.Millis(math.MaxInt64), SearchText: query.Search,
		WithEmbedding: query.Embeddings, LimitRows: int64(limit) + 1, OffsetRows: int64(max(query.Offset, 0)),
	}
	if query.Table != "" {
		list.TableName = query.Table
	}
	if query.From != nil {
		list.FromTime = dbtype.MillisOf(*query.From)
	}
	if query.To != nil {
		list.ToTime = dbtype.MillisOf(*query.To)
	}
	var rows []db.ListAgentMemoriesRow
	err = store.View(ctx, s.store, who.Scope(), "listing memories", func(q db.Scoped) error {
		if _, err := ofAgent(ctx, q, agentID); err != nil {
			return err
		}
		if query.RoomID == nil {
			rows, err = q.ListAgentMemories(ctx, list)
			return err
		}
		rows, err = roomMemories(ctx, q, *query.RoomID, list)
		return err
	})
	if more = len(rows) > limit; more {
		rows = rows[:limit]
	}
	for _, r := range rows {
		page = append(page, listedMemoryOf(r))
	}
	return page, more, err
}

func roomMemories(ctx context.Context, q db.Scoped, roomID uuid.UUID, list db.ListAgentMemoriesParams) ([]db.ListAgentMemoriesRow, error) {
	room, err := findRoom(ctx, q, list.AgentID, roomID)
	if apierr.IsCode(err, apierr.NotFound) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	rows, err := q.ListRoomMemories(ctx, db.ListRoomMemoriesParams{
		RoomID: room.Room.ID, AgentID: list.AgentID, TableName: list.TableName, FromTime: list.FromTime, ToTime: list.ToTime,
		SearchText: list.SearchText, WithEmbedding: list.WithEmbedding, LimitRows: list.LimitRows, OffsetRows: list.OffsetRows,
	})
	out := make([]db.ListAgentMemoriesRow, len(rows))
	for i, r := range rows {
		out[i] = db.ListAgentMemoriesRow(r)
	}
	return out, err
}

// Patch changes the parts of a memory that are set.
type Patch struct {
	Content   json.RawMessage // an object, or a text
	Metadata  json.RawMessage // an object
	Embedding []float32       // empty, not nil: removes it
}

// clientSpace names the space of vectors that clients send.
const clientSpace = "client"

// Update changes a memory. One of a message then says something else than the message, and that is what the agent sees.
func (s *Service) Update(ctx context.Context, who auth.Identity, agentID, id uuid.UUID, p Patch) (Memory, error) {
	content, err := contentOf(p.Content)
	if err != nil {
		return Memory{}, err
	}
	if err := checkObject(p.Metadata, "metadata", maxMemoryJSON); err != nil {
		return Memory{}, err
	}
	if len(p.Embedding) > maxEmbedding {
		return Memory{}, apierr.New(apierr.ValidationFailed, "embedding must have at most %d numbers", maxEmbedding)
	}
	var out db.Memory
	err = store.Update(ctx, s.store, who.Scope(), "changing a memory", func(q db.Scoped) error {
		row, err := q.GetMemoryForUpdate(ctx, db.GetMemoryForUpdateParams{ID: id, AgentID: agentID})
		if err != nil {
			return store.NotFound(err, "Memory not found")
		}
		if content == nil && p.Metadata == nil && p.Embedding == nil {
			out = row // nothing changes, and so the time of the last change doesn't either
			return nil
		}
		next := db.UpdateMemoryParams{
			ID: id, AgentID: agentID, Content: row.Content, Metadata: row.Metadata, Edited: row.Edited,
			Embedding: row.Embedding, EmbeddingSpace: row.EmbeddingSpace, UpdatedAt: max(now(), row.UpdatedAt),
		}
		if content != nil {
			next.Content, next.Edited = content, row.MessageID != nil
		}
		if p.Metadata != nil {
			next.Metadata = dbtype.JSON(p.Metadata)
		}
		if p.Embedding != nil {
			next.Embedding, next.EmbeddingSpace = similar.Encode(p.Embedding), nil
			if next.Embedding != nil {
				next.EmbeddingSpace = new(clientSpace)
			}
		}
		out, err = q.UpdateMemory(ctx, next)
		return err
	})
	return memoryOf(out), err
}

// contentOf returns what is stored of a content; nil for none.
func contentOf(raw json.RawMessage) (dbtype.JSON, error) {
	var text string
	switch excess := jsontext.Excess(raw, maxMemoryJSON); {
	case raw == nil:
		return nil, nil
	case excess != "":
		return nil, apierr.New(apierr.ValidationFailed, "content %s", excess)
	case isObject(raw):
		return dbtype.JSON(raw), nil
	case json.Unmarshal(raw, &text) == nil && !bytes.Equal(raw, []byte("null")):
		return json.Marshal(map[string]string{"text": text})
	default:
		return nil, apierr.New(apierr.ValidationFailed, "content must be an object or a text")
	}
}

// Bounds of what callers write.
const (
	maxMemoryJSON = 1 << 20  // bytes of a memory's content, and of its metadata
	maxPlaceJSON  = 64 << 10 // bytes of the metadata of a room or a world, of which lists hold many
	maxEmbedding  = 16_384   // numbers
)

// checkObject refuses what is no object of at most limit bytes. Nothing is fine.
func checkObject(raw json.RawMessage, name string, limit int) error {
	if raw == nil {
		return nil
	}
	if !isObject(raw) {
		return apierr.New(apierr.ValidationFailed, "%s must be an object", name)
	}
	if excess := jsontext.Excess(raw, limit); excess != "" {
		return apierr.New(apierr.ValidationFailed, "%s %s", name, excess)
	}
	return nil
}

func isObject(raw json.RawMessage) bool {
	return len(raw) > 0 && raw[0] == '{' && json.Valid(raw)
}

// Delete makes an agent forget one thing. What it doesn't remember is no error.
func (s *Service) Delete(ctx context.Context, who auth.Identity, agentID, id uuid.UUID) error {
	return store.Update(ctx, s.store, who.Scope(), "deleting a memory", func(q db.Scoped) error {
		if _, err := ofAgent(ctx, q, agentID); err != nil {
			return err
		}
		row, err := q.GetMemory(ctx, db.GetMemoryParams{ID: id, AgentID: agentID})
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		} else if err != nil {
			return err
		}
		if row.MessageID != nil {
			if err := q.ForgetMessage(ctx, db.ForgetMessageParams{MessageID: *row.MessageID, AgentID: agentID}); err != nil {
				return err
			}
		}
		_, err = q.DeleteMemory(ctx, db.DeleteMemoryParams{ID: id, AgentID: agentID})
		return err
	})
}

// Clear makes an agent forget everything, and returns how many memories there were.
func (s *Service) Clear(ctx context.Context, who auth.Identity, agentID uuid.UUID) (int64, error) {
	var deleted int64
	err := store.Update(ctx, s.store, who.Scope(), "clearing an agent's memories", func(q db.Scoped) error {
		if _, err := ofAgent(ctx, q, agentID); err != nil {
			return err
		}
		if err := q.ForgetAgentMessages(ctx, agentID); err != nil {
			return err
		}
		var err error
		deleted, err = q.DeleteAgentMemories(ctx, agentID)
		return err
	})
	return deleted, err
}

// ClearRoom makes an agent forget the messages and documents of a room, named by its id or its channel's. An unknown room is
// no error.
func (s *Service) ClearRoom(ctx context.Context, who auth.Identity, agentID, roomID uuid.UUID) error {
	return store.Update(ctx, s.store, who.Scope(), "clearing a room's memories", func(q db.Scoped) error {
		if _, err := ofAgent(ctx, q, agentID); err != nil {
			return err
		}
		room, err := findRoom(ctx, q, agentID, roomID)
		if apierr.IsCode(err, apierr.NotFound) {
			return nil
		} else if err != nil {
			return err
		}
		return forgetRoom(ctx, q, agentID, room.Room.ID, tableMessages, tableDocuments)
	})
}

// forgetRoom makes an agent forget the messages of a room, and its memories of the given kinds; an empty one stands for all.
func forgetRoom(ctx context.Context, q db.Scoped, agentID, roomID uuid.UUID, tables ...string) error {
	if err := q.ForgetRoomMessages(ctx, db.ForgetRoomMessagesParams{RoomID: roomID, AgentID: agentID}); err != nil {
		return err
	}
	for _, table := range tables {
		if _, err := q.DeleteRoomMemories(ctx, db.DeleteRoomMemoriesParams{RoomID: roomID, AgentID: agentID, OnlyTable: table}); err != nil {
			return err
		}
	}
	return nil
}

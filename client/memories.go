package client

import (
	"context"
	"iter"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
)

// MemoriesQuery restricts a list of memories; the zero value selects the newest 1000 messages that the agent remembers, in all
// rooms.
type MemoriesQuery struct {
	Room       uuid.UUID // a room, or the channel that it stands for; zero: all
	Table      string    // kind of memories; empty: messages
	Search     string    // contained in the text, in either case; empty: all
	Embeddings bool      // also the vectors of those that have one
	Limit      int       // at most 1000; 0: 1000
	Offset     int
	From, To   time.Time // zero: unbounded
}

// Memories returns a page of what an agent remembers, newest first.
func (c *Client) Memories(ctx context.Context, agentID uuid.UUID, q MemoriesQuery) (MemoryList, error) {
	list, _, err := c.memories(ctx, agentID, q, "")
	return list, err
}

// AllMemories yields the memories of Memories without its limit, and reads pages of q.Limit as they are consumed. Memories that
// are added meanwhile are not included. An error is the last element.
func (c *Client) AllMemories(ctx context.Context, agentID uuid.UUID, q MemoriesQuery) iter.Seq2[Memory, error] {
	if q.Limit <= 0 {
		q.Limit = pageSize
	}
	return all(func(cursor string) ([]Memory, string, error) {
		list, next, err := c.memories(ctx, agentID, q, cursor)
		return list.Memories, next, err
	})
}

func (c *Client) memories(ctx context.Context, agentID uuid.UUID, q MemoriesQuery, cursor string) (list MemoryList, next string, err error) {
	params := api.ListMemoriesParams{
		TableName: text(q.Table), Search: text(q.Search), Limit: positive(q.Limit), Offset: positive(q.Offset),
		RoomID: known(q.Room), From: query(q.From), To: query(q.To), Cursor: text(cursor),
	}
	if q.Embeddings {
		params.IncludeEmbedding = new("true")
	}
	list, err = call[MemoryList](ctx, c, "listing memories", leading(&next, func(ctx context.Context) (*http.Response, error) {
		return c.api.ListMemories(ctx, agentID, &params)
	}))
	return list, next, err
}

// RoomMemories is Memories for one room, which need not be known to the agent.
func (c *Client) RoomMemories(ctx context.Context, agentID, roomID uuid.UUID, q MemoriesQuery) (MemoryList, error) {
	params := api.ListRoomMemoriesParams{
		TableName: text(q.Table), Search: text(q.Search), Limit: positive(q.Limit), Offset: positive(q.Offset),
		From: query(q.From), To: query(q.To),
	}
	if q.Embeddings {
		params.IncludeEmbedding = new("true")
	}
	return call[MemoryList](ctx, c, "listing the memories of a room", func(ctx context.Context) (*http.Response, error) {
		return c.api.ListRoomMemories(ctx, agentID, roomID, &params)
	})
}

// UpdateMemory changes the fields of a memory that are set in patch.
func (c *Client) UpdateMemory(ctx context.Context, agentID, memoryID uuid.UUID, patch MemoryPatch) (Memory, error) {
	return call[Memory](ctx, c, "changing a memory", func(ctx context.Context) (*http.Response, error) {
		return c.api.UpdateMemory(ctx, agentID, memoryID, patch)
	})
}

// DeleteMemory removes a memory of an agent. One that doesn't exist is no error.
func (c *Client) DeleteMemory(ctx context.Context, agentID, memoryID uuid.UUID) error {
	return callEmpty(ctx, c, "deleting a memory", func(ctx context.Context) (*http.Response, error) {
		return c.api.DeleteMemory(ctx, agentID, memoryID)
	})
}

// ClearMemories removes all memories of an agent, and returns how many those were.
func (c *Client) ClearMemories(ctx context.Context, agentID uuid.UUID) (int64, error) {
	data, err := call[api.MemoriesCleared](ctx, c, "deleting all memories", func(ctx context.Context) (*http.Response, error) {
		return c.api.ClearMemories(ctx, agentID)
	})
	return data.Deleted, err
}

// ClearRoomMemories removes an agent's memories of a room.
func (c *Client) ClearRoomMemories(ctx context.Context, agentID, roomID uuid.UUID) error {
	return callEmpty(ctx, c, "deleting the memories of a room", func(ctx context.Context) (*http.Response, error) {
		return c.api.ClearRoomMemories(ctx, agentID, roomID)
	})
}

// text returns a text as a query parameter; nil for the empty one.
func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

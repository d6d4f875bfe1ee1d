package rest

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/gen/apiserver"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/memory"
	"github.com/elizad/elizad/server/internal/present"
)

type memoryHandlers struct{ memories memories }

// defaultRoomMemories is how many memories of a room are listed unless the caller says otherwise.
const defaultRoomMemories = 20

func (h memoryHandlers) ListMemories(ctx context.Context, req apiserver.ListMemoriesRequestObject) (apiserver.ListMemoriesResponseObject, error) {
	p := req.Params
	query, err := memorySpan(p.Before, p.From, p.To)
	if err != nil {
		return nil, err
	}
	query.Table, query.Search, query.Embeddings = deref(firstOf(p.TableName, p.Type)), deref(p.Search), deref(p.IncludeEmbedding) == "true"
	query.Limit = looseInt(p.Limit)
	query.Offset = offsetOf(looseInt(p.Offset), looseInt(p.Page), query.Limit)
	if query.RoomID = p.RoomID; p.ChannelID != nil {
		query.RoomID = p.ChannelID
	}
	list, next, err := h.list(ctx, req.AgentID, query, p.Cursor)
	if err != nil {
		return nil, err
	}
	return apiserver.ListMemories200JSONResponse{
		Headers: apiserver.ListMemories200ResponseHeaders{Link: next}, Body: api.MemoryListEnvelope{Success: true, Data: list},
	}, nil
}

func (h memoryHandlers) ListRoomMemories(ctx context.Context, req apiserver.ListRoomMemoriesRequestObject) (apiserver.ListRoomMemoriesResponseObject, error) {
	p := req.Params
	query, err := memorySpan(p.Before, p.From, p.To)
	if err != nil {
		return nil, err
	}
	query.Table, query.Search, query.Embeddings = deref(firstOf(p.TableName, p.Type)), deref(p.Search), deref(p.IncludeEmbedding) == "true"
	if query.Limit = defaultRoomMemories; p.Limit != nil {
		query.Limit = looseInt(p.Limit)
	}
	query.Offset = offsetOf(looseInt(p.Offset), looseInt(p.Page), query.Limit)
	query.RoomID = &req.RoomID
	list, next, err := h.list(ctx, req.AgentID, query, p.Cursor)
	if err != nil {
		return nil, err
	}
	if p.TableName == nil {
		list.Success, list.Data = new(true), list.Memories
	}
	return apiserver.ListRoomMemories200JSONResponse{
		Headers: apiserver.ListRoomMemories200ResponseHeaders{Link: next}, Body: api.MemoryListEnvelope{Success: true, Data: list},
	}, nil
}

// List reads a page, and the Link header that leads to the next.
func (h memoryHandlers) list(ctx context.Context, agentID uuid.UUID, query memory.Query, cursor *string) (list api.MemoryList, next *string, err error) {
	until, err := untilFrom(cursor, &query.Offset, &query.To)
	if err != nil {
		return list, nil, err
	}
	page, more, err := h.memories.List(ctx, auth.FromContext(ctx), agentID, query)
	if more {
		next = nextUntil(ctx, until, page[0].CreatedAt, query.Offset, len(page))
	}
	return api.MemoryList{Memories: present.Each(page, present.Memory), HasMore: more}, next, err
}

func (h memoryHandlers) UpdateMemory(ctx context.Context, req apiserver.UpdateMemoryRequestObject) (apiserver.UpdateMemoryResponseObject, error) {
	m, err := h.memories.Update(ctx, auth.FromContext(ctx), req.AgentID, req.MemoryID, memory.Patch{
		Content: req.Body.Content, Metadata: req.Body.Metadata, Embedding: req.Body.Embedding,
	})
	if err != nil {
		return nil, err
	}
	return apiserver.UpdateMemory200JSONResponse{Success: true, Data: present.MemoryUpdated(m)}, nil
}

func (h memoryHandlers) DeleteMemory(ctx context.Context, req apiserver.DeleteMemoryRequestObject) (apiserver.DeleteMemoryResponseObject, error) {
	if err := h.memories.Delete(ctx, auth.FromContext(ctx), req.AgentID, req.MemoryID); err != nil {
		return nil, err
	}
	return apiserver.DeleteMemory200JSONResponse{Success: true, Data: api.MemoryDeleted{Success: true, Message: "Memory deleted successfully"}}, nil
}

func (h memoryHandlers) ClearMemories(ctx context.Context, req apiserver.ClearMemoriesRequestObject) (apiserver.ClearMemoriesResponseObject, error) {
	n, err := h.memories.Clear(ctx, auth.FromContext(ctx), req.AgentID)
	if err != nil {
		return nil, err
	}
	return apiserver.ClearMemories200JSONResponse{Success: true, Data: api.MemoriesCleared{
		Deleted: n, Message: "All agent memories cleared successfully",
	}}, nil
}

func (h memoryHandlers) ClearRoomMemories(ctx context.Context, req apiserver.ClearRoomMemoriesRequestObject) (apiserver.ClearRoomMemoriesResponseObject, error) {
	if err := h.memories.ClearRoom(ctx, auth.FromContext(ctx), req.AgentID, req.RoomID); err != nil {
		return nil, err
	}
	return apiserver.ClearRoomMemories204Response{}, nil
}

// memorySpan reads the bounds of a list; the end is the earlier of before, which may be anything, and to.
func memorySpan(before, from, to *string) (q memory.Query, err error) {
	if q.From, err = looseTime("from", from); err != nil {
		return q, err
	}
	if q.To, err = looseTime("to", to); err != nil {
		return q, err
	}
	if t, err := looseTime("before", before); err == nil {
		q.To = earlier(q.To, t)
	}
	return q, nil
}

func earlier(a, b *time.Time) *time.Time {
	if a == nil || b != nil && b.Before(*a) {
		return b
	}
	return a
}

// Bounds of paging: no list of agents' things is longer, and no number of a page makes the offset overflow.
const (
	maxPageSize = 1000
	maxPage     = 1 << 30
)

// offsetOf returns how many rows come before a page; an offset is stronger than the number of the page.
func offsetOf(offset, page, limit int) int {
	if offset > 0 || page <= 1 || limit <= 0 {
		return max(offset, 0)
	}
	return (min(page, maxPage) - 1) * min(limit, maxPageSize)
}

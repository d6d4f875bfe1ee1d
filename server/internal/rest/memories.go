package rest

import (
	"cmp"
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/gen/apiserver"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/memory"
	"github.com/elizad/elizad/server/internal/present"
)

type memoryHandlers struct {
	memories *memory.Service
	docs     present.Documents
}

// defaultRoomMemories is how many memories of a room are listed unless the caller says otherwise.
const defaultRoomMemories = "20"

func (h memoryHandlers) ListMemories(ctx context.Context, req apiserver.ListMemoriesRequestObject) (apiserver.ListMemoriesResponseObject, error) {
	list, next, err := h.list(ctx, req.AgentID, req.Params)
	if err != nil {
		return nil, err
	}
	return apiserver.ListMemories200JSONResponse{
		Headers: apiserver.ListMemories200ResponseHeaders{Link: next}, Body: api.MemoryListEnvelope{Success: true, Data: list},
	}, nil
}

func (h memoryHandlers) ListRoomMemories(ctx context.Context, req apiserver.ListRoomMemoriesRequestObject) (apiserver.ListRoomMemoriesResponseObject, error) {
	p := req.Params
	if p.Limit == nil {
		p.Limit = new(defaultRoomMemories)
	}
	list, next, err := h.list(ctx, req.AgentID, api.ListMemoriesParams{
		RoomID: &req.RoomID, TableName: p.TableName, Type: p.Type, Search: p.Search, IncludeEmbedding: p.IncludeEmbedding,
		Before: p.Before, From: p.From, To: p.To, Limit: p.Limit, Offset: p.Offset, Page: p.Page, Cursor: p.Cursor,
	})
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

// list reads a page, and the Link header that leads to the next.
func (h memoryHandlers) list(ctx context.Context, agentID uuid.UUID, p api.ListMemoriesParams) (list api.MemoryList, next *string, err error) {
	query, err := memoryQuery(p)
	if err != nil {
		return list, nil, err
	}
	until, err := untilFrom(p.Cursor, &query.Offset, &query.To)
	if err != nil {
		return list, nil, err
	}
	page, more, err := h.memories.List(ctx, auth.FromContext(ctx), agentID, query)
	if more {
		next = nextUntil(ctx, until, page[0].CreatedAt, query.Offset, len(page))
	}
	return api.MemoryList{Memories: present.Each(page, h.docs.Memory), HasMore: more}, next, err
}

func (h memoryHandlers) UpdateMemory(ctx context.Context, req apiserver.UpdateMemoryRequestObject) (apiserver.UpdateMemoryResponseObject, error) {
	m, err := h.memories.Update(ctx, auth.FromContext(ctx), req.AgentID, req.MemoryID, memory.Patch{
		Content: req.Body.Content, Metadata: req.Body.Metadata, Embedding: req.Body.Embedding,
	})
	if err != nil {
		return nil, err
	}
	return apiserver.UpdateMemory200JSONResponse{Success: true, Data: h.docs.MemoryUpdated(m)}, nil
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

// memoryQuery reads which memories are asked for. The end is the earlier of before, which may be anything, and to.
func memoryQuery(p api.ListMemoriesParams) (memory.Query, error) {
	q := memory.Query{
		Table: deref(firstOf(p.TableName, p.Type)), Search: deref(p.Search), Embeddings: deref(p.IncludeEmbedding) == "true",
		Limit: looseInt(p.Limit), RoomID: cmp.Or(p.ChannelID, p.RoomID),
	}
	q.Offset = offsetOf(looseInt(p.Offset), looseInt(p.Page), q.Limit)
	var err error
	if q.From, err = looseTime("from", p.From); err != nil {
		return q, err
	}
	if q.To, err = looseTime("to", p.To); err != nil {
		return q, err
	}
	if t, err := looseTime("before", p.Before); err == nil {
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

package rest

import (
	"context"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/gen/apiserver"
	"github.com/elizad/elizad/server/internal/audit"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/memory"
	"github.com/elizad/elizad/server/internal/present"
)

type roomHandlers struct {
	rooms *memory.Service
	docs  present.Documents
}

func (h roomHandlers) ListRooms(ctx context.Context, req apiserver.ListRoomsRequestObject) (apiserver.ListRoomsResponseObject, error) {
	offset := max(looseInt(req.Params.Offset), 0)
	if err := offsetFrom(req.Params.Cursor, &offset); err != nil {
		return nil, err
	}
	rooms, more, err := h.rooms.Rooms(ctx, auth.FromContext(ctx), req.AgentID, looseInt(req.Params.Limit), offset)
	if err != nil {
		return nil, err
	}
	var headers apiserver.ListRooms200ResponseHeaders
	if more {
		headers.Link = nextLink(ctx, offsetCursor(offset+len(rooms)))
	}
	return apiserver.ListRooms200JSONResponse{
		Headers: headers, Body: api.RoomListEnvelope{Success: true, Data: api.RoomList{Rooms: present.Each(rooms, h.docs.Room)}},
	}, nil
}

func (h roomHandlers) CreateRoom(ctx context.Context, req apiserver.CreateRoomRequestObject) (apiserver.CreateRoomResponseObject, error) {
	b := req.Body
	r, err := h.rooms.CreateRoom(ctx, auth.FromContext(ctx), req.AgentID, memory.NewRoom{
		Name: deref(b.Name), Type: deref(b.Type), Source: deref(b.Source), WorldID: b.WorldID, MessageServerID: b.MessageServerID,
		Metadata: b.Metadata,
	})
	if err != nil {
		return nil, err
	}
	audit.Target(ctx, r.ID)
	return apiserver.CreateRoom201JSONResponse{Success: true, Data: h.docs.RoomCreated(r)}, nil
}

func (h roomHandlers) GetRoom(ctx context.Context, req apiserver.GetRoomRequestObject) (apiserver.GetRoomResponseObject, error) {
	r, err := h.rooms.Room(ctx, auth.FromContext(ctx), req.AgentID, req.RoomID)
	return apiserver.GetRoom200JSONResponse{RoomAnswerJSONResponse: h.roomAnswer(r)}, err
}

func (h roomHandlers) UpdateRoom(ctx context.Context, req apiserver.UpdateRoomRequestObject) (apiserver.UpdateRoomResponseObject, error) {
	r, err := h.rooms.RenameRoom(ctx, auth.FromContext(ctx), req.AgentID, req.RoomID, deref(req.Body.Name), ifMatch(req.Params.IfMatch, roomRecord))
	return apiserver.UpdateRoom200JSONResponse{RoomAnswerJSONResponse: h.roomAnswer(r)}, err
}

// roomRecord is room for [ifMatch].
func roomRecord(r memory.Room) (api.Room, error) { return present.Documents{}.Room(r), nil }

func (h roomHandlers) DeleteRoom(ctx context.Context, req apiserver.DeleteRoomRequestObject) (apiserver.DeleteRoomResponseObject, error) {
	if err := h.rooms.DeleteRoom(ctx, auth.FromContext(ctx), req.AgentID, req.RoomID); err != nil {
		return nil, err
	}
	return apiserver.DeleteRoom204Response{}, nil
}

func (h roomHandlers) roomAnswer(r memory.Room) apiserver.RoomAnswerJSONResponse {
	w := h.docs.Room(r)
	return apiserver.RoomAnswerJSONResponse{
		Headers: apiserver.RoomAnswerResponseHeaders{ETag: shownTag(present.Documents{}.Room(r), w)}, Body: api.RoomEnvelope{Success: true, Data: w},
	}
}

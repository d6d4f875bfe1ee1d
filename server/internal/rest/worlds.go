package rest

import (
	"context"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/gen/apiserver"
	"github.com/elizad/elizad/server/internal/audit"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/jsontext"
	"github.com/elizad/elizad/server/internal/memory"
	"github.com/elizad/elizad/server/internal/present"
)

type worldHandlers struct {
	worlds *memory.Service
	docs   present.Documents
}

func (h worldHandlers) ListWorlds(ctx context.Context, _ apiserver.ListWorldsRequestObject) (apiserver.ListWorldsResponseObject, error) {
	worlds, err := h.worlds.Worlds(ctx, auth.FromContext(ctx))
	return apiserver.ListWorlds200JSONResponse{Success: true, Data: api.WorldList{Worlds: present.Each(worlds, h.docs.World)}}, err
}

func (h worldHandlers) CreateWorld(ctx context.Context, req apiserver.CreateWorldRequestObject) (apiserver.CreateWorldResponseObject, error) {
	if req.Body.Name == nil && req.Body.WorldID != nil {
		audit.Target(ctx, *req.Body.WorldID)
		w, err := h.worlds.JoinWorld(ctx, auth.FromContext(ctx), req.AgentID, *req.Body.WorldID)
		return apiserver.CreateWorld201JSONResponse{WorldAnswerJSONResponse: h.worldAnswer(w)}, err
	}
	source := jsontext.Object{}
	for name, value := range map[string]*string{"sourceType": req.Body.SourceType, "sourceId": req.Body.SourceID} {
		if value != nil {
			source[name] = jsontext.Encode(*value)
		}
	}
	w, err := h.worlds.CreateWorld(ctx, auth.FromContext(ctx), req.AgentID, memory.NewWorld{
		Name: deref(req.Body.Name), MessageServerID: req.Body.MessageServerID, Metadata: jsontext.Merge(req.Body.Metadata, source),
	})
	audit.Target(ctx, w.ID)
	return apiserver.CreateWorld201JSONResponse{WorldAnswerJSONResponse: h.worldAnswer(w)}, err
}

func (h worldHandlers) UpdateWorld(ctx context.Context, req apiserver.UpdateWorldRequestObject) (apiserver.UpdateWorldResponseObject, error) {
	w, err := h.worlds.UpdateWorld(ctx, auth.FromContext(ctx), req.AgentID, req.WorldID, memory.WorldPatch{
		Name: req.Body.Name, Metadata: req.Body.Metadata, Settings: req.Body.Settings,
	})
	return apiserver.UpdateWorld200JSONResponse{WorldAnswerJSONResponse: h.worldAnswer(w)}, err
}

func (h worldHandlers) CreateGroup(ctx context.Context, req apiserver.CreateGroupRequestObject) (apiserver.CreateGroupResponseObject, error) {
	b := req.Body
	if b.AgentIds == nil && b.Name != nil {
		worlds, err := h.worlds.ServerWorlds(ctx, auth.FromContext(ctx), req.MessageServerID, *b.Name, deref(b.Description))
		if err != nil {
			return nil, err
		}
		return apiserver.CreateGroup201JSONResponse{Success: true, Data: jsontext.Encode(h.docs.GroupWorlds(worlds))}, nil
	}
	rooms, failures, err := h.worlds.CreateGroup(ctx, auth.FromContext(ctx), memory.NewGroup{
		MessageServerID: req.MessageServerID, Agents: b.AgentIds, WorldID: b.WorldID, Name: deref(b.Name), Source: deref(b.Source),
		Metadata: b.Metadata,
	})
	if err != nil {
		return nil, err
	}
	if len(failures) > 0 {
		return apiserver.CreateGroup207JSONResponse(present.GroupPartlyCreated(rooms, failures)), nil
	}
	return apiserver.CreateGroup201JSONResponse{Success: true, Data: jsontext.Encode(present.Each(rooms, present.GroupRoom))}, nil
}

func (h worldHandlers) DeleteGroup(ctx context.Context, req apiserver.DeleteGroupRequestObject) (apiserver.DeleteGroupResponseObject, error) {
	if err := h.worlds.DeleteGroup(ctx, auth.FromContext(ctx), req.MessageServerID); err != nil {
		return nil, err
	}
	return apiserver.DeleteGroup204Response{}, nil
}

func (h worldHandlers) ClearGroupMemories(ctx context.Context, req apiserver.ClearGroupMemoriesRequestObject) (apiserver.ClearGroupMemoriesResponseObject, error) {
	if err := h.worlds.ClearGroup(ctx, auth.FromContext(ctx), req.MessageServerID); err != nil {
		return nil, err
	}
	return apiserver.ClearGroupMemories204Response{}, nil
}

func (h worldHandlers) worldAnswer(w memory.World) apiserver.WorldAnswerJSONResponse {
	return apiserver.WorldAnswerJSONResponse{Success: true, Data: h.docs.WorldResult(w)}
}

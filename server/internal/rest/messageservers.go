package rest

import (
	"context"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/gen/apiserver"
	"github.com/elizad/elizad/server/internal/audit"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/present"
)

type messageServerHandlers struct {
	servers *messaging.Service
	docs    present.Documents
}

func (h messageServerHandlers) GetCurrentMessageServer(context.Context, apiserver.GetCurrentMessageServerRequestObject) (apiserver.GetCurrentMessageServerResponseObject, error) {
	current := api.CurrentMessageServer{MessageServerID: h.servers.CurrentServer()}
	return apiserver.GetCurrentMessageServer200JSONResponse{Success: true, Data: current}, nil
}

func (h messageServerHandlers) ListMessageServers(ctx context.Context, _ apiserver.ListMessageServersRequestObject) (apiserver.ListMessageServersResponseObject, error) {
	list, err := h.servers.ListServers(ctx, auth.FromContext(ctx))
	if err != nil {
		return nil, err
	}
	servers := present.Each(list, h.docs.MessageServer)
	return apiserver.ListMessageServers200JSONResponse{
		Headers: apiserver.ListMessageServers200ResponseHeaders{XTotalCount: len(servers)},
		Body:    api.MessageServerListEnvelope{Success: true, Data: api.MessageServerList{MessageServers: servers, Servers: servers}},
	}, nil
}

func (h messageServerHandlers) CreateMessageServer(ctx context.Context, req apiserver.CreateMessageServerRequestObject) (apiserver.CreateMessageServerResponseObject, error) {
	s, err := h.servers.CreateServer(ctx, auth.FromContext(ctx), messaging.NewServer{
		Name: req.Body.Name, SourceType: req.Body.SourceType, SourceID: req.Body.SourceID, Metadata: req.Body.Metadata,
	})
	if err != nil {
		return nil, err
	}
	audit.Target(ctx, s.ID)
	return apiserver.CreateMessageServer201JSONResponse{Success: true, Data: h.docs.MessageServerCreated(s)}, nil
}

func (h messageServerHandlers) ListMessageServerAgents(ctx context.Context, req apiserver.ListMessageServerAgentsRequestObject) (apiserver.ListMessageServerAgentsResponseObject, error) {
	ids, err := h.servers.ServerAgents(ctx, auth.FromContext(ctx), req.MessageServerID)
	if err != nil {
		return nil, err
	}
	return apiserver.ListMessageServerAgents200JSONResponse{
		Success: true, Data: api.MessageServerAgentsAgain{
			Success: true, MessageServerID: req.MessageServerID, Agents: present.List(ids),
			Data: api.MessageServerAgents{MessageServerID: req.MessageServerID, Agents: present.List(ids)},
		},
	}, nil
}

func (h messageServerHandlers) AddMessageServerAgent(ctx context.Context, req apiserver.AddMessageServerAgentRequestObject) (apiserver.AddMessageServerAgentResponseObject, error) {
	audit.Target(ctx, req.Body.AgentID)
	err := h.servers.AddServerAgent(ctx, auth.FromContext(ctx), req.MessageServerID, req.Body.AgentID)
	if err != nil {
		return nil, err
	}
	return apiserver.AddMessageServerAgent201JSONResponse{MessageServerAgentAnswerJSONResponse: messageServerAgentAnswer(
		req.MessageServerID, req.Body.AgentID, "Agent added to message server successfully")}, nil
}

func (h messageServerHandlers) RemoveMessageServerAgent(ctx context.Context, req apiserver.RemoveMessageServerAgentRequestObject) (apiserver.RemoveMessageServerAgentResponseObject, error) {
	err := h.servers.RemoveServerAgent(ctx, auth.FromContext(ctx), req.MessageServerID, req.AgentID)
	if err != nil {
		return nil, err
	}
	return apiserver.RemoveMessageServerAgent200JSONResponse{MessageServerAgentAnswerJSONResponse: messageServerAgentAnswer(
		req.MessageServerID, req.AgentID, "Agent removed from message server successfully")}, nil
}

func (h messageServerHandlers) ListAgentMessageServers(ctx context.Context, req apiserver.ListAgentMessageServersRequestObject) (apiserver.ListAgentMessageServersResponseObject, error) {
	ids, err := h.servers.AgentServers(ctx, auth.FromContext(ctx), req.AgentID)
	if err != nil {
		return nil, err
	}
	return apiserver.ListAgentMessageServers200JSONResponse{
		Success: true, Data: api.AgentMessageServersAgain{
			Success: true, AgentID: req.AgentID, MessageServers: present.List(ids),
			Data: api.AgentMessageServers{AgentID: req.AgentID, MessageServers: present.List(ids)},
		},
	}, nil
}

func (h messageServerHandlers) DeleteMessageServer(ctx context.Context, req apiserver.DeleteMessageServerRequestObject) (apiserver.DeleteMessageServerResponseObject, error) {
	if err := h.servers.DeleteServer(ctx, auth.FromContext(ctx), req.MessageServerID); err != nil {
		return nil, err
	}
	return apiserver.DeleteMessageServer200JSONResponse(done("Message server deleted successfully")), nil
}

func (h messageServerHandlers) SyncMessageServerChannels(ctx context.Context, req apiserver.SyncMessageServerChannelsRequestObject) (apiserver.SyncMessageServerChannelsResponseObject, error) {
	list := make([]messaging.SourceChannel, len(req.Body.Channels))
	for i, c := range req.Body.Channels {
		kind, _, err := channelType(c.Type)
		if err != nil {
			return nil, err
		}
		list[i] = messaging.SourceChannel{SourceID: c.SourceID, Name: c.Name, Type: kind}
	}
	synced, err := h.servers.SyncChannels(ctx, auth.FromContext(ctx), req.MessageServerID, list)
	if err != nil {
		return nil, err
	}
	return apiserver.SyncMessageServerChannels200JSONResponse{Success: true, Data: api.ChannelsSynced{Synced: len(synced)}}, nil
}

func messageServerAgentAnswer(serverID, agentID uuid.UUID, done string) apiserver.MessageServerAgentAnswerJSONResponse {
	return apiserver.MessageServerAgentAnswerJSONResponse{
		Success: true, Data: api.MessageServerAgentAgain{
			Success: true, MessageServerID: serverID, AgentID: agentID, Message: done,
			Data: api.MessageServerAgent{MessageServerID: serverID, AgentID: agentID, Message: done},
		},
	}
}

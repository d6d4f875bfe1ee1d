package rest

import (
	"context"
	"encoding/json"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/gen/apiserver"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/messaging"
)

type channelHandlers struct {
	channels channels
	messages messages
	titles   Titles
}

func (h channelHandlers) ListChannels(ctx context.Context, req apiserver.ListChannelsRequestObject) (apiserver.ListChannelsResponseObject, error) {
	query := messaging.ChannelQuery{
		IncludeInternal: deref(req.Params.IncludeInternal), Limit: looseInt(req.Params.Limit), Offset: looseInt(req.Params.Offset),
	}
	if err := offsetFrom(req.Params.Cursor, &query.Offset); err != nil {
		return nil, err
	}
	page, err := h.channels.ServerChannels(ctx, auth.FromContext(ctx), req.MessageServerID, query)
	if err != nil {
		return nil, err
	}
	answer := apiserver.ListChannels200JSONResponse{
		Headers: apiserver.ListChannels200ResponseHeaders{XTotalCount: page.Total},
		Body:    api.ChannelListEnvelope{Success: true, Data: api.ChannelList{Channels: each(page.Channels, channel)}},
	}
	if next := query.Offset + len(page.Channels); len(page.Channels) > 0 && next < page.Total {
		cursor := offsetCursor(next)
		answer.Body.Data.NextCursor, answer.Headers.Link = &cursor, nextLink(ctx, cursor)
	}
	return answer, nil
}

func (h channelHandlers) GetDMChannel(ctx context.Context, req apiserver.GetDMChannelRequestObject) (apiserver.GetDMChannelResponseObject, error) {
	who := auth.FromContext(ctx)
	pair := messaging.DMRequest{A: req.Params.TargetUserID, B: who.EntityID, ServerID: messaging.DefaultServerID}
	if req.Params.CurrentUserID != nil {
		pair.B = *req.Params.CurrentUserID
	}
	if req.Params.DmServerID != nil {
		pair.ServerID = *req.Params.DmServerID
	}
	if pair.B == uuid.Nil {
		return nil, apierr.New(apierr.InvalidRequest, "Missing targetUserId or currentUserId")
	}
	c, err := h.channels.FindOrCreateDM(ctx, who, pair)
	if err != nil {
		return nil, err
	}
	return apiserver.GetDMChannel200JSONResponse{ChannelAnswerJSONResponse: channelAnswer(c)}, nil
}

func (h channelHandlers) CreateChannel(ctx context.Context, req apiserver.CreateChannelRequestObject) (apiserver.CreateChannelResponseObject, error) {
	draft, err := newChannel(*req.Body)
	if err != nil {
		return nil, err
	}
	c, err := h.channels.CreateChannel(ctx, auth.FromContext(ctx), draft)
	if err != nil {
		return nil, err
	}
	return apiserver.CreateChannel201JSONResponse{ChannelAnswerJSONResponse: channelAnswer(c)}, nil
}

func (h channelHandlers) GetChannel(ctx context.Context, req apiserver.GetChannelRequestObject) (apiserver.GetChannelResponseObject, error) {
	c, err := h.channels.Channel(ctx, auth.FromContext(ctx), req.ChannelID)
	if err != nil {
		return nil, err
	}
	return apiserver.GetChannel200JSONResponse{ChannelAnswerJSONResponse: channelAnswer(c)}, nil
}

func (h channelHandlers) UpdateChannel(ctx context.Context, req apiserver.UpdateChannelRequestObject) (apiserver.UpdateChannelResponseObject, error) {
	patch := messaging.ChannelPatch{
		Name: req.Body.Name, Topic: req.Body.Topic, Metadata: without(req.Body.Metadata, participantsKey), MergeMetadata: deref(req.Params.Merge),
		Participants: req.Body.ParticipantCentralUserIds, Policy: (*messaging.Policy)(req.Body.TurnPolicy),
		Check: ifMatch(req.Params.IfMatch, channelRecord),
	}
	c, err := h.channels.UpdateChannel(ctx, auth.FromContext(ctx), req.ChannelID, patch)
	if err != nil {
		return nil, err
	}
	return apiserver.UpdateChannel200JSONResponse{ChannelUpdatedAnswerJSONResponse: channelUpdated(c)}, nil
}

func (h channelHandlers) DeleteChannel(ctx context.Context, req apiserver.DeleteChannelRequestObject) (apiserver.DeleteChannelResponseObject, error) {
	if err := h.channels.DeleteChannel(ctx, auth.FromContext(ctx), req.ChannelID); err != nil {
		return nil, err
	}
	return apiserver.DeleteChannel204Response{}, nil
}

func (h channelHandlers) ListChannelParticipants(ctx context.Context, req apiserver.ListChannelParticipantsRequestObject) (apiserver.ListChannelParticipantsResponseObject, error) {
	ids, err := h.channels.Participants(ctx, auth.FromContext(ctx), req.ChannelID)
	if err != nil {
		return nil, err
	}
	return apiserver.ListChannelParticipants200JSONResponse{Success: true, Data: list(ids)}, nil
}

func (h channelHandlers) ListChannelAgents(ctx context.Context, req apiserver.ListChannelAgentsRequestObject) (apiserver.ListChannelAgentsResponseObject, error) {
	who := auth.FromContext(ctx)
	everybody, err := h.channels.Participants(ctx, who, req.ChannelID)
	if err != nil {
		return nil, err
	}
	agents, err := h.channels.ChannelAgents(ctx, who, req.ChannelID)
	if err != nil {
		return nil, err
	}
	return apiserver.ListChannelAgents200JSONResponse{
		Success: true, Data: api.ChannelAgents{ChannelID: req.ChannelID, Participants: list(everybody), Agents: list(agents)},
	}, nil
}

func (h channelHandlers) AddChannelAgent(ctx context.Context, req apiserver.AddChannelAgentRequestObject) (apiserver.AddChannelAgentResponseObject, error) {
	if err := h.channels.AddAgent(ctx, auth.FromContext(ctx), req.ChannelID, req.Body.AgentID); err != nil {
		return nil, err
	}
	return apiserver.AddChannelAgent201JSONResponse{ChannelAgentAnswerJSONResponse: channelAgentAnswer(
		req.ChannelID, req.Body.AgentID, "Agent added to channel successfully")}, nil
}

func (h channelHandlers) RemoveChannelAgent(ctx context.Context, req apiserver.RemoveChannelAgentRequestObject) (apiserver.RemoveChannelAgentResponseObject, error) {
	if err := h.channels.RemoveAgent(ctx, auth.FromContext(ctx), req.ChannelID, req.AgentID); err != nil {
		return nil, err
	}
	return apiserver.RemoveChannelAgent200JSONResponse{ChannelAgentAnswerJSONResponse: channelAgentAnswer(
		req.ChannelID, req.AgentID, "Agent removed from channel successfully")}, nil
}

// participantsKey is a list in a channel's metadata that some clients read and write. It shows the participants and is
// never stored.
const participantsKey = "participantCentralUserIds"

func newChannel(b api.CreateChannelRequest) (messaging.NewChannel, error) {
	kind, err := messaging.ParseChannelType(deref(b.Type))
	if err != nil {
		return messaging.NewChannel{}, err
	}
	n := messaging.NewChannel{
		ServerID: b.MessageServerID, Name: b.Name, Type: kind, Topic: b.Topic, Metadata: without(b.Metadata, participantsKey),
		Participants: b.ParticipantCentralUserIds, Policy: messaging.Policy(deref(b.TurnPolicy)),
	}
	if n.Participants == nil {
		n.Participants, err = participantsIn(b.Metadata)
	}
	return n, err
}

func participantsIn(metadata json.RawMessage) ([]uuid.UUID, error) {
	raw, ok := fieldsOf(metadata)[participantsKey]
	if !ok {
		return nil, nil
	}
	var texts []string
	if json.Unmarshal(raw, &texts) != nil {
		return nil, apierr.New(apierr.ValidationFailed, "metadata.%s must be a list of UUIDs", participantsKey)
	}
	ids := make([]uuid.UUID, len(texts))
	for i, t := range texts {
		id, err := auth.ParseID(t)
		if err != nil {
			return nil, err
		}
		ids[i] = id
	}
	return ids, nil
}

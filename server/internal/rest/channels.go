package rest

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/oapi-codegen/nullable"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/gen/apiserver"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/jsontext"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/present"
	"github.com/elizad/elizad/server/internal/runtime"
)

type channelHandlers struct {
	channels *messaging.Service
	titles   *runtime.Service
	docs     present.Documents
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
		Body:    api.ChannelListEnvelope{Success: true, Data: api.ChannelList{Channels: present.Each(page.Channels, h.docs.Channel)}},
	}
	if page.HasMore {
		cursor := offsetCursor(max(query.Offset, 0) + len(page.Channels))
		answer.Body.Data.NextCursor, answer.Headers.Link = &cursor, nextLink(ctx, cursor)
	}
	return answer, nil
}

func (h channelHandlers) GetDMChannel(ctx context.Context, req apiserver.GetDMChannelRequestObject) (apiserver.GetDMChannelResponseObject, error) {
	who := auth.FromContext(ctx)
	pair, err := sidesOf(req.Params, who.Entity())
	if err != nil {
		return nil, err
	}
	pair.ServerID = h.channels.CurrentServer()
	if req.Params.DmServerID != nil {
		pair.ServerID = *req.Params.DmServerID
	}
	c, err := h.channels.FindOrCreateDM(ctx, who, pair)
	if err != nil {
		return nil, err
	}
	return apiserver.GetDMChannel200JSONResponse{ChannelAnswerJSONResponse: h.channelAnswer(c)}, nil
}

// sidesOf reads the two sides of a direct channel in each of the ways in which clients name them.
func sidesOf(p api.GetDMChannelParams, caller uuid.UUID) (messaging.DMRequest, error) {
	target, current := cmp.Or(p.TargetUserID, p.UserId1), cmp.Or(p.CurrentUserID, p.UserId2)
	var sides []uuid.UUID
	for name := range strings.FieldsFuncSeq(deref(p.ParticipantIds), func(c rune) bool { return c == ',' }) {
		id, err := auth.ParseID(strings.TrimSpace(name))
		if err != nil {
			return messaging.DMRequest{}, apierr.Wrap(err, apierr.InvalidID, "participantIds must be two UUIDs with a comma between them")
		}
		sides = append(sides, id)
	}
	for _, side := range []*uuid.UUID{target, current, present.Optional(caller)} {
		if side != nil && len(sides) < 2 {
			sides = append(sides, *side)
		}
	}
	switch {
	case target == nil && p.ParticipantIds == nil:
		return messaging.DMRequest{}, apierr.New(apierr.InvalidRequest, "targetUserId is required, or participantIds with both sides")
	case len(sides) < 2:
		return messaging.DMRequest{}, apierr.New(apierr.InvalidRequest, "currentUserId is required: a direct channel has two sides")
	case len(sides) > 2:
		return messaging.DMRequest{}, apierr.New(apierr.InvalidRequest, "participantIds must be two UUIDs: a direct channel has two sides")
	}
	return messaging.DMRequest{A: sides[0], B: sides[1]}, nil
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
	return apiserver.CreateChannel201JSONResponse{ChannelCreatedAnswerJSONResponse: h.channelCreated(c)}, nil
}

func (h channelHandlers) GetChannel(ctx context.Context, req apiserver.GetChannelRequestObject) (apiserver.GetChannelResponseObject, error) {
	c, err := h.channels.Channel(ctx, auth.FromContext(ctx), req.ChannelID)
	if err != nil {
		return nil, err
	}
	return apiserver.GetChannel200JSONResponse{ChannelAnswerJSONResponse: h.channelAnswer(c)}, nil
}

func (h channelHandlers) UpdateChannel(ctx context.Context, req apiserver.UpdateChannelRequestObject) (apiserver.UpdateChannelResponseObject, error) {
	patch := messaging.ChannelPatch{
		Name: req.Body.Name, Topic: req.Body.Topic, Metadata: jsontext.Without(req.Body.Metadata, present.ParticipantsKey), MergeMetadata: deref(req.Params.Merge),
		Participants: req.Body.ParticipantCentralUserIds, Policy: (*messaging.Policy)(req.Body.TurnPolicy),
		Check: ifMatch(req.Params.IfMatch, channelRecord),
	}
	c, err := h.channels.UpdateChannel(ctx, auth.FromContext(ctx), req.ChannelID, patch)
	if err != nil {
		return nil, err
	}
	return apiserver.UpdateChannel200JSONResponse{ChannelUpdatedAnswerJSONResponse: h.channelUpdated(c)}, nil
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
	return apiserver.ListChannelParticipants200JSONResponse{Success: true, Data: present.List(ids)}, nil
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
		Success: true, Data: api.ChannelAgents{ChannelID: req.ChannelID, Participants: present.List(everybody), Agents: present.List(agents)},
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

func newChannel(b api.CreateChannelRequest) (messaging.NewChannel, error) {
	kind, known, err := channelType(b.Type)
	if err != nil {
		return messaging.NewChannel{}, err
	}
	metadata := jsontext.Without(b.Metadata, present.ParticipantsKey)
	if !known && messaging.AutoCreateFrom(metadata, "").DM {
		kind = messaging.TypeDM
	}
	if !known && b.Type != nil {
		metadata = jsontext.Merge(metadata, jsontext.Object{requestedTypeKey: b.Type})
	}
	n := messaging.NewChannel{
		ServerID: b.MessageServerID, Name: b.Name, Type: kind, Topic: b.Topic, Metadata: metadata,
		Participants: b.ParticipantCentralUserIds, Policy: messaging.Policy(deref(b.TurnPolicy)),
	}
	if n.Participants == nil {
		n.Participants, err = participantsIn(b.Metadata)
	}
	return n, err
}

// requestedTypeKey keeps in a channel's metadata the type that it was made with, when that is none of ours.
const requestedTypeKey = "requestedType"

// channelType reads a channel's type, which clients write as a text or a number; it is not known when it is none of ours.
func channelType(raw json.RawMessage) (kind messaging.ChannelType, known bool, err error) {
	if raw == nil {
		return messaging.TypeGroup, false, nil
	}
	var text string
	if err := json.Unmarshal(raw, &text); err == nil {
		kind, known = messaging.ParseChannelType(text)
		return kind, known, nil
	}
	var number json.Number
	if err := json.Unmarshal(raw, &number); err != nil {
		return "", false, apierr.Wrap(err, apierr.InvalidRequest, "type must be a text or a number")
	}
	return messaging.TypeGroup, false, nil
}

func participantsIn(metadata json.RawMessage) ([]uuid.UUID, error) {
	raw, ok := jsontext.ObjectOf(metadata)[present.ParticipantsKey]
	if !ok {
		return nil, nil
	}
	var texts []string
	if json.Unmarshal(raw, &texts) != nil {
		return nil, apierr.New(apierr.ValidationFailed, "metadata.%s must be a list of UUIDs", present.ParticipantsKey)
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

// channelRecord is channel for [ifMatch].
func channelRecord(c messaging.Channel) (api.Channel, error) {
	return present.Documents{}.Channel(c), nil
}

func (h channelHandlers) channelAnswer(c messaging.Channel) apiserver.ChannelAnswerJSONResponse {
	w := h.docs.Channel(c)
	return apiserver.ChannelAnswerJSONResponse{
		Headers: apiserver.ChannelAnswerResponseHeaders{ETag: h.channelTag(c)}, Body: api.ChannelEnvelope{Success: true, Data: w},
	}
}

func (h channelHandlers) channelTag(c messaging.Channel) string {
	return shownTag(present.Documents{}.Channel(c), h.docs.Channel(c))
}

func channelAgentAnswer(channelID, agentID uuid.UUID, done string) apiserver.ChannelAgentAnswerJSONResponse {
	return apiserver.ChannelAgentAnswerJSONResponse{
		Success: true, Data: api.ChannelAgent{Success: true, ChannelID: channelID, AgentID: agentID, Message: done},
	}
}

func (h channelHandlers) channelCreated(c messaging.Channel) apiserver.ChannelCreatedAnswerJSONResponse {
	return apiserver.ChannelCreatedAnswerJSONResponse{
		Headers: apiserver.ChannelCreatedAnswerResponseHeaders{ETag: h.channelTag(c)},
		Body:    api.ChannelCreatedEnvelope{Success: true, Data: h.docs.ChannelCreated(c)},
	}
}

func (h channelHandlers) channelUpdated(c messaging.Channel) apiserver.ChannelUpdatedAnswerJSONResponse {
	return apiserver.ChannelUpdatedAnswerJSONResponse{
		Headers: apiserver.ChannelUpdatedAnswerResponseHeaders{ETag: h.channelTag(c)},
		Body:    api.ChannelUpdatedEnvelope{Success: true, Data: h.docs.ChannelUpdated(c)},
	}
}

func (h channelHandlers) GenerateChannelTitle(ctx context.Context, req apiserver.GenerateChannelTitleRequestObject) (apiserver.GenerateChannelTitleResponseObject, error) {
	who := auth.FromContext(ctx)
	before, err := looseTime("before", req.Params.Before)
	if err != nil {
		return nil, err
	}
	if _, err := h.channels.Channel(ctx, who, req.ChannelID); err != nil {
		return nil, err
	}
	page, err := h.channels.History(ctx, who, req.ChannelID, messaging.HistoryQuery{Limit: looseInt(req.Params.Limit), Before: before})
	if err != nil {
		return nil, err
	}
	slices.Reverse(page.Messages)
	t, err := h.titles.Title(ctx, who, req.Body.AgentID, page.Messages)
	if err != nil {
		return nil, err
	}
	data := api.ChannelTitle{ChannelID: req.ChannelID, Title: nullable.NewNullNullable[string](), Reason: present.Optional(t.Reason)}
	if t.Text != "" {
		data.Title.Set(t.Text)
	}
	return apiserver.GenerateChannelTitle200JSONResponse{Success: true, Data: data}, nil
}

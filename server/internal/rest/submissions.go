package rest

import (
	"context"
	"encoding/json"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/gen/apiserver"
	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/messaging"
)

// What agents and bridges outside of this server send.

func (h messageHandlers) SubmitMessage(ctx context.Context, req apiserver.SubmitMessageRequestObject) (apiserver.SubmitMessageResponseObject, error) {
	posted, err := h.messages.Post(ctx, auth.FromContext(ctx), submission(*req.Body, messaging.SourceAgentResponse))
	if err != nil {
		return nil, err
	}
	return apiserver.SubmitMessage201JSONResponse{MessageAnswerJSONResponse: messageAnswer(posted.Message)}, nil
}

func (h messageHandlers) CreateAction(ctx context.Context, req apiserver.CreateActionRequestObject) (apiserver.CreateActionResponseObject, error) {
	posted, err := h.messages.Post(ctx, auth.FromContext(ctx), submission(*req.Body, messaging.SourceAgentAction))
	if err != nil {
		return nil, err
	}
	return apiserver.CreateAction201JSONResponse{MessageAnswerJSONResponse: messageAnswer(posted.Message)}, nil
}

// submission reads what an agent says. It is an answer, so that nobody is asked to reply.
func submission(b api.SubmitMessageRequest, source string) messaging.Draft {
	d := messaging.Draft{
		ID: deref(b.MessageID), ChannelID: b.ChannelID, ServerID: b.MessageServerID, AuthorID: b.AuthorID,
		AuthorName: fieldsOf(b.Metadata).text("agentName"), Content: b.Content, RawMessage: b.RawMessage, Metadata: b.Metadata,
		InReplyTo: b.InReplyToMessageID, SourceType: deref(b.SourceType), Quiet: true,
	}
	if d.SourceType == "" {
		d.SourceType = source
	}
	if d.RawMessage == nil {
		d.RawMessage = encode(map[string]string{"text": b.Content})
	}
	return d
}

func (h messageHandlers) UpdateAction(ctx context.Context, req apiserver.UpdateActionRequestObject) (apiserver.UpdateActionResponseObject, error) {
	b := deref(req.Body)
	m, err := h.messages.UpdateAction(ctx, auth.FromContext(ctx), req.MessageID, messaging.ActionUpdate{
		Content: b.Content, RawMessage: b.RawMessage, Metadata: b.Metadata, SourceType: b.SourceType, InReplyTo: b.InReplyToMessageID,
	})
	if err != nil {
		return nil, err
	}
	return apiserver.UpdateAction200JSONResponse{MessageAnswerJSONResponse: messageAnswer(m)}, nil
}

func (h messageHandlers) CompleteMessage(ctx context.Context, req apiserver.CompleteMessageRequestObject) (apiserver.CompleteMessageResponseObject, error) {
	b := *req.Body
	if b.MessageID == nil && b.ChannelID == nil {
		return nil, apierr.New(apierr.ValidationFailed, "Missing or invalid fields: messageId, or channel_id and message_server_id")
	}
	err := h.messages.Complete(ctx, auth.FromContext(ctx), messaging.Completion{
		MessageID: deref(b.MessageID), ChannelID: deref(b.ChannelID), ServerID: b.MessageServerID,
		Failed: deref(b.Status) == api.CompleteRequestStatusFailed, Detail: deref(b.Error),
	})
	if err != nil {
		return nil, err
	}
	return apiserver.CompleteMessage200JSONResponse(done("Completion event emitted")), nil
}

// done is the answer of operations that have nothing else to tell.
func done(what string) api.DoneEnvelope {
	return api.DoneEnvelope{Success: true, Message: what, Data: api.Done{Success: true, Message: &what}}
}

func (h messageHandlers) IngestExternal(ctx context.Context, req apiserver.IngestExternalRequestObject) (apiserver.IngestExternalResponseObject, error) {
	drafts, err := h.external(ctx, *req.Body)
	if err != nil {
		return nil, err
	}
	posted, err := h.messages.Ingest(ctx, auth.FromContext(ctx), drafts)
	if err != nil {
		return nil, err
	}
	ids := each(posted, func(p messaging.Posted) uuid.UUID { return p.Message.ID })
	data := api.Ingested{Processed: len(ids), MessageIds: ids}
	if len(ids) > 0 {
		data.MessageID = &ids[len(ids)-1]
	}
	return apiserver.IngestExternal202JSONResponse{Success: true, Message: "Message ingested and published to bus", Data: data}, nil
}

// external reads the messages of a request in either of its forms.
func (h messageHandlers) external(ctx context.Context, b api.IngestRequest) ([]messaging.Draft, error) {
	if b.Messages == nil {
		d, err := externalMessage(b)
		return []messaging.Draft{d}, err
	}
	platform := deref(b.Platform)
	if platform == "" {
		return nil, apierr.New(apierr.ValidationFailed, "platform is required")
	}
	channelID, err := auth.ParseID(b.ChannelID)
	if err != nil {
		c, err := h.messages.PlatformChannel(ctx, auth.FromContext(ctx), platform, b.ChannelID)
		if err != nil {
			return nil, err
		}
		channelID = c.ID
	}
	drafts := make([]messaging.Draft, len(b.Messages))
	for i, m := range b.Messages {
		drafts[i] = messaging.Draft{
			ChannelID: channelID, ServerID: b.MessageServerID, AuthorID: agent.ID(platform + ":" + m.AuthorID), AuthorName: deref(m.AuthorName),
			Content: m.Content, Metadata: dated(m.Metadata, m.Timestamp), SourceType: platform, SourceID: m.ID,
		}
	}
	return drafts, nil
}

// dated keeps the time of a message on its platform: here it counts from when it came.
func dated(metadata, timestamp json.RawMessage) json.RawMessage {
	if timestamp == nil || fieldsOf(metadata).value("timestamp") != nil {
		return metadata
	}
	return with(metadata, object{"timestamp": timestamp})
}

func externalMessage(b api.IngestRequest) (messaging.Draft, error) {
	channelID, err := auth.ParseID(b.ChannelID)
	if err != nil {
		return messaging.Draft{}, err
	}
	if b.AuthorID == nil || deref(b.Content) == "" {
		return messaging.Draft{}, apierr.New(apierr.ValidationFailed, "Invalid external message payload").
			WithDetails("channel_id, author_id and content are required, or platform, channelId and messages")
	}
	d := messaging.Draft{
		ChannelID: channelID, ServerID: b.MessageServerID, AuthorID: *b.AuthorID, AuthorName: deref(b.AuthorDisplayName), Content: *b.Content,
		RawMessage: b.RawMessage, Metadata: b.Metadata, SourceType: deref(b.SourceType), SourceID: deref(b.SourceID),
	}
	if d.SourceType == "" {
		d.SourceType = externalSource
	}
	if parent, err := auth.ParseID(deref(b.InReplyToMessageID)); err == nil {
		d.InReplyTo = &parent
	}
	return d, nil
}

// externalSource is the source type of messages whose platform isn't told.
const externalSource = "external"

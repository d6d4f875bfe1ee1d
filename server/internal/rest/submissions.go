package rest

import (
	"cmp"
	"context"
	"encoding/json"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/gen/apiserver"
	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/jsontext"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/present"
)

// What agents and bridges outside of this server send.

func (h messageHandlers) SubmitMessage(ctx context.Context, req apiserver.SubmitMessageRequestObject) (apiserver.SubmitMessageResponseObject, error) {
	posted, err := h.messages.Post(ctx, auth.FromContext(ctx), submission(*req.Body))
	if err != nil {
		return nil, err
	}
	return apiserver.SubmitMessage201JSONResponse{MessageAnswerJSONResponse: h.messageAnswer(posted.Message)}, nil
}

func (h messageHandlers) CreateAction(ctx context.Context, req apiserver.CreateActionRequestObject) (apiserver.CreateActionResponseObject, error) {
	draft := submission(*req.Body)
	draft.Quiet, draft.SourceType = true, cmp.Or(draft.SourceType, messaging.SourceAgentAction)
	posted, err := h.messages.Post(ctx, auth.FromContext(ctx), draft)
	if err != nil {
		return nil, err
	}
	return apiserver.CreateAction201JSONResponse{MessageAnswerJSONResponse: h.messageAnswer(posted.Message)}, nil
}

// submission reads a message as it was submitted; its author may be an agent.
func submission(b api.SubmitMessageRequest) messaging.Draft {
	d := messaging.Draft{
		ID: deref(b.MessageID), ChannelID: b.ChannelID, ServerID: b.MessageServerID, AuthorID: b.AuthorID,
		AuthorName: authorName(b.AuthorDisplayName, b.Metadata, "agentName"), Content: b.Content, RawMessage: b.RawMessage, Metadata: b.Metadata,
		Extras:    extras(b.Attachments, b.Thought, b.Actions, b.MentionContext),
		InReplyTo: b.InReplyToMessageID, SourceType: deref(b.SourceType), Submitted: true,
	}
	if d.RawMessage == nil {
		d.RawMessage = jsontext.Encode(map[string]string{"text": b.Content})
	}
	return d
}

// extras puts together what a request has beside a message's text.
func extras(attachments, thought, actions, mentionContext json.RawMessage) messaging.Extras {
	return messaging.Extras{Attachments: attachments, Thought: thought, Actions: actions, MentionContext: mentionContext}
}

// authorName returns the name that a request gives a message's author: its own field, or a member of the metadata.
func authorName(given *string, metadata json.RawMessage, more ...string) string {
	if name := deref(given); name != "" {
		return name
	}
	about := jsontext.ObjectOf(metadata)
	for _, member := range append([]string{"user_display_name"}, more...) {
		if name := about.Text(member); name != "" {
			return name
		}
	}
	return ""
}

// repliedTo reads the message that one answers, which clients fill as they like; nil for what is no id.
func repliedTo(id *string) *uuid.UUID {
	if parent, err := auth.ParseID(deref(id)); err == nil {
		return &parent
	}
	return nil
}

func (h messageHandlers) UpdateAction(ctx context.Context, req apiserver.UpdateActionRequestObject) (apiserver.UpdateActionResponseObject, error) {
	b := deref(req.Body)
	m, err := h.messages.UpdateAction(ctx, auth.FromContext(ctx), req.MessageID, messaging.ActionUpdate{
		Content: b.Content, RawMessage: b.RawMessage, Metadata: b.Metadata, SourceType: b.SourceType, InReplyTo: b.InReplyToMessageID,
		Extras: extras(b.Attachments, b.Thought, b.Actions, b.MentionContext),
	})
	if err != nil {
		return nil, err
	}
	return apiserver.UpdateAction200JSONResponse{MessageAnswerJSONResponse: h.messageAnswer(m)}, nil
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

func (h messageHandlers) IngestExternal(ctx context.Context, req apiserver.IngestExternalRequestObject) (apiserver.IngestExternalResponseObject, error) {
	drafts, err := h.external(ctx, *req.Body)
	if err != nil {
		return nil, err
	}
	posted, err := h.messages.Ingest(ctx, auth.FromContext(ctx), drafts)
	if err != nil {
		return nil, err
	}
	return apiserver.IngestExternal202JSONResponse{Success: true, Message: "Message ingested and published to bus", Data: ingested(posted)}, nil
}

func ingested(posted []messaging.Posted) api.Ingested {
	ids := present.Each(posted, func(p messaging.Posted) uuid.UUID { return p.Message.ID })
	data := api.Ingested{Processed: len(ids), MessageIds: ids}
	if len(ids) > 0 {
		data.MessageID = &ids[len(ids)-1]
	}
	return data
}

func (h messageHandlers) AskExternal(ctx context.Context, req apiserver.AskExternalRequestObject) (apiserver.AskExternalResponseObject, error) {
	drafts, err := h.external(ctx, *req.Body)
	if err != nil {
		return nil, err
	}
	posted, exchange, err := h.messages.Consult(ctx, auth.FromContext(ctx), drafts)
	if err != nil {
		return nil, err
	}
	data := ingested(posted)
	if exchange != nil {
		answer, err := h.answer(ctx, exchange)
		switch {
		case err == nil:
			data.Response = present.Optional(answer.Text)
		case !apierr.IsCode(err, apierr.Timeout): // an answer that comes later is in the channel
			return nil, err
		}
	}
	return apiserver.AskExternal200JSONResponse{Success: true, Message: "Message processed", Data: data}, nil
}

// external reads the messages of a request in either of its forms.
func (h messageHandlers) external(ctx context.Context, b api.IngestRequest) ([]messaging.Draft, error) {
	platform := deref(b.Platform)
	channelID, err := h.platformChannel(ctx, platform, b.ChannelID)
	if err != nil {
		return nil, err
	}
	if b.Messages == nil {
		d, err := externalMessage(b)
		d.ChannelID = channelID
		return []messaging.Draft{d}, err
	}
	if platform == "" {
		return nil, apierr.New(apierr.ValidationFailed, "platform is required")
	}
	drafts := make([]messaging.Draft, len(b.Messages))
	for i, m := range b.Messages {
		drafts[i] = messaging.Draft{
			ChannelID: channelID, ServerID: b.MessageServerID, AuthorID: agent.ID(platform + ":" + m.AuthorID),
			AuthorName: authorName(m.AuthorName, m.Metadata), Content: m.Content, Metadata: dated(m.Metadata, m.Timestamp),
			Extras:    extras(m.Attachments, m.Thought, m.Actions, m.MentionContext),
			InReplyTo: repliedTo(m.InReplyToMessageID), SourceType: platform, SourceID: m.ID,
		}
	}
	return drafts, nil
}

// platformChannel returns the channel that a request names: by its id, or by the one that it has on a platform.
func (h messageHandlers) platformChannel(ctx context.Context, platform, named string) (uuid.UUID, error) {
	id, err := auth.ParseID(named)
	if err == nil || platform == "" {
		return id, err
	}
	c, err := h.messages.PlatformChannel(ctx, auth.FromContext(ctx), platform, named)
	return c.ID, err
}

// dated keeps the time of a message on its platform: here it counts from when it came.
func dated(metadata, timestamp json.RawMessage) json.RawMessage {
	if timestamp == nil || jsontext.ObjectOf(metadata).Value("timestamp") != nil {
		return metadata
	}
	return jsontext.Merge(metadata, jsontext.Object{"timestamp": timestamp})
}

func externalMessage(b api.IngestRequest) (messaging.Draft, error) {
	if b.AuthorID == nil || deref(b.Content) == "" {
		return messaging.Draft{}, apierr.New(apierr.ValidationFailed, "Invalid external message payload").
			WithDetails("channel_id, author_id and content are required, or platform, channelId and messages")
	}
	d := messaging.Draft{
		ServerID: b.MessageServerID, AuthorID: *b.AuthorID, AuthorName: authorName(b.AuthorDisplayName, b.Metadata), Content: *b.Content,
		RawMessage: b.RawMessage, Metadata: b.Metadata, Extras: extras(b.Attachments, b.Thought, b.Actions, b.MentionContext),
		InReplyTo: repliedTo(b.InReplyToMessageID), SourceType: cmp.Or(deref(b.SourceType), deref(b.Platform), externalSource), SourceID: deref(b.SourceID),
	}
	if b.AgentID != nil {
		d.Metadata = jsontext.Merge(d.Metadata, jsontext.Object{"targetAgentId": jsontext.Encode(b.AgentID)})
		d.Create = &messaging.AutoCreate{CreatedBy: externalSource, DM: true, Others: []uuid.UUID{*b.AgentID}}
	}
	return d, nil
}

// externalSource is the source type of messages that don't name their platform.
const externalSource = "external"

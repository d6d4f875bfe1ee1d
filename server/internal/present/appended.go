package present

import (
	"encoding/json"
	"strconv"

	"github.com/google/uuid"

	"github.com/elizad/elizad/api/wire"
	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server/internal/jsontext"
	"github.com/elizad/elizad/server/internal/messaging"
)

// AppendMessagePage appends a MessageListEnvelope with a page of messages.
func (d Documents) AppendMessagePage(dst []byte, page messaging.History, cursors api.MessageCursors) []byte {
	dst = append(dst, `{"success":true,"data":{"messages":`...)
	dst = jsontext.AppendList(dst, page.Messages, d.appendMessage)
	dst = append(append(dst, `,"cursors":`...), jsontext.Encode(cursors)...)
	dst = strconv.AppendBool(append(dst, `,"hasMore":`...), page.HasMore)
	return append(dst, "}}"...)
}

// appendMessage appends what [Documents.Message] shows. What is JSON already is taken as it is.
func (d Documents) appendMessage(dst []byte, m *messaging.Message) []byte {
	dst = jsontext.AppendID(append(dst, `{"id":`...), m.ID)
	dst = jsontext.AppendID(append(dst, `,"channelId":`...), m.ChannelID)
	dst = jsontext.AppendID(append(dst, `,"messageServerId":`...), m.MessageServerID)
	dst = strconv.AppendInt(append(dst, `,"seq":`...), m.Seq, 10)
	dst = jsontext.AppendID(append(dst, `,"authorId":`...), m.AuthorID)
	dst = appendOptional(dst, `,"authorDisplayName":`, m.DisplayName())
	dst = jsontext.AppendString(append(dst, `,"content":`...), m.Content)
	raw := len(dst)
	dst = appendRaw(dst, `,"rawMessage":`, m.RawMessage)
	dst = m.AppendShownMetadata(append(dst, `,"metadata":`...))
	dst = d.files.ShowFrom(dst, raw, m.ChannelID)
	dst = appendOptional(dst, `,"sourceType":`, m.SourceType)
	dst = appendOptional(dst, `,"sourceId":`, m.SourceID)
	dst = appendNullable(dst, `,"inReplyToRootMessageId":`, m.InReplyTo)
	dst = appendOptional(dst, `,"unhandled":`, m.Unhandled)
	dst = wire.At(m.CreatedAt).AppendJSON(append(dst, `,"createdAt":`...))
	dst = wire.At(m.UpdatedAt).AppendJSON(append(dst, `,"updatedAt":`...))
	dst = strconv.AppendInt(append(dst, `,"created_at":`...), m.CreatedAt.UnixMilli(), 10)
	dst = strconv.AppendInt(append(dst, `,"updated_at":`...), m.UpdatedAt.UnixMilli(), 10)
	return append(dst, '}')
}

// AppendMessagePosted appends what [Documents.MessagePosted] shows.
func (d Documents) AppendMessagePosted(dst []byte, p messaging.Posted, answer *api.AgentResponse) []byte {
	dst = append(dst, `{"success":true`...)
	begin := len(dst)
	dst = d.appendUserMessage(append(dst, `,"userMessage":`...), &p.Message)
	if answer != nil {
		dst = append(append(dst, `,"agentResponse":`...), jsontext.Encode(answer)...)
	}
	again := dst[begin:]
	dst = d.appendMessage(append(dst, `,"data":`...), &p.Message)
	dst = append(dst[:len(dst)-len("}")], `,"success":true`...)
	dst = append(append(dst, again...), `,"runs":`...)
	dst = jsontext.AppendList(dst, p.Turns, func(dst []byte, t *messaging.Turn) []byte {
		run := RunRef(*t)
		if answer != nil && run.RunID == answer.RunID {
			run.Outcome = answer.Outcome
		}
		return append(dst, jsontext.Encode(run)...)
	})
	return append(dst, "}}"...)
}

// appendUserMessage appends what [Documents.UserMessage] shows.
func (d Documents) appendUserMessage(dst []byte, m *messaging.Message) []byte {
	dst = jsontext.AppendID(append(dst, `{"id":`...), m.ID)
	dst = strconv.AppendInt(append(dst, `,"seq":`...), m.Seq, 10)
	dst = jsontext.AppendString(append(dst, `,"content":`...), m.Content)
	metadata := len(dst)
	dst = m.AppendShownMetadata(append(dst, `,"metadata":`...))
	dst = d.files.ShowFrom(dst, metadata, m.ChannelID)
	dst = appendOptional(dst, `,"source_id":`, m.SourceID)
	for _, name := range []string{`,"channelId":`, `,"channel_id":`} {
		dst = jsontext.AppendID(append(dst, name...), m.ChannelID)
	}
	for _, name := range []string{`,"messageServerId":`, `,"message_server_id":`} {
		dst = jsontext.AppendID(append(dst, name...), m.MessageServerID)
	}
	for _, name := range []string{`,"authorId":`, `,"author_id":`} {
		dst = jsontext.AppendID(append(dst, name...), m.AuthorID)
	}
	for _, name := range []string{`,"authorDisplayName":`, `,"author_display_name":`} {
		dst = appendOptional(dst, name, m.DisplayName())
	}
	raw := d.files.Shown(m.RawMessage, m.ChannelID)
	for _, name := range []string{`,"rawMessage":`, `,"raw_message":`} {
		dst = appendRaw(dst, name, raw)
	}
	for _, name := range []string{`,"sourceType":`, `,"source_type":`} {
		dst = jsontext.AppendString(append(dst, name...), m.SourceType)
	}
	if m.InReplyTo != nil {
		for _, name := range []string{`,"in_reply_to_message_id":`, `,"inReplyToRootMessageId":`} {
			dst = jsontext.AppendID(append(dst, name...), *m.InReplyTo)
		}
	}
	dst = wire.At(m.CreatedAt).AppendJSON(append(dst, `,"createdAt":`...))
	dst = strconv.AppendInt(append(dst, `,"created_at":`...), m.CreatedAt.UnixMilli(), 10)
	return append(dst, '}')
}

// appendOptional appends a member, with its name in JSON, unless the value is empty.
func appendOptional(dst []byte, name, value string) []byte {
	if value == "" {
		return dst
	}
	return jsontext.AppendString(append(dst, name...), value)
}

// appendNullable appends a member, with its name in JSON, that is an id or null.
func appendNullable(dst []byte, name string, id *uuid.UUID) []byte {
	if dst = append(dst, name...); id == nil {
		return append(dst, "null"...)
	}
	return jsontext.AppendID(dst, *id)
}

// appendRaw appends a member, with its name in JSON, whose value is JSON already, unless there is none.
func appendRaw(dst []byte, name string, value json.RawMessage) []byte {
	if len(value) == 0 {
		return dst
	}
	return append(append(dst, name...), value...)
}

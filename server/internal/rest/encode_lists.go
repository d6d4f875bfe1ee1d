package rest

import (
	"net/http"
	"strconv"

	"github.com/elizad/elizad/api/wire"
	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server/internal/jsontext"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/runtime"
)

// The lists that clients read most. encoding/json takes longer for them than the database: they are written member by member
// instead.

// messagePage answers a request for a page of messages.
type messagePage struct {
	messaging.History
	cursors api.MessageCursors
	link    *string
}

// VisitListMessagesResponse writes the page.
func (p messagePage) VisitListMessagesResponse(w http.ResponseWriter) error {
	if p.link != nil {
		w.Header().Set("Link", *p.link)
	}
	return writeJSON(w, http.StatusOK, p.appendTo)
}

// appendTo appends a MessageListEnvelope.
func (p messagePage) appendTo(dst []byte) []byte {
	dst = append(dst, `{"success":true,"data":{"messages":`...)
	dst = appendList(dst, p.Messages, appendMessage)
	dst = append(append(dst, `,"cursors":`...), jsontext.Encode(p.cursors)...)
	dst = strconv.AppendBool(append(dst, `,"hasMore":`...), p.HasMore)
	return append(dst, "}}"...)
}

// appendMessage appends what [message] shows. What is JSON already is taken as it is.
func appendMessage(dst []byte, m *messaging.Message) []byte {
	dst = appendID(append(dst, `{"id":`...), m.ID)
	dst = appendID(append(dst, `,"channelId":`...), m.ChannelID)
	dst = appendID(append(dst, `,"messageServerId":`...), m.MessageServerID)
	dst = strconv.AppendInt(append(dst, `,"seq":`...), m.Seq, 10)
	dst = appendID(append(dst, `,"authorId":`...), m.AuthorID)
	dst = appendOptional(dst, `,"authorDisplayName":`, m.DisplayName())
	dst = jsontext.AppendString(append(dst, `,"content":`...), m.Content)
	dst = appendRaw(dst, `,"rawMessage":`, m.RawMessage)
	dst = m.AppendShownMetadata(append(dst, `,"metadata":`...))
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

// agentList answers a request for all agents.
type agentList []runtime.Summary

// VisitListAgentsResponse writes the list.
func (l agentList) VisitListAgentsResponse(w http.ResponseWriter) error {
	w.Header().Set("X-Total-Count", strconv.Itoa(len(l)))
	return writeJSON(w, http.StatusOK, l.appendTo)
}

// appendTo appends an AgentListEnvelope.
func (l agentList) appendTo(dst []byte) []byte {
	dst = append(dst, `{"success":true,"data":{"agents":`...)
	return append(appendList(dst, l, appendAgent), "}}"...)
}

// appendAgent appends an AgentListItem.
func appendAgent(dst []byte, a *runtime.Summary) []byte {
	dst = appendID(append(dst, `{"id":`...), a.ID)
	dst = jsontext.AppendString(append(dst, `,"name":`...), a.Name)
	dst = jsontext.AppendString(append(dst, `,"characterName":`...), a.Name)
	dst = jsontext.AppendString(append(dst, `,"bio":`...), a.Bio)
	dst = jsontext.AppendString(append(dst, `,"status":`...), agentState(a.Running))
	dst = strconv.AppendBool(append(dst, `,"enabled":`...), a.Enabled)
	dst = strconv.AppendInt(append(dst, `,"createdAt":`...), a.CreatedAt.UnixMilli(), 10)
	dst = strconv.AppendInt(append(dst, `,"updatedAt":`...), a.UpdatedAt.UnixMilli(), 10)
	return append(dst, '}')
}

package rest

import (
	"net/http"
	"strconv"

	"github.com/elizad/elizad/api/wire"
	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server/internal/messaging"
)

// messagePage answers a request for a page of messages. It is what clients read most, and encoding/json takes three times as
// long for it as the database: messages are written member by member instead.
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
	return writeJSON(w, p.appendTo)
}

// appendTo appends a MessageListEnvelope.
func (p messagePage) appendTo(dst []byte) []byte {
	dst = append(dst, `{"success":true,"data":{"messages":`...)
	dst = appendList(dst, p.Messages, appendMessage)
	dst = append(append(dst, `,"cursors":`...), encode(p.cursors)...)
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
	dst = appendOptional(dst, `,"authorDisplayName":`, m.AuthorName)
	dst = appendText(append(dst, `,"content":`...), m.Content)
	if len(m.RawMessage) > 0 {
		dst = append(append(dst, `,"rawMessage":`...), m.RawMessage...)
	}
	dst = append(append(dst, `,"metadata":`...), shownMetadata(m)...)
	dst = appendOptional(dst, `,"sourceType":`, m.SourceType)
	dst = appendOptional(dst, `,"sourceId":`, m.SourceID)
	if dst = append(dst, `,"inReplyToRootMessageId":`...); m.InReplyTo == nil {
		dst = append(dst, "null"...)
	} else {
		dst = appendID(dst, *m.InReplyTo)
	}
	dst = appendOptional(dst, `,"unhandled":`, m.Unhandled)
	dst = wire.At(m.CreatedAt).AppendJSON(append(dst, `,"createdAt":`...))
	dst = wire.At(m.UpdatedAt).AppendJSON(append(dst, `,"updatedAt":`...))
	dst = strconv.AppendInt(append(dst, `,"created_at":`...), m.CreatedAt.UnixMilli(), 10)
	dst = strconv.AppendInt(append(dst, `,"updated_at":`...), m.UpdatedAt.UnixMilli(), 10)
	return append(dst, '}')
}

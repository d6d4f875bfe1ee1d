package rest

import (
	"net/http"
	"strconv"

	"github.com/elizad/elizad/api/wire"
	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server/internal/jsontext"
	"github.com/elizad/elizad/server/internal/messaging"
)

// postedAnswer answers a posted message, as [messagePosted] shows it. It holds the message three times, which encoding/json
// takes longer for than everything else in a post but the database.
type postedAnswer struct {
	messaging.Posted
	answer *api.AgentResponse
}

// VisitPostMessageResponse writes the answer.
func (p postedAnswer) VisitPostMessageResponse(w http.ResponseWriter) error {
	return writeJSON(w, http.StatusCreated, p.appendTo)
}

// appendTo appends a MessagePostedEnvelope.
func (p postedAnswer) appendTo(dst []byte) []byte {
	dst = append(dst, `{"success":true`...)
	begin := len(dst)
	dst = appendUserMessage(append(dst, `,"userMessage":`...), &p.Message)
	if p.answer != nil {
		dst = append(append(dst, `,"agentResponse":`...), jsontext.Encode(p.answer)...)
	}
	again := dst[begin:]
	dst = appendMessage(append(dst, `,"data":`...), &p.Message)
	dst = append(dst[:len(dst)-len("}")], `,"success":true`...)
	dst = append(append(dst, again...), `,"runs":`...)
	dst = appendList(dst, p.Turns, func(dst []byte, t *messaging.Turn) []byte {
		run := runRef(*t)
		if p.answer != nil && run.RunID == p.answer.RunID {
			run.Outcome = p.answer.Outcome
		}
		return append(dst, jsontext.Encode(run)...)
	})
	return append(dst, "}}"...)
}

// appendUserMessage appends what [userMessage] shows.
func appendUserMessage(dst []byte, m *messaging.Message) []byte {
	dst = appendID(append(dst, `{"id":`...), m.ID)
	dst = strconv.AppendInt(append(dst, `,"seq":`...), m.Seq, 10)
	dst = jsontext.AppendString(append(dst, `,"content":`...), m.Content)
	dst = m.AppendShownMetadata(append(dst, `,"metadata":`...))
	dst = appendOptional(dst, `,"source_id":`, m.SourceID)
	for _, name := range []string{`,"channelId":`, `,"channel_id":`} {
		dst = appendID(append(dst, name...), m.ChannelID)
	}
	for _, name := range []string{`,"messageServerId":`, `,"message_server_id":`} {
		dst = appendID(append(dst, name...), m.MessageServerID)
	}
	for _, name := range []string{`,"authorId":`, `,"author_id":`} {
		dst = appendID(append(dst, name...), m.AuthorID)
	}
	for _, name := range []string{`,"authorDisplayName":`, `,"author_display_name":`} {
		dst = appendOptional(dst, name, m.DisplayName())
	}
	for _, name := range []string{`,"rawMessage":`, `,"raw_message":`} {
		dst = appendRaw(dst, name, m.RawMessage)
	}
	for _, name := range []string{`,"sourceType":`, `,"source_type":`} {
		dst = jsontext.AppendString(append(dst, name...), m.SourceType)
	}
	if m.InReplyTo != nil {
		for _, name := range []string{`,"in_reply_to_message_id":`, `,"inReplyToRootMessageId":`} {
			dst = appendID(append(dst, name...), *m.InReplyTo)
		}
	}
	dst = wire.At(m.CreatedAt).AppendJSON(append(dst, `,"createdAt":`...))
	dst = strconv.AppendInt(append(dst, `,"created_at":`...), m.CreatedAt.UnixMilli(), 10)
	return append(dst, '}')
}

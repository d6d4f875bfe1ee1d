package rest

import (
	"context"
	"encoding/json"
	"time"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/gen/apiserver"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/present"
)

// Single messages, and finding them.

func (h messageHandlers) GetMessage(ctx context.Context, req apiserver.GetMessageRequestObject) (apiserver.GetMessageResponseObject, error) {
	m, err := h.messages.Message(ctx, auth.FromContext(ctx), req.MessageID)
	if err != nil {
		return nil, err
	}
	return apiserver.GetMessage200JSONResponse{MessageAnswerJSONResponse: messageAnswer(m)}, nil
}

func (h messageHandlers) UpdateMessage(ctx context.Context, req apiserver.UpdateMessageRequestObject) (apiserver.UpdateMessageResponseObject, error) {
	m, err := h.messages.EditMessage(ctx, auth.FromContext(ctx), req.MessageID, req.Body.Content, ifMatch(req.Params.IfMatch, messageRecord))
	if err != nil {
		return nil, err
	}
	return apiserver.UpdateMessage200JSONResponse{MessageAnswerJSONResponse: messageAnswer(m)}, nil
}

// messageRecord is message for [ifMatch].
func messageRecord(m messaging.Message) (api.Message, error) { return present.Message(m), nil }

func messageAnswer(m messaging.Message) apiserver.MessageAnswerJSONResponse {
	w := present.Message(m)
	return apiserver.MessageAnswerJSONResponse{
		Headers: apiserver.MessageAnswerResponseHeaders{ETag: etag(w)}, Body: api.MessageEnvelope{Success: true, Data: w},
	}
}

func (h messageHandlers) SearchMessages(ctx context.Context, req apiserver.SearchMessagesRequestObject) (apiserver.SearchMessagesResponseObject, error) {
	query, err := searchQuery(*req.Body)
	if err != nil {
		return nil, err
	}
	until, err := untilFrom(req.Body.Cursor, &query.Offset, &query.To)
	if err != nil {
		return nil, err
	}
	page, err := h.messages.Search(ctx, auth.FromContext(ctx), query)
	if err != nil {
		return nil, err
	}
	found := api.MessageSearch{Messages: present.Each(page.Messages, present.Message), Total: page.Total, HasMore: page.HasMore}
	if page.HasMore && len(page.Messages) > 0 {
		found.NextCursor = new(nextUntilCursor(until, page.Messages[0].CreatedAt, page.Offset, len(page.Messages)))
	}
	return apiserver.SearchMessages200JSONResponse{
		Headers: apiserver.SearchMessages200ResponseHeaders{XTotalCount: page.Total},
		Body:    api.MessageSearchEnvelope{Success: true, Data: found},
	}, nil
}

func searchQuery(b api.SearchMessagesRequest) (q messaging.SearchQuery, err error) {
	q = messaging.SearchQuery{Text: deref(b.Query), ChannelID: b.ChannelID, AuthorID: b.AuthorID, Limit: deref(b.Limit), Offset: deref(b.Offset), Page: deref(b.Page)}
	if q.From, err = looseMoment("from", b.From); err != nil {
		return q, err
	}
	if q.To, err = looseMoment("to", b.To); err != nil {
		return q, err
	}
	return q, nil
}

// looseMoment reads a moment from a body: a number of milliseconds, or a text as queries have it.
func looseMoment(name string, raw json.RawMessage) (*time.Time, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	text := string(raw)
	if raw[0] == '"' {
		if err := json.Unmarshal(raw, &text); err != nil {
			return nil, bodyError(err)
		}
	}
	return looseTime(name, &text)
}

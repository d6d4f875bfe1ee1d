package rest

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/gen/apiserver"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/present"
)

type messageHandlers struct {
	messages    *messaging.Service
	docs        present.Documents
	httpTimeout time.Duration
}

// autoCreated marks the channels that a posted message makes.
const autoCreated = "gui_auto_creation"

func (h messageHandlers) ListMessages(ctx context.Context, req apiserver.ListMessagesRequestObject) (apiserver.ListMessagesResponseObject, error) {
	query, err := historyQuery(req.Params)
	if err != nil {
		return nil, err
	}
	page, err := h.messages.History(ctx, auth.FromContext(ctx), req.ChannelID, query)
	if err != nil {
		return nil, err
	}
	cursors := present.MessageCursors(page)
	cursors.Next, cursors.Prev = historyCursors(query, page)
	return messagePage{h.docs, page, cursors, pageLinks(ctx, deref(cursors.Next), deref(cursors.Prev))}, nil
}

func (h messageHandlers) PostMessage(ctx context.Context, req apiserver.PostMessageRequestObject) (apiserver.PostMessageResponseObject, error) {
	draft := onceUnder(req.Params.IdempotencyKey, draftOf(req.ChannelID, *req.Body), auth.FromContext(ctx))
	sent, err := h.post(ctx, outgoing{draft, messaging.Addressee(draft.Metadata), deref(req.Body.Transport), req.Params.LastEventID})
	switch {
	case err != nil:
		return nil, err
	case sent.stream != nil:
		return sent.stream, nil
	default:
		return postedAnswer{h.docs, sent.Posted, sent.answer}, nil
	}
}

// outgoing is a message on its way, and how its sender wants to get the answer.
type outgoing struct {
	draft       messaging.Draft
	target      uuid.UUID // the agent that is to answer, for callers that wait; the zero id leaves the choice to the channel
	transport   api.Transport
	lastEventID *string
}

// delivery is a message that was posted, with what came of it: the answer, or a stream that will bring it, or neither.
type delivery struct {
	messaging.Posted
	answer *api.AgentResponse
	stream *eventStream
}

// post posts a message over its transport.
func (h messageHandlers) post(ctx context.Context, m outgoing) (delivery, error) {
	switch m.transport {
	case "", api.TransportWebsocket:
		p, err := h.messages.Post(ctx, auth.FromContext(ctx), m.draft)
		return delivery{Posted: p}, err
	case api.TransportHTTP, api.TransportSync:
		return h.ask(ctx, m)
	case api.TransportSse, api.TransportStream:
		m.draft.Resume = readPosition(deref(m.lastEventID))
		exchange, err := h.messages.Ask(ctx, auth.FromContext(ctx), m.draft, m.target)
		if err != nil {
			return delivery{}, err
		}
		return delivery{Posted: exchange.Posted, stream: newEventStream(ctx, h.docs, exchange)}, nil
	default:
		return delivery{}, apierr.New(apierr.ValidationFailed,
			"Invalid transport %q. Must be one of: http, sse, websocket, sync, stream", m.transport)
	}
}

// ask posts a message and waits for the end of the agent's turn.
func (h messageHandlers) ask(ctx context.Context, m outgoing) (delivery, error) {
	exchange, err := h.messages.Ask(ctx, auth.FromContext(ctx), m.draft, m.target)
	if err != nil {
		return delivery{}, err
	}
	answer, err := h.answer(ctx, exchange)
	if err != nil {
		return delivery{}, err
	}
	return delivery{Posted: exchange.Posted, answer: answer}, nil
}

// answer waits for the end of the agent's turn, and closes the exchange.
func (h messageHandlers) answer(ctx context.Context, exchange *messaging.Exchange) (*api.AgentResponse, error) {
	end, err := h.await(ctx, exchange)
	if err != nil {
		return nil, err
	}
	answer, err := h.docs.AgentResponse(exchange.Turn, end)
	return &answer, err
}

// await waits for the end of the agent's turn, and closes the exchange.
func (h messageHandlers) await(ctx context.Context, exchange *messaging.Exchange) (messaging.TurnResult, error) {
	defer exchange.Close()
	ctx, cancel := context.WithTimeoutCause(ctx, h.httpTimeout, apierr.New(apierr.Timeout, "The agent did not answer in time").
		WithDetails("The message is stored; the answer will appear in the channel"))
	defer cancel()
	for event, err := range exchange.Events(ctx) {
		switch {
		case err != nil:
			return messaging.TurnResult{}, err
		case event.End != nil:
			return *event.End, nil
		}
	}
	return messaging.TurnResult{}, apierr.New(apierr.Internal, "The answer did not come to an end")
}

func (h messageHandlers) ClearChannel(ctx context.Context, req apiserver.ClearChannelRequestObject) (apiserver.ClearChannelResponseObject, error) {
	if err := h.messages.ClearChannel(ctx, auth.FromContext(ctx), req.ChannelID); err != nil {
		return nil, err
	}
	return apiserver.ClearChannel204Response{}, nil
}

func (h messageHandlers) DeleteMessage(ctx context.Context, req apiserver.DeleteMessageRequestObject) (apiserver.DeleteMessageResponseObject, error) {
	if err := h.messages.DeleteMessage(ctx, auth.FromContext(ctx), req.ChannelID, req.MessageID); err != nil {
		return nil, err
	}
	return apiserver.DeleteMessage204Response{}, nil
}

func (h messageHandlers) CancelAnswer(ctx context.Context, req apiserver.CancelAnswerRequestObject) (apiserver.CancelAnswerResponseObject, error) {
	turns, err := h.messages.CancelAnswer(ctx, auth.FromContext(ctx), req.ChannelID, req.MessageID)
	if err != nil {
		return nil, err
	}
	return apiserver.CancelAnswer200JSONResponse{CancellationAnswerJSONResponse: cancellationAnswer(turns...)}, nil
}

func historyQuery(p api.ListMessagesParams) (q messaging.HistoryQuery, err error) {
	q.Limit, q.Offset = looseInt(p.Limit), looseInt(p.Offset)
	if q.Before, err = looseTime("before", p.Before); err != nil {
		return q, err
	}
	if q.After, err = looseTime("after", p.After); err != nil {
		return q, err
	}
	q.BeforeSeq, q.AfterSeq, err = seqFrom(p.Cursor)
	return q, err
}

func draftOf(channelID uuid.UUID, b api.PostMessageRequest) messaging.Draft {
	return messaging.Draft{
		ChannelID: channelID, ServerID: b.MessageServerID, AuthorID: deref(b.AuthorID), AuthorName: authorName(b.AuthorDisplayName, b.Metadata),
		Content: deref(b.Content), RawMessage: b.RawMessage, Metadata: b.Metadata, SourceType: deref(b.SourceType),
		Extras: extras(b.Attachments, b.Thought, b.Actions, b.MentionContext), InReplyTo: repliedTo(b.InReplyToMessageID),
		ClientID: deref(b.ClientMessageID), Create: messaging.AutoCreateFrom(b.Metadata, autoCreated),
	}
}

// onceUnder gives a message an id that follows from its request's idempotency key: another attempt, of which the kept answers
// know nothing, finds the message there. A message with a clientMessageId has such a name already.
func onceUnder(key *string, d messaging.Draft, who auth.Identity) messaging.Draft {
	if k := deref(key); k != "" && d.ClientID == "" {
		d.ID = uuid.NewSHA1(d.ChannelID, []byte("request:"+who.Entity().String()+":"+d.AuthorID.String()+":"+k))
	}
	return d
}

func (h messageHandlers) GetMessage(ctx context.Context, req apiserver.GetMessageRequestObject) (apiserver.GetMessageResponseObject, error) {
	m, err := h.messages.Message(ctx, auth.FromContext(ctx), req.MessageID)
	if err != nil {
		return nil, err
	}
	return apiserver.GetMessage200JSONResponse{MessageAnswerJSONResponse: h.messageAnswer(m)}, nil
}

func (h messageHandlers) UpdateMessage(ctx context.Context, req apiserver.UpdateMessageRequestObject) (apiserver.UpdateMessageResponseObject, error) {
	m, err := h.messages.EditMessage(ctx, auth.FromContext(ctx), req.MessageID, req.Body.Content, ifMatch(req.Params.IfMatch, messageRecord))
	if err != nil {
		return nil, err
	}
	return apiserver.UpdateMessage200JSONResponse{MessageAnswerJSONResponse: h.messageAnswer(m)}, nil
}

// messageRecord is message for [ifMatch].
func messageRecord(m messaging.Message) (api.Message, error) {
	return present.Documents{}.Message(m), nil
}

func (h messageHandlers) messageAnswer(m messaging.Message) apiserver.MessageAnswerJSONResponse {
	w := h.docs.Message(m)
	return apiserver.MessageAnswerJSONResponse{
		Headers: apiserver.MessageAnswerResponseHeaders{ETag: shownTag(present.Documents{}.Message(m), w)}, Body: api.MessageEnvelope{Success: true, Data: w},
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
	found := api.MessageSearch{Messages: present.Each(page.Messages, h.docs.Message), Total: page.Total, HasMore: page.HasMore}
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

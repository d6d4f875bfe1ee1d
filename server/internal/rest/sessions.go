package rest

import (
	"context"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/elizad/elizad/api/wire"
	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/gen/apiserver"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/jsontext"
	"github.com/elizad/elizad/server/internal/present"
	"github.com/elizad/elizad/server/internal/session"
)

type sessionHandlers struct {
	sessions *session.Service
	messages messageHandlers
	started  time.Time
}

func (h sessionHandlers) CreateSession(ctx context.Context, req apiserver.CreateSessionRequestObject) (apiserver.CreateSessionResponseObject, error) {
	s, err := h.sessions.Create(ctx, auth.FromContext(ctx), session.NewSession{
		AgentID: req.Body.AgentID, UserID: req.Body.UserID, Metadata: req.Body.Metadata, Timeouts: timeoutPatch(jsontext.ObjectOf(req.Body.TimeoutConfig)),
	})
	if err != nil {
		return nil, err
	}
	return apiserver.CreateSession201JSONResponse(h.messages.docs.Session(s)), nil
}

func (h sessionHandlers) GetSession(ctx context.Context, req apiserver.GetSessionRequestObject) (apiserver.GetSessionResponseObject, error) {
	s, err := h.sessions.Get(ctx, auth.FromContext(ctx), req.SessionID)
	if err != nil {
		return nil, err
	}
	return apiserver.GetSession200JSONResponse{SessionAnswerJSONResponse: apiserver.SessionAnswerJSONResponse(h.messages.docs.Session(s))}, nil
}

func (h sessionHandlers) ListSessions(ctx context.Context, req apiserver.ListSessionsRequestObject) (apiserver.ListSessionsResponseObject, error) {
	query := session.Query{Limit: looseInt(req.Params.Limit), Offset: max(looseInt(req.Params.Offset), 0)}
	until, err := untilFrom(req.Params.Cursor, &query.Offset, &query.Until)
	if err != nil {
		return nil, err
	}
	found, counts, err := h.sessions.List(ctx, auth.FromContext(ctx), query)
	if err != nil {
		return nil, err
	}
	var headers apiserver.ListSessions200ResponseHeaders
	if end := query.Offset + len(found); len(found) > 0 && end < counts.Live {
		headers.Link = nextUntil(ctx, until, found[0].CreatedAt, query.Offset, len(found))
	}
	return apiserver.ListSessions200JSONResponse{Headers: headers, Body: api.SessionList{
		Sessions: present.Each(found, h.messages.docs.Session), Total: counts.Live,
		Stats: api.SessionStats{TotalSessions: counts.Live + counts.Expired, ActiveSessions: counts.Live, ExpiredSessions: counts.Expired},
	}}, nil
}

func (h sessionHandlers) GetSessionsHealth(ctx context.Context, _ apiserver.GetSessionsHealthRequestObject) (apiserver.GetSessionsHealthResponseObject, error) {
	counts, err := h.sessions.Counts(ctx)
	if err != nil {
		return nil, err
	}
	return apiserver.GetSessionsHealth200JSONResponse{
		Status: "healthy", ActiveSessions: counts.Live, ExpiringSoon: counts.NearEnd, Timestamp: wire.At(time.Now()),
		Uptime: time.Since(h.started).Seconds(),
	}, nil
}

func (h sessionHandlers) PostSessionMessage(ctx context.Context, req apiserver.PostSessionMessageRequestObject) (apiserver.PostSessionMessageResponseObject, error) {
	b := req.Body
	draft, err := h.sessions.Draft(ctx, auth.FromContext(ctx), req.SessionID, session.Message{
		Content: b.Content, Extras: extras(b.Attachments, b.Thought, b.Actions, b.MentionContext), Metadata: b.Metadata,
		AuthorName: authorName(b.AuthorDisplayName, b.Metadata), InReplyTo: repliedTo(b.InReplyToMessageID), ClientID: deref(b.ClientMessageID),
	})
	if err != nil {
		return nil, err
	}
	said := onceUnder(req.Params.IdempotencyKey, draft.Draft, auth.FromContext(ctx))
	sent, err := h.messages.post(ctx, outgoing{said, draft.Session.AgentID, deref(b.Transport), req.Params.LastEventID})
	if err != nil {
		return nil, err
	}
	status := present.SessionStatus(draft.Update(sent.Posted))
	if sent.stream != nil {
		sent.stream.extra = jsontext.Object{"sessionStatus": jsontext.Encode(status)}
		return sent.stream, nil
	}
	return apiserver.PostSessionMessage201JSONResponse(h.messages.docs.SessionMessagePosted(sent.Posted, sent.answer, status)), nil
}

func (h sessionHandlers) ListSessionMessages(ctx context.Context, req apiserver.ListSessionMessagesRequestObject) (apiserver.ListSessionMessagesResponseObject, error) {
	const most = 100
	p := req.Params
	query, err := historyQuery(api.ListMessagesParams{Limit: p.Limit, Before: p.Before, After: p.After, Cursor: p.Cursor})
	if err != nil {
		return nil, err
	}
	query.Limit = min(query.Limit, most)
	s, page, err := h.sessions.History(ctx, auth.FromContext(ctx), req.SessionID, query)
	if err != nil {
		return nil, err
	}
	list := h.messages.docs.SessionMessages(s, page)
	list.Cursors.Next, list.Cursors.Prev = historyCursors(query, page)
	return apiserver.ListSessionMessages200JSONResponse{
		Headers: apiserver.ListSessionMessages200ResponseHeaders{Link: pageLinks(ctx, deref(list.Cursors.Next), deref(list.Cursors.Prev))},
		Body:    list,
	}, nil
}

func (h sessionHandlers) RenewSession(ctx context.Context, req apiserver.RenewSessionRequestObject) (apiserver.RenewSessionResponseObject, error) {
	s, err := h.sessions.Renew(ctx, auth.FromContext(ctx), req.SessionID)
	if err != nil {
		return nil, err
	}
	return apiserver.RenewSession200JSONResponse{SessionAnswerJSONResponse: apiserver.SessionAnswerJSONResponse(h.messages.docs.Session(s))}, nil
}

func (h sessionHandlers) HeartbeatSession(ctx context.Context, req apiserver.HeartbeatSessionRequestObject) (apiserver.HeartbeatSessionResponseObject, error) {
	s, err := h.sessions.Heartbeat(ctx, auth.FromContext(ctx), req.SessionID)
	if err != nil {
		return nil, err
	}
	return apiserver.HeartbeatSession200JSONResponse{SessionAnswerJSONResponse: apiserver.SessionAnswerJSONResponse(h.messages.docs.Session(s))}, nil
}

func (h sessionHandlers) UpdateSessionTimeout(ctx context.Context, req apiserver.UpdateSessionTimeoutRequestObject) (apiserver.UpdateSessionTimeoutResponseObject, error) {
	s, err := h.sessions.ChangeTimeouts(ctx, auth.FromContext(ctx), req.SessionID, session.TimeoutPatch{
		Timeout: looseNumber(req.Body.TimeoutMinutes), MaxDuration: looseNumber(req.Body.MaxDurationMinutes),
		Warning: looseNumber(req.Body.WarningThresholdMinutes), AutoRenew: req.Body.AutoRenew,
	})
	if err != nil {
		return nil, err
	}
	return apiserver.UpdateSessionTimeout200JSONResponse{SessionAnswerJSONResponse: apiserver.SessionAnswerJSONResponse(h.messages.docs.Session(s))}, nil
}

func (h sessionHandlers) DeleteSession(ctx context.Context, req apiserver.DeleteSessionRequestObject) (apiserver.DeleteSessionResponseObject, error) {
	if err := h.sessions.End(ctx, auth.FromContext(ctx), req.SessionID); err != nil {
		return nil, err
	}
	out := apiserver.DeleteSession200JSONResponse{Success: true, Message: "Session " + req.SessionID.String() + " deleted successfully"}
	out.Data.Success = true
	return out, nil
}

// timeoutPatch reads time-outs as clients write them when they begin a session.
func timeoutPatch(o jsontext.Object) session.TimeoutPatch {
	p := session.TimeoutPatch{
		Timeout: looseNumber(o.Value("timeoutMinutes")), MaxDuration: looseNumber(o.Value("maxDurationMinutes")),
		Warning: looseNumber(o.Value("warningThresholdMinutes")),
	}
	switch word := strings.ToLower(strings.Trim(string(o.Value("autoRenew")), `"`)); {
	case slices.Contains([]string{"true", "1", "yes", "on"}, word):
		p.AutoRenew = new(true)
	case slices.Contains([]string{"false", "0", "no", "off"}, word):
		p.AutoRenew = new(false)
	}
	return p
}

// looseNumber reads a number, or text that holds one; NaN stands for anything else, and nil for nothing.
func looseNumber(raw json.RawMessage) *float64 {
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	var text string
	if json.Unmarshal(raw, &text) != nil {
		text = string(raw)
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil {
		n = math.NaN()
	}
	return &n
}

package rest

import (
	"context"
	"strings"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/gen/apiserver"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/present"
	"github.com/elizad/elizad/server/internal/usage"
)

type runHandlers struct {
	runs   *messaging.Service
	agents Agents
}

func (h runHandlers) ListRuns(ctx context.Context, req apiserver.ListRunsRequestObject) (apiserver.ListRunsResponseObject, error) {
	query, err := runQuery(req.Params)
	if err != nil {
		return nil, err
	}
	until, err := untilFrom(req.Params.Cursor, &query.Offset, &query.Until)
	if err != nil {
		return nil, err
	}
	runs, total, err := h.runs.Runs(ctx, auth.FromContext(ctx), req.AgentID, query)
	if err != nil {
		return nil, err
	}
	list := api.RunList{Runs: present.Each(runs, present.RunSummary), Total: total, HasMore: len(runs) > 0 && query.Offset+len(runs) < total}
	headers := apiserver.ListRuns200ResponseHeaders{XTotalCount: total}
	if list.HasMore {
		headers.Link = nextUntil(ctx, until, runs[0].QueuedAt, query.Offset, len(runs))
	}
	return apiserver.ListRuns200JSONResponse{Headers: headers, Body: api.RunListEnvelope{Success: true, Data: list}}, nil
}

func (h runHandlers) GetRun(ctx context.Context, req apiserver.GetRunRequestObject) (apiserver.GetRunResponseObject, error) {
	run, log, err := h.runs.Run(ctx, auth.FromContext(ctx), req.AgentID, req.RunID)
	if err != nil {
		return nil, err
	}
	detail := api.RunDetail{Summary: present.RunSummary(run), Events: present.Each(log, present.RunEvent)}
	return apiserver.GetRun200JSONResponse{
		Headers: apiserver.GetRun200ResponseHeaders{ETag: etag(detail)}, Body: api.RunDetailEnvelope{Success: true, Data: detail},
	}, nil
}

func (h runHandlers) CancelRun(ctx context.Context, req apiserver.CancelRunRequestObject) (apiserver.CancelRunResponseObject, error) {
	turn, err := h.runs.CancelRun(ctx, req.AgentID, req.RunID)
	if err != nil {
		return nil, err
	}
	return apiserver.CancelRun200JSONResponse{CancellationAnswerJSONResponse: cancellationAnswer(turn)}, nil
}

// cancellationAnswer shows the turns that were to be cancelled.
func cancellationAnswer(turns ...messaging.Turn) apiserver.CancellationAnswerJSONResponse {
	return apiserver.CancellationAnswerJSONResponse{Success: true, Data: api.Cancellation{Runs: present.Each(turns, present.RunRef)}}
}

func (h runHandlers) GetAgentUsage(ctx context.Context, req apiserver.GetAgentUsageRequestObject) (apiserver.GetAgentUsageResponseObject, error) {
	from, err := looseTime("from", req.Params.From)
	if err != nil {
		return nil, err
	}
	to, err := looseTime("to", req.Params.To)
	if err != nil {
		return nil, err
	}
	used, err := h.agents.Usage(ctx, auth.FromContext(ctx), req.AgentID, from, to)
	if err != nil {
		return nil, err
	}
	var total usage.Sum
	for _, d := range used.Days {
		total = total.Plus(d.Sum)
	}
	return apiserver.GetAgentUsage200JSONResponse{Success: true, Data: api.AgentUsage{
		Days: present.Each(used.Days, present.UsageDay), Total: present.ModelUsage(total), HasMore: used.More, Budgets: present.Each(used.Budgets, present.UsageBudget),
	}}, nil
}

func runQuery(p api.ListRunsParams) (q messaging.RunQuery, err error) {
	q.ChannelID = p.RoomID
	q.Limit = looseInt(p.Limit)
	if p.Status != nil && api.RunStatus(*p.Status).Valid() {
		q.Status = *p.Status
	}
	if q.From, err = looseTime("from", p.From); err != nil {
		return q, err
	}
	q.To, err = looseTime("to", p.To)
	return q, err
}

// defaultLogs is how many entries of a log are listed unless the caller says otherwise.
const defaultLogs = 10

func (h runHandlers) ListAgentLogs(ctx context.Context, req apiserver.ListAgentLogsRequestObject) (apiserver.ListAgentLogsResponseObject, error) {
	query, err := logQuery(req.Params)
	if err != nil {
		return nil, err
	}
	until, err := untilFrom(req.Params.Cursor, &query.Offset, &query.To)
	if err != nil {
		return nil, err
	}
	entries, more, err := h.runs.Logs(ctx, auth.FromContext(ctx), req.AgentID, query)
	if err != nil {
		return nil, err
	}
	var headers apiserver.ListAgentLogs200ResponseHeaders
	if more {
		headers.Link = nextUntil(ctx, until, entries[0].At, query.Offset, len(entries))
	}
	return apiserver.ListAgentLogs200JSONResponse{
		Headers: headers, Body: api.AgentLogEnvelope{Success: true, Data: present.Each(entries, present.AgentLogEntry)},
	}, nil
}

func (h runHandlers) DeleteAgentLog(ctx context.Context, req apiserver.DeleteAgentLogRequestObject) (apiserver.DeleteAgentLogResponseObject, error) {
	if err := h.runs.DeleteLog(ctx, auth.FromContext(ctx), req.AgentID, req.LogID); err != nil {
		return nil, err
	}
	return apiserver.DeleteAgentLog204Response{}, nil
}

func logQuery(p api.ListAgentLogsParams) (q messaging.LogQuery, err error) {
	q.ChannelID, q.Kind, q.Search, q.Limit = p.RoomID, deref(p.Type), deref(p.Search), defaultLogs
	if p.Count != nil {
		q.Limit = *p.Count
	}
	if p.Limit != nil {
		q.Limit = *p.Limit
	}
	q.Offset = offsetOf(deref(p.Offset), deref(p.Page), q.Limit)
	for _, types := range p.ExcludeTypes {
		q.Exclude = append(q.Exclude, strings.FieldsFunc(types, func(r rune) bool { return r == ',' || r == ' ' })...)
	}
	if q.From, err = looseTime("from", firstOf(p.From, p.Since)); err != nil {
		return q, err
	}
	q.To, err = looseTime("to", firstOf(p.To, p.Until))
	return q, err
}

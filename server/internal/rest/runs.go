package rest

import (
	"context"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/gen/apiserver"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/messaging"
)

type runHandlers struct{ runs runs }

func (h runHandlers) ListRuns(ctx context.Context, req apiserver.ListRunsRequestObject) (apiserver.ListRunsResponseObject, error) {
	query, err := runQuery(req.Params)
	if err != nil {
		return nil, err
	}
	runs, total, err := h.runs.Runs(ctx, auth.FromContext(ctx), req.AgentID, query)
	if err != nil {
		return nil, err
	}
	list := api.RunList{Runs: each(runs, runSummary), Total: total, HasMore: total > len(runs)}
	return apiserver.ListRuns200JSONResponse{Success: true, Data: list}, nil
}

func (h runHandlers) GetRun(ctx context.Context, req apiserver.GetRunRequestObject) (apiserver.GetRunResponseObject, error) {
	run, log, err := h.runs.Run(ctx, auth.FromContext(ctx), req.AgentID, req.RunID)
	if err != nil {
		return nil, err
	}
	detail := api.RunDetail{Summary: runSummary(run), Events: each(log, runEvent)}
	return apiserver.GetRun200JSONResponse{Success: true, Data: detail}, nil
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

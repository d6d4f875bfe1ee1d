package rest

import (
	"context"
	"slices"

	"github.com/oapi-codegen/nullable"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/gen/apiserver"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/present"
)

func (h channelHandlers) GenerateChannelTitle(ctx context.Context, req apiserver.GenerateChannelTitleRequestObject) (apiserver.GenerateChannelTitleResponseObject, error) {
	who := auth.FromContext(ctx)
	before, err := looseTime("before", req.Params.Before)
	if err != nil {
		return nil, err
	}
	if _, err := h.channels.Channel(ctx, who, req.ChannelID); err != nil {
		return nil, err
	}
	page, err := h.messages.History(ctx, who, req.ChannelID, messaging.HistoryQuery{Limit: looseInt(req.Params.Limit), Before: before})
	if err != nil {
		return nil, err
	}
	slices.Reverse(page.Messages)
	t, err := h.titles.Title(ctx, who, req.Body.AgentID, page.Messages)
	if err != nil {
		return nil, err
	}
	data := api.ChannelTitle{ChannelID: req.ChannelID, Title: nullable.NewNullNullable[string](), Reason: present.Optional(t.Reason)}
	if t.Text != "" {
		data.Title.Set(t.Text)
	}
	return apiserver.GenerateChannelTitle200JSONResponse{Success: true, Data: data}, nil
}

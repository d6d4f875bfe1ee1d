package rest

import (
	"context"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/gen/apiserver"
	"github.com/elizad/elizad/server/internal/audit"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/present"
)

type auditHandlers struct {
	log        *audit.Service
	checkOwner func(ctx context.Context) error
}

const (
	defaultAuditEntries = 50
	mostAuditEntries    = 1000
)

func (h auditHandlers) ListAuditEntries(ctx context.Context, req apiserver.ListAuditEntriesRequestObject) (apiserver.ListAuditEntriesResponseObject, error) {
	if err := h.checkOwner(ctx); err != nil {
		return nil, err
	}
	p := req.Params
	limit := min(looseInt(p.Limit), mostAuditEntries)
	if limit <= 0 {
		limit = defaultAuditEntries
	}
	filter, err := auditFilter(p)
	if err != nil {
		return nil, err
	}
	page, err := h.log.List(ctx, auth.FromContext(ctx), filter, limit)
	if err != nil {
		return nil, err
	}
	var headers apiserver.ListAuditEntries200ResponseHeaders
	if page.More {
		headers.Link = nextLink(ctx, cursor(cursorBefore, page.Records[len(page.Records)-1].Seq))
	}
	return apiserver.ListAuditEntries200JSONResponse{
		Headers: headers, Body: api.AuditLogEnvelope{Success: true, Data: present.AuditLog(page)},
	}, nil
}

func auditFilter(p api.ListAuditEntriesParams) (f audit.Filter, err error) {
	f = audit.Filter{Action: deref(p.Action), Who: deref[uuid.UUID](p.Who), Target: deref[uuid.UUID](p.Target)}
	if f.From, err = looseTime("from", p.From); err != nil {
		return f, err
	}
	if f.To, err = looseTime("to", p.To); err != nil {
		return f, err
	}
	if deref(p.Cursor) != "" {
		_, f.Before, err = parseCursor(*p.Cursor, string(cursorBefore))
	}
	return f, err
}

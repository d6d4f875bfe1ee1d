package rest

import (
	"context"
	"time"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/gen/apiserver"
	"github.com/elizad/elizad/server/internal/apikey"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/present"
)

type keyHandlers struct {
	keys       *apikey.Service
	checkOwner func(ctx context.Context) error
	open       func() bool // callers need no key
}

const (
	defaultKeys = 50
	mostKeys    = 100
)

func (h keyHandlers) CreateKey(ctx context.Context, req apiserver.CreateKeyRequestObject) (apiserver.CreateKeyResponseObject, error) {
	if err := h.checkOwner(ctx); err != nil {
		return nil, err
	}
	wanted := apikey.NewKey{Name: req.Body.Name, EntityID: req.Body.EntityID}
	for _, name := range req.Body.Scopes {
		scope, err := auth.ParseScopes(string(name))
		if err != nil {
			return nil, err
		}
		wanted.Scopes |= scope
	}
	if at := req.Body.ExpiresAt; at != nil {
		wanted.ExpiresAt = new(time.UnixMilli(*at))
	}
	open := h.open()
	key, text, err := h.keys.Create(ctx, auth.FromContext(ctx), wanted)
	if err != nil {
		return nil, err
	}
	made := api.APIKeyCreated{Key: text, APIKey: present.APIKey(key)}
	if open {
		made.Notice = new("From now on the server asks every caller for an API key")
	}
	return apiserver.CreateKey201JSONResponse{Success: true, Data: made}, nil
}

func (h keyHandlers) ListKeys(ctx context.Context, req apiserver.ListKeysRequestObject) (apiserver.ListKeysResponseObject, error) {
	if err := h.checkOwner(ctx); err != nil {
		return nil, err
	}
	limit, offset := min(looseInt(req.Params.Limit), mostKeys), 0
	if limit <= 0 {
		limit = defaultKeys
	}
	var bound *time.Time
	until, err := untilFrom(req.Params.Cursor, &offset, &bound)
	if err != nil {
		return nil, err
	}
	keys, more, err := h.keys.List(ctx, auth.FromContext(ctx), limit, offset, bound)
	if err != nil {
		return nil, err
	}
	var headers apiserver.ListKeys200ResponseHeaders
	if more {
		headers.Link = nextUntil(ctx, until, keys[0].CreatedAt, offset, len(keys))
	}
	return apiserver.ListKeys200JSONResponse{
		Headers: headers, Body: api.APIKeyListEnvelope{Success: true, Data: api.APIKeyList{Keys: present.Each(keys, present.APIKey)}},
	}, nil
}

func (h keyHandlers) GetKey(ctx context.Context, req apiserver.GetKeyRequestObject) (apiserver.GetKeyResponseObject, error) {
	if err := h.checkOwner(ctx); err != nil {
		return nil, err
	}
	key, err := h.keys.Get(ctx, auth.FromContext(ctx), req.KeyID)
	if err != nil {
		return nil, err
	}
	return apiserver.GetKey200JSONResponse{Success: true, Data: present.APIKey(key)}, nil
}

func (h keyHandlers) RevokeKey(ctx context.Context, req apiserver.RevokeKeyRequestObject) (apiserver.RevokeKeyResponseObject, error) {
	if err := h.checkOwner(ctx); err != nil {
		return nil, err
	}
	if err := h.keys.Revoke(ctx, auth.FromContext(ctx), req.KeyID); err != nil {
		return nil, err
	}
	return apiserver.RevokeKey204Response{}, nil
}

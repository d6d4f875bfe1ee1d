package rest

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/gen/apiserver"
	"github.com/elizad/elizad/server/internal/audit"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/present"
	"github.com/elizad/elizad/server/internal/revocation"
	"github.com/elizad/elizad/server/internal/user"
)

type userHandlers struct {
	users      *user.Service // nil: there are none, and no request for them comes here
	revoked    *revocation.Service
	checkOwner func(ctx context.Context) error
	network    func(*http.Request) string
}

const (
	defaultUsers = 50
	mostUsers    = 100
)

// pageOf reads which page of a list is wanted: at most limit of those that are not newer than bound, behind offset others.
func pageOf(limitText, cursor *string) (limit, offset int, until time.Time, bound *time.Time, err error) {
	if limit = min(looseInt(limitText), mostUsers); limit <= 0 {
		limit = defaultUsers
	}
	until, err = untilFrom(cursor, &offset, &bound)
	return limit, offset, until, bound, err
}

func (h userHandlers) address(ctx context.Context) string { return h.network(requestFrom(ctx)) }

func (h userHandlers) Register(ctx context.Context, req apiserver.RegisterRequestObject) (apiserver.RegisterResponseObject, error) {
	login, err := h.users.Register(ctx, h.address(ctx), user.NewUser{Email: req.Body.Email, Username: req.Body.Username, Password: req.Body.Password})
	if err != nil {
		return nil, err
	}
	return apiserver.Register201JSONResponse{Success: true, Data: present.Login(login)}, nil
}

func (h userHandlers) Login(ctx context.Context, req apiserver.LoginRequestObject) (apiserver.LoginResponseObject, error) {
	login, err := h.users.Login(ctx, h.address(ctx), req.Body.Email, req.Body.Password)
	if err != nil {
		return nil, err
	}
	return apiserver.Login200JSONResponse{Success: true, Data: present.Login(login)}, nil
}

func (h userHandlers) Refresh(ctx context.Context, req apiserver.RefreshRequestObject) (apiserver.RefreshResponseObject, error) {
	login, err := h.users.Refresh(ctx, h.address(ctx), req.Body.RefreshToken)
	if err != nil {
		return nil, err
	}
	return apiserver.Refresh200JSONResponse{Success: true, Data: present.Login(login)}, nil
}

func (h userHandlers) GetMe(ctx context.Context, _ apiserver.GetMeRequestObject) (apiserver.GetMeResponseObject, error) {
	u, err := h.users.Me(ctx, auth.FromContext(ctx))
	if err != nil {
		return nil, err
	}
	return apiserver.GetMe200JSONResponse{Success: true, Data: present.User(u)}, nil
}

func (h userHandlers) Logout(ctx context.Context, _ apiserver.LogoutRequestObject) (apiserver.LogoutResponseObject, error) {
	who := auth.FromContext(ctx)
	audit.Target(ctx, who.Entity())
	if err := h.users.Logout(ctx, who); err != nil {
		return nil, err
	}
	return apiserver.Logout204Response{}, nil
}

func (h userHandlers) ChangePassword(ctx context.Context, req apiserver.ChangePasswordRequestObject) (apiserver.ChangePasswordResponseObject, error) {
	who := auth.FromContext(ctx)
	audit.Target(ctx, who.Entity())
	if err := h.users.ChangePassword(ctx, who, h.address(ctx), req.Body.CurrentPassword, req.Body.NewPassword); err != nil {
		return nil, err
	}
	return apiserver.ChangePassword204Response{}, nil
}

func (h userHandlers) CreateUser(ctx context.Context, req apiserver.CreateUserRequestObject) (apiserver.CreateUserResponseObject, error) {
	if err := h.checkOwner(ctx); err != nil {
		return nil, err
	}
	u, err := h.users.Create(ctx, user.NewUser{Email: req.Body.Email, Username: req.Body.Username, Password: req.Body.Password, Admin: req.Body.Admin})
	if err != nil {
		return nil, err
	}
	return apiserver.CreateUser201JSONResponse{Success: true, Data: present.User(u)}, nil
}

func (h userHandlers) ListUsers(ctx context.Context, req apiserver.ListUsersRequestObject) (apiserver.ListUsersResponseObject, error) {
	if err := h.checkOwner(ctx); err != nil {
		return nil, err
	}
	limit, offset, until, bound, err := pageOf(req.Params.Limit, req.Params.Cursor)
	if err != nil {
		return nil, err
	}
	users, more, err := h.users.List(ctx, auth.FromContext(ctx), limit, offset, bound)
	if err != nil {
		return nil, err
	}
	var headers apiserver.ListUsers200ResponseHeaders
	if more {
		headers.Link = nextUntil(ctx, until, users[0].CreatedAt, offset, len(users))
	}
	return apiserver.ListUsers200JSONResponse{
		Headers: headers, Body: api.UserListEnvelope{Success: true, Data: api.UserList{Users: present.Each(users, present.User)}},
	}, nil
}

func (h userHandlers) UpdateUser(ctx context.Context, req apiserver.UpdateUserRequestObject) (apiserver.UpdateUserResponseObject, error) {
	if err := h.checkOwner(ctx); err != nil {
		return nil, err
	}
	u, err := h.users.Update(ctx, auth.FromContext(ctx), req.EntityID, user.Change{Password: req.Body.Password, Admin: req.Body.Admin, Disabled: req.Body.Disabled})
	if err != nil {
		return nil, err
	}
	return apiserver.UpdateUser200JSONResponse{Success: true, Data: present.User(u)}, nil
}

func (h userHandlers) RevokeTokens(ctx context.Context, req apiserver.RevokeTokensRequestObject) (apiserver.RevokeTokensResponseObject, error) {
	if err := h.checkOwner(ctx); err != nil {
		return nil, err
	}
	var (
		entity  uuid.UUID
		tokenID string
		expires time.Time
	)
	if req.Body.EntityID != nil {
		entity = *req.Body.EntityID
		audit.Target(ctx, entity)
	}
	if req.Body.TokenID != nil {
		tokenID = *req.Body.TokenID
	}
	if req.Body.ExpiresAt != nil {
		expires = time.UnixMilli(*req.Body.ExpiresAt)
	}
	r, err := h.revoked.Revoke(ctx, auth.FromContext(ctx), entity, tokenID, expires)
	if err != nil {
		return nil, err
	}
	return apiserver.RevokeTokens201JSONResponse{Success: true, Data: present.Revocation(r)}, nil
}

func (h userHandlers) ListRevocations(ctx context.Context, req apiserver.ListRevocationsRequestObject) (apiserver.ListRevocationsResponseObject, error) {
	if err := h.checkOwner(ctx); err != nil {
		return nil, err
	}
	limit, offset, until, bound, err := pageOf(req.Params.Limit, req.Params.Cursor)
	if err != nil {
		return nil, err
	}
	list, more, err := h.revoked.List(ctx, auth.FromContext(ctx), limit, offset, bound)
	if err != nil {
		return nil, err
	}
	var headers apiserver.ListRevocations200ResponseHeaders
	if more {
		headers.Link = nextUntil(ctx, until, list[0].CreatedAt, offset, len(list))
	}
	return apiserver.ListRevocations200JSONResponse{
		Headers: headers, Body: api.RevocationListEnvelope{Success: true, Data: api.RevocationList{Revocations: present.Each(list, present.Revocation)}},
	}, nil
}

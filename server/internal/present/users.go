package present

import (
	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server/internal/revocation"
	"github.com/elizad/elizad/server/internal/user"
)

// User shows somebody who logs in.
func User(u user.User) api.User {
	return api.User{
		EntityID: u.ID, Email: u.Email, Username: u.Username, Admin: u.Admin, CreatedAt: u.CreatedAt.UnixMilli(),
		LastLoginAt: optionalMillis(u.LastLogin), DisabledAt: optionalMillis(u.DisabledAt),
	}
}

// Login shows the tokens of a login to whom they are for.
func Login(l user.Login) api.Login {
	return api.Login{
		Token: l.Access, RefreshToken: l.Refresh, EntityID: l.User.ID, Username: l.User.Username, ExpiresIn: "15m",
		ExpiresAt: l.AccessExpires.UnixMilli(), RefreshExpiresAt: l.RefreshExpires.UnixMilli(),
	}
}

// Revocation shows which tokens are not taken any more.
func Revocation(r revocation.Revocation) api.Revocation {
	w := api.Revocation{CreatedAt: r.CreatedAt.UnixMilli(), ExpiresAt: r.ExpiresAt.UnixMilli()}
	if r.TokenID != "" {
		w.TokenID = &r.TokenID
	}
	if r.Entity != uuid.Nil {
		w.EntityID = &r.Entity
	}
	return w
}

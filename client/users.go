package client

import (
	"context"
	"iter"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
)

// Register makes a user of the server, and logs in.
func (c *Client) Register(ctx context.Context, n NewUser) (Login, error) {
	return call[Login](ctx, c, "registering", func(ctx context.Context) (*http.Response, error) {
		return c.api.Register(withoutRepeat(ctx), n)
	})
}

// Login logs a user in. [NewLogin] does so for a client, and keeps the login fresh.
func (c *Client) Login(ctx context.Context, email, password string) (Login, error) {
	return call[Login](ctx, c, "logging in", func(ctx context.Context) (*http.Response, error) {
		return c.api.Login(withoutRepeat(ctx), api.LoginRequest{Email: email, Password: password})
	})
}

// Refresh exchanges a refresh token for new tokens. It is asked for once, as the token is good once.
func (c *Client) Refresh(ctx context.Context, refreshToken string) (Login, error) {
	return call[Login](ctx, c, "refreshing a login", func(ctx context.Context) (*http.Response, error) {
		return c.api.Refresh(withoutRepeat(ctx), api.RefreshRequest{RefreshToken: refreshToken})
	})
}

// Me returns the user whose token the client sends.
func (c *Client) Me(ctx context.Context) (User, error) {
	return call[User](ctx, c, "reading who is logged in", func(ctx context.Context) (*http.Response, error) {
		return c.api.GetMe(ctx)
	})
}

// Logout ends the login whose token the client sends.
func (c *Client) Logout(ctx context.Context) error {
	return callEmpty(ctx, c, "logging out", func(ctx context.Context) (*http.Response, error) {
		return c.api.Logout(withoutRepeat(ctx))
	})
}

// ChangePassword changes the password of the user whose token the client sends, and ends the user's other logins.
func (c *Client) ChangePassword(ctx context.Context, current, next string) error {
	return callEmpty(ctx, c, "changing a password", func(ctx context.Context) (*http.Response, error) {
		return c.api.ChangePassword(withoutRepeat(ctx), api.ChangePasswordRequest{CurrentPassword: current, NewPassword: next})
	})
}

// Users returns the users of the server, the newest first: at most limit, which is at most 100; 0 means 50.
func (c *Client) Users(ctx context.Context, limit int) ([]User, error) {
	users, _, err := c.users(ctx, limit, "")
	return users, err
}

// AllUsers yields all users, and reads them page by page as they are taken. Users who are made meanwhile are not among them. After an
// error nothing more comes.
func (c *Client) AllUsers(ctx context.Context) iter.Seq2[User, error] {
	return all(func(cursor string) ([]User, string, error) { return c.users(ctx, 0, cursor) })
}

func (c *Client) users(ctx context.Context, limit int, cursor string) (users []User, next string, err error) {
	params := api.ListUsersParams{Limit: positive(limit), Cursor: text(cursor)}
	list, err := call[api.UserList](ctx, c, "listing users", leading(&next, func(ctx context.Context) (*http.Response, error) {
		return c.api.ListUsers(ctx, &params)
	}))
	return list.Users, next, err
}

// CreateUser makes a user, as an admin.
func (c *Client) CreateUser(ctx context.Context, n NewUserByAdmin) (User, error) {
	return call[User](ctx, c, "making a user", func(ctx context.Context) (*http.Response, error) {
		return c.api.CreateUser(withoutRepeat(ctx), n)
	})
}

// UpdateUser changes a user, as an admin. What is nil stays.
func (c *Client) UpdateUser(ctx context.Context, id uuid.UUID, change UserChange) (User, error) {
	return call[User](ctx, c, "changing a user", func(ctx context.Context) (*http.Response, error) {
		return c.api.UpdateUser(withoutRepeat(ctx), id, change)
	})
}

// RevokeTokens ends all tokens of an entity that were issued up to now, or one.
func (c *Client) RevokeTokens(ctx context.Context, which RevokedTokens) (Revocation, error) {
	return call[Revocation](ctx, c, "revoking tokens", func(ctx context.Context) (*http.Response, error) {
		return c.api.RevokeTokens(withoutRepeat(ctx), which)
	})
}

// Revocations returns which tokens were revoked, the newest first: at most limit, which is at most 100; 0 means 50.
func (c *Client) Revocations(ctx context.Context, limit int) ([]Revocation, error) {
	list, _, err := c.revocations(ctx, limit, "")
	return list, err
}

// AllRevocations yields all revocations, and reads them page by page as they are taken. After an error nothing more comes.
func (c *Client) AllRevocations(ctx context.Context) iter.Seq2[Revocation, error] {
	return all(func(cursor string) ([]Revocation, string, error) { return c.revocations(ctx, 0, cursor) })
}

func (c *Client) revocations(ctx context.Context, limit int, cursor string) (list []Revocation, next string, err error) {
	params := api.ListRevocationsParams{Limit: positive(limit), Cursor: text(cursor)}
	answer, err := call[api.RevocationList](ctx, c, "listing revocations", leading(&next, func(ctx context.Context) (*http.Response, error) {
		return c.api.ListRevocations(ctx, &params)
	}))
	return answer.Revocations, next, err
}

// early is how long before its end an access token is exchanged.
const early = time.Minute

// NewLogin returns a source of tokens, for [WithToken], of a user of the server at baseURL: it logs in when it is first asked, refreshes the
// login before the token ends, and logs in again where that is refused. Its options are those of the requests by which it does so.
func NewLogin(baseURL, email, password string, opts ...Option) (TokenSource, error) {
	c, err := New(baseURL, opts...)
	if err != nil {
		return nil, err
	}
	var (
		turn = make(chan struct{}, 1) // whoever waits for it can leave
		mu   sync.Mutex
		have Login
	)
	fresh := func() (string, bool) {
		mu.Lock()
		defer mu.Unlock()
		return have.Token, time.Until(time.UnixMilli(have.ExpiresAt)) > early
	}
	return func(ctx context.Context) (string, error) {
		if token, ok := fresh(); ok {
			return token, nil
		}
		select {
		case turn <- struct{}{}:
			defer func() { <-turn }()
		case <-ctx.Done():
			return "", ctx.Err()
		}
		if token, ok := fresh(); ok { // somebody was faster
			return token, nil
		}
		var (
			next Login
			err  error
		)
		if have.RefreshToken != "" {
			next, err = c.Refresh(ctx, have.RefreshToken)
		}
		if next.Token == "" {
			next, err = c.Login(ctx, email, password)
		}
		if err != nil {
			return "", err
		}
		mu.Lock()
		defer mu.Unlock()
		have = next
		return have.Token, nil
	}, nil
}

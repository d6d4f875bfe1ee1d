package client

import (
	"context"
	"net/http"

	"github.com/elizad/elizad/gen/api"
)

// Ping asks the server for a sign of life.
func (c *Client) Ping(ctx context.Context) error {
	return callEmpty(ctx, c, "pinging the server", func(ctx context.Context) (*http.Response, error) {
		return c.api.Ping(ctx)
	})
}

// Alive asks for the cheapest sign of life there is, which needs no key.
func (c *Client) Alive(ctx context.Context) error {
	return callEmpty(ctx, c, "asking whether the server is alive", func(ctx context.Context) (*http.Response, error) {
		return c.api.GetLiveness(ctx)
	})
}

// Health returns the state of the server, also of one that can't do its work. It is asked once: an answer that says so is
// no reason to ask again.
func (c *Client) Health(ctx context.Context) (Health, error) {
	return callBare[Health](ctx, c, "reading the server's health", func(ctx context.Context) (*http.Response, error) {
		return c.api.GetHealth(withoutRepeat(ctx))
	}, http.StatusServiceUnavailable)
}

// Version returns what the server runs, and for how long.
func (c *Client) Version(ctx context.Context) (Version, error) {
	return callBare[Version](ctx, c, "reading the server's version", func(ctx context.Context) (*http.Response, error) {
		return c.api.GetVersion(ctx)
	})
}

// RequiresAuth reports whether the server wants a signed identity.
func (c *Client) RequiresAuth(ctx context.Context) (bool, error) {
	data, err := call[api.PublicConfig](ctx, c, "reading the server's configuration", func(ctx context.Context) (*http.Response, error) {
		return c.api.GetPublicConfig(ctx)
	})
	return data.RequiresAuth, err
}

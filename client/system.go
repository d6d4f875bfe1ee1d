package client

import (
	"context"
	"net/http"

	"github.com/elizad/elizad/gen/api"
)

// Ping asks whether the server is alive.
func (c *Client) Ping(ctx context.Context) error {
	return callEmpty(ctx, c, "pinging the server", func(ctx context.Context) (*http.Response, error) {
		return c.api.Ping(ctx)
	})
}

// Alive is the cheapest check that the server is alive; it needs no key.
func (c *Client) Alive(ctx context.Context) error {
	return callEmpty(ctx, c, "asking whether the server is alive", func(ctx context.Context) (*http.Response, error) {
		return c.api.GetLiveness(ctx)
	})
}

// Health returns the state of the server, even of one that can't work. It is asked once: a response that says so is no reason
// to retry.
func (c *Client) Health(ctx context.Context) (Health, error) {
	return callBare[Health](ctx, c, "reading the server's health", func(ctx context.Context) (*http.Response, error) {
		return c.api.GetHealth(withoutRepeat(ctx))
	}, http.StatusServiceUnavailable)
}

// Version returns the server's version, and how long it has been running.
func (c *Client) Version(ctx context.Context) (Version, error) {
	return callBare[Version](ctx, c, "reading the server's version", func(ctx context.Context) (*http.Response, error) {
		return c.api.GetVersion(ctx)
	})
}

// RequiresAuth reports whether the server requires a signed identity.
func (c *Client) RequiresAuth(ctx context.Context) (bool, error) {
	data, err := c.Config(ctx)
	return data.RequiresAuth, err
}

// Config returns what the server lets everybody know: among it, whether people log in there, and how they become users.
func (c *Client) Config(ctx context.Context) (PublicConfig, error) {
	return call[PublicConfig](ctx, c, "reading the server's configuration", func(ctx context.Context) (*http.Response, error) {
		return c.api.GetPublicConfig(ctx)
	})
}

// Hello returns the server's greeting.
func (c *Client) Hello(ctx context.Context) (string, error) {
	greeting, err := callBare[api.Greeting](ctx, c, "greeting the server", func(ctx context.Context) (*http.Response, error) {
		return c.api.Hello(ctx)
	})
	return greeting.Message, err
}

// Status returns the server's agents, memory and age, in numbers.
func (c *Client) Status(ctx context.Context) (ServerStatus, error) {
	return callBare[ServerStatus](ctx, c, "reading the server's status", func(ctx context.Context) (*http.Response, error) {
		return c.api.GetServerStatus(ctx)
	})
}

// Debug returns a snapshot of the server: message servers, agents, connections and memory.
func (c *Client) Debug(ctx context.Context) (DebugInfo, error) {
	return call[DebugInfo](ctx, c, "reading what is going on", func(ctx context.Context) (*http.Response, error) {
		return c.api.GetDebugInfo(ctx)
	})
}

// Stop lets the server finish what is running and exit. Without an API key it accepts only callers on its own machine.
func (c *Client) Stop(ctx context.Context) error {
	return callEmpty(ctx, c, "stopping the server", func(ctx context.Context) (*http.Response, error) {
		return c.api.StopServer(withoutRepeat(ctx))
	})
}

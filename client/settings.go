package client

import (
	"context"
	"net/http"

	"github.com/elizad/elizad/gen/api"
)

// StoredSettings returns the settings of agents that the server keeps in its data directory. The values of secrets are masked.
// A server in production refuses the request.
func (c *Client) StoredSettings(ctx context.Context) (map[string]string, error) {
	return call[map[string]string](ctx, c, "reading the stored settings", func(ctx context.Context) (*http.Response, error) {
		return c.api.GetLocalEnvironment(ctx)
	})
}

// ReplaceStoredSettings replaces them all. A masked secret keeps its value. They take effect at the server's next start.
func (c *Client) ReplaceStoredSettings(ctx context.Context, settings map[string]string) error {
	return callEmpty(ctx, c, "replacing the stored settings", func(ctx context.Context) (*http.Response, error) {
		return c.api.UpdateLocalEnvironment(withRepeat(ctx), api.UpdateLocalEnvironmentRequest{Content: encode(settings)})
	})
}

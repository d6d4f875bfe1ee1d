package client

import (
	"context"
	"iter"
	"net/http"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
)

// Keys returns the API keys of the server, the newest first: at most limit, which is at most 100; 0 means 50. Of none is the text
// known any more.
func (c *Client) Keys(ctx context.Context, limit int) ([]APIKey, error) {
	keys, _, err := c.keys(ctx, limit, "")
	return keys, err
}

// AllKeys yields all API keys, and reads them page by page as they are taken. Keys that are made meanwhile are not among them. After
// an error nothing more comes.
func (c *Client) AllKeys(ctx context.Context) iter.Seq2[APIKey, error] {
	return all(func(cursor string) ([]APIKey, string, error) { return c.keys(ctx, 0, cursor) })
}

func (c *Client) keys(ctx context.Context, limit int, cursor string) (keys []APIKey, next string, err error) {
	params := api.ListKeysParams{Limit: positive(limit), Cursor: text(cursor)}
	list, err := call[api.APIKeyList](ctx, c, "listing API keys", leading(&next, func(ctx context.Context) (*http.Response, error) {
		return c.api.ListKeys(ctx, &params)
	}))
	return list.Keys, next, err
}

// CreateKey makes an API key. Its text is in the answer, and nowhere else. It is asked for once: a key whose answer was lost is of
// no use, and should be revoked.
func (c *Client) CreateKey(ctx context.Context, n NewKey) (APIKeyCreated, error) {
	return call[APIKeyCreated](ctx, c, "making an API key", func(ctx context.Context) (*http.Response, error) {
		return c.api.CreateKey(withoutRepeat(ctx), n)
	})
}

// Key returns what is known of an API key.
func (c *Client) Key(ctx context.Context, id uuid.UUID) (APIKey, error) {
	return call[APIKey](ctx, c, "reading an API key", func(ctx context.Context) (*http.Response, error) {
		return c.api.GetKey(ctx, id)
	})
}

// RevokeKey ends an API key.
func (c *Client) RevokeKey(ctx context.Context, id uuid.UUID) error {
	return callEmpty(ctx, c, "revoking an API key", func(ctx context.Context) (*http.Response, error) {
		return c.api.RevokeKey(ctx, id)
	})
}

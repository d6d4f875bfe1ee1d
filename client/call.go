package client

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// maxAnswer bounds the size of a response that is read.
const maxAnswer = 64 << 20

// send is one operation of the generated client, without its context.
type send func(ctx context.Context) (*http.Response, error)

// call sends a request and returns the data of its response.
func call[T any](ctx context.Context, c *Client, doing string, s send) (T, error) {
	envelope, err := callBare[struct{ Data T }](ctx, c, doing, s)
	return envelope.Data, err
}

// callBare sends a request and returns its complete response.
func callBare[T any](ctx context.Context, c *Client, doing string, s send, alsoGood ...int) (out T, err error) {
	ctx, cancel := c.bound(ctx)
	defer cancel()
	body, err := exchange(ctx, s, alsoGood)
	if err == nil {
		err = decodeAnswer(body, &out)
	}
	if err != nil {
		return out, fmt.Errorf("%s: %w", doing, err)
	}
	return out, nil
}

func decodeAnswer(body []byte, into any) error {
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	return nil
}

// callEmpty sends a request whose response has no data.
func callEmpty(ctx context.Context, c *Client, doing string, s send) error {
	ctx, cancel := c.bound(ctx)
	defer cancel()
	if _, err := exchange(ctx, s, nil); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

func (c *Client) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	if c.timeout <= 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, c.timeout)
}

// exchange sends a request and reads the response. A status outside 200-299 and alsoGood is an *Error.
func exchange(ctx context.Context, s send, alsoGood []int) ([]byte, error) {
	resp, err := s(ctx)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	if resp.StatusCode/100 == 2 {
		return body, nil
	}
	for _, status := range alsoGood {
		if resp.StatusCode == status {
			return body, nil
		}
	}
	return nil, errorOf(resp, body)
}

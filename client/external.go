package client

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
)

// What follows is for programs between this server and others: agents that run elsewhere, and bridges to other platforms.

// Submit stores and publishes a message of an agent that runs elsewhere. It is an answer: no agent of this server is asked to
// reply. Submitting a message again under its MessageID returns the stored one. A server that requires a key requires
// [WithServiceSecret] too, from a program that writes as one of its own agents; the failure is a FORBIDDEN.
func (c *Client) Submit(ctx context.Context, m SubmittedMessage) (Message, error) {
	if m.MessageID == nil {
		m.MessageID = new(uuid.New())
	}
	return call[Message](ctx, c, "submitting a message", func(ctx context.Context) (*http.Response, error) {
		return c.api.SubmitMessage(withRepeat(ctx), m)
	})
}

// SubmitAction is Submit for an action that an agent carries out; see UpdateAction.
func (c *Client) SubmitAction(ctx context.Context, m SubmittedMessage) (Message, error) {
	if m.MessageID == nil {
		m.MessageID = new(uuid.New())
	}
	return call[Message](ctx, c, "telling of an action", func(ctx context.Context) (*http.Response, error) {
		return c.api.CreateAction(withRepeat(ctx), m)
	})
}

// UpdateAction replaces the fields of an action that are set in patch, and merges its metadata. All readers of the channel get
// the message again.
func (c *Client) UpdateAction(ctx context.Context, messageID uuid.UUID, patch ActionPatch) (Message, error) {
	return call[Message](ctx, c, "bringing an action up to date", func(ctx context.Context) (*http.Response, error) {
		return c.api.UpdateAction(ctx, messageID, patch)
	})
}

// Ingest posts messages of another platform, for the agents of the channel to answer. One that was posted before under its id
// there is not posted again.
func (c *Client) Ingest(ctx context.Context, messages ExternalMessages) (Ingested, error) {
	return call[Ingested](ctx, c, "taking in messages", func(ctx context.Context) (*http.Response, error) {
		return c.api.IngestExternal(ctx, messages)
	})
}

// AskExternal is Ingest and waits for an agent's answer to the last of the messages. The Response is nil when no agent answers,
// or not in time.
func (c *Client) AskExternal(ctx context.Context, messages ExternalMessages) (Ingested, error) {
	return call[Ingested](ctx, c, "asking for another platform", func(ctx context.Context) (*http.Response, error) {
		return c.api.AskExternal(ctx, messages)
	})
}

// CompleteMessage reports to the channel of a message that a program outside the server has dealt with it; failure says why
// that failed, and is empty if it did not.
func (c *Client) CompleteMessage(ctx context.Context, messageID uuid.UUID, failure string) error {
	return c.complete(ctx, api.CompleteRequest{MessageID: &messageID}, failure)
}

// CompleteChannel is CompleteMessage for the last message of a channel.
func (c *Client) CompleteChannel(ctx context.Context, channelID uuid.UUID, failure string) error {
	return c.complete(ctx, api.CompleteRequest{ChannelID: &channelID}, failure)
}

func (c *Client) complete(ctx context.Context, r api.CompleteRequest, failure string) error {
	if failure != "" {
		r.Status, r.Error = new(api.CompleteRequestStatusFailed), &failure
	}
	return callEmpty(ctx, c, "telling that a message is dealt with", func(ctx context.Context) (*http.Response, error) {
		return c.api.CompleteMessage(ctx, r)
	})
}

package client

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
)

// CurrentMessageServer returns the id of the message server in which clients create channels.
func (c *Client) CurrentMessageServer(ctx context.Context) (uuid.UUID, error) {
	data, err := call[api.CurrentMessageServer](ctx, c, "reading the current message server", func(ctx context.Context) (*http.Response, error) {
		return c.api.GetCurrentMessageServer(ctx)
	})
	return data.MessageServerID, err
}

// MessageServers returns all message servers, oldest first.
func (c *Client) MessageServers(ctx context.Context) ([]MessageServer, error) {
	data, err := call[api.MessageServerList](ctx, c, "listing message servers", func(ctx context.Context) (*http.Response, error) {
		return c.api.ListMessageServers(ctx)
	})
	return data.MessageServers, err
}

// CreateMessageServer stores a new message server. A second one for the same source is a CONFLICT.
func (c *Client) CreateMessageServer(ctx context.Context, n NewMessageServer) (MessageServer, error) {
	data, err := call[api.MessageServerCreated](ctx, c, "creating a message server", func(ctx context.Context) (*http.Response, error) {
		return c.api.CreateMessageServer(ctx, n)
	})
	return data.Server, err
}

// MessageServerAgents returns the agents that serve a message server.
func (c *Client) MessageServerAgents(ctx context.Context, serverID uuid.UUID) ([]uuid.UUID, error) {
	data, err := call[api.MessageServerAgents](ctx, c, "listing a message server's agents", func(ctx context.Context) (*http.Response, error) {
		return c.api.ListMessageServerAgents(ctx, serverID)
	})
	return data.Agents, err
}

// AddMessageServerAgent makes an agent serve the channels of a message server. Repeating it is no error.
func (c *Client) AddMessageServerAgent(ctx context.Context, serverID, agentID uuid.UUID) error {
	return callEmpty(ctx, c, "adding an agent to a message server", func(ctx context.Context) (*http.Response, error) {
		return c.api.AddMessageServerAgent(withRepeat(ctx), serverID, api.AgentRef{AgentID: agentID})
	})
}

// RemoveMessageServerAgent reverses AddMessageServerAgent. Repeating it is no error.
func (c *Client) RemoveMessageServerAgent(ctx context.Context, serverID, agentID uuid.UUID) error {
	return callEmpty(ctx, c, "removing an agent from a message server", func(ctx context.Context) (*http.Response, error) {
		return c.api.RemoveMessageServerAgent(ctx, serverID, agentID)
	})
}

// AgentMessageServers returns the message servers that an agent serves.
func (c *Client) AgentMessageServers(ctx context.Context, agentID uuid.UUID) ([]uuid.UUID, error) {
	data, err := call[api.AgentMessageServers](ctx, c, "listing an agent's message servers", func(ctx context.Context) (*http.Response, error) {
		return c.api.ListAgentMessageServers(ctx, agentID)
	})
	return data.MessageServers, err
}

// DeleteMessageServer removes a message server with its channels and everything in them. The current one can't be deleted: a
// CONFLICT.
func (c *Client) DeleteMessageServer(ctx context.Context, id uuid.UUID) error {
	return callEmpty(ctx, c, "deleting a message server", func(ctx context.Context) (*http.Response, error) {
		return c.api.DeleteMessageServer(ctx, id)
	})
}

// SyncChannels makes a channel for each channel of another platform, or updates its name and type, and returns how many those
// were. Other channels stay as they are.
func (c *Client) SyncChannels(ctx context.Context, serverID uuid.UUID, channels ...SourceChannel) (int, error) {
	data, err := call[api.ChannelsSynced](ctx, c, "mirroring channels", func(ctx context.Context) (*http.Response, error) {
		return c.api.SyncMessageServerChannels(withRepeat(ctx), serverID, api.SyncChannelsRequest{Channels: channels})
	})
	return data.Synced, err
}

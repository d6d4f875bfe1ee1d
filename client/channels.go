package client

import (
	"context"
	"net/http"
	"strconv"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
)

// ChannelsQuery restricts a list of channels; the zero value selects all that people see.
type ChannelsQuery struct {
	Internal bool // also the channels of sessions and jobs
	Limit    int  // 0: no limit
	Offset   int
}

// Channels returns the channels of a message server, the most recently used first, without their participants.
func (c *Client) Channels(ctx context.Context, serverID uuid.UUID, q ChannelsQuery) ([]Channel, error) {
	params := api.ListChannelsParams{IncludeInternal: &q.Internal}
	if q.Limit > 0 {
		params.Limit = new(strconv.Itoa(q.Limit))
	}
	if q.Offset > 0 {
		params.Offset = new(strconv.Itoa(q.Offset))
	}
	data, err := call[api.ChannelList](ctx, c, "listing channels", func(ctx context.Context) (*http.Response, error) {
		return c.api.ListChannels(ctx, serverID, &params)
	})
	return data.Channels, err
}

// DirectChannel returns the one channel between the client and another entity, which may be an agent, on the current message
// server. It is made when there is none.
func (c *Client) DirectChannel(ctx context.Context, with uuid.UUID) (Channel, error) {
	params := api.GetDMChannelParams{TargetUserID: &with, CurrentUserID: &c.entity}
	return call[Channel](ctx, c, "finding a direct channel", func(ctx context.Context) (*http.Response, error) {
		return c.api.GetDMChannel(ctx, &params)
	})
}

// CreateChannel makes a channel.
func (c *Client) CreateChannel(ctx context.Context, n NewChannel) (Channel, error) {
	return call[Channel](ctx, c, "creating a channel", func(ctx context.Context) (*http.Response, error) {
		return c.api.CreateChannel(ctx, n)
	})
}

// Channel returns a channel; its metadata lists the participants.
func (c *Client) Channel(ctx context.Context, id uuid.UUID) (Channel, error) {
	return call[Channel](ctx, c, "reading a channel", func(ctx context.Context) (*http.Response, error) {
		return c.api.GetChannel(ctx, id)
	})
}

// UpdateChannel replaces the fields of a channel that are set in patch.
func (c *Client) UpdateChannel(ctx context.Context, id uuid.UUID, patch ChannelPatch) (Channel, error) {
	return call[Channel](ctx, c, "changing a channel", func(ctx context.Context) (*http.Response, error) {
		return c.api.UpdateChannel(ctx, id, &api.UpdateChannelParams{}, patch)
	})
}

// DeleteChannel removes a channel with its messages. One that doesn't exist is no error.
func (c *Client) DeleteChannel(ctx context.Context, id uuid.UUID) error {
	return callEmpty(ctx, c, "deleting a channel", func(ctx context.Context) (*http.Response, error) {
		return c.api.DeleteChannel(ctx, id)
	})
}

// Participants returns the people and agents that take part in a channel.
func (c *Client) Participants(ctx context.Context, channelID uuid.UUID) ([]uuid.UUID, error) {
	return call[[]uuid.UUID](ctx, c, "listing participants", func(ctx context.Context) (*http.Response, error) {
		return c.api.ListChannelParticipants(ctx, channelID)
	})
}

// ChannelAgents returns the agents that take part in a channel.
func (c *Client) ChannelAgents(ctx context.Context, channelID uuid.UUID) ([]uuid.UUID, error) {
	data, err := call[ChannelAgents](ctx, c, "listing a channel's agents", func(ctx context.Context) (*http.Response, error) {
		return c.api.ListChannelAgents(ctx, channelID)
	})
	return data.Agents, err
}

// AddChannelAgent lets an agent take part in a channel. Repeating it is no error.
func (c *Client) AddChannelAgent(ctx context.Context, channelID, agentID uuid.UUID) error {
	return callEmpty(ctx, c, "adding an agent to a channel", func(ctx context.Context) (*http.Response, error) {
		return c.api.AddChannelAgent(withRepeat(ctx), channelID, api.AgentRef{AgentID: agentID})
	})
}

// RemoveChannelAgent ends an agent's part in a channel. One that takes no part is not found.
func (c *Client) RemoveChannelAgent(ctx context.Context, channelID, agentID uuid.UUID) error {
	return callEmpty(ctx, c, "removing an agent from a channel", func(ctx context.Context) (*http.Response, error) {
		return c.api.RemoveChannelAgent(ctx, channelID, agentID)
	})
}

// SuggestTitle lets an agent name the conversation in a channel, from its newest messages: at most limit of them, 50 if that is
// 0. The channel isn't changed. A conversation that is too short gets no title, but a reason.
func (c *Client) SuggestTitle(ctx context.Context, channelID, agentID uuid.UUID, limit int) (title, reason string, err error) {
	data, err := call[api.ChannelTitle](ctx, c, "asking for a title", func(ctx context.Context) (*http.Response, error) {
		return c.api.GenerateChannelTitle(ctx, channelID, &api.GenerateChannelTitleParams{Limit: positive(limit)}, api.AgentRef{AgentID: agentID})
	})
	title, _ = data.Title.Get() // null: there is a reason
	return title, deref(data.Reason), err
}

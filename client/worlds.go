package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
)

// Worlds returns the worlds of all agents.
func (c *Client) Worlds(ctx context.Context) ([]World, error) {
	data, err := call[api.WorldList](ctx, c, "listing worlds", func(ctx context.Context) (*http.Response, error) {
		return c.api.ListWorlds(ctx)
	})
	return data.Worlds, err
}

// CreateWorld makes a world of an agent or, without a name, lets the agent share the world that n names.
func (c *Client) CreateWorld(ctx context.Context, agentID uuid.UUID, n NewWorld) (World, error) {
	data, err := call[api.WorldResult](ctx, c, "creating a world", func(ctx context.Context) (*http.Response, error) {
		return c.api.CreateWorld(ctx, agentID, n)
	})
	return data.World, err
}

// UpdateWorld changes the fields of a world that are set in patch.
func (c *Client) UpdateWorld(ctx context.Context, agentID, worldID uuid.UUID, patch WorldPatch) (World, error) {
	data, err := call[api.WorldResult](ctx, c, "changing a world", func(ctx context.Context) (*http.Response, error) {
		return c.api.UpdateWorld(ctx, agentID, worldID, patch)
	})
	return data.World, err
}

// Group is what agents have for a message server: rooms if agents were named, worlds otherwise.
type Group struct {
	Rooms    []GroupRoom
	Worlds   []World
	Failures []GroupFailure // the agents that have no room, with the reason
}

// CreateGroup gives agents their rooms for a message server or, when n names none, every running agent its world. When some of
// the agents don't exist, the others get their rooms all the same.
func (c *Client) CreateGroup(ctx context.Context, messageServerID uuid.UUID, n NewGroup) (Group, error) {
	answer, err := callBare[struct {
		Data   json.RawMessage
		Errors []GroupFailure
	}](ctx, c, "creating a group", func(ctx context.Context) (*http.Response, error) {
		return c.api.CreateGroup(withRepeat(ctx), messageServerID, n)
	})
	if err != nil {
		return Group{}, err
	}
	g := Group{Failures: answer.Errors}
	if bytes.HasPrefix(answer.Data, []byte("[")) {
		err = json.Unmarshal(answer.Data, &g.Rooms)
	} else {
		var worlds api.GroupWorlds
		err = json.Unmarshal(answer.Data, &worlds)
		g.Worlds = worlds.Worlds
	}
	if err != nil {
		return Group{}, fmt.Errorf("creating a group: reading the answer: %w", err)
	}
	return g, nil
}

// DeleteGroup removes the worlds of a message server with their rooms. Channels and messages stay.
func (c *Client) DeleteGroup(ctx context.Context, messageServerID uuid.UUID) error {
	return callEmpty(ctx, c, "deleting a group", func(ctx context.Context) (*http.Response, error) {
		return c.api.DeleteGroup(ctx, messageServerID)
	})
}

// ClearGroupMemories removes agents' memories of a message server.
func (c *Client) ClearGroupMemories(ctx context.Context, messageServerID uuid.UUID) error {
	return callEmpty(ctx, c, "deleting the memories of a group", func(ctx context.Context) (*http.Response, error) {
		return c.api.ClearGroupMemories(ctx, messageServerID)
	})
}

package client

import (
	"context"
	"iter"
	"net/http"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
)

// RoomsQuery selects a page of rooms; the zero value selects the first 1000.
type RoomsQuery struct {
	Limit  int // at most 1000; 0: 1000
	Offset int
}

// Rooms returns the rooms that an agent knows, its own first, then in the order in which they were made.
func (c *Client) Rooms(ctx context.Context, agentID uuid.UUID, q RoomsQuery) ([]Room, error) {
	rooms, _, err := c.rooms(ctx, agentID, q, "")
	return rooms, err
}

// AllRooms yields the rooms of Rooms without its limit, and reads pages of q.Limit as they are consumed. An error is the last
// element.
func (c *Client) AllRooms(ctx context.Context, agentID uuid.UUID, q RoomsQuery) iter.Seq2[Room, error] {
	return all(func(cursor string) ([]Room, string, error) { return c.rooms(ctx, agentID, q, cursor) })
}

func (c *Client) rooms(ctx context.Context, agentID uuid.UUID, q RoomsQuery, cursor string) (rooms []Room, next string, err error) {
	params := api.ListRoomsParams{Limit: positive(q.Limit), Offset: positive(q.Offset), Cursor: text(cursor)}
	data, err := call[api.RoomList](ctx, c, "listing rooms", leading(&next, func(ctx context.Context) (*http.Response, error) {
		return c.api.ListRooms(ctx, agentID, &params)
	}))
	return data.Rooms, next, err
}

// CreateRoom makes a room without a channel.
func (c *Client) CreateRoom(ctx context.Context, agentID uuid.UUID, n NewRoom) (RoomCreated, error) {
	return call[RoomCreated](ctx, c, "creating a room", func(ctx context.Context) (*http.Response, error) {
		return c.api.CreateRoom(ctx, agentID, n)
	})
}

// Room returns a room of an agent.
func (c *Client) Room(ctx context.Context, agentID, roomID uuid.UUID) (Room, error) {
	return call[Room](ctx, c, "reading a room", func(ctx context.Context) (*http.Response, error) {
		return c.api.GetRoom(ctx, agentID, roomID)
	})
}

// RenameRoom gives a room its own name.
func (c *Client) RenameRoom(ctx context.Context, agentID, roomID uuid.UUID, name string) (Room, error) {
	return call[Room](ctx, c, "renaming a room", func(ctx context.Context) (*http.Response, error) {
		return c.api.UpdateRoom(ctx, agentID, roomID, nil, api.RoomPatch{Name: &name})
	})
}

// DeleteRoom removes a room with all memories of it. Its channel stays.
func (c *Client) DeleteRoom(ctx context.Context, agentID, roomID uuid.UUID) error {
	return callEmpty(ctx, c, "deleting a room", func(ctx context.Context) (*http.Response, error) {
		return c.api.DeleteRoom(ctx, agentID, roomID)
	})
}

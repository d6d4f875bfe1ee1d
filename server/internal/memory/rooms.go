package memory

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/store"
)

// Room is a place as an agent knows it.
type Room struct {
	ID              uuid.UUID
	AgentID         uuid.UUID
	WorldID         *uuid.UUID
	WorldName       string
	ChannelID       *uuid.UUID // nil: the room stands for no channel
	MessageServerID *uuid.UUID
	Name            string
	Type            string          // a [messaging.ChannelType]
	Source          string          // where it comes from
	Metadata        json.RawMessage // an object, or nil
	CreatedAt       time.Time
	UpdatedAt       time.Time
}

// maxRooms is how many rooms one answer holds.
const maxRooms = 1000

// Rooms returns the rooms of an agent in the order in which they were made, its own one first, and whether there are more.
func (s *Service) Rooms(ctx context.Context, who auth.Identity, agentID uuid.UUID, limit, offset int) (out []Room, more bool, err error) {
	if limit <= 0 || limit > maxRooms {
		limit = maxRooms
	}
	err = store.View(ctx, s.store, who.Scope(), "listing rooms", func(q db.Scoped) error {
		if _, err := ofAgent(ctx, q, agentID); err != nil {
			return err
		}
		rows, err := q.ListAgentRooms(ctx, db.ListAgentRoomsParams{
			AgentID: agentID, LimitRows: int64(limit) + 1, OffsetRows: int64(max(offset, 0)),
		})
		out = make([]Room, len(rows))
		for i, r := range rows {
			out[i] = roomOf(db.GetRoomRow(r))
		}
		return err
	})
	if more = len(out) > limit; more {
		out = out[:limit]
	}
	return out, more, err
}

// Room returns a room of an agent, named by its id or its channel's.
func (s *Service) Room(ctx context.Context, who auth.Identity, agentID, id uuid.UUID) (Room, error) {
	var row db.GetRoomRow
	err := store.View(ctx, s.store, who.Scope(), "reading a room", func(q db.Scoped) (err error) {
		if _, err := ofAgent(ctx, q, agentID); err != nil {
			return err
		}
		row, err = findRoom(ctx, q, agentID, id)
		return err
	})
	return roomOf(row), err
}

// NewRoom is what CreateRoom needs to know.
type NewRoom struct {
	Name            string
	Type            string     // empty: DM
	Source          string     // empty: client
	WorldID         *uuid.UUID // one that the agent knows; nil: a new one
	MessageServerID *uuid.UUID
	Metadata        json.RawMessage // an object, or nil
}

// sourceClient is where rooms come from that clients make.
const sourceClient = "client"

// CreateRoom makes a room that stands for no channel.
func (s *Service) CreateRoom(ctx context.Context, who auth.Identity, agentID uuid.UUID, n NewRoom) (Room, error) {
	if err := cleanName(&n.Name, "Room"); err != nil {
		return Room{}, err
	}
	if n.Type == "" {
		n.Type = string(messaging.TypeDM)
	}
	kind, known := messaging.ParseChannelType(n.Type)
	if !known {
		return Room{}, apierr.New(apierr.ValidationFailed, "Unknown channel type %q", n.Type)
	}
	if n.Source == "" {
		n.Source = sourceClient
	}
	id, fresh := uuid.New(), uuid.New() // of the room, and of its world if it needs one
	var row db.GetRoomRow
	err := store.Update(ctx, s.store, who.Scope(), "creating a room", func(q db.Scoped) error {
		if _, err := ofAgent(ctx, q, agentID); err != nil {
			return err
		}
		at, worldID := now(), n.WorldID
		if worldID == nil {
			worldID = &fresh
			if _, err := s.ensureWorld(ctx, q, fresh, agentID, NewWorld{Name: "World for " + n.Name, MessageServerID: n.MessageServerID}); err != nil {
				return err
			}
		} else if _, err := q.GetAgentWorld(ctx, db.GetAgentWorldParams{ID: *worldID, AgentID: agentID}); err != nil {
			return store.NotFound(err, "World not found")
		}
		var err error
		row, err = s.ensureRoom(ctx, q, db.EnsureRoomParams{
			ID: id, AgentID: agentID, WorldID: worldID, MessageServerID: n.MessageServerID, Name: &n.Name, Type: string(kind),
			Source: n.Source, Metadata: dbtype.JSON(n.Metadata), CreatedAt: at, UpdatedAt: at,
		})
		return err
	})
	return roomOf(row), err
}

// ensureRoom returns the agent's room of an id, and makes it where it isn't there yet.
func (s *Service) ensureRoom(ctx context.Context, q db.Scoped, row db.EnsureRoomParams) (db.GetRoomRow, error) {
	if err := checkObject(json.RawMessage(row.Metadata), "metadata", maxPlaceJSON); err != nil {
		return db.GetRoomRow{}, err
	}
	made, err := q.EnsureRoom(ctx, row)
	if err == nil && made > 0 {
		err = s.quotas.rooms().Check(func(atMost int64) (int64, error) {
			return q.CountMadeRooms(ctx, db.CountMadeRoomsParams{AgentID: row.AgentID, AtMost: atMost})
		})
	}
	if err != nil {
		return db.GetRoomRow{}, err
	}
	return q.GetRoom(ctx, db.GetRoomParams{ID: row.ID, AgentID: row.AgentID})
}

// RenameRoom gives a room its own name, after a look at it: the error of check refuses the change, and nil checks nothing.
func (s *Service) RenameRoom(ctx context.Context, who auth.Identity, agentID, id uuid.UUID, name string, check func(Room) error) (Room, error) {
	if err := cleanName(&name, "Room"); err != nil {
		return Room{}, err
	}
	var row db.GetRoomRow
	err := store.Update(ctx, s.store, who.Scope(), "renaming a room", func(q db.Scoped) error {
		if _, err := ofAgent(ctx, q, agentID); err != nil {
			return err
		}
		found, err := findRoom(ctx, q, agentID, id)
		if err != nil {
			return err
		}
		if check != nil {
			now, err := q.GetRoomForUpdate(ctx, db.GetRoomForUpdateParams{ID: found.Room.ID, AgentID: agentID})
			if err != nil {
				return store.NotFound(err, "Room not found")
			}
			if err := check(roomOf(db.GetRoomRow(now))); err != nil {
				return err
			}
		}
		if _, err := q.RenameRoom(ctx, db.RenameRoomParams{ID: found.Room.ID, AgentID: agentID, Name: &name, UpdatedAt: now()}); err != nil {
			return err
		}
		row, err = q.GetRoom(ctx, db.GetRoomParams{ID: found.Room.ID, AgentID: agentID})
		return err
	})
	return roomOf(row), err
}

// DeleteRoom removes a room with everything that the agent remembers of it. The channel behind it stays, and so does the
// agent's part in it: the next message makes the room again. An unknown room is no error; an agent's own can't be deleted.
func (s *Service) DeleteRoom(ctx context.Context, who auth.Identity, agentID, id uuid.UUID) error {
	return store.Update(ctx, s.store, who.Scope(), "deleting a room", func(q db.Scoped) error {
		if _, err := ofAgent(ctx, q, agentID); err != nil {
			return err
		}
		if id == agentID {
			return apierr.New(apierr.BadRequest, "An agent's own room can't be deleted")
		}
		room, err := findRoom(ctx, q, agentID, id)
		if apierr.IsCode(err, apierr.NotFound) {
			return nil
		} else if err != nil {
			return err
		}
		return dropRoom(ctx, q, agentID, room.Room.ID)
	})
}

func dropRoom(ctx context.Context, q db.Scoped, agentID, id uuid.UUID) error {
	if err := forgetRoom(ctx, q, agentID, id, ""); err != nil {
		return err
	}
	return q.DeleteRoom(ctx, db.DeleteRoomParams{ID: id, AgentID: agentID})
}

package memory

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/store"
)

// NewGroup is what CreateGroup needs to know.
type NewGroup struct {
	MessageServerID uuid.UUID
	Agents          []uuid.UUID
	WorldID         *uuid.UUID // nil: each agent's world for the message server
	Name            string     // empty: made of the time
	Source          string     // empty: client; also the name of a world that is made
	Metadata        json.RawMessage
}

// GroupFailure says why an agent got no room.
type GroupFailure struct {
	AgentID uuid.UUID
	Err     *apierr.Error
}

// CreateGroup makes, for each agent, its room for a message server. Those that have it keep it. Agents that can't be served
// are listed as failures; when there is none that can, the error is NOT_FOUND.
func (s *Service) CreateGroup(ctx context.Context, who auth.Identity, n NewGroup) (rooms []Room, failures []GroupFailure, err error) {
	if len(n.Agents) == 0 {
		return nil, nil, apierr.New(apierr.BadRequest, "agentIds must be a non-empty array")
	}
	if n.Name == "" {
		n.Name = "Chat " + time.Now().Format(time.DateTime)
	}
	if n.Source == "" {
		n.Source = sourceClient
	}
	if err := cleanName(&n.Name, "Group"); err != nil {
		return nil, nil, err
	}
	err = store.Update(ctx, s.store, who.Scope(), "creating a group", func(q db.Scoped) error {
		rooms, failures = nil, nil
		for _, id := range n.Agents {
			if _, err := ofAgent(ctx, q, id); apierr.IsCode(err, apierr.NotFound) {
				failures = append(failures, GroupFailure{AgentID: id, Err: apierr.From(err)})
				continue
			} else if err != nil {
				return err
			}
			row, err := s.joinGroup(ctx, q, id, n)
			if err != nil {
				return err
			}
			rooms = append(rooms, roomOf(row))
		}
		if len(rooms) == 0 {
			return apierr.New(apierr.NotFound, "Agent not found").WithDetails("None of the agents exists")
		}
		return nil
	})
	return rooms, failures, err
}

// joinGroup makes an agent's world and room for a group.
func (s *Service) joinGroup(ctx context.Context, q db.Scoped, agentID uuid.UUID, n NewGroup) (db.GetRoomRow, error) {
	worldID := agent.UUIDFor(agentID, n.MessageServerID.String())
	roomID := worldID // rooms and worlds are named apart
	err := sql.ErrNoRows
	if n.WorldID != nil {
		worldID = *n.WorldID
		_, err = joinWorld(ctx, q, worldID, agentID)
	}
	if errors.Is(err, sql.ErrNoRows) {
		_, err = s.ensureWorld(ctx, q, worldID, agentID, NewWorld{Name: n.Source, MessageServerID: &n.MessageServerID})
	}
	if err != nil {
		return db.GetRoomRow{}, err
	}
	at := now()
	return s.ensureRoom(ctx, q, db.EnsureRoomParams{
		ID: roomID, AgentID: agentID, WorldID: &worldID, MessageServerID: &n.MessageServerID, Name: &n.Name, Type: string(messaging.TypeAPI),
		Source: n.Source, Metadata: dbtype.JSON(n.Metadata), CreatedAt: at, UpdatedAt: at,
	})
}

// ServerWorlds makes the world of a message server for every running agent that lacks it, and returns those worlds. Without a
// running agent it is a NOT_FOUND.
func (s *Service) ServerWorlds(ctx context.Context, who auth.Identity, serverID uuid.UUID, name, description string) ([]World, error) {
	if err := cleanName(&name, "World"); err != nil {
		return nil, err
	}
	n := NewWorld{Name: name, MessageServerID: &serverID}
	if description != "" {
		text, err := json.Marshal(map[string]string{"description": description})
		if err != nil {
			return nil, err
		}
		n.Metadata = text
	}
	var out []World
	err := store.Update(ctx, s.store, who.Scope(), "making worlds for a message server", func(q db.Scoped) error {
		out = nil
		agents, err := q.ListAgents(ctx)
		if err != nil {
			return err
		}
		for _, a := range agents {
			if !a.Running {
				continue
			}
			row, err := s.ensureWorld(ctx, q, agent.UUIDFor(a.ID, serverID.String()), a.ID, n)
			if err != nil {
				return err
			}
			out = append(out, worldOf(row))
		}
		if len(out) == 0 {
			return apierr.New(apierr.NotFound, "No active agents found")
		}
		return nil
	})
	return out, err
}

// DeleteGroup removes the world of that id, or all that stand for the message server of that id, with their rooms and what
// agents remember of them. Channels and their messages stay. There may be none.
func (s *Service) DeleteGroup(ctx context.Context, who auth.Identity, id uuid.UUID) error {
	return store.Update(ctx, s.store, who.Scope(), "deleting a group", func(q db.Scoped) error {
		return eachGroup(ctx, q, id, func(r db.ListWorldRoomsRow) error { return dropRoom(ctx, q, r.AgentID, r.ID) }, q.DeleteWorld)
	})
}

// ClearGroup makes agents forget what was said in the rooms of the worlds that DeleteGroup would remove.
func (s *Service) ClearGroup(ctx context.Context, who auth.Identity, id uuid.UUID) error {
	return store.Update(ctx, s.store, who.Scope(), "clearing a group's memories", func(q db.Scoped) error {
		return eachGroup(ctx, q, id,
			func(r db.ListWorldRoomsRow) error { return forgetRoom(ctx, q, r.AgentID, r.ID, tableMessages) },
			func(context.Context, db.DeleteWorldParams) error { return nil })
	})
}

// eachGroup visits the worlds that an id stands for, the rooms of each first.
func eachGroup(ctx context.Context, q db.Scoped, id uuid.UUID, room func(db.ListWorldRoomsRow) error, world func(context.Context, db.DeleteWorldParams) error) error {
	worlds, err := q.ListServerWorlds(ctx, id)
	if err != nil {
		return err
	}
	for _, w := range worlds {
		rooms, err := q.ListWorldRooms(ctx, db.ListWorldRoomsParams{WorldID: &w.ID, OwnerID: w.AgentID})
		if err != nil {
			return err
		}
		for _, r := range rooms {
			if err := room(r); err != nil {
				return err
			}
		}
		if err := world(ctx, db.DeleteWorldParams{ID: w.ID, AgentID: w.AgentID}); err != nil {
			return err
		}
	}
	return nil
}

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
)

// World is a group of rooms that belong together, such as a message server, as an agent knows it.
type World struct {
	ID              uuid.UUID
	AgentID         uuid.UUID // whose it is
	Name            string
	MessageServerID *uuid.UUID
	Metadata        json.RawMessage // an object, or nil
	CreatedAt       time.Time
	UpdatedAt       time.Time
	Agents          []WorldAgent // those that know it, in lists; AgentID first
}

// WorldAgent is an agent that knows a world.
type WorldAgent struct {
	ID   uuid.UUID
	Name string
}

// Worlds returns the worlds of all agents, the oldest first.
func (s *Service) Worlds(ctx context.Context, who auth.Identity) ([]World, error) {
	var out []World
	err := s.view(ctx, who, "listing worlds", func(q db.Querier) error {
		rows, err := q.ListWorlds(ctx)
		if err != nil {
			return err
		}
		shares, err := q.ListWorldAgents(ctx)
		if err != nil {
			return err
		}
		others := map[uuid.UUID][]WorldAgent{}
		for _, a := range shares {
			others[a.WorldID] = append(others[a.WorldID], WorldAgent{ID: a.ID, Name: a.Name})
		}
		out = make([]World, len(rows))
		for i, r := range rows {
			out[i] = worldOf(r.World)
			out[i].Agents = append([]WorldAgent{{ID: r.World.AgentID, Name: r.AgentName}}, others[r.World.ID]...)
		}
		return nil
	})
	return out, err
}

// NewWorld is what CreateWorld needs to know.
type NewWorld struct {
	Name            string
	MessageServerID *uuid.UUID
	Metadata        json.RawMessage // an object, or nil
}

// CreateWorld makes a world of an agent.
func (s *Service) CreateWorld(ctx context.Context, who auth.Identity, agentID uuid.UUID, n NewWorld) (World, error) {
	if err := checkName(n.Name, "World"); err != nil {
		return World{}, err
	}
	id := uuid.New()
	var row db.World
	err := s.update(ctx, who, "creating a world", func(q db.Querier) error {
		if _, err := ofAgent(ctx, q, agentID); err != nil {
			return err
		}
		var err error
		row, err = ensureWorld(ctx, q, id, agentID, n)
		return err
	})
	return worldOf(row), err
}

// ensureWorld returns the world of an id, and makes it where it isn't there yet.
func ensureWorld(ctx context.Context, q db.Querier, id, agentID uuid.UUID, n NewWorld) (db.World, error) {
	at := now()
	if _, err := q.EnsureWorld(ctx, db.EnsureWorldParams{
		ID: id, AgentID: agentID, Name: n.Name, MessageServerID: n.MessageServerID, Metadata: dbtype.JSON(n.Metadata), CreatedAt: at, UpdatedAt: at,
	}); err != nil {
		return db.World{}, err
	}
	return q.GetWorld(ctx, id)
}

// JoinWorld lets an agent share a world that exists. Doing it twice is no error.
func (s *Service) JoinWorld(ctx context.Context, who auth.Identity, agentID, worldID uuid.UUID) (World, error) {
	var row db.World
	err := s.update(ctx, who, "sharing a world", func(q db.Querier) error {
		if _, err := ofAgent(ctx, q, agentID); err != nil {
			return err
		}
		var err error
		if row, err = q.GetWorld(ctx, worldID); err != nil {
			return named(err, "World")
		}
		return shareWorld(ctx, q, row, agentID)
	})
	return worldOf(row), err
}

// shareWorld lets an agent share a world, unless it is the agent's own.
func shareWorld(ctx context.Context, q db.Querier, world db.World, agentID uuid.UUID) error {
	if world.AgentID == agentID {
		return nil
	}
	return q.AddWorldAgent(ctx, db.AddWorldAgentParams{WorldID: world.ID, AgentID: agentID})
}

// WorldPatch changes the parts of a world that are set. The members of objects are laid over those that are there.
type WorldPatch struct {
	Name     *string
	Metadata json.RawMessage // an object
	Settings json.RawMessage // an object, for metadata.settings
}

// UpdateWorld changes a world that an agent has or shares.
func (s *Service) UpdateWorld(ctx context.Context, who auth.Identity, agentID, worldID uuid.UUID, p WorldPatch) (World, error) {
	if p.Name != nil {
		if err := checkName(*p.Name, "World"); err != nil {
			return World{}, err
		}
	}
	var row db.World
	err := s.update(ctx, who, "changing a world", func(q db.Querier) error {
		if _, err := ofAgent(ctx, q, agentID); err != nil {
			return err
		}
		var err error
		row, err = q.GetAgentWorldForUpdate(ctx, db.GetAgentWorldForUpdateParams{ID: worldID, AgentID: agentID})
		if err != nil {
			return named(err, "World")
		}
		next := db.UpdateWorldParams{ID: worldID, Name: row.Name, Metadata: row.Metadata, UpdatedAt: max(now(), row.UpdatedAt)}
		if p.Name != nil {
			next.Name = *p.Name
		}
		if next.Metadata, err = p.metadata(row.Metadata); err != nil {
			return err
		}
		row, err = q.UpdateWorld(ctx, next)
		return err
	})
	return worldOf(row), err
}

// metadata returns the metadata of a world after the change.
func (p WorldPatch) metadata(before dbtype.JSON) (dbtype.JSON, error) {
	if p.Metadata == nil && p.Settings == nil {
		return before, nil
	}
	after, err := laidOver(json.RawMessage(before), p.Metadata, "metadata")
	if err == nil && p.Settings != nil {
		var settings map[string]json.RawMessage
		if settings, err = laidOver(after["settings"], p.Settings, "settings"); err == nil {
			after["settings"], err = json.Marshal(settings)
		}
	}
	if err != nil {
		return nil, err
	}
	return json.Marshal(after)
}

// laidOver returns the members of an object with those of a change over them. What was no object before has none.
func laidOver(before, change json.RawMessage, name string) (map[string]json.RawMessage, error) {
	out := map[string]json.RawMessage{}
	if isObject(before) {
		_ = json.Unmarshal(before, &out)
	}
	if change == nil {
		return out, nil
	}
	if !isObject(change) {
		return nil, apierr.New(apierr.ValidationFailed, "%s must be an object", name)
	}
	return out, json.Unmarshal(change, &out)
}

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
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/store"
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
	err := store.View(ctx, s.store, who.Scope(), "listing worlds", func(q db.Scoped) error {
		rows, err := q.ListWorlds(ctx)
		if err != nil {
			return err
		}
		shares, err := q.ListWorldAgents(ctx)
		if err != nil {
			return err
		}
		type key struct{ world, owner uuid.UUID }
		others := map[key][]WorldAgent{}
		for _, a := range shares {
			k := key{a.WorldID, a.OwnerID}
			others[k] = append(others[k], WorldAgent{ID: a.ID, Name: a.Name})
		}
		out = make([]World, len(rows))
		for i, r := range rows {
			out[i] = worldOf(r.World)
			out[i].Agents = append([]WorldAgent{{ID: r.World.AgentID, Name: r.AgentName}}, others[key{r.World.ID, r.World.AgentID}]...)
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
	if err := cleanName(&n.Name, "World"); err != nil {
		return World{}, err
	}
	id := uuid.New()
	var row db.World
	err := store.Update(ctx, s.store, who.Scope(), "creating a world", func(q db.Scoped) error {
		if _, err := ofAgent(ctx, q, agentID); err != nil {
			return err
		}
		var err error
		row, err = s.ensureWorld(ctx, q, id, agentID, n)
		return err
	})
	return worldOf(row), err
}

// ensureWorld returns the agent's own world of an id, and makes it where it isn't there yet.
func (s *Service) ensureWorld(ctx context.Context, q db.Scoped, id, agentID uuid.UUID, n NewWorld) (db.World, error) {
	if err := checkObject(n.Metadata, "metadata", maxPlaceJSON); err != nil {
		return db.World{}, err
	}
	at := now()
	made, err := q.EnsureWorld(ctx, db.EnsureWorldParams{
		ID: id, AgentID: agentID, Name: n.Name, MessageServerID: n.MessageServerID, Metadata: dbtype.JSON(n.Metadata), CreatedAt: at, UpdatedAt: at,
	})
	if err == nil && made > 0 {
		err = s.quotas.worlds().Check(func(atMost int64) (int64, error) {
			return q.CountAgentWorlds(ctx, db.CountAgentWorldsParams{AgentID: agentID, AtMost: atMost})
		})
	}
	if err != nil {
		return db.World{}, err
	}
	return q.GetWorld(ctx, db.GetWorldParams{ID: id, AgentID: agentID})
}

// JoinWorld lets an agent share a world that exists. Doing it twice is no error.
func (s *Service) JoinWorld(ctx context.Context, who auth.Identity, agentID, worldID uuid.UUID) (World, error) {
	var row db.World
	err := store.Update(ctx, s.store, who.Scope(), "sharing a world", func(q db.Scoped) error {
		if _, err := ofAgent(ctx, q, agentID); err != nil {
			return err
		}
		var err error
		row, err = joinWorld(ctx, q, worldID, agentID)
		return store.NotFound(err, "World not found")
	})
	return worldOf(row), err
}

// joinWorld returns the world that an agent knows under an id. Where it knows none, it shares another agent's from now on.
func joinWorld(ctx context.Context, q db.Scoped, id, agentID uuid.UUID) (db.World, error) {
	row, err := q.GetAgentWorld(ctx, db.GetAgentWorldParams{ID: id, AgentID: agentID})
	if !errors.Is(err, sql.ErrNoRows) {
		return row, err
	}
	if row, err = q.FindWorld(ctx, id); err != nil || row.AgentID == agentID { // it was made just now
		return row, err
	}
	return row, q.AddWorldAgent(ctx, db.AddWorldAgentParams{WorldID: row.ID, OwnerID: row.AgentID, AgentID: agentID})
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
		if err := cleanName(p.Name, "World"); err != nil {
			return World{}, err
		}
	}
	var row db.World
	err := store.Update(ctx, s.store, who.Scope(), "changing a world", func(q db.Scoped) error {
		if _, err := ofAgent(ctx, q, agentID); err != nil {
			return err
		}
		var err error
		row, err = q.GetAgentWorldForUpdate(ctx, db.GetAgentWorldForUpdateParams{ID: worldID, AgentID: agentID})
		if err != nil {
			return store.NotFound(err, "World not found")
		}
		if p.Name == nil && p.Metadata == nil && p.Settings == nil {
			return nil // nothing changes, and so the time of the last change doesn't either
		}
		next := db.UpdateWorldParams{ID: worldID, AgentID: row.AgentID, Name: row.Name, Metadata: row.Metadata, UpdatedAt: max(now(), row.UpdatedAt)}
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
	merged, err := json.Marshal(after)
	if err == nil {
		err = checkObject(merged, "metadata, with what is there already,", maxPlaceJSON)
	}
	return merged, err
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
	if err := checkObject(change, name, maxPlaceJSON); err != nil {
		return nil, err
	}
	return out, json.Unmarshal(change, &out)
}

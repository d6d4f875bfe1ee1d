package runtime

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/audit"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/quota"
	"github.com/elizad/elizad/server/internal/seal"
	"github.com/elizad/elizad/server/internal/store"
	"github.com/elizad/elizad/server/internal/usage"
)

// Agent is an agent as its owner sees it.
type Agent struct {
	ID         uuid.UUID
	Character  agent.Character // with its id, without secrets
	SecretKeys []string        // names of its secrets, sorted; not to be changed. Deeper ones have a mask in their place
	Enabled    bool
	Running    bool  // whether it takes turns; outlives the server
	Version    int64 // counts the changes of the character
	CreatedAt  time.Time
	UpdatedAt  time.Time
	Model      ModelStatus
	Plugins    []PluginStatus // for each name in Character.Plugins, and each server whose tools the agent has; not to be changed

	// Notice says what the change that was just made removed beyond what was asked for, and what of its knowledge the agent can't use; empty
	// for nothing.
	Notice string
}

// ModelStatus describes the model that writes an agent's texts.
type ModelStatus struct {
	EndpointStatus
	Notice    string           // what its owner should know or do; empty when all is well
	Fallbacks []EndpointStatus // asked in this order when it fails
}

// EndpointStatus describes a model, and whether it is asked.
type EndpointStatus struct {
	Provider string
	Model    string
	Circuit  string    // closed, open or half_open, as [model.CircuitState] has them; empty for what has none
	RetryAt  time.Time // when it is tried again; zero unless the circuit is open
}

// Agents keeps the agents. Its methods are safe for concurrent use; who is the caller. An unknown agent is NOT_FOUND.
type Agents struct {
	store    store.System
	namings  []store.Naming // of the tenant, its own the last
	keys     *seal.Keys
	salt     string // of the ElizaOS server that characters come from
	messages Messages
	models   Models
	versions *agentVersions
	plugins  *agent.Registry // nil: none
	tally    *quota.Tally    // of all agents
	numbers  *numbers
	uses     *uses // of secrets
	usage    *usage.Ledger
	log      *slog.Logger

	knowledge Knowledge // nil: agents know no documents
}

// Get returns one agent.
func (a *Agents) Get(ctx context.Context, who auth.Identity, id uuid.UUID) (Agent, error) {
	row, err := a.row(ctx, who, id)
	if err != nil {
		return Agent{}, err
	}
	return a.describe(ctx, row)
}

// Settings returns how to look up the settings of an agent that runs: its own, and the server's below them.
func (a *Agents) Settings(ctx context.Context, who auth.Identity, id uuid.UUID) (lookup func(name string) (string, bool), running bool, err error) {
	var head db.GetAgentHeadRow
	err = a.store.View(ctx, who.Scope(), func(q db.Scoped) (err error) {
		head, err = q.GetAgentHead(ctx, id)
		return err
	})
	if err != nil || !head.Running {
		return nil, false, err
	}
	if m := a.versions.known(id, head.Version); m != nil {
		return m.settings.Setting, true, nil
	}
	row, err := a.row(ctx, who, id)
	if err != nil {
		return nil, false, err
	}
	m, err := a.versions.of(ctx, row)
	if err != nil {
		return nil, false, err
	}
	return m.settings.Setting, row.Running, nil
}

func (a *Agents) row(ctx context.Context, who auth.Identity, id uuid.UUID) (db.Agent, error) {
	var row db.Agent
	err := store.View(ctx, a.store, who.Scope(), "reading an agent", func(q db.Scoped) (err error) {
		row, err = find(ctx, q, id)
		return err
	})
	if err != nil {
		return db.Agent{}, err
	}
	return row, nil
}

// find returns an agent's row.
func find(ctx context.Context, q db.Scoped, id uuid.UUID) (db.Agent, error) {
	return found(q.GetAgent(ctx, id))
}

// found says of a missing row that the agent is not found.
func found(row db.Agent, err error) (db.Agent, error) {
	return row, store.NotFound(err, "Agent not found")
}

// Create stores a new agent, which doesn't run yet. When the agent exists with the same content it is returned and created
// is false; with other content the error is a CONFLICT and nothing changes, as it is for an id that stands for a person or
// something else.
func (a *Agents) Create(ctx context.Context, who auth.Identity, c agent.Character) (out Agent, created bool, err error) {
	return a.create(ctx, who, c, a.mayCreate)
}

// create is Create where check decides what is refused beside that.
func (a *Agents) create(ctx context.Context, who auth.Identity, c agent.Character, check creationCheck) (out Agent, created bool, err error) {
	if err := a.identify(ctx, who, &c); err != nil {
		return Agent{}, false, err
	}
	changes := splitSecrets(&c)
	if err := changes.open(a.salt, apierr.CreateFailed); err != nil {
		return Agent{}, false, err
	}
	if err := checkTemplates(&c, apierr.CreateFailed); err != nil {
		return Agent{}, false, err
	}
	fresh := c
	given := settled(&fresh, changes.apply(nil))
	character, sealed, err := a.encode(&fresh, given)
	if err != nil {
		return Agent{}, false, err
	}
	var row db.Agent
	err = store.Update(ctx, a.store, who.Scope(), "creating an agent", func(q db.Scoped) error {
		created = false
		var err error
		if row, err = q.GetAgent(ctx, c.ID); err == nil {
			return a.sameAgent(row, &c, changes)
		} else if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		now := dbtype.MillisOf(time.Now())
		row = db.Agent{ID: c.ID, Name: c.Name, Character: character, Secrets: sealed, Enabled: true, CreatedAt: now, UpdatedAt: now}
		if err := check(ctx, q, row); err != nil {
			made, again := q.GetAgent(ctx, c.ID)
			if again != nil {
				return err
			}
			row = made // at the same moment, by another caller, and what stood in the way was its room
			return a.sameAgent(row, &c, changes)
		}
		created = true
		row, err = q.InsertAgent(ctx, db.InsertAgentParams{
			ID: row.ID, Name: row.Name, Character: row.Character, Secrets: row.Secrets, Enabled: row.Enabled, CreatedAt: now, UpdatedAt: now,
		})
		if err != nil {
			return err
		}
		if err := settle(ctx, q, row); err != nil {
			return err
		}
		if err := noteChanges(ctx, q, row.ID, nil, given, now); err != nil {
			return err
		}
		return audit.Within(ctx, q, row.ID, secretsAudited(nil, given))
	})
	a.numbers.forget()
	if err != nil {
		return Agent{}, false, err
	}
	if created {
		a.messages.AnnounceAgents(ctx)
		a.changed(row)
		a.note(ctx, "agent created", row)
	}
	out, err = a.describe(ctx, row)
	return out, created, err
}

// settle makes an agent's own world and room, which have its id.
func settle(ctx context.Context, q db.Scoped, row db.Agent) error {
	if _, err := q.EnsureWorld(ctx, db.EnsureWorldParams{
		ID: row.ID, AgentID: row.ID, Name: row.Name + "'s World", MessageServerID: &row.ID, CreatedAt: row.CreatedAt, UpdatedAt: row.CreatedAt,
	}); err != nil {
		return err
	}
	_, err := q.EnsureRoom(ctx, db.EnsureRoomParams{
		ID: row.ID, AgentID: row.ID, WorldID: &row.ID, MessageServerID: &row.ID, Name: &row.Name, Type: string(messaging.TypeSelf),
		Source: "elizaos", CreatedAt: row.CreatedAt, UpdatedAt: row.CreatedAt,
	})
	return err
}

// sameAgent returns a CONFLICT unless a stored agent is what a client wants to create.
func (a *Agents) sameAgent(row db.Agent, c *agent.Character, changes secretChanges) error {
	stored, secrets, err := a.decode(row)
	if err != nil {
		return err
	}
	wanted := *c
	if all := settled(&wanted, changes.apply(secrets)); !stored.Equal(&wanted) || !maps.Equal(secrets, all) {
		return apierr.New(apierr.Conflict, "An agent with this id exists already, with other content; change it instead").
			WithDetails(row.ID.String())
	}
	return nil
}

// Delete removes an agent with its turns. What it said stays in the channels.
func (a *Agents) Delete(ctx context.Context, who auth.Identity, id uuid.UUID) error {
	row, err := a.setRunning(ctx, who, id, false)
	if err != nil {
		return err
	}
	if err := a.messages.CancelAgentTurns(ctx, id, "agent_deleted", "The agent was deleted"); err != nil {
		return err
	}
	err = store.Update(ctx, a.store, who.Scope(), "deleting an agent", func(q db.Scoped) error {
		if n, err := q.DeleteAgent(ctx, id); err != nil {
			return err
		} else if n == 0 {
			return apierr.New(apierr.NotFound, "Agent not found")
		}
		if err := q.NoteFormerAgent(ctx, db.NoteFormerAgentParams{ID: id, DeletedAt: dbtype.MillisOf(time.Now())}); err != nil {
			return err
		}
		return audit.Within(ctx, q, id, "")
	})
	a.numbers.forget()
	if err != nil {
		return err
	}
	a.versions.forget(id)
	a.messages.AnnounceAgents(ctx)
	a.note(ctx, "agent deleted", row)
	return nil
}

// Start lets an agent take turns, even after a restart of the server, and attaches it to the default message server. An
// agent that runs already is no error.
func (a *Agents) Start(ctx context.Context, who auth.Identity, id uuid.UUID) (Agent, error) {
	row, err := a.setRunning(ctx, who, id, true)
	if err != nil {
		return Agent{}, err
	}
	if err := a.messages.AddServerAgent(ctx, who, a.messages.CurrentServer(), id); err != nil {
		return Agent{}, fmt.Errorf("attaching an agent to the default message server: %w", err)
	}
	a.note(ctx, "agent started", row)
	return a.describe(ctx, row)
}

// Stop ends the turns of an agent that runs and gives it no more. One that doesn't run is NOT_FOUND.
func (a *Agents) Stop(ctx context.Context, who auth.Identity, id uuid.UUID) (Agent, error) {
	row, err := a.row(ctx, who, id)
	if err != nil {
		return Agent{}, err
	}
	if !row.Running {
		return Agent{}, apierr.New(apierr.NotFound, "Agent not found").WithDetails("The agent is not running")
	}
	if row, err = a.setRunning(ctx, who, id, false); err != nil {
		return Agent{}, err
	}
	if err := a.messages.CancelAgentTurns(ctx, id, "agent_stopped", "The agent was stopped"); err != nil {
		return Agent{}, err
	}
	a.note(ctx, "agent stopped", row)
	return a.describe(ctx, row)
}

// note puts what happened to an agent into the log, under the names by which clients choose the entries of one agent.
func (a *Agents) note(ctx context.Context, what string, row db.Agent) {
	a.log.InfoContext(ctx, what, "agentId", row.ID, "agentName", row.Name)
}

func (a *Agents) setRunning(ctx context.Context, who auth.Identity, id uuid.UUID, running bool) (db.Agent, error) {
	var row db.Agent
	err := store.Update(ctx, a.store, who.Scope(), "changing whether an agent runs", func(q db.Scoped) (err error) {
		row, err = q.SetAgentRunning(ctx, db.SetAgentRunningParams{ID: id, Running: running})
		return store.NotFound(err, "Agent not found")
	})
	a.numbers.forget()
	if err != nil {
		return db.Agent{}, err
	}
	a.messages.AnnounceAgents(ctx)
	return row, nil
}

// changed has the documents of an agent brought in line with its character.
func (a *Agents) changed(row db.Agent) {
	if a.knowledge != nil {
		a.knowledge.Changed(row.ID)
	}
}

// describe returns a row as its owner sees it.
func (a *Agents) describe(ctx context.Context, row db.Agent) (Agent, error) {
	m, err := a.versions.of(ctx, row)
	if err != nil {
		return Agent{}, err
	}
	notice := ""
	if a.knowledge != nil {
		if notice, err = a.knowledge.Notice(ctx, auth.Agent(row.ID), row.ID); err != nil {
			return Agent{}, err
		}
	}
	return Agent{
		Notice: notice,
		ID:     row.ID, Character: *m.character, SecretKeys: m.secretKeys, Enabled: row.Enabled, Running: row.Running, Version: row.Version,
		CreatedAt: row.CreatedAt.Time(), UpdatedAt: row.UpdatedAt.Time(), Model: m.card.modelStatus(), Plugins: slices.Concat(m.plugins, m.tools.Status()),
	}, nil
}

// encode returns what is stored of a character and its secrets.
func (a *Agents) encode(c *agent.Character, secrets map[string]string) (character, sealed dbtype.JSON, err error) {
	text, err := json.Marshal(c)
	if err != nil {
		return nil, nil, fmt.Errorf("encoding a character: %w", err)
	}
	box, err := a.keys.Seal(c.ID.String(), secrets)
	return text, box, err
}

// decode is the reverse of encode.
func (a *Agents) decode(row db.Agent) (agent.Character, map[string]string, error) {
	c, err := agent.ParseCharacter(row.Character)
	if err != nil {
		return agent.Character{}, nil, fmt.Errorf("reading the character of agent %s: %w", row.ID, err)
	}
	secrets, err := a.keys.Open(row.ID.String(), row.Secrets)
	if errors.Is(err, seal.ErrUnknownKey) {
		return agent.Character{}, nil, apierr.Wrap(err, apierr.BadRequest,
			"The secrets of this agent were sealed with another master key; restore that key, or delete the agent and create it again")
	} else if err != nil {
		return agent.Character{}, nil, fmt.Errorf("opening the secrets of agent %s: %w", row.ID, err)
	}
	all := namedSecrets(&c).apply(nil) // of a row from before they were kept apart
	maps.Copy(all, secrets)
	return c, settled(&c, all), nil
}

package runtime

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
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
	"github.com/elizad/elizad/server/internal/names"
	"github.com/elizad/elizad/server/internal/secrets"
	"github.com/elizad/elizad/server/internal/store"
)

// updateTries bounds how often a change is tried again when another caller changes the agent at the same moment.
const updateTries = 5

// Update changes the fields that a patch names, by the rules of [agent.Character.Patch]; "enabled" may be among them.
// Secrets are merged: null removes one, the mask leaves it as it is. A patch that changes nothing stores nothing. Runs that
// have begun keep the version they began with.
func (a *Agents) Update(ctx context.Context, who auth.Identity, id uuid.UUID, patch map[string]json.RawMessage) (Agent, error) {
	return a.UpdateIf(ctx, who, id, patch, nil)
}

// UpdateIf is Update after a look at the agent: the error of check refuses the change. A nil check refuses nothing.
func (a *Agents) UpdateIf(ctx context.Context, who auth.Identity, id uuid.UUID, patch map[string]json.RawMessage, check func(Agent) error) (Agent, error) {
	for range updateTries {
		var checked *Agent
		if check != nil {
			now, err := a.Get(ctx, who, id)
			if err != nil {
				return Agent{}, err
			}
			if err := check(now); err != nil {
				return Agent{}, err
			}
			checked = &now
		}
		row, lost, err := a.update(ctx, who, id, patch, checked)
		if errors.Is(err, errOvertaken) {
			continue
		}
		if err != nil {
			return Agent{}, fmt.Errorf("changing an agent: %w", err)
		}
		a.messages.AnnounceAgents(ctx)
		a.changed(row)
		if len(lost) > 0 {
			a.log.WarnContext(ctx, "secrets removed, because a change would have sent them to another address", "agentId", row.ID, "agentName", row.Name, "names", lost)
		}
		out, err := a.describe(ctx, row)
		out.Notice = joined(" ", secrets.Dropped(lost), out.Notice)
		return out, err
	}
	return Agent{}, apierr.New(apierr.Conflict, "The agent is being changed by somebody else; try again")
}

// errOvertaken says that the agent changed between being read and being written.
var errOvertaken = errors.New("overtaken by another change")

// update stores a change of the agent, which must still have the version that was checked, if one was. It returns the names of
// the secrets that went because the change would have sent them elsewhere.
func (a *Agents) update(ctx context.Context, who auth.Identity, id uuid.UUID, patch map[string]json.RawMessage, checked *Agent) (db.Agent, []string, error) {
	var row db.Agent
	var lost []string
	var changed *version
	err := a.store.Update(ctx, who.Scope(), func(q db.Scoped) error {
		changed = nil
		var err error
		if row, err = found(q.GetAgentForUpdate(ctx, id)); err != nil {
			return err
		}
		if checked != nil && checked.Version != row.Version {
			return errOvertaken
		}
		next, err := a.patched(row, maps.Clone(patch))
		lost = next.lost
		if err != nil || !next.differs {
			return err
		}
		row, err = q.UpdateAgent(ctx, next.change)
		if errors.Is(err, sql.ErrNoRows) {
			return errOvertaken
		}
		if err != nil {
			return err
		}
		if err := noteChanges(ctx, q, id, next.had, next.have, row.UpdatedAt); err != nil {
			return err
		}
		changed = &next
		return audit.Within(ctx, q, id, secretsAudited(next.had, next.have))
	})
	if err == nil && changed != nil {
		given, _ := differing(changed.had, changed.have)
		a.uses.forget(id, given)
	}
	return row, lost, err
}

// version is an agent as a patch makes it.
type version struct {
	change    db.UpdateAgentParams
	differs   bool
	had, have map[string]string // secrets, before and after
	lost      []string          // the names of those that the change would send elsewhere, so that they are gone
}

// secretsAudited says for the audit log which secrets differ, by their names.
func secretsAudited(had, have map[string]string) string {
	given, removed := differing(had, have)
	names := slices.Concat(given, removed)
	if len(names) == 0 {
		return ""
	}
	slices.Sort(names)
	return audit.Words("secrets", names...)
}

// patched returns a row's next version.
func (a *Agents) patched(row db.Agent, patch map[string]json.RawMessage) (next version, err error) {
	before, had, err := a.decode(row)
	if err != nil {
		return next, err
	}
	enabled := row.Enabled
	if raw, ok := patch["enabled"]; ok {
		var v *bool
		if err := json.Unmarshal(raw, &v); err != nil || v == nil {
			return next, refused("/enabled", "must be true or false")
		}
		enabled = *v
	}
	changes, err := patchSecrets(patch, had)
	if err != nil {
		return next, err
	}
	if err := changes.open(a.salt, apierr.UpdateFailed); err != nil {
		return next, err
	}
	after, err := before.Patch(patch)
	if err != nil {
		return next, err
	}
	if after.Name, after.Username = names.Clean(after.Name), names.Clean(after.Username); after.Name == "" {
		return next, refused("/name", noName)
	}
	if err := checkTemplates(&after, apierr.UpdateFailed); err != nil {
		return next, err
	}
	byName := namedSecrets(&after)
	if err := byName.open(a.salt, apierr.UpdateFailed); err != nil {
		return next, err
	}
	given := byName.given()
	maps.Copy(given, changes.given())
	have := settled(&after, changes.apply(byName.apply(had)))
	if next.lost = a.rerouted(&before, &after, had, have, given); len(next.lost) > 0 {
		maps.DeleteFunc(have, func(name, _ string) bool { return slices.Contains(next.lost, name) })
		have = settled(&after, have)
	}
	if enabled == row.Enabled && after.Equal(&before) && maps.Equal(had, have) {
		return version{}, nil
	}
	character, sealed, err := a.encode(&after, have)
	if err == nil {
		err = checkSize(len(character)+len(sealed), len(row.Character)+len(row.Secrets))
	}
	next.differs, next.had, next.have = true, had, have
	next.change = db.UpdateAgentParams{
		ID: row.ID, Version: row.Version, Name: after.Name, Character: character, Secrets: sealed, Enabled: enabled,
		UpdatedAt: max(dbtype.MillisOf(time.Now()), row.UpdatedAt),
	}
	return next, err
}

// Import brings characters from files in: a new one is created, and of one that exists the fields that the file has are
// changed. With running set each is started. It returns the agents' ids.
func (a *Agents) Import(ctx context.Context, characters []agent.Character, running bool) (ids []uuid.UUID, err error) {
	who := auth.System()
	for _, c := range characters {
		out, _, err := a.create(ctx, who, c, func(context.Context, db.Scoped, db.Agent) error { return nil }) // its owner decides
		if apierr.IsCode(err, apierr.Conflict) {
			out, err = a.overwrite(ctx, who, c)
		}
		if err == nil && running {
			_, err = a.Start(ctx, who, out.ID)
		}
		if err != nil {
			return ids, fmt.Errorf("importing %q: %w", c.Name, err)
		}
		ids = append(ids, out.ID)
	}
	return ids, nil
}

// overwrite changes the fields of a stored agent that a character has.
func (a *Agents) overwrite(ctx context.Context, who auth.Identity, c agent.Character) (Agent, error) {
	if err := a.identify(ctx, who, &c); err != nil {
		return Agent{}, err
	}
	text, err := json.Marshal(&c)
	if err != nil {
		return Agent{}, fmt.Errorf("encoding a character: %w", err)
	}
	var patch map[string]json.RawMessage
	if err := json.Unmarshal(text, &patch); err != nil {
		return Agent{}, fmt.Errorf("decoding a character: %w", err)
	}
	return a.Update(ctx, who, c.ID, patch)
}

// EnsureDefault creates and starts Eliza when there is no agent at all, so that a fresh server answers.
func (a *Agents) EnsureDefault(ctx context.Context) error {
	var count int64
	err := store.SystemView(ctx, a.store, "counting agents", func(q db.System) (err error) {
		count, err = q.CountAgents(ctx)
		return err
	})
	if err != nil {
		return err
	}
	if count > 0 {
		return nil
	}
	c, err := DefaultCharacter()
	if err != nil {
		return err
	}
	_, err = a.Import(ctx, []agent.Character{c}, true)
	return err
}

package runtime

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/internal/secrets"
	"github.com/elizad/elizad/server/internal/store"
	"github.com/elizad/elizad/server/model"
)

// Secrets that are in a character by name, as many ElizaOS characters have them, are kept apart from it like those that it
// calls secrets. One at the top of the settings is the secret of its name. One that is deeper, in settings, metadata or
// documents, leaves a mask in its place and is called by its JSON pointer.

// namedSecrets takes the secrets out of a character that are in it by name. A mask says that the value stays as it is.
func namedSecrets(c *agent.Character) secretChanges {
	changes := secretChanges{}
	settings := maps.Clone(c.Settings)
	for name, v := range settings {
		text, isText := v.(string)
		switch {
		case name == "secrets":
		case isText && secrets.Held(name, text):
			delete(settings, name)
			changes.add(map[string]any{name: text})
		default:
			settings[name] = changes.conceal(pointer("/settings", name), name, v)
		}
	}
	c.Settings = settings
	c.Metadata, _ = changes.conceal("/metadata", "", c.Metadata).(map[string]any)
	c.Documents, _ = changes.conceal("/documents", "", c.Documents).([]any)
	return changes
}

// conceal notes the secrets in a value and returns the value with masks in their place. What is inside of something whose name
// is a secret's is one, too.
func (s secretChanges) conceal(at, name string, v any) any {
	switch v := v.(type) {
	case string:
		if !secrets.Held(name, v) {
			return v
		}
		s.add(map[string]any{at: v})
		return agent.SecretMask
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, inner := range v {
			out[key] = s.conceal(pointer(at, key), nearest(key, name), inner)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, inner := range v {
			out[i] = s.conceal(pointer(at, strconv.Itoa(i)), name, inner)
		}
		return out
	default:
		return v
	}
}

// nearest returns the name by which a value inside of an object is judged: its own, unless only the object's is a secret's.
func nearest(key, around string) string {
	if !secrets.Named(key) && secrets.Named(around) {
		return around
	}
	return key
}

// opened returns a character's settings with the secrets in their place, for the code that uses them.
func opened(settings map[string]any, all map[string]string) map[string]any {
	out, _ := walk("/settings", settings, func(at string, v any) (any, bool) {
		if text, ok := all[at]; ok && v == agent.SecretMask {
			return text, true
		}
		return v, true
	}).(map[string]any)
	return out
}

// settled brings a character and its secrets into agreement: masks without a secret go, and secrets without a mask.
func settled(c *agent.Character, all map[string]string) map[string]string {
	masked := map[string]bool{}
	keep := func(at string, v any) (any, bool) {
		if v != agent.SecretMask {
			return v, true
		}
		masked[at] = true
		_, known := all[at]
		return v, known
	}
	c.Settings, _ = walk("/settings", c.Settings, keep).(map[string]any)
	c.Metadata, _ = walk("/metadata", c.Metadata, keep).(map[string]any)
	c.Documents, _ = walk("/documents", c.Documents, keep).([]any)
	out := maps.Clone(all)
	maps.DeleteFunc(out, func(name, _ string) bool { return isPointer(name) && !masked[name] })
	return out
}

// walk returns a copy of a value in which each leaf is what the function makes of it, or is left out.
func walk(at string, v any, leaf func(at string, v any) (next any, keep bool)) any {
	switch v := v.(type) {
	case map[string]any:
		if v == nil {
			return v
		}
		out := make(map[string]any, len(v))
		for key, inner := range v {
			if next, keep := walked(pointer(at, key), inner, leaf); keep {
				out[key] = next
			}
		}
		return out
	case []any:
		if v == nil {
			return v
		}
		out := make([]any, 0, len(v))
		for i, inner := range v {
			if next, keep := walked(pointer(at, strconv.Itoa(i)), inner, leaf); keep {
				out = append(out, next)
			} else {
				out = append(out, "") // so that what comes behind keeps its place
			}
		}
		return out
	default:
		return v
	}
}

func walked(at string, v any, leaf func(string, any) (any, bool)) (any, bool) {
	switch v.(type) {
	case map[string]any, []any:
		return walk(at, v, leaf), true
	default:
		return leaf(at, v)
	}
}

// pointer returns the JSON pointer of what is inside of something.
func pointer(at, key string) string {
	return at + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(key)
}

// isPointer reports whether a secret is one that stands deep in the character.
func isPointer(name string) bool { return strings.HasPrefix(name, "/") }

// rerouted returns which secrets a change of a character would send to another place, but for those that it brings along.
func (a *Agents) rerouted(before, after *agent.Character, had, have map[string]string, given map[string]bool) []string {
	var names []string
	for name := range had {
		if _, kept := have[name]; kept && !given[name] {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	return secrets.Rerouted(names, a.view(before, had), a.view(after, have))
}

// view shows the settings of a character alone: what the server's add may be another tomorrow.
func (a *Agents) view(c *agent.Character, all map[string]string) secrets.View {
	v := secrets.View{Values: map[string]string{}}
	walk("/settings", c.Settings, func(at string, leaf any) (any, bool) {
		text, ok := scalar(leaf)
		if name, top := strings.CutPrefix(at, "/settings/"); top && !strings.Contains(name, "/") {
			at = strings.NewReplacer("~1", "/", "~0", "~").Replace(name)
		}
		if ok {
			v.Values[at] = text
		}
		return leaf, true
	})
	maps.Copy(v.Values, all)
	v.Routes = a.models.Routes(func(name string) (model.Setting, bool) {
		value, ok := v.Values[name]
		return model.Setting{Name: name, Value: value, Origin: model.FromCharacter}, ok
	})
	return v
}

// concealPage is how many agents are looked up at once.
const concealPage = 100

// Conceal keeps apart the secrets that stand by name in characters which were stored before that was done. Each is looked at
// once, at the first start that can read its other secrets.
func (a *Agents) Conceal(ctx context.Context) error {
	after := uuid.Nil
	for {
		var ids []uuid.UUID
		err := store.SystemView(ctx, a.store, "listing agents with secrets in the clear", func(q db.System) (err error) {
			ids, err = q.ListAgentsToConceal(ctx, db.ListAgentsToConcealParams{After: after, PageSize: concealPage})
			return err
		})
		if err != nil {
			return err
		}
		for _, id := range ids {
			if err := a.conceal(ctx, id); err != nil {
				return fmt.Errorf("keeping apart the secrets of agent %s: %w", id, err)
			}
			after = id
		}
		if len(ids) < concealPage {
			return nil
		}
	}
}

func (a *Agents) conceal(ctx context.Context, id uuid.UUID) error {
	return a.store.SystemUpdate(ctx, func(q db.System) error {
		row, err := q.GetAgentForUpdate(ctx, id)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		} else if err != nil {
			return err
		}
		c, all, err := a.decode(row)
		if err != nil {
			a.log.WarnContext(ctx, "secrets of an agent stay in the clear", "agentId", id, "error", err)
			return nil
		}
		character, sealed, err := a.encode(&c, all)
		if err != nil {
			return err
		}
		if _, err := q.ConcealAgent(ctx, db.ConcealAgentParams{ID: id, Version: row.Version, Character: character, Secrets: sealed}); err != nil {
			return err
		}
		return q.AgentConcealed(ctx, id)
	})
}

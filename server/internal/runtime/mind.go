package runtime

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/runtime/template"
	"github.com/elizad/elizad/server/internal/seal"
)

// mind is what is built from one version of an agent. Many runs share it; nothing in it changes but the trouble.
type mind struct {
	id         uuid.UUID
	version    int64
	character  *agent.Character
	place      string   // in lists: the name without regard to case
	secretKeys []string // sorted
	settings   *settings
	templates  map[string]*template.Template // all prompts by name
	model      ModelChoice
	plugins    []PluginStatus
	components agent.Components
	routes     []*PluginRoutes // in the order of the plugins
	log        *slog.Logger

	// trouble is what was last wrong with the model's configuration, as the model itself said; nil while it works.
	trouble atomic.Pointer[string]
}

// modelStatus tells the owner about the model.
func (m *mind) modelStatus() ModelStatus {
	status := m.model.status()
	if trouble := m.trouble.Load(); trouble != nil {
		status.Notice = *trouble
	}
	return status
}

// maxMinds bounds how many minds are kept.
const maxMinds = 1024

// minds keeps the mind of each agent's newest version.
type minds struct {
	build func(ctx context.Context, row db.Agent) (*mind, error)

	mu   sync.Mutex
	kept map[uuid.UUID]*mind
}

// known returns the mind of an agent's version; nil if it isn't kept.
func (s *minds) known(id uuid.UUID, version int64) *mind {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.kept[id]; m != nil && m.version == version {
		return m
	}
	return nil
}

// of returns the mind for a row. Two callers may build the same one at once; one of them is kept.
func (s *minds) of(ctx context.Context, row db.Agent) (*mind, error) {
	if m := s.known(row.ID, row.Version); m != nil {
		return m, nil
	}
	built, err := s.build(ctx, row)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch m := s.kept[row.ID]; {
	case m != nil && m.version == built.version:
		return m, nil
	case m != nil && m.version > built.version:
		return built, nil
	}
	if len(s.kept) >= maxMinds {
		for id := range s.kept { // any; a mind that is needed again is built again
			delete(s.kept, id)
			break
		}
	}
	s.kept[row.ID] = built
	return built, nil
}

func (s *minds) forget(id uuid.UUID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.kept, id)
}

// builder makes minds.
type builder struct {
	agents      *Agents
	environment Environment
	models      Models
	registry    *agent.Registry
	log         *slog.Logger
}

func (b *builder) build(ctx context.Context, row db.Agent) (*mind, error) {
	character, secrets, sealed := b.agents.decode(row)
	if sealed != nil && !apierr.IsCode(sealed, apierr.BadRequest) {
		return nil, sealed
	}
	if sealed != nil { // the character is there, only its secrets are not
		var err error
		if character, err = agent.ParseCharacter(row.Character); err != nil {
			return nil, fmt.Errorf("reading the character of agent %s: %w", row.ID, err)
		}
	}
	character.ID = row.ID
	names, err := seal.Names(row.Secrets)
	if err != nil {
		return nil, fmt.Errorf("reading an agent's secrets: %w", err)
	}
	templates, err := compileTemplates(&character)
	if err != nil {
		return nil, fmt.Errorf("compiling the prompts of agent %s: %w", row.ID, err)
	}
	m := &mind{
		id: row.ID, version: row.Version, character: &character, place: strings.ToLower(row.Name), secretKeys: names, templates: templates,
		log: b.log.With("agentId", row.ID, "agentName", character.Name),
	}
	m.settings = &settings{
		forCharacter: b.environment.Character(character.Name, row.ID.String()),
		secrets:      secrets, own: character.Settings, server: b.environment.Lookup, log: m.log,
	}
	if sealed != nil {
		m.model = brokenChoice(apierr.From(sealed).Message)
	} else {
		m.model = b.models.Choose(ModelRequest{Setting: m.settings.Setting, Plugins: character.Plugins})
	}
	m.components = agent.Components{Actions: builtinActions(), Providers: builtinProviders()}
	for _, name := range character.Plugins {
		m.addPlugin(ctx, b.registry, name)
	}
	return m, nil
}

// addPlugin adds what a registered plugin brings and notes what became of the name. A plugin that fails, or whose
// components have names that are taken, is left out.
func (m *mind) addPlugin(ctx context.Context, registry *agent.Registry, name string) {
	plugin, ok := registry.Lookup(name)
	if !ok {
		m.plugins = append(m.plugins, knownPlugin(name))
		return
	}
	status := PluginStatus{Name: name, Available: true, Status: PluginBuiltin, Reason: plugin.Description}
	parts, err := plugin.Provision(ctx, agent.Setup{AgentID: m.id, Character: m.character, Host: m.settings})
	if err == nil {
		err = m.admit(agent.PluginName(name), parts)
	}
	if err != nil {
		m.log.WarnContext(ctx, "plugin left out", "plugin", name, "error", err)
		status = PluginStatus{Name: name, Status: PluginUnavailable, Reason: "It could not be set up; the server's log says why"}
	}
	m.plugins = append(m.plugins, status)
}

// admit adds a plugin's components unless one of them has a name that is taken, or none, or can't work.
func (m *mind) admit(plugin string, parts agent.Components) error {
	routes, err := newPluginRoutes(plugin, parts.Routes)
	if err != nil {
		return err
	}
	taken := map[string]bool{}
	for _, a := range m.components.Actions {
		taken["action "+a.Name] = true
	}
	for _, p := range m.components.Providers {
		taken["provider "+p.Name] = true
	}
	for _, e := range m.components.Evaluators {
		taken["evaluator "+e.Name] = true
	}
	claim := func(kind, name string, complete bool) error {
		if name == "" || !complete {
			return fmt.Errorf("%s %q is incomplete", kind, name)
		}
		if taken[kind+" "+name] {
			return fmt.Errorf("%s %q exists already", kind, name)
		}
		taken[kind+" "+name] = true
		return nil
	}
	for _, a := range parts.Actions {
		if err := claim("action", a.Name, a.Handle != nil); err != nil {
			return err
		}
	}
	for _, p := range parts.Providers {
		if err := claim("provider", p.Name, p.Get != nil); err != nil {
			return err
		}
	}
	for _, e := range parts.Evaluators {
		if err := claim("evaluator", e.Name, e.Handle != nil); err != nil {
			return err
		}
	}
	if routes != nil && m.pluginRoutes(plugin) != nil {
		return fmt.Errorf("routes of a plugin %q exist already", plugin)
	}
	if routes != nil {
		m.routes = append(m.routes, routes)
	}
	m.components.Actions = append(m.components.Actions, parts.Actions...)
	m.components.Providers = append(m.components.Providers, parts.Providers...)
	m.components.Evaluators = append(m.components.Evaluators, parts.Evaluators...)
	return nil
}

package runtime

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/pluginhttp"
	"github.com/elizad/elizad/server/internal/runtime/template"
	"github.com/elizad/elizad/server/internal/seal"
	"github.com/elizad/elizad/server/internal/usage"
)

// agentVersion is what is built from one version of an agent. Many runs share it; only the card's trouble changes in it.
type agentVersion struct {
	id         uuid.UUID
	version    int64
	character  *agent.Character
	secretKeys []string // sorted
	settings   *settings
	templates  map[string]*template.Template // all prompts by name
	model      ModelChoice
	budgets    []usage.Budget
	plugins    []PluginStatus
	components agent.Components
	schemas    schemas // of its actions, and of its tools
	tools      Tools
	routes     []*pluginhttp.Routes // in the order of the plugins
	log        *slog.Logger
	card       *card
	size       int // bytes that it takes, roughly
}

const (
	// maxVersionBytes bounds the versions that are kept. One is kept however large it is.
	maxVersionBytes = 64 << 20
	// versionFactor and versionBase estimate what a version takes by the length of its character.
	versionFactor = 4
	versionBase   = 8 << 10
	// maxCardBytes bounds the cards that are kept: some fifteen thousand of them, or two thousand of the longest.
	maxCardBytes = 16 << 20
)

// agentVersions keeps the card of each agent's newest version, and the version itself while there is room.
type agentVersions struct {
	build func(ctx context.Context, row db.Agent) (*agentVersion, error)

	mu        sync.Mutex
	kept      map[uuid.UUID]*agentVersion
	bytes     int // of all that are kept
	cards     map[uuid.UUID]*card
	cardBytes int // of all cards
}

func newAgentVersions(build func(ctx context.Context, row db.Agent) (*agentVersion, error)) *agentVersions {
	return &agentVersions{build: build, kept: map[uuid.UUID]*agentVersion{}, cards: map[uuid.UUID]*card{}}
}

// card returns the card of an agent's version; nil if it isn't kept.
func (s *agentVersions) card(id uuid.UUID, version int64) *card {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.cards[id]; c != nil && c.version == version {
		return c
	}
	return nil
}

// known returns an agent's version; nil if it isn't kept.
func (s *agentVersions) known(id uuid.UUID, version int64) *agentVersion {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.kept[id]; m != nil && m.version == version {
		return m
	}
	return nil
}

// of returns the version in a row. Two callers may build the same one at once; one of them is kept.
func (s *agentVersions) of(ctx context.Context, row db.Agent) (*agentVersion, error) {
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
	s.keep(row, built)
	return built, nil
}

// keep puts a version in the place of an older one, and lets others go where there is no room. The mutex is held.
func (s *agentVersions) keep(row db.Agent, m *agentVersion) {
	m.size = versionBase + versionFactor*(len(row.Character)+len(row.Secrets))
	s.drop(row.ID)
	for id := range s.kept { // any; a version that is needed again is built again
		if s.bytes+m.size <= maxVersionBytes {
			break
		}
		s.drop(id)
	}
	s.kept[row.ID] = m
	s.bytes += m.size

	if c := s.cards[row.ID]; c != nil && c.version == m.version {
		m.card = c // with what was noticed meanwhile
		return
	}
	s.dropCard(row.ID)
	for id := range s.cards { // any, as above
		if s.cardBytes+m.card.size() <= maxCardBytes {
			break
		}
		s.dropCard(id)
	}
	s.cards[row.ID] = m.card
	s.cardBytes += m.card.size()
}

func (s *agentVersions) drop(id uuid.UUID) {
	if m := s.kept[id]; m != nil {
		s.bytes -= m.size
		delete(s.kept, id)
	}
}

func (s *agentVersions) dropCard(id uuid.UUID) {
	if c := s.cards[id]; c != nil {
		s.cardBytes -= c.size()
		delete(s.cards, id)
	}
}

func (s *agentVersions) forget(id uuid.UUID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(id)
	s.dropCard(id)
}

// builder makes versions.
type builder struct {
	agents      *Agents
	environment Environment
	models      Models
	registry    *agent.Registry
	tools       ToolServers
	knowledge   Knowledge // nil: agents know no documents
	log         *slog.Logger
}

func (b *builder) build(ctx context.Context, row db.Agent) (*agentVersion, error) {
	character, secrets, sealed := b.agents.decode(row)
	if sealed != nil && !apierr.IsCode(sealed, apierr.BadRequest) {
		return nil, sealed
	}
	if sealed != nil { // the character is there, only its secrets are not
		var err error
		if character, err = agent.ParseCharacter(row.Character); err != nil {
			return nil, fmt.Errorf("reading the character of agent %s: %w", row.ID, err)
		}
		_ = namedSecrets(&character) // which would show them
	}
	character.ID = row.ID
	names := slices.Sorted(maps.Keys(secrets))
	if sealed != nil {
		var err error
		if names, err = seal.Names(row.Secrets); err != nil {
			return nil, fmt.Errorf("reading an agent's secrets: %w", err)
		}
	}
	names = slices.DeleteFunc(names, isPointer)
	templates, err := compileTemplates(&character)
	if err != nil {
		return nil, fmt.Errorf("compiling the prompts of agent %s: %w", row.ID, err)
	}
	m := &agentVersion{
		id: row.ID, version: row.Version, character: &character, secretKeys: names, templates: templates,
		log: b.log.With("agentId", row.ID, "agentName", character.Name),
	}
	m.settings = &settings{
		forCharacter: b.environment.Character(row.ID),
		secrets:      secrets, own: opened(character.Settings, secrets), server: b.environment.Lookup, log: m.log,
		used: func(name string) { b.agents.uses.note(row.ID, name) },
	}
	if sealed != nil {
		m.model = brokenChoice(apierr.From(sealed).Message)
	} else {
		m.model = b.models.Choose(ModelRequest{Lookup: m.settings.look, Plugins: character.Plugins})
	}
	m.budgets = m.settings.budgets()
	m.model.Notice = strings.TrimSpace(m.model.Notice + " " + m.unpriced())
	providers := builtinProviders()
	if b.knowledge != nil {
		providers = append(providers, knowledgeProvider(b.knowledge))
	}
	if err := m.admit("", agent.Components{Actions: builtinActions(), Providers: providers}); err != nil {
		return nil, err
	}
	for _, name := range character.Plugins {
		m.addPlugin(ctx, b.registry, name)
	}
	withSecrets := character
	withSecrets.Settings = m.settings.own
	m.tools = b.tools.Of(&withSecrets)
	m.card = newCard(row, m)
	return m, nil
}

// addPlugin adds what a registered plugin brings and notes what became of the name. A plugin that fails, or whose
// components have names that are taken, is left out.
func (m *agentVersion) addPlugin(ctx context.Context, registry *agent.Registry, name string) {
	plugin, ok := registry.Lookup(name)
	character := *m.character
	character.Settings = m.settings.own
	if !ok {
		status := knownPlugin(name)
		if !status.Available {
			m.log.WarnContext(ctx, "plugin not available", "plugin", name, "reason", status.Reason)
		}
		m.plugins = append(m.plugins, status)
		return
	}
	status := PluginStatus{Name: name, Available: true, Status: PluginBuiltin, Reason: plugin.Description}
	for secret := range m.settings.secrets {
		if isPointer(secret) { // it is in the character that the plugin gets
			m.settings.use(secret)
		}
	}
	parts, err := plugin.Provision(ctx, agent.Setup{AgentID: m.id, Character: &character, Host: m.settings})
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
func (m *agentVersion) admit(plugin string, parts agent.Components) error {
	routes, err := pluginhttp.NewRoutes(plugin, parts.Routes)
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
		_, unchecked, err := compileParameters(a.Parameters)
		switch {
		case err != nil:
			return fmt.Errorf("action %q: %w", a.Name, err)
		case unchecked != nil:
			m.log.Warn("parameters of an action are not checked", "plugin", plugin, "action", a.Name, "reason", unchecked)
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

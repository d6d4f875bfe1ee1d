package agent

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// Plugin is compiled-in code that characters switch on by name.
type Plugin struct {
	Name        string // as in [PluginName]
	Description string

	// Provision builds what the plugin adds to one agent. It is called once for every version of an agent that names the
	// plugin, before that version's first run, and may read settings but must not start anything that outlives it.
	Provision func(ctx context.Context, setup Setup) (Components, error)
}

// Setup is what a plugin gets to build its components.
type Setup struct {
	AgentID   uuid.UUID
	Character *Character
	Host      Host
}

// Components is what a plugin adds to an agent.
type Components struct {
	Actions    []Action
	Providers  []Provider
	Evaluators []Evaluator
	Routes     []Route
}

// Registry holds the plugins of a server. Fill it before the server is built; afterwards it is only read, by many.
type Registry struct{ plugins map[string]Plugin }

// NewRegistry returns a registry of the given plugins. Two of one name are an error.
func NewRegistry(plugins ...Plugin) (*Registry, error) {
	r := &Registry{plugins: make(map[string]Plugin, len(plugins))}
	for _, p := range plugins {
		name := PluginName(p.Name)
		switch _, taken := r.plugins[name]; {
		case name == "" || p.Provision == nil:
			return nil, fmt.Errorf("plugin %q: a name and a Provision function are required", p.Name)
		case taken:
			return nil, fmt.Errorf("plugin %q is registered twice", name)
		}
		r.plugins[name] = p
	}
	return r, nil
}

// Lookup returns the plugin that a character means by name. A nil registry has none.
func (r *Registry) Lookup(name string) (Plugin, bool) {
	if r == nil {
		return Plugin{}, false
	}
	p, ok := r.plugins[PluginName(name)]
	return p, ok
}

// Names returns the names of all plugins, sorted.
func (r *Registry) Names() []string {
	if r == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(r.plugins))
}

// PluginName reduces the ways characters write a plugin's name to one: lower case, without a package scope and without
// the prefix "plugin-". "@elizaos/plugin-openai", "plugin-openai" and "openai" mean the same.
func PluginName(name string) string {
	name = strings.ToLower(strings.TrimSpace(name))
	if scope, rest, ok := strings.Cut(name, "/"); ok && strings.HasPrefix(scope, "@") {
		name = rest
	}
	return strings.TrimPrefix(name, "plugin-")
}

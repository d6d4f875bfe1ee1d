package runtime

import (
	"context"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/pluginhttp"
)

// pluginRoutes returns the routes of one plugin, or nil.
func (m *agentVersion) pluginRoutes(plugin string) *pluginhttp.Routes {
	for _, p := range m.routes {
		if p.Plugin() == plugin {
			return p
		}
	}
	return nil
}

// HasPlugin reports whether the server has a plugin, for whichever agent.
func (a *Agents) HasPlugin(name string) bool {
	_, ok := a.plugins.Lookup(name)
	return ok
}

// PluginRoutes returns the routes of a plugin of a running agent, or nil where it has none. An agent that doesn't run is
// NOT_FOUND.
func (a *Agents) PluginRoutes(ctx context.Context, who auth.Identity, id uuid.UUID, plugin string) (*pluginhttp.Routes, error) {
	m, err := a.running(ctx, who, id)
	if err != nil {
		return nil, err
	}
	return m.pluginRoutes(agent.PluginName(plugin)), nil
}

// AllPluginRoutes returns the routes of a plugin of every running agent that has them, by the agents' names.
func (a *Agents) AllPluginRoutes(ctx context.Context, who auth.Identity, plugin string) ([]*pluginhttp.Routes, error) {
	agents, err := a.List(ctx, who)
	if err != nil {
		return nil, err
	}
	var out []*pluginhttp.Routes
	for _, one := range agents {
		if !one.Running {
			continue
		}
		if routes, err := a.PluginRoutes(ctx, who, one.ID, plugin); err == nil && routes != nil { // else it stopped just now
			out = append(out, routes)
		}
	}
	return out, nil
}

// Panels returns the pages that the plugins of an agent show; none while it doesn't run.
func (a *Agents) Panels(ctx context.Context, who auth.Identity, id uuid.UUID) ([]pluginhttp.Panel, error) {
	row, err := a.row(ctx, who, id)
	if err != nil || !row.Running {
		return nil, err
	}
	m, err := a.versions.of(ctx, row)
	if err != nil {
		return nil, err
	}
	var out []pluginhttp.Panel
	for _, p := range m.routes {
		out = append(out, p.Panels(id)...)
	}
	return out, nil
}

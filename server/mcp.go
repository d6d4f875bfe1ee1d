package server

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/internal/mcp"
	"github.com/elizad/elizad/server/internal/runtime"
)

// toolServers are the MCP servers as the runtime sees them.
type toolServers struct{ *mcp.Service }

// Of implements [runtime.ToolServers].
func (t toolServers) Of(c *agent.Character) runtime.Tools {
	return tools{t.Service.Of(mcp.Agent{ID: c.ID, Name: c.Name, Settings: c.Settings})}
}

// tools are those of one agent.
type tools struct{ *mcp.Tools }

// Status implements [runtime.Tools].
func (t tools) Status() []runtime.PluginStatus {
	var out []runtime.PluginStatus
	for _, h := range t.Health() {
		status := runtime.PluginStatus{Name: "mcp:" + h.Server, Available: h.Available, Status: runtime.PluginBuiltin, Reason: h.Reason, Suggestion: h.Suggestion}
		if !h.Available {
			status.Status = runtime.PluginUnavailable
		}
		out = append(out, status)
	}
	return out
}

// startTools makes what connects to MCP servers: those of the operator's file, and those that characters name.
func (s *Server) startTools(ctx context.Context) error {
	var servers []mcp.Config
	if path := s.cfg.Agents.MCPServers; path != "" {
		data, err := os.ReadFile(path)
		if err == nil {
			servers, err = mcp.ReadServers(data)
		}
		if err != nil {
			return fmt.Errorf("reading ELIZAD_MCP_SERVERS (--mcp-servers): %w", err)
		}
	}
	s.parts.tools = mcp.New(mcp.Options{Guard: s.parts.egress, Servers: servers, Logger: s.log, Version: s.version, Now: time.Now})
	return s.parts.tools.Start(ctx)
}

package mcp

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/apierr"
)

const (
	maxActions = 128    // of one agent
	maxResult  = 64_000 // characters of what a tool brought
	maxFailure = 1_000  // characters of what a tool says of its failure
)

// Tools are the servers of one agent, and what they can do.
type Tools struct {
	service *Service
	owner   string
	servers []named
}

// Actions returns the tools that are known as actions. For a server that was not asked yet it waits a little; one that is late is
// there the next time.
func (t *Tools) Actions(ctx context.Context) []agent.Action {
	ctx, cancel := context.WithTimeout(ctx, firstWait)
	defer cancel()
	var servers []*server
	var waiting []<-chan struct{}
	for _, n := range t.servers {
		if n.problem != "" {
			continue
		}
		one, err := t.service.server(n.Config, t.owner)
		if err != nil {
			t.service.log.WarnContext(ctx, "an MCP server is left out", "server", n.Name, "error", err)
			continue
		}
		done := one.begin()
		if !one.isListed() {
			waiting = append(waiting, done)
		}
		servers = append(servers, one)
	}
	for _, done := range waiting {
		select {
		case <-done:
		case <-ctx.Done():
		}
	}
	var out []agent.Action
	taken := map[string]bool{}
	for _, one := range servers {
		for _, tool := range one.known() {
			a, ok := one.action(tool)
			if ok && !taken[a.Name] && len(out) < maxActions {
				taken[a.Name] = true
				out = append(out, a)
			}
		}
	}
	return out
}

// isListed reports whether the tools were listed once.
func (s *server) isListed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.listed.IsZero()
}

// known returns the tools as they were listed last.
func (s *server) known() []sdk.Tool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tools
}

// action returns a tool as an action.
func (s *server) action(tool sdk.Tool) (agent.Action, bool) {
	schema, err := json.Marshal(tool.InputSchema)
	if err != nil || len(schema) > maxToolSchema {
		s.service.log.Warn("a tool of an MCP server is left out: the schema of its parameters is too long", "server", s.config.Name, "tool", tool.Name)
		return agent.Action{}, false
	}
	if string(schema) == "null" {
		schema = json.RawMessage(`{"type":"object"}`)
	}
	name := tool.Name
	return agent.Action{
		Name: actionName(s.config.Name, name), Description: oneLine(tool.Description, maxDescription), Parameters: schema,
		Handle: func(ctx context.Context, run *agent.Run) (agent.Result, error) {
			return s.carryOut(ctx, name, run.Parameters)
		},
	}, true
}

// carryOut calls a tool for an agent.
func (s *server) carryOut(ctx context.Context, tool string, parameters json.RawMessage) (agent.Result, error) {
	result, err := s.call(ctx, tool, parameters)
	if err != nil {
		s.service.log.WarnContext(ctx, "a tool of an MCP server failed", "server", s.config.Name, "tool", tool, "error", err)
		if e, ok := errors.AsType[*jsonrpc.Error](err); ok {
			return agent.Result{}, apierr.Wrap(err, apierr.Unavailable, "The tool reports: %s", oneLine(e.Message, maxFailure))
		}
		return agent.Result{}, apierr.Wrap(err, apierr.Unavailable, "The tool can't be used now: %v", reason(err))
	}
	text := textOf(result)
	if result.IsError {
		return agent.Result{}, apierr.New(apierr.Unavailable, "The tool reports: %s", oneLine(text, maxFailure))
	}
	return agent.Result{Text: text, Data: map[string]any{"server": s.config.Name, "tool": tool, "content": result.StructuredContent}}, nil
}

// textOf returns what a tool brought, as a model reads it.
func textOf(r *sdk.CallToolResult) string {
	var parts []string
	for _, content := range r.Content {
		switch c := content.(type) {
		case *sdk.TextContent:
			parts = append(parts, c.Text)
		case *sdk.ImageContent:
			parts = append(parts, fmt.Sprintf("(an image, %s, %d bytes)", c.MIMEType, len(c.Data)))
		case *sdk.AudioContent:
			parts = append(parts, fmt.Sprintf("(a sound, %s, %d bytes)", c.MIMEType, len(c.Data)))
		case *sdk.ResourceLink:
			parts = append(parts, fmt.Sprintf("(%s: %s)", c.Name, c.URI))
		case *sdk.EmbeddedResource:
			if c.Resource != nil && c.Resource.Text != "" {
				parts = append(parts, c.Resource.Text)
			} else if c.Resource != nil {
				parts = append(parts, fmt.Sprintf("(%s, %d bytes)", c.Resource.URI, len(c.Resource.Blob)))
			}
		}
	}
	text := strings.Join(parts, "\n")
	if strings.TrimSpace(text) == "" && r.StructuredContent != nil {
		if data, err := json.Marshal(r.StructuredContent); err == nil {
			text = string(data)
		}
	}
	return clip(text, maxResult)
}

// maxActionName is how long a name is that all vendors take for a tool.
const maxActionName = 64

// actionName is the name of a tool among an agent's actions: that of the server, and its own.
func actionName(server, tool string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z':
			return r - 'a' + 'A'
		case 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
			return r
		default:
			return '_'
		}
	}, server+"_"+tool)
	if len(name) <= maxActionName {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	mark := "_" + strings.ToUpper(hex.EncodeToString(sum[:4]))
	return name[:maxActionName-len(mark)] + mark
}

// oneLine brings a text of others into one line that begins no markup.
func oneLine(text string, most int) string {
	return clip(strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "<", "‹"), most)
}

// clip returns the beginning of a text that is too long.
func clip(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	for i := range text {
		if most--; most < 0 {
			return text[:i] + "…"
		}
	}
	return text
}

// Health says how a server of an agent does.
type Health struct {
	Server     string
	Available  bool
	Reason     string // one sentence
	Suggestion string // what to do; empty for nothing
}

// Health returns how the servers of the agent do. One that nobody asked yet is connected to meanwhile.
func (t *Tools) Health() []Health {
	var out []Health
	for _, n := range t.servers {
		h := Health{Server: n.Name, Reason: n.problem, Suggestion: n.suggestion}
		if n.problem == "" {
			one, err := t.service.server(n.Config, t.owner)
			if err != nil {
				h.Reason = "Not connected: " + err.Error()
			} else {
				h.Available, h.Reason = one.health()
			}
		}
		out = append(out, h)
	}
	return out
}

// health says whether the server can be used, and why not.
func (s *server) health() (available bool, text string) {
	s.mu.Lock()
	session, problem, tools, never := s.session, s.problem, len(s.tools), s.listed.IsZero()
	again := s.notBefore.Sub(s.service.now()).Round(time.Second)
	s.mu.Unlock()
	switch {
	case session != nil:
		return true, fmt.Sprintf("Connected; %d tools", tools)
	case problem != nil && again > 0:
		return false, fmt.Sprintf("Not connected: %v; the next try is in %v at the earliest", problem, again)
	case problem != nil:
		return false, fmt.Sprintf("Not connected: %v; the next message tries again", problem)
	case never:
		s.begin()
		return true, "It is being connected to"
	default:
		return true, fmt.Sprintf("Not in use; %d tools", tools)
	}
}

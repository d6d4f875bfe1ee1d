package runtime

import (
	"context"
	"sync"

	"github.com/elizad/elizad/server/agent"
)

// ToolServers are servers beside this one whose tools agents may use.
type ToolServers interface {
	// Of returns the tools of an agent, whose settings hold its secrets. It connects to nothing.
	Of(c *agent.Character) Tools
}

// Tools are actions of an agent that come from outside of the server, and may be others each time.
type Tools interface {
	// Actions returns those that are known. It waits for what is slow only as long as a turn may.
	Actions(ctx context.Context) []agent.Action
	// Status says of each server how it does.
	Status() []PluginStatus
}

// noTools are the tools of an agent without any.
type noTools struct{}

func (noTools) Of(*agent.Character) Tools              { return noTools{} }
func (noTools) Actions(context.Context) []agent.Action { return nil }
func (noTools) Status() []PluginStatus                 { return nil }

// maxSchemas is how many schemas of tools are kept ready to check with.
const maxSchemas = 512

// schemas are the schemas of actions by their names, ready to check with.
type schemas struct {
	mu    sync.Mutex
	known map[string]knownSchema
}

type knownSchema struct {
	text   string
	schema *parameterSchema
}

// of returns the schema of an action's parameters; nil for one without any. One that can't be read is as good as any object.
func (s *schemas) of(a agent.Action) *parameterSchema {
	if len(a.Parameters) == 0 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if k, ok := s.known[a.Name]; ok && k.text == string(a.Parameters) {
		return k.schema
	}
	schema, _, err := compileParameters(a.Parameters)
	if err != nil {
		schema = &parameterSchema{}
	}
	if s.known == nil || len(s.known) >= maxSchemas {
		s.known = map[string]knownSchema{}
	}
	s.known[a.Name] = knownSchema{string(a.Parameters), schema}
	return schema
}

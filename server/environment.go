package server

import (
	"fmt"
	"net"
	"net/http"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/names"
	"github.com/elizad/elizad/server/internal/runtime"
	"github.com/elizad/elizad/server/internal/store"
	"github.com/elizad/elizad/server/model"
	"github.com/elizad/elizad/server/settings"
)

// environment shows the settings of the server to agents.
type environment struct{ settings.AgentEnvironment }

// Lookup implements [runtime.Environment].
func (e environment) Lookup(name string) (model.Setting, bool) {
	value, stored, ok := e.AgentEnvironment.Lookup(name)
	origin := model.FromOperator
	if stored {
		origin = model.FromStore
	}
	return model.Setting{Name: name, Value: value, Origin: origin}, ok
}

// Character implements [runtime.Environment].
func (e environment) Character(id uuid.UUID) map[string]string {
	return e.AgentEnvironment.Character(id.String())
}

// operatorsAgents returns the names of the agents that the operator configured, by their ids: the characters that the settings
// name, or, where they name none, the default agent. The names are those of the files, whatever the agents were called since. namings are
// those under which they may have their ids.
func operatorsAgents(namings []store.Naming, characters []found, byDefault bool) (map[string]string, error) {
	if byDefault {
		c, err := runtime.DefaultCharacter()
		if err != nil {
			return nil, fmt.Errorf("reading the default agent: %w", err)
		}
		characters = []found{{Character: c}}
	}
	out := map[string]string{}
	for _, c := range characters {
		if c.ID != uuid.Nil {
			out[c.ID.String()] = c.Name
			continue
		}
		for _, n := range namings {
			for _, id := range runtime.AgentIDs(n, names.Clean(c.Name)) {
				out[id.String()] = c.Name
			}
		}
	}
	return out, nil
}

// atHome reports whether only the users of this machine reach the server, and need no key, so that they may name its own addresses.
func (s *Server) atHome() bool {
	return s.cfg.OnlyThisMachine() && !s.exposed.Load() && !s.parts.guard.Required()
}

// notePeer notes when a request came by another way than this machine's own, as in an application that mounts the handler on an
// address of the network.
func (s *Server) notePeer(r *http.Request) {
	if at, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr); ok && !at.IP.IsLoopback() && !s.exposed.Load() {
		s.exposed.Store(true)
	}
}

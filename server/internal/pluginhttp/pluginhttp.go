// Package pluginhttp serves the routes that plugins bring. One route has three addresses:
//
//	/api/agents/<agent>/plugins/<plugin>/<path>   of this agent, which must run
//	/api/<plugin>/<path>                          of the agent that ?agentId= names, else of the first that has it
//	/<plugin>/<path>                              the same
//
// The contract's own routes come first. [Routes] are what one plugin brings to one agent: package runtime makes them with what
// it builds of a version of an agent, and a route that is wrong keeps the plugin from being used. [Plugins] finds them for
// requests. A plugin's handler sees the path behind the plugin's name, and the caller in the request's context.
package pluginhttp

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
)

// Agents is what is asked about the agents of the server.
type Agents interface {
	// HasPlugin reports whether the server has a plugin, for whichever agent.
	HasPlugin(name string) bool
	// PluginRoutes returns the routes of a plugin of a running agent, or nil where it has none. An agent that doesn't run is
	// NOT_FOUND.
	PluginRoutes(ctx context.Context, who auth.Identity, agentID uuid.UUID, plugin string) (*Routes, error)
	// AllPluginRoutes returns the routes of a plugin of every running agent that has them, in the order in which they are asked.
	AllPluginRoutes(ctx context.Context, who auth.Identity, plugin string) ([]*Routes, error)
}

// Plugins is the routes of all plugins, as three middlewares.
type Plugins struct {
	agents Agents
	fail   func(w http.ResponseWriter, r *http.Request, err error)
}

// New returns the routes of the plugins of agents. Errors are answered by fail.
func New(agents Agents, fail func(w http.ResponseWriter, r *http.Request, err error)) *Plugins {
	return &Plugins{agents, fail}
}

// scope is what callers need for routes that are not public: a plugin may do whatever its agent may.
const scope = auth.ScopeManage

const (
	apiPrefix    = "/api"
	agentIDParam = "agentId"
)

// notPlugins are first elements of paths that mean something else, whatever a plugin is called: parts of the API, of the
// server, and pages of web clients.
var notPlugins = []string{
	"agents", "api", "audio", "auth", "keys", "media", "memory", "messaging", "runtime", "server", "system", "tee",
	"assets", "docs", "health", "healthz", "images", "openapi.json", "openapi.yaml", "socket.io", "ws",
	"about", "admin", "chat", "create", "dashboard", "group", "home", "login", "logs", "profile", "register", "settings",
}

// names reports whether a path, after its first slash, begins with the name of a plugin.
func (p *Plugins) names(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !slices.Contains(notPlugins, first) && p.agents.HasPlugin(first)
}

// Rewrite turns requests for a plugin outside of /api into those for the same below it, so that all that holds there holds
// for them. It belongs outside of everything that looks at paths.
func (p *Plugins) Rewrite(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.names(strings.TrimPrefix(r.URL.Path, "/")) {
			r = withPath(r, apiPrefix+r.URL.Path, apiPrefix+r.URL.EscapedPath())
		}
		next.ServeHTTP(w, r)
	})
}

// Public answers requests for public routes and passes all others on. It belongs outside of authentication.
func (p *Plugins) Public(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if call, ok := p.parse(r); ok {
			if routes, public, err := p.find(r, call); err == nil && public {
				serve(w, call, routes)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// Fallback answers requests that no route of the contract has, if they are for a plugin's route, and passes others on. Callers
// need the scope to manage agents.
func (p *Plugins) Fallback(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		call, ok := p.parse(r)
		if !ok {
			if err := p.checkAgent(r); err != nil {
				p.fail(w, r, err)
				return
			}
			next.ServeHTTP(w, r)
			return
		}
		routes, public, err := p.find(r, call)
		if err == nil && !public {
			err = auth.FromContext(r.Context()).Scopes().Require(scope)
		}
		if err != nil {
			if refused, ok := errors.AsType[wrongMethod](err); ok {
				w.Header().Set("Allow", refused.allow)
				err = refused.error
			}
			p.fail(w, r, err)
			return
		}
		serve(w, call, routes)
	})
}

// pluginCall is a request for a plugin.
type pluginCall struct {
	agent   string        // as the path or the query has it; empty: any
	plugin  string        // as in the path
	request *http.Request // with the path after the plugin
}

// parse finds out whether a request is for a plugin.
func (p *Plugins) parse(r *http.Request) (pluginCall, bool) {
	path, ok := strings.CutPrefix(r.URL.EscapedPath(), apiPrefix+"/")
	if !ok {
		return pluginCall{}, false
	}
	var call pluginCall
	if id, below, ok := strings.Cut(strings.TrimPrefix(path, "agents/"), "/plugins/"); ok && strings.HasPrefix(path, "agents/") && !strings.Contains(id, "/") {
		call.agent, path = id, below
	} else if p.names(path) {
		call.agent = r.URL.Query().Get(agentIDParam)
	} else {
		return pluginCall{}, false
	}
	name, below, _ := strings.Cut(strings.TrimSuffix(path, "/"), "/")
	decoded, err := url.PathUnescape(below)
	if err != nil {
		return pluginCall{}, false
	}
	call.plugin, call.request = name, withPath(r, "/"+decoded, "/"+below)
	return call, true
}

// withPath returns r with another path.
func withPath(r *http.Request, path, escaped string) *http.Request {
	out, at := *r, *r.URL
	at.Path, at.RawPath = path, escaped
	out.URL = &at
	return &out
}

// find returns the routes that answer a call.
func (p *Plugins) find(r *http.Request, call pluginCall) (_ *Routes, public bool, err error) {
	candidates, err := p.candidates(r, call)
	if err != nil {
		return nil, false, err
	}
	var allowed []string
	for _, routes := range candidates {
		found, public, others := routes.Find(call.request)
		if found {
			return routes, public, nil
		}
		allowed = append(allowed, others...)
	}
	if len(allowed) > 0 {
		slices.Sort(allowed)
		return nil, false, wrongMethod{
			apierr.New(apierr.MethodNotAllowed, "This endpoint doesn't answer %s requests", r.Method), strings.Join(slices.Compact(allowed), ", "),
		}
	}
	return nil, false, apierr.New(apierr.NotFound, "API endpoint not found").WithDetails(r.Method + " " + r.URL.Path)
}

// wrongMethod is a refusal that names the methods that there are.
type wrongMethod struct {
	error
	allow string
}

func (p *Plugins) candidates(r *http.Request, call pluginCall) ([]*Routes, error) {
	who := auth.FromContext(r.Context())
	if call.agent == "" {
		return p.agents.AllPluginRoutes(r.Context(), who, call.plugin)
	}
	id, err := auth.ParseID(call.agent)
	if err != nil {
		return nil, apierr.Wrap(err, apierr.InvalidAgentID, "Invalid agent ID format")
	}
	routes, err := p.agents.PluginRoutes(r.Context(), who, id, call.plugin)
	switch {
	case apierr.IsCode(err, apierr.NotFound):
		return nil, apierr.Wrap(err, apierr.AgentNotFound, "Agent not found")
	case err != nil || routes == nil:
		return nil, err
	}
	return []*Routes{routes}, nil
}

// checkAgent returns what is wrong with the agent that a query below /api names.
func (p *Plugins) checkAgent(r *http.Request) error {
	call := pluginCall{agent: r.URL.Query().Get(agentIDParam)}
	if call.agent == "" || !strings.HasPrefix(r.URL.Path, apiPrefix+"/") {
		return nil
	}
	_, err := p.candidates(r, call)
	return err
}

// serve lets a plugin answer. A page of a plugin may be shown in a frame by the server's own pages, and says itself what else
// it may do.
func serve(w http.ResponseWriter, call pluginCall, routes *Routes) {
	w.Header().Set("Content-Security-Policy", "frame-ancestors 'self'")
	w.Header().Set("X-Frame-Options", "SAMEORIGIN")
	routes.ServeHTTP(w, call.request)
}

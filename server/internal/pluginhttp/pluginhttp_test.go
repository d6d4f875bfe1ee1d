package pluginhttp_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/auth/authtest"
	"github.com/elizad/elizad/server/internal/pluginhttp"
)

var eliza = uuid.MustParse("b850bc30-45f8-0041-a00a-83df46d8555d")

// agents is a server with one agent, which has the routes of the plugin lab, and of one that has the same name as a part of the
// API.
type agents struct{ routes *pluginhttp.Routes }

func (agents) HasPlugin(name string) bool { return name == "lab" || name == "messaging" }

func (a agents) PluginRoutes(_ context.Context, _ auth.Identity, id uuid.UUID, plugin string) (*pluginhttp.Routes, error) {
	switch {
	case id != eliza:
		return nil, apierr.New(apierr.NotFound, "Agent not found")
	case plugin != a.routes.Plugin():
		return nil, nil
	}
	return a.routes, nil
}

func (a agents) AllPluginRoutes(context.Context, auth.Identity, string) ([]*pluginhttp.Routes, error) {
	return []*pluginhttp.Routes{a.routes}, nil
}

func lab(t *testing.T, list ...agent.Route) *pluginhttp.Routes {
	t.Helper()
	routes, err := pluginhttp.NewRoutes("lab", list)
	if err != nil {
		t.Fatal(err)
	}
	return routes
}

func answering(text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte(text + " " + r.PathValue("id"))) })
}

func TestPlugins(t *testing.T) {
	t.Parallel()
	routes := lab(t,
		agent.Route{Method: "GET", Path: "/items/{id}", Handler: answering("item")},
		agent.Route{Method: "PUT", Path: "/items/{id}", Handler: answering("change")},
		agent.Route{Method: "GET", Path: "/open", Public: true, Handler: answering("open")},
	)
	var failed *apierr.Error
	plugins := pluginhttp.New(agents{routes}, func(_ http.ResponseWriter, _ *http.Request, err error) { failed = apierr.From(err) })
	next := answering("next")
	refuse := func(http.Handler) http.Handler { return answering("key asked for") } // in place of authentication
	for _, tt := range []struct {
		asked string
		want  string      // the answer
		code  apierr.Code // of the refusal
	}{
		{"/lab/open", "open ", ""},
		{"/api/lab/open", "open ", ""},
		{"/api/agents/" + eliza.String() + "/plugins/lab/open", "open ", ""},
		{"/api/lab/open?agentId=" + eliza.String(), "open ", ""},
		{"/lab/items/7", "item 7", ""},
		{"/lab/items/a%2Fb", "item a/b", ""},
		{"/other/x", "next ", ""},
		{"/messaging/x", "next ", ""}, // belongs to the API, whatever a plugin's name is

		{"/lab/nothing", "", apierr.NotFound},
		{"/api/lab/open?agentId=x", "", apierr.InvalidAgentID},
		{"/api/agents/" + uuid.NewString() + "/plugins/lab/open", "", apierr.AgentNotFound},
		{"/api/agents/" + eliza.String() + "/plugins/else/open", "", apierr.NotFound},
		{"/api/nothing?agentId=" + uuid.NewString(), "", apierr.AgentNotFound},
	} {
		failed = nil
		w := httptest.NewRecorder()
		h := plugins.Rewrite(plugins.Public(plugins.Fallback(next)))
		manager := auth.NewContext(t.Context(), authtest.Holder(auth.Grant{Scopes: auth.ScopeManage}))
		h.ServeHTTP(w, httptest.NewRequestWithContext(manager, "GET", tt.asked, nil))
		if got := w.Body.String(); got != tt.want || tt.code == "" && failed != nil || tt.code != "" && (failed == nil || failed.Code != tt.code) {
			t.Errorf("%s: %q, %v", tt.asked, got, failed)
		}
		if tt.want != "open " {
			continue
		}
		w = httptest.NewRecorder()
		plugins.Rewrite(plugins.Public(refuse(plugins.Fallback(next)))).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", tt.asked, nil))
		if w.Body.String() != tt.want {
			t.Errorf("%s without a key: %q", tt.asked, w.Body)
		}
	}
	w := httptest.NewRecorder()
	plugins.Fallback(next).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "DELETE", "/api/lab/items/7", nil))
	if failed == nil || failed.Code != apierr.MethodNotAllowed || w.Header().Get("Allow") != "GET, PUT" {
		t.Errorf("a method that isn't there: %v, Allow %q", failed, w.Header().Get("Allow"))
	}
}

// A route that is not public needs the scope that the agent itself needs.
func TestPluginsNeedTheScope(t *testing.T) {
	t.Parallel()
	routes := lab(t, agent.Route{Method: "GET", Path: "/items", Handler: answering("items")})
	for scopes, want := range map[auth.Scopes]int{auth.ScopeManage.Granted(): 200, auth.ScopeChat.Granted(): 403, 0: 403} {
		plugins := pluginhttp.New(agents{routes}, func(w http.ResponseWriter, _ *http.Request, err error) { w.WriteHeader(apierr.From(err).Code.Status()) })
		w := httptest.NewRecorder()
		ctx := auth.NewContext(t.Context(), authtest.Holder(auth.Grant{Scopes: scopes}))
		plugins.Public(plugins.Fallback(answering("next"))).ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "/api/lab/items", nil))
		if w.Code != want {
			t.Errorf("with %v: status %d, want %d", scopes.Names(), w.Code, want)
		}
	}
}

func TestPanels(t *testing.T) {
	t.Parallel()
	routes := lab(t,
		agent.Route{Method: "GET", Path: "/panel", Public: true, Name: "Lab", Handler: answering("x")},
		agent.Route{Method: "GET", Path: "/private", Name: "No panel", Handler: answering("x")},
	)
	want := pluginhttp.Panel{Name: "Lab", Path: "/api/agents/" + eliza.String() + "/plugins/lab/panel?agentId=" + eliza.String()}
	for range 2 { // asking changes nothing
		if got := routes.Panels(eliza); len(got) != 1 || got[0] != want {
			t.Errorf("panels %+v", got)
		}
	}
}

func TestNewRoutesRefuses(t *testing.T) {
	t.Parallel()
	for name, list := range map[string][]agent.Route{
		"no slash":         {{Method: "GET", Path: "x", Handler: answering("x")}},
		"nothing to do":    {{Method: "GET", Path: "/x"}},
		"a wrong wildcard": {{Method: "GET", Path: "/{", Handler: answering("x")}},
		"one path twice":   {{Method: "GET", Path: "/x", Handler: answering("x")}, {Method: "GET", Path: "/x/", Handler: answering("x")}},
	} {
		if routes, err := pluginhttp.NewRoutes("lab", list); err == nil || routes != nil {
			t.Errorf("%s is taken", name)
		}
	}
	if routes, err := pluginhttp.NewRoutes("lab", nil); routes != nil || err != nil {
		t.Errorf("none: %v, %v", routes, err)
	}
}

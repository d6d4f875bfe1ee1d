package server_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/elizad/elizad/gen/api"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/agent"
)

// The routes of plugins are no part of the contract, and asked raw.
func TestPluginRoutes(t *testing.T) {
	t.Parallel()
	n := withPlugin(t, testConfig(t), lab())
	id := n.agentID().String()
	for _, base := range []string{"/api/agents/" + id + "/plugins/lab", "/api/agents/" + strings.ToUpper(id) + "/plugins/lab", "/api/lab", "/lab", "/LAB"} {
		for _, tt := range []struct{ method, path, body, want string }{
			{"GET", "", "", "root GET"}, {"GET", "/", "", "root GET"}, {"GET", "/panel", "", "panel GET"}, {"GET", "/panel/", "", "panel GET"},
			{"GET", "/panel?agentId=" + id, "", "panel GET"},
			{"GET", "/items/7", "", `item GET`}, {"GET", "/items/a%2Fb", "", `"a/b"`}, {"PUT", "/items/7", `{"x":1}`, `"7" "{\"x\":1}"`},
			{"POST", "/items", `{}`, "create POST"}, {"POST", "/items/", `{}`, "create POST"}, {"GET", "/hidden", "", "hidden GET"},
		} {
			var body any
			if tt.body != "" {
				body = tt.body
			}
			a := n.do(tt.method, base+tt.path, body).want(200)
			if !strings.Contains(string(a.body), tt.want) || !strings.Contains(string(a.body), id) {
				t.Errorf("%s %s%s: %s", tt.method, base, tt.path, a.body)
			}
			if a.header.Get("X-Frame-Options") != "SAMEORIGIN" {
				t.Errorf("%s%s can't be shown in a frame: %v", base, tt.path, a.header)
			}
		}
		if a := n.do("GET", base+"/assets/app.js", nil).want(200); string(a.body) != "let x" || !strings.Contains(a.header.Get("Content-Type"), "javascript") {
			t.Errorf("%s: %s of type %s", base, a.body, a.header.Get("Content-Type"))
		}
		n.do("GET", base+"/assets/deep/page.html", nil).want(200)
		if a := n.do("GET", base+"/assets/deep/index.html", nil).want(200); string(a.body) != "<p>start</p>" {
			t.Errorf("%s: the page is %s", base, a.body)
		}
		if a := n.do("HEAD", base+"/panel", nil).want(200); len(a.body) > 0 {
			t.Errorf("%s: HEAD is answered with %s", base, a.body)
		}
		a := n.do("DELETE", base+"/items/7", nil)
		clearError(t, base+" with a method that isn't there", a, 405, "METHOD_NOT_ALLOWED")
		if got := a.header.Get("Allow"); got != "GET, PUT" {
			t.Errorf("%s allows %q", base, got)
		}
		for _, path := range []string{"/nothing", "/items/1/2", "/assets/gone.js", "/assets/.secret", "/assets/.git/config", "/assets/deep", "/assets/..%2f..%2fx", "/assets/", "/a/../b"} {
			clearError(t, base+path, n.do("GET", base+path, nil), 404, "NOT_FOUND")
		}
		clearError(t, base+" with a fault", n.do("POST", base+"/panic", `{}`), 500, "INTERNAL")
		clearError(t, base+" with another type", n.do("POST", base+"/items", "<a/>", "Content-Type", "text/xml"), 415, "")
		clearError(t, base+" with too much", n.do("POST", base+"/items", strings.Repeat(" ", 3<<20)), 413, "")
	}
}

func TestPluginRoutesNeedARunningAgent(t *testing.T) {
	t.Parallel()
	n := withPlugin(t, testConfig(t), lab())
	id, nobody := n.agentID(), uuid.New()
	for path, want := range map[string]struct {
		status int
		code   string
	}{
		"/api/agents/x/plugins/lab/panel":                                            {400, "INVALID_AGENT_ID"},
		"/api/agents/" + nobody.String() + "/plugins/lab/panel":                      {404, "AGENT_NOT_FOUND"},
		"/api/agents/" + id.String() + "/plugins/nothing/panel":                      {404, "NOT_FOUND"},
		"/api/agents/" + id.String() + "/plugins/":                                   {404, "NOT_FOUND"},
		"/api/lab/panel?agentId=all":                                                 {400, "INVALID_AGENT_ID"},
		"/api/lab/panel?agentId=" + nobody.String():                                  {404, "AGENT_NOT_FOUND"},
		"/api/nowhere?agentId=all":                                                   {400, "INVALID_AGENT_ID"},
		"/api/nowhere?agentId=" + nobody.String():                                    {404, "AGENT_NOT_FOUND"},
		"/api/nowhere?agentId=" + id.String():                                        {404, "NOT_FOUND"},
		"/api/agents/" + id.String() + "/plugins/lab/nothing?agentId=" + id.String(): {404, "NOT_FOUND"},
	} {
		clearError(t, path, n.do("GET", path, nil), want.status, want.code)
	}
	n.do("GET", "/api/agents?agentId=all", nil).want(200) // the contract's own routes read it as they like

	panels := n.panels(id)
	want := "/api/agents/" + id.String() + "/plugins/lab/panel?agentId=" + id.String()
	if len(panels) != 1 || panels[0].Name != "Lab Panel" || panels[0].Path != want {
		t.Fatalf("panels %+v", panels)
	}
	n.do("GET", panels[0].Path, nil).want(200)

	n.stopAgent(id)
	clearError(t, "the panel of an agent that is stopped", n.do("GET", panels[0].Path, nil), 404, "AGENT_NOT_FOUND")
	clearError(t, "a plugin that no agent runs", n.do("GET", "/api/lab/panel", nil), 404, "NOT_FOUND")
	if left := n.panels(id); len(left) > 0 {
		t.Errorf("panels %v of an agent that is stopped", left)
	}
}

// Another agent's plugin has its own routes, and a character that doesn't name it has none.
func TestPluginRoutesBelongToTheirAgent(t *testing.T) {
	t.Parallel()
	n := withPlugin(t, testConfig(t), lab())
	for name, plugins := range map[string][]string{"Bob": {"lab"}, "Carol": {}} {
		id := n.bring(name, map[string]any{"plugins": plugins}).String()
		a := n.do("GET", "/api/agents/"+id+"/plugins/lab/panel", nil)
		if len(plugins) == 0 {
			clearError(t, name, a, 404, "NOT_FOUND")
		} else if !strings.Contains(string(a.want(200).body), id) {
			t.Errorf("%s: %s", name, a.body)
		}
		if named := n.do("GET", "/lab/panel?agentId="+id, nil); len(plugins) > 0 && !strings.Contains(string(named.want(200).body), id) {
			t.Errorf("%s by query: %s", name, named.body)
		}
	}
}

func TestPluginRoutesAndTheKey(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.Security.AuthToken = "open sesame"
	n := withPlugin(t, cfg, lab())
	for _, base := range []string{"/api/agents/" + n.agentID().String() + "/plugins/lab", "/api/lab", "/lab"} {
		n.do("GET", base+"/panel", nil).want(200)
		n.do("GET", base+"/assets/app.js", nil).want(200)
		clearError(t, base+" without the key", n.do("GET", base+"/hidden", nil), 401, "UNAUTHORIZED")
		clearError(t, base+" for a method that isn't there", n.do("DELETE", base+"/panel", nil), 401, "UNAUTHORIZED")
		n.do("GET", base+"/hidden", nil, "X-API-KEY", "open sesame").want(200)
	}
}

// A plugin with a route that can't work is left out as a whole, and says so on the agent.
func TestPluginWithAWrongRoute(t *testing.T) {
	t.Parallel()
	handler := http.NotFoundHandler()
	for name, route := range map[string]agent.Route{
		"no slash":          {Method: "GET", Path: "x", Handler: handler},
		"no method":         {Path: "/x", Handler: handler},
		"no handler":        {Method: "GET", Path: "/x"},
		"a broken wildcard": {Method: "GET", Path: "/{", Handler: handler},
		"the same again":    {Method: "GET", Path: "/panel", Handler: handler},
		"files to write":    {Method: "PUT", Path: "/x", Files: fstest.MapFS{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := withPlugin(t, testConfig(t), lab(route))
			clearError(t, name, n.do("GET", "/api/agents/"+n.agentID().String()+"/plugins/lab/panel", nil), 404, "NOT_FOUND")
			status := data[api.Agent](n.read(n.api().GetAgent(t.Context(), n.agentID())).want(200)).PluginStatus
			if len(status) != 1 || status[0].Available || status[0].Status != "unavailable" {
				t.Errorf("%+v", status)
			}
		})
	}
}

// A web UI's paths stay its own, also with plugins registered.
func TestPluginsLeaveThePageAlone(t *testing.T) {
	t.Parallel()
	n := withPlugin(t, testConfig(t), lab())
	for path, status := range map[string]int{"/": 200, "/chat/x": 200, "/laboratory": 404, "/settings": 404} {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "http://localhost"+path, nil)
		r.Header.Set("Accept", "text/html")
		w := httptest.NewRecorder()
		n.server.Handler().ServeHTTP(w, r)
		if w.Code != status || strings.Contains(w.Body.String(), "<html") != (status == 200) {
			t.Errorf("%s: status %d", path, w.Code)
		}
	}
}

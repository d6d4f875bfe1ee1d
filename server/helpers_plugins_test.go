package server_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"testing"
	"testing/fstest"

	"github.com/elizad/elizad/server"
	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/settings"
)

// lab is a plugin that brings routes of every kind. Each answers with its name, its agent and what it was asked.
func lab(routes ...agent.Route) agent.Plugin {
	return agent.Plugin{Name: "lab", Provision: func(_ context.Context, setup agent.Setup) (agent.Components, error) {
		tell := func(name string) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body) // as far as it came
				fmt.Fprintf(w, "%s %s %s %q %q", name, r.Method, setup.AgentID, r.PathValue("id"), body)
			})
		}
		files := fstest.MapFS{
			"app.js": {Data: []byte("let x")}, "deep/page.html": {Data: []byte("<p>hi</p>")}, "deep/index.html": {Data: []byte("<p>start</p>")},
			".secret": {Data: []byte("x")}, ".git/config": {Data: []byte("x")},
		}
		return agent.Components{Routes: append([]agent.Route{
			{Method: "GET", Path: "/panel", Public: true, Name: "Lab Panel", Handler: tell("panel")},
			{Method: "GET", Path: "/hidden", Name: "Not a panel", Handler: tell("hidden")},
			{Method: "GET", Path: "/items/{id}", Handler: tell("item")},
			{Method: "PUT", Path: "/items/{id}", Handler: tell("change")},
			{Method: "POST", Path: "/items/", Handler: tell("create")},
			{Method: "GET", Path: "/", Public: true, Handler: tell("root")},
			{Method: "GET", Path: "/assets", Public: true, Files: files},
			{Method: "POST", Path: "/panic", Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("secret reasons") })},
		}, routes...)}, nil
	}}
}

// withPlugin starts a server whose default agent has a plugin.
func withPlugin(t *testing.T, cfg settings.Settings, p agent.Plugin) *node {
	t.Helper()
	n := startWith(t, cfg, server.WithPlugins(p))
	n.keyed(cfg.Security.AuthToken).changeAgent(n.agentID(), map[string]any{"plugins": []string{"@me/plugin-lab"}}).want(200)
	return n
}

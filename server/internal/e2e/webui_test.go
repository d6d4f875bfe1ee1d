package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/elizad/elizad/server"
	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/internal/modeltest"
)

// officialUI is the folder of the official web client's page, from its package.
func officialUI(t *testing.T) string {
	t.Helper()
	return installedUI(t, filepath.Join("@elizaos", "client"))
}

// installedUI is the page of an installed package of the official web client.
func installedUI(t *testing.T, name string) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("js", "webui", "node_modules", name, "dist"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "index.html")); err != nil {
		t.Fatalf("the official web client is not installed; run: npm ci --prefix server/internal/e2e/js/webui (%v)", err)
	}
	return dir
}

// officialVersion is the version of the official web client that the tests use.
func officialVersion(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(officialUI(t), "..", "package.json"))
	if err != nil {
		t.Fatal(err)
	}
	var client struct{ Version string }
	if err := json.Unmarshal(raw, &client); err != nil {
		t.Fatal(err)
	}
	return client.Version
}

// drive runs flows of the official web client against a server.
func drive(t *testing.T, url string, args ...string) {
	t.Helper()
	t.Log(node(t, "webui/main.mjs", append(args, "--url", url, "--out", screenshots(t))...))
}

// serveUI starts elizad with the official web client.
func serveUI(t *testing.T, env []string, args ...string) *process {
	t.Helper()
	return servePage(t, officialUI(t), env, args...)
}

// servePage starts elizad with another page.
func servePage(t *testing.T, dir string, env []string, args ...string) *process {
	t.Helper()
	p := launch(t, t.TempDir(), append(env, "PORT=0"), append(args, "--ui-dir", dir)...)
	p.waitForAddress()
	return p
}

// character writes a character file.
func character(t *testing.T, name string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), strings.ToLower(name)+".json")
	if err := os.WriteFile(file, fmt.Appendf(nil, `{"name": %q, "bio": "Counts things."}`, name), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestOfficialWebUI uses the unmodified official web client as a person would, in headless Chromium.
func TestOfficialWebUI(t *testing.T) {
	t.Parallel()
	two := []string{"--character", character(t, "Ada"), "--character", character(t, "Eliza")}
	for flows, args := range map[string][]string{"chat": nil, "agents": nil, "groups": two, "insight settings": two} {
		t.Run(flows, func(t *testing.T) {
			t.Parallel()
			p := serveUI(t, nil, args...)
			drive(t, p.url, append(strings.Fields(flows), "--owner", p.ownerToken())...)
		})
	}
}

// TestOlderOfficialWebUI chats with the earlier versions that are still in use.
func TestOlderOfficialWebUI(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"1.5.7", "1.6.5", "1.7.0"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			p := servePage(t, installedUI(t, "client-"+version), nil)
			drive(t, p.url, "talk")
		})
	}
}

// TestOfficialWebUIShowsAnswersGrow lets the model send each word only when the page has shown the one before.
func TestOfficialWebUIShowsAnswersGrow(t *testing.T) {
	t.Parallel()
	next := make(chan struct{})
	vendor := modeltest.New(t, func(r modeltest.Request) modeltest.Script {
		if !r.Stream {
			return modeltest.Say("A title")
		}
		return modeltest.Script{
			Chunks: []string{"<response><actions>REPLY</actions><text>One", " two", " three", " four", "</text></response>"},
			Gates:  map[int]<-chan struct{}{1: next, 2: next, 3: next},
		}
	})
	gate := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case next <- struct{}{}:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(gate.Close)
	p := serveUI(t, []string{"OPENAI_BASE_URL=" + vendor.URL})
	drive(t, p.url, "grow", "--gate", gate.URL)
}

// TestOfficialWebUIWithAKey lets the page discover that the server needs a key, with and without isolation.
func TestOfficialWebUIWithAKey(t *testing.T) {
	t.Parallel()
	for _, isolation := range []string{"false", "true"} {
		t.Run("isolation "+isolation, func(t *testing.T) {
			t.Parallel()
			p := serveUI(t, []string{"ELIZA_SERVER_AUTH_TOKEN=something-long", "ENABLE_DATA_ISOLATION=" + isolation})
			drive(t, p.url, "locked")
		})
	}
}

// TestOfficialWebUIWithoutAModel lets it wait for answers that never come.
func TestOfficialWebUIWithoutAModel(t *testing.T) {
	t.Parallel()
	vendor := modeltest.New(t, func(modeltest.Request) modeltest.Script { return modeltest.Fail(http.StatusUnauthorized, "wrong key") })
	p := serveUI(t, []string{"OPENAI_BASE_URL=" + vendor.URL, "OPENAI_API_KEY=wrong"})
	drive(t, p.url, "failing")
}

// TestOfficialWebUIPanels shows the page of a plugin beside the chat.
func TestOfficialWebUIPanels(t *testing.T) {
	t.Parallel()
	const page = `<!doctype html><title>Counter</title><button onclick="this.textContent++">0</button>`
	counter := agent.Plugin{Name: "counter", Provision: func(context.Context, agent.Setup) (agent.Components, error) {
		show := func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = w.Write([]byte(page))
		}
		return agent.Components{Routes: []agent.Route{
			{Method: http.MethodGet, Path: "/page", Public: true, Name: "Counter", Handler: http.HandlerFunc(show)},
		}}, nil
	}}
	cfg := server.DefaultConfig()
	cfg.Storage.Dir, cfg.Web.Dir = t.TempDir(), officialUI(t)
	srv, err := server.New(cfg, server.WithEnvironment(), server.WithPlugins(counter))
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := srv.Shutdown(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	site := httptest.NewServer(srv.Handler())
	t.Cleanup(site.Close)
	named := strings.NewReader(`{"plugins": ["counter"]}`)
	if status := send(t, http.MethodPatch, site.URL+"/api/agents/"+agent.ID("Eliza").String(), named); status != http.StatusOK {
		t.Fatalf("naming the plugin: %d", status)
	}
	drive(t, site.URL, "panels")
}

package server_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/google/uuid"

	"github.com/elizad/elizad/client"
	"github.com/elizad/elizad/server/settings"
)

// noRoutes are paths that people, scanners and tools try, and that this server doesn't have.
func noRoutes() []string {
	return []string{
		"/metrics", "/mcp", "/v2/chat/completions", "/v1x/models", "/asyncapi", "/openapi", "/swagger", "/foo.php", "/wp-login.php", "/.env",
		"/.git/config", "/robots.txt", "/favicon.ico", "/index.php", "/settings/whatever", "/status", "/chat/a/b", "/assets", "/assets/none.js",
		"/docs/none", "/docs/none.js", "/apis", "/api", "/socket.iox/", "/chatx", "//metrics", "/%6detrics", "/chat/%2F/x",
	}
}

// withFolder returns settings for a server with another web UI.
func withFolder(t *testing.T) settings.Settings {
	t.Helper()
	cfg := testConfig(t)
	cfg.Web.Dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(cfg.Web.Dir, "index.html"), []byte("<!doctype html><html>theirs</html>"), 0o600); err != nil {
		t.Fatal(err)
	}
	return cfg
}

// A path that is no route is a 404 in the one shape, whatever is asked for and by whatever method; pages have their own routes.
// Pages are no part of the contract, and asked raw.
func TestPagesHaveTheirOwnRoutes(t *testing.T) {
	t.Parallel()
	off := testConfig(t)
	off.Web.Disable = true
	for name, tt := range map[string]struct {
		cfg     settings.Settings
		accepts []string
	}{
		"the page":       {testConfig(t), []string{"text/html,application/xhtml+xml", "*/*", "", "application/json"}},
		"no page":        {off, []string{"text/html,application/xhtml+xml", "*/*", "", "application/json"}},
		"another's page": {withFolder(t), []string{"*/*", "", "application/json", "application/openmetrics-text,text/plain;q=0.5,*/*;q=0.1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := startWith(t, tt.cfg).bare()
			for _, path := range noRoutes() {
				for _, accept := range tt.accepts {
					a := n.do("GET", path, nil, "Accept", accept)
					if strings.HasSuffix(path, ".js") && tt.cfg.Web.Dir != "" { // says so in its own language
						a.want(404)
						continue
					}
					clearError(t, "GET "+path+" for "+accept, a, 404, "NOT_FOUND")
				}
				if a := n.do("HEAD", path, nil); a.status != 404 {
					t.Errorf("HEAD %s: %d", path, a.status)
				}
				for _, method := range []string{"POST", "PUT", "DELETE"} {
					clearError(t, method+" "+path, n.do(method, path, nil), 404, "NOT_FOUND")
				}
			}
			for _, path := range []string{"/docs", "/docs/", "/docs/explorer.js", "/openapi.json", "/openapi.yaml", "/asyncapi.yaml"} {
				n.do("GET", path, nil).want(200)
				n.do("HEAD", path, nil).want(200)
				clearError(t, "POST "+path, n.do("POST", path, nil), 405, "METHOD_NOT_ALLOWED")
			}
		})
	}
}

func TestPageOfTheServer(t *testing.T) {
	t.Parallel()
	n := startWith(t, testConfig(t)).bare()
	for _, path := range []string{"/", "/index.html", "/chat", "/chat/", "/chat/x", "/chat/" + uuid.NewString(), "/chat/x/", "//", "//chat/x"} {
		for _, accept := range []string{"text/html", "*/*", "", "application/json"} { // a page has one form
			a := n.do("GET", path, nil, "Accept", accept).want(200)
			if !strings.Contains(string(a.body), "<html") || a.header.Get("Content-Security-Policy") == "" {
				t.Errorf("%s: %v %.80s", path, a.header, a.body)
			}
		}
		n.do("HEAD", path, nil).want(200)
		if a := n.do("POST", path, nil); a.status != 405 || a.header.Get("Allow") != "GET, HEAD" {
			t.Errorf("POST %s: %d, allowed is %q", path, a.status, a.header.Get("Allow"))
		}
	}
	off := testConfig(t)
	off.Web.Disable = true
	n = startWith(t, off).bare()
	clearError(t, "a page that is switched off", n.do("GET", "/", nil, "Accept", "text/html"), 403, "FORBIDDEN")
}

// The routes of another web UI are known to nobody but it: they are the page for browsers, which ask for HTML.
func TestRoutesOfAnotherPage(t *testing.T) {
	t.Parallel()
	n := startWith(t, withFolder(t)).bare()
	id := uuid.New()
	for _, path := range []string{ // of the official client, and one that it doesn't have
		"/", "/create", "/agents/new", "/settings/", "/settings/" + id.String(), "/logs", "/group/new", "/group/" + id.String(), "/chat/" + id.String(), "/chat/" + id.String() + "/" + id.String(), "/gallery/a.b",
	} {
		a := n.do("GET", path, nil, "Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8").want(200)
		if !strings.Contains(string(a.body), "theirs") {
			t.Errorf("%s is %.80s", path, a.body)
		}
		n.do("HEAD", path, nil, "Accept", "text/html").want(200)
	}
	clearError(t, "a route of the API", n.do("GET", "/api/nothing", nil, "Accept", "text/html"), 404, "NOT_FOUND")
}

// below serves the whole of a server in another program, under a path.
func (n *node) below(path string) *node {
	mux := http.NewServeMux()
	mux.Handle(path+"/", http.StripPrefix(path, n.server.Handler()))
	site := httptest.NewServer(mux)
	n.t.Cleanup(site.Close)
	inner := *n
	inner.http, inner.client = site, &http.Client{Timeout: patience}
	return &inner
}

// Every address that an answer holds is right below a path, too: seen from there, it leads to the same place.
func TestAddressesBelowAPath(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.Security.TrustProxy = "127.0.0.1"
	trusting, other := startWith(t, cfg), start(t, t.TempDir())
	for name, tt := range map[string]struct {
		node   *node
		path   string // where the caller finds the server
		header []string
	}{
		"mounted":                       {other.below("/eliza"), "/eliza", nil},
		"mounted, two levels":           {other.below("/a/b.c"), "/a/b.c", nil},
		"a proxy that is trusted":       {trusting.bare(), "", []string{"X-Forwarded-Prefix", "/eliza/"}},
		"a proxy that is not":           {other.bare(), "", []string{"X-Forwarded-Prefix", "/eliza"}},
		"a proxy that leaves no trace":  {other.bare(), "", nil},
		"a proxy that tells no path":    {other.bare(), "", []string{"X-Forwarded-For", "192.0.2.1"}},
		"a trusted one that tells none": {trusting.bare(), "", []string{"X-Forwarded-For", "192.0.2.1"}},
	} {
		n := tt.node
		ask := func(path string) (a answer, seen *url.URL) {
			seen = &url.URL{Scheme: "https", Host: "example.org", Path: "/eliza" + path}
			if tt.path != "" {
				seen.Path = tt.path + path
			}
			if name == "a trusted one that tells none" { // then the proxy has taken nothing away
				seen.Path = path
			}
			return n.do("GET", tt.path+path, nil, append(tt.header, "Accept", "text/html, */*")...).want(200), seen
		}
		root := func(seen *url.URL, path string) string { return strings.TrimSuffix(seen.Path, path) + "/" }
		leadsTo := func(what string, seen *url.URL, address, want string) {
			t.Helper()
			got, err := seen.Parse(address)
			if err != nil || got.Host != "example.org" || got.Path != want {
				t.Errorf("%s: %s of %s leads to %v, want %s", name, what, seen, got, want)
			}
		}

		id := n.agentID()
		for range 2 {
			n.do("POST", tt.path+"/api/agents/"+id.String()+"/rooms", map[string]any{"name": "Room"}).want(201)
		}
		list := "/api/agents/" + id.String() + "/rooms"
		a, seen := ask(list)
		a = n.do("GET", tt.path+list+"?limit=1", nil, tt.header...).want(200)
		next := nextLink.FindStringSubmatch(a.header.Get("Link"))
		if next == nil {
			t.Fatalf("%s: no next page in %q", name, a.header.Get("Link"))
		}
		leadsTo("the next page", seen, next[1], seen.Path)
		if at, err := seen.Parse(next[1]); err != nil || at.Query().Get("cursor") == "" || at.Query().Get("limit") != "1" {
			t.Errorf("%s: the next page is %s", name, at)
		}

		const older = "/api/runtime/ping"
		a, seen = ask(older)
		address := strings.TrimSuffix(strings.TrimPrefix(a.header.Get("Link"), "<"), `>; rel="successor-version"`)
		leadsTo("the newer path", seen, address, root(seen, older)+"api/server/ping")

		for _, page := range []string{"/", "/chat/" + id.String(), "/chat/" + id.String() + "/"} {
			a, seen = ask(page)
			_, base, _ := strings.Cut(string(a.body), `<base href="`)
			base, _, _ = strings.Cut(base, `"`)
			leadsTo("the base", seen, base, root(seen, page))
		}
		for _, page := range []string{"/docs", "/docs/"} {
			a, seen = ask(page)
			_, base, _ := strings.Cut(string(a.body), `data-root="`)
			base, _, _ = strings.Cut(base, `"`)
			leadsTo("the root", seen, base, root(seen, page))
		}
	}
}

// Sockets are found below a path by either transport, and the Go client by its base address, with and without a slash.
func TestSocketsBelowAPath(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.Security.AuthToken = "open sesame, for the tests of paths"
	n := startWith(t, cfg)
	key := []string{"X-API-KEY", cfg.Security.AuthToken}
	for _, path := range []string{"/eliza", "/a/b.c", "/el-iza_2/~x"} {
		below := n.below(path)
		for _, door := range []string{path + "/socket.io/", path + "/socket.io", path + "//socket.io/"} {
			a := below.do("GET", door+"?EIO=4&transport=polling", nil, key...).want(200)
			if !strings.HasPrefix(string(a.body), "0{") {
				t.Errorf("%s by polling: %s", door, a.body)
			}
		}
		for door, first := range map[string]string{"/socket.io/?EIO=4&transport=websocket": "0{", "/ws": "{", "/": "{"} {
			conn, _, err := websocket.Dial(t.Context(), below.http.URL+path+door, &websocket.DialOptions{HTTPHeader: http.Header{"X-Api-Key": key[1:]}})
			if err != nil {
				t.Errorf("%s%s: %v", path, door, err)
				continue
			}
			if _, frame, err := conn.Read(t.Context()); err != nil || !strings.HasPrefix(string(frame), first) {
				t.Errorf("%s%s: %s (%v)", path, door, frame, err)
			}
			_ = conn.CloseNow()
		}
		for _, base := range []string{path, path + "/"} {
			c, err := client.New(below.http.URL+base, client.WithAPIKey(cfg.Security.AuthToken))
			if err != nil {
				t.Fatal(err)
			}
			var said strings.Builder
			for event, err := range c.Ask(t.Context(), n.agentID(), "Hello") {
				if err != nil {
					t.Fatal(err)
				}
				said.WriteString(event.Text)
			}
			if said.Len() == 0 {
				t.Errorf("nothing was answered at %s", base)
			}
			live, err := c.Dial(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			_ = live.Close()
		}
	}
}

// Without a web UI the server says so where its pages were, and everything else is as ever.
func TestWebUISwitchedOff(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.Web.Disable = true
	n := startWith(t, cfg)
	for _, path := range []string{"/", "/chat/x"} {
		clearError(t, path, n.do("GET", path, nil), http.StatusForbidden, "FORBIDDEN")
	}
	clearError(t, "a file of a page", n.do("GET", "/assets/index.js", nil), http.StatusNotFound, "NOT_FOUND")
	clearError(t, "a POST to a page", n.do("POST", "/chat/x", "{}"), http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED")
	clearError(t, "an unknown path of the API", n.do("GET", "/api/nowhere", nil), http.StatusNotFound, "NOT_FOUND")
	n.read(n.api().GetLiveness(t.Context())).want(200)
	n.do("GET", "/docs", nil).want(200)
}

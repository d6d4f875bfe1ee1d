package web_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/elizad/elizad/server/internal/basepath"
	"github.com/elizad/elizad/server/internal/web"
)

// get sends one request to a handler; headers are pairs of name and value.
func get(t *testing.T, h http.Handler, method, target string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// assetPaths returns what the chat page loads.
func assetPaths(t *testing.T) []string {
	t.Helper()
	page := get(t, chat(), "GET", "/").Body.String()
	var paths []string
	for _, match := range regexp.MustCompile(`<(?:script|link)[^>]* (?:src|href)="([^"]+)"`).FindAllStringSubmatch(page, -1) {
		paths = append(paths, strings.TrimPrefix(match[1], "."))
	}
	if len(paths) < 3 {
		t.Fatalf("the page names %q; want at least a script, a style sheet and an icon", paths)
	}
	return paths
}

// serve routes requests as the server does.
func serve(routes web.Routes) http.Handler {
	r := chi.NewRouter()
	r.Use(middleware.GetHead)
	for path, part := range routes {
		r.Method(http.MethodGet, path, part)
	}
	r.NotFound(refused.ServeHTTP)
	return r
}

// refused stands for the server's answer where there is no route.
var refused = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) })

func chat() http.Handler { return serve(web.Chat()) }

func TestPage(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, method, target string
		want                 int
	}{
		{"root", "GET", "/", 200},
		{"by its name", "GET", "/index.html", 200},
		{"an agent's chat", "GET", "/chat/b850bc30-45f8-0041-a00a-83df46d8555d", 200},
		{"headers only", "HEAD", "/", 200},
		{"a missing asset", "GET", "/assets/index-gone.js", 404},
		{"a missing asset without extension", "GET", "/assets/gone", 404},
		{"the folder of assets", "GET", "/assets/", 404},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := get(t, chat(), tt.method, tt.target)
			if w.Code != tt.want {
				t.Fatalf("status %d, want %d", w.Code, tt.want)
			}
			if tt.want != 200 {
				if w.Body.Len() > 0 {
					t.Error("a refusal carries the page")
				}
				return
			}
			if got := w.Header().Get("Content-Type"); got != "text/html; charset=utf-8" {
				t.Errorf("Content-Type %q", got)
			}
			if got := w.Header().Get("Cache-Control"); got != "no-cache" {
				t.Errorf("Cache-Control %q, want no-cache", got)
			}
			if hasBody := strings.Contains(w.Body.String(), `id="app"`); hasBody != (tt.method == "GET") {
				t.Errorf("body sent: %v for %s", hasBody, tt.method)
			}
		})
	}
}

// The page finds the server's root from wherever it was loaded.
func TestPageHasTheServersRoot(t *testing.T) {
	t.Parallel()
	for target, want := range map[string]string{"/": "./", "/?a=/b/c": "./", "/chat/x": "../", "/chat/x/": "../../"} {
		if page := get(t, chat(), "GET", target).Body.String(); !strings.Contains(page, `<base href="`+want+`" />`) {
			t.Errorf("%s: no base %s in %s", target, want, page)
		}
	}
	r := httptest.NewRequestWithContext(basepath.With(t.Context(), basepath.Place{Prefix: "/el'iza"}), "GET", "/chat/x", nil)
	w := httptest.NewRecorder()
	chat().ServeHTTP(w, r)
	if !strings.Contains(w.Body.String(), `<base href="/el&#39;iza/" />`) {
		t.Errorf("below a path: %s", w.Body)
	}
	if again := get(t, chat(), "GET", "/chat/x"); again.Header().Get("ETag") == w.Header().Get("ETag") {
		t.Error("two different pages share an ETag")
	}
}

func TestAssets(t *testing.T) {
	t.Parallel()
	wantType := map[string]string{
		".js":  "text/javascript; charset=utf-8",
		".css": "text/css; charset=utf-8",
		".svg": "image/svg+xml",
	}
	for _, path := range assetPaths(t) {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			w := get(t, chat(), "GET", path)
			if w.Code != 200 || w.Body.Len() == 0 {
				t.Fatalf("status %d with %d bytes", w.Code, w.Body.Len())
			}
			if got, want := w.Header().Get("Content-Type"), wantType[path[strings.LastIndex(path, "."):]]; got != want {
				t.Errorf("Content-Type %q, want %q", got, want)
			}
			if got := w.Header().Get("Cache-Control"); got != "public, max-age=31536000, immutable" {
				t.Errorf("Cache-Control %q", got)
			}
			again := get(t, chat(), "GET", path, "If-None-Match", w.Header().Get("ETag"))
			if again.Code != http.StatusNotModified || again.Body.Len() != 0 {
				t.Errorf("asked again: status %d with %d bytes, want an empty 304", again.Code, again.Body.Len())
			}
		})
	}
}

func TestPageIsRevalidated(t *testing.T) {
	t.Parallel()
	etag := get(t, chat(), "GET", "/").Header().Get("ETag")
	if w := get(t, chat(), "GET", "/index.html", "If-None-Match", etag); w.Code != http.StatusNotModified {
		t.Errorf("status %d, want 304", w.Code)
	}
}

// Nothing on the page may be loaded from elsewhere, and nothing may be written into it that its policy would refuse.
func TestPageIsSelfContained(t *testing.T) {
	t.Parallel()
	for _, path := range assetPaths(t) {
		if !strings.HasPrefix(path, "/assets/") {
			t.Errorf("the page loads %s", path)
		}
	}
	w := get(t, chat(), "GET", "/")
	if inline := regexp.MustCompile(`<script[^>]*>[^<]|<style|\son\w+=|\sstyle=`).FindString(w.Body.String()); inline != "" {
		t.Errorf("inline code on the page: %q", inline)
	}
	policy := w.Header().Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "script-src 'self';", "style-src 'self';", "connect-src 'self' ws: wss:", "frame-ancestors 'self'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("the policy lacks %q: %s", want, policy)
		}
	}
	if strings.Contains(policy, "unsafe") || strings.Contains(policy, "http") {
		t.Errorf("the policy is too wide: %s", policy)
	}
	if got := w.Header().Get("X-Content-Type-Options"); got != "nosniff" {
		t.Errorf("X-Content-Type-Options %q", got)
	}
}

// The committed bundle must be a release build of nothing but the page.
func TestDistHoldsOnlyWhatThePageLoads(t *testing.T) {
	t.Parallel()
	entries, err := os.ReadDir("dist/assets")
	if err != nil {
		t.Fatal(err)
	}
	loaded := strings.Join(assetPaths(t), " ")
	for _, entry := range entries {
		if !strings.Contains(loaded, entry.Name()) {
			t.Errorf("dist/assets/%s is not loaded by the page", entry.Name())
		}
		content, err := os.ReadFile("dist/assets/" + entry.Name())
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(content), "sourceMappingURL") {
			t.Errorf("dist/assets/%s names a source map", entry.Name())
		}
	}
}

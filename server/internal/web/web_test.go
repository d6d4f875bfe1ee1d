package web_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

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
	page := get(t, web.Handler(), "GET", "/").Body.String()
	var paths []string
	for _, match := range regexp.MustCompile(`(?:src|href)="([^"]+)"`).FindAllStringSubmatch(page, -1) {
		paths = append(paths, match[1])
	}
	if len(paths) < 3 {
		t.Fatalf("the page names %q; want at least a script, a style sheet and an icon", paths)
	}
	return paths
}

func TestPage(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, method, target string
		headers              []string
		want                 int
	}{
		{name: "root", target: "/", want: 200},
		{name: "by its name", target: "/index.html", want: 200},
		{name: "an agent's chat", target: "/chat/b850bc30-45f8-0041-a00a-83df46d8555d", want: 200},
		{name: "an unknown path", target: "/settings/whatever", want: 200},
		{name: "a browser's navigation", target: "/x", headers: []string{"Accept", "text/html,application/xhtml+xml;q=0.9"}, want: 200},
		{name: "headers only", method: "HEAD", target: "/", want: 200},
		{name: "a program that wants JSON", target: "/x", headers: []string{"Accept", "application/json"}, want: 404},
		{name: "a missing asset", target: "/assets/index-gone.js", want: 404},
		{name: "a missing asset without extension", target: "/assets/gone", want: 404},
		{name: "the folder of assets", target: "/assets/", want: 404},
		{name: "a missing file", target: "/favicon.ico", want: 404},
		{name: "outside the folder", target: "/assets/../../web.go", want: 404},
		{name: "another method", method: "POST", target: "/", want: 405},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			method := tt.method
			if method == "" {
				method = "GET"
			}
			w := get(t, web.Handler(), method, tt.target, tt.headers...)
			if w.Code != tt.want {
				t.Fatalf("status %d, want %d", w.Code, tt.want)
			}
			if tt.want != 200 {
				if strings.Contains(w.Body.String(), "<html") {
					t.Error("a refusal carries the page")
				}
				if got := w.Header().Get("Cache-Control"); got != "no-store" {
					t.Errorf("Cache-Control %q of a refusal, want no-store", got)
				}
				return
			}
			if got := w.Header().Get("Content-Type"); got != "text/html; charset=utf-8" {
				t.Errorf("Content-Type %q", got)
			}
			if got := w.Header().Get("Cache-Control"); got != "no-cache" {
				t.Errorf("Cache-Control %q, want no-cache", got)
			}
			if hasBody := strings.Contains(w.Body.String(), `id="app"`); hasBody != (method == "GET") {
				t.Errorf("body sent: %v for %s", hasBody, method)
			}
		})
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
			w := get(t, web.Handler(), "GET", path)
			if w.Code != 200 || w.Body.Len() == 0 {
				t.Fatalf("status %d with %d bytes", w.Code, w.Body.Len())
			}
			if got, want := w.Header().Get("Content-Type"), wantType[path[strings.LastIndex(path, "."):]]; got != want {
				t.Errorf("Content-Type %q, want %q", got, want)
			}
			if got := w.Header().Get("Cache-Control"); got != "public, max-age=31536000, immutable" {
				t.Errorf("Cache-Control %q", got)
			}
			again := get(t, web.Handler(), "GET", path, "If-None-Match", w.Header().Get("ETag"))
			if again.Code != http.StatusNotModified || again.Body.Len() != 0 {
				t.Errorf("asked again: status %d with %d bytes, want an empty 304", again.Code, again.Body.Len())
			}
		})
	}
}

func TestPageIsRevalidated(t *testing.T) {
	t.Parallel()
	etag := get(t, web.Handler(), "GET", "/").Header().Get("ETag")
	if w := get(t, web.Handler(), "GET", "/chat", "If-None-Match", etag); w.Code != http.StatusNotModified {
		t.Errorf("status %d, want 304", w.Code)
	}
}

// Nothing on the page may come from elsewhere, and nothing may be written into it that the policy would refuse.
func TestPageIsSelfContained(t *testing.T) {
	t.Parallel()
	for _, path := range assetPaths(t) {
		if !strings.HasPrefix(path, "/assets/") {
			t.Errorf("the page loads %s", path)
		}
	}
	w := get(t, web.Handler(), "GET", "/")
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

// What is committed must be a release build of nothing but the page.
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

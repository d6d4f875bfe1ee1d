package web_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/elizad/elizad/server/internal/web"
)

// folder returns a handler for a web UI of the given files.
func folder(t *testing.T, files map[string]string) (http.Handler, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "dist")
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	h, err := web.Folder(dir, false, refused)
	if err != nil {
		t.Fatal(err)
	}
	return h, dir
}

var official = map[string]string{
	"index.html": "<!doctype html><title>theirs</title>", "favicon.ico": "icon", "images/agents/agent1.png": "png", ".env": "SECRET=1",
	"assets/main-CqTmsniN.js": "let x", "assets/main-CqTmsniN.js.map": "{}", "assets/ui-B7JxFfFk.css": "a{}", "../outside.txt": "secret",
}

func TestFolder(t *testing.T) {
	t.Parallel()
	h, _ := folder(t, official)
	const page, forever, again = "text/html; charset=utf-8", "public, max-age=31536000, immutable", "no-cache"
	for _, tt := range []struct {
		name, method, target, accept string
		status                       int
		contentType, cache           string
	}{
		{"the page", "GET", "/", "text/html", 200, page, again},
		{"by its name", "GET", "/index.html", "text/html", 200, page, again},
		{"a chat", "GET", "/chat/b850bc30-45f8-0041-a00a-83df46d8555d", "text/html", 200, page, again},
		{"a page with a dot", "GET", "/profile/a.b", "text/html", 200, page, again},
		{"for a program that takes anything", "GET", "/", "*/*", 200, page, again},
		{"its head", "HEAD", "/logs", "text/html", 200, page, again},
		{"a script", "GET", "/assets/main-CqTmsniN.js", "*/*", 200, "text/javascript; charset=utf-8", forever},
		{"its map", "GET", "/assets/main-CqTmsniN.js.map", "*/*", 200, "application/json", again},
		{"a style", "GET", "/assets/ui-B7JxFfFk.css", "*/*", 200, "text/css; charset=utf-8", forever},
		{"a picture", "GET", "/images/agents/agent1.png", "*/*", 200, "image/png", again},
		{"the icon", "GET", "/favicon.ico", "*/*", 200, "image/x-icon", again},
		{"a script that is gone", "GET", "/assets/main-12345678.js", "*/*", 404, "text/javascript; charset=utf-8", "no-store"},
		{"one outside of assets", "GET", "/sw.js", "text/html", 404, "text/javascript; charset=utf-8", "no-store"},
		{"a picture that is gone", "GET", "/images/none.png", "text/html", 404, "", ""},
		{"an asset without extension", "GET", "/assets/none", "text/html", 404, "", ""},
		{"a folder", "GET", "/assets/", "application/json", 404, "", ""},
		{"for a program", "GET", "/chat/x", "application/json", 404, "", ""},
		{"for a collector of figures", "GET", "/metrics", "application/openmetrics-text,text/plain;q=0.5,*/*;q=0.1", 404, "", ""},
		{"for whoever takes anything", "GET", "/v1/chat/completions", "*/*", 404, "", ""},
		{"a hidden file", "GET", "/.env", "application/json", 404, "", ""},
		{"outside", "GET", "/../outside.txt", "*/*", 404, "", ""},
		{"outside, escaped", "GET", "/assets/..%2f..%2foutside.txt", "*/*", 404, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := get(t, h, tt.method, tt.target, "Accept", tt.accept)
			if w.Code != tt.status || w.Header().Get("Content-Type") != tt.contentType || w.Header().Get("Cache-Control") != tt.cache {
				t.Errorf("status %d, %v", w.Code, w.Header())
			}
			if strings.Contains(w.Body.String(), "secret") || strings.Contains(w.Body.String(), "SECRET") {
				t.Errorf("it shows %s", w.Body)
			}
		})
	}
	if w := get(t, h, "GET", "/assets/main-12345678.js"); !strings.HasPrefix(w.Body.String(), "// JavaScript module not found: ") {
		t.Errorf("a missing script says %q", w.Body)
	}
	if policy := get(t, h, "GET", "/").Header().Get("Content-Security-Policy"); !strings.Contains(policy, "object-src 'none'") {
		t.Errorf("policy %q", policy)
	}
}

// Package managers give all files of all versions the same time: a replaced page must not be answered with 304.
func TestFolderNoticesANewPage(t *testing.T) {
	t.Parallel()
	h, dir := folder(t, official)
	index := filepath.Join(dir, "index.html")
	first := get(t, h, "GET", "/")
	etag := first.Header().Get("ETag")
	if w := get(t, h, "GET", "/", "If-None-Match", etag); w.Code != http.StatusNotModified {
		t.Errorf("status %d, want 304", w.Code)
	}
	info, err := os.Stat(index)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(index, []byte(strings.Replace(official["index.html"], "theirs", "newest", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(index, info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
	if w := get(t, h, "GET", "/", "If-None-Match", etag); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "newest") {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
}

func TestFolderWithoutAPage(t *testing.T) {
	t.Parallel()
	for name, dir := range map[string]string{"nothing there": filepath.Join(t.TempDir(), "none"), "no page in it": t.TempDir()} {
		if _, err := web.Folder(dir, false, refused); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

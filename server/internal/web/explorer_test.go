package web_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/elizad/elizad/server/internal/web"
)

func explorer() http.Handler { return serve(web.Explorer()) }

func TestExplorer(t *testing.T) {
	t.Parallel()
	tests := []struct {
		method, target string
		want           int
		wantType       string
	}{
		{"GET", "/docs", 200, "text/html; charset=utf-8"},
		{"GET", "/docs/", 200, "text/html; charset=utf-8"},
		{"HEAD", "/docs", 200, "text/html; charset=utf-8"},
		{"GET", "/docs/swagger-ui-bundle.js", 200, "text/javascript; charset=utf-8"},
		{"GET", "/docs/swagger-ui.css", 200, "text/css; charset=utf-8"},
		{"GET", "/docs/explorer.js", 200, "text/javascript; charset=utf-8"},
		{"GET", "/docs/explorer.css", 200, "text/css; charset=utf-8"},
		{"GET", "/docs/fill.js", 200, "text/javascript; charset=utf-8"},
		{"GET", "/docs/session.js", 200, "text/javascript; charset=utf-8"},
		{"GET", "/docs/signin.js", 200, "text/javascript; charset=utf-8"},
		{"GET", "/docs/names.js", 200, "text/javascript; charset=utf-8"},
		{"GET", "/docs/favicon-32x32.png", 200, "image/png"},
		{"GET", "/docs/gone.js", 404, ""},
	}
	for _, tt := range tests {
		t.Run(tt.method+" "+tt.target, func(t *testing.T) {
			t.Parallel()
			w := get(t, explorer(), tt.method, tt.target)
			if w.Code != tt.want {
				t.Fatalf("status %d, want %d", w.Code, tt.want)
			}
			if got := w.Header().Get("Content-Type"); got != tt.wantType {
				t.Errorf("Content-Type %q, want %q", got, tt.wantType)
			}
			if tt.want != 200 {
				return
			}
			if policy := w.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "script-src 'self';") {
				t.Errorf("policy %q", policy)
			}
			again := get(t, explorer(), tt.method, tt.target, "If-None-Match", w.Header().Get("ETag"))
			if again.Code != http.StatusNotModified {
				t.Errorf("asked again: status %d, want 304", again.Code)
			}
		})
	}
}

func TestExplorerPage(t *testing.T) {
	t.Parallel()
	for target, root := range map[string]string{"/docs": "./", "/docs/": "../"} {
		page := get(t, explorer(), "GET", target).Body.String()
		if strings.Contains(page, "http:") || strings.Contains(page, "https:") {
			t.Errorf("the page names another host:\n%s", page)
		}
		addresses := regexp.MustCompile(`(?:src|href|data-root)="([^"]*)"`).FindAllStringSubmatch(page, -1)
		if len(addresses) < 9 {
			t.Errorf("only %d addresses on the page:\n%s", len(addresses), page)
		}
		for _, match := range addresses {
			path, below := strings.CutPrefix(match[1], root)
			if !below {
				t.Errorf("%s: %s is not below the root", target, match[1])
			}
			if strings.HasPrefix(path, "docs/") {
				if w := get(t, explorer(), "GET", "/"+path); w.Code != 200 {
					t.Errorf("%s: status %d", path, w.Code)
				}
			}
		}
	}
}

func TestExplorerPacking(t *testing.T) {
	t.Parallel()
	const target = "/docs/swagger-ui.css"
	plain := get(t, explorer(), "GET", target)
	tests := []struct {
		accept string
		want   bool
	}{
		{"", false},
		{"br, zstd", false},
		{"gzip, deflate, br", true},
		{"br;q=1.0, GZIP;q=0.8", true},
		{"gzip;q=0", false},
		{"gzip; q=0.00", false},
	}
	for _, tt := range tests {
		t.Run(tt.accept, func(t *testing.T) {
			t.Parallel()
			w := get(t, explorer(), "GET", target, "Accept-Encoding", tt.accept)
			if got := w.Header().Get("Vary"); got != "Accept-Encoding" {
				t.Errorf("Vary %q", got)
			}
			if got := w.Header().Get("Content-Encoding") == "gzip"; got != tt.want {
				t.Fatalf("packed: %v, want %v", got, tt.want)
			}
			body := w.Body.String()
			if tt.want {
				if w.Header().Get("ETag") == plain.Header().Get("ETag") {
					t.Error("two different bodies share an ETag")
				}
				reader, err := gzip.NewReader(w.Body)
				if err != nil {
					t.Fatal(err)
				}
				content, err := io.ReadAll(reader)
				if err != nil {
					t.Fatal(err)
				}
				body = string(content)
			}
			if body != plain.Body.String() || !strings.Contains(body, ".swagger-ui") {
				t.Errorf("not the style sheet: %d bytes, %d when plain", len(body), plain.Body.Len())
			}
		})
	}
}

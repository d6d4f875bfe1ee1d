package compat_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/elizad/elizad/gen/apiserver"
	"github.com/elizad/elizad/server/internal/compat"
)

func TestPaths(t *testing.T) {
	t.Parallel()
	doc, err := apiserver.GetSpec()
	if err != nil {
		t.Fatal(err)
	}
	middleware := compat.Paths(doc)
	for _, tt := range []struct {
		asked, passed string
		deprecated    bool
	}{
		{"GET /api/agents", "GET /api/agents", false},
		{"GET /API/Agents/", "GET /api/agents", false},
		{"GET /api/lab/Status/", "GET /api/lab/Status/", false}, // a plugin's
		{"GET /api/agents/X/", "GET /api/agents/X", false},

		{"GET /api/memory/X/memories", "GET /api/agents/X/memories", false},
		{"OPTIONS /api/Memory/X/Rooms/Y/memories/", "OPTIONS /api/agents/X/rooms/Y/memories", false},
		{"DELETE /api/memory/groups/X/memories", "DELETE /api/memory/groups/X/memories", false},
		{"GET /api/memory/groups/memories", "GET /api/memory/groups/memories", false},
		{"GET /api/memory/X/runs", "GET /api/memory/X/runs", false},

		{"GET /api/messaging/channels/X", "GET /api/messaging/channels/X/details", true},
		{"PATCH /api/messaging/channels/X", "PATCH /api/messaging/channels/X", false},
		{"POST /API/messaging/central-channels/X/messages/", "POST /api/messaging/channels/X/messages", true},
		{"POST /api/runtime/debug", "GET /api/server/debug/servers", true},
		{"GET /api/messaging/central-channels/a%2Fb", "GET /api/messaging/central-channels/a/b", false}, // no id has an escape
	} {
		var passed string
		h := middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			passed = r.Method + " " + r.URL.Path
			w.Header().Set("Link", "<x>")
			w.(http.Flusher).Flush() // as a compressor does it
			_, _ = w.Write(nil)
		}))
		method, path, _ := strings.Cut(tt.asked, " ")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, nil))
		if deprecated := w.Header().Get("Deprecation") != "" && len(w.Header().Values("Link")) == 2; passed != tt.passed || deprecated != tt.deprecated {
			t.Errorf("%s is passed as %s, want %s; deprecated: %t", tt.asked, passed, tt.passed, deprecated)
		}
		if !tt.deprecated {
			continue
		}
		address, _, _ := strings.Cut(strings.TrimPrefix(w.Header().Values("Link")[1], "<"), ">")
		if to, err := (&url.URL{Path: path}).Parse(address); err != nil || !strings.HasSuffix(tt.passed, " "+to.Path) {
			t.Errorf("%s: the link %s leads to %v, %v", tt.asked, address, to, err)
		}
	}
}

func BenchmarkPaths(b *testing.B) {
	doc, err := apiserver.GetSpec()
	if err != nil {
		b.Fatal(err)
	}
	h := compat.Paths(doc)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	r := httptest.NewRequestWithContext(b.Context(), "POST", "/api/messaging/channels/17dcb1c8-cf1f-438a-b8c7-dc93995e78be/messages", nil)
	b.ReportAllocs()
	for b.Loop() {
		h.ServeHTTP(nil, r)
	}
}

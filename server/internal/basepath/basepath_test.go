package basepath_test

import (
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/elizad/elizad/server/internal/basepath"
)

func TestAddresses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		asked string // by the caller, as this process sees it
		place basepath.Place
		root  string
		of    string // /api/server/ping
	}{
		"the root of the host": {"/api/runtime/ping", basepath.Place{}, "../../", "../../api/server/ping"},
		"a path":               {"/eliza/api/runtime/ping", basepath.Place{Prefix: "/eliza"}, "/eliza/", "/eliza/api/server/ping"},
		"nobody knows":         {"/api/runtime/ping?a=/b", basepath.Place{Unsure: true}, "../../", "../../api/server/ping"},
		"half of it is known":  {"/eliza/api/runtime/ping", basepath.Place{Prefix: "/eliza", Unsure: true}, "../../", "../../api/server/ping"},
		"more slashes":         {"//api//runtime/ping", basepath.Place{Unsure: true}, "../../../../", "../../../../api/server/ping"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequestWithContext(basepath.With(t.Context(), tt.place), "GET", tt.asked, nil)
			r.URL = &url.URL{Path: "/api/runtime/ping"} // as routes see it
			if got := basepath.Root(r); got != tt.root {
				t.Errorf("the root is at %s, want %s", got, tt.root)
			}
			if got := basepath.Of(r, "/api/server/ping"); got != tt.of {
				t.Errorf("the path is at %s, want %s", got, tt.of)
			}
		})
	}
}

package httpx_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/elizad/elizad/server/internal/basepath"
	"github.com/elizad/elizad/server/internal/httpx"
	"github.com/elizad/elizad/server/settings"
)

func TestMount(t *testing.T) {
	t.Parallel()
	const relative = "relative"                                                               // to the address of the request, where no path in front of the server is known
	ours := settings.Proxies{Networks: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}} // where httptest's requests come from
	others := settings.Proxies{Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	for name, tt := range map[string]struct {
		asked, strip string
		header       []string
		proxies      settings.Proxies
		want         string // the address of /x
	}{
		"directly":                    {asked: "/api/agents", want: relative},
		"mounted":                     {asked: "/eliza/api/agents", strip: "/eliza", want: "/eliza/x"},
		"mounted, with slash":         {asked: "/eliza/api/agents", strip: "/eliza/", want: "/eliza/x"},
		"mounted, its root":           {asked: "/eliza?a=/b", strip: "/eliza", want: "/eliza/x"},
		"mounted, escaped":            {asked: "/el%20iza/api/agents", strip: "/el iza", want: "/el%20iza/x"},
		"mounted below two":           {asked: "/a/b//api", strip: "/a/b", want: "/a/b/x"},
		"mounted below another host":  {asked: "//example.org/api/agents", strip: "//example.org", want: relative},
		"behind a proxy":              {asked: "/api/agents", header: []string{"/eliza"}, proxies: ours, want: "/eliza/x"},
		"behind a proxy, with slash":  {asked: "/api/agents", header: []string{"/eliza/"}, proxies: ours, want: "/eliza/x"},
		"behind a proxy, at its root": {asked: "/api/agents", header: []string{"/"}, proxies: ours, want: relative},
		"behind two in two lines":     {asked: "/api/agents", header: []string{"/a", "/b"}, proxies: ours, want: "/a/b/x"},
		"behind two in one line":      {asked: "/api/agents", header: []string{"/a, /b"}, proxies: ours, want: "/a/b/x"},
		"behind a number of them":     {asked: "/api/agents", header: []string{"/eliza"}, proxies: settings.Proxies{Hops: 1}, want: "/eliza/x"},
		"behind one, and mounted":     {asked: "/m/api/agents", strip: "/m", header: []string{"/eliza"}, proxies: ours, want: "/eliza/m/x"},
		"escaped":                     {asked: "/api/agents", header: []string{"/el%C3%ADza/v1.2"}, proxies: ours, want: "/el%C3%ADza/v1.2/x"},
		"an untrusted address":        {asked: "/api/agents", header: []string{"/eliza"}, want: relative},
		"not a proxy of ours":         {asked: "/api/agents", header: []string{"/eliza"}, proxies: others, want: relative},
		"another host":                {asked: "/api/agents", header: []string{"//example.org"}, proxies: ours, want: relative},
		"another host, the other way": {asked: "/api/agents", header: []string{`/\example.org`}, proxies: ours, want: relative},
		"another scheme":              {asked: "/api/agents", header: []string{"https://example.org/eliza"}, proxies: ours, want: relative},
		"no slash":                    {asked: "/api/agents", header: []string{"eliza"}, proxies: ours, want: relative},
		"out of itself":               {asked: "/api/agents", header: []string{"/a/../b"}, proxies: ours, want: relative},
		"markup":                      {asked: "/api/agents", header: []string{`/"><script>`}, proxies: ours, want: relative},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got string
			var h http.Handler = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				got = basepath.Of(r, "/x")
				if got[0] == '.' {
					got = relative
				}
			})
			h = httpx.ClientIP(tt.proxies)(httpx.Mount(tt.proxies)(h))
			if tt.strip != "" {
				h = http.StripPrefix(tt.strip, h)
			}
			r := httptest.NewRequestWithContext(t.Context(), "GET", tt.asked, nil)
			r.Header["X-Forwarded-Prefix"] = tt.header
			h.ServeHTTP(httptest.NewRecorder(), r)
			if got != tt.want {
				t.Errorf("the address is %q, want %q", got, tt.want)
			}
		})
	}
}

func TestSingleSlashes(t *testing.T) {
	t.Parallel()
	for asked, want := range map[string]string{
		"/": "/", "/api/agents": "/api/agents", "/api/agents/": "/api/agents/", "//api/agents": "/api/agents", "///api///agents": "/api/agents",
		"//": "/", "/api/agents//": "/api/agents//", "//api/agents//": "/api/agents//", "/a%2Fb//c": "/a%2Fb/c", "//a%2F%2Fb": "/a%2F%2Fb",
	} {
		r := httptest.NewRequestWithContext(t.Context(), "GET", asked, nil)
		httpx.SingleSlashes(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if got := r.URL.EscapedPath(); got != want {
				t.Errorf("%s is read as %s, want %s", asked, got, want)
			}
		})).ServeHTTP(httptest.NewRecorder(), r)
	}
	for _, path := range []string{"", "api/agents"} { // what prefixes that end in a slash leave
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
		r.URL.Path = path
		httpx.SingleSlashes(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/"+path {
				t.Errorf("%q is read as %q", path, r.URL.Path)
			}
		})).ServeHTTP(httptest.NewRecorder(), r)
	}
}

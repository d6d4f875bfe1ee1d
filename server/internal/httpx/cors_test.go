package httpx_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/elizad/elizad/server/internal/httpx"
	"github.com/elizad/elizad/server/settings"
)

func TestCORS(t *testing.T) {
	t.Parallel()
	const list = "https://app.example, https://*.team.example:8443"
	tests := []struct {
		name, all, api   string // settings
		path, origin     string
		allowOrigin      string // in the response
		credentials, may bool   // may: a POST is accepted
	}{
		{"no page", "", "", "/api/x", "", "", false, true},
		{"own origin", "", "", "/api/x", "http://example.com", "http://example.com", true, true},
		{"this machine", "", "", "/api/x", "http://localhost:5173", "http://localhost:5173", true, true},
		{"this machine, IPv6", "", "", "/api/x", "http://[::1]:5173", "http://[::1]:5173", true, true},
		{"lookalike", "", "", "/api/x", "http://localhost.evil.example", "", false, false},
		{"foreign", "", "", "/api/x", "https://evil.example", "", false, false},
		{"sandboxed", "", "", "/api/x", "null", "", false, false},
		{"listed", list, "", "/socket.io/", "https://app.example", "https://app.example", true, true},
		{"listed, capitals", list, "", "/api/x", "https://APP.example", "https://APP.example", true, true},
		{"subdomain", list, "", "/api/x", "https://a.team.example:8443", "https://a.team.example:8443", true, true},
		{"suffix without a dot", list, "", "/api/x", "https://ateam.example:8443", "", false, false},
		{"other scheme", list, "", "/api/x", "http://app.example", "", false, false},
		{"other port", list, "", "/api/x", "https://app.example:444", "", false, false},
		{"not this machine once there is a list", list, "", "/api/x", "http://localhost:5173", "", false, false},
		{"own origin beside a list", list, "", "/api/x", "http://example.com", "http://example.com", true, true},
		{"any", "*", "", "/api/x", "https://evil.example", "*", false, true},
		{"own rule for the API", list, "https://api.example", "/api/x", "https://app.example", "", false, false},
		{"which is not for the rest", list, "https://api.example", "/x", "https://app.example", "https://app.example", true, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := httpx.RequestID(httpx.NewCORS(settings.Security{CORSOrigin: tt.all, APIOrigin: tt.api}).Handler(ok))
			preflight := httptest.NewRequest("OPTIONS", tt.path, nil)
			preflight.Header.Set("Access-Control-Request-Method", "POST")
			preflight.Header.Set("Access-Control-Request-Headers", "content-type,x-api-key,x-entity-id")
			get, post := httptest.NewRequest("GET", tt.path, nil), httptest.NewRequest("POST", tt.path, nil)
			if tt.origin != "" {
				preflight.Header.Set("Origin", tt.origin)
				get.Header.Set("Origin", tt.origin)
				post.Header.Set("Origin", tt.origin)
			}
			asked, got, posted := serve(h, preflight), serve(h, get), serve(h, post)
			for name, w := range map[string]*httptest.ResponseRecorder{"preflight": asked, "GET": got} {
				if a := w.Header().Get("Access-Control-Allow-Origin"); a != tt.allowOrigin {
					t.Errorf("%s: Access-Control-Allow-Origin %q, want %q", name, a, tt.allowOrigin)
				}
				if c := w.Header().Get("Access-Control-Allow-Credentials") == "true"; c != tt.credentials {
					t.Errorf("%s: credentials %v", name, c)
				}
				if v := strings.Join(w.Header().Values("Vary"), ", "); !strings.Contains(v, "Origin") {
					t.Errorf("%s: Vary %q", name, v)
				}
			}
			if tt.allowOrigin != "" {
				if a := asked.Header().Get("Access-Control-Allow-Headers"); asked.Code != 204 || !strings.Contains(a, "x-entity-id") {
					t.Errorf("preflight: %d, headers %q", asked.Code, a)
				}
				if asked.Header().Get("Access-Control-Max-Age") != "86400" || !strings.Contains(strings.ToLower(got.Header().Get("Access-Control-Expose-Headers")), "ratelimit-remaining") {
					t.Errorf("preflight %v, GET %v", asked.Header(), got.Header())
				}
			}
			if got.Code != 200 || (posted.Code == 200) != tt.may {
				t.Errorf("GET %d, POST %d %s", got.Code, posted.Code, posted.Body)
			}
			if !tt.may && wire(t, posted).Error.Code != "FORBIDDEN" {
				t.Errorf("refusal: %s", posted.Body)
			}
		})
	}
}

func TestSameOriginBehindAProxy(t *testing.T) {
	t.Parallel()
	h := httpx.NewCORS(settings.Security{}).Handler(ok)
	r := httptest.NewRequest("POST", "http://10.0.0.5:3000/api/x", nil)
	r.Header.Set("Origin", "https://agents.example")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if w := serve(h, r); w.Code != 200 {
		t.Errorf("got %d", w.Code)
	}
}

func TestGuardOpen(t *testing.T) {
	t.Parallel()
	const (
		answered = http.StatusOK
		refused  = http.StatusForbidden
	)
	home := settings.Security{CORSOrigin: "https://tunnel.example", AllowHosts: "Agents.example, *.wild.example"}
	network := home
	network.AllowOpen = true
	locked := settings.Security{SocketKey: "a key"}
	for _, tt := range []struct {
		host                  string
		home, network, locked int
	}{
		{"localhost:3000", answered, answered, answered}, {"LOCALHOST", answered, answered, answered}, {"localhost.:3000", answered, answered, answered},
		{"127.0.0.1:3000", answered, answered, answered}, {"[::1]:3000", answered, answered, answered}, {"[::ffff:127.0.0.1]:1", answered, answered, answered},
		{"app.localhost", answered, answered, answered}, {"", answered, answered, answered},
		{"tunnel.example", answered, answered, answered}, {"tunnel.example:8443", answered, answered, answered}, {"TUNNEL.example.", answered, answered, answered},
		{"agents.EXAMPLE:80", answered, answered, answered}, {"a.wild.example", answered, answered, answered}, {"wild.example", refused, refused, answered},
		{"evilwild.example", refused, refused, answered},
		{"evil.example:3000", refused, refused, answered}, {"127.0.0.1.evil.example", refused, refused, answered}, {"localhost.evil.example", refused, refused, answered},
		{"evil.example.", refused, refused, answered}, {"notlocalhost.com", refused, refused, answered}, {"127.0.0.1.", answered, answered, answered},
		{"evil.example:80:80", refused, refused, answered}, {"localhost@evil.example", refused, refused, answered},
		{"192.168.0.7", refused, answered, answered}, {"192.168.0.7:3000", refused, answered, answered}, {"[fe80::1%25eth0]:3000", refused, answered, answered},
		{"elizad:3000", refused, answered, answered}, {"raspberry.local", refused, answered, answered}, {"host.docker.internal:3000", refused, answered, answered},
	} {
		for name, at := range map[string]struct {
			set  settings.Security
			want int
		}{"home": {home, tt.home}, "network": {network, tt.network}, "locked": {locked, tt.locked}} {
			r := httptest.NewRequest("GET", "/", nil)
			r.Host = tt.host
			if w := serve(httpx.GuardOpen(at.set)(ok), r); w.Code != at.want {
				t.Errorf("%s, %s: %d %s", name, tt.host, w.Code, w.Body)
			}
		}
	}
}

// TestOpenServerOnANetwork has a handler that asks for no key mounted in a server that other machines can reach.
func TestOpenServerOnANetwork(t *testing.T) {
	t.Parallel()
	local := func(ip string) context.Context {
		return context.WithValue(t.Context(), http.LocalAddrContextKey, &net.TCPAddr{IP: net.ParseIP(ip), Port: 3000})
	}
	for _, tt := range []struct {
		set  settings.Security
		at   string
		want int
	}{
		{settings.Security{}, "127.0.0.1", 200}, {settings.Security{}, "::1", 200}, {settings.Security{}, "::ffff:127.0.0.1", 200}, {settings.Security{}, "192.168.0.7", 403},
		{settings.Security{}, "fe80::1", 403}, {settings.Security{AllowOpen: true}, "192.168.0.7", 200}, {settings.Security{AuthToken: "a key"}, "192.168.0.7", 200},
	} {
		r := httptest.NewRequest("GET", "http://localhost/", nil).WithContext(local(tt.at))
		if w := serve(httpx.GuardOpen(tt.set)(ok), r); w.Code != tt.want {
			t.Errorf("%+v: %d %s", tt, w.Code, w.Body)
		}
	}
}

func TestOwnPages(t *testing.T) {
	t.Parallel()
	c := httpx.NewCORS(settings.Security{CORSOrigin: "https://app.example, https://*.apps.example"})
	for _, tt := range []struct {
		origin, site string
		want         bool
	}{
		{"", "", true}, {"", "none", true}, {"", "same-origin", true}, {"", "same-site", false}, {"", "cross-site", false},
		{"http://127.0.0.1:3000", "same-origin", true}, {"http://127.0.0.1:3000", "", true}, {"http://127.0.0.1:9999", "same-site", false},
		{"http://127.0.0.1:9999", "", false}, {"http://localhost:3000", "cross-site", false}, {"http://anything.localhost:3000", "", false},
		{"null", "", false}, {"null", "cross-site", false}, {"https://app.example", "cross-site", true}, {"https://a.apps.example", "", true},
		{"http://app.example", "", false}, {"https://evil.example", "", false}, {"file://", "", false}, {"https://app.example.evil.example", "", false},
	} {
		r := httptest.NewRequest("POST", "http://127.0.0.1:3000/api/server/stop", nil)
		for name, value := range map[string]string{"Origin": tt.origin, "Sec-Fetch-Site": tt.site} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		if got := c.Own(r); got != tt.want {
			t.Errorf("%+v: %v", tt, got)
		}
	}
}

package httpx_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/elizad/elizad/server/internal/config"
	"github.com/elizad/elizad/server/internal/httpx"
)

func TestCORS(t *testing.T) {
	t.Parallel()
	const list = "https://app.example, https://*.team.example:8443"
	tests := []struct {
		name, all, api   string // settings
		path, origin     string
		allowOrigin      string // in the response
		credentials, may bool   // may: a POST is served
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
			h := httpx.RequestID(httpx.NewCORS(config.Security{CORSOrigin: tt.all, APIOrigin: tt.api}).Handler(ok))
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
	h := httpx.NewCORS(config.Security{}).Handler(ok)
	r := httptest.NewRequest("POST", "http://10.0.0.5:3000/api/x", nil)
	r.Header.Set("Origin", "https://agents.example")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if w := serve(h, r); w.Code != 200 {
		t.Errorf("got %d", w.Code)
	}
}

func TestGuardHost(t *testing.T) {
	t.Parallel()
	h := httpx.GuardHost(config.Security{CORSOrigin: "https://tunnel.example"})(ok)
	for host, want := range map[string]int{
		"localhost:3000": 200, "127.0.0.1:3000": 200, "[::1]:3000": 200, "127.0.0.1": 200, "app.localhost": 200,
		"tunnel.example": 200, "evil.example:3000": 403, "127.0.0.1.evil.example": 403, "192.168.0.7": 403,
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Host = host
		if w := serve(h, r); w.Code != want {
			t.Errorf("%s: %d", host, w.Code)
		}
	}
}

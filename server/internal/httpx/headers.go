package httpx

import (
	"maps"
	"net/http"

	"github.com/elizad/elizad/server/internal/auth"
)

// pagePolicy lets a page load what this server has, and talk to it alone.
const pagePolicy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; " +
	"media-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; object-src 'none'; " +
	"base-uri 'self'; form-action 'self'; frame-ancestors 'self'"

// apiPolicy lets an API response do nothing, should a browser take it for a page.
const apiPolicy = "default-src 'none'; frame-ancestors 'none'"

// SecurityHeaders tells browsers to trust responses as little as their use allows: those below /api not at all. Handlers may
// set other values for their own pages. In production browsers are asked to come back by TLS only.
func SecurityHeaders(production bool) Middleware {
	common := map[string]string{
		"X-Content-Type-Options":            "nosniff",
		"Cross-Origin-Opener-Policy":        "same-origin",
		"Origin-Agent-Cluster":              "?1",
		"X-Dns-Prefetch-Control":            "off",
		"X-Permitted-Cross-Domain-Policies": "none",
		"X-Xss-Protection":                  "0", // the filter of old browsers does more harm than good
	}
	if production {
		common["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
	}
	api, pages := headerOf(common, map[string]string{
		"Content-Security-Policy":      apiPolicy,
		"Cross-Origin-Resource-Policy": "same-origin",
		"Referrer-Policy":              "no-referrer",
		"X-Frame-Options":              "DENY",
	}), headerOf(common, map[string]string{
		"Content-Security-Policy":      pagePolicy,
		"Cross-Origin-Resource-Policy": "cross-origin", // uploaded images are shown by other sites' clients
		"Referrer-Policy":              "strict-origin-when-cross-origin",
		"X-Frame-Options":              "SAMEORIGIN",
	})
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if isAPI(r) {
				maps.Copy(w.Header(), api)
			} else {
				maps.Copy(w.Header(), pages)
			}
			next.ServeHTTP(w, r)
		})
	}
}

// headerOf makes a header whose values all responses share: they have no room to be added to in place.
func headerOf(parts ...map[string]string) http.Header {
	header := http.Header{}
	for _, part := range parts {
		for name, value := range part {
			header[http.CanonicalHeaderKey(name)] = []string{value}
		}
	}
	return header
}

func isAPI(r *http.Request) bool { return auth.IsAPI(r.URL.Path) }

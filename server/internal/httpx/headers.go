package httpx

import (
	"net/http"
	"strings"
)

// pagePolicy lets the web UI load what it brings along, show images from anywhere and talk to its server.
const pagePolicy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob: https: http:; " +
	"media-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' ws: wss:; object-src 'none'; " +
	"base-uri 'self'; form-action 'self'; frame-ancestors 'self'"

// apiPolicy lets an API response do nothing, should a browser take it for a page.
const apiPolicy = "default-src 'none'; frame-ancestors 'none'"

// SecurityHeaders tells browsers to trust responses as little as their use allows: those below /api not at all. Handlers may
// set other values for their own pages. In production browsers are asked to come back by TLS only.
func SecurityHeaders(production bool) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h := w.Header()
			h.Set("X-Content-Type-Options", "nosniff")
			h.Set("Cross-Origin-Opener-Policy", "same-origin")
			h.Set("Origin-Agent-Cluster", "?1")
			h.Set("X-DNS-Prefetch-Control", "off")
			h.Set("X-Permitted-Cross-Domain-Policies", "none")
			h.Set("X-XSS-Protection", "0") // the filter of old browsers does more harm than good
			if isAPI(r) {
				h.Set("Content-Security-Policy", apiPolicy)
				h.Set("Cross-Origin-Resource-Policy", "same-origin")
				h.Set("Referrer-Policy", "no-referrer")
				h.Set("X-Frame-Options", "DENY")
			} else {
				h.Set("Content-Security-Policy", pagePolicy)
				h.Set("Cross-Origin-Resource-Policy", "cross-origin") // uploaded images are shown by other sites' clients
				h.Set("Referrer-Policy", "strict-origin-when-cross-origin")
				h.Set("X-Frame-Options", "SAMEORIGIN")
			}
			if production {
				h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
			}
			next.ServeHTTP(w, r)
		})
	}
}

func isAPI(r *http.Request) bool {
	return r.URL.Path == "/api" || strings.HasPrefix(r.URL.Path, "/api/")
}

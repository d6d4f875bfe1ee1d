package httpx

import (
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/config"
)

// GuardHost protects a server that listens on this machine only and asks for no key. A foreign page can have its own host
// name resolve to 127.0.0.1, and then counts as the server's own origin (DNS rebinding); but its requests name that host.
// GuardHost refuses requests whose Host is neither a name of this machine nor the host of a configured origin. A server that
// is reachable from elsewhere, or asks for a key, needs no such guard.
func GuardHost(s config.Security) Middleware {
	known := map[string]bool{}
	for origin := range strings.SplitSeq(strings.ToLower(s.CORSOrigin+","+s.APIOrigin), ",") {
		if u, err := url.Parse(strings.TrimSpace(origin)); err == nil && u.Host != "" {
			known[u.Hostname()] = true
		}
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			name := strings.ToLower(r.Host)
			if host, _, err := net.SplitHostPort(name); err == nil {
				name = host
			}
			if name == "" || isLoopbackName(name) || known[name] {
				next.ServeHTTP(w, r)
				return
			}
			WriteError(w, r, apierr.New(apierr.Forbidden, "The server doesn't answer to this host name").
				WithDetails("Use localhost, or name https://"+name+" in the server's CORS_ORIGIN setting"))
		})
	}
}

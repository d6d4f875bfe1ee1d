package httpx

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/rs/cors"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/settings"
)

// CORS decides which web pages may use the server from a browser: those of its origin, those of this machine, or, once
// origins are configured, those of its origin and the configured ones. The same decision serves preflights, responses and
// the sockets' handshake.
type CORS struct {
	all, api *originPolicy // api is for paths under /api
}

// originPolicy is the decision for one part of the server.
type originPolicy struct {
	any     bool     // every origin, and then without credentials
	origins []string // lower case; *. at the beginning of the host stands for any subdomain
	local   bool     // none configured: pages of this machine are allowed
	headers *cors.Cors
}

// NewCORS returns the decision that the settings describe.
func NewCORS(s settings.Security) *CORS {
	c := &CORS{all: newOriginPolicy(s.CORSOrigin)}
	c.api = c.all
	if s.APIOrigin != "" {
		c.api = newOriginPolicy(s.APIOrigin)
	}
	return c
}

func newOriginPolicy(list string) *originPolicy {
	p := &originPolicy{}
	for origin := range strings.SplitSeq(strings.ToLower(list), ",") {
		switch origin = strings.TrimSuffix(strings.TrimSpace(origin), "/"); origin {
		case "":
		case "*":
			p.any = true
		default:
			p.origins = append(p.origins, origin)
		}
	}
	p.local = !p.any && len(p.origins) == 0
	options := cors.Options{
		AllowedMethods: []string{
			http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		},
		AllowedHeaders: []string{
			"Content-Type", "Authorization", "X-API-KEY", "X-Entity-Id", requestIDHeader, "Last-Event-ID", "Prefer",
			"If-Match", "If-None-Match", idempotencyHeader,
		},
		ExposedHeaders: []string{
			"X-Total-Count", "ETag", "Link", "Deprecation", replayedHeader, requestIDHeader,
			"RateLimit-Policy", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "Retry-After", "Preference-Applied",
		},
		MaxAge: 86400,
	}
	if p.any {
		options.AllowedOrigins = []string{"*"}
	} else {
		options.AllowCredentials = true
		options.AllowOriginVaryRequestFunc = func(r *http.Request, origin string) (bool, []string) {
			return p.allows(r, origin), nil
		}
	}
	p.headers = cors.New(options)
	return p
}

// Handler adds the headers of the decision to responses and answers preflights. It refuses requests that change something on
// behalf of a page that may not use the server: browsers send some of those without a preflight.
func (c *CORS) Handler(next http.Handler) http.Handler {
	all, api := c.all.headers.Handler(next), c.api.headers.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method {
		case http.MethodGet, http.MethodHead, http.MethodOptions:
		default:
			if !c.Allows(r) {
				WriteError(w, r, apierr.New(apierr.Forbidden, "Web pages of this origin may not use the server").
					WithDetails("The server's CORS_ORIGIN setting names the origins that may"))
				return
			}
		}
		if isAPI(r) {
			api.ServeHTTP(w, r)
			return
		}
		all.ServeHTTP(w, r)
	})
}

// Allows reports whether a request comes from a page that may use the server, or from no page at all.
func (c *CORS) Allows(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	// Behind a proxy that changes the Host header only the browser knows what the same origin is, and no page can forge this.
	if origin == "" || r.Header.Get("Sec-Fetch-Site") == "same-origin" {
		return true
	}
	if isAPI(r) {
		return c.api.allows(r, origin)
	}
	return c.all.allows(r, origin)
}

// Own reports whether a request comes from a page of this server, or of an origin that the operator has named, or from no page
// at all. Pages that are allowed only because they are on the caller's machine are none of them.
func (c *CORS) Own(r *http.Request) bool {
	origin, site := r.Header.Get("Origin"), r.Header.Get("Sec-Fetch-Site")
	if origin == "" || site == "same-origin" {
		return site == "" || site == "same-origin" || site == "none"
	}
	u, err := url.Parse(strings.ToLower(origin))
	return err == nil && u.Host != "" && (sameHost(u, r.Host) || c.api.names(u))
}

// allows reports whether the page that a request names as its origin may use the server; no page may not.
func (p *originPolicy) allows(r *http.Request, origin string) bool {
	switch {
	case p.any:
		return true
	case origin == "":
		return false
	}
	u, err := url.Parse(strings.ToLower(origin))
	if err != nil || u.Host == "" {
		return false // among them the "null" of sandboxed pages
	}
	if sameHost(u, r.Host) || (p.local && isLoopbackName(u.Hostname())) {
		return true
	}
	return p.names(u)
}

// names reports whether an origin is a configured one.
func (p *originPolicy) names(u *url.URL) bool {
	for _, allowed := range p.origins {
		scheme, host, _ := strings.Cut(allowed, "://")
		if scheme != u.Scheme {
			continue
		}
		if suffix, wild := strings.CutPrefix(host, "*"); host == u.Host || (wild && strings.HasSuffix(u.Host, suffix)) {
			return true
		}
	}
	return false
}

// sameHost reports whether a page's origin names the host that its request was sent to. The scheme isn't compared: behind a
// proxy that ends TLS it differs.
func sameHost(origin *url.URL, host string) bool {
	host = strings.ToLower(host)
	if origin.Host == host {
		return true
	}
	defaultPort := map[string]string{"http": "80", "https": "443"}[origin.Scheme]
	return net.JoinHostPort(origin.Hostname(), defaultPort) == host
}

// isLoopbackName reports whether a host name, without port, always means the machine it is used on.
func isLoopbackName(name string) bool {
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(strings.Trim(name, "[]"))
	return err == nil && addr.Unmap().IsLoopback()
}

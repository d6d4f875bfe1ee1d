package httpx

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/settings"
)

// GuardOpen protects a server that asks for no key. Other machines may use it only if the operator wants that, wherever the
// handler was mounted.
//
// And foreign pages may not use it: one can have its own host name resolve to this machine, and then counts as the server's own
// origin (DNS rebinding); but its requests name that host. So requests must name a host that no foreign page can have: this
// machine, one that the operator has named, directly or by a web origin, or, where other machines may use the server, an address
// or a name that only private networks have. A server that asks for a key needs no such guard.
func GuardOpen(s settings.Security) Middleware {
	if !s.Open() {
		return func(next http.Handler) http.Handler { return next }
	}
	hosts := newHosts(s)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !s.AllowOpen && fromOutside(r) {
				WriteError(w, r, apierr.New(apierr.Forbidden, "The server has no API key and may be used on its own machine only").
					WithDetails("Set ELIZA_SERVER_AUTH_TOKEN on the server, or ELIZAD_ALLOW_OPEN=1 if it shall do without a key"))
				return
			}
			if name := hostName(r.Host); !hosts.allow(name) {
				WriteError(w, r, apierr.New(apierr.Forbidden, "The server doesn't answer to this host name").
					WithDetails("Use localhost, or name "+name+" in the server's ELIZAD_ALLOWED_HOSTS setting"))
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// fromOutside reports whether a request came in on an address that other machines can reach, if net/http knows it.
func fromOutside(r *http.Request) bool {
	addr, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return ok && !addr.IP.IsLoopback()
}

// hosts are the names that a server without a key answers to.
type hosts struct {
	exact    map[string]bool
	suffixes []string // with the dot in front
	private  bool     // and what a private network may call it
}

func newHosts(s settings.Security) hosts {
	h := hosts{exact: map[string]bool{}, private: s.AllowOpen}
	names := s.HostNames()
	for origin := range strings.SplitSeq(strings.ToLower(s.CORSOrigin+","+s.APIOrigin), ",") {
		if u, err := url.Parse(strings.TrimSpace(origin)); err == nil && u.Host != "" {
			names = append(names, u.Hostname())
		}
	}
	for _, name := range names {
		if suffix, wild := strings.CutPrefix(name, "*"); wild {
			h.suffixes = append(h.suffixes, suffix)
		} else {
			h.exact[name] = true
		}
	}
	return h
}

// allow reports whether a page under the name can't be a foreign one. A request without a name comes from no browser.
func (h hosts) allow(name string) bool {
	if name == "" || isLoopbackName(name) || h.exact[name] {
		return true
	}
	for _, suffix := range h.suffixes {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return h.private && isPrivateName(name)
}

// isPrivateName reports whether the name can't exist in the public DNS: an address, a name without a dot, such as that of
// a container, or one below a domain that is set apart for private networks.
func isPrivateName(name string) bool {
	if _, err := netip.ParseAddr(name); err == nil || !strings.Contains(name, ".") {
		return true
	}
	for _, domain := range []string{".local", ".internal", ".home.arpa"} {
		if strings.HasSuffix(name, domain) {
			return true
		}
	}
	return false
}

// hostName returns the name in a Host header as names are compared: in lower case, without port, brackets and the dot of the
// root.
func hostName(host string) string {
	name := strings.ToLower(host)
	if h, _, err := net.SplitHostPort(name); err == nil {
		name = h
	}
	return strings.TrimSuffix(strings.Trim(name, "[]"), ".")
}

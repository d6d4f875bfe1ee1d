package engineio

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// allows reports whether the origin of r may use the server. WebSocket is not subject to the browser's own rule, so the server
// must apply it, or any page could use a visitor's cookies. Requests without an origin do not come from a page.
func (c *CORS) allows(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" || c.wildcard() || c.listed(r, origin) {
		return true
	}
	from, err := url.Parse(origin)
	return err == nil && strings.EqualFold(from.Host, r.Host)
}

func (c *CORS) wildcard() bool {
	return c.Allow == nil && slices.Contains(c.Origins, "*")
}

func (c *CORS) listed(r *http.Request, origin string) bool {
	if c.Allow != nil {
		return c.Allow(r, origin)
	}
	return slices.Contains(c.Origins, origin)
}

// setHeaders adds the CORS headers of a polling response. Error responses need them too, or a browser hides the error.
func (c *CORS) setHeaders(h http.Header, r *http.Request) {
	if c.wildcard() {
		// No credentials: browsers reject them together with the wildcard.
		h.Set("Access-Control-Allow-Origin", "*")
		return
	}
	h.Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	if origin == "" || !validHeaderValue(origin) || !c.listed(r, origin) {
		return
	}
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Allow-Credentials", "true")
}

// servePreflight answers an OPTIONS request. setHeaders was called before.
func servePreflight(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Add("Vary", "Access-Control-Request-Headers")
	if h.Get("Access-Control-Allow-Origin") != "" {
		h.Set("Access-Control-Allow-Methods", "GET,POST")
		if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" && validHeaderValue(asked) {
			h.Set("Access-Control-Allow-Headers", asked)
		}
		h.Set("Access-Control-Max-Age", "600")
	}
	w.WriteHeader(http.StatusNoContent)
}

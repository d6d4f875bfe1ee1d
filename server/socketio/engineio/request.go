package engineio

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// Request is what is kept of the request that opened a session. It is read-only.
type Request struct {
	Time time.Time
	// Address is the client's address, as Config.ClientIP found it.
	Address string
	// Secure reports whether the request came over TLS.
	Secure bool
	// CrossDomain reports whether the request had an Origin header.
	CrossDomain bool
	// URL is the request target, path and query.
	URL string
	// Header holds the headers named in Config.KeepHeaders.
	Header http.Header
}

// keepRequest copies what is needed of r; a retained http.Request would keep its buffers alive as long as the session.
func (c *Config) keepRequest(r *http.Request) *Request {
	kept := &Request{
		Time:        time.Now(),
		Address:     c.clientIP(r),
		Secure:      r.TLS != nil,
		CrossDomain: r.Header.Get("Origin") != "",
		URL:         r.RequestURI,
	}
	if c.KeepHeaders == nil {
		kept.Header = r.Header.Clone()
		return kept
	}
	kept.Header = make(http.Header, len(c.KeepHeaders))
	for _, name := range c.KeepHeaders {
		if values := r.Header.Values(name); len(values) > 0 {
			kept.Header[http.CanonicalHeaderKey(name)] = slices.Clone(values) // which are a part of one list of all
		}
	}
	return kept
}

// Query returns the parameters in the URL. They are read from it at each call, as most sessions are never asked for them.
func (r *Request) Query() url.Values { return QueryOf(r.URL) }

// QueryOf returns the parameters in a request target.
func QueryOf(target string) url.Values {
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return nil // net/http has read it, so it can't be
	}
	return u.Query()
}

func (c *Config) clientIP(r *http.Request) string {
	if c.ClientIP != nil {
		return c.ClientIP(r)
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// last returns the last value of a query parameter: of duplicates, the last one wins.
func last(query url.Values, key string) string {
	values := query[key]
	if len(values) == 0 {
		return ""
	}
	return values[len(values)-1]
}

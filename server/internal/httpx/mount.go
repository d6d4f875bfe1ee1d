package httpx

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/elizad/elizad/server/internal/basepath"
	"github.com/elizad/elizad/server/settings"
)

const prefixHeader = "X-Forwarded-Prefix"

// Mount finds out where callers find the root of the server: below a path that http.StripPrefix or the like has removed
// in this process, and below the one that trusted proxies say in X-Forwarded-Prefix that they have. It belongs behind
// [ClientIP] and in front of everything that changes the path of a request.
func Mount(proxies settings.Proxies) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			place := basepath.Place{Prefix: strippedPrefix(r)}
			if rec := recordOf(r.Context()); rec != nil && rec.passedOn {
				if forwarded, ok := forwardedPrefix(r); ok && proxies.Trust(connectionAddr(r)) {
					place.Prefix = forwarded + place.Prefix
				} else {
					place.Unsure = true
				}
			}
			if place != (basepath.Place{}) {
				r = r.WithContext(basepath.With(r.Context(), place))
			}
			next.ServeHTTP(w, r)
		})
	}
}

// strippedPrefix returns what was in front of the request's path when it reached this process.
func strippedPrefix(r *http.Request) string {
	asked, _, _ := strings.Cut(r.RequestURI, "?")
	if asked == r.URL.Path {
		return ""
	}
	prefix, ok := strings.CutSuffix(asked, r.URL.EscapedPath())
	if prefix = strings.TrimRight(prefix, "/"); !ok || !isPrefix.MatchString(prefix) {
		return ""
	}
	return prefix
}

// forwardedPrefix returns what proxies have removed, the outermost first. A proxy without a header removed nothing; what is
// no path of this host, such as //example.org, is ignored.
func forwardedPrefix(r *http.Request) (prefix string, ok bool) {
	for _, line := range r.Header[prefixHeader] {
		for part := range strings.SplitSeq(line, ",") {
			prefix += strings.TrimRight(strings.TrimSpace(part), "/")
		}
	}
	return prefix, prefix == "" || isPrefix.MatchString(prefix)
}

// isPrefix matches paths of which every segment has something in it that is no dot.
var isPrefix = regexp.MustCompile(`^(/\.*[A-Za-z0-9_~!$&'()*+;=:@%-][A-Za-z0-9._~!$&'()*+;=:@%-]*)+$`)

// SingleSlashes reads several slashes in a row as one: clients send them when they append a path to an address that ends in a
// slash. Those at the end stay, as an id that is missing there must not make the request one for all of its kind.
func SingleSlashes(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.Path
		if path != "*" && (!strings.HasPrefix(path, "/") || strings.Contains(path, "//")) {
			escaped := singleSlashes(r.URL.EscapedPath()) // an escaped slash is a part of a name
			if path, err := url.PathUnescape(escaped); err == nil {
				inner, at := *r, *r.URL
				at.Path, at.RawPath = path, ""
				if r.URL.RawPath != "" {
					at.RawPath = escaped
				}
				inner.URL = &at
				r = &inner
			}
		}
		next.ServeHTTP(w, r)
	})
}

var slashes = regexp.MustCompile(`/{2,}`)

func singleSlashes(path string) string {
	body := strings.TrimRight(path, "/")
	if body == "" {
		return "/"
	}
	end := path[len(body):]
	return slashes.ReplaceAllString("/"+body, "/") + end
}

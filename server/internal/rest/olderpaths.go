package rest

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/elizad/elizad/server/internal/basepath"
)

// alias is an older path of an operation. A segment in braces stands for any, and for the same in the successor.
type alias struct {
	methods string // separated by spaces
	from    string
	to      string
	as      string // the successor's method; empty for the same one
}

// aliases lists the older paths that clients still use. Each is rewritten before the router sees it, so that one handler
// serves both.
func aliases() []alias {
	const messaging, runtime, server = "/api/messaging", "/api/runtime", "/api/server"
	rows := []alias{
		{methods: "GET", from: messaging + "/agents/{id}/servers", to: messaging + "/agents/{id}/message-servers"},
		{methods: "POST", from: messaging + "/central-channels", to: messaging + "/channels"},
		{methods: "POST", from: messaging + "/group-channels", to: messaging + "/channels"},
		{methods: "GET", from: messaging + "/channels/{id}", to: messaging + "/channels/{id}/details"},
		{methods: "DELETE", from: messaging + "/channels/{id}/messages/all", to: messaging + "/channels/{id}/messages"},
		{methods: "DELETE", from: messaging + "/central-channels/{id}/messages/all", to: messaging + "/channels/{id}/messages"},
		{methods: "GET", from: messaging + "/central-channels/{id}", to: messaging + "/channels/{id}/details"},
	}
	for _, name := range []string{"/servers", "/central-servers"} {
		for _, below := range []struct{ methods, path string }{
			{"GET POST", ""},
			{"DELETE", "/{id}"},
			{"GET", "/{id}/channels"},
			{"POST", "/{id}/sync-channels"},
			{"GET POST", "/{id}/agents"},
			{"DELETE", "/{id}/agents/{agent}"},
		} {
			rows = append(rows, alias{methods: below.methods, from: messaging + name + below.path, to: messaging + "/message-servers" + below.path})
		}
	}
	for _, below := range []struct{ methods, path string }{
		{"PATCH DELETE", ""},
		{"GET POST DELETE", "/messages"},
		{"DELETE", "/messages/{message}"},
		{"GET", "/details"},
		{"GET", "/participants"},
		{"GET POST", "/agents"},
		{"DELETE", "/agents/{agent}"},
		{"POST", "/generate-title"},
		{"POST", "/upload-media"},
	} {
		rows = append(rows, alias{
			methods: below.methods, from: messaging + "/central-channels/{id}" + below.path, to: messaging + "/channels/{id}" + below.path,
		})
	}
	for _, name := range []string{"ping", "hello", "status", "health", "stop", "logs", "debug/servers"} {
		rows = append(rows, alias{methods: "GET POST DELETE", from: runtime + "/" + name, to: server + "/" + name})
	}
	return append(rows,
		alias{methods: "GET POST DELETE", from: runtime + "/logging", to: server + "/logs"},
		alias{methods: "GET POST", from: runtime + "/debug", to: server + "/debug/servers", as: http.MethodGet},
		alias{methods: "GET", from: server + "/servers", to: server + "/debug/servers"},
		alias{methods: "GET POST", from: "/api/system/environment/local", to: "/api/system/env/local"},
	)
}

// OlderPaths returns a middleware that serves older paths by those that took their place, and tells callers of it in the
// headers Deprecation (RFC 9745) and Link (RFC 8288). It belongs in front of the router.
func OlderPaths() func(http.Handler) http.Handler {
	table := map[pathShape][]alias{} // by number of segments: few rows are looked at for one request
	for _, a := range aliases() {
		key := shape(a.from)
		table[key] = append(table[key], a)
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for _, a := range table[shape(r.URL.Path)] {
				if path, ok := a.rewrite(r); ok {
					inner := r.Clone(r.Context())
					inner.URL.Path = path
					if a.as != "" {
						inner.Method = a.as
					}
					next.ServeHTTP(&successor{ResponseWriter: w, address: basepath.Of(r, path)}, inner)
					return
				}
			}
			next.ServeHTTP(w, r)
		})
	}
}

// pathShape is what a path and the aliases that may match it have in common.
type pathShape struct {
	root, name string // the segments after /api
	slashes    int
}

// shape returns the zero shape for paths that no alias is like.
func shape(path string) pathShape {
	below, ok := strings.CutPrefix(path, "/api/")
	if !ok {
		return pathShape{}
	}
	root, rest, _ := strings.Cut(below, "/")
	name, _, _ := strings.Cut(rest, "/")
	return pathShape{root, name, strings.Count(path, "/")}
}

// rewrite returns the successor's path if the request is one for the alias. Paths with escapes are not: no id needs any.
func (a alias) rewrite(r *http.Request) (path string, ok bool) {
	if r.URL.RawPath != "" || !strings.Contains(" "+a.methods+" ", " "+r.Method+" ") {
		return "", false
	}
	have, want := strings.Split(r.URL.Path, "/"), strings.Split(a.from, "/")
	if len(have) != len(want) {
		return "", false
	}
	path = a.to
	for i, segment := range want {
		switch {
		case strings.HasPrefix(segment, "{"):
			path = strings.Replace(path, segment, have[i], 1)
		case segment != have[i]:
			return "", false
		}
	}
	return path, true
}

// deprecatedSince is when the older paths were given up, in the form of the Deprecation header.
func deprecatedSince() string {
	return "@" + strconv.FormatInt(time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC).Unix(), 10)
}

// successor adds to a response what callers of an older path should know, beside the links that the handler sets.
type successor struct {
	http.ResponseWriter
	address string // of the path that took the older one's place
	told    bool
}

func (s *successor) WriteHeader(status int) {
	if !s.told && status >= http.StatusOK {
		s.told = true
		s.Header().Set("Deprecation", deprecatedSince())
		s.Header().Add("Link", "<"+s.address+`>; rel="successor-version"`)
	}
	s.ResponseWriter.WriteHeader(status)
}

func (s *successor) Write(p []byte) (int, error) {
	if !s.told {
		s.WriteHeader(http.StatusOK)
	}
	return s.ResponseWriter.Write(p)
}

// Unwrap serves [http.ResponseController].
func (s *successor) Unwrap() http.ResponseWriter { return s.ResponseWriter }

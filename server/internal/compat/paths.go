package compat

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/elizad/elizad/server/internal/basepath"
)

const (
	messagingPath = "/api/messaging/"
	memoryPath    = "/api/memory/"
	openaiPath    = "/v1/"
	agentPath     = "/api/agents/{agentId}/"
)

// name is another name of an operation's path. A segment in braces stands for any one, and for the same in the path's own name.
type name struct {
	methods string // separated by spaces; empty for all
	from    string
	to      string
	as      string // the operation's method; empty for the same one
	stays   bool   // both names are current: neither is deprecated
}

// table lists the other names of paths. Of several that a path fits, the first counts.
func table(doc *openapi3.T) []name {
	const messaging, runtime, server = "/api/messaging", "/api/runtime", "/api/server"
	rows := []name{
		{methods: "GET", from: messaging + "/agents/{id}/servers", to: messaging + "/agents/{id}/message-servers"},
		{methods: "POST", from: messaging + "/central-channels", to: messaging + "/channels"},
		{methods: "POST", from: messaging + "/group-channels", to: messaging + "/channels"},
		{methods: "GET", from: messaging + "/channels/{id}", to: messaging + "/channels/{id}/details"},
		{methods: "DELETE", from: messaging + "/channels/{id}/messages/all", to: messaging + "/channels/{id}/messages"},
		{methods: "DELETE", from: messaging + "/central-channels/{id}/messages/all", to: messaging + "/channels/{id}/messages"},
		{methods: "GET", from: messaging + "/central-channels/{id}", to: messaging + "/channels/{id}/details"},
		{methods: "GET POST DELETE", from: runtime + "/logging", to: server + "/logs"},
		{methods: "GET POST", from: runtime + "/debug", to: server + "/debug/servers", as: http.MethodGet},
		{methods: "GET", from: server + "/servers", to: server + "/debug/servers"},
		{methods: "GET POST", from: "/api/system/environment/local", to: "/api/system/env/local"},
	}
	for _, older := range []string{"/servers", "/central-servers"} {
		for _, below := range []struct{ methods, path string }{
			{"GET POST", ""},
			{"DELETE", "/{id}"},
			{"GET", "/{id}/channels"},
			{"POST", "/{id}/sync-channels"},
			{"GET POST", "/{id}/agents"},
			{"DELETE", "/{id}/agents/{agent}"},
		} {
			rows = append(rows, name{methods: below.methods, from: messaging + older + below.path, to: messaging + "/message-servers" + below.path})
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
		rows = append(rows, name{
			methods: below.methods, from: messaging + "/central-channels/{id}" + below.path, to: messaging + "/channels/{id}" + below.path,
		})
	}
	for _, part := range []string{"ping", "hello", "status", "health", "stop", "logs", "debug/servers"} {
		rows = append(rows, name{methods: "GET POST DELETE", from: runtime + "/" + part, to: server + "/" + part})
	}
	return append(rows, memories(doc)...)
}

// memories lists the second names of what an agent remembers, which is found below /api/memory as well as below /api/agents.
func memories(doc *openapi3.T) (rows []name) {
	paths := doc.Paths.InMatchingOrder()
	for _, path := range paths {
		if strings.HasPrefix(path, memoryPath) { // the contract's own, which no second name may hide
			rows = append(rows, name{from: path, to: path, stays: true})
		}
	}
	for _, path := range paths {
		below, ok := strings.CutPrefix(path, agentPath)
		if part, _, _ := strings.Cut(below, "/"); ok && (part == "memories" || part == "rooms") {
			rows = append(rows, name{from: memoryPath + "{agentId}/" + below, to: path, stays: true})
		}
	}
	return rows
}

// Paths returns a middleware that gives requests the path that doc, the contract, has for their operation, and answers clients that
// used an older one with the headers Deprecation (RFC 9745) and Link (RFC 8288). It belongs in front of everything that looks at a
// path. Paths of others, such as plugins, are left as they are.
func Paths(doc *openapi3.T) func(http.Handler) http.Handler {
	known := newIndex(doc)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.RawPath != "" { // no id needs an escape
				next.ServeHTTP(w, r)
				return
			}
			path := known.spelled(r.URL.Path)
			n, current := known.named(r.Method, path)
			if current == r.URL.Path {
				next.ServeHTTP(w, r)
				return
			}
			inner := r.Clone(r.Context())
			inner.URL.Path = current
			if n.as != "" {
				inner.Method = n.as
			}
			if current != path && !n.stays {
				w = &successor{ResponseWriter: w, address: basepath.Of(r, current)}
			}
			next.ServeHTTP(w, inner)
		})
	}
}

// index finds what a path may be without looking at all that there are.
type index struct {
	templates map[int][][]string // every path that a request may have, in segments, by their number
	names     map[shape][]name
}

func newIndex(doc *openapi3.T) index {
	x := index{map[int][][]string{}, map[shape][]name{}}
	paths := doc.Paths.InMatchingOrder() // fixed segments before others
	for _, n := range table(doc) {
		paths = append(paths, n.from)
		key := shapeOf(n.from)
		x.names[key] = append(x.names[key], n)
	}
	for _, path := range paths {
		segments := strings.Split(path, "/")
		x.templates[len(segments)] = append(x.templates[len(segments)], segments)
	}
	return x
}

// spelled returns the common spelling of a path: without a slash at the end, and with fixed segments in their own case.
func (x index) spelled(path string) string {
	trimmed := strings.TrimSuffix(path, "/")
	if trimmed == path && strings.ToLower(path) == path {
		return path
	}
	have := strings.Split(trimmed, "/")
	for _, want := range x.templates[len(have)] {
		if fits(want, have) {
			return strings.Join(have, "/")
		}
	}
	return path
}

// fits reports whether a path is one of a template, and gives its fixed segments their common spelling.
func fits(want, have []string) bool {
	for i, segment := range want {
		if isParameter(segment) && have[i] == "" || !isParameter(segment) && !strings.EqualFold(segment, have[i]) {
			return false
		}
	}
	for i, segment := range want {
		if !isParameter(segment) {
			have[i] = segment
		}
	}
	return true
}

func isParameter(segment string) bool { return strings.HasPrefix(segment, "{") }

// named returns the row that a request is for, and the path's own name; without a row, the path as it is.
func (x index) named(method, path string) (name, string) {
	for _, n := range x.names[shapeOf(path)] {
		if current, ok := n.rewrite(method, path); ok {
			return n, current
		}
	}
	return name{}, path
}

// shape is what a path and the names that it may fit have in common.
type shape struct {
	root, part string // the segments after /api
	slashes    int
}

// shapeOf returns the zero shape for paths that no name is like.
func shapeOf(path string) shape {
	below, ok := strings.CutPrefix(path, "/api/")
	if !ok {
		return shape{}
	}
	root, rest, _ := strings.Cut(below, "/")
	part, _, _ := strings.Cut(rest, "/")
	if strings.HasPrefix(path, memoryPath) {
		part = "" // any agent
	}
	return shape{root, part, strings.Count(path, "/")}
}

// rewrite returns the path's own name if a request is one for n.
func (n name) rewrite(method, path string) (current string, ok bool) {
	if n.methods != "" && !strings.Contains(" "+n.methods+" ", " "+method+" ") {
		return "", false
	}
	have, want := strings.Split(path, "/"), strings.Split(n.from, "/")
	if len(have) != len(want) {
		return "", false
	}
	current = n.to
	for i, segment := range want {
		switch {
		case isParameter(segment):
			current = strings.Replace(current, segment, have[i], 1)
		case segment != have[i]:
			return "", false
		}
	}
	return current, true
}

// deprecatedSince is when the older paths were given up, in the form of the Deprecation header.
func deprecatedSince() string {
	return "@" + strconv.FormatInt(time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC).Unix(), 10)
}

// successor adds to a response what callers of an older path should know, beside the links that the handler sets.
type successor struct {
	http.ResponseWriter
	address string // of the path that took the older one's place
	added   bool
}

func (s *successor) WriteHeader(status int) {
	if !s.added && status >= http.StatusOK {
		s.added = true
		s.Header().Set("Deprecation", deprecatedSince())
		s.Header().Add("Link", "<"+s.address+`>; rel="successor-version"`)
	}
	s.ResponseWriter.WriteHeader(status)
}

func (s *successor) Write(p []byte) (int, error) {
	if !s.added {
		s.WriteHeader(http.StatusOK)
	}
	return s.ResponseWriter.Write(p)
}

// Flush serves compressors, which look for an [http.Flusher].
func (s *successor) Flush() { _ = http.NewResponseController(s.ResponseWriter).Flush() } // test recorders can't

// Unwrap serves [http.ResponseController].
func (s *successor) Unwrap() http.ResponseWriter { return s.ResponseWriter }

package rest

import (
	"net/http"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// Spelling lets requests reach the paths of a contract, and their older names, in any case of letters and with a slash at the
// end. It belongs in front of everything that looks at a path. Paths of others, such as plugins, are left as they are.
func Spelling(doc *openapi3.T) func(http.Handler) http.Handler {
	known := templates(doc)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if path, ok := spelled(known, r.URL.Path); ok && r.URL.RawPath == "" {
				r = r.Clone(r.Context())
				r.URL.Path = path
			}
			next.ServeHTTP(w, r)
		})
	}
}

// templates returns every path that a request may have, in segments, by their number. A segment in braces stands for any.
func templates(doc *openapi3.T) map[int][][]string {
	paths := doc.Paths.InMatchingOrder() // fixed segments before others
	for _, a := range aliases() {
		paths = append(paths, a.from)
	}
	for _, path := range doc.Paths.InMatchingOrder() {
		if rest, ok := strings.CutPrefix(path, "/api/agents/{agentId}/"); ok {
			paths = append(paths, "/api/memory/{agentId}/"+rest)
		}
	}
	known := map[int][][]string{}
	for _, path := range paths {
		segments := strings.Split(path, "/")
		known[len(segments)] = append(known[len(segments)], segments)
	}
	return known
}

// spelled returns the common spelling of a path, if it is not spelled so.
func spelled(known map[int][][]string, path string) (string, bool) {
	trimmed := strings.TrimSuffix(path, "/")
	if trimmed == path && strings.ToLower(path) == path {
		return "", false
	}
	have := strings.Split(trimmed, "/")
	for _, want := range known[len(have)] {
		if fits(want, have) {
			out := strings.Join(have, "/")
			return out, out != path
		}
	}
	return "", false
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

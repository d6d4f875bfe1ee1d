package rest

import (
	"net/http"
	"strings"
)

// Aliases lets requests for paths that have a second name reach the one that the contract has. It must run before routing.
func Aliases(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path := CanonicalPath(r.URL.Path); path != r.URL.Path {
			r = r.Clone(r.Context())
			r.URL.Path, r.URL.RawPath = path, CanonicalPath(r.URL.RawPath)
		}
		next.ServeHTTP(w, r)
	})
}

// CanonicalPath returns the contract's name of a path. What an agent remembers is found below /api/memory as well as below
// /api/agents.
func CanonicalPath(path string) string {
	rest, ok := strings.CutPrefix(path, "/api/memory/")
	if !ok {
		return path
	}
	agent, rest, _ := strings.Cut(rest, "/")
	for _, part := range []string{"memories", "rooms"} {
		if agent != "groups" && (rest == part || strings.HasPrefix(rest, part+"/")) {
			return "/api/agents/" + agent + "/" + rest
		}
	}
	return path
}

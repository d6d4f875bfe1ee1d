// Package basepath knows where callers find the root of the server. It need not be the root of their host: a reverse proxy may
// serve it at https://example.org/eliza/, and a program that embeds it may mount it below any path.
//
// Every address in an answer is made here. Where the server knows the path in front of its own ones, addresses begin
// with it; where it doesn't, they are relative to the address of the request, which is right wherever that is.
package basepath

import (
	"context"
	"net/http"
	"strings"
)

// Place is where the caller of a request finds the root of the server. The zero value is the root of the host.
type Place struct {
	Prefix string // in front of every path, such as "/eliza"; it never ends in a slash
	Unsure bool   // a proxy passed the request on, and may have taken away a path in front of Prefix without saying so
}

type placeKey struct{}

// With returns a context of a request whose caller finds the server at p.
func With(ctx context.Context, p Place) context.Context { return context.WithValue(ctx, placeKey{}, p) }

func from(ctx context.Context) Place {
	p, _ := ctx.Value(placeKey{}).(Place)
	return p
}

// Root returns the address of the server's root in an answer to r, with a slash at its end. Without a prefix it is relative,
// since not every proxy that takes a path away leaves a trace.
func Root(r *http.Request) string {
	p := from(r.Context())
	if p.Prefix != "" && !p.Unsure {
		return p.Prefix + "/"
	}
	return relativeRoot(r, p)
}

// Of returns the address of a path of the server in an answer to r.
func Of(r *http.Request, path string) string { return Root(r) + strings.TrimPrefix(path, "/") }

// relativeRoot climbs out of the path that the caller asked for, whatever became of it on the way.
func relativeRoot(r *http.Request, p Place) string {
	path, _, _ := strings.Cut(r.RequestURI, "?")
	if !strings.HasPrefix(path, "/") {
		path = r.URL.EscapedPath()
	}
	path = strings.TrimPrefix(path, p.Prefix)
	if depth := strings.Count(path, "/") - 1; depth > 0 {
		return strings.Repeat("../", depth)
	}
	return "./"
}

package web

import (
	"bytes"
	"embed"
	"html"
	"io/fs"
	"net/http"

	"github.com/elizad/elizad/server/internal/basepath"
)

//go:embed dist
var dist embed.FS

// chatPolicy allows the files and the API of this server and nothing else. The page builds its elements without ever
// parsing markup; the trusted-types lines make the browser refuse it, should a later change try.
const chatPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
	"connect-src 'self' ws: wss:; base-uri 'self'; form-action 'none'; frame-ancestors 'self'; " +
	"require-trusted-types-for 'script'; trusted-types 'none'"

// Routes are what a page is made of: handlers by their paths, as patterns of a router. All of them answer GET.
type Routes map[string]http.Handler

// Chat returns the chat page: its built files, and the page itself wherever the address may name an agent to show.
func Chat() Routes {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		panic("web: " + err.Error())
	}
	names, err := fs.Glob(files, "assets/*")
	if err != nil {
		panic("web: " + err.Error())
	}
	routes := Routes{}
	for _, name := range names { // the build puts the hash of each file into its name
		routes["/"+name] = page(chatPolicy, newAsset(name, mustReadFile(files, name), cacheForever))
	}
	index := page(chatPolicy, newRooted("index.html", mustReadFile(files, "index.html")))
	for _, path := range []string{"/", "/index.html", "/chat", "/chat/", "/chat/{agentId}", "/chat/{agentId}/"} {
		routes[path] = index
	}
	return routes
}

// rooted is a page with addresses that start at the root of the server, wherever the caller of a request finds that.
type rooted struct {
	name  string
	parts [][]byte // between the places where the root's address belongs
}

// rootMark is what a page writes in the place of the root's address.
const rootMark = "%root%"

func newRooted(name string, content []byte) rooted {
	return rooted{name, bytes.Split(content, []byte(rootMark))}
}

// ServeHTTP answers as an asset does.
func (p rooted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	root := html.EscapeString(basepath.Root(r))
	newAsset(p.name, bytes.Join(p.parts, []byte(root)), cacheRevalidate).ServeHTTP(w, r)
}

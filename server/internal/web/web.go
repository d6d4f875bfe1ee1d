package web

import (
	"embed"
	"io/fs"
	"net/http"
	"path"
	"strings"
)

//go:embed dist
var dist embed.FS

// chatPolicy allows the files and the API of this server and nothing else. The page builds its elements without ever
// parsing markup; the trusted-types lines make the browser refuse it, should a later change try.
const chatPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
	"connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; " +
	"require-trusted-types-for 'script'; trusted-types 'none'"

// Handler serves the chat page. Every path that does not look like a file is the page itself, which shows the agent named in
// the address; a file that is not there is 404, so that a stale script is never mistaken for the page.
func Handler() http.Handler {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		panic("web: " + err.Error())
	}
	index := newAsset("index.html", mustReadFile(files, "index.html"), cacheRevalidate)
	assets, err := hashedAssets(files)
	if err != nil {
		panic("web: " + err.Error())
	}

	return page(chatPolicy, func(w http.ResponseWriter, r *http.Request) {
		name := path.Clean("/" + r.URL.Path)
		asset, found := assets[name]
		switch {
		case found:
			asset.ServeHTTP(w, r)
		case name == "/index.html", !looksLikeFile(name) && acceptsHTML(r):
			index.ServeHTTP(w, r)
		default:
			refuse(w, http.StatusNotFound)
		}
	})
}

// hashedAssets returns the built files under /assets by their URL path. The build puts the hash of each file into its name.
func hashedAssets(files fs.FS) (map[string]asset, error) {
	names, err := fs.Glob(files, "assets/*")
	if err != nil {
		return nil, err
	}
	assets := make(map[string]asset, len(names))
	for _, name := range names {
		assets["/"+name] = newAsset(name, mustReadFile(files, name), cacheForever)
	}
	return assets, nil
}

func looksLikeFile(name string) bool {
	return strings.HasPrefix(name+"/", "/assets/") || path.Ext(name) != ""
}

// acceptsHTML tells a browser that opens a page from a program that expected something else at this path.
func acceptsHTML(r *http.Request) bool {
	accept := r.Header.Get("Accept")
	return accept == "" || strings.Contains(accept, "text/html") || strings.Contains(accept, "*/*")
}

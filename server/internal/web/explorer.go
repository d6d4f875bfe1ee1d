package web

import (
	"bytes"
	"compress/gzip"
	"embed"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/swaggest/swgui/v5/static"
)

//go:embed explorer
var explorerFiles embed.FS

// explorerPolicy is the chat page's without trusted types: Swagger UI writes the descriptions of the contract as markup, after
// cleaning them.
const explorerPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"

// Explorer returns the API explorer at /docs: Swagger UI for the contract at /openapi.json, with which requests to this server
// can be tried out.
func Explorer() Routes {
	const path = "/docs"
	index := newRooted("index.html", mustReadFile(explorerFiles, "explorer/index.html"))
	routes := Routes{path: index, path + "/": index}
	for _, name := range []string{"explorer.css", "explorer.js", "fill.js", "names.js", "session.js", "signin.js"} {
		routes[path+"/"+name] = newAsset(name, mustReadFile(explorerFiles, "explorer/"+name), cacheRevalidate)
	}
	for _, name := range []string{"swagger-ui.css", "swagger-ui-bundle.js"} {
		routes[path+"/"+name] = newPackedAsset(name)
	}
	const icon = "favicon-32x32.png"
	routes[path+"/"+icon] = newAsset(icon, mustReadFile(static.FS, icon), cacheRevalidate)
	for at, part := range routes {
		routes[at] = page(explorerPolicy, part)
	}
	return routes
}

// packedAsset is a file that is embedded compressed, and sent like that to every client that can read it.
type packedAsset struct{ asset }

func newPackedAsset(name string) packedAsset {
	return packedAsset{newAsset(name, mustReadFile(static.FS, name+".gz"), cacheRevalidate)}
}

// ServeHTTP answers as asset does, unpacked for a client that does not take gzip.
func (a packedAsset) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Add("Vary", "Accept-Encoding")
	if acceptsGzip(r) {
		w.Header().Set("Content-Encoding", "gzip")
		a.asset.ServeHTTP(w, r)
		return
	}
	content, err := unpack(a.content)
	if err != nil {
		panic("web: " + err.Error())
	}
	unpacked := a.asset
	unpacked.content = content
	unpacked.etag = strings.TrimSuffix(a.etag, `"`) + `-plain"`
	unpacked.ServeHTTP(w, r)
}

func unpack(packed []byte) ([]byte, error) {
	reader, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("unpack an embedded file: %w", err)
	}
	content, err := io.ReadAll(reader)
	if err != nil {
		return nil, fmt.Errorf("unpack an embedded file: %w", err)
	}
	return content, nil
}

// acceptsGzip reads Accept-Encoding: gzip must be named and not refused by a weight of zero.
func acceptsGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		coding, weight, _ := strings.Cut(part, ";")
		if strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			weight = strings.TrimRight(strings.ReplaceAll(weight, " ", ""), "0")
			return weight != "q=" && weight != "q=0."
		}
	}
	return false
}

package web

import "embed"

//go:embed owner
var ownerFiles embed.FS

const ownerPolicy = "default-src 'none'; script-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// OwnerPath is where a browser is given the owner's token, behind a #.
const OwnerPath = "/owner"

// Owner returns the page that keeps the token of a server without an API key in its owner's browser, for the web UIs: our own and
// the official one. A page of another server, which a browser may take for one of this machine too, has no access to it there.
func Owner() Routes {
	routes := Routes{}
	for path, name := range map[string]string{OwnerPath: "index.html", "/owner.js": "owner.js"} {
		routes[path] = page(ownerPolicy, newAsset(name, mustReadFile(ownerFiles, "owner/"+name), cacheRevalidate))
	}
	return routes
}

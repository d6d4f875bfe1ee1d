package pluginhttp

import (
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/agent"
)

// Routes are the routes that one plugin brings to one agent.
type Routes struct {
	plugin string
	mux    *http.ServeMux
	panels []Panel // with paths below the plugin
}

// Panel is a page that a plugin shows beside an agent's chat.
type Panel struct {
	Name string
	Path string // on this server
}

// route is one entry of a mux.
type route struct {
	http.Handler
	public bool
	has    func(path string) bool // nil: whatever the pattern matches
}

// NewRoutes returns the routes of a plugin, or nil for none. One that is wrong is an error.
func NewRoutes(plugin string, list []agent.Route) (*Routes, error) {
	if len(list) == 0 {
		return nil, nil
	}
	p := &Routes{plugin: plugin, mux: http.NewServeMux()}
	for _, r := range list {
		if err := p.add(r); err != nil {
			return nil, fmt.Errorf("route %s %s: %w", r.Method, r.Path, err)
		}
	}
	return p, nil
}

func (p *Routes) add(r agent.Route) (err error) {
	entry, pattern := route{r.Handler, r.Public, nil}, strings.TrimSuffix(r.Path, "/")
	switch {
	case !strings.HasPrefix(r.Path, "/"):
		return fmt.Errorf("the path doesn't begin with a slash")
	case !slices.Contains(routeMethods, r.Method):
		return fmt.Errorf("the method is none of %s", strings.Join(routeMethods, ", "))
	case (r.Handler == nil) == (r.Files == nil):
		return fmt.Errorf("either a handler or files are required")
	case r.Files != nil && (r.Method != http.MethodGet || strings.Contains(r.Path, "{")):
		return fmt.Errorf("files are read by GET, below a path without wildcards")
	case r.Files != nil:
		folder := files{r.Files, pattern + "/"}
		entry.Handler, entry.has, pattern = folder, folder.has, pattern+"/{file...}"
	case pattern == "":
		pattern = "/{$}"
	}
	defer func() {
		if fault := recover(); fault != nil { // the mux's way to refuse a pattern
			err = fmt.Errorf("%v", fault)
		}
	}()
	p.mux.Handle(r.Method+" "+pattern, entry)
	if r.Public && r.Name != "" && r.Method == http.MethodGet {
		p.panels = append(p.panels, Panel{Name: r.Name, Path: r.Path})
	}
	return nil
}

var routeMethods = []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}

// Find reports whether there is a route for a request, whose path is the one after the plugin's name, without a slash at its
// end. Where there is none for its method, allowed names the methods that there are.
func (p *Routes) Find(r *http.Request) (found, public bool, allowed []string) {
	if path.Clean(r.URL.Path) != r.URL.Path {
		return false, false, nil // which the mux would redirect, to a path that isn't ours
	}
	if route, ok := p.lookup(r); ok {
		return true, route.public, nil
	}
	for _, method := range routeMethods {
		other := *r
		other.Method = method
		if _, ok := p.lookup(&other); ok {
			allowed = append(allowed, method)
		}
	}
	return false, false, allowed
}

// Plugin returns the name of the plugin.
func (p *Routes) Plugin() string { return p.plugin }

// Panels returns the pages that the plugin shows beside the chat of an agent, which has these routes.
func (p *Routes) Panels(agentID uuid.UUID) []Panel {
	out := slices.Clone(p.panels)
	for i := range out {
		out[i].Path = fmt.Sprintf("%s/agents/%s/plugins/%s%s?%s=%[2]s", apiPrefix, agentID, p.plugin, out[i].Path, agentIDParam)
	}
	return out
}

// ServeHTTP answers a request that Find has found a route for.
func (p *Routes) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.mux.ServeHTTP(w, r) }

func (p *Routes) lookup(r *http.Request) (route, bool) {
	handler, _ := p.mux.Handler(r)
	found, ok := handler.(route)
	return found, ok && (found.has == nil || found.has(r.URL.Path))
}

// files serves the files of a folder below a path, and lists none.
type files struct {
	fs.FS
	below string // with a slash at the end
}

func (f files) has(urlPath string) bool {
	name := strings.TrimPrefix(urlPath, f.below)
	info, err := fs.Stat(f.FS, name) // refuses names that lead out of the folder
	return err == nil && info.Mode().IsRegular() && !strings.Contains("/"+name, "/.")
}

// ServeHTTP answers with the file that the pattern found. The path is not shown to ServeFileFS, which would redirect requests
// for an index.html to its folder.
func (f files) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	bare := *r
	bare.URL = &url.URL{Path: f.below}
	http.ServeFileFS(w, &bare, f.FS, r.PathValue("file"))
}

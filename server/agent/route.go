package agent

import (
	"io/fs"
	"net/http"
)

// Route is an address under which a plugin answers for an agent while it runs: its path follows
// /api/agents/<agent>/plugins/<plugin>, and /api/<plugin> where no agent is named. It asks for the server's API key like any
// other, unless it is public.
type Route struct {
	Method string // GET, which also answers HEAD, POST, PUT, PATCH or DELETE
	// Path is a pattern of net/http without a host, such as /items/{id} or /search/{words...}. Handlers get what the
	// wildcards stand for from [http.Request.PathValue].
	Path   string
	Public bool // open to callers without the key
	// Name, of a public GET route, is the title under which clients show it beside the agent's chat, in a frame.
	Name string

	// Handler answers. The request's path is the one after the plugin's name. It must write something, and may be called
	// by many at once.
	Handler http.Handler
	// Files, in place of Handler, is a folder whose files are served below Path. The method is GET.
	Files fs.FS
}

package cli

import (
	"cmp"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/mattn/go-isatty"

	"github.com/elizad/elizad/server"
)

// console reports what goes on to whoever started the server: to a person in sentences, to a service manager in log lines.
type console struct {
	out  io.Writer    // of a person
	log  *slog.Logger // of a service manager; nil for a person
	keys string       // what the person presses to stop
}

func newConsole(p *program, asJSON bool) *console {
	if f, ok := p.out.(*os.File); ok && isatty.IsTerminal(f.Fd()) && !asJSON {
		return &console{out: p.out, keys: "Ctrl-C"}
	}
	if asJSON {
		return &console{log: slog.New(slog.NewJSONHandler(p.err, nil))}
	}
	return &console{log: slog.New(slog.NewTextHandler(p.err, nil))}
}

// sources says which files settings come from, beside the environment; stored is the one in the data folder, if it exists.
func (c *console) sources(files []string, stored string) {
	if stored != "" {
		files = append(files, stored)
	}
	text := cmp.Or(strings.Join(files, ", "), "no .env file, neither in this folder nor in the data folder")
	if c.log != nil {
		c.log.Info("settings come from the environment and files", "files", text)
		return
	}
	fmt.Fprintln(c.out, "Settings: the environment and", text)
}

func (c *console) warn(text string) {
	if c.log != nil {
		c.log.Warn(text)
		return
	}
	fmt.Fprintln(c.out, "Warning:", text)
}

func (c *console) stopping() {
	if c.log != nil {
		c.log.Info("stopping")
		return
	}
	fmt.Fprintf(c.out, "\nFinishing what is being said. Press %s again to stop at once.\n", c.keys)
}

// welcome says that the server runs, and what to click and type next.
func (c *console) welcome(url string, info server.Info) {
	agents := describeAgents(info)
	if c.log != nil {
		c.log.Info("elizad is running", "url", url, "version", info.Version, "data", info.DataDir, "engine", info.Engine,
			"database", info.Database, "webUI", info.WebUI, "secured", info.Secured, "agents", strings.Join(agents, " | "))
		return
	}
	var b strings.Builder
	row := func(what, text string) { fmt.Fprintf(&b, "  %-6s %s\n", what, text) }
	fmt.Fprintf(&b, "\nelizad %s is running.\n\n", info.Version)
	if info.WebUI {
		row("Chat", url)
	}
	if info.OwnerPage != "" { // for a person alone: logs go to others, too
		row("Owner", url+info.OwnerPage)
		row("", "lets this browser change the server's settings")
	}
	row("API", url+"/docs")
	label := "Agent"
	for _, text := range agents {
		row(label, text)
		label = ""
	}
	row("Data", info.DataDir)
	row("", info.Engine+", "+info.Database)
	for _, text := range info.Problems {
		row("Wrong", text)
	}
	row("Stop", c.keys)
	fmt.Fprintf(&b, "\nSay hello from a shell:\n\n%s\n\n", exampleRequest(url, info))
	fmt.Fprint(c.out, b.String())
}

// maxAgents is how many agents are listed one by one.
const maxAgents = 5

// describeAgents says for each agent which model it uses, and what its owner should know about that, such as how to connect
// another.
func describeAgents(info server.Info) []string {
	if len(info.Agents) == 0 {
		return []string{"none yet; bring one along with --character FILE"}
	}
	var out, notices []string
	for _, a := range info.Agents[:min(len(info.Agents), maxAgents)] {
		text := fmt.Sprintf("%s, speaking through %s of %s", a.Name, a.Model, a.Provider)
		switch {
		case !a.Running:
			text = a.Name + ", stopped"
		case a.Provider == "builtin":
			text = a.Name + ", speaking through the built-in responder, which is no language model"
		case a.Model == "": // the server there is asked for it when it is needed
			text = a.Name + ", speaking through " + a.Provider
		}
		out = append(out, text)
		if a.Notice != "" && !slices.Contains(notices, a.Notice) {
			notices = append(notices, a.Notice)
		}
	}
	if more := len(info.Agents) - len(out); more > 0 {
		out = append(out, fmt.Sprintf("and %d more", more))
	}
	if len(notices) > 0 {
		notices = append(notices, "All that can be set: elizad help settings")
	}
	return append(out, notices...)
}

// exampleRequest returns a command that talks to the first agent that runs, and prints its answer.
func exampleRequest(url string, info server.Info) string {
	lines := []string{"curl -s"}
	if info.Secured {
		lines[0] += ` -H "X-API-KEY: $ELIZA_SERVER_AUTH_TOKEN"`
	}
	at := slices.IndexFunc(info.Agents, func(a server.AgentInfo) bool { return a.Running })
	if at < 0 {
		return lines[0] + " " + url + "/api/agents"
	}
	lines[0] += fmt.Sprintf(" %s/api/messaging/channels/%s/messages", url, uuid.New())
	lines = append(lines, "  -H 'Content-Type: application/json'",
		fmt.Sprintf(`  -d '{"author_id":"%s","content":"Hello","transport":"http",`, uuid.New()),
		fmt.Sprintf(`       "metadata":{"isDm":true,"targetUserId":"%s"}}'`, info.Agents[at].ID))
	return strings.Join(lines[:3], " \\\n") + "\n" + lines[3]
}

package cli

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/alecthomas/kong"

	"github.com/elizad/elizad/server/settings"
)

// printHelp is kong's printer, except that the help of the program as a whole includes the flags of serve, the command that
// runs when none is given.
func printHelp(options kong.HelpOptions, ctx *kong.Context) error {
	if err := kong.DefaultHelpPrinter(options, ctx); err != nil || ctx.Selected() != nil {
		return err
	}
	serve, err := kong.Trace(ctx.Kong, []string{"serve"})
	if err != nil {
		return err
	}
	fmt.Fprintln(ctx.Stdout)
	return kong.DefaultHelpPrinter(options, serve)
}

// helpCmd explains a command, or lists the settings of agents and their models, which are no flags.
type helpCmd struct {
	Topic string `arg:"" optional:"" help:"A command, or settings."`
	JSON  bool   `name:"json" help:"Print JSON; for settings."`
}

// Run prints the help.
func (c *helpCmd) Run(p *program) error {
	switch c.Topic {
	case "settings":
		return c.settings(p)
	case "":
		_, err := p.parser.Parse([]string{"--help"})
		return err
	}
	if !slices.Contains(commands(p.parser), c.Topic) {
		return noSuchCommand(p.parser, c.Topic)
	}
	_, err := p.parser.Parse([]string{c.Topic, "--help"})
	return err
}

func (c *helpCmd) settings(p *program) error {
	if c.JSON {
		return json.NewEncoder(p.out).Encode(map[string]any{"server": settings.Table(), "agents": settings.AgentSettings()})
	}
	w := tabwriter.NewWriter(p.out, 0, 8, 2, ' ', 0)
	fmt.Fprint(w, "Settings of the server. Each is a flag, or one of the variables; the first that is set wins.\n")
	group := ""
	for _, row := range settings.Table() {
		if row.Group != group {
			group = row.Group
			fmt.Fprintf(w, "\n%s\n", group)
		}
		text := row.Help
		if row.Default != "" {
			text += " Default: " + row.Default + "."
		}
		fmt.Fprintf(w, "  --%s\t%s\t%s\n", row.Flag, strings.Join(row.Env, " "), text)
	}
	fmt.Fprint(w, "\nSettings of agents and their models. An agent takes each from its character first, then from the environment.\n")
	group = ""
	for _, row := range settings.AgentSettings() {
		if row.Group != group {
			group = row.Group
			fmt.Fprintf(w, "\n%s:\n", group)
		}
		text := row.Help + "."
		if len(row.Aliases) > 0 {
			text += " Also called " + strings.Join(row.Aliases, ", ") + "."
		}
		fmt.Fprintf(w, "  %s\t%s\n", row.Name, text)
	}
	fmt.Fprint(w, "\nFor one agent only, in .env or the environment: CHARACTER.<ID>.<KEY>; for those brought by --character also CHARACTER.<NAME>.<KEY> or <NAME>_<KEY>.\n")
	return w.Flush()
}

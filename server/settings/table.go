package settings

import (
	"fmt"
	"slices"

	"github.com/alecthomas/kong"
)

// Row describes one setting, as read from the tags of [Settings].
type Row struct {
	Group   string   `json:"group"`             // title of the group
	Flag    string   `json:"flag"`              // without dashes
	Env     []string `json:"env,omitempty"`     // first set wins
	Default string   `json:"default,omitempty"` // as one would write it
	Help    string   `json:"help"`
}

// Options returns what kong needs to know to fill a struct that holds Settings: how to read the kinds of values, and the
// titles of the groups.
func Options() []kong.Option {
	return []kong.Option{
		kong.NamedMapper("millis", parsed("duration", parseMillis)),
		kong.NamedMapper("minutes", minutesMapper{}),
		kong.NamedMapper("size", parsed("size", parseSize)),
		kong.NamedMapper("switch", switchMapper{}),
		kong.ExplicitGroups([]kong.Group{
			{Key: "network", Title: "Network:"},
			{Key: "storage", Title: "Storage:"},
			{Key: "security", Title: "Security:"},
			{Key: "tokens", Title: "Tokens of callers:"},
			{Key: "users", Title: "Users:"},
			{Key: "limits", Title: "Limits:"},
			{Key: "agents", Title: "Agents (their models and behaviour: elizad help settings):"},
			{Key: "messages", Title: "Messages:"},
			{Key: "sessions", Title: "Sessions and jobs:"},
			{Key: "sockets", Title: "Sockets:"},
			{Key: "web", Title: "Web UI:"},
			{Key: "logs", Title: "Logs:"},
			{Key: "reports", Title: "Error reports:"},
		}),
	}
}

// Default returns the settings of a server without configuration. It reads neither flags nor the environment.
func Default() Settings {
	var s Settings
	withoutEnv := kong.PostBuild(func(k *kong.Kong) error {
		for _, flag := range k.Model.Flags {
			flag.Envs, flag.Tag.Envs = nil, nil
		}
		return nil
	})
	if err := kong.ApplyDefaults(&s, append(Options(), withoutEnv)...); err != nil {
		panic(fmt.Sprintf("settings: the table of settings is broken: %v", err)) // the tags are constants; the tests cover them
	}
	return s
}

// Table lists every setting in the order of --help.
func Table() []Row {
	var s Settings
	k, err := kong.New(&s, append(Options(), kong.NoDefaultHelp())...)
	if err != nil {
		panic(fmt.Sprintf("settings: the table of settings is broken: %v", err))
	}
	var rows []Row
	for _, flag := range k.Model.Flags {
		rows = append(rows, Row{
			Group: flag.Group.Title, Flag: flag.Name, Env: slices.Clone(flag.Envs), Default: flag.Default, Help: flag.Help,
		})
	}
	return rows
}

// ServerNames returns the names of all variables that are settings of the server itself, and of no agent.
func ServerNames() map[string]bool {
	out := map[string]bool{}
	for _, row := range Table() {
		for _, name := range row.Env {
			out[name] = true
		}
	}
	return out
}

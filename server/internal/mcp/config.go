package mcp

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Config says where a server is, and what of it is used.
type Config struct {
	Name string `json:"-"`

	Type    string            `json:"type"` // stdio, http (also streamable-http) or sse; empty: by what else is there
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"` // are sent to the address
	Command string            `json:"command"`
	Args    []string          `json:"args"`
	Env     map[string]string `json:"env"` // of the program, beside PATH and HOME

	Millis     float64  `json:"timeoutInMillis"` // longest time of one call of a tool
	OlderNames float64  `json:"timeout"`         // the same
	Allow      []string `json:"tools"`           // the tools that are used; empty: all
	Agents     []string `json:"agents"`          // of the operator's servers: names or ids of the agents that have it; empty: all

	trusted bool // the operator wrote it
}

// The kinds of server.
const (
	stdio    = "stdio"
	overHTTP = "http"
	sse      = "sse"
)

const (
	maxServers  = 16 // that one character, or the operator, names
	maxName     = 64
	usualTime   = 30 * time.Second
	longestTime = 5 * time.Minute
)

// timeout returns the longest time of one call.
func (c Config) timeout() time.Duration {
	millis := cmp.Or(c.Millis, c.OlderNames)
	if millis <= 0 {
		return usualTime
	}
	return min(time.Duration(min(millis, float64(longestTime/time.Millisecond))*float64(time.Millisecond)), longestTime)
}

// key tells the servers apart that have their own connection. Those of characters have one for each agent.
func (c Config) key(owner string) string {
	if c.trusted {
		owner = ""
	}
	text, _ := json.Marshal([]any{owner, c.Name, c.Type, c.URL, c.Headers, c.Command, c.Args, c.Env}) // texts, and maps of them
	return string(text)
}

// check completes the configuration, or says what is wrong with it.
func (c *Config) check() error {
	if c.Type == "streamable-http" || c.Type == "streamableHttp" || c.Type == "" && c.URL != "" {
		c.Type = overHTTP
	}
	if c.Type == "" && c.Command != "" {
		c.Type = stdio
	}
	switch {
	case c.Name == "" || len(c.Name) > maxName:
		return fmt.Errorf("its name must have 1 to %d characters", maxName)
	case c.Type == stdio && c.Command == "":
		return errors.New("command is missing")
	case c.Type == stdio:
		return nil
	case c.Type != overHTTP && c.Type != sse:
		return fmt.Errorf("type must be %s, %s or %s", stdio, overHTTP, sse)
	}
	if u, err := url.Parse(c.URL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return errors.New("url must be an address that begins with http:// or https://")
	}
	return nil
}

// ReadServers reads the operator's file: an object with servers, or mcpServers, by their names. What is wrong is an error that
// names the server.
func ReadServers(data []byte) ([]Config, error) {
	var file struct {
		Servers map[string]json.RawMessage `json:"servers"`
		Others  map[string]json.RawMessage `json:"mcpServers"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, err
	}
	all := file.Servers
	if all == nil {
		all = file.Others
	}
	var out []Config
	for _, name := range slices.Sorted(maps.Keys(all)) {
		c := Config{Name: name, trusted: true}
		decoder := json.NewDecoder(bytes.NewReader(all[name]))
		decoder.DisallowUnknownFields()
		err := decoder.Decode(&c)
		if err == nil {
			err = c.check()
		}
		if err != nil {
			return nil, fmt.Errorf("server %q: %w", name, err)
		}
		out = append(out, c)
	}
	if len(out) > maxServers {
		return nil, fmt.Errorf("there are %d servers; %d are the most", len(out), maxServers)
	}
	return out, nil
}

// named is a server that a character names, and why it isn't used.
type named struct {
	Config
	problem, suggestion string
}

// inSettings reads the servers that the settings of a character name under mcp.servers.
func inSettings(settings map[string]any) []named {
	text, err := json.Marshal(settings["mcp"])
	if err != nil {
		return nil
	}
	var mcp struct {
		Servers map[string]json.RawMessage `json:"servers"`
	}
	if json.Unmarshal(text, &mcp) != nil {
		return nil
	}
	var out []named
	for _, name := range slices.Sorted(maps.Keys(mcp.Servers)) {
		n := named{Config: Config{Name: name}}
		err := json.Unmarshal(mcp.Servers[name], &n.Config)
		if err == nil {
			err = n.check()
		}
		switch {
		case err != nil:
			n.problem = "It is not described as it must be: " + err.Error()
		case n.Type == stdio:
			n.problem = "Programs are not started because a character names them"
			n.suggestion = "Let the operator name it in the file of ELIZAD_MCP_SERVERS"
		case len(out) >= maxServers:
			n.problem = fmt.Sprintf("A character has at most %d servers", maxServers)
		}
		out = append(out, n)
	}
	return out
}

// serves reports whether an operator's server is for an agent.
func (c Config) serves(id, name string) bool {
	return len(c.Agents) == 0 || slices.ContainsFunc(c.Agents, func(a string) bool { return strings.EqualFold(a, id) || strings.EqualFold(a, name) })
}

package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// officialCLI is the command line of ElizaOS, pointed at a server.
type officialCLI struct {
	t     *testing.T
	where []string // the flags that name the server
	dir   string   // its working directory and its home
}

// agent runs a subcommand of "agent" and returns what it printed. It fails the test unless the command succeeds.
func (c officialCLI) agent(args ...string) string {
	c.t.Helper()
	out, err := c.run(append([]string{"agent"}, args...)...)
	if err != nil {
		c.t.Fatalf("agent %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func (c officialCLI) run(args ...string) (string, error) {
	c.t.Helper()
	modules, err := filepath.Abs(filepath.Join("js", "cli", "node_modules"))
	if err != nil {
		c.t.Fatal(err)
	}
	program := filepath.Join(modules, "@elizaos", "cli", "dist", "index.js")
	if _, err := os.Stat(program); err != nil {
		c.t.Fatalf("the official command line is not installed; run: npm ci --prefix server/internal/e2e/js/cli (%v)", err)
	}
	ctx, cancel := context.WithTimeout(c.t.Context(), scriptPatience)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(modules, ".bin", "bun"), append(append([]string{program}, args...), c.where...)...)
	cmd.Dir = c.dir
	cmd.Env = []string{"HOME=" + c.dir, "PATH=" + os.Getenv("PATH"), "NO_COLOR=1", "CI=true"}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	return out.String(), err
}

func (c officialCLI) file(name, content string) string {
	c.t.Helper()
	path := filepath.Join(c.dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		c.t.Fatal(err)
	}
	return path
}

// expect fails the test unless a text holds all the parts.
func expect(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing in:\n%s", part, text)
		}
	}
}

// TestOfficialCLI uses every remote command of the unmodified command line of ElizaOS, with a key.
func TestOfficialCLI(t *testing.T) {
	t.Parallel()
	const key = "a-key-for-the-command-line"
	p := start(t, t.TempDir(), "ELIZA_SERVER_AUTH_TOKEN="+key)
	c := officialCLI{t, []string{"--remote-url", p.url, "--auth-token", key}, t.TempDir()}

	expect(t, c.agent("list"), "Eliza", "active")
	expect(t, c.agent("start", "--path", c.file("ada.json", `{"name": "Ada", "bio": ["Counts things."], "system": "You are Ada."}`)), "Ada")
	expect(t, c.agent("list"), "Eliza", "Ada")
	expect(t, c.agent("get", "--name", "Ada"), "Ada")
	expect(t, c.agent("get", "--name", "Ada", "--json"), `"name": "Ada"`, "Counts things.")

	c.agent("stop", "--name", "Ada")
	expect(t, c.agent("list"), "inactive")
	c.agent("start", "--name", "Ada")

	c.agent("set", "--name", "Ada", "--config", `{"system": "You count twice."}`)
	c.agent("set", "--name", "Ada", "--file", c.file("change.json", `{"topics": ["arithmetic"]}`))
	saved := filepath.Join(c.dir, "saved.json")
	c.agent("get", "--name", "Ada", "--output", saved)
	raw, err := os.ReadFile(saved)
	if err != nil {
		t.Fatal(err)
	}
	var character struct {
		Name, System string
		Topics       []string
	}
	if err := json.Unmarshal(raw, &character); err != nil || character.Name != "Ada" || character.System != "You count twice." || len(character.Topics) != 1 {
		t.Errorf("saved %s (%v)", raw, err)
	}

	c.agent("clear-memories", "--name", "Ada")
	c.agent("remove", "--name", "Ada")
	if list := c.agent("list"); strings.Contains(list, "Ada") {
		t.Errorf("after its removal:\n%s", list)
	}
	if out, err := c.run("agent", "get", "--name", "Ada"); err == nil {
		t.Errorf("an agent that is gone was found:\n%s", out)
	}
}

// TestOfficialCLIByPort reaches a server without a key by its port alone.
func TestOfficialCLIByPort(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	u, err := url.Parse(p.url)
	if err != nil {
		t.Fatal(err)
	}
	c := officialCLI{t, []string{"--port", u.Port()}, t.TempDir()}
	expect(t, c.agent("list"), "Eliza", "active")
}

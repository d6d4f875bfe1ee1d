package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/elizad/elizad/server/internal/pgtest"
)

// The commands of the README, run as they stand there. Only the address is replaced, because the tests' server listens
// somewhere else.

var fence = regexp.MustCompile("(?ms)^```([a-z]+)\n(.*?)^```$")

// blocks returns the code blocks of a language in the README, in order.
func blocks(t *testing.T, language string) []string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, m := range fence.FindAllStringSubmatch(string(raw), -1) {
		if m[1] == language {
			out = append(out, m[2])
		}
	}
	return out
}

const (
	root          = "../../.."
	readmeAddress = "http://127.0.0.1:3000"
)

// command runs a program in dir and returns what it printed.
func command(t *testing.T, dir string, env []string, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func TestReadmeShell(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	ran := 0
	for _, block := range blocks(t, "sh") {
		for _, line := range lines(block) {
			ran++
			switch {
			case strings.HasPrefix(line, "make "):
				// The targets run this test, or for ever; that they exist and would do something is what can be shown here.
				if plan := command(t, root, nil, "make", "-n", strings.Fields(line)[1]); strings.TrimSpace(plan) == "" {
					t.Errorf("%s does nothing", line)
				}
			case strings.HasPrefix(line, "curl "):
				out := command(t, t.TempDir(), nil, "bash", "-ec", strings.ReplaceAll(line, readmeAddress, p.url))
				var job struct{ JobID string }
				if err := json.Unmarshal([]byte(out), &job); err == nil && job.JobID != "" { // and asks for it, as the text says
					out = command(t, t.TempDir(), nil, "curl", "-s", "-H", "Prefer: wait=20", p.url+"/api/messaging/jobs/"+job.JobID)
				}
				if !strings.Contains(out, `"agentResponse"`) && !strings.Contains(out, `"completed"`) || !strings.Contains(out, "Hello") {
					t.Errorf("%s\nprinted %s", line, out)
				}
			case strings.HasPrefix(line, "npm pack "):
				// The other tests have the package already, by its hash; people must be told of the same version.
				if want := "npm pack @elizaos/client@" + officialVersion(t) + " "; !strings.HasPrefix(line, want) {
					t.Errorf("%s; want %s", line, want)
				}
			case strings.Contains(line, "elizad"):
				serveAsInReadme(t, line)
			default:
				t.Errorf("no test runs %q", line)
			}
		}
	}
	if ran < 8 {
		t.Errorf("only %d commands found", ran)
	}
}

// lines returns the commands of a block; those that go on with a backslash or an open quote are joined.
func lines(block string) []string {
	var out []string
	open := ""
	for line := range strings.Lines(block) {
		open += line
		if strings.HasSuffix(line, "\\\n") || strings.Count(open, "'")%2 == 1 {
			continue
		}
		if text := strings.TrimSpace(open); text != "" {
			out = append(out, text)
		}
		open = ""
	}
	return out
}

// serveAsInReadme runs a line that starts the server, with its variables and flags, and sees it answer.
func serveAsInReadme(t *testing.T, line string) {
	t.Helper()
	words := strings.Fields(line)
	at := slices.Index(words, "elizad")
	env := []string{"PORT=0"}
	header := http.Header{}
	for _, variable := range words[:at] {
		name, value, _ := strings.Cut(variable, "=")
		switch name {
		case "HOST":
			value = "127.0.0.1" // tests talk to this machine only
		case "POSTGRES_URL":
			value = pgtest.URL(t)
		case "ELIZA_SERVER_AUTH_TOKEN":
			header.Set("X-API-KEY", value)
		}
		env = append(env, name+"="+value)
	}
	args := words[at+1:]
	if i := slices.Index(args, "ada.json"); i >= 0 {
		args[i] = character(t, "Ada")
	}
	if i := slices.Index(args, "package/dist"); i >= 0 {
		args[i] = officialUI(t)
	}
	p := launch(t, t.TempDir(), env, args...)
	p.waitForAddress()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+"/api/agents", nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(header) > 0 && get(t, p.url+"/api/agents") != http.StatusUnauthorized {
		t.Errorf("%s: the key is not asked for", line)
	}
	r.Header = header
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("%s: status %d", line, resp.StatusCode)
	}
	if slices.Contains(args, "--ui-dir") {
		page := command(t, root, nil, "curl", "-s", p.url+"/")
		if index, err := os.ReadFile(filepath.Join(officialUI(t), "index.html")); err != nil || page != string(index) {
			t.Errorf("%s serves %q (%v)", line, page, err)
		}
	}
	p.interrupt()
}

func TestReadmeTypeScript(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	for i, block := range blocks(t, "ts") {
		script, err := os.CreateTemp("js", fmt.Sprintf("readme-%d-*.mjs", i)) // where its imports are found
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.Remove(script.Name()) })
		if _, err := script.WriteString(strings.ReplaceAll(block, readmeAddress, p.url)); err != nil {
			t.Fatal(err)
		}
		_ = script.Close()
		if out := node(t, filepath.Base(script.Name())); !strings.Contains(out, "built-in responder") {
			t.Errorf("block %d printed %q", i, out)
		}
	}
}

func TestReadmeGo(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	imports := map[string]string{
		"client.": "github.com/elizad/elizad/client", "server.": "github.com/elizad/elizad/server",
		"log.": "log", "fmt.": "fmt", "http.": "net/http",
	}
	for i, block := range blocks(t, "go") {
		var source strings.Builder
		source.WriteString("package main\n\nimport (\n\t\"context\"\n")
		for use, path := range imports {
			if strings.Contains(block, use) {
				fmt.Fprintf(&source, "\t%q\n", path)
			}
		}
		source.WriteString(")\n\nfunc main() {\n\tctx := context.Background()\n")
		source.WriteString(strings.ReplaceAll(block, readmeAddress, p.url))
		if strings.Contains(block, "mux") {
			source.WriteString("\t_ = mux\n\t_ = srv.Shutdown(ctx)\n")
		}
		source.WriteString("}\n")
		file := filepath.Join(t.TempDir(), "main.go")
		if err := os.WriteFile(file, []byte(source.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		out := command(t, root, []string{"ELIZAD_DATA_DIR=" + t.TempDir(), "HOME=" + os.Getenv("HOME"), "XDG_DATA_HOME=" + t.TempDir()}, "go", "run", file)
		if strings.Contains(block, "Ask") && !strings.Contains(out, "built-in responder") {
			t.Errorf("block %d printed %q", i, out)
		}
	}
}

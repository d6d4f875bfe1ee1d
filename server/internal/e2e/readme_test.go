package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/elizad/elizad/server/internal/pgtest"
)

// The commands of the README, run literally. Only the address is replaced, because the tests' server listens on another.

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
				// The targets run this test, or for ever; that they exist and would do something is all that can be checked
				// here.
				if plan := command(t, root, nil, "make", "-n", strings.Fields(line)[1]); strings.TrimSpace(plan) == "" {
					t.Errorf("%s does nothing", line)
				}
			case strings.HasPrefix(line, "curl "):
				out := command(t, t.TempDir(), nil, "bash", "-ec", strings.ReplaceAll(line, readmeAddress, p.url))
				var begun struct{ JobID, SessionID string }
				switch err := json.Unmarshal([]byte(out), &begun); { // and continues as the text says
				case err == nil && begun.JobID != "":
					out = command(t, t.TempDir(), nil, "curl", "-s", "-H", "Prefer: wait=20", p.url+"/api/messaging/jobs/"+begun.JobID)
				case err == nil && begun.SessionID != "":
					out = command(t, t.TempDir(), nil, "curl", "-s", "-H", "Content-Type: application/json",
						"-d", `{"content": "Hello", "transport": "http"}`, p.url+"/api/messaging/sessions/"+begun.SessionID+"/messages")
				}
				if !strings.Contains(out, `"agentResponse"`) && !strings.Contains(out, `"completed"`) || !strings.Contains(out, "Hello") {
					t.Errorf("%s\nprinted %s", line, out)
				}
			case strings.HasPrefix(line, "npm install "):
				for _, name := range strings.Fields(line)[2:] {
					if !strings.HasPrefix(name, "--") && !installed(t)[name] {
						t.Errorf("%s: the tests don't have %s", line, name)
					}
				}
			case strings.HasPrefix(line, "sudo -u postgres "):
				// TestReadmePostgres runs these, with its own server.
			case strings.HasPrefix(line, "npm pack "):
				// The other tests have the package already, by its hash; the README must name the same version.
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

// serveAsInReadme runs a line that starts the server, with its variables and flags, and checks that it answers.
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

// installed are the packages that the scripts of the tests have.
func installed(t *testing.T) map[string]bool {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("js", "package.json"))
	if err != nil {
		t.Fatal(err)
	}
	var list struct{ Dependencies, DevDependencies map[string]string }
	if err := json.Unmarshal(raw, &list); err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for name := range list.Dependencies {
		names[name] = true
	}
	for name := range list.DevDependencies {
		names[name] = true
	}
	return names
}

// The role and the database are made as the README says, and the server starts on them.
func TestReadmePostgres(t *testing.T) {
	t.Parallel()
	socket, err := url.Parse(pgtest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	const name = "elizad_of_the_readme" // the tests' server has an elizad role already
	query := socket.Query()
	env := []string{"PGHOST=" + query.Get("host"), "PGUSER=postgres"}
	made := 0
	for _, block := range blocks(t, "sh") {
		for _, line := range lines(block) {
			if line, ok := strings.CutPrefix(line, "sudo -u postgres "); ok {
				line = strings.ReplaceAll(strings.Replace(line, " --pwprompt", "", 1), "elizad", name) // there is no terminal to type one
				command(t, t.TempDir(), env, "bash", "-ec", line)
				made++
			}
		}
	}
	query.Set("user", name)
	socket.Path, socket.RawQuery = "/"+name, query.Encode()
	p := start(t, t.TempDir(), "POSTGRES_URL="+socket.String())
	if status := get(t, p.url+"/health"); made != 2 || status != http.StatusOK {
		t.Errorf("after %d commands: status %d", made, status)
	}
	p.interrupt()
	command(t, t.TempDir(), env, "bash", "-ec", "dropdb "+name+" && dropuser "+name)
}

// The TypeScript of the README compiles in strict mode, and does what the README says.
func TestReadmeTypeScript(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	for i, block := range blocks(t, "ts") {
		write := func(ending string) string {
			script, err := os.CreateTemp("js", fmt.Sprintf("readme-%d-*%s", i, ending)) // where its imports are resolved
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = os.Remove(script.Name()) })
			if _, err := script.WriteString(strings.ReplaceAll(block, readmeAddress, p.url)); err != nil {
				t.Fatal(err)
			}
			_ = script.Close()
			return filepath.Base(script.Name())
		}
		node(t, "node_modules/typescript/bin/tsc", "--noEmit", "--strict", "--noUncheckedIndexedAccess",
			"--target", "es2022", "--module", "esnext", "--moduleResolution", "bundler", "--types", "node", write(".ts"))
		if out := node(t, write(".mjs")); !strings.Contains(out, "built-in responder") {
			t.Errorf("block %d printed %q", i, out)
		}
	}
}

// The Go programs of the README compile unchanged. The one that asks gets its answer, the one that serves answers.
func TestReadmeGo(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	_ = free.Close()
	for i, block := range blocks(t, "go") {
		dir := t.TempDir()
		source, program := filepath.Join(dir, "main.go"), filepath.Join(dir, "program")
		text := strings.NewReplacer(readmeAddress, p.url, "127.0.0.1:8080", address).Replace(block)
		if err := os.WriteFile(source, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		command(t, root, nil, "go", "build", "-o", program, source)
		if !strings.Contains(block, "ListenAndServe") {
			if out := command(t, dir, nil, program); !strings.Contains(out, "built-in responder") {
				t.Errorf("block %d printed %q", i, out)
			}
			continue
		}
		cmd := exec.CommandContext(t.Context(), program)
		cmd.Dir, cmd.Env = dir, []string{"HOME=" + dir, "ELIZAD_DATA_DIR=" + dir, "XDG_DATA_HOME=" + dir}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		page := command(t, dir, nil, "curl", "-s", "--retry", "60", "--retry-connrefused", "--retry-delay", "1", "http://"+address+"/eliza/")
		if !strings.Contains(page, `<base href="/eliza/" />`) {
			t.Errorf("block %d serves %q", i, page)
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	}
}

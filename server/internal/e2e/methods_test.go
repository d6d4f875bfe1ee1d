package e2e_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/elizad/elizad/server/internal/modeltest"
	"github.com/elizad/elizad/server/internal/pgtest"
)

// methodCount is how many methods version 1.7.2 of the client has: all that the prototypes of its ten services hold (108), less
// the six that its type declarations call private. The one that sends no request, system.deleteLog, counts too.
const methodCount = 102

// databases are the engines that everything runs on. Each returns the variables that choose it.
var databases = map[string]func(*testing.T) []string{
	"sqlite":   func(*testing.T) []string { return nil },
	"postgres": func(t *testing.T) []string { return []string{"POSTGRES_URL=" + pgtest.EmptyURL(t)} },
}

// onEachDatabase runs a test once for each engine. The test gets the variables that choose it.
func onEachDatabase(t *testing.T, test func(t *testing.T, env []string)) {
	t.Helper()
	t.Parallel()
	for _, name := range slices.Sorted(maps.Keys(databases)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, databases[name](t))
		})
	}
}

// TestClientMethods calls every method of the published TypeScript client, each in its own test, against a server that uses a
// vendor's models. The last one stops the server, which then ends by itself.
func TestClientMethods(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, env []string) {
		p := start(t, t.TempDir(), append(env, speech(t)...)...)
		if n := methods(t, "all", p, ""); n != methodCount {
			t.Errorf("%d methods were called, want %d", n, methodCount)
		} else {
			t.Logf("%d methods", n)
		}
		if code := p.exitCode(); code != 0 {
			t.Errorf("the server that was asked to stop ended with %d", code)
		}
	})
}

// TestSpeechMethodsWithoutAVendor calls those that need a model for speech where there is none.
func TestSpeechMethodsWithoutAVendor(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	if n := methods(t, "speechless", p, ""); n != 5 {
		t.Errorf("%d methods were called, want 5", n)
	}
}

// olderClients are earlier and later versions of the client, with the number of their methods that are not private.
var olderClients = map[string]int{
	"1.3.2": 83, "1.4.2": 90, "1.5.7": 90, "1.6.1": 92, "1.6.5": 101, "1.7.0": 102, "1.7.3-alpha.4": 102,
}

// TestOtherVersionsOfTheClient calls every method of the versions of the client that are still in use.
func TestOtherVersionsOfTheClient(t *testing.T) {
	t.Parallel()
	for version, count := range olderClients {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			file, err := filepath.Abs(filepath.Join("js", "older", "node_modules", "api-client-"+version, "dist", "index.js"))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(file); err != nil {
				t.Fatalf("the older clients are not installed; run: npm ci --prefix server/internal/e2e/js/older (%v)", err)
			}
			p := start(t, t.TempDir(), speech(t)...)
			if n := methods(t, "all", p, file); n != count {
				t.Errorf("%d methods were called, want %d", n, count)
			}
		})
	}
}

// methods runs methods.mjs with the client in a file, or the newest, makes a test of each method that it reports, and returns
// how many those were.
func methods(t *testing.T, which string, p *process, client string) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), scriptPatience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "methods.mjs", which, "--url", p.url, "--key", p.ownerToken())
	cmd.Dir = scripts(t)
	if client != "" {
		cmd.Env = append(os.Environ(), "API_CLIENT="+client)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	results, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	count := 0
	for lines := bufio.NewScanner(results); lines.Scan(); count++ {
		var result struct{ Name, Problem string }
		if err := json.Unmarshal(lines.Bytes(), &result); err != nil {
			t.Errorf("%s: %v", lines.Text(), err)
			continue
		}
		t.Run(result.Name, func(t *testing.T) {
			if result.Problem != "" {
				t.Error(result.Problem)
			}
		})
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("methods.mjs %s: %v\n%s", which, err, &stderr)
	}
	return count
}

// wavHead is the length of a recording's header, after which its words come.
const wavHead = 44

// speech sets up a vendor of speech models, and returns the variables that configure it. Its transcription is the text in a
// recording; its sounds hold the text that they speak. What agents write comes from the built-in responder.
func speech(t *testing.T) []string {
	t.Helper()
	m := modeltest.New(t, func(modeltest.Request) modeltest.Script { return modeltest.Fail(400, "no texts here") })
	m.Hear(func(h modeltest.Heard) modeltest.Script {
		if len(h.Audio) < wavHead {
			return modeltest.Fail(400, "the recording breaks off")
		}
		return modeltest.Say(string(h.Audio[wavHead:]))
	})
	m.Speak(func(s modeltest.Spoken) modeltest.Sound {
		return modeltest.Sound{Pieces: [][]byte{[]byte("ID3\x04\x00\x00\x00\x00\x00\x00"), []byte(s.Voice + " says " + s.Input)}}
	})
	return []string{
		"MODEL_PROVIDER=builtin", "OPENAI_BASE_URL=" + m.URL, "OPENAI_API_KEY=key",
		"OPENAI_TRANSCRIPTION_MODEL=ears", "OPENAI_TTS_MODEL=mouth", "OPENAI_TTS_VOICE=nova",
	}
}

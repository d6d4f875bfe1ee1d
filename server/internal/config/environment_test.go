package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/elizad/elizad/server/internal/config"
)

func sprint(v any) string { return fmt.Sprintf("%v", v) }

// write makes a file and the folders above it.
func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// unset removes variables for the time of the test.
func unset(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		t.Setenv(name, "")
		if err := os.Unsetenv(name); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLoadEnvironment(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "a", "b")
	write(t, filepath.Join(root, ".env"), "PORT=1\n") // hidden by the nearer one
	write(t, filepath.Join(root, "a", ".env"), "PORT=3\nSERVER_HOST=from-env\nGROQ_API_KEY=from-env\nLOG_LEVEL=from-env\nXAI_API_KEY=\n")
	write(t, filepath.Join(root, "a", ".env.local"), "LOG_LEVEL=not-searched-above\n")
	write(t, filepath.Join(dir, ".env.local"), "PORT=2\nGROQ_API_KEY=from-local\n")
	unset(t, "PORT", "LOG_LEVEL")
	t.Setenv("SERVER_HOST", "real")
	t.Setenv("GROQ_API_KEY", "") // as compose files write it
	t.Setenv("XAI_API_KEY", "")

	t.Chdir(dir)
	files, err := config.LoadEnvironment(".")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{filepath.Join(dir, ".env.local"), filepath.Join(root, "a", ".env")}, files); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	for name, want := range map[string]string{
		"PORT": "2", "SERVER_HOST": "real", "GROQ_API_KEY": "from-local", "LOG_LEVEL": "from-env", "XAI_API_KEY": "",
	} {
		if got := os.Getenv(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	if _, set := os.LookupEnv("XAI_API_KEY"); set {
		t.Error("an empty variable is still set")
	}
}

func TestLoadEnvironmentHidesWhatItCannotRead(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, ".env"), "OPENAI_API_KEY sk-hunter2\n")
	_, err := config.LoadEnvironment(dir)
	if err == nil || !strings.Contains(err.Error(), ".env") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("error is %v; it must name the file and not the content", err)
	}
}

func TestConflicts(t *testing.T) {
	t.Parallel()
	got := config.Conflicts([]string{
		"SERVER_PORT=1", "PORT=2", "POSTGRES_URL=postgres://a", "DATABASE_URL=postgres://a", "SERVER_HOST=", "HOST=x",
	})
	if diff := cmp.Diff([]string{"SERVER_PORT and PORT are both set and differ: SERVER_PORT is used"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAgentEnvironment(t *testing.T) {
	t.Parallel()
	env := config.ReadAgentEnvironment([]string{
		"OPENAI_API_KEY=sk-1", "GROQ_API_KEY=", "HOME=/root", "AWS_SECRET_ACCESS_KEY=x",
		"CHARACTER.Dr_Who.VOICE=tenor", "CHARACTER.B850BC30-45F8-0041-A00A-83DF46D8555D.VOICE=bass",
		"CHARACTER.B850BC30-45F8-0041-A00A-83DF46D8555D.KEY=a=b", "CHARACTER.NOKEY=x", "CHARACTER..=x",
	})
	for name, want := range map[string]string{"OPENAI_API_KEY": "sk-1", "GROQ_API_KEY": "", "HOME": "", "AWS_SECRET_ACCESS_KEY": ""} {
		if got, ok := env.Lookup(name); got != want || ok != (want != "") {
			t.Errorf("Lookup(%s) = %q, %v; want %q", name, got, ok, want)
		}
	}
	const id = "b850bc30-45f8-0041-a00a-83df46d8555d"
	if diff := cmp.Diff(map[string]string{"VOICE": "tenor"}, env.Character("Dr. Who", "")); diff == "" {
		t.Error("Dr. Who folds to DR__WHO, which is not DR_WHO")
	}
	if diff := cmp.Diff(map[string]string{"VOICE": "tenor"}, env.Character("dr who", "")); diff != "" {
		t.Errorf("by name (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"VOICE": "bass", "KEY": "a=b"}, env.Character("dr who", id)); diff != "" {
		t.Errorf("by name and id (-want +got):\n%s", diff)
	}
	if text := fmt.Sprintf("%v %+v %#v", env, env, env); strings.Contains(text, "sk-1") {
		t.Errorf("printing shows a secret: %s", text)
	}
	if _, ok := (config.AgentEnvironment{}).Lookup("OPENAI_API_KEY"); ok {
		t.Error("the zero value knows a setting")
	}
}

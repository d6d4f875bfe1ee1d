package settings_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/elizad/elizad/server/settings"
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

// unset removes variables while the test runs.
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
	dir := filepath.Join(root, "a")
	write(t, filepath.Join(root, ".env"), "DATABASE_URL=postgres://another/application\n") // above: another program's
	write(t, filepath.Join(dir, ".env"), "\uFEFFPORT=3\r\nSERVER_HOST=from-env\r\nGROQ_API_KEY=from-env\r\nLOG_LEVEL=from-env\r\nXAI_API_KEY=\r\nOPENAI_API_KEY='pa$SWORD-12 '\r\n")
	write(t, filepath.Join(dir, ".env.local"), "PORT=2\nGROQ_API_KEY=from-local\n")
	unset(t, "PORT", "LOG_LEVEL", "DATABASE_URL", "OPENAI_API_KEY")
	t.Setenv("SERVER_HOST", "real\r")
	t.Setenv("GROQ_API_KEY", "") // as compose files write it
	t.Setenv("XAI_API_KEY", " \n")
	t.Setenv("CHARACTER.Ada.VOICE", "alto\n")
	t.Setenv("ELIZAD_TEST_OF_OTHERS", " stays\n")

	t.Chdir(dir)
	sources, err := settings.LoadEnvironment(".")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(settings.Sources{Files: []string{filepath.Join(dir, ".env.local"), filepath.Join(dir, ".env")}}, sources); diff != "" {
		t.Errorf("sources (-want +got):\n%s", diff)
	}
	for name, want := range map[string]string{
		"PORT": "2", "SERVER_HOST": "real", "GROQ_API_KEY": "from-local", "LOG_LEVEL": "from-env", "OPENAI_API_KEY": "pa$SWORD-12",
		"CHARACTER.Ada.VOICE": "alto", "ELIZAD_TEST_OF_OTHERS": " stays\n",
	} {
		if got := os.Getenv(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	for _, name := range []string{"XAI_API_KEY", "DATABASE_URL"} {
		if _, set := os.LookupEnv(name); set {
			t.Errorf("%s is set", name)
		}
	}
}

// A line that may be a setting must not be ignored silently: the server would be open, or on another database.
func TestLoadEnvironmentRefusesALostSetting(t *testing.T) {
	for text, line := range map[string]string{
		"OPENAI_API_KEY sk-hunter2\n":                      "line 1",
		"A=1\nELIZA_SERVER_AUTH_TOKEN=\"sk-hunter2\nB=2\n": "line 2",
		"$env:POSTGRES_URL = 'sk-hunter2'\n":               "line 1",
		"\n\nXAI_API_KEY=sk-hunter2\xe9\n":                 "line 3 is not UTF-8",
		"\xFF\xFE\x00\x00P\x00\x00\x00":                    "is UTF-32",
	} {
		dir := t.TempDir()
		write(t, filepath.Join(dir, ".env"), text)
		_, err := settings.LoadEnvironment(dir)
		if err == nil || !strings.Contains(err.Error(), filepath.Join(dir, ".env")) || !strings.Contains(err.Error(), line) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: error is %v; it must name the file and the line and not the content", text, err)
		}
	}
}

func TestLoadEnvironmentNotesWhatIsOdd(t *testing.T) {
	dir := t.TempDir()
	unset(t, "PORT", "SMALL_MODEL", "LARGE_MODEL")
	write(t, filepath.Join(dir, ".env"), "hello hunter2\nPORT=1\nPORT=2\nSMALL_MODEL=${hunter}\nLARGE_MODEL=same\nLARGE_MODEL=same\n# caf\xe9\n")
	if err := os.Mkdir(filepath.Join(dir, ".env.local"), 0o700); err != nil { // some tools keep a folder of that name
		t.Fatal(err)
	}
	sources, err := settings.LoadEnvironment(dir)
	if err != nil || os.Getenv("PORT") != "2" || len(sources.Files) != 1 {
		t.Fatalf("%v, PORT %q, %+v", err, os.Getenv("PORT"), sources)
	}
	notes := strings.Join(sources.Notes, "\n")
	if len(sources.Notes) != 3 || !strings.Contains(notes, "line 1 ") || !strings.Contains(notes, "line 2 and in line 3") || !strings.Contains(notes, "SMALL_MODEL is kept") ||
		strings.Contains(notes, "hunter") {
		t.Errorf("notes %q", sources.Notes)
	}
}

func TestConflicts(t *testing.T) {
	t.Parallel()
	got := settings.Conflicts([]string{
		"SERVER_PORT=1", "PORT=2", "POSTGRES_URL=postgres://a", "DATABASE_URL=postgres://a", "SERVER_HOST=", "HOST=x",
	})
	if diff := cmp.Diff([]string{"SERVER_PORT and PORT are both set and differ: SERVER_PORT is used"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAgentEnvironment(t *testing.T) {
	t.Parallel()
	const (
		who   = "b850bc30-45f8-0041-a00a-83df46d8555d"
		kay   = "00000000-0000-0000-0000-000000000001"
		kayTo = "00000000-0000-0000-0000-000000000002"
		twin1 = "00000000-0000-0000-0000-000000000003"
		twin2 = "00000000-0000-0000-0000-000000000004"
		none  = "00000000-0000-0000-0000-000000000005"
	)
	env := settings.ReadAgentEnvironment([]string{
		"OPENAI_API_KEY=sk-1", "GROQ_API_KEY=", "HOME=/root", "AWS_SECRET_ACCESS_KEY=x", "ELIZAD_MASTER_KEY=x",
		"CHARACTER.Dr_Who.VOICE=tenor", "CHARACTER.B850BC30-45F8-0041-A00A-83DF46D8555D.VOICE=bass",
		"CHARACTER.B850BC30-45F8-0041-A00A-83DF46D8555D.KEY=a=b", "CHARACTER.NOKEY=x", "CHARACTER..=x",
		"KAY_OPENAI_API_KEY=sk-kay", "KAY_TO_GROQ_API_KEY=gsk", "KAY_HOME=/x", "CHARACTER.TWIN_.VOICE=alto", "TWIN__OPENAI_API_KEY=sk-twin",
		"ELIZAD_SMALL_MODEL=x", "_SMALL_MODEL=x",
	}).WithAgents(map[string]string{who: "dr who", kay: "Kay", kayTo: "Kay to", twin1: "twin!", twin2: "Twin?"})
	for name, want := range map[string]string{"OPENAI_API_KEY": "sk-1", "GROQ_API_KEY": "", "HOME": "", "AWS_SECRET_ACCESS_KEY": "", "ELIZAD_MASTER_KEY": ""} {
		if got, stored, ok := env.Lookup(name); got != want || stored || ok != (want != "") {
			t.Errorf("Lookup(%s) = %q, %v, %v; want %q", name, got, stored, ok, want)
		}
	}
	for id, want := range map[string]map[string]string{
		who:                  {"VOICE": "bass", "KEY": "a=b"},
		strings.ToUpper(who): {"VOICE": "bass", "KEY": "a=b"},
		kay:                  {"OPENAI_API_KEY": "sk-kay"},
		kayTo:                {"GROQ_API_KEY": "gsk"}, // and not Kay's TO_GROQ_API_KEY
		twin1:                {},
		twin2:                {},
		none:                 {},
	} {
		if diff := cmp.Diff(want, env.Character(id)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", id, diff)
		}
	}
	if text := fmt.Sprintf("%v %+v %#v", env, env, env); strings.Contains(text, "sk-1") {
		t.Errorf("printing shows a secret: %s", text)
	}
	if _, _, ok := (settings.AgentEnvironment{}).Lookup("OPENAI_API_KEY"); ok {
		t.Error("the zero value knows a setting")
	}
}

func TestStoredSettingsAreBelowTheEnvironment(t *testing.T) {
	t.Parallel()
	env := settings.ReadAgentEnvironment([]string{"OPENAI_API_KEY=sk-1", "OPENAI_BASE_URL=http://both"}).
		WithStored(map[string]string{"OPENAI_API_KEY": "sk-2", "OPENAI_BASE_URL": "http://both", "DICE_SIDES": "6"})
	type found struct {
		Value      string
		Stored, OK bool
	}
	for name, want := range map[string]found{
		"OPENAI_API_KEY":  {"sk-1", false, true},
		"OPENAI_BASE_URL": {"http://both", true, true}, // the stored file may have been loaded into the environment
		"DICE_SIDES":      {"6", true, true},
		"HOME":            {},
	} {
		value, stored, ok := env.Lookup(name)
		if got := (found{value, stored, ok}); got != want {
			t.Errorf("Lookup(%s) = %+v, want %+v", name, got, want)
		}
	}
}

// The names that public .env files of ElizaOS have for models are read, or reported as unused.
func TestModelNamesOfElizaOS(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, s := range settings.AgentSettings() {
		for _, name := range s.Names() {
			known[name] = true
		}
	}
	data, err := os.ReadFile(filepath.Join("testdata", "elizaos-model-names"))
	if err != nil {
		t.Fatal(err)
	}
	var environ []string
	for name := range strings.FieldsSeq(string(data)) {
		environ = append(environ, name+"=value")
	}
	unused := settings.ReadAgentEnvironment(environ).Unused()
	for name := range strings.FieldsSeq(string(data)) {
		if known[name] == slices.Contains(unused, name) {
			t.Errorf("%s: used %v, named as not used %v", name, known[name], !known[name])
		}
	}
	if got := settings.ReadAgentEnvironment([]string{"PATH=/bin", "HOME=/", "AWS_SECRET_ACCESS_KEY=x", "MODEL=x", "EDITOR=vi"}).Unused(); len(got) > 0 {
		t.Errorf("variables of other programs are named: %v", got)
	}
}

// If the file that stores callers' settings is also the .env of the working directory, the process ignores all of it.
func TestStoredFileIsNotObeyed(t *testing.T) {
	dir := t.TempDir()
	text := settings.StoredHeader + "\nKEYS_TEST_PROXY=http://evil\nCONVERSATION_LENGTH=7\n"
	if err := os.WriteFile(filepath.Join(dir, ".env"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CONVERSATION_LENGTH", "")
	if _, err := settings.LoadEnvironment(dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Unsetenv("CONVERSATION_LENGTH") })
	if v, ok := os.LookupEnv("KEYS_TEST_PROXY"); ok {
		t.Errorf("it is set to %q", v)
	}
	if os.Getenv("CONVERSATION_LENGTH") != "7" {
		t.Error("what the owner wrote there about the server is lost")
	}
}

package server_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/elizad/elizad/server/internal/dotenv"
)

// The .env files that users bring from elsewhere lead to the models that they name.
func TestModelSettingsFromElsewhere(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]struct{ address, model, key, path string }{
		"14-model-names-of-older-files.env": {"http://127.0.0.1:1234/v1", "gpt-4o", "test-key-123456", "POST /v1/chat/completions"},
		"20-ollama-with-the-full-path.env":  {"http://127.0.0.1:11434/api/chat", "llama3.2", "", "POST /v1/chat/completions"},
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(filepath.Join("testdata", "cases", file))
			if err != nil {
				t.Fatal(err)
			}
			parsed, err := dotenv.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			m := newSink(t)
			var env []string
			for name, value := range parsed.Values() {
				if value == want.address { // the same, where the test listens
					value = m.URL + value[len("http://"):][strings.IndexByte(value[len("http://"):], '/'):]
				}
				env = append(env, name+"="+value)
			}
			n := start(t, t.TempDir(), env...)
			n.use(n.agentID())
			if body, _ := json.Marshal(want.model); !m.saw(want.path) || !m.saw(`"model":`+string(body)) || !m.saw(want.key) {
				t.Errorf("what arrived: %s", m.all.String())
			}
		})
	}
}

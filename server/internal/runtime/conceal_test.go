package runtime_test

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/internal/runtime"
)

// secretsBench is a bench with one agent whose settings can be looked up and whose stored form can be read.
type secretsBench struct {
	*bench
	id     uuid.UUID
	lookup func(string) (string, bool)
	plugin map[string]any // settings as a plugin last saw them
}

func withSecrets(t *testing.T, character string) *secretsBench {
	t.Helper()
	s := &secretsBench{}
	registry, err := agent.NewRegistry(agent.Plugin{Name: "probe", Provision: func(_ context.Context, setup agent.Setup) (agent.Components, error) {
		s.plugin = setup.Character.Settings
		return agent.Components{}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	s.bench = setup(t, choose(func(r runtime.ModelRequest) runtime.ModelChoice {
		s.lookup = func(name string) (string, bool) { found, ok := r.Lookup(name); return found.Value, ok }
		return runtime.ModelChoice{Provider: runtime.Misconfigured("x", "")}
	}), func(c *runtime.Config) { c.Plugins = registry })
	a, _, err := s.create(t, character)
	if err != nil {
		t.Fatal(err)
	}
	s.id = a.ID
	return s
}

// update changes the agent.
func (s *secretsBench) update(t *testing.T, text string) runtime.Agent {
	t.Helper()
	a, err := s.Agents().Update(t.Context(), s.who, s.id, patch(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return a
}

// row returns what is stored of the agent.
func (s *secretsBench) row(t *testing.T) (row db.Agent) {
	t.Helper()
	if err := s.store.View(t.Context(), s.who.Scope(), func(q db.Scoped) (err error) { row, err = q.GetAgent(t.Context(), s.id); return err }); err != nil {
		t.Fatal(err)
	}
	return row
}

// want compares the secrets by name, and checks that none of their values is stored or shown.
func (s *secretsBench) want(t *testing.T, secrets map[string]string, settings string) {
	t.Helper()
	a, err := s.Agents().Get(t.Context(), s.who, s.id)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(secrets)), a.SecretKeys); diff != "" && len(secrets)+len(a.SecretKeys) > 0 {
		t.Errorf("names of secrets (-want +got):\n%s", diff)
	}
	for name, value := range secrets {
		if got, ok := s.lookup(name); !ok || got != value {
			t.Errorf("%s = %q, %v; want %q", name, got, ok, value)
		}
	}
	shown, err := json.Marshal(a.Character)
	if err != nil {
		t.Fatal(err)
	}
	row := s.row(t)
	for what, text := range map[string]string{"the answer": string(shown), "the stored character": string(row.Character), "the stored secrets": string(row.Secrets), "the log": s.log.String()} {
		if strings.Contains(text, "canary") {
			t.Errorf("%s shows a secret: %s", what, text)
		}
	}
	var got, wanted any
	text, _ := json.Marshal(a.Character.Settings)
	_ = json.Unmarshal(text, &got)
	if err := json.Unmarshal([]byte(settings), &wanted); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(wanted, got); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
}

func TestSecretsByName(t *testing.T) {
	t.Parallel()
	s := withSecrets(t, `{"name":"Ada","bio":"x","plugins":["probe"],"settings":{
		"OPENAI_API_KEY":"canary-1","MODEL_MAX_TOKEN":"4096","tokens":3,"model":"m",
		"discord":{"botToken":"canary-2","guild":"g","credentials":{"user":"canary-3"}},
		"servers":[{"name":"a","headers":{"Authorization":"canary-4"}},{"name":"b","apiKey":"canary-5"}],
		"secrets":{"GROQ_API_KEY":"canary-6"}},
		"metadata":{"password":"canary-7","author":"me"},"documents":[{"token":"canary-8"}]}`)
	const mask = agent.SecretMask
	const inner = `"discord":{"botToken":"` + mask + `","guild":"g","credentials":{"user":"` + mask + `"}},
		"servers":[{"name":"a","headers":{"Authorization":"` + mask + `"}},{"name":"b","apiKey":"` + mask + `"}]`
	const settings = `{"MODEL_MAX_TOKEN":"4096","tokens":3,"model":"m",` + inner + `}`
	s.want(t, map[string]string{"OPENAI_API_KEY": "canary-1", "GROQ_API_KEY": "canary-6"}, settings)
	seen, err := json.Marshal(s.plugin)
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range []string{"canary-2", "canary-3", "canary-4", "canary-5"} {
		if !strings.Contains(string(seen), value) {
			t.Errorf("a plugin doesn't see %s in %s", value, seen)
		}
	}

	// Masks that are sent back change nothing.
	before := s.row(t)
	got, err := s.Agents().Get(t.Context(), s.who, s.id)
	if err != nil {
		t.Fatal(err)
	}
	complete, err := json.Marshal(got.Character)
	if err != nil {
		t.Fatal(err)
	}
	s.update(t, string(complete))
	s.update(t, `{"settings":{"OPENAI_API_KEY":"`+mask+`","secrets":{"GROQ_API_KEY":"`+mask+`"}}}`)
	if after := s.row(t); after.Version != before.Version {
		t.Errorf("a character that comes back as it was read is another: %s", after.Character)
	}

	s.update(t, `{"settings":{"OPENAI_API_KEY":"canary-9","discord":{"botToken":null},"servers":[{"name":"c"},{"name":"b","apiKey":"`+mask+`"}]}}`)
	s.want(t, map[string]string{"OPENAI_API_KEY": "canary-9", "GROQ_API_KEY": "canary-6"},
		`{"MODEL_MAX_TOKEN":"4096","tokens":3,"model":"m","discord":{"guild":"g","credentials":{"user":"`+mask+`"}},"servers":[{"name":"c"},{"name":"b","apiKey":"`+mask+`"}]}`)
	if seen, _ = json.Marshal(s.plugin); !strings.Contains(string(seen), "canary-5") || strings.Contains(string(seen), "canary-2") || strings.Contains(string(seen), "canary-4") {
		t.Errorf("a plugin sees %s", seen)
	}
	s.update(t, `{"settings":{"OPENAI_API_KEY":null,"discord":{"credentials":{"user":"canary-10"}},"unknown":{"token":"`+mask+`"}}}`)
	s.want(t, map[string]string{"GROQ_API_KEY": "canary-6"},
		`{"MODEL_MAX_TOKEN":"4096","tokens":3,"model":"m","discord":{"guild":"g","credentials":{"user":"`+mask+`"}},"servers":[{"name":"c"},{"name":"b","apiKey":"`+mask+`"}],"unknown":{}}`)
	s.update(t, `{"secrets":null}`)
	s.want(t, nil, `{"MODEL_MAX_TOKEN":"4096","tokens":3,"model":"m","discord":{"guild":"g","credentials":{}},"servers":[{"name":"c"},{"name":"b"}],"unknown":{}}`)
}

// The same agent again, with its secrets in settings, is no conflict; with another value it is.
func TestCreateAgainWithSecretsByName(t *testing.T) {
	t.Parallel()
	const text = `{"name":"Ada","bio":"x","settings":{"API_KEY":"canary","deep":{"token":"canary"}}}`
	s := withSecrets(t, text)
	if _, created, err := s.create(t, text); err != nil || created {
		t.Errorf("%v, %v", created, err)
	}
	if _, _, err := s.create(t, strings.Replace(text, `"token":"canary"`, `"token":"other"`, 1)); err == nil {
		t.Error("another secret is no conflict")
	}
}

// A change of the address for a secret drops it, unless the change includes it.
func TestChangesOfAddressesDropSecrets(t *testing.T) {
	t.Parallel()
	const start = `{"name":"Ada","bio":"x","settings":{"OPENAI_BASE_URL":"https://mine.example/v1","foo":{"url":"https://foo.example","token":"canary-foo"}},
		"secrets":{"OPENAI_API_KEY":"canary-1","GROQ_API_KEY":"canary-2","BAR_TOKEN":"canary-3"}}`
	for name, test := range map[string]struct {
		patch string
		gone  []string
	}{
		"an address":              {`{"settings":{"OPENAI_BASE_URL":"https://evil.example/v1"}}`, []string{"OPENAI_API_KEY"}},
		"its path":                {`{"settings":{"OPENAI_BASE_URL":"https://mine.example/other"}}`, []string{"OPENAI_API_KEY"}},
		"another name of it":      {`{"settings":{"OPENAI_BASE_URL":null,"OPENAI_API_URL":"https://evil.example"}}`, []string{"OPENAI_API_KEY"}},
		"as a secret":             {`{"secrets":{"OPENAI_BASE_URL":"https://evil.example/v1"}}`, []string{"OPENAI_API_KEY"}},
		"under settings.secrets":  {`{"settings":{"secrets":{"GROQ_BASE_URL":"https://evil.example/v1"}}}`, []string{"GROQ_API_KEY"}},
		"two at once":             {`{"settings":{"GROQ_API_URL":"https://evil.example/v1","OPENAI_BASE_URL":"https://evil.example/v1"}}`, []string{"GROQ_API_KEY", "OPENAI_API_KEY"}},
		"with the mask":           {`{"settings":{"OPENAI_BASE_URL":"https://evil.example/v1","secrets":{"OPENAI_API_KEY":"********"}}}`, []string{"OPENAI_API_KEY"}},
		"with the key":            {`{"settings":{"OPENAI_BASE_URL":"https://evil.example/v1","secrets":{"OPENAI_API_KEY":"canary-4"}}}`, nil},
		"with the key elsewhere":  {`{"settings":{"OPENAI_BASE_URL":"https://evil.example/v1","OPENAI_API_KEY":"canary-4"}}`, nil},
		"the vendor's own":        {`{"settings":{"OPENAI_BASE_URL":"https://api.openai.com/v1"}}`, nil},
		"none":                    {`{"settings":{"OPENAI_BASE_URL":null}}`, nil},
		"the same in other words": {`{"settings":{"OPENAI_BASE_URL":"https://mine.example/v1/chat/completions"}}`, nil},
		"in clear text":           {`{"settings":{"GROQ_BASE_URL":"http://api.groq.com/openai/v1"}}`, []string{"GROQ_API_KEY"}},
		"a provider":              {`{"settings":{"modelProvider":"groq"},"plugins":["@elizaos/plugin-groq"]}`, nil},
		"a plugin's address":      {`{"settings":{"BAR_ENDPOINT":"https://evil.example"}}`, []string{"BAR_TOKEN"}},
		"a nested address":        {`{"settings":{"foo":{"url":"https://evil.example"}}}`, []string{"/settings/foo/token"}},
		"beside the address":      {`{"settings":{"foo":{"host":"evil.example"}}}`, []string{"/settings/foo/token"}},
		"a proxy":                 {`{"settings":{"proxy":"http://evil.example"}}`, []string{"/settings/foo/token", "BAR_TOKEN", "GROQ_API_KEY", "OPENAI_API_KEY"}},
		"a name":                  {`{"name":"Eve","bio":"y","settings":{"OPENAI_LARGE_MODEL":"m","avatar":"https://x.example/a.png"}}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := withSecrets(t, start)
			a := s.update(t, test.patch)
			all := []string{"/settings/foo/token", "BAR_TOKEN", "GROQ_API_KEY", "OPENAI_API_KEY"}
			for _, secret := range all {
				there := slices.Contains(a.SecretKeys, secret)
				if strings.HasPrefix(secret, "/") {
					foo, _ := a.Character.Settings["foo"].(map[string]any)
					_, there = foo["token"]
				}
				if gone := slices.Contains(test.gone, secret); gone == there {
					t.Errorf("%s is there: %v", secret, there)
				}
				if slices.Contains(test.gone, secret) != strings.Contains(a.Notice, secret) {
					t.Errorf("the answer says %q", a.Notice)
				}
			}
			if len(test.gone) > 0 && !strings.Contains(s.log.String(), "secrets removed") {
				t.Error("the log says nothing")
			}
		})
	}
}

package openai_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/elizad/elizad/server/model"
	"github.com/elizad/elizad/server/model/openai"
)

type settings map[string]string

func (s settings) lookup(name string) (string, bool) {
	v, ok := s[name]
	return v, ok
}

func TestDetect(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		settings settings
		vendor   string // empty: none
		reason   []string
	}{
		"nothing":                   {settings{}, "", []string{"no key"}},
		"OpenAI key":                {settings{"OPENAI_API_KEY": "sk-0123456789abcdefghij"}, "openai", []string{"OPENAI_API_KEY"}},
		"base URL alone":            {settings{"OPENAI_BASE_URL": "http://10.0.0.5:8000"}, "openai", []string{"OPENAI_BASE_URL"}},
		"Anthropic before OpenAI":   {settings{"OPENAI_API_KEY": "sk-0123456789abcdefghij", "ANTHROPIC_API_KEY": "sk-ant-0123456789abcdef"}, "anthropic", nil},
		"OpenRouter before OpenAI":  {settings{"OPENAI_API_KEY": "sk-0123456789abcdefghij", "OPENROUTER_API_KEY": "sk-or-0123456789abcdef"}, "openrouter", nil},
		"another name for a key":    {settings{"GEMINI_API_KEY": "AIza0123456789"}, "google", []string{"GEMINI_API_KEY"}},
		"service before local":      {settings{"OLLAMA_HOST": "localhost", "GROQ_API_KEY": "gsk_0123456789"}, "groq", nil},
		"local by address":          {settings{"OLLAMA_API_ENDPOINT": "http://localhost:11434/api"}, "ollama", []string{"OLLAMA_API_ENDPOINT"}},
		"vLLM by address":           {settings{"VLLM_BASE_URL": "http://localhost:8000"}, "vllm", nil},
		"base URL without a key":    {settings{"GROQ_BASE_URL": "https://proxy.example"}, "", nil},
		"placeholder":               {settings{"OPENAI_API_KEY": "your_openai_api_key"}, "", []string{"OPENAI_API_KEY", "placeholder"}},
		"placeholder, then a key":   {settings{"OPENAI_API_KEY": "sk-...", "MISTRAL_API_KEY": "0123456789abcdef"}, "mistral", []string{"MISTRAL_API_KEY is set", "OPENAI_API_KEY"}},
		"too short to be issued":    {settings{"OPENAI_API_KEY": "sk-1234"}, "", []string{"OPENAI_API_KEY"}},
		"short key, private server": {settings{"OPENAI_API_KEY": "sk-1234", "OPENAI_BASE_URL": "http://litellm:4000"}, "openai", []string{"OPENAI_API_KEY is set"}},
		"blank":                     {settings{"OPENAI_API_KEY": "  ", "OPENAI_BASE_URL": ""}, "", nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			vendor, reason, ok := openai.Detect(test.settings.lookup)
			if vendor.Name != test.vendor || ok != (test.vendor != "") {
				t.Errorf("found %q, %t because %s", vendor.Name, ok, reason)
			}
			for _, words := range test.reason {
				if !strings.Contains(reason, words) {
					t.Errorf("the reason %q says nothing of %q", reason, words)
				}
			}
		})
	}
}

func TestVendorConfig(t *testing.T) {
	t.Parallel()
	type config struct{ URL, Key, Small, Large, LargeSetting string }
	tests := map[string]struct {
		vendor   string
		settings settings
		want     config
	}{
		"defaults": {"openai", settings{"OPENAI_API_KEY": "sk-0123456789abcdefghij"},
			config{"https://api.openai.com/v1", "sk-0123456789abcdefghij", "gpt-5.4-nano", "gpt-5.4-mini", "OPENAI_LARGE_MODEL"}},
		"models of one's own": {"openai", settings{"OPENAI_API_KEY": "sk-0123456789abcdefghij", "OPENAI_SMALL_MODEL": "s", "LARGE_MODEL": "l"},
			config{"https://api.openai.com/v1", "sk-0123456789abcdefghij", "s", "l", "LARGE_MODEL"}},
		"another server": {"openai", settings{"OPENAI_BASE_URL": "http://10.0.0.5:8000", "OPENAI_LARGE_MODEL": "l"},
			config{"http://10.0.0.5:8000", "", "l", "l", "OPENAI_LARGE_MODEL"}},
		"legacy names": {"groq", settings{"GROQ_API_KEY": "gsk_0123456789", "LARGE_GROQ_MODEL": "l"},
			config{"https://api.groq.com/openai/v1", "gsk_0123456789", "llama-3.1-8b-instant", "l", "LARGE_GROQ_MODEL"}},
		"Ollama's API path": {"ollama", settings{"OLLAMA_API_ENDPOINT": "http://localhost:11434/api/"},
			config{"http://localhost:11434/v1", "", "", "", "OLLAMA_LARGE_MODEL"}},
		"Ollama's listening address": {"ollama", settings{"OLLAMA_HOST": "0.0.0.0"}, config{"http://127.0.0.1:11434/v1", "", "", "", "OLLAMA_LARGE_MODEL"}},
		"Ollama by host and port":    {"ollama", settings{"OLLAMA_HOST": "box:9000"}, config{"http://box:9000/v1", "", "", "", "OLLAMA_LARGE_MODEL"}},
		"Ollama over IPv6":           {"ollama", settings{"OLLAMA_HOST": "[::1]"}, config{"http://[::1]:11434/v1", "", "", "", "OLLAMA_LARGE_MODEL"}},
		"Ollama behind a proxy":      {"ollama", settings{"OLLAMA_BASE_URL": "https://ai.example/ollama/v1"}, config{"https://ai.example/ollama/v1", "", "", "", "OLLAMA_LARGE_MODEL"}},
		"Ollama by default":          {"ollama", settings{}, config{"http://127.0.0.1:11434/v1", "", "", "", "OLLAMA_LARGE_MODEL"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			vendor, ok := openai.VendorNamed(test.vendor)
			if !ok {
				t.Fatal("unknown vendor")
			}
			cfg, err := vendor.Config(test.settings.lookup)
			if err != nil {
				t.Fatal(err)
			}
			got := config{cfg.BaseURL, cfg.APIKey, cfg.SmallModel, cfg.LargeModel, cfg.Settings.LargeModel}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			if _, err := openai.New(cfg); err != nil {
				t.Error(err)
			}
		})
	}
	for value, words := range map[string]string{"": "GROQ_API_KEY is not set", "<your key>": "GROQ_API_KEY holds a placeholder"} {
		vendor, _ := openai.VendorNamed("groq")
		_, err := vendor.Config(settings{"GROQ_API_KEY": value}.lookup)
		if !model.IsKind(err, model.Auth) || !strings.Contains(err.Error(), words) {
			t.Errorf("key %q: %v", value, err)
		}
	}
}

func TestVendorNamed(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"openai": "openai", " OpenAI ": "openai", "@elizaos/plugin-google-genai": "google", "@elizaos-plugins/plugin-groq": "groq",
		"grok": "xai", "plugin-anthropic": "anthropic", "discord": "",
	} {
		if got, ok := openai.VendorNamed(name); got.Name != want || ok != (want != "") {
			t.Errorf("VendorNamed(%q) = %q, %t", name, got.Name, ok)
		}
	}
}

func TestBaseURLs(t *testing.T) {
	t.Parallel()
	var asked string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked = r.URL.RequestURI() }))
	t.Cleanup(server.Close)
	host := strings.TrimPrefix(server.URL, "http://")
	for base, want := range map[string]string{
		server.URL:                             "/v1/chat/completions",
		server.URL + "/":                       "/v1/chat/completions",
		host:                                   "/v1/chat/completions",
		server.URL + "/v1":                     "/v1/chat/completions",
		server.URL + "/v1/":                    "/v1/chat/completions",
		server.URL + "/api/v1":                 "/api/v1/chat/completions",
		server.URL + "/v1beta/openai/":         "/v1beta/openai/chat/completions",
		server.URL + "/v1/chat/completions":    "/v1/chat/completions",
		server.URL + "/deploy/x?api-version=1": "/deploy/x/chat/completions?api-version=1",
	} {
		_, _ = model.Collect(newClient(t, base, nil).Generate(t.Context(), ask("hi"))) // the empty answer is an error
		if asked != want {
			t.Errorf("base URL %s asks for %s, want %s", base, asked, want)
		}
	}
	for _, base := range []string{"", "ftp://host", "http://", "http://user:secret@ho st/", "https://:8080"} {
		_, err := openai.New(openai.Config{BaseURL: base})
		if !model.IsKind(err, model.Config) || strings.Contains(err.Error(), "secret") {
			t.Errorf("base URL %q: %v", base, err)
		}
	}
	if _, err := openai.New(openai.Config{BaseURL: server.URL, APIKey: "two words"}); !model.IsKind(err, model.Auth) {
		t.Errorf("key with a space: %v", err)
	}
}

package vendors_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/elizad/elizad/server/model"
	"github.com/elizad/elizad/server/model/vendors"
)

type settings map[string]string

func (s settings) lookup(name string) (model.Setting, bool) {
	v, ok := s[name]
	return model.Setting{Name: name, Value: v, Origin: model.FromOperator}, ok
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
			vendor, reason, ok := vendors.Detect(test.settings.lookup)
			if vendor.Name != test.vendor || ok != (test.vendor != "") {
				t.Errorf("found %q, %t because %s", vendor.Name, ok, reason)
			}
			for _, words := range test.reason {
				if !strings.Contains(reason, words) {
					t.Errorf("the reason %q doesn't mention %q", reason, words)
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
			config{"http://10.0.0.5:8000/v1", "", "l", "l", "OPENAI_LARGE_MODEL"}},
		"legacy names": {"groq", settings{"GROQ_API_KEY": "gsk_0123456789", "LARGE_GROQ_MODEL": "l"},
			config{"https://api.groq.com/openai/v1", "gsk_0123456789", "llama-3.1-8b-instant", "l", "LARGE_GROQ_MODEL"}},
		"Ollama's API path": {"ollama", settings{"OLLAMA_API_ENDPOINT": "http://localhost:11434/api/"},
			config{"http://localhost:11434/v1", "", "", "", "OLLAMA_LARGE_MODEL"}},
		"Ollama's call": {"ollama", settings{"OLLAMA_SERVER_URL": "http://127.0.0.1:11434/api/chat", "OLLAMA_MODEL": "m"},
			config{"http://127.0.0.1:11434/v1", "", "m", "m", "OLLAMA_MODEL"}},
		"names of older servers": {"openai", settings{"OPENAI_API_KEY": "test-key-123456", "OPENAI_BASE_URL": "http://127.0.0.1:1234/v1", "SMALL_OPENAI_MODEL": "gpt-4o-mini", "LARGE_OPENAI_MODEL": "gpt-4o"},
			config{"http://127.0.0.1:1234/v1", "test-key-123456", "gpt-4o-mini", "gpt-4o", "LARGE_OPENAI_MODEL"}},
		"three sizes": {"openai", settings{"OPENAI_API_KEY": "test-key-123456", "MEDIUM_OPENAI_MODEL": "m", "SMALL_OPENAI_MODEL": "s"},
			config{"https://api.openai.com/v1", "test-key-123456", "s", "m", "MEDIUM_OPENAI_MODEL"}},
		"another name of the vendor": {"xai", settings{"GROK_API_KEY": "xai-0123456789", "GROK_MODEL": "g"},
			config{"https://api.x.ai/v1", "xai-0123456789", "g", "g", "GROK_MODEL"}},
		"Ollama's listening address": {"ollama", settings{"OLLAMA_HOST": "0.0.0.0"}, config{"http://127.0.0.1:11434/v1", "", "", "", "OLLAMA_LARGE_MODEL"}},
		"Ollama by host and port":    {"ollama", settings{"OLLAMA_HOST": "box:9000"}, config{"http://box:9000/v1", "", "", "", "OLLAMA_LARGE_MODEL"}},
		"Ollama over IPv6":           {"ollama", settings{"OLLAMA_HOST": "[::1]"}, config{"http://[::1]:11434/v1", "", "", "", "OLLAMA_LARGE_MODEL"}},
		"Ollama behind a proxy":      {"ollama", settings{"OLLAMA_BASE_URL": "https://ai.example/ollama/v1"}, config{"https://ai.example/ollama/v1", "", "", "", "OLLAMA_LARGE_MODEL"}},
		"Ollama by default":          {"ollama", settings{}, config{"http://127.0.0.1:11434/v1", "", "", "", "OLLAMA_LARGE_MODEL"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			vendor, ok := vendors.VendorNamed(test.vendor)
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
			if _, err := cfg.Provider(nil, nil); err != nil {
				t.Error(err)
			}
		})
	}
	for value, words := range map[string]string{"": "GROQ_API_KEY is not set", "<your key>": "GROQ_API_KEY holds a placeholder"} {
		vendor, _ := vendors.VendorNamed("groq")
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
		if got, ok := vendors.VendorNamed(name); got.Name != want || ok != (want != "") {
			t.Errorf("VendorNamed(%q) = %q, %t", name, got.Name, ok)
		}
	}
}

// Addresses of Ollama as people write them, from examples of its calls.
func TestOllamaAddresses(t *testing.T) {
	t.Parallel()
	vendor, _ := vendors.VendorNamed("ollama")
	for _, name := range vendor.URLFrom {
		for _, host := range []string{"http://127.0.0.1:11434", "127.0.0.1:11434", "http://box", "https://ollama.com", "https://ai.example/ollama"} {
			base := host
			if !strings.Contains(host, "://") {
				base = "http://" + host
			}
			for _, path := range []string{
				"", "/", "/api", "/api/", "/v1", "/v1/", "/api/chat", "/api/chat/", "/api/generate", "/api/tags", "/api/embed", "/api/embeddings",
				"/v1/chat/completions", "/v1/chat/completions/", "/v1/models", "/v1/completions",
			} {
				cfg, err := vendor.Config(settings{name: host + path}.lookup)
				if err != nil || cfg.BaseURL != base+"/v1" {
					t.Errorf("%s=%s%s: %q, %v", name, host, path, cfg.BaseURL, err)
				}
			}
		}
	}
}

// Addresses of services, copied without the path of their API or with that of another one.
func TestAddressesOfServices(t *testing.T) {
	t.Parallel()
	for vendor, addresses := range map[string][]string{
		"openai":     {"https://api.openai.com", "https://api.openai.com/v1/", "api.openai.com", "https://API.openai.com:443/v1/chat/completions", "https://api.openai.com/v1/responses"},
		"anthropic":  {"https://api.anthropic.com", "https://api.anthropic.com/v1/messages"},
		"openrouter": {"https://openrouter.ai", "https://openrouter.ai/api", "https://openrouter.ai/v1", "https://openrouter.ai/api/v1/chat/completions"},
		"groq":       {"https://api.groq.com", "https://api.groq.com/v1", "https://api.groq.com/openai", "https://api.groq.com/openai/v1/models"},
		"google":     {"https://generativelanguage.googleapis.com", "https://generativelanguage.googleapis.com/v1beta", "https://generativelanguage.googleapis.com/v1beta/openai/"},
		"mistral":    {"https://api.mistral.ai", "https://api.mistral.ai/v1/chat/completions"},
		"deepseek":   {"https://api.deepseek.com", "https://api.deepseek.com/chat/completions"},
		"xai":        {"https://api.x.ai", "https://api.x.ai/v1/chat/completions"},
	} {
		v, _ := vendors.VendorNamed(vendor)
		for _, address := range addresses {
			e, err := v.Config(settings{v.KeyFrom[0]: "key-0123456789abcdef0123", v.URLFrom[0]: address}.lookup)
			if err != nil || strings.ToLower(strings.Replace(e.BaseURL, ":443", "", 1)) != v.BaseURL || e.Named() || e.LargeModel != v.LargeModel {
				t.Errorf("%s at %s: %q, model %q, %v", vendor, address, e.BaseURL, e.LargeModel, err)
			}
		}
	}
}

// layers are settings by their origin, of which a less trusted one wins, as it does for agents.
type layers map[model.Origin]settings

func (l layers) lookup(name string) (model.Setting, bool) {
	for _, origin := range []model.Origin{model.FromCharacter, model.FromOperator, model.FromStore} {
		if v, ok := l[origin][name]; ok {
			return model.Setting{Name: name, Value: v, Origin: origin}, true
		}
	}
	return model.Setting{}, false
}

// A key is used with an address of the same origin or a more trusted one, whatever the two settings are called.
func TestKeysStayWithTheirAddresses(t *testing.T) {
	t.Parallel()
	const key = "canary-0123456789abcdef0123"
	origins := []model.Origin{model.FromCharacter, model.FromStore, model.FromOperator}
	for _, v := range vendors.Vendors() {
		for _, keyName := range v.KeyFrom {
			for _, urlName := range v.URLFrom {
				for _, keyFrom := range origins {
					for _, urlFrom := range origins {
						l := layers{model.FromCharacter: {}, model.FromStore: {}, model.FromOperator: {}}
						l[keyFrom][keyName] = key
						l[urlFrom][urlName] = "https://elsewhere.example/v1"
						e, err := v.Config(l.lookup)
						switch may := keyFrom <= urlFrom; {
						case may && (err != nil || e.APIKey != key || e.Notice != ""):
							t.Errorf("%s of %v with %s of %v: not used (%v, %q)", keyName, keyFrom, urlName, urlFrom, err, e.Notice)
						case !may && (e.APIKey != "" || err == nil && !v.KeyOptional):
							t.Errorf("%s of %v with %s of %v: used", keyName, keyFrom, urlName, urlFrom)
						case !may:
							text := e.Notice
							if err != nil {
								text = err.Error()
							}
							for _, word := range []string{keyName, urlName, keyFrom.String(), urlFrom.String(), "elsewhere.example"} {
								if !strings.Contains(text, word) {
									t.Errorf("%s of %v with %s of %v: %q doesn't mention %s", keyName, keyFrom, urlName, urlFrom, text, word)
								}
							}
						}
						if e.Discreet != (urlFrom < model.FromOperator) && err == nil {
							t.Errorf("%s of %v: discreet %v", urlName, urlFrom, e.Discreet)
						}
						l[urlFrom][urlName] = v.BaseURL
						if v.Local { // which others of its machine can reach as well
							if e, err = v.Config(l.lookup); err != nil || (e.APIKey == key) != (keyFrom <= urlFrom) {
								t.Errorf("%s of %v with the usual address in %s of %v: %q, %v", keyName, keyFrom, urlName, urlFrom, e.APIKey, err)
							}
							l[urlFrom][urlName] = ""
							if e, err = v.Config(l.lookup); err != nil || (e.APIKey == key) != (keyFrom <= urlFrom) {
								t.Errorf("%s of %v with an empty %s of %v: %q, %v", keyName, keyFrom, urlName, urlFrom, e.APIKey, err)
							}
						} else if e, err = v.Config(l.lookup); err != nil || e.APIKey != key || e.Named() {
							t.Errorf("%s of %v with the vendor's own address in %s of %v: not used (%v)", keyName, keyFrom, urlName, urlFrom, err)
						}
					}
				}
			}
		}
	}
}

// Addresses that look like the vendor's own and are not, or would expose the key on the way.
func TestLookAlikesAreElsewhere(t *testing.T) {
	t.Parallel()
	const key = "sk-canary-0123456789abcdef0123"
	openaiVendor, _ := vendors.VendorNamed("openai")
	for _, address := range []string{
		"http://api.openai.com/v1", "http://api.openai.com:443/v1", "https://api.openai.com:8443/v1", "https://api.openai.com.evil.example/v1",
		"https://api.openai.com@evil.example/v1", "https://evil.example/https://api.openai.com/v1", "https://api.openai.com%2eevil.example/v1",
		"https://api.openai.com./v1", "https://user:pass@api.openai.com/v1", "//api.openai.com", "https://аpi.openai.com/v1", // a Cyrillic а
		"https://evil.example#api.openai.com", "https://evil.example?api.openai.com", "https://evil.example\\@api.openai.com/v1",
	} {
		l := layers{model.FromOperator: {"OPENAI_API_KEY": key}, model.FromCharacter: {"OPENAI_BASE_URL": address}}
		if e, err := openaiVendor.Config(l.lookup); err == nil && e.APIKey != "" {
			t.Errorf("%s gets the key", address)
		}
	}
	for name, address := range map[string]string{"vllm": "http://127.0.0.1:8000/admin", "lmstudio": "http://127.0.0.1:1234/v1?x=1", "ollama": "http://127.0.0.1:11434/x"} {
		v, _ := vendors.VendorNamed(name)
		l := layers{model.FromOperator: {v.KeyFrom[0]: key}, model.FromCharacter: {v.URLFrom[0]: address}}
		if e, err := v.Config(l.lookup); err != nil || e.APIKey != "" || !e.Named() {
			t.Errorf("%s counts as the own address of %s", address, name)
		}
	}
	// A key that may not be sent there is skipped in favour of one that may.
	google, _ := vendors.VendorNamed("google")
	l := layers{
		model.FromOperator:  {"GOOGLE_GENERATIVE_AI_API_KEY": key},
		model.FromCharacter: {"GOOGLE_BASE_URL": "https://mine.example", "GEMINI_API_KEY": "mine-0123456789"},
	}
	if e, err := google.Config(l.lookup); err != nil || e.APIKey != "mine-0123456789" || e.Notice != "" {
		t.Errorf("%q, %q, %v", e.APIKey, e.Notice, err)
	}
}

func TestSpeechModelsOfVendors(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		vendor      string
		settings    map[string]string
		ears, mouth string
	}{
		"OpenAI":           {"openai", map[string]string{"OPENAI_API_KEY": "test-key-0123456789abcdef"}, "gpt-4o-mini-transcribe", "gpt-4o-mini-tts"},
		"OpenAI, chosen":   {"openai", map[string]string{"OPENAI_API_KEY": "test-key-0123456789abcdef", "OPENAI_TTS_MODEL": "tts-1"}, "gpt-4o-mini-transcribe", "tts-1"},
		"a server like it": {"openai", map[string]string{"OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}, "", ""},
		"one with speech":  {"openai", map[string]string{"OPENAI_BASE_URL": "http://127.0.0.1:9/v1", "OPENAI_TTS_MODEL": "kokoro"}, "", "kokoro"},
		"Groq":             {"groq", map[string]string{"GROQ_API_KEY": "test-key-0123456789abcdef"}, "whisper-large-v3-turbo", ""},
		"one without":      {"anthropic", map[string]string{"ANTHROPIC_API_KEY": "test-key-0123456789abcdef"}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v, _ := vendors.VendorNamed(test.vendor)
			cfg, err := v.Config(settings(test.settings).lookup)
			if err != nil {
				t.Fatal(err)
			}
			if cfg.TranscriptionModel != test.ears || cfg.SpeechModel != test.mouth {
				t.Errorf("transcribes by %q, speaks by %q", cfg.TranscriptionModel, cfg.SpeechModel)
			}
		})
	}
}

// TestProtocols asks the endpoints that settings lead to, and sees what they are asked for.
func TestProtocols(t *testing.T) {
	t.Parallel()
	var asked string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.Path + " " + r.Header.Get("X-Api-Key") + r.Header.Get("Authorization")
		w.WriteHeader(http.StatusTeapot)
	}))
	t.Cleanup(server.Close)
	const key = "key-0123456789abcdef0123"
	for address, want := range map[string]string{
		"ANTHROPIC_BASE_URL " + server.URL:                            "/v1/messages " + key,
		"ANTHROPIC_BASE_URL " + server.URL + "/v1":                    "/v1/messages " + key,
		"ANTHROPIC_API_URL " + server.URL + "/anthropic":              "/anthropic/v1/messages " + key,
		"ANTHROPIC_BASE_URL " + server.URL + "/v1/messages":           "/v1/messages " + key,
		"ANTHROPIC_BASE_URL " + server.URL + "/v1/chat/completions":   "/v1/chat/completions Bearer " + key,
		"ANTHROPIC_BASE_URL " + server.URL + "/x/chat/completions/?a": "/x/chat/completions Bearer " + key,
		"OPENROUTER_BASE_URL " + server.URL + "/v1/messages":          "/v1/chat/completions Bearer " + key,
	} {
		name, url, _ := strings.Cut(address, " ")
		s := settings{name: url, "ANTHROPIC_API_KEY": key, "OPENROUTER_API_KEY": key, "LARGE_MODEL": "m"}
		vendor, _ := vendors.VendorNamed(strings.ToLower(strings.Split(name, "_")[0]))
		e, err := vendor.Config(s.lookup)
		if err != nil {
			t.Fatal(err)
		}
		provider, err := e.Provider(server.Client(), nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = model.Collect(provider.Generate(t.Context(), model.Request{Kind: model.TextLarge, Prompt: "hi"}))
		if failure, ok := err.(*model.Error); !ok || failure.Provider != vendor.Name || asked != want {
			t.Errorf("%s asks for %s, want %s; %v", address, asked, want, err)
		}
	}
	anthropic, _ := vendors.VendorNamed("claude")
	for address, messages := range map[string]bool{"": true, "https://api.anthropic.com": true, "https://api.anthropic.com/v1/chat/completions": false} {
		e, err := anthropic.Config(settings{"ANTHROPIC_API_KEY": key, "ANTHROPIC_BASE_URL": address}.lookup)
		if err != nil || e.Messages != messages || e.BaseURL != "https://api.anthropic.com/v1" || e.Named() {
			t.Errorf("%q: %+v, %v", address, e, err)
		}
	}
}

package secrets_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/elizad/elizad/server/internal/secrets"
)

func TestHeld(t *testing.T) {
	t.Parallel()
	for _, s := range [][2]string{
		{"OPENAI_API_KEY", "sk-1"}, {"apiKey", "x"}, {"X-Api-Key", "1"}, {"discordToken", "abc"}, {"db_password", "123456"}, {"PASSWD", "x"},
		{"clientSecret", "0"}, {"Authorization", "Bearer x"}, {"WALLET_PRIVATE_KEY", "0x1"}, {"sessionCookie", "a=b"}, {"credentials", "x"}, {"WEATHER_KEY", "x"}, {"signingKey", "x"}, {"WALLET_MNEMONIC", "a b"},
	} {
		if !secrets.Held(s[0], s[1]) {
			t.Errorf("%s=%s is no secret", s[0], s[1])
		}
	}
	for _, s := range [][2]string{
		{"MODEL_MAX_TOKEN", "4096"}, {"maxTokens", "1e3"}, {"CONTEXT_BUDGET_TOKENS", "8000"}, {"useToken", "true"}, {"OPENAI_API_KEY", ""}, {"model", "gpt"},
		{"keyboard", "qwerty"}, {"key", "C major"}, {"PUBLIC_KEY", "x"}, {"monkey", "x"}, {"USE_KEY", "true"}, {"secrets", "false"},
	} {
		if secrets.Held(s[0], s[1]) {
			t.Errorf("%s=%s is a secret", s[0], s[1])
		}
	}
}

func TestRerouted(t *testing.T) {
	t.Parallel()
	names := []string{"OPENAI_API_KEY", "GROQ_API_KEY", "DISCORD_API_TOKEN", "FOO_KEY", "/settings/foo/token", "/settings/bar/token"}
	route := func(to string) []secrets.Route {
		return []secrets.Route{
			{Keys: []string{"OPENAI_API_KEY"}, Addresses: []string{"OPENAI_BASE_URL", "OPENAI_API_URL"}, To: to},
			{Addresses: []string{"modelProvider"}},
		}
	}
	type values = map[string]string
	for name, test := range map[string]struct {
		before, after values
		from, to      string
		want          []string
	}{
		"nothing":                       {values{"FOO_URL": "a"}, values{"FOO_URL": "a"}, "x", "x", nil},
		"a known route":                 {nil, values{"OPENAI_BASE_URL": "y"}, "", "y", []string{"OPENAI_API_KEY"}},
		"another one of a known route":  {nil, values{"OPENAI_BASE_URL": "y"}, "x", "y", []string{"OPENAI_API_KEY"}},
		"back home":                     {values{"OPENAI_BASE_URL": "x"}, nil, "x", "", nil},
		"an address that has no effect": {nil, values{"OPENAI_API_URL": "y"}, "x", "x", nil},
		"a provider among known ones":   {nil, values{"modelProvider": "openai"}, "", "", nil},
		"a place of a plugin":           {nil, values{"FOO_API_URL": "y"}, "", "", []string{"/settings/foo/token", "FOO_KEY"}},
		"in another spelling":           {values{"fooEndpoint": "x"}, values{"fooEndpoint": "y"}, "", "", []string{"/settings/foo/token", "FOO_KEY"}},
		"deeper":                        {nil, values{"/settings/bar/server/host": "y"}, "", "", []string{"/settings/bar/token"}},
		"a provider of a plugin":        {nil, values{"DISCORD_PROVIDER": "y"}, "", "", []string{"DISCORD_API_TOKEN"}},
		"a place of anything":           {nil, values{"baseUrl": "y"}, "", "", []string{"/settings/bar/token", "/settings/foo/token", "DISCORD_API_TOKEN", "FOO_KEY", "GROQ_API_KEY", "OPENAI_API_KEY"}},
		"a proxy":                       {nil, values{"HTTPS_PROXY": "y"}, "", "", []string{"/settings/bar/token", "/settings/foo/token", "DISCORD_API_TOKEN", "FOO_KEY", "GROQ_API_KEY", "OPENAI_API_KEY"}},
		"a place that is gone":          {values{"FOO_API_URL": "x"}, nil, "", "", nil},
		"what is no place":              {nil, values{"avatar": "https://y", "FOO_MODEL": "m", "OPENAI_LARGE_MODEL": "m", "ghostwriter": "y", "exporter": "z"}, "", "", nil},
	} {
		got := secrets.Rerouted(names, secrets.View{Values: test.before, Routes: route(test.from)}, secrets.View{Values: test.after, Routes: route(test.to)})
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

package settings_test

import (
	"strings"
	"testing"

	"github.com/elizad/elizad/server/settings"
)

const strong = "9f2c41d07ab85e6633d1"

// TestExposure checks for each combination of address and keys whether the server starts, and what it reports about it.
func TestExposure(t *testing.T) {
	t.Parallel()
	const (
		here       = "127.0.0.1"
		everywhere = "0.0.0.0"
	)
	for _, tt := range []struct {
		name    string
		host    string
		set     settings.Security
		refused []string // in the refusal; none: it starts
		warned  string   // in the only warning, if it starts; none: there is none
	}{
		{"this machine", here, settings.Security{}, nil, ""},
		{"this machine, by name", "localhost", settings.Security{}, nil, ""},
		{"this machine, IPv6", "[::1]", settings.Security{}, nil, ""},
		{"this machine, mapped", "::ffff:127.0.0.1", settings.Security{}, nil, ""},
		{"the whole 127/8", "127.9.9.9", settings.Security{}, nil, ""},
		{"everywhere", everywhere, settings.Security{}, []string{"0.0.0.0", "ELIZA_SERVER_AUTH_TOKEN", "docker run -e", "ELIZAD_ALLOW_OPEN=1", "SERVER_HOST=127.0.0.1"}, ""},
		{"everywhere, IPv6", "::", settings.Security{}, []string{"ELIZA_SERVER_AUTH_TOKEN"}, ""},
		{"a name that may be anywhere", "localhost.example", settings.Security{}, []string{"ELIZA_SERVER_AUTH_TOKEN"}, ""},
		{"one network", "192.168.1.2", settings.Security{}, []string{"192.168.1.2"}, ""},
		{"everywhere, as told", everywhere, settings.Security{AllowOpen: true}, nil, "ELIZAD_ALLOW_OPEN"},
		{"everywhere, with a key", everywhere, settings.Security{AuthToken: strong}, nil, ""},
		{"everywhere, with the other key", everywhere, settings.Security{SocketKey: strong}, nil, ""},
		{"everywhere, with white space for a key", everywhere, settings.Security{AuthToken: " \r\n"}, []string{"no API key is set"}, ""},
		{"a short key everywhere", everywhere, settings.Security{AuthToken: "hunter2"}, []string{"ELIZA_SERVER_AUTH_TOKEN", "16 characters", "openssl rand"}, ""},
		{"a short key here", here, settings.Security{AuthToken: "hunter2"}, nil, "16 characters"},
		{"a short key, as told", everywhere, settings.Security{AuthToken: "hunter2", AllowOpen: true}, nil, "16 characters"},
		{"a short second key", everywhere, settings.Security{AuthToken: strong, ServiceKey: "hunter2"}, []string{"ELIZAD_SERVICE_SECRET"}, ""},
		{"one character", everywhere, settings.Security{AuthToken: strings.Repeat("x", 40)}, []string{"easy to guess"}, ""},
		{"digits in a row", everywhere, settings.Security{AuthToken: "12345678901234567890"}, []string{"easy to guess"}, ""},
		{"letters in a row", everywhere, settings.Security{AuthToken: "abcdefghijklmnopqrst"}, []string{"easy to guess"}, ""},
		{"a word twice", everywhere, settings.Security{AuthToken: "hunter2!hunter2!"}, []string{"easy to guess"}, ""},
		{"a placeholder", everywhere, settings.Security{AuthToken: "your-api-key-goes-here"}, []string{"easy to guess"}, ""},
		{"a phrase", everywhere, settings.Security{AuthToken: "correct horse battery staple"}, nil, ""},
		{"a UUID", everywhere, settings.Security{AuthToken: "b850bc30-45f8-0041-a00a-83df46d8555d"}, nil, ""},
		{"hexadecimal", everywhere, settings.Security{AuthToken: "0a1b9c8d7e6f5a4b3c2d1e0f"}, nil, ""},
		{"a line end at the end", here, settings.Security{AuthToken: strong + "\r\n"}, nil, ""},
		{"a line end in the middle", here, settings.Security{AuthToken: strong + "\r\n" + strong}, []string{"ELIZA_SERVER_AUTH_TOKEN", "control character"}, ""},
		{"a NUL", here, settings.Security{SocketKey: "9f2c41d0\x007ab85e6633d1"}, []string{"SERVER_API_KEY"}, ""},
		{"a mark of direction is no control character", here, settings.Security{AuthToken: strong + "ü"}, nil, "ASCII"},
		{"broken UTF-8", here, settings.Security{AuthToken: strong + "\xff"}, []string{"ELIZA_SERVER_AUTH_TOKEN"}, ""},
		{"two keys", here, settings.Security{AuthToken: strong, SocketKey: strong + "7"}, nil, "SERVER_API_KEY differ"},
		{"one key twice", here, settings.Security{AuthToken: strong, SocketKey: strong + "\n"}, nil, ""},
		{"every origin", here, settings.Security{CORSOrigin: "*"}, []string{"CORS_ORIGIN", "every web page"}, ""},
		{"every origin of the API", here, settings.Security{APIOrigin: "https://a.example, *"}, []string{"API_CORS_ORIGIN"}, ""},
		{"every origin, as told", everywhere, settings.Security{CORSOrigin: "*", AllowOpen: true}, []string{"CORS_ORIGIN"}, ""},
		{"every origin with a key", here, settings.Security{CORSOrigin: "*", AuthToken: strong}, nil, ""},
		{"every origin in disguise", here, settings.Security{CORSOrigin: "https://*"}, []string{"CORS_ORIGIN"}, ""},
		{"a star without a dot", here, settings.Security{CORSOrigin: "https://*example.com"}, []string{"CORS_ORIGIN"}, ""},
		{"a star in the middle", here, settings.Security{CORSOrigin: "https://a.*.com"}, []string{"CORS_ORIGIN"}, ""},
		{"a proxy without a key", here, settings.Security{TrustProxy: "1"}, nil, "TRUST_PROXY"},
		{"hosts", here, settings.Security{AllowHosts: "a.example, *.b.example"}, nil, ""},
		{"every host", here, settings.Security{AllowHosts: "*"}, []string{"ELIZAD_ALLOWED_HOSTS"}, ""},
		{"an origin for a host", here, settings.Security{AllowHosts: "https://a.example"}, []string{"ELIZAD_ALLOWED_HOSTS", "without scheme"}, ""},
		{"a host with its port", here, settings.Security{AllowHosts: "a.example:3000"}, []string{"ELIZAD_ALLOWED_HOSTS"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := settings.Default()
			s.Network.Host, s.Security = tt.host, tt.set
			err := s.Validate()
			if (err == nil) != (len(tt.refused) == 0) {
				t.Fatalf("Validate() = %v", err)
			}
			for _, want := range tt.refused {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is missing in %q", want, err)
				}
			}
			warnings := s.Warnings()
			text := strings.Join(warnings, "\n")
			if err == nil && (len(warnings) > 1 || (text == "") != (tt.warned == "") || !strings.Contains(text, tt.warned)) {
				t.Errorf("warnings: %q, want one with %q", warnings, tt.warned)
			}
			for _, secret := range []string{strong, "hunter2"} {
				if strings.Contains(text, secret) || err != nil && strings.Contains(err.Error(), secret) {
					t.Errorf("a secret is shown: %q, %v", text, err)
				}
			}
		})
	}
}

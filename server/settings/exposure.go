package settings

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// RESTKeys returns the API keys that open REST: the auth token or, where none is set, the sockets' key.
func (s Security) RESTKeys() []string {
	if keys := keysOf(s.AuthToken); len(keys) > 0 {
		return keys
	}
	return keysOf(s.SocketKey)
}

// SocketKeys returns the API keys that open the sockets: either of the two.
func (s Security) SocketKeys() []string { return keysOf(s.AuthToken, s.SocketKey) }

// Open reports whether callers need neither a key nor a token.
func (s Security) Open() bool { return !s.HasKey() && !s.Tokens.Verify() && !s.Users.Enable }

// HasKey reports whether there is an API key.
func (s Security) HasKey() bool { return len(s.SocketKeys()) > 0 }

// Verify reports whether there is a way to verify tokens.
func (t Tokens) Verify() bool { return t.PrivyKey+t.PublicKey+t.JWKS+t.Secret != "" }

// keysOf returns the keys that are set.
func keysOf(keys ...string) []string {
	return slices.DeleteFunc(keys, func(key string) bool { return strings.TrimSpace(key) == "" })
}

// secret is a setting that callers present.
type secret struct{ setting, value string }

func (s Security) secrets() []secret {
	all := []secret{
		{"ELIZA_SERVER_AUTH_TOKEN (--auth-token)", s.AuthToken}, {"SERVER_API_KEY (--socket-key)", s.SocketKey},
		{"ELIZAD_SERVICE_SECRET (--service-secret)", s.ServiceKey},
	}
	for i := range all {
		all[i].value = strings.TrimSpace(all[i].value)
	}
	return slices.DeleteFunc(all, func(s secret) bool { return s.value == "" })
}

// Reachable returns why other machines must not be served with these settings: there is no key, or one that can be guessed.
// nil if they may, or the operator allows it.
func (s Security) Reachable() error {
	switch {
	case s.AllowOpen:
		return nil
	case s.Open():
		return errors.New("other machines could use the server, as no API key is set; " +
			"set ELIZA_SERVER_AUTH_TOKEN to a long random text, such as openssl rand -hex 24 prints (docker run -e ELIZA_SERVER_AUTH_TOKEN=…); " +
			"or SERVER_HOST=127.0.0.1 to serve this machine only; " +
			"or, where nobody but you can reach it, ELIZAD_ALLOW_OPEN=1 to do without a key")
	}
	var faults []error
	for _, secret := range s.secrets() {
		if weak := weakness(secret.value); weak != "" {
			faults = append(faults, fmt.Errorf("%s %s, and other machines can reach the server; "+
				"set a long random text, such as openssl rand -hex 24 prints", secret.setting, weak))
		}
	}
	return errors.Join(faults...)
}

// check returns the faults of the settings, wherever the server listens.
func (s Security) check() []error {
	var faults []error
	if s.Isolation && s.Unisolated {
		faults = append(faults, errors.New("ENABLE_DATA_ISOLATION (--data-isolation) and ELIZAD_ISOLATION_OFF (--isolation-off) are both on; take one out"))
	}
	for _, secret := range s.secrets() {
		if strings.ContainsFunc(secret.value, unicode.IsControl) || !utf8.ValidString(secret.value) {
			faults = append(faults, fmt.Errorf("%s contains a line end or another control character, which no client can send; "+
				"write it in one line", secret.setting))
		}
	}
	for _, origins := range []struct{ setting, list string }{
		{"CORS_ORIGIN (--cors-origin)", s.CORSOrigin}, {"API_CORS_ORIGIN (--api-cors-origin)", s.APIOrigin},
	} {
		faults = append(faults, checkOrigins(origins.setting, origins.list)...)
		if s.Open() && slices.ContainsFunc(list(origins.list), func(origin string) bool { return origin == "*" }) {
			faults = append(faults, fmt.Errorf("%s is * and no API key is set, so that every web page that somebody opens could use the server; "+
				"name the origins, or set ELIZA_SERVER_AUTH_TOKEN", origins.setting))
		}
	}
	for _, host := range s.HostNames() {
		if name := strings.TrimPrefix(host, "*."); name == "" || strings.ContainsAny(name, "*/: ") {
			faults = append(faults, fmt.Errorf("ELIZAD_ALLOWED_HOSTS (--allowed-hosts) contains %q, which is not a host name; "+
				"write for example agents.example.com or *.example.com, without scheme and port", host))
		}
	}
	return faults
}

// HostNames returns the host names in AllowHosts, in lower case.
func (s Security) HostNames() []string { return list(strings.ToLower(s.AllowHosts)) }

// list reads a list with commas. Empty entries are left out.
func list(text string) []string {
	var out []string
	for entry := range strings.SplitSeq(text, ",") {
		if entry = strings.TrimSpace(entry); entry != "" {
			out = append(out, entry)
		}
	}
	return out
}

// warnings returns what is valid and probably not what was meant.
func (s Security) warnings(reachable bool) []string {
	var out []string
	warn := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if s.Open() {
		switch {
		case reachable:
			warn("ELIZAD_ALLOW_OPEN is set and no API key is: whoever reaches the server can use it, and what its models cost")
		case strings.TrimSpace(s.TrustProxy) != "":
			warn("TRUST_PROXY is set and no API key is: whoever reaches the proxy can use the server; set ELIZA_SERVER_AUTH_TOKEN")
		}
	}
	if len(s.SocketKeys()) == 2 && strings.TrimSpace(s.AuthToken) != strings.TrimSpace(s.SocketKey) {
		warn("ELIZA_SERVER_AUTH_TOKEN and SERVER_API_KEY differ: REST takes the first only, the sockets take both")
	}
	for _, secret := range s.secrets() {
		if weak := weakness(secret.value); weak != "" {
			warn("%s %s; set a long random text before other machines can reach the server", secret.setting, weak)
		}
		if strings.ContainsFunc(secret.value, func(r rune) bool { return r > unicode.MaxASCII }) {
			warn("%s contains letters outside of ASCII, which clients send in different ways; some won't be let in", secret.setting)
		}
	}
	return out
}

// The least that a secret needs, so that it can't be guessed.
const (
	leastLength   = 16 // characters
	leastDistinct = 5  // different ones
)

// weakness says why a secret is easy to guess, "" if it doesn't look so.
func weakness(secret string) string {
	runes := []rune(strings.ToLower(secret))
	if len(runes) < leastLength {
		return fmt.Sprintf("has fewer than %d characters", leastLength)
	}
	distinct := map[rune]bool{}
	steps := 0 // from a character to itself or a neighbour, as in aaaa, 1234 and zyxw
	for i, r := range runes {
		distinct[r] = true
		if i > 0 && r-runes[i-1] >= -1 && r-runes[i-1] <= 1 {
			steps++
		}
	}
	if len(distinct) < leastDistinct || steps > len(runes)/2 || repeats(string(runes)) || placeholderKey(string(runes)) {
		return "is easy to guess"
	}
	return ""
}

// repeats reports whether a text is one part over and over.
func repeats(text string) bool { return strings.Contains((text + text)[1:2*len(text)-1], text) }

// placeholderKey reports whether a text is what examples have in the place of a key.
func placeholderKey(text string) bool {
	text = strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, text)
	return slices.ContainsFunc([]string{"changeme", "yourapikey", "yoursecret", "yourtoken", "yourauthtoken", "serverauthtoken", "password123", "passwordpassword"},
		func(word string) bool { return strings.Contains(text, word) })
}

package logstream

import (
	"log/slog"
	"strings"
)

// redacted stands in the log for a value that must not be there.
const redacted = "[redacted]"

// IsSecretKey reports whether a key names a secret, in any spelling: apiKey, API_KEY, X-Api-Key.
func IsSecretKey(key string) bool {
	var folded strings.Builder
	for _, r := range strings.ToLower(key) {
		if (r >= 'a' && r <= 'z') || (r >= '0' && r <= '9') {
			folded.WriteRune(r)
		}
	}
	text := folded.String()
	for _, word := range [...]string{
		"authorization", "apikey", "token", "secret", "password", "passwd", "passphrase", "cookie", "credential", "privatekey",
	} {
		if strings.Contains(text, word) {
			return true
		}
	}
	return false
}

// redact replaces the value of a if its key, or that of a group around it, names a secret. Numbers, times and booleans are
// no secrets: inputTokens and tokenCount stay readable.
func redact(groups []string, a slog.Attr) slog.Attr {
	switch a.Value.Kind() {
	case slog.KindInt64, slog.KindUint64, slog.KindFloat64, slog.KindBool, slog.KindDuration, slog.KindTime:
		return a
	}
	secret := IsSecretKey(a.Key)
	for _, group := range groups {
		secret = secret || IsSecretKey(group)
	}
	if secret {
		return slog.String(a.Key, redacted)
	}
	return a
}

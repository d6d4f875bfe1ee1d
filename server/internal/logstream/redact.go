package logstream

import (
	"log/slog"

	"github.com/elizad/elizad/server/internal/secrets"
)

// redacted replaces a value in the log that must not be there.
const redacted = "[redacted]"

// redact replaces the value of a if its key, or that of a group around it, names a secret. Numbers, times and booleans are
// no secrets: inputTokens and tokenCount stay readable.
func redact(groups []string, a slog.Attr) slog.Attr {
	switch a.Value.Kind() {
	case slog.KindInt64, slog.KindUint64, slog.KindFloat64, slog.KindBool, slog.KindDuration, slog.KindTime:
		return a
	}
	secret := secrets.Named(a.Key)
	for _, group := range groups {
		secret = secret || secrets.Named(group)
	}
	if secret {
		return slog.String(a.Key, redacted)
	}
	return a
}

package settings

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/elizad/elizad/server/internal/pgaddress"
)

// maxServerID is how long the name of a server may be, in bytes.
const maxServerID = 200

// Validate checks what the types alone can't. The error holds one sentence per fault: which setting, what is wrong, what to
// write instead. It never repeats a secret.
func (s *Settings) Validate() error {
	var faults []error
	fault := func(ok bool, setting, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf("%s "+format, append([]any{setting}, args...)...))
		}
	}

	fault(s.Network.Host != "", "SERVER_HOST (--host)", "is empty; write 127.0.0.1 for this machine only, or 0.0.0.0 for the whole network")
	fault(s.Network.Port >= 0 && s.Network.Port <= 65535, "SERVER_PORT (--port)", "is %d; write a number from 1 to 65535, or 0 for any free port", s.Network.Port)

	fault(!strings.Contains(s.Storage.Dir, "://"), "ELIZAD_DATA_DIR (--data-dir)", "is a URL; write the path of a folder")
	fault(len(s.Storage.ServerID) <= maxServerID, "ELIZA_SERVER_ID (--server-id)", "has %d bytes; write a name of at most %d", len(s.Storage.ServerID), maxServerID)
	if s.Storage.PostgresURL != "" {
		_, err := pgaddress.Parse(s.Storage.PostgresURL)
		fault(err == nil, "POSTGRES_URL (--postgres-url)", "%w", err)
	}

	fault(!s.Security.Users.Enable || slices.Contains([]string{"open", "closed"}, s.Security.Users.Registration), "AUTH_REGISTRATION (--registration)", "is %q; write open or closed", s.Security.Users.Registration)
	fault(s.Security.Users.Most >= 0, "ELIZAD_MAX_USERS (--max-users)", "is %d; write a number, or 0 for no limit", s.Security.Users.Most)
	fault((s.Security.Users.AdminEmail == "") == (s.Security.Users.AdminPassword == ""), "ELIZAD_ADMIN_EMAIL (--admin-email)", "and ELIZAD_ADMIN_PASSWORD (--admin-password) belong together; write both, or neither")
	fault(s.Security.Users.Enable || s.Security.Users.AdminEmail == "", "ELIZAD_ADMIN_EMAIL (--admin-email)", "is set without ELIZAD_USERS (--users), so that nobody can log in; set ELIZAD_USERS=true")
	faults = append(faults, s.Security.check()...)
	if !isLoopbackHost(s.Network.Host) && s.Network.Host != "" {
		if err := s.Security.Reachable(); err != nil {
			faults = append(faults, fmt.Errorf("SERVER_HOST (--host) is %s: %w", s.Network.Host, err))
		}
	}
	if _, err := s.Security.Proxies(); err != nil {
		faults = append(faults, err)
	}

	for _, n := range []struct {
		setting string
		value   int64
		example string
	}{
		{"EXPRESS_MAX_PAYLOAD (--max-body)", s.Limits.MaxBody, "2mb"},
		{"ELIZAD_MAX_MESSAGE (--max-message)", int64(s.Limits.MaxMessage), "200000"},
		{"MAX_UPLOAD_SIZE (--max-upload)", s.Limits.MaxUpload, "50mb"},
		{"RATE_LIMIT_API_MAX (--rate-limit-api-max)", int64(s.Limits.APIMax), "1000"},
		{"RATE_LIMIT_UPLOAD_MAX (--rate-limit-upload-max)", int64(s.Limits.UploadMax), "50"},
		{"RATE_LIMIT_AUTH_MAX (--rate-limit-auth-max)", int64(s.Limits.AuthMax), "10"},
		{"RATE_LIMIT_SOCKET_MAX (--rate-limit-socket-max)", int64(s.Limits.SocketMax), "60"},
		{"LANE_QUEUE_MAX (--lane-queue-max)", int64(s.Messages.QueueMax), "100"},
		{"MAX_CONCURRENT_RUNS (--max-concurrent-runs)", int64(s.Messages.ConcurrentRuns), "64"},
		{"CONVERSATION_LENGTH (--conversation-length)", int64(s.Messages.ConversationLength), "32"},
		{"SOCKET_MAX_PAYLOAD (--socket-max-payload)", s.Sockets.MaxPayload, "1mb"},
	} {
		fault(n.value > 0, n.setting, "must be more than zero; write for example %s", n.example)
	}
	for _, d := range []struct {
		setting string
		value   time.Duration
		least   time.Duration
	}{
		{"ELIZAD_DRAIN_TIMEOUT_MS (--drain-timeout)", s.Network.Drain, 0},
		{"RATE_LIMIT_API_WINDOW_MS (--rate-limit-api-window)", s.Limits.APIWindow, time.Second},
		{"RATE_LIMIT_UPLOAD_WINDOW_MS (--rate-limit-upload-window)", s.Limits.UploadWindow, time.Second},
		{"RATE_LIMIT_AUTH_WINDOW_MS (--rate-limit-auth-window)", s.Limits.AuthWindow, time.Second},
		{"RATE_LIMIT_SOCKET_WINDOW_MS (--rate-limit-socket-window)", s.Limits.SocketWindow, time.Second},
		{"RUN_TIMEOUT_MS (--run-timeout)", s.Messages.RunTimeout, time.Second},
		{"HTTP_TRANSPORT_TIMEOUT_MS (--http-transport-timeout)", s.Messages.HTTPTimeout, time.Second},
		{"BUILTIN_STREAM_DELAY_MS (--builtin-stream-delay)", s.Messages.BuiltinDelay, 0},
		{"SOCKET_PING_INTERVAL_MS (--socket-ping-interval)", s.Sockets.PingInterval, 100 * time.Millisecond},
		{"SOCKET_PING_TIMEOUT_MS (--socket-ping-timeout)", s.Sockets.PingTimeout, 100 * time.Millisecond},
	} {
		fault(d.value >= d.least, d.setting, "is %v; write at least %v", d.value, d.least)
	}
	fault(slices.Contains([]string{"off", "errors", "all"}, s.Messages.Capture), "ELIZAD_CAPTURE (--capture)", "is %q; write off, errors or all", s.Messages.Capture)
	fault(slices.Contains(LogLevels(), strings.ToLower(s.Logs.Level)), "LOG_LEVEL (--log-level)", "is %q; write one of %s", s.Logs.Level, strings.Join(LogLevels(), ", "))
	fault(s.Reports.SentryDSN == "" || isDSN(s.Reports.SentryDSN), "SENTRY_DSN (--sentry-dsn)", "is not the DSN of a Sentry project; copy it from the project's client keys, as https://KEY@HOST/PROJECT, or leave it empty to report nothing")
	fault(s.Reports.TracesSampleRate >= 0 && s.Reports.TracesSampleRate <= 1, "SENTRY_TRACES_SAMPLE_RATE (--sentry-traces-sample-rate)", "is %v; write a number from 0 for none to 1 for all", s.Reports.TracesSampleRate)
	return errors.Join(faults...)
}

// isDSN reports whether text names a Sentry project and a key for it.
func isDSN(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.User.Username() != "" && u.Hostname() != "" && u.Path != "" && !strings.HasSuffix(u.Path, "/")
}

// Warnings returns sentences about settings that are valid and probably not what was meant.
func (s *Settings) Warnings() []string {
	out := s.Security.warnings(!isLoopbackHost(s.Network.Host))
	if s.Storage.PostgresURL != "" && s.Storage.SQLitePath != "" {
		out = append(out, "both a PostgreSQL URL and SQLITE_PATH are set: PostgreSQL is used")
	}
	return out
}

// LogLevels lists the names of the levels, most severe first.
func LogLevels() []string {
	return []string{"fatal", "error", "warn", "info", "log", "progress", "success", "debug", "trace"}
}

// checkOrigins returns a fault for each entry of a comma list that is not an origin, a pattern such as https://*.example.com, or *.
func checkOrigins(setting, origins string) []error {
	var faults []error
	for _, origin := range list(origins) {
		if origin == "*" {
			continue
		}
		u, err := url.Parse(strings.Replace(origin, "://*.", "://", 1))
		if err != nil || u.Host == "" || u.Scheme == "" || strings.Contains(u.Host, "*") || strings.TrimSuffix(u.Path, "/") != "" || u.RawQuery != "" {
			faults = append(faults, fmt.Errorf("%s contains %q, which is not an origin; write for example https://app.example.com or https://*.example.com", setting, origin))
		}
	}
	return faults
}

// OnlyThisMachine reports whether the server is meant for the users of this machine alone: it listens on a loopback address, for
// no proxy, and asks for no credential.
func (s *Settings) OnlyThisMachine() bool {
	return isLoopbackHost(s.Network.Host) && s.Security.TrustProxy == "" && s.Security.Open()
}

// isLoopbackHost reports whether an address to listen on is reachable from this machine only.
func isLoopbackHost(host string) bool {
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && addr.Unmap().IsLoopback()
}

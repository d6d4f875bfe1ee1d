package settings_test

import (
	"bytes"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/elizad/elizad/server/settings"
)

// parse fills settings as the program does. Tests that call it with variables can't run in parallel: they share the
// environment.
func parse(t *testing.T, env map[string]string, args ...string) (settings.Settings, error) {
	t.Helper()
	for _, row := range settings.Table() {
		for _, name := range row.Env {
			t.Setenv(name, "") // so that the variable is restored after the test
			_ = os.Unsetenv(name)
		}
	}
	for name, value := range env {
		t.Setenv(name, value)
	}
	if _, err := settings.LoadEnvironment(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	var s settings.Settings
	k, err := kong.New(&s, append(settings.Options(), kong.Exit(func(int) {}))...)
	if err != nil {
		t.Fatal(err)
	}
	_, err = k.Parse(args)
	return s, err
}

func TestEverySettingIsDescribed(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, row := range settings.Table() {
		if row.Help == "" || !strings.HasSuffix(row.Help, ".") {
			t.Errorf("--%s: the help is not a sentence: %q", row.Flag, row.Help)
		}
		if row.Group == "" {
			t.Errorf("--%s belongs to no group", row.Flag)
		}
		for _, name := range row.Env {
			if other := seen[name]; other != "" {
				t.Errorf("%s stands for both --%s and --%s", name, other, row.Flag)
			}
			seen[name] = row.Flag
		}
	}
	for _, s := range settings.AgentSettings() {
		if s.Help == "" || s.Group == "" {
			t.Errorf("%s lacks help or group", s.Name)
		}
		for _, name := range s.Names() {
			if other := seen[name]; other != "" {
				t.Errorf("%s is listed twice, also as %s", name, other)
			}
			seen[name] = "agent setting"
		}
	}
}

func TestHelpNamesEveryVariable(t *testing.T) {
	t.Parallel()
	var s settings.Settings
	var out bytes.Buffer
	k, err := kong.New(&s, append(settings.Options(), kong.Exit(func(int) {}), kong.Writers(&out, &out))...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Parse([]string{"--help"}); err != nil {
		t.Fatal(err)
	}
	for _, row := range settings.Table() {
		for _, name := range row.Env {
			if !strings.Contains(out.String(), name) {
				t.Errorf("--help does not name %s", name)
			}
		}
	}
}

func TestDefaults(t *testing.T) {
	t.Setenv("PORT", "9999") // must not matter
	got := settings.Default()
	if err := got.Validate(); err != nil {
		t.Errorf("the defaults are refused: %v", err)
	}
	if w := got.Warnings(); len(w) != 0 {
		t.Errorf("the defaults raise warnings: %q", w)
	}
	want := settings.Settings{
		Network:  settings.Network{Host: "127.0.0.1", Port: 3000, Drain: 4 * time.Second},
		Security: settings.Security{SecretSalt: "secretsalt", Environment: "development", Users: settings.Users{Registration: "open", AdminName: "admin", Most: 10000}, AuditDays: 90},
		Limits: settings.Limits{
			MaxBody: 2 << 20, MaxUpload: 50 << 20, RateLimit: true,
			APIMax: 1000, APIWindow: 15 * time.Minute, SocketMax: 60, SocketWindow: time.Minute,
			MaxMessage: 200_000, UploadQuota: 1 << 30, MaxAgents: 1000, MaxChannels: 10_000, MaxDMs: 100_000, MaxSessions: 10_000, MaxJobs: 10_000, MaxServers: 1000, MaxParticipants: 1000, MaxRooms: 10_000, MaxWorlds: 10_000, MaxDocuments: 1000, MaxDialogues: 10_000, AnswersPerCaller: 64 << 20, Answers: 1 << 30, UploadMax: 50, UploadWindow: 15 * time.Minute, AuthMax: 10, AuthWindow: 15 * time.Minute,
		},
		Messages: settings.Messages{
			RunTimeout: 5 * time.Minute, HTTPTimeout: 2 * time.Minute, QueueMax: 100, ConcurrentRuns: 64,
			ConversationLength: 32, BuiltinNotice: true, Capture: "off",
		},
		Sessions: settings.Sessions{
			Timeout: 30 * time.Minute, MinTimeout: 5 * time.Minute, MaxTimeout: 24 * time.Hour, MaxDuration: 12 * time.Hour,
			Warning: 5 * time.Minute, CleanupInterval: 5 * time.Minute,
		},
		Sockets: settings.Sockets{PingInterval: 25 * time.Second, PingTimeout: 20 * time.Second, MaxPayload: 1 << 20},
		Logs:    settings.Logs{Level: "info", Timestamps: true},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreTypes(settings.AgentEnvironment{})); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
	if got.Network.Address() != "127.0.0.1:3000" || !got.WebUI() {
		t.Errorf("address %s, web UI %v", got.Network.Address(), got.WebUI())
	}
}

func TestSources(t *testing.T) {
	tests := []struct {
		name string
		env  map[string]string
		args []string
		got  func(settings.Settings) any
		want any
	}{
		{"one documented name", map[string]string{"PORT": "3100"}, nil, func(s settings.Settings) any { return s.Network.Port }, 3100},
		{"the other one wins", map[string]string{"PORT": "3100", "SERVER_PORT": "3200"}, nil, func(s settings.Settings) any { return s.Network.Port }, 3200},
		{"a flag wins over both", map[string]string{"SERVER_PORT": "3200"}, []string{"--port=3300"}, func(s settings.Settings) any { return s.Network.Port }, 3300},
		{"empty is not set", map[string]string{"SERVER_PORT": "", "PORT": "3100"}, nil, func(s settings.Settings) any { return s.Network.Port }, 3100},
		{"empty number", map[string]string{"LANE_QUEUE_MAX": ""}, nil, func(s settings.Settings) any { return s.Messages.QueueMax }, 100},
		{"plain milliseconds", map[string]string{"RUN_TIMEOUT_MS": "1500"}, nil, func(s settings.Settings) any { return s.Messages.RunTimeout }, 1500 * time.Millisecond},
		{"a Go duration", map[string]string{"RUN_TIMEOUT_MS": "2m"}, nil, func(s settings.Settings) any { return s.Messages.RunTimeout }, 2 * time.Minute},
		{"a size with a unit", map[string]string{"EXPRESS_MAX_PAYLOAD": "1kb"}, nil, func(s settings.Settings) any { return s.Limits.MaxBody }, int64(1024)},
		{"a size in bytes", map[string]string{"MAX_BODY_SIZE": "4096"}, nil, func(s settings.Settings) any { return s.Limits.MaxBody }, int64(4096)},
		{"switched off", map[string]string{"ELIZAD_RATE_LIMIT": "off"}, nil, func(s settings.Settings) any { return s.Limits.RateLimit }, false},
		{"negated flag", nil, []string{"--no-rate-limit"}, func(s settings.Settings) any { return s.Limits.RateLimit }, false},
		{"flag alone", nil, []string{"--log-json"}, func(s settings.Settings) any { return s.Logs.JSON }, true},
		{"variable true", map[string]string{"LOG_JSON_FORMAT": "true"}, nil, func(s settings.Settings) any { return s.Logs.JSON }, true},
		{"database, short name", map[string]string{"DATABASE_URL": "postgres://h/d"}, nil, func(s settings.Settings) any { return s.Storage.PostgresURL }, "postgres://h/d"},
		{"a share of traces", map[string]string{"SENTRY_TRACES_SAMPLE_RATE": "0.25"}, nil, func(s settings.Settings) any { return s.Reports.TracesSampleRate }, 0.25},
		{"UI off in production", map[string]string{"NODE_ENV": "production"}, nil, func(s settings.Settings) any { return s.WebUI() }, false},
		{"UI asked for in production", map[string]string{"NODE_ENV": "production", "ELIZA_UI_ENABLE": "true"}, nil, func(s settings.Settings) any { return s.WebUI() }, true},
		{"UI disabled wins", map[string]string{"ELIZA_UI_ENABLE": "true", "DISABLE_WEB_UI": "true"}, nil, func(s settings.Settings) any { return s.WebUI() }, false},
		{"UI flag negated", nil, []string{"--no-web-ui"}, func(s settings.Settings) any { return s.WebUI() }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := parse(t, tt.env, tt.args...)
			if err != nil {
				t.Fatal(err)
			}
			if got := tt.got(s); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestUnreadableValuesNameTheirSource(t *testing.T) {
	for name, env := range map[string]map[string]string{
		"PORT":                {"PORT": "http"},
		"RUN_TIMEOUT_MS":      {"RUN_TIMEOUT_MS": "-5"},
		"EXPRESS_MAX_PAYLOAD": {"EXPRESS_MAX_PAYLOAD": "big"},
		"ELIZAD_RATE_LIMIT":   {"ELIZAD_RATE_LIMIT": "maybe"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := parse(t, env); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("error %v does not name %s", err, name)
			}
		})
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*settings.Settings)
		want   []string // in the message; none: valid
	}{
		{"port", func(s *settings.Settings) { s.Network.Port = 70000 }, []string{"SERVER_PORT", "--port", "70000", "0 for any free port"}},
		{"host", func(s *settings.Settings) { s.Network.Host = "" }, []string{"SERVER_HOST", "127.0.0.1"}},
		{"data directory", func(s *settings.Settings) { s.Storage.Dir = "memory://" }, []string{"ELIZAD_DATA_DIR", "folder"}},
		{"foreign database", func(s *settings.Settings) { s.Storage.PostgresURL = "mysql://root:hunter2@h/d" }, []string{"POSTGRES_URL", "postgres://"}},
		{"origin", func(s *settings.Settings) { s.Security.CORSOrigin = "https://a.example, b.example" }, []string{"CORS_ORIGIN", `"b.example"`}},
		{"origins", func(s *settings.Settings) { s.Security.CORSOrigin = "https://a.example:8443/, https://*.b.example" }, nil},
		{"proxies", func(s *settings.Settings) { s.Security.TrustProxy = "nginx" }, []string{"TRUST_PROXY", `"nginx"`, "10.0.0.0/8"}},
		{"capture", func(s *settings.Settings) { s.Messages.Capture = "some" }, []string{"ELIZAD_CAPTURE", "off, errors or all"}},
		{"log level", func(s *settings.Settings) { s.Logs.Level = "loud" }, []string{"LOG_LEVEL", "fatal, error, warn"}},
		{"log level in capitals", func(s *settings.Settings) { s.Logs.Level = "DEBUG" }, nil},
		{"body", func(s *settings.Settings) { s.Limits.MaxBody = 0 }, []string{"EXPRESS_MAX_PAYLOAD", "2mb"}},
		{"timeout", func(s *settings.Settings) { s.Messages.RunTimeout = 0 }, []string{"RUN_TIMEOUT_MS", "at least 1s"}},
		{"project", func(s *settings.Settings) { s.Reports.SentryDSN = "https://hunter2@sentry.example/" }, []string{"SENTRY_DSN", "--sentry-dsn", "https://KEY@HOST/PROJECT"}},
		{"project without key", func(s *settings.Settings) { s.Reports.SentryDSN = "https://sentry.example/1" }, []string{"SENTRY_DSN"}},
		{"a project", func(s *settings.Settings) { s.Reports.SentryDSN = "https://key@o1.ingest.sentry.example/base/1" }, nil},
		{"traces", func(s *settings.Settings) { s.Reports.TracesSampleRate = 2 }, []string{"SENTRY_TRACES_SAMPLE_RATE", "is 2"}},
		{"no share", func(s *settings.Settings) { s.Reports.TracesSampleRate = math.NaN() }, []string{"SENTRY_TRACES_SAMPLE_RATE"}},
		{"two faults", func(s *settings.Settings) { s.Network.Port, s.Messages.QueueMax = -1, 0 }, []string{"SERVER_PORT", "LANE_QUEUE_MAX"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := settings.Default()
			tt.change(&s)
			err := s.Validate()
			if (err == nil) != (len(tt.want) == 0) {
				t.Fatalf("Validate() = %v", err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is missing in %q", want, err)
				}
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the message shows a password: %q", err)
			}
		})
	}
}

func TestProxies(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "{0 []}", "off": "{0 []}", "false": "{0 []}", "0": "{0 []}", "1": "{1 []}", "2": "{2 []}",
		"10.0.0.0/8, ::1": "{0 [10.0.0.0/8 ::1/128]}", "192.168.7.9/16": "{0 [192.168.0.0/16]}",
	} {
		got, err := settings.Security{TrustProxy: text}.Proxies()
		if err != nil || sprint(got) != want {
			t.Errorf("%q: got %v, %v; want %s", text, got, err, want)
		}
	}
}

func TestSessionMinutesAreClamped(t *testing.T) {
	for _, tt := range []struct {
		value string
		want  time.Duration
	}{{"45", 45 * time.Minute}, {"1.5", 90 * time.Second}, {"0", time.Minute}, {"-7", time.Minute}, {"1e9", 10080 * time.Minute}, {"soon", 30 * time.Minute}, {"NaN", 30 * time.Minute}} {
		s, err := parse(t, map[string]string{"SESSION_DEFAULT_TIMEOUT_MINUTES": tt.value})
		if err != nil || s.Sessions.Timeout != tt.want {
			t.Errorf("%s: %v, want %v; %v", tt.value, s.Sessions.Timeout, tt.want, err)
		}
	}
	s, err := parse(t, map[string]string{"CLEAR_SESSIONS_ON_SHUTDOWN": "true"}, "--session-max-duration=30")
	if err != nil || !s.Sessions.ClearOnShutdown || s.Sessions.MaxDuration != time.Hour {
		t.Errorf("%+v: %v", s.Sessions, err)
	}
}

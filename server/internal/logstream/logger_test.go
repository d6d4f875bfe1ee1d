package logstream_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/elizad/elizad/server/internal/logstream"
)

func TestLevels(t *testing.T) {
	t.Parallel()
	want := map[string]int{
		"fatal": 60, "error": 50, "warn": 40, "info": 30, "log": 29, "progress": 28, "success": 27, "debug": 20, "trace": 10,
	}
	for _, name := range logstream.LevelNames() {
		level, ok := logstream.ParseLevel(strings.ToUpper(name))
		if !ok || logstream.LevelNumber(level) != want[name] || logstream.LevelName(level) != name {
			t.Errorf("%s: level %d, number %d, name %s", name, level, logstream.LevelNumber(level), logstream.LevelName(level))
		}
		delete(want, name)
	}
	if len(want) != 0 {
		t.Errorf("missing: %v", want)
	}
	if _, ok := logstream.ParseLevel("loud"); ok {
		t.Error("loud is no level")
	}
	if got := logstream.LevelName(slog.LevelInfo + 1); got != "info" {
		t.Errorf("a level between info and warn is called %s", got)
	}
}

type requestID struct{}

func TestOutput(t *testing.T) {
	t.Parallel()
	fromContext := func(ctx context.Context) []slog.Attr {
		if id, ok := ctx.Value(requestID{}).(string); ok {
			return []slog.Attr{slog.String("requestId", id)}
		}
		return nil
	}
	ctx := context.WithValue(t.Context(), requestID{}, "r-1")
	tests := []struct {
		name    string
		options logstream.Options
		log     func(*slog.Logger)
		want    []string
		not     []string
	}{
		{
			name: "text", options: logstream.Options{},
			log:  func(l *slog.Logger) { l.Info("agent started", "agent", "Eliza", "took", 5*time.Millisecond) },
			want: []string{`level=INFO msg="agent started" agent=Eliza took=5ms`}, not: []string{"time="},
		},
		{
			name: "text with time", options: logstream.Options{Timestamps: true},
			log: func(l *slog.Logger) { l.Info("x") }, want: []string{"time=2"},
		},
		{
			name: "quiet below the level", options: logstream.Options{Level: slog.LevelWarn},
			log: func(l *slog.Logger) { l.Info("hidden"); l.Warn("shown") }, want: []string{"shown"}, not: []string{"hidden"},
		},
		{
			name: "levels that slog lacks", options: logstream.Options{Level: logstream.LevelTrace},
			log: func(l *slog.Logger) {
				l.Log(ctx, logstream.LevelFatal, "a")
				l.Log(ctx, logstream.LevelTrace, "b")
			},
			want: []string{"level=FATAL", "level=TRACE"},
		},
		{
			name: "attributes of the context", options: logstream.Options{FromContext: []func(context.Context) []slog.Attr{fromContext}},
			log:  func(l *slog.Logger) { l.With("a", 1).InfoContext(ctx, "x"); l.Info("y") },
			want: []string{"msg=x a=1 requestId=r-1", "msg=y\n"},
		},
		{
			name: "no secrets", options: logstream.Options{},
			log: func(l *slog.Logger) {
				l.Info("x", "Authorization", "Bearer hunter2", "X-API-KEY", "hunter2", slog.Group("cookies", "sid", "hunter2"),
					"db", slog.GroupValue(slog.String("password", "hunter2")), "inputTokens", 12, "author", "Ada")
			},
			want: []string{"[redacted]", "inputTokens=12", "author=Ada"}, not: []string{"hunter2"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, asJSON := range []bool{false, true} {
				var out bytes.Buffer
				tt.options.JSON, tt.options.Output = asJSON, &out
				tt.log(logstream.New(tt.options))
				if asJSON {
					for line := range strings.Lines(out.String()) {
						if !json.Valid([]byte(line)) {
							t.Errorf("not JSON: %s", line)
						}
					}
				} else {
					for _, want := range tt.want {
						if !strings.Contains(out.String(), want) {
							t.Errorf("%q is missing in %q", want, out.String())
						}
					}
				}
				for _, not := range tt.not {
					if strings.Contains(out.String(), not) && (!asJSON || not != "time=") {
						t.Errorf("%q should not be in %q", not, out.String())
					}
				}
			}
		})
	}
}

func TestStreamKeepsWhatIsLogged(t *testing.T) {
	t.Parallel()
	stream := logstream.NewStream(10)
	log := logstream.New(logstream.Options{Output: new(bytes.Buffer), Stream: stream})
	begin := time.Now()
	log.Debug("below the level")
	log.With("agent_id", "a-1").WithGroup("call").Error("model failed",
		"err", errors.New("no route"), "apiKey", "hunter2", "tries", 2, slog.Group("usage", "tokens", 7), "agentName", "Eliza")

	got := stream.Last(10, nil)
	if len(got) != 1 || got[0].Time.Before(begin) || got[0].Time.After(time.Now()) {
		t.Fatalf("entries: %+v", got)
	}
	got[0].Time = time.Time{}
	want := logstream.Entry{
		Seq: 1, Level: slog.LevelError, Message: "model failed", AgentID: "a-1", AgentName: "Eliza",
		Attrs: []logstream.Attr{
			{Key: "agent_id", Value: "a-1"}, {Key: "call.err", Value: "no route"}, {Key: "call.apiKey", Value: "[redacted]"},
			{Key: "call.tries", Value: int64(2)}, {Key: "call.usage.tokens", Value: int64(7)}, {Key: "call.agentName", Value: "Eliza"},
		},
	}
	if diff := cmp.Diff(want, got[0]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	const text = "model failed (agent_id=a-1, call.err=no route, call.apiKey=[redacted], call.tries=2, call.usage.tokens=7, call.agentName=Eliza)"
	if got[0].Text() != text {
		t.Errorf("Text() = %s", got[0].Text())
	}
	if got[0].Attr("call.tries") != int64(2) || got[0].Attr("tries") != nil {
		t.Error("Attr does not find by the full key only")
	}
}

package server_test

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server"
)

// journal is what a server logs at the default level.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

// option makes a server log here.
func (j *journal) option() server.Option {
	return server.WithLogger(slog.New(slog.NewTextHandler(j, nil)))
}

// lines returns the lines that hold all of the parts.
func (j *journal) lines(parts ...string) (out []string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for line := range strings.Lines(j.text.String()) {
		holds := true
		for _, part := range parts {
			holds = holds && strings.Contains(line, part)
		}
		if holds {
			out = append(out, line)
		}
	}
	return out
}

// Each message and what became of it is a line each, without what people write.
func TestLogFollowsAMessage(t *testing.T) {
	t.Parallel()
	var log journal
	n := startWith(t, testConfig(t), log.option())
	channel, user := n.dm()
	n.ask(channel, user, "marmalade, please").want(201)
	empty := n.group(uuid.NewString(), uuid.NewString())
	n.say(empty, user, "is anybody there?")
	n.stop()
	for name, parts := range map[string][]string{
		"came":     {`msg="message received"`, "channelId=" + channel, "author=", "length=17", "agents=1"},
		"answered": {`msg="agent answered"`, "agentName=Eliza", "channelId=" + channel, "ms=", "provider=builtin", "outputTokens="},
		"nobody":   {`msg="message received"`, "channelId=" + empty, "agents=0", "unhandled="},
	} {
		if got := log.lines(parts...); len(got) != 1 {
			t.Errorf("%s: %d lines\n%s", name, len(got), &log.text)
		}
	}
	if got := log.lines("marmalade"); len(got) > 0 {
		t.Errorf("the log repeats what people write: %v", got)
	}
}

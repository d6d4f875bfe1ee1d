package server_test

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"

	"github.com/elizad/elizad/server"
)

// journal is what a server logs at the default level.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write adds to the log.
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

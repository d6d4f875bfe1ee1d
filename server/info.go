package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/httpx"
	"github.com/elizad/elizad/server/internal/logstream"
	"github.com/elizad/elizad/server/internal/settingsfile"
	"github.com/elizad/elizad/server/internal/web"
	"github.com/elizad/elizad/server/settings"
)

// Info describes a running server to the person who started it.
type Info struct {
	Version  string `json:"version"`
	DataDir  string `json:"dataDir"`
	Engine   string `json:"engine"`   // sqlite or postgres
	Database string `json:"database"` // its file, or its name and host; without any password
	WebUI    bool   `json:"webUI"`
	Secured  bool   `json:"secured"` // an API key is required
	// OwnerToken is what the owner sends as API key to stop the server and to handle its settings, where no API key is set. It
	// is also in the data directory. OwnerPage is where a browser takes it: the path, with the token behind a #.
	OwnerToken string      `json:"-"`
	OwnerPage  string      `json:"-"`
	Agents     []AgentInfo `json:"agents"`
	Problems   []string    `json:"problems,omitempty"` // what went wrong at the start without ending it, such as a character that is none
}

// AgentInfo describes one agent and the model behind it.
type AgentInfo struct {
	ID       uuid.UUID `json:"id"`
	Name     string    `json:"name"`
	Running  bool      `json:"running"`
	Provider string    `json:"provider"`
	Model    string    `json:"model"`
	Notice   string    `json:"notice,omitempty"` // what the owner should know, such as how to connect a model
}

// Info returns what the server is and does at present.
func (s *Server) Info(ctx context.Context) (Info, error) {
	agents, err := s.parts.runtime.Agents().List(ctx, auth.System())
	if err != nil {
		return Info{}, err
	}
	info := Info{
		Version: s.version, DataDir: s.dataDir, Engine: s.parts.store.Engine(), Database: s.parts.database,
		Problems: s.parts.problems, WebUI: s.cfg.WebUI(), Secured: s.parts.guard.Required(),
		OwnerToken: s.parts.token,
		Agents:     make([]AgentInfo, len(agents)),
	}
	if info.WebUI && info.OwnerToken != "" {
		info.OwnerPage = web.OwnerPath + "#" + info.OwnerToken
	}
	for i, a := range agents {
		info.Agents[i] = agentInfo(a.ID, a.Name, a.Running, a.Model)
	}
	return info, nil
}

// OwnerToken reads the token of the owner of a server from its data directory; empty if there is none, as with a server that never
// ran, or has a key in its settings.
func OwnerToken(where settings.Storage) (string, error) {
	dir, err := where.DataDir()
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(filepath.Join(dir, auth.OwnerTokenFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("reading the owner's token: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// SettingsFile returns the file of settings in the data folder, or "" where there is none.
func (s *Server) SettingsFile() string {
	path := filepath.Join(s.dataDir, settingsfile.Name)
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return path
}

func newLogger(cfg settings.Settings, stream *logstream.Stream) *slog.Logger {
	level, _ := logstream.ParseLevel(cfg.Logs.Level) // Validate has seen to it
	return logstream.New(logstream.Options{
		JSON: cfg.Logs.JSON, Timestamps: cfg.Logs.Timestamps, Level: level,
		Stream: stream, FromContext: []func(context.Context) []slog.Attr{httpx.LogAttrs},
	})
}

package server

import (
	"context"
	"log/slog"

	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/httpx"
	"github.com/elizad/elizad/server/internal/logstream"
)

// Info describes a running server to the person who started it.
type Info struct {
	Version string      `json:"version"`
	DataDir string      `json:"dataDir"`
	Engine  string      `json:"engine"` // sqlite or postgres
	WebUI   bool        `json:"webUI"`
	Secured bool        `json:"secured"` // an API key is required
	Agents  []AgentInfo `json:"agents"`
}

// AgentInfo describes one agent and the model behind it.
type AgentInfo struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Running  bool   `json:"running"`
	Provider string `json:"provider"`
	Model    string `json:"model"`
	Notice   string `json:"notice,omitempty"` // what the owner should know, such as how to connect a model
}

// Info returns what the server is and does at present.
func (s *Server) Info(ctx context.Context) (Info, error) {
	agents, err := s.parts.runtime.Agents().List(ctx, auth.Service())
	if err != nil {
		return Info{}, err
	}
	info := Info{
		Version: s.version, DataDir: s.dataDir, Engine: s.parts.store.Engine(), WebUI: s.cfg.WebUI(), Secured: s.parts.keys.Required(),
		Agents: make([]AgentInfo, len(agents)),
	}
	for i, a := range agents {
		info.Agents[i] = AgentInfo{
			ID: a.ID.String(), Name: a.Name, Running: a.Running,
			Provider: a.Model.Provider, Model: a.Model.Model, Notice: a.Model.Notice,
		}
	}
	return info, nil
}

func newLogger(cfg Config, stream *logstream.Stream) *slog.Logger {
	level, _ := logstream.ParseLevel(cfg.Logs.Level) // Validate has seen to it
	return logstream.New(logstream.Options{
		JSON: cfg.Logs.JSON, Timestamps: cfg.Logs.Timestamps, Level: level,
		Stream: stream, FromContext: []func(context.Context) []slog.Attr{httpx.LogAttrs},
	})
}

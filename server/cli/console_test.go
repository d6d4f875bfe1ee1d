package cli

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server"
)

func TestWelcome(t *testing.T) {
	t.Parallel()
	eliza := server.AgentInfo{ID: uuid.MustParse("b850bc30-45f8-0041-a00a-83df46d8555d"), Name: "Eliza", Running: true, Provider: "builtin", Model: "doctor-1", Notice: "Set OPENAI_API_KEY."}
	ada := server.AgentInfo{ID: uuid.MustParse("58061aa5-4439-0a79-8e33-181a443b15b7"), Name: "Ada", Running: true, Provider: "openai", Model: "gpt-x"}
	tests := []struct {
		name      string
		info      server.Info
		want, not []string
	}{
		{"fresh", server.Info{Version: "v1", DataDir: "/data", Engine: "sqlite", Database: "/data/elizad.db", WebUI: true, Agents: []server.AgentInfo{eliza, eliza}},
			[]string{"elizad v1 is running", "Chat   http://localhost:1\n", "/docs", "no language model", "OPENAI_API_KEY", "help settings", "/data\n", "sqlite, /data/elizad.db", "Ctrl-C", "curl -s http://localhost:1/api", eliza.ID.String()},
			[]string{"X-API-KEY"}},
		{"secured, with a model", server.Info{Secured: true, WebUI: true, Agents: []server.AgentInfo{ada}},
			[]string{"Ada, speaking through gpt-x of openai", `-H "X-API-KEY: $ELIZA_SERVER_AUTH_TOKEN"`}, []string{"OPENAI_API_KEY"}},
		{"a model to be asked for", server.Info{Agents: []server.AgentInfo{{Name: "Ada", Running: true, Provider: "ollama"}}},
			[]string{"Ada, speaking through ollama\n"}, nil},
		{"without a page", server.Info{Agents: []server.AgentInfo{ada}}, []string{"/docs"}, []string{"Chat"}},
		{"a character left out", server.Info{Problems: []string{"reading the character in ada.json: /bio: is required"}, Agents: []server.AgentInfo{ada}}, []string{"Wrong  reading the character in ada.json"}, nil},
		{"nobody", server.Info{}, []string{"--character FILE", "/api/agents"}, []string{"messages"}},
		{"many", server.Info{Agents: []server.AgentInfo{ada, ada, ada, ada, ada, ada, ada}}, []string{"and 2 more"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var person, manager bytes.Buffer
			(&console{out: &person, keys: "Ctrl-C"}).welcome("http://localhost:1", tt.info)
			(&console{log: slog.New(slog.NewTextHandler(&manager, nil))}).welcome("http://localhost:1", tt.info)
			for _, want := range tt.want {
				if !strings.Contains(person.String(), want) {
					t.Errorf("%q is missing in\n%s", want, &person)
				}
			}
			for _, not := range tt.not {
				if strings.Contains(person.String(), not) {
					t.Errorf("%q is in\n%s", not, &person)
				}
			}
			if lines := strings.Count(manager.String(), "\n"); lines != 1 || !strings.Contains(manager.String(), "url=http://localhost:1") {
				t.Errorf("as log lines: %s", &manager)
			}
		})
	}
}

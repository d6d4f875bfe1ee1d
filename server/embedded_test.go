package server_test

import (
	"strings"
	"testing"

	"github.com/elizad/elizad/gen/api"

	"github.com/elizad/elizad/server"
	"github.com/elizad/elizad/server/internal/modeltest"
)

// A server inside another program finds its models where the program elizad does, or where it is told to.
func TestEmbeddedServersReadTheEnvironment(t *testing.T) {
	m := modeltest.New(t, func(modeltest.Request) modeltest.Script { return modeltest.Frame("From the model.") })
	t.Setenv("OPENAI_BASE_URL", m.URL)
	t.Setenv("OPENAI_API_KEY", "sk-embedded-0123456789abcdef")
	t.Setenv("SERVER_PORT", "1") // which is not about agents
	for name, test := range map[string]struct {
		options []server.Option
		want    bool
	}{
		"by default":          {nil, true},
		"with none":           {[]server.Option{server.WithEnvironment()}, false},
		"with one's own":      {[]server.Option{server.WithEnvironment("OPENAI_BASE_URL="+m.URL, "OPENAI_API_KEY=key")}, true},
		"with other people's": {[]server.Option{server.WithEnvironment("HOME=/", "OPENAI_API_KEY=")}, false},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := server.DefaultConfig()
			if cfg.Network.Port != 3000 {
				t.Errorf("the server's own settings came from the environment: port %d", cfg.Network.Port)
			}
			cfg.Storage.Dir = t.TempDir()
			cfg.Limits.RateLimit = false
			n := startWith(t, cfg, test.options...)
			channel, user := n.dm()
			got := into[api.MessagePostedEnvelope](n.ask(channel, user, "Hello").want(201)).AgentResponse.Text
			if strings.Contains(got, "From the model.") != test.want {
				t.Errorf("the answer is %q", got)
			}
		})
	}
}

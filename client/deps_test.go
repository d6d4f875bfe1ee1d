package client_test

import (
	"os/exec"
	"strings"
	"testing"
)

// Whoever imports the client gets neither the router nor the validator, and nothing of the server but its error codes.
func TestClientStaysLight(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	const ours = "github.com/elizad/elizad/"
	allowed := map[string]bool{"client": true, "server/apierr": true, "gen/api": true, "gen/apiclient": true, "api/wire": true}
	for name := range strings.Lines(string(out)) {
		name = strings.TrimSpace(name)
		if own, is := strings.CutPrefix(name, ours); is && !allowed[own] {
			t.Errorf("the client depends on %s", name)
		}
		for _, heavy := range []string{"go-chi/", "kin-openapi", "pgx", "modernc.org", "nats"} {
			if strings.Contains(name, heavy) {
				t.Errorf("the client depends on %s", name)
			}
		}
	}
}

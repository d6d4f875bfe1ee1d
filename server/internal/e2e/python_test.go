package e2e_test

import (
	"context"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestPythonOverPolling chats through python-socketio, which uses long polling alone unless its websocket extra is installed.
func TestPythonOverPolling(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	ctx, cancel := context.WithTimeout(t.Context(), scriptPatience)
	defer cancel()
	out, err := exec.CommandContext(ctx, "/usr/bin/python3", filepath.Join("python", "polling.py"), p.url).CombinedOutput()
	if err != nil {
		t.Fatalf("polling.py: %v (it needs the Debian packages python3-socketio and python3-requests)\n%s", err, out)
	}
	t.Logf("%s", out)
}

package config_test

import (
	"strings"
	"testing"

	"github.com/elizad/elizad/server/internal/config"
)

func TestDataDir(t *testing.T) {
	t.Setenv("HOME", "/home/ada")
	t.Setenv("XDG_DATA_HOME", "")
	for dir, want := range map[string]string{
		"": "/home/ada/.local/share/elizad", "~/data": "/home/ada/data", "~": "/home/ada", "/srv/e": "/srv/e",
	} {
		got, err := config.Storage{Dir: dir}.DataDir()
		if err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", dir, got, err, want)
		}
	}
	t.Setenv("XDG_DATA_HOME", "/data")
	if got, _ := (config.Storage{}).DataDir(); got != "/data/elizad" {
		t.Errorf("with XDG_DATA_HOME: %q", got)
	}
	t.Setenv("XDG_DATA_HOME", "relative")
	t.Setenv("HOME", "")
	if _, err := (config.Storage{}).DataDir(); err == nil || !strings.Contains(err.Error(), "ELIZAD_DATA_DIR") {
		t.Errorf("without a home: %v", err)
	}
}

func TestMediaDirs(t *testing.T) {
	t.Setenv("HOME", "/home/ada")
	got, err := config.Storage{Dir: "/srv/e", Generated: "~/made"}.MediaDirs()
	want := config.MediaDirs{AgentUploads: "/srv/e/uploads/agents", ChannelUploads: "/srv/e/uploads/channels", Generated: "/home/ada/made"}
	if err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
}

package settings_test

import (
	"strings"
	"testing"

	"github.com/elizad/elizad/server/settings"
)

func TestDataDir(t *testing.T) {
	t.Setenv("HOME", "/home/ada")
	t.Setenv("XDG_DATA_HOME", "")
	for dir, want := range map[string]string{
		"": "/home/ada/.local/share/elizad", "~/data": "/home/ada/data", "~": "/home/ada", "/srv/e": "/srv/e",
	} {
		got, err := settings.Storage{Dir: dir}.DataDir()
		if err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", dir, got, err, want)
		}
	}
	t.Setenv("XDG_DATA_HOME", "/data")
	if got, _ := (settings.Storage{}).DataDir(); got != "/data/elizad" {
		t.Errorf("with XDG_DATA_HOME: %q", got)
	}
	t.Setenv("XDG_DATA_HOME", "relative")
	t.Setenv("HOME", "")
	if _, err := (settings.Storage{}).DataDir(); err == nil || !strings.Contains(err.Error(), "ELIZAD_DATA_DIR") {
		t.Errorf("without a home: %v", err)
	}
}

func TestMediaDirs(t *testing.T) {
	t.Setenv("HOME", "/home/ada")
	got, err := settings.Storage{Dir: "/srv/e", Generated: "~/made"}.MediaDirs()
	want := settings.MediaDirs{AgentUploads: "/srv/e/uploads/agents", ChannelUploads: "/srv/e/uploads/channels", Generated: "/home/ada/made"}
	if err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
}

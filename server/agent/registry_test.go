package agent_test

import (
	"context"
	"testing"

	"github.com/elizad/elizad/server/agent"
)

func TestPluginName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"weather", "plugin-weather", "@elizaos/plugin-weather", "@elizaos-plugins/plugin-weather", "@me/weather", " Plugin-Weather "} {
		if got := agent.PluginName(name); got != "weather" {
			t.Errorf("PluginName(%q) = %q", name, got)
		}
	}
	if got := agent.PluginName("./local/plugin.js"); got != "./local/plugin.js" {
		t.Errorf("a path became %q", got)
	}
}

func TestRegistry(t *testing.T) {
	t.Parallel()
	provision := func(context.Context, agent.Setup) (agent.Components, error) { return agent.Components{}, nil }
	r, err := agent.NewRegistry(agent.Plugin{Name: "weather", Provision: provision}, agent.Plugin{Name: "@x/plugin-news", Provision: provision})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"@elizaos/plugin-weather", "news"} {
		if _, ok := r.Lookup(name); !ok {
			t.Errorf("%s is not found", name)
		}
	}
	if _, ok := r.Lookup("other"); ok {
		t.Error("found what is not there")
	}
	for _, bad := range [][]agent.Plugin{
		{{Name: "weather", Provision: provision}, {Name: "plugin-weather", Provision: provision}},
		{{Name: "weather"}},
		{{Provision: provision}},
	} {
		if _, err := agent.NewRegistry(bad...); err == nil {
			t.Errorf("%+v was registered", bad)
		}
	}
}

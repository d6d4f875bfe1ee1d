package agent_test

import (
	"context"
	"fmt"
	"html"
	"log/slog"
	"net/http"
	"strings"

	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/model"
)

// A plugin that rolls dice: its character says {"plugins": ["dice"]}.
func Example() {
	dice := agent.Plugin{
		Name:        "dice",
		Description: "Rolls dice",
		Provision: func(_ context.Context, setup agent.Setup) (agent.Components, error) {
			sides := "six"
			if v, ok := setup.Host.Setting("DICE_SIDES"); ok {
				sides = v
			}
			return agent.Components{
				Actions: []agent.Action{{
					Name: "ROLL_DICE", Similes: []string{"THROW_DICE"}, Description: "Roll a die when somebody asks for it.",
					Validate: func(_ context.Context, run *agent.Run) bool {
						return strings.Contains(strings.ToLower(run.Message.Content.Text), "roll")
					},
					Handle: func(_ context.Context, run *agent.Run) (agent.Result, error) {
						n := run.Rand(run.ID.String()).IntN(6) + 1
						return agent.Result{Text: "A die was rolled.", Say: fmt.Sprintf("It shows %d.", n)}, nil
					},
				}},
				Providers: []agent.Provider{{
					Name: "DICE", Description: "The dice at hand",
					Get: func(context.Context, *agent.Run) (agent.ProviderResult, error) {
						return agent.ProviderResult{Text: "There is a die with " + sides + " sides."}, nil
					},
				}},
			}, nil
		},
	}
	registry, err := agent.NewRegistry(dice)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, found := registry.Lookup("@me/plugin-dice")
	fmt.Println(registry.Names(), found)
	// Output: [dice] true
}

// A plugin that calls a service. Its key may be the server's, and its address that of a character written by any caller: the
// key is sent only to an address that is as trusted as the key.
func ExampleHost() {
	request := func(ctx context.Context, host agent.Host) (*http.Request, error) {
		address, ok := host.Lookup("WEATHER_URL")
		if !ok {
			address = model.Setting{Value: "https://weather.example", Origin: model.FromOperator} // built in
		}
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, address.Value+"/today", nil)
		if err != nil {
			return nil, err
		}
		if key, ok := host.Lookup("WEATHER_KEY"); ok && key.MayCarry(address) {
			r.Header.Set("Authorization", "Bearer "+key.Value)
		}
		return r, nil
	}
	for _, host := range []settings{
		{"WEATHER_KEY": {Value: "k", Origin: model.FromOperator}},
		{"WEATHER_KEY": {Value: "k", Origin: model.FromOperator}, "WEATHER_URL": {Value: "https://evil.example", Origin: model.FromCharacter}},
		{"WEATHER_KEY": {Value: "k", Origin: model.FromCharacter}, "WEATHER_URL": {Value: "https://mine.example", Origin: model.FromCharacter}},
	} {
		r, err := request(context.Background(), host)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(r.URL.Host, r.Header["Authorization"])
	}
	// Output:
	// weather.example [Bearer k]
	// evil.example []
	// mine.example [Bearer k]
}

// settings is a host of a few settings.
type settings map[string]model.Setting

func (s settings) Lookup(name string) (model.Setting, bool) { v, ok := s[name]; return v, ok }
func (s settings) Setting(name string) (string, bool)       { v, ok := s[name]; return v.Value, ok }
func (s settings) Logger() *slog.Logger                     { return slog.Default() }

// A plugin with a page beside the agent's chat, and an endpoint for programs.
func ExampleRoute() {
	weather := agent.Plugin{
		Name: "weather",
		Provision: func(_ context.Context, setup agent.Setup) (agent.Components, error) {
			name := setup.Character.Name
			return agent.Components{Routes: []agent.Route{
				{Method: "GET", Path: "/panel", Name: "Weather", Public: true, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					fmt.Fprintf(w, "<p>%s says that it is raining.</p>", html.EscapeString(name))
				})},
				{Method: "GET", Path: "/in/{city}", Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					fmt.Fprintf(w, "It is raining in %s.", r.PathValue("city"))
				})},
			}}, nil
		},
	}
	parts, err := weather.Provision(context.Background(), agent.Setup{Character: &agent.Character{Name: "Ada"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, route := range parts.Routes {
		fmt.Println("/api/agents/<agent>/plugins/weather" + route.Path)
	}
	// Output:
	// /api/agents/<agent>/plugins/weather/panel
	// /api/agents/<agent>/plugins/weather/in/{city}
}

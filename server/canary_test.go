package server_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server"
	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/model"
	"github.com/elizad/elizad/server/model/vendors"
	"github.com/elizad/elizad/server/settings"
)

// A key goes only where it was meant to go. Listeners stand for models of the operator and for those of others; whatever arrives
// at one of the others must hold no key that was not given for it. The tables are made of vendors.Vendors: a new vendor is in
// them without a line here.

func TestKeysOfTheEnvironmentStayAtHome(t *testing.T) {
	t.Parallel()
	evil := newSink(t)
	dir := t.TempDir()
	n := start(t, dir, variables(keys("environment"))...)
	for _, v := range vendors.Vendors() {
		for _, address := range v.URLFrom {
			for _, url := range []string{evil.URL, evil.URL + "/v1/chat/completions"} {
				n.use(n.bring(address+url, map[string]any{"settings": speaking(v, map[string]any{address: url})}))
			}
			n.use(n.bring("secret "+address, map[string]any{"settings": speaking(v, map[string]any{}), "secrets": map[string]any{address: evil.URL}}))
			n.use(n.bring("plugin "+address, map[string]any{"plugins": []string{"@elizaos/plugin-" + v.Name}, "settings": map[string]any{address: evil.URL, "LARGE_MODEL": "m", "SMALL_MODEL": "m"}}))
		}
	}
	if evil.requests() == 0 {
		t.Error("nothing arrived: the test shows nothing")
	}
	if evil.saw("canary") {
		t.Errorf("a key of the environment arrived: %s", evil.all.String())
	}
	told := n.bring("told", map[string]any{"settings": map[string]any{"modelProvider": "openai", "OPENAI_BASE_URL": evil.URL}})
	a := n.read(n.api().GetAgent(t.Context(), told)).want(200)
	for _, word := range []string{"OPENAI_API_KEY", "OPENAI_BASE_URL", "is not used"} {
		if !strings.Contains(string(a.body), word) {
			t.Errorf("the agent's notice says nothing of %s: %s", word, a.body)
		}
	}

	// Stored addresses, whose next start they outlive.
	stored := map[string]any{"LARGE_MODEL": "m", "SMALL_MODEL": "m"}
	for _, v := range vendors.Vendors() {
		for _, address := range v.URLFrom {
			stored[address] = evil.URL
		}
	}
	n.owner().setEnvironment(stored).want(200)
	n.stop()
	n = start(t, dir, variables(keys("environment"))...)
	for _, v := range vendors.Vendors() {
		n.use(n.bring("stored "+v.Name, map[string]any{"settings": speaking(v, map[string]any{})}))
	}
	if evil.saw("canary") {
		t.Errorf("a key of the environment arrived at a stored address: %s", evil.all.String())
	}
}

// A stored file that is read into the environment as well, as where the data folder is the working folder, is no more trusted.
func TestStoredFileInTheEnvironment(t *testing.T) {
	t.Parallel()
	evil := newSink(t)
	dir := t.TempDir()
	n := start(t, dir)
	n.owner().setEnvironment(map[string]any{"OPENAI_BASE_URL": evil.URL, "LARGE_MODEL": "m", "SMALL_MODEL": "m"}).want(200)
	n.stop()
	n = start(t, dir, "OPENAI_API_KEY="+canary("environment", "OPENAI_API_KEY"), "OPENAI_BASE_URL="+evil.URL)
	n.use(n.agentID())
	if evil.saw("canary") {
		t.Error("the key arrived")
	}
}

func TestStoredKeysStayWithTheirAddresses(t *testing.T) {
	t.Parallel()
	good, evil := newSink(t), newSink(t)
	dir := t.TempDir()
	n := start(t, dir)
	settings := keys("stored")
	for _, v := range vendors.Vendors() {
		settings[v.URLFrom[0]] = good.URL
	}
	n.owner().setEnvironment(settings).want(200)
	n.stop()
	n = start(t, dir)
	for _, v := range vendors.Vendors() {
		n.use(n.bring("good "+v.Name, map[string]any{"settings": speaking(v, map[string]any{})}))
		if key := canary("stored", v.KeyFrom[0]); !good.saw(key) {
			t.Errorf("%s did not arrive where it was meant to", key)
		}
		for _, address := range v.URLFrom {
			n.use(n.bring("evil "+address, map[string]any{"settings": speaking(v, map[string]any{address: evil.URL})}))
		}
	}
	if evil.saw("canary") {
		t.Errorf("a stored key arrived at a character's address: %s", evil.all.String())
	}
	// Who may read only the masks sends them back with addresses of his own.
	masked := data[map[string]any](n.owner().environment().want(200))
	for _, v := range vendors.Vendors() {
		masked[v.URLFrom[0]] = evil.URL
	}
	said := n.owner().setEnvironment(masked).want(200)
	for _, v := range vendors.Vendors() {
		if !strings.Contains(string(said.body), v.KeyFrom[0]) {
			t.Errorf("the answer says nothing of %s: %s", v.KeyFrom[0], said.body)
		}
	}
	n.stop()
	n = start(t, dir)
	for _, v := range vendors.Vendors() {
		n.use(n.bring("again "+v.Name, map[string]any{"settings": speaking(v, map[string]any{})}))
	}
	if evil.saw("canary") {
		t.Errorf("a stored key arrived at an address that was stored later: %s", evil.all.String())
	}
	if text, err := os.ReadFile(filepath.Join(dir, ".env")); err != nil || strings.Contains(string(text), "canary") {
		t.Errorf("the keys are still there: %s, %v", text, err)
	}
}

func TestSecretsOfAgentsStayWithTheirAddresses(t *testing.T) {
	t.Parallel()
	good, evil := newSink(t), newSink(t)
	dir := t.TempDir()
	n := start(t, dir)
	var ids []uuid.UUID
	for _, v := range vendors.Vendors() {
		for i, address := range v.URLFrom {
			key := canary("agent", fmt.Sprint(v.KeyFrom[0], i))
			id := n.bring(address, map[string]any{
				"settings": speaking(v, map[string]any{v.URLFrom[0]: good.URL}), "secrets": map[string]any{v.KeyFrom[0]: key},
			})
			n.use(id)
			if !good.saw(key) {
				t.Errorf("%s did not arrive where it was meant to", key)
			}
			settings := map[string]any{address: evil.URL}
			if i > 0 {
				settings[v.URLFrom[0]] = nil
			}
			body := map[string]any{"settings": settings}
			if i%2 == 1 { // as a secret, and with the mask
				body = map[string]any{"settings": map[string]any{v.URLFrom[0]: nil}, "secrets": map[string]any{address: evil.URL, v.KeyFrom[0]: "********"}}
			}
			said := n.changeAgent(id, body).want(200)
			if !strings.Contains(string(said.body), "Removed") || !strings.Contains(string(said.body), v.KeyFrom[0]) {
				t.Errorf("%s: the answer doesn't say what went: %s", address, said.body)
			}
			now := n.read(n.api().GetAgent(t.Context(), id)).want(200)
			if said.header.Get("ETag") != now.header.Get("ETag") {
				t.Errorf("the tag of the change is not that of the agent")
			}
			n.use(id)
			ids = append(ids, id)
		}
	}
	n.stop()
	n = start(t, dir)
	for _, id := range ids {
		n.use(id)
	}
	if evil.requests() == 0 {
		t.Error("nothing arrived: the test shows nothing")
	}
	if evil.saw("canary") {
		t.Errorf("a secret arrived at another address: %s", evil.all.String())
	}
}

// What the operator holds for one agent goes to that one: by id, or by name to those that he brought.
func TestKeysForOneAgent(t *testing.T) {
	t.Parallel()
	good, evil := newSink(t), newSink(t)
	dir := t.TempDir()
	cfg := testConfig(t)
	for name, file := range map[string]string{"Ada Lovelace": "ada.json", "Kay": "kay.json", "Twin-1": "t1.json", "twin_1": "t2.json"} {
		path := filepath.Join(dir, file)
		if err := os.WriteFile(path, fmt.Appendf(nil, `{"name":%q,"bio":"x","settings":{"LARGE_MODEL":"m","SMALL_MODEL":"m"}}`, name), 0o600); err != nil {
			t.Fatal(err)
		}
		cfg.Agents.Characters = append(cfg.Agents.Characters, path)
	}
	byID := uuid.New()
	cfg.Agents.Environment = settings.ReadAgentEnvironment([]string{
		"OPENAI_BASE_URL=" + good.URL,
		"CHARACTER.ADA_LOVELACE.OPENAI_API_KEY=" + canary("name", "ADA"), "KAY_OPENAI_API_KEY=" + canary("name", "KAY"),
		"CHARACTER.TWIN_1.OPENAI_API_KEY=" + canary("name", "TWIN"), "CHARACTER." + byID.String() + ".OPENAI_API_KEY=" + canary("id", "X"),
		"CHARACTER.ADA_LOVELACE.GROQ_API_KEY=" + canary("name", "GROQ"),
	})
	n := startWith(t, cfg)
	for _, a := range n.agents() {
		n.use(a.ID)
	}
	for _, who := range []string{"ADA", "KAY"} {
		if !good.saw(canary("name", who)) {
			t.Errorf("%s has no key", who)
		}
	}
	if good.saw(canary("name", "TWIN")) {
		t.Error("two whose names are written alike have the key of one")
	}
	var ada uuid.UUID
	for _, a := range n.agents() {
		if a.Name == "Ada Lovelace" {
			ada = a.ID
		}
	}
	for i, name := range []string{"ada!lovelace", "ADA_LOVELACE", "kay", "Käy", "ada lovelace"} {
		n.use(n.bring(name, map[string]any{"settings": map[string]any{"OPENAI_BASE_URL": evil.URL, "GROQ_BASE_URL": evil.URL, "LARGE_MODEL": "m", "SMALL_MODEL": "m", "modelProvider": []string{"openai", "groq"}[i%2]}}))
	}
	id := n.bring("Mallory", map[string]any{"settings": map[string]any{"OPENAI_BASE_URL": evil.URL, "LARGE_MODEL": "m", "SMALL_MODEL": "m"}})
	n.changeAgent(id, map[string]any{"name": "Kay"})
	n.use(id)
	n.changeAgent(ada, map[string]any{"settings": map[string]any{"OPENAI_BASE_URL": evil.URL, "GROQ_BASE_URL": evil.URL}}).want(200)
	n.use(ada)
	n.changeAgent(ada, map[string]any{"settings": map[string]any{"modelProvider": "groq"}, "plugins": []string{"groq"}}).want(200)
	n.use(ada)
	if evil.saw("canary") {
		t.Errorf("a key for one agent arrived elsewhere: %s", evil.all.String())
	}
}

// A model that the operator trusts sends calls on to another: they are not followed.
func TestRedirectsCarryNoKeys(t *testing.T) {
	t.Parallel()
	evil := newSink(t)
	for _, status := range []int{301, 302, 303, 307, 308} {
		good := newSink(t, func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, evil.URL+r.URL.Path, status)
			return true
		})
		n := start(t, t.TempDir(), append(variables(keys("environment")), "OPENAI_BASE_URL="+good.URL, "GROQ_BASE_URL="+good.URL)...)
		for _, name := range []string{"openai", "groq"} {
			v, _ := vendors.VendorNamed(name)
			n.use(n.bring(name, map[string]any{"settings": speaking(v, map[string]any{})}))
		}
		if !good.saw("canary") {
			t.Error("the trusted model was not called")
		}
		n.stop()
	}
	if evil.requests() > 0 {
		t.Errorf("%d calls were sent on", evil.requests())
	}
}

// What an address answers is told only where the operator chose it, and addresses of the network around are not called for
// callers: neither once the server has a key, nor when others reach it.
func TestAddressesOfCallersAreGuarded(t *testing.T) {
	t.Parallel()
	answers := func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"error":{"message":"internal-secret-42"}}`)
		return true
	}
	inside := newSink(t, answers)
	port := inside.URL[strings.LastIndexByte(inside.URL, ':'):]
	for name, test := range map[string]struct {
		key   string
		allow string
		open  bool // calls are let through
	}{
		"at home":                  {open: true},
		"with a key":               {key: "0123456789abcdef"},
		"with a key and a list":    {key: "0123456789abcdef", allow: "127.0.0.0/8", open: true},
		"with a key and the port":  {key: "0123456789abcdef", allow: "127.0.0.1" + port, open: true},
		"with a key, another port": {key: "0123456789abcdef", allow: "127.0.0.1:1"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := testConfig(t)
			cfg.Security.AuthToken, cfg.Security.EgressAllow = test.key, test.allow
			n := startWith(t, cfg)
			n.client.Transport = withKey{test.key, n.client.Transport}
			before := inside.requests()
			id := n.bring("probe", map[string]any{"settings": map[string]any{"OPENAI_BASE_URL": inside.URL + "/admin", "LARGE_MODEL": "m", "SMALL_MODEL": "m"}})
			n.use(id)
			if called := inside.requests() > before; called != test.open {
				t.Errorf("called: %v", called)
			}
			before = inside.requests()
			for _, address := range []string{
				inside.URL + "/admin/delete?all=1", "http://user:pw@127.0.0.1" + port, "http://0.0.0.0" + port, "http://[::ffff:0.0.0.0]" + port, "http://169.254.169.254/latest",
			} {
				bad := n.bring(address, map[string]any{"settings": map[string]any{"OPENAI_BASE_URL": address, "LARGE_MODEL": "m", "SMALL_MODEL": "m"}})
				n.use(bad)
				if a := n.read(n.api().GetAgent(t.Context(), bad)).want(200); !strings.Contains(string(a.body), "ELIZAD_EGRESS_ALLOW") || !strings.Contains(string(a.body), "OPENAI_BASE_URL") {
					t.Errorf("%s: the notice doesn't say why: %s", address, a.body)
				}
			}
			if inside.requests() > before {
				t.Error("an address that nobody may name was called")
			}
			if a := n.read(n.api().GetAgent(t.Context(), id)).want(200); strings.Contains(string(a.body), "internal-secret-42") {
				t.Errorf("what the address answers is told: %s", a.body)
			}
			if logs := n.read(n.api().ListAgentLogs(t.Context(), id, nil)).want(200); strings.Contains(string(logs.body), "internal-secret-42") {
				t.Errorf("what the address answers is in the agent's log: %s", logs.body)
			}
		})
	}
	n := start(t, t.TempDir(), "OPENAI_BASE_URL="+inside.URL)
	n.use(n.agentID())
	if runs := n.read(n.api().ListAgentLogs(t.Context(), n.agentID(), nil)).want(200); !strings.Contains(string(runs.body), "internal-secret-42") {
		t.Errorf("the operator's own model is not quoted: %s", runs.body)
	}
}

// withKey sends a key along.
type withKey struct {
	key  string
	next http.RoundTripper
}

func (k withKey) RoundTrip(r *http.Request) (*http.Response, error) {
	if k.key != "" {
		r = r.Clone(r.Context())
		r.Header.Set("X-API-KEY", k.key)
	}
	return k.next.RoundTrip(r)
}

// A plugin that reads its key and its address as the documentation of agent.Host has it.
func TestKeysOfPluginsStayWithTheirAddresses(t *testing.T) {
	t.Parallel()
	good, evil := newSink(t), newSink(t)
	weather := agent.Plugin{Name: "weather", Provision: func(ctx context.Context, setup agent.Setup) (agent.Components, error) {
		return agent.Components{Providers: []agent.Provider{{Name: "WEATHER", Get: func(ctx context.Context, run *agent.Run) (agent.ProviderResult, error) {
			address, ok := run.Host.Lookup("WEATHER_URL")
			if !ok {
				address = model.Setting{Value: good.URL, Origin: model.FromOperator}
			}
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, address.Value+"/today", nil)
			if err != nil {
				return agent.ProviderResult{}, err
			}
			for _, name := range []string{"WEATHER_KEY", "WEATHER_API_KEY"} {
				if key, ok := run.Host.Lookup(name); ok && key.MayCarry(address) {
					r.Header.Set("Authorization", "Bearer "+key.Value)
				}
			}
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				return agent.ProviderResult{}, err
			}
			return agent.ProviderResult{Text: "Fine"}, resp.Body.Close()
		}}}}, nil
	}}
	dir, home := t.TempDir(), uuid.New()
	boot := func() *node {
		cfg := testConfig(t)
		cfg.Storage.Dir = dir
		byID := "CHARACTER." + home.String() + ".WEATHER_KEY=" + canary("environment", "ONE")
		cfg.Agents.Environment = settings.ReadAgentEnvironment([]string{byID, "WEATHER_API_KEY=" + canary("environment", "ALL")})
		return startWith(t, cfg, server.WithPlugins(weather))
	}
	n := boot()
	plugins := []string{"weather"}
	n.use(n.bring("home", map[string]any{"plugins": plugins, "id": home}))
	if !good.saw(canary("environment", "ONE")) {
		t.Error("the operator's key did not arrive where it was meant to")
	}
	n.changeAgent(home, map[string]any{"settings": map[string]any{"WEATHER_URL": evil.URL}}).want(200)
	n.use(home)
	n.use(n.bring("stranger", map[string]any{"plugins": plugins, "settings": map[string]any{"WEATHER_URL": evil.URL}}))
	own := n.bring("own", map[string]any{"plugins": plugins, "settings": map[string]any{"WEATHER_URL": good.URL}, "secrets": map[string]any{"WEATHER_KEY": canary("agent", "OWN")}})
	n.use(own)
	if !good.saw(canary("agent", "OWN")) {
		t.Error("the agent's key did not arrive where it was meant to")
	}
	n.changeAgent(own, map[string]any{"settings": map[string]any{"WEATHER_URL": evil.URL}}).want(200)
	n.use(own)
	n.stop()
	n = boot()
	n.use(own)
	if evil.requests() == 0 {
		t.Error("nothing arrived: the test shows nothing")
	}
	if evil.saw("canary") {
		t.Errorf("a key arrived at another address: %s", evil.all.String())
	}
}

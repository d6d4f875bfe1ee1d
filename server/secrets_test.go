package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server"
	"github.com/elizad/elizad/server/settings"
)

// secrets lists the secrets of an agent by name.
func (n *node) secrets(id uuid.UUID) map[string]api.AgentSecret {
	n.t.Helper()
	out := map[string]api.AgentSecret{}
	for _, s := range data[[]api.AgentSecret](n.read(n.api().ListAgentSecrets(n.t.Context(), id)).want(200)) {
		out[s.Name] = s
	}
	return out
}

// A secret is listed by its name, with when it was changed and when its value was last used, over a restart too.
func TestSecretTimes(t *testing.T) {
	t.Parallel()
	sink := newSink(t)
	dir := t.TempDir()
	n := start(t, dir)
	id := n.bring("Ada", map[string]any{
		"settings": map[string]any{"modelProvider": "openai", "OPENAI_BASE_URL": sink.URL, "LARGE_MODEL": "m", "SMALL_MODEL": "m"},
		"secrets":  map[string]any{"OPENAI_API_KEY": "canary-1", "OTHER": "canary-2"},
	})
	before := n.secrets(id)
	if len(before) != 2 || before["OPENAI_API_KEY"].ChangedAt == nil || before["OPENAI_API_KEY"].LastUsedAt != nil || before["OTHER"].ChangedAt == nil {
		t.Fatalf("at first: %+v", before)
	}
	n.use(id)
	if !sink.saw("canary-1") {
		t.Fatal("the key did not arrive: the test shows nothing")
	}
	used := n.secrets(id)
	if used["OPENAI_API_KEY"].LastUsedAt == nil || used["OTHER"].LastUsedAt != nil {
		t.Fatalf("after a turn: %+v", used)
	}
	n.stop()
	n = start(t, dir)
	if again := n.secrets(id); again["OPENAI_API_KEY"].LastUsedAt == nil || *again["OPENAI_API_KEY"].LastUsedAt != *used["OPENAI_API_KEY"].LastUsedAt {
		t.Errorf("after a restart: %+v, want %+v", again, used)
	}
	n.changeAgent(id, map[string]any{"secrets": map[string]any{"OPENAI_API_KEY": "canary-3", "OTHER": nil}}).want(200)
	changed := n.secrets(id)
	if len(changed) != 1 || changed["OPENAI_API_KEY"].LastUsedAt != nil || *changed["OPENAI_API_KEY"].ChangedAt < *before["OPENAI_API_KEY"].ChangedAt {
		t.Errorf("after a change: %+v", changed)
	}
	n.read(n.api().ListAgentSecrets(t.Context(), uuid.New())).want(404)
}

// rotation is a data folder with agents whose secrets, and jobs whose, are sealed.
func rotation(t *testing.T, agents int) (cfg settings.Settings, ids []uuid.UUID) {
	t.Helper()
	cfg = testConfig(t)
	cfg.Sessions.WebhookAllow = "127.0.0.1"
	n := startWith(t, cfg)
	for i := range agents {
		ids = append(ids, n.bring("Agent "+string(rune('a'+i%26))+uuid.NewString(), map[string]any{"secrets": map[string]any{"TOKEN": "canary-" + string(rune('a'+i%26))}}))
	}
	n.stop()
	return withDatabase(cfg), ids
}

// withDatabase returns the settings by which a server that was started with cfg finds its database.
func withDatabase(cfg settings.Settings) settings.Settings {
	if url, ok := databases.Load(cfg.Storage.Dir); ok {
		cfg.Storage.PostgresURL = url.(string)
	}
	return cfg
}

// readable fails unless every agent's secrets open with the keys that the data folder has.
func readable(t *testing.T, cfg settings.Settings, ids []uuid.UUID) {
	t.Helper()
	n := startWith(t, cfg)
	defer n.stop()
	for _, id := range ids {
		if said := string(n.read(n.api().GetAgent(t.Context(), id)).want(200).body); strings.Contains(said, "another master key") {
			t.Fatalf("the secrets of %s can't be read", id)
		}
	}
}

func keyFile(t *testing.T, cfg settings.Settings) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(cfg.Storage.Dir, "master.key"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func rotate(t *testing.T, cfg settings.Settings, opts server.RotationOptions) server.Rotation {
	t.Helper()
	opts.Alone = true
	done, err := server.RotateSecrets(t.Context(), cfg, opts)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

// The master key is changed: what was sealed with the older one opens with the new one alone, and the older one is kept apart.
func TestRotateSecrets(t *testing.T) {
	t.Parallel()
	cfg, ids := rotation(t, 3)
	before := keyFile(t, cfg)
	if would := rotate(t, cfg, server.RotationOptions{DryRun: true}); would.Moved != 3 || !would.NewKey || keyFile(t, cfg) != before {
		t.Errorf("dry run: %+v", would)
	}
	done := rotate(t, cfg, server.RotationOptions{})
	if done.Moved != 3 || done.Broken != 0 || len(done.Older) != 1 || done.Older[0] == done.Key {
		t.Errorf("rotated: %+v", done)
	}
	if after := keyFile(t, cfg); after == before || strings.Contains(after, done.Older[0]) {
		t.Error("the file has the older key still")
	}
	kept, err := os.ReadFile(done.Backup)
	if err != nil || !strings.Contains(string(kept), strings.Split(strings.TrimSpace(before), "\n")[1]) {
		t.Errorf("the older key is not kept: %v", err)
	}
	if info, err := os.Stat(done.Backup); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the backup: %v %v", info.Mode(), err)
	}
	readable(t, cfg, ids)
	if again := rotate(t, cfg, server.RotationOptions{}); again.Moved != 3 || again.Older[0] != done.Key {
		t.Errorf("once more: %+v", again)
	}
	readable(t, cfg, ids)
}

// Broken off in the middle, every secret can still be read, and the next call finishes.
func TestRotationIsBrokenOff(t *testing.T) {
	t.Parallel()
	const agents = 230 // more than two transactions
	cfg, ids := rotation(t, agents)
	ctx, stop := context.WithCancel(t.Context())
	_, err := server.RotateSecrets(ctx, cfg, server.RotationOptions{Alone: true, Progress: func(int) { stop() }})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("broken off: %v", err)
	}
	both := keyFile(t, cfg)
	would := rotate(t, cfg, server.RotationOptions{DryRun: true})
	if would.Moved == 0 || would.Current == 0 || would.Moved+would.Current != agents || would.NewKey {
		t.Fatalf("in the middle: %+v", would)
	}
	readable(t, cfg, ids)
	if keyFile(t, cfg) != both {
		t.Error("the file of keys changed")
	}
	done := rotate(t, cfg, server.RotationOptions{})
	if done.Moved != would.Moved || done.Key != would.Key {
		t.Errorf("finished: %+v, want %+v", done, would)
	}
	readable(t, cfg, ids)
}

// Keys from the environment are changed by who sets it: first there are both, then the new one alone.
func TestRotateKeysOfTheEnvironment(t *testing.T) {
	t.Parallel()
	older, newer := server.NewMasterKey(), server.NewMasterKey()
	cfg := testConfig(t)
	cfg.Security.MasterKey = older
	n := startWith(t, cfg)
	id := n.bring("Ada", map[string]any{"secrets": map[string]any{"TOKEN": "canary"}})
	n.stop()
	cfg = withDatabase(cfg)
	if _, err := server.RotateSecrets(t.Context(), cfg, server.RotationOptions{}); err == nil || !strings.Contains(err.Error(), "NEW,OLD") {
		t.Errorf("with one key: %v", err)
	}
	cfg.Security.MasterKey = newer + "," + older
	if done, err := server.RotateSecrets(t.Context(), cfg, server.RotationOptions{}); err != nil || done.Moved != 1 || done.Backup != "" || !strings.Contains(done.Next, "ELIZAD_MASTER_KEY") {
		t.Errorf("with both: %+v, %v", done, err)
	}
	cfg.Security.MasterKey = newer
	readable(t, cfg, []uuid.UUID{id})
	cfg.Security.MasterKey = ""
	if _, err := os.Stat(filepath.Join(cfg.Storage.Dir, "master.key")); err == nil {
		t.Error("a file of keys was made")
	}
	if _, err := server.RotateSecrets(t.Context(), cfg, server.RotationOptions{Alone: true}); err == nil || !strings.Contains(err.Error(), "no master key at") {
		t.Errorf("without any key: %v", err)
	}
}

// Secrets of all who share the database move: the key is the data folder's.
func TestRotationMovesAllTenants(t *testing.T) {
	t.Parallel()
	cfg, _ := rotation(t, 1)
	other := cfg
	other.Storage.ServerID = "other"
	n := startWith(t, other)
	id := n.bring("Bob", map[string]any{"secrets": map[string]any{"TOKEN": "canary"}})
	n.stop()
	if done := rotate(t, cfg, server.RotationOptions{}); done.Moved != 2 {
		t.Errorf("rotated: %+v", done)
	}
	readable(t, other, []uuid.UUID{id})
}

// While a server may use the older key, it stays.
func TestRotationBesideAServer(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	n := startWith(t, cfg)
	n.bring("Ada", map[string]any{"secrets": map[string]any{"TOKEN": "canary"}})
	before := keyFile(t, cfg)
	want := map[string]string{"sqlite": "is in use by", "postgres": "other servers may run"}[*engine]
	if _, err := server.RotateSecrets(t.Context(), withDatabase(cfg), server.RotationOptions{}); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("beside a server: %v", err)
	}
	if *engine == "postgres" {
		if _, err := server.RotateSecrets(t.Context(), withDatabase(cfg), server.RotationOptions{Alone: true}); err == nil || !strings.Contains(err.Error(), "stop it first") {
			t.Errorf("not alone: %v", err)
		}
	}
	if keyFile(t, cfg) != before {
		t.Error("the file of keys changed")
	}
}

// A value that was changed in the database does not open, and costs nobody the key of the others.
func TestRotationFindsBrokenSecrets(t *testing.T) {
	t.Parallel()
	cfg, ids := rotation(t, 2)
	var record map[string]any
	text := inDatabase(t, cfg.Storage.Dir, "SELECT CAST(secrets AS TEXT) FROM agents WHERE id = '"+ids[0].String()+"'")
	if err := json.Unmarshal([]byte(text), &record); err != nil {
		t.Fatal(err)
	}
	key := record["key"].(string)
	inDatabase(t, cfg.Storage.Dir, "UPDATE agents SET secrets = '"+strings.Replace(text, key, "AAAA"+key[4:], 1)+"' WHERE id = '"+ids[0].String()+"'", "SELECT 'done'")
	done := rotate(t, cfg, server.RotationOptions{})
	if done.Broken != 1 || done.Moved != 1 || done.Backup != "" || !strings.Contains(done.Next, "restore") {
		t.Errorf("rotated: %+v", done)
	}
	readable(t, cfg, ids[1:])
}

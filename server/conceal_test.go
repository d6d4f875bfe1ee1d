package server_test

import (
	"database/sql"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/elizad/elizad/server/model/vendors"
	"github.com/jackc/pgx/v5"
)

// inDatabase runs statements on the database of a server that doesn't run, and returns the text that the last one finds.
func inDatabase(t *testing.T, dir string, statements ...string) (found string) {
	t.Helper()
	if *engine == "postgres" {
		url, _ := databases.Load(dir)
		conn, err := pgx.Connect(t.Context(), url.(string))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close(t.Context()) }()
		if _, err := conn.Exec(t.Context(), "SET elizad.tenant = 1"); err != nil { // or it sees no row
			t.Fatal(err)
		}
		for i, s := range statements {
			if i == len(statements)-1 {
				err = conn.QueryRow(t.Context(), s).Scan(&found)
			} else {
				_, err = conn.Exec(t.Context(), s)
			}
			if err != nil {
				t.Fatalf("%s: %v", s, err)
			}
		}
		return found
	}
	db, err := sql.Open("sqlite", filepath.Join(dir, "elizad.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	for i, s := range statements {
		if i == len(statements)-1 {
			err = db.QueryRowContext(t.Context(), s).Scan(&found)
		} else {
			_, err = db.ExecContext(t.Context(), s)
		}
		if err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	return found
}

// Characters that were stored with their keys in the clear are rewritten at the next start, once.
func TestSecretsFromBeforeAreSealed(t *testing.T) {
	t.Parallel()
	good := newSink(t)
	dir := t.TempDir()
	n := start(t, dir)
	v, _ := vendors.VendorNamed("openai")
	id := n.bring("Old", map[string]any{"settings": speaking(v, map[string]any{"OPENAI_BASE_URL": good.URL})})
	n.stop()
	const keys = `"OPENAI_API_KEY":"canary-old-1","modelProvider":"openai","LARGE_MODEL":"m","SMALL_MODEL":"m","deep":{"botToken":"canary-old-2"}`
	inDatabase(t, dir,
		`UPDATE agents SET character = '{"id":"`+id.String()+`","name":"Old","bio":"x","settings":{"OPENAI_BASE_URL":"`+good.URL+`",`+keys+`}}' WHERE name = 'Old'`,
		`INSERT INTO agents_to_conceal (agent_id, tenant) SELECT id, tenant FROM agents`, `SELECT 'done'`)
	n = start(t, dir)
	n.use(id)
	if !good.saw("canary-old-1") {
		t.Error("the key is lost")
	}
	shown := n.read(n.api().GetAgent(t.Context(), id)).want(200)
	var settings struct {
		Deep    struct{ BotToken string }
		Secrets map[string]string
	}
	if err := json.Unmarshal(data[struct{ Settings json.RawMessage }](shown).Settings, &settings); err != nil || settings.Deep.BotToken != "********" || settings.Secrets["OPENAI_API_KEY"] != "********" {
		t.Errorf("%+v, %v", settings, err)
	}
	n.stop()
	if text := inDatabase(t, dir, `SELECT CAST(character AS text) || CAST(secrets AS text) FROM agents WHERE name = 'Old'`); strings.Contains(text, "canary") || !strings.Contains(text, "OPENAI_API_KEY") {
		t.Errorf("stored: %s", text)
	}
	if left := inDatabase(t, dir, `SELECT CAST(count(*) AS text) FROM agents_to_conceal`); left != "0" {
		t.Errorf("%s agents are looked at again at the next start", left)
	}
}

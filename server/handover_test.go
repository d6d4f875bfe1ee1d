package server_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server"
	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/settings"
)

// dump returns all rows of a database that no server has open, of all tenants.
func dump(t *testing.T, dir string) string {
	t.Helper()
	var out strings.Builder
	if *engine == "postgres" {
		url, _ := databases.Load(dir)
		conn, err := pgx.Connect(t.Context(), strings.Replace(url.(string), "user=elizad", "user=postgres", 1))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close(t.Context()) }()
		rows, _ := conn.Query(t.Context(), "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1")
		tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		for _, table := range tables {
			var text string
			if err := conn.QueryRow(t.Context(), "SELECT coalesce(string_agg(r::text, E'\\n' ORDER BY r::text), '') FROM "+table+" r").Scan(&text); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&out, "%s\n%s\n", table, text)
		}
		return out.String()
	}
	db, err := sql.Open("sqlite", filepath.Join(dir, "elizad.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	for _, table := range rowsOf(t, db, "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name") {
		fmt.Fprintf(&out, "%s\n%s\n", table, strings.Join(rowsOf(t, db, "SELECT * FROM \""+table+"\""), "\n"))
	}
	return out.String()
}

// rowsOf returns the rows of a query as texts.
func rowsOf(t *testing.T, db *sql.DB, query string) (out []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		row, into := make([]sql.NullString, len(columns)), make([]any, len(columns))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		texts := make([]string, len(row))
		for i, text := range row {
			texts[i] = text.String
		}
		out = append(out, strings.Join(texts, "|"))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// underName returns the settings with another server id.
func underName(cfg settings.Settings, name string) settings.Settings {
	cfg.Storage.ServerID = name
	return cfg
}

// adopt moves what a server id has to that of the settings, which must be possible.
func adopt(t *testing.T, cfg settings.Settings, opts server.AdoptOptions) server.Adoption {
	t.Helper()
	done, err := server.AdoptData(t.Context(), withDatabase(cfg), opts)
	if err != nil {
		t.Fatal(err)
	}
	if len(done.Clashes) > 0 {
		t.Fatalf("clashes: %+v", done.Clashes)
	}
	return done
}

// finds returns the authors of the messages that a search for a word finds.
func (n *node) finds(word string) (authors []uuid.UUID) {
	n.t.Helper()
	for _, m := range data[api.MessageSearch](n.read(n.api().SearchMessages(n.t.Context(), api.SearchMessagesRequest{Query: &word})).want(200)).Messages {
		authors = append(authors, m.AuthorID)
	}
	return authors
}

// All that was said, made and kept before the server got a name is there under it, once it has been adopted, and nowhere else; and it goes
// back in the same way.
func TestAdopt(t *testing.T) {
	t.Parallel()
	cfg := userConfig(t)
	cfg.Security.AuthToken = rightKey
	open := func(name string, opts ...server.Option) *node {
		return startWith(t, underName(cfg, name), opts...).keyed(rightKey)
	}

	n := open("")
	ada := n.register("ada")
	vault := n.bring("Vault", map[string]any{"secrets": map[string]any{"TOKEN": "canary"}})
	key := n.newKey("reader", "read")
	b := belongingsOf(n, uuid.New())
	seen := func(n *node) string {
		b.node = n
		var out strings.Builder
		out.WriteString(b.state())
		for _, path := range []string{
			"/api/agents/" + vault.String(), "/api/agents/" + vault.String() + "/secrets", "/api/memory/" + n.agentID().String() + "/memories", "/api/agents/" + n.agentID().String() + "/runs",
			"/api/agents/" + n.agentID().String() + "/rooms", "/api/auth/users",
		} {
			a := n.do("GET", path, nil)
			fmt.Fprintf(&out, "%s: %d %s\n", path, a.status, a.body)
		}
		fmt.Fprintln(&out, len(n.finds(b.canary)))
		return out.String()
	}
	before := seen(n)
	if strings.Contains(before, ": 404") || !strings.Contains(before, b.canary) {
		t.Fatalf("there is too little to adopt:\n%s", before)
	}
	n.stop()

	j := &journal{}
	n = open("office", j.option())
	if said := j.lines("default server id"); len(said) != 1 || !strings.Contains(said[0], "elizad isolation adopt") || !strings.Contains(said[0], "channels=3") || !strings.Contains(said[0], "agents=2") {
		t.Errorf("the start says %q", said)
	}
	if found := n.finds(b.canary); len(found) > 0 {
		t.Errorf("before it is adopted, %d messages are found", len(found))
	}
	n.stop()
	office := underName(cfg, "office")

	stored := dump(t, cfg.Storage.Dir)
	would := adopt(t, office, server.AdoptOptions{DryRun: true})
	if after := dump(t, cfg.Storage.Dir); after != stored {
		t.Errorf("the dry run changed the database from\n%s\nto\n%s", stored, after)
	}
	done := adopt(t, office, server.AdoptOptions{})
	if !done.Moved || would.Moved || would.All == 0 || fmt.Sprint(done.Rows) != fmt.Sprint(would.Rows) || done.Rows["messages"] < 6 || done.Rows["users"] != 1 || done.Rows["logins"] == 0 || done.Rows["api_keys"] != 1 {
		t.Errorf("moved %+v, and the dry run says %+v", done, would)
	}
	if again := adopt(t, office, server.AdoptOptions{}); again.All != 0 || again.Moved {
		t.Errorf("once more: %+v", again)
	}

	j = &journal{}
	n = open("office", j.option())
	home := agent.UUIDOf("office").String()
	if after := strings.ReplaceAll(seen(n), home, uuid.Nil.String()); after != before {
		t.Errorf("afterwards:\n%s\nbefore:\n%s", after, before)
	}
	if said := j.lines("default server id"); len(said) > 0 {
		t.Errorf("the start still says %q", said)
	}
	if me := n.bearing(ada.Token).with("X-API-KEY", "").me(); me.status != 200 {
		t.Errorf("who had logged in: %d %s", me.status, me.body)
	}
	n.keyed(key.Key).list().want(200)
	n.ask(b.channel, b.owner, "Are you still there?").want(201)
	n.checkAnswer(n.history(b.channel)[0])
	if e := n.auditLog(api.ListAuditEntriesParams{Action: new("isolation.adopt")}).Entries; len(e) != 1 || !strings.Contains(e[0].Details, done.AuditEnd) {
		t.Errorf("in the audit log: %+v", e)
	}
	if check := n.verifyAudit(rightKey, nil); check.Broken != nil {
		t.Errorf("the audit log: %+v", check.Broken)
	}
	last := seen(n)
	n.stop()

	n = open("")
	if found := n.finds(b.canary); len(found) > 0 {
		t.Errorf("the default server id still finds %d messages", len(found))
	}
	if check := n.verifyAudit(rightKey, nil); check.Broken != nil {
		t.Errorf("the audit log that stayed: %+v", check.Broken)
	}
	n.stop()
	adopt(t, cfg, server.AdoptOptions{From: "office"})
	n = open("")
	if after, want := seen(n), strings.ReplaceAll(last, home, uuid.Nil.String()); after != want {
		t.Errorf("when it is back:\n%s\nbefore:\n%s", after, want)
	}
}

// An agent that a file names and gives no id is the one that came along, not a new one beside it.
func TestAdoptedAgentsKeepTheirFiles(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	file := filepath.Join(t.TempDir(), "ada.json")
	write := func(bio string) {
		if err := os.WriteFile(file, []byte(`{"name": "Ada", "bio": "`+bio+`"}`), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("first")
	cfg.Agents.Characters = []string{file}
	n := startWith(t, cfg)
	ada := n.agent().ID
	n.stop()
	adopt(t, underName(cfg, "office"), server.AdoptOptions{})
	write("second")
	n = startWith(t, underName(cfg, "office"))
	if agents := n.agents(); len(agents) != 1 || agents[0].ID != ada || !strings.Contains(string(n.read(n.api().GetAgent(t.Context(), ada)).body), "second") {
		t.Errorf("the agents are %+v, want one with the id %s and the new text", agents, ada)
	}
}

// What can't be moved as a whole is not moved at all.
func TestAdoptRefuses(t *testing.T) {
	t.Parallel()
	cfg := userConfig(t)
	one, two := uuid.New(), uuid.New()
	for _, name := range []string{"", "office"} {
		n := startWith(t, underName(cfg, name))
		n.register("ada")
		n.owner().dmBetween(one, two)
		n.stop()
	}
	before := dump(t, cfg.Storage.Dir)
	done, err := server.AdoptData(t.Context(), withDatabase(underName(cfg, "office")), server.AdoptOptions{})
	clashes := fmt.Sprintf("%+v", done.Clashes)
	if err != nil || done.Moved || !strings.Contains(clashes, "ada@example.com") || !strings.Contains(clashes, "pair_key") || !strings.Contains(clashes, one.String()) {
		t.Errorf("%+v, %v", done, err)
	}
	for name, change := range map[string]server.AdoptOptions{"no such server id": {From: "nowhere"}, "already": {From: "office"}} {
		if _, err := server.AdoptData(t.Context(), withDatabase(underName(cfg, "office")), change); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("from %q: %v", change.From, err)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	if _, err := server.AdoptData(ctx, withDatabase(underName(cfg, "elsewhere")), server.AdoptOptions{Progress: func(string, int64) { stop() }}); err == nil {
		t.Error("it was broken off in the middle, and says nothing")
	}
	if after := dump(t, cfg.Storage.Dir); after != before {
		t.Errorf("the database changed from\n%s\nto\n%s", before, after)
	}
	n := startWith(t, cfg)
	want := map[string]string{"sqlite": "is in use by", "postgres": "--alone"}[*engine]
	if _, err := server.AdoptData(t.Context(), withDatabase(underName(cfg, "elsewhere")), server.AdoptOptions{}); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("beside a server: %v", err)
	}
	n.stop()
}

// What was written under the promise of isolation is not opened by moving it.
func TestAdoptedDataStaysIsolated(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.Security.AuthToken = rightKey
	isolated := cfg
	isolated.Security.Isolation = true
	startWith(t, isolated).stop()
	if done := adopt(t, underName(cfg, "office"), server.AdoptOptions{}); done.IsolatedSince == nil {
		t.Errorf("%+v", done)
	}
	s, err := server.New(withDatabase(underName(cfg, "office")), server.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "ELIZAD_ISOLATION_OFF") {
		t.Errorf("a start without isolation: %v", err)
	}
	_ = s.Shutdown(t.Context())
}

// Somebody who has proven who they are gets the conversations that they had under an id which nobody proved.
func TestAssign(t *testing.T) {
	t.Parallel()
	issuer, tokens := bySecret()
	cfg := testConfig(t)
	cfg.Security.AuthToken, cfg.Security.Tokens = rightKey, tokens
	n := startWith(t, cfg).keyed(rightKey)
	before, person, other := uuid.New(), uuid.New(), uuid.New()
	b := belongingsOf(n, before)
	group := n.group(before, person, other)
	n.say(group, before, b.canary+" in the group")
	lone := n.dmBetween(before, other)
	n.say(lone, before, b.canary+" to somebody")
	n.stop()

	cfg.Security.Isolation = true
	as := func(n *node, id uuid.UUID) *node { return n.bearing(issuer.sign(t, id.String(), time.Hour)) }
	n = startWith(t, cfg)
	mine := as(n, person).dmBetween(n.agentID(), person) // so that both have a DM with the agent
	if found := as(n, person).finds(b.canary); len(found) != 1 {
		t.Errorf("before, %d messages are found", len(found))
	}
	n.read(as(n, person).api().GetChannel(t.Context(), b.channel)).want(404)
	n.stop()

	stored := dump(t, cfg.Storage.Dir)
	would, err := server.AssignEntity(t.Context(), withDatabase(cfg), server.Assign{From: before, To: person, DryRun: true})
	if err != nil || dump(t, cfg.Storage.Dir) != stored {
		t.Errorf("the dry run changed the database, or failed: %v", err)
	}
	done, err := server.AssignEntity(t.Context(), withDatabase(cfg), server.Assign{From: before, To: person})
	if would.DryRun = false; err != nil || fmt.Sprint(done) != fmt.Sprint(would) {
		t.Fatalf("%+v, %v; the dry run says %+v", done, err, would)
	}
	if done.Channels != 4 || done.Shared != 1 || done.Messages != 5 || done.Sessions != 1 || done.Jobs != 1 || done.Memories == 0 || !done.Known || len(done.Apart) != 1 || done.Apart[0] != b.channel {
		t.Errorf("%+v", done)
	}
	if again, err := server.AssignEntity(t.Context(), withDatabase(cfg), server.Assign{From: before, To: person}); err != nil || again.All() != 0 {
		t.Errorf("once more: %+v, %v", again, err)
	}

	n = startWith(t, cfg)
	b.node = as(n, person)
	if state := b.state(); strings.Contains(state, ": 404") || strings.Contains(state, ": 403") || strings.Count(state, b.canary) < 5 {
		t.Errorf("the person sees\n%s", state)
	}
	found := as(n, person).finds(b.canary)
	if len(found) != 5 {
		t.Errorf("a search finds %d messages", len(found))
	}
	for _, author := range found {
		if author != person {
			t.Errorf("a message is by %s", author)
		}
	}
	if again := as(n, person).dmBetween(n.agentID(), person); again != mine {
		t.Errorf("the DM with the agent is %s, and was %s", again, mine)
	}
	if again := as(n, person).dmBetween(person, other); again != lone {
		t.Errorf("the DM with somebody is %s, and was %s", again, lone)
	}
	as(n, person).ask(b.channel, person, "Do you know me?").want(201)
	if found := as(n, before).finds(b.canary); len(found) > 0 {
		t.Errorf("who was never proven still finds %d messages", len(found))
	}
	n.read(as(n, before).api().GetChannel(t.Context(), b.channel)).want(404)
	if e := n.keyed(rightKey).auditLog(api.ListAuditEntriesParams{Action: new("isolation.assign"), Target: &before}).Entries; len(e) != 1 || deref(e[0].TargetID) != person {
		t.Errorf("in the audit log: %+v", e)
	}
}

// What somebody has proven to be theirs is not given away, nor is an agent's, unless the operator insists.
func TestAssignRefuses(t *testing.T) {
	t.Parallel()
	cfg := userConfig(t)
	cfg.Security.AuthToken = rightKey
	n := startWith(t, cfg).keyed(rightKey)
	user, bound := n.register("ada").EntityID, uuid.New()
	eliza := n.agentID()
	n.createKey(api.CreateKeyRequest{Name: "k", Scopes: []api.KeyScope{"chat"}, EntityID: &bound})
	n.dmBetween(eliza, user)
	n.dmBetween(eliza, bound)
	n.stop()
	to := uuid.New()
	for what, a := range map[string]server.Assign{
		"is a user": {From: user, To: to}, "has an API key": {From: bound, To: to}, "is an agent": {From: eliza, To: to, Force: true}, "an agent": {From: user, To: eliza, Force: true},
		"named twice": {From: to, To: to, Force: true}, "belongs to nobody": {From: uuid.Nil, To: to, Force: true},
	} {
		if done, err := server.AssignEntity(t.Context(), withDatabase(cfg), a); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %+v, %v", what, done, err)
		}
	}
	if done, err := server.AssignEntity(t.Context(), withDatabase(cfg), server.Assign{From: bound, To: to, Force: true}); err != nil || done.Channels != 1 || done.Known {
		t.Errorf("forced: %+v, %v", done, err)
	}
	if _, err := server.AssignEntity(t.Context(), withDatabase(underName(cfg, "nowhere")), server.Assign{From: bound, To: to}); err == nil || !strings.Contains(err.Error(), "no such server id") {
		t.Errorf("under a server id that isn't there: %v", err)
	}
}

// The status says what each server id holds, and who was never proven.
func TestIsolationStatus(t *testing.T) {
	t.Parallel()
	cfg := userConfig(t)
	cfg.Security.AuthToken, cfg.Security.Isolation = rightKey, true
	n := startWith(t, cfg).keyed(rightKey)
	user, stranger := n.register("ada").EntityID, uuid.New()
	n.dmBetween(n.agentID(), user)
	n.say(n.dmBetween(n.agentID(), stranger), stranger, "Hello")
	n.stop()
	startWith(t, underName(cfg, "office")).stop()
	found, err := server.Isolation(t.Context(), withDatabase(cfg), 10)
	if err != nil || len(found.All) != 2 || found.All[0].Channels != 2 || found.All[0].Users != 1 || found.All[0].IsolatedSince == nil || found.All[1].Name != "office" || found.All[1].Agents != 1 || found.All[1].Channels != 0 {
		t.Errorf("%+v, %v", found, err)
	}
	if len(found.Unproven) != 1 || found.Unproven[0] != (server.UnprovenEntity{ID: stranger, Channels: 1, Messages: 1}) || found.More {
		t.Errorf("never proven: %+v", found.Unproven)
	}
	if found, err = server.Isolation(t.Context(), withDatabase(cfg), 0); err != nil || !found.More || len(found.Unproven) != 0 {
		t.Errorf("none of them: %+v, %v", found, err)
	}
}

// TestEveryEntityColumn has each column with an id in it say whether it goes to somebody else with the conversations of an entity. One that
// is added later is in this test by itself.
func TestEveryEntityColumn(t *testing.T) {
	t.Parallel()
	moves := []string{
		"channel_participants.entity_id", "channels.created_by", "messages.author_id", "turns.sender_id", "sessions.user_id", "jobs.user_id", "dialogues.user_id", "memories.entity_id",
	}
	stays := map[string]string{ // an entity may be there, and: why
		"api_keys.entity_id": "proves who somebody is", "api_keys.created_by": "is history", "audit_entries.entity_id": "is history, and chained", "audit_entries.target_id": "is history, and chained",
		"audit_entries.within_id": "is history, and chained", "idempotency_keys.entity_id": "is forgotten after a day", "usage_days.subject_id": "is history: what somebody used, they used", "users.id": "proves who somebody is", "logins.user_id": "proves who somebody is",
	}
	others := strings.Fields(`adoptions.server_id agents.id agents_to_conceal.agent_id api_keys.id audit_entries.key_id channel_participants.channel_id channels.id fact_sources.memory_id fact_sources.message_id fact_sources.agent_id fact_sources.channel_id
		channels.message_server_id dialogues.channel_id dialogues.agent_id dialogues.message_id document_contents.document_id documents.id documents.agent_id passages.document_id passages.agent_id forgotten_messages.message_id forgotten_messages.agent_id former_agents.id idempotency_keys.claim idempotency_keys.owner jobs.id jobs.agent_id
		jobs.channel_id jobs.message_id logins.id memories.id memories.agent_id memories.room_id memories.world_id memories.message_id message_server_agents.message_server_id
		message_server_agents.agent_id message_servers.id message_texts.message_id message_texts.channel_id message_words.message_id message_words.channel_id reflections.agent_id reflections.channel_id messages.id messages.channel_id messages.in_reply_to
		rooms.id rooms.agent_id rooms.world_id rooms.channel_id rooms.message_server_id secret_times.agent_id sessions.id sessions.agent_id sessions.channel_id tenants.server_id
		turn_actions.turn_id turn_events.turn_id turn_events.agent_id turns.id turns.agent_id turns.channel_id turns.message_id turns.response_id turns.reply_id world_agents.world_id
		world_agents.agent_id world_agents.owner_id worlds.id worlds.agent_id worlds.message_server_id`)
	cfg := testConfig(t)
	n := startWith(t, cfg)
	b := belongingsOf(n, uuid.New())
	n.as(b.owner).chat(saying("Hello")).want(200)
	n.stop()
	heir := uuid.New()
	if _, err := server.AssignEntity(t.Context(), withDatabase(cfg), server.Assign{From: b.owner, To: heir}); err != nil {
		t.Fatal(err)
	}
	columns := "SELECT group_concat(t.name || '.' || c.name, ' ') FROM sqlite_schema t JOIN pragma_table_info(t.name) c WHERE t.type = 'table' AND c.type = 'UUID_TEXT'"
	if *engine == "postgres" {
		columns = "SELECT string_agg(table_name || '.' || column_name, ' ') FROM information_schema.columns WHERE table_schema = 'public' AND data_type = 'uuid'"
		moves = append(moves, "message_words.author_id")
	}
	for _, column := range strings.Fields(inDatabase(t, cfg.Storage.Dir, columns)) {
		table, name, _ := strings.Cut(column, ".")
		has := func(id uuid.UUID) bool {
			return inDatabase(t, cfg.Storage.Dir, fmt.Sprintf("SELECT CAST(count(*) AS text) FROM %s WHERE %s = '%s'", table, name, id)) != "0"
		}
		switch {
		case slices.Contains(moves, column):
			if has(b.owner) || !has(heir) {
				t.Errorf("%s did not go to somebody else", column)
			}
		case stays[column] == "" && !slices.Contains(others, column):
			t.Errorf("%s is new: does it hold an entity, and does that go to somebody else?", column)
		}
	}
}

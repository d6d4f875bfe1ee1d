package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/api/chain"
	"github.com/elizad/elizad/client"
	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server/agent"
)

// auditLog reads the newest entries of the audit log.
func (n *node) auditLog(of api.ListAuditEntriesParams) api.AuditLog {
	n.t.Helper()
	return data[api.AuditLog](n.read(n.api().ListAuditEntries(n.t.Context(), &of)).want(200))
}

// newestEntry returns the last entry of the audit log.
func (n *node) newestEntry() api.AuditEntry {
	n.t.Helper()
	log := n.auditLog(api.ListAuditEntriesParams{})
	if len(log.Entries) == 0 {
		n.t.Fatal("the audit log is empty")
	}
	return log.Entries[0]
}

// verifyAudit verifies the audit log.
func (n *node) verifyAudit(key string, known *chain.Link) client.AuditCheck {
	n.t.Helper()
	c, err := client.New(n.http.URL, client.WithAPIKey(key))
	if err != nil {
		n.t.Fatal(err)
	}
	check, err := c.VerifyAudit(n.t.Context(), known)
	if err != nil {
		n.t.Fatal(err)
	}
	return check
}

// TestAuditLog does what belongs into the audit log, and reads it there: by whom, from where, to which thing.
func TestAuditLog(t *testing.T) {
	t.Parallel()
	locked := locked(t)
	admin := locked.keyed(rightKey)
	ctx := t.Context()
	const secret = "canary-of-the-audit-log"
	made := admin.newKey("name-"+secret, "manage")
	maker := admin.newestEntry()
	if maker.Action != "key.create" || deref(maker.TargetID) != made.APIKey.ID || maker.Details != "scopes: manage" || maker.Proof != "key" || maker.Status != 201 || maker.KeyID != nil || maker.Operation != "createKey" {
		t.Errorf("a key is made: %+v", maker)
	}
	user := uuid.New()
	n := locked.with("X-API-KEY", made.Key, "X-Forwarded-For", "192.0.2.7", "X-Request-Id", "request-7").as(user)
	api, ids := n.api(), map[string]uuid.UUID{}
	created := func(a answer) uuid.UUID {
		t.Helper()
		a.want(201)
		var found struct {
			Data struct {
				ID, RoomID, WorldID uuid.UUID
				Character           struct{ ID uuid.UUID }
			}
		}
		if err := json.Unmarshal(a.body, &found); err != nil || found.Data.ID == uuid.Nil {
			t.Fatalf("%v: %s", err, a.body)
		}
		return found.Data.ID
	}
	channel := func() uuid.UUID { return locked.keyed(rightKey).group(ids["agent"], user) }
	ids["admin key"] = admin.newKey("k", "admin").APIKey.ID
	for _, step := range []struct {
		name, action   string
		target, within string // names of ids
		do             func() answer
		details        []string
	}{
		{name: "make an agent", action: "agent.create", target: "agent", do: func() answer {
			a := n.createAgent(map[string]any{"name": "Ada " + secret, "bio": secret, "secrets": map[string]any{"OPENAI_API_KEY": secret}})
			ids["agent"] = created(a)
			return a
		}, details: []string{"secrets: OPENAI_API_KEY"}},
		{name: "import one", action: "agent.create", target: "imported", do: func() answer {
			a := n.do("POST", "/api/agents?import=true", map[string]any{"agent": map[string]any{"name": "Bo", "bio": secret}}) // what no type has
			ids["imported"] = created(a)
			return a
		}, details: []string{"imported"}},
		{name: "change it", action: "agent.change", target: "agent", do: func() answer {
			return n.changeAgent(ids["agent"], map[string]any{"system": secret, "settings": map[string]any{"secrets": map[string]any{"SOME_TOKEN": secret}}})
		}, details: []string{"changed: settings, system", "secrets: SOME_TOKEN"}},
		{name: "start it", action: "agent.start", target: "agent", do: func() answer { return n.read(api.StartAgent(ctx, ids["agent"])) }},
		{name: "stop it", action: "agent.stop", target: "agent", do: func() answer { return n.read(api.StopAgent(ctx, ids["agent"])) }},
		{name: "make a room", action: "room.create", target: "room", within: "agent", do: func() answer {
			a := n.do("POST", "/api/agents/"+ids["agent"].String()+"/rooms", map[string]any{"name": secret}) // its id is all that matters
			ids["room"] = created(a)
			return a
		}},
		{name: "delete the room", action: "room.delete", target: "room", within: "agent", do: func() answer { return n.read(api.DeleteRoom(ctx, ids["agent"], ids["room"])) }},
		{name: "forget all", action: "memory.clear", target: "agent", do: func() answer {
			return n.do("DELETE", "/api/agents/"+ids["agent"].String()+"/memories", nil) // without its parameters
		}},
		{name: "delete a message", action: "message.delete", target: "message", within: "channel", do: func() answer {
			ids["channel"] = channel()
			ids["message"] = admin.say(ids["channel"], user, secret).ID
			return n.read(api.DeleteMessage(ctx, ids["channel"], ids["message"]))
		}},
		{name: "clear a channel", action: "channel.clear", target: "channel", do: func() answer { return n.read(api.ClearChannel(ctx, ids["channel"])) }},
		{name: "delete a channel", action: "channel.delete", target: "channel", do: func() answer { return n.read(api.DeleteChannel(ctx, ids["channel"])) }},
		{name: "delete the agent", action: "agent.delete", target: "agent", do: func() answer { return n.read(api.DeleteAgent(ctx, ids["agent"])) }},
	} {
		a := step.do()
		if a.status/100 != 2 {
			t.Fatalf("%s: status %d: %s", step.name, a.status, a.body)
		}
		e := admin.newestEntry()
		if e.Action != step.action || int(e.Status) != a.status || deref(e.TargetID) != ids[step.target] || deref(e.WithinID) != ids[step.within] {
			t.Errorf("%s: %+v", step.name, e)
		}
		if e.Kind != "key holder" || e.Proof != "managed key" || deref(e.KeyID) != made.APIKey.ID || deref(e.EntityID) != user || e.Proven || e.Address != "192.0.2.7" || e.RequestID != "request-7" || e.Times != 1 {
			t.Errorf("%s: by whom: %+v", step.name, e)
		}
		for _, words := range step.details {
			if !strings.Contains(e.Details, words) {
				t.Errorf("%s: the details are %q, want %q", step.name, e.Details, words)
			}
		}
	}
	server := created(admin.createMessageServer("discord"))
	admin.read(admin.api().DeleteMessageServer(ctx, server)).want(200)
	if e := admin.newestEntry(); e.Action != "message_server.delete" || deref(e.TargetID) != server {
		t.Errorf("a message server is deleted: %+v", e)
	}
	admin.setEnvironment(map[string]any{"OPENAI_API_KEY": secret, "SMALL_MODEL": "m"}).want(200)
	admin.setEnvironment(map[string]any{"OPENAI_API_KEY": "********", "LARGE_MODEL": "m"}).want(200)
	settings := admin.auditLog(apiParams("settings.change"))
	if len(settings.Entries) != 2 || settings.Entries[1].Details != "changed: OPENAI_API_KEY, SMALL_MODEL" || settings.Entries[0].Details != "changed: LARGE_MODEL, SMALL_MODEL" {
		t.Errorf("settings are changed: %+v", settings.Entries)
	}
	admin.revokeKey(made.APIKey.ID).want(204)
	if e := admin.newestEntry(); e.Action != "key.revoke" || deref(e.TargetID) != made.APIKey.ID {
		t.Errorf("a key is revoked: %+v", e)
	}

	// What did nothing, what only reads and what only talks is not in it.
	before := admin.auditLog(apiParams("")).Head
	talk := admin.group(user)
	admin.say(talk, user, "Hello")
	admin.agents()
	admin.revokeKey(uuid.New()).want(404)
	admin.changeAgent(uuid.New(), map[string]any{"system": "x"}).want(404)
	admin.createAgent(map[string]any{"name": 7}).want(400)
	admin.environment().want(200)
	admin.keys().want(200)
	if after := admin.auditLog(apiParams("")).Head; after != before {
		t.Errorf("the log has grown from %d to %d: %+v", before.Seq, after.Seq, admin.newestEntry())
	}

	admin.read(admin.api().StopServer(ctx)).want(200)
	if e := admin.newestEntry(); e.Action != "server.stop" {
		t.Errorf("the server is stopped: %+v", e)
	}
	whole := admin.read(admin.api().ListAuditEntries(ctx, nil)).want(200)
	if strings.Contains(string(whole.body), "canary") || strings.Contains(string(whole.body), made.Key) || strings.Contains(string(whole.body), rightKey) {
		t.Errorf("the log holds a secret, or what was in a body: %s", whole.body)
	}
	if check := admin.verifyAudit(rightKey, nil); check.Broken != nil || check.Checked != check.Head.Seq {
		t.Errorf("verified: %+v", check)
	}
}

// apiParams asks for the entries of an action.
func apiParams(action string) api.ListAuditEntriesParams {
	if action == "" {
		return api.ListAuditEntriesParams{}
	}
	return api.ListAuditEntriesParams{Action: &action}
}

// TestAuditPages reads the log page by page, with filters.
func TestAuditPages(t *testing.T) {
	t.Parallel()
	n := locked(t).keyed(rightKey)
	keys := map[uuid.UUID]bool{}
	for range 7 {
		keys[n.newKey("k", "read").APIKey.ID] = true
	}
	n.revokeKey(n.newKey("k", "read").APIKey.ID).want(204)
	seen := map[uuid.UUID]bool{}
	path := "/api/audit?limit=3&action=key.create"
	for page := path; page != ""; {
		a := n.do("GET", page, nil).want(200) // as the links have it
		for _, e := range data[api.AuditLog](a).Entries {
			seen[deref(e.TargetID)] = true
			if e.Action != "key.create" {
				t.Errorf("not asked for: %+v", e)
			}
		}
		page = nextPage(t, path, a)
	}
	if len(seen) != 8 {
		t.Errorf("%d keys were seen", len(seen))
	}
	for query, want := range map[string]int{"action=key": 9, "action=agent": 0, "who=" + uuid.NewString(): 0, "to=1": 0, "from=1": 9} {
		if got := data[api.AuditLog](n.do("GET", "/api/audit?"+query, nil).want(200)).Entries; len(got) != want {
			t.Errorf("%s: %d entries, want %d", query, len(got), want)
		}
	}
	for _, query := range []string{"action=%25", "who=me", "target=7", "cursor=x", "from=never"} { // which are wrong
		clearError(t, query, n.do("GET", "/api/audit?"+query, nil), 400, "")
	}
	clearError(t, "manage", n.keyed(n.newKey("m", "manage").Key).do("GET", "/api/audit", nil), 403, "FORBIDDEN")
}

// TestRefusalsInTheAuditLog is refused in all ways, and on all ways in.
func TestRefusalsInTheAuditLog(t *testing.T) {
	t.Parallel()
	n := locked(t)
	admin := n.keyed(rightKey)
	chat, read := admin.newKey("k", "chat"), admin.newKey("r", "read")
	from := func(address, key string) *node { return n.keyed(key).with("X-Forwarded-For", address) }
	entry := func(what, address string, match func(e api.AuditEntry) bool) {
		t.Helper()
		for _, e := range admin.auditLog(apiParams("refusal")).Entries {
			if e.Address == address && e.Action == "refusal" && match(e) {
				return
			}
		}
		t.Errorf("%s: not in %+v", what, admin.auditLog(apiParams("refusal")).Entries)
	}
	id := uuid.New()
	from("192.0.2.1", "wrong-canary").revokeKey(id).want(401)
	entry("a wrong key", "192.0.2.1", func(e api.AuditEntry) bool {
		return e.Status == 401 && e.Operation == "revokeKey" && e.Kind == "anonymous" && e.Times == 1
	})
	n.with("X-Forwarded-For", "192.0.2.2").list().want(401)
	entry("no key", "192.0.2.2", func(e api.AuditEntry) bool { return e.Status == 401 && e.Operation == "listAgents" })
	from("192.0.2.3", chat.Key).revokeKey(id).want(403)
	entry("no scope", "192.0.2.3", func(e api.AuditEntry) bool {
		return e.Status == 403 && e.Operation == "revokeKey" && deref(e.KeyID) == chat.APIKey.ID && deref(e.TargetID) == id
	})
	n.with("X-Forwarded-For", "192.0.2.4").do("GET", "/api/nowhere", nil).want(401) // which there isn't
	entry("no such operation", "192.0.2.4", func(e api.AuditEntry) bool { return e.Status == 401 && e.Operation == "" })
	for i := range 30 {
		from("192.0.2.5", fmt.Sprint("guess-canary ", i)).list()
	}
	entry("too many guesses", "192.0.2.5", func(e api.AuditEntry) bool { return e.Status == 429 })
	if out := socketIO(n, "192.0.2.6", nil, map[string]any{"apiKey": "wrong-canary"}); out == letIn {
		t.Error("a socket with a wrong key is let in")
	}
	entry("a socket", "192.0.2.6", func(e api.AuditEntry) bool { return e.Status == 401 && e.Operation == "socket" })
	socketIO(n, "192.0.2.7", nil, map[string]any{"apiKey": read.Key})
	entry("a socket without the scope", "192.0.2.7", func(e api.AuditEntry) bool { return e.Status == 403 && deref(e.KeyID) == read.APIKey.ID })
	conn, _ := n.knock("/ws", "X-Forwarded-For", "192.0.2.8", "X-API-KEY", "wrong-canary")
	n.hear(conn)
	entry("a plain socket", "192.0.2.8", func(e api.AuditEntry) bool { return e.Status == 401 && e.Operation == "socket" })

	entries := admin.auditLog(apiParams("")).Entries
	if len(entries) > 20 {
		t.Errorf("%d entries", len(entries))
	}
	if text := string(jsonOf(entries)); strings.Contains(text, "canary") || strings.Contains(text, "guess") {
		t.Errorf("the log holds credentials: %s", text)
	}
	if check := admin.verifyAudit(rightKey, nil); check.Broken != nil {
		t.Errorf("verified: %+v", check)
	}
}

// TestOwnerInTheAuditLog: on a server without a key, the owner is known by the token, and everybody else by the address.
func TestOwnerInTheAuditLog(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	id := n.newAgent("Ada", "x")
	e := n.owner().newestEntry()
	if e.Action != "agent.create" || deref(e.TargetID) != id || e.Kind != "anonymous" || e.Proof != "" || e.Address != "127.0.0.1" {
		t.Errorf("anybody: %+v", e)
	}
	n.owner().setEnvironment(map[string]any{"SMALL_MODEL": "m"}).want(200)
	if e := n.owner().newestEntry(); e.Action != "settings.change" || e.Kind != "key holder" || e.Proof != "key" {
		t.Errorf("the owner: %+v", e)
	}
	clearError(t, "a stranger", n.read(n.api().ListAuditEntries(t.Context(), nil)), 403, "FORBIDDEN")
	if e := n.owner().newestEntry(); e.Action != "refusal" || e.Operation != "listAuditEntries" || e.Status != 403 {
		t.Errorf("a stranger: %+v", e)
	}
}

// TestImportInTheAuditLog: the characters that the operator brings are imported by the server itself.
func TestImportInTheAuditLog(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	path := filepath.Join(t.TempDir(), "ada.json")
	if err := os.WriteFile(path, []byte(`{"name":"Ada","bio":"canary"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg.Agents.Characters = []string{path}
	n := startWith(t, cfg)
	e := n.owner().newestEntry()
	if e.Action != "agent.import" || deref(e.TargetID) != agent.ID("Ada") || e.Kind != "server" || e.Proof != "itself" {
		t.Errorf("imported: %+v", e)
	}
}

// TestAuditLogOfOneTenant: servers under different names have logs of their own.
func TestAuditLogOfOneTenant(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	under := func(name string) *node {
		cfg := testConfig(t)
		cfg.Storage.Dir, cfg.Storage.ServerID, cfg.Security.AuthToken = dir, name, rightKey
		return startWith(t, cfg).keyed(rightKey)
	}
	n := under("")
	n.newKey("mine", "read")
	mine := n.auditLog(apiParams(""))
	n.stop()
	n = under("branch office")
	if log := n.auditLog(apiParams("")); len(log.Entries) > 0 || log.Head.Seq != 0 {
		t.Errorf("the other's log shows %+v", log)
	}
	n.newKey("other's", "read")
	if e := n.newestEntry(); e.Seq != 1 {
		t.Errorf("the other's first entry is %+v", e)
	}
	if check := n.verifyAudit(rightKey, nil); check.Broken != nil || check.Checked != 1 {
		t.Errorf("verified: %+v", check)
	}
	n.stop()
	n = under("")
	if log := n.auditLog(apiParams("")); log.Head != mine.Head {
		t.Errorf("the log was %+v, and is %+v", mine, log)
	}
}

// TestTamperedAuditLog changes the log in the database.
func TestTamperedAuditLog(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		tamper []string
		broken int64 // 0: it can only be seen by who knows the end
	}{
		"changed":     {[]string{`UPDATE audit_entries SET address = '192.0.2.1' WHERE seq = 3`}, 3},
		"recounted":   {[]string{`UPDATE audit_entries SET times = 2 WHERE seq = 1`}, 1},
		"taken out":   {[]string{`DELETE FROM audit_entries WHERE seq = 3`}, 3},
		"the first":   {[]string{`DELETE FROM audit_entries WHERE seq = 1`}, 1},
		"the last":    {[]string{`DELETE FROM audit_entries WHERE seq = 6`}, 6},
		"all":         {[]string{`DELETE FROM audit_entries`}, 1},
		"reordered":   {[]string{`UPDATE audit_entries SET seq = 100 WHERE seq = 3`, `UPDATE audit_entries SET seq = 3 WHERE seq = 4`, `UPDATE audit_entries SET seq = 4 WHERE seq = 100`}, 3},
		"other hash":  {[]string{`UPDATE audit_entries SET hash = (SELECT hash FROM audit_entries WHERE seq = 2) WHERE seq = 3`}, 3},
		"begin moved": {[]string{`UPDATE audit_chains SET dropped_seq = 2`, `DELETE FROM audit_entries WHERE seq < 3`}, 3},
		"end with the last": {[]string{
			`UPDATE audit_chains SET last_seq = 4, last_hash = (SELECT hash FROM audit_entries WHERE seq = 4)`, `DELETE FROM audit_entries WHERE seq > 4`,
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := testConfig(t)
			cfg.Security.AuthToken = rightKey
			n := startWith(t, cfg).keyed(rightKey)
			for range 6 {
				n.newKey("k", "read")
			}
			before := n.verifyAudit(rightKey, nil)
			if before.Broken != nil || before.Checked != 6 {
				t.Fatalf("before: %+v", before)
			}
			n.stop()
			inDatabase(t, cfg.Storage.Dir, append(tt.tamper, `SELECT 'done'`)...)
			n = startWith(t, cfg).keyed(rightKey)
			switch check := n.verifyAudit(rightKey, nil); {
			case tt.broken == 0 && check.Broken != nil:
				t.Errorf("it is seen: %+v", check)
			case tt.broken != 0 && (check.Broken == nil || check.Broken.Seq != tt.broken):
				t.Errorf("found %+v, want %d", check.Broken, tt.broken)
			}
			if check := n.verifyAudit(rightKey, &before.Head); check.Broken == nil {
				t.Error("who knows the end doesn't see it")
			}
		})
	}
}

// TestAuditLogIsNotWritable: where an entry can't be stored, keys and agents don't change, and of nothing else is said that all went well.
func TestAuditLogIsNotWritable(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.Security.AuthToken = rightKey
	n := startWith(t, cfg).keyed(rightKey)
	made := n.newKey("k", "read")
	eliza := n.agent().ID
	n.stop()
	inDatabase(t, cfg.Storage.Dir, `UPDATE audit_chains SET last_seq = 0`, `SELECT 'done'`) // whose next number is taken
	n = startWith(t, cfg).keyed(rightKey)
	for what, a := range map[string]answer{
		"a new key":         n.read(n.api().CreateKey(t.Context(), api.CreateKeyRequest{Name: "k", Scopes: []api.KeyScope{"read"}})),
		"a revoked key":     n.revokeKey(made.APIKey.ID),
		"a new agent":       n.createAgent(map[string]any{"name": "Ada", "bio": "x"}),
		"a changed agent":   n.changeAgent(eliza, map[string]any{"system": "canary"}),
		"an agent's secret": n.changeAgent(eliza, map[string]any{"settings": map[string]any{"secrets": map[string]any{"A_KEY": "canary"}}}),
	} {
		if a.status < 400 || strings.Contains(string(a.body), "elz_") {
			t.Errorf("%s: %d %s", what, a.status, a.body)
		}
	}
	n.keyed(made.Key).try().want(200)
	if keys := data[api.APIKeyList](n.keys().want(200)).Keys; len(keys) != 1 {
		t.Errorf("keys were made: %+v", keys)
	}
	if shown := n.read(n.api().GetAgent(t.Context(), eliza)).want(200); len(n.agents()) != 1 || strings.Contains(string(shown.body), "canary") || strings.Contains(string(shown.body), "A_KEY") {
		t.Errorf("the agent has changed: %s", shown.body)
	}
	a := n.setEnvironment(map[string]any{"SMALL_MODEL": "m"})
	clearError(t, "settings", a, http.StatusServiceUnavailable, "UNAVAILABLE")
	if !strings.Contains(string(a.body), "audit log") {
		t.Errorf("the answer: %s", a.body)
	}
}

// TestUsersNeedTheAuditLog: where an entry can't be stored, users, their logins and what is revoked don't change, either.
func TestUsersNeedTheAuditLog(t *testing.T) {
	t.Parallel()
	issuer, tokens := bySecret()
	cfg := userConfig(t)
	cfg.Security.AuthToken, cfg.Security.Tokens = rightKey, tokens
	n := startWith(t, cfg)
	ada := n.register("ada")
	n.stop()
	inDatabase(t, cfg.Storage.Dir, `UPDATE audit_chains SET last_seq = 0`, `SELECT 'done'`) // whose next number is taken
	n = startWith(t, cfg)
	admin, hers, foreign := n.keyed(rightKey), n.bearing(ada.Token), uuid.New()
	stranger := n.bearing(issuer.sign(t, foreign.String(), time.Hour))
	ctx := t.Context()
	for what, a := range map[string]answer{
		"a registration":         n.tryRegister("ben@example.com", "ben", password),
		"a new user":             admin.read(admin.api().CreateUser(ctx, api.CreateUserRequest{Email: "cy@example.com", Username: "cyan", Password: password})),
		"a disabled user":        admin.read(admin.api().UpdateUser(ctx, ada.EntityID, api.UpdateUserRequest{Disabled: new(true)})),
		"a login":                n.login("ada@example.com", password),
		"another password":       hers.newPassword(password, "staple incorrect cell"),
		"a logout":               hers.logout(),
		"her tokens, revoked":    admin.revoke(api.RevokeTokensRequest{EntityID: &ada.EntityID}),
		"another's, by entity":   admin.revoke(api.RevokeTokensRequest{EntityID: &foreign}),
		"another's, by token id": admin.revoke(api.RevokeTokensRequest{TokenID: new("t")}),
	} {
		if a.status < 400 {
			t.Errorf("%s: %d %s", what, a.status, a.body)
		}
	}
	hers.me().want(200)
	stranger.try().want(200)
	if users := data[api.UserList](admin.read(admin.api().ListUsers(ctx, &api.ListUsersParams{})).want(200)).Users; len(users) != 1 || users[0].DisabledAt != nil {
		t.Errorf("the users are %+v", users)
	}
	if list := data[api.RevocationList](admin.read(admin.api().ListRevocations(ctx, &api.ListRevocationsParams{})).want(200)).Revocations; len(list) > 0 {
		t.Errorf("revoked is %+v", list)
	}
}

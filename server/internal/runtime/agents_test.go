package runtime_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/modeltest"
	"github.com/elizad/elizad/server/internal/runtime"
	"github.com/elizad/elizad/server/internal/seal"
)

// create creates an agent from JSON.
func (b *bench) create(t *testing.T, text string) (runtime.Agent, bool, error) {
	t.Helper()
	c, err := agent.ParseCharacter([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return b.Agents().Create(t.Context(), b.who, c)
}

func wantCode(t *testing.T, err error, code apierr.Code) {
	t.Helper()
	if e := apierr.From(err); e == nil || e.Code != code {
		t.Errorf("error %v, want %s", err, code)
	}
}

func TestAgentLifecycle(t *testing.T) {
	t.Parallel()
	b := setup(t, builtin(t))
	agents := b.Agents()
	const eliza = "b850bc30-45f8-0041-a00a-83df46d8555d"

	a, created, err := b.create(t, `{"name":"Eliza","bio":["x","y"],"templates":{"replyTemplate":"{{providers}}"}}`)
	if err != nil || !created || a.ID.String() != eliza || a.Character.ID != a.ID || a.Running || !a.Enabled || a.Version != 1 {
		t.Fatalf("created %+v, %v, %v", a, created, err)
	}
	if a.Model.Provider != "builtin" || a.Model.Model == "" {
		t.Errorf("model = %+v", a.Model)
	}
	started, err := agents.Start(t.Context(), b.who, a.ID)
	if err != nil || !started.Running {
		t.Errorf("started %+v, %v", started, err)
	}
	if _, err := agents.Start(t.Context(), b.who, a.ID); err != nil {
		t.Errorf("started twice: %v", err)
	}
	if servers, err := b.messages.AgentServers(t.Context(), b.who, a.ID); err != nil || len(servers) != 1 || servers[0] != messaging.DefaultServerID {
		t.Errorf("serves %v, %v", servers, err)
	}
	updated, err := agents.Update(t.Context(), b.who, a.ID, patch(`{"id":"`+strings.ToUpper(eliza)+`","name":"Elisa","enabled":false}`))
	if err != nil || updated.ID != a.ID || updated.Character.Name != "Elisa" || updated.Enabled || !updated.Running || updated.Version != 2 {
		t.Errorf("updated %+v, %v", updated, err)
	}
	stopped, err := agents.Stop(t.Context(), b.who, a.ID)
	if err != nil || stopped.Running {
		t.Errorf("stopped %+v, %v", stopped, err)
	}
	_, err = agents.Stop(t.Context(), b.who, a.ID)
	wantCode(t, err, apierr.NotFound)
	if err := agents.Delete(t.Context(), b.who, a.ID); err != nil {
		t.Error(err)
	}
	_, err = agents.Get(t.Context(), b.who, a.ID)
	wantCode(t, err, apierr.NotFound)
}

func TestUnknownAgentIsNotFound(t *testing.T) {
	t.Parallel()
	b := setup(t, builtin(t))
	id := uuid.New()
	for name, call := range map[string]func() error{
		"Get":    func() error { _, err := b.Agents().Get(t.Context(), b.who, id); return err },
		"Update": func() error { _, err := b.Agents().Update(t.Context(), b.who, id, patch(`{"name":"x"}`)); return err },
		"Start":  func() error { _, err := b.Agents().Start(t.Context(), b.who, id); return err },
		"Stop":   func() error { _, err := b.Agents().Stop(t.Context(), b.who, id); return err },
		"Delete": func() error { return b.Agents().Delete(t.Context(), b.who, id) },
	} {
		if e := apierr.From(call()); e == nil || e.Code != apierr.NotFound || e.Message != "Agent not found" {
			t.Errorf("%s: %v", name, e)
		}
	}
}

func TestCreateAgain(t *testing.T) {
	t.Parallel()
	b := setup(t, builtin(t))
	const text = `{"name":"Ada","bio":"x","topics":[],"settings":{"n":1.0,"secrets":{"K":"v"}},"secrets":{"B":true}}`
	first, _, err := b.create(t, text)
	if err != nil {
		t.Fatal(err)
	}
	again, created, err := b.create(t, text)
	if err != nil || created || again.ID != first.ID || again.Version != 1 {
		t.Errorf("the same again: %+v, %v, %v", again, created, err)
	}
	masked := `{"name":"Ada","bio":"x","settings":{"n":1.0,"secrets":{"K":"` + agent.SecretMask + `","B":"` + agent.SecretMask + `"}}}`
	if _, created, err := b.create(t, masked); err != nil || created {
		t.Errorf("as it was read: %v, %v", created, err)
	}
	for _, other := range []string{
		`{"name":"Ada","bio":"y"}`,
		strings.Replace(text, `"v"`, `"w"`, 1),
		`{"id":"` + first.ID.String() + `","name":"Bob","bio":"x"}`,
	} {
		_, _, err := b.create(t, other)
		wantCode(t, err, apierr.Conflict)
	}
	if stored, err := b.Agents().Get(t.Context(), b.who, first.ID); err != nil || stored.Character.Bio.First() != "x" {
		t.Errorf("stored %+v, %v", stored, err)
	}
}

func TestListOrder(t *testing.T) {
	t.Parallel()
	b := setup(t, builtin(t))
	for _, name := range []string{"delta", "Alpha", "charlie", "Bravo"} {
		if _, _, err := b.create(t, `{"name":"`+name+`","bio":""}`); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"delta", "charlie"} {
		if _, err := b.Agents().Start(t.Context(), b.who, agent.ID(name)); err != nil {
			t.Fatal(err)
		}
	}
	list, err := b.Agents().List(t.Context(), b.who)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, a := range list {
		names = append(names, a.Name)
	}
	if diff := cmp.Diff([]string{"charlie", "delta", "Alpha", "Bravo"}, names); diff != "" {
		t.Errorf("list (-want +got):\n%s", diff)
	}
}

func TestUpdateRefuses(t *testing.T) {
	t.Parallel()
	b := setup(t, builtin(t))
	a, _, err := b.create(t, `{"name":"Ada","bio":"x"}`)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		`{"name":null}`, `{"plugins":"x"}`, `{"enabled":"yes"}`, `{"enabled":null}`, `{"secrets":[]}`, `{"secrets":{"a":{}}}`,
		`{"settings":{"secrets":{"a":[1]}}}`, `{"settings":3}`, `{"id":"` + uuid.NewString() + `"}`, `{"lore":[]}`,
		`{"templates":{"replyTemplate":"a\n  {{#if x}}"}}`,
	} {
		_, err := b.Agents().Update(t.Context(), b.who, a.ID, patch(text))
		e := apierr.From(err)
		if e == nil || e.Code != apierr.UpdateFailed || !strings.HasPrefix(e.Message, "Character validation failed: ") || !strings.HasPrefix(e.Details, "/") {
			t.Errorf("%s: %v", text, err)
		}
		if strings.Contains(text, "replyTemplate") && !strings.Contains(e.Message, "templates.replyTemplate: line 2, column 3:") {
			t.Errorf("%s: %v", text, err)
		}
	}
	if stored, err := b.Agents().Get(t.Context(), b.who, a.ID); err != nil || stored.Version != 1 {
		t.Errorf("stored %+v, %v", stored, err)
	}
	c := a.Character
	c.ID, c.Name, c.Templates = uuid.Nil, "Bob", map[string]string{"replyTemplate": "{{"}
	_, _, err = b.Agents().Create(t.Context(), b.who, c)
	wantCode(t, err, apierr.CreateFailed)
}

func TestUpdateThatChangesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t, builtin(t))
	a, _, err := b.create(t, `{"name":"Ada","bio":"x","secrets":{"K":"v"}}`)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{`{}`, `{"name":"Ada"}`, `{"settings":{"secrets":{"K":"` + agent.SecretMask + `"}}}`, `{"status":"active","updatedAt":5}`, `{"enabled":true}`} {
		got, err := b.Agents().Update(t.Context(), b.who, a.ID, patch(text))
		if err != nil || got.Version != 1 || !got.UpdatedAt.Equal(a.UpdatedAt) {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
}

func TestChangesAtTheSameTimeAreAllKept(t *testing.T) {
	t.Parallel()
	b := setup(t, builtin(t))
	a, _, err := b.create(t, `{"name":"Ada","bio":"x"}`)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			if _, err := b.Agents().Update(t.Context(), b.who, a.ID, patch(fmt.Sprintf(`{"settings":{"k%d":%d}}`, i, i))); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got, err := b.Agents().Get(t.Context(), b.who, a.ID); err != nil || len(got.Character.Settings) != 8 || got.Version != 9 {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	var lookup func(string) (string, bool)
	b := setup(t, choose(func(r runtime.ModelRequest) runtime.ModelChoice {
		lookup = func(name string) (string, bool) { s, ok := r.Lookup(name); return s.Value, ok }
		return runtime.ModelChoice{Provider: runtime.Misconfigured("x", "")}
	}))
	a, _, err := b.create(t, `{"name":"Ada","bio":"x","settings":{"model":"m","secrets":{"KEY":"canary-1","BOTH":"canary-2"}},"secrets":{"BOTH":"canary-3","PORT":8080,"ON":false}}`)
	if err != nil {
		t.Fatal(err)
	}
	wantSecrets := func(a runtime.Agent, want map[string]string) {
		t.Helper()
		var keys []string
		for name, value := range want {
			keys = append(keys, name)
			if got, ok := lookup(name); !ok || got != value {
				t.Errorf("%s = %q, %v; want %q", name, got, ok, value)
			}
		}
		if len(a.SecretKeys) != len(keys) {
			t.Errorf("keys %v, want %v", a.SecretKeys, keys)
		}
		text, err := json.Marshal(&a.Character)
		if err != nil || strings.Contains(string(text), "canary") || a.Character.Secrets != nil || a.Character.Settings["secrets"] != nil {
			t.Errorf("the character shows a secret: %s, %v", text, err)
		}
		var row db.Agent
		if err := b.store.View(t.Context(), b.who.Scope(), func(q db.Scoped) (err error) { row, err = q.GetAgent(t.Context(), a.ID); return err }); err != nil {
			t.Fatal(err)
		}
		if stored := string(row.Character) + string(row.Secrets); strings.Contains(stored, "canary") {
			t.Errorf("stored in the clear: %s", stored)
		}
	}
	wantSecrets(a, map[string]string{"KEY": "canary-1", "BOTH": "canary-3", "PORT": "8080", "ON": "false"})

	update := func(text string) runtime.Agent {
		t.Helper()
		a, err := b.Agents().Update(t.Context(), b.who, a.ID, patch(text))
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	wantSecrets(update(`{"settings":{"secrets":{"KEY":"`+agent.SecretMask+`","BOTH":null,"NEW":"canary-4"}}}`),
		map[string]string{"KEY": "canary-1", "PORT": "8080", "ON": "false", "NEW": "canary-4"})
	wantSecrets(update(`{"secrets":{"KEY":"canary-5","PORT":null}}`), map[string]string{"KEY": "canary-5", "ON": "false", "NEW": "canary-4"})
	if got := update(`{"settings":{"model":null}}`); len(got.SecretKeys) != 3 || len(got.Character.Settings) != 0 {
		t.Errorf("got %+v", got)
	}
	if got := update(`{"secrets":null}`); len(got.SecretKeys) != 0 {
		t.Errorf("secrets left: %v", got.SecretKeys)
	}
	if strings.Contains(b.log.String(), "canary") {
		t.Errorf("the log shows a secret: %s", b.log)
	}
}

func TestSettingsByPrecedence(t *testing.T) {
	t.Parallel()
	var lookup func(string) (string, bool)
	b := setup(t, choose(func(r runtime.ModelRequest) runtime.ModelChoice {
		lookup = func(name string) (string, bool) { s, ok := r.Lookup(name); return s.Value, ok }
		return runtime.ModelChoice{Provider: runtime.Misconfigured("x", "")}
	}), func(c *runtime.Config) {
		c.Environment = env{"A": "server", "B": "server", "C": "server", "D": "server", "E": "server", "CHARACTER." + agent.ID("Ada").String() + ".A": "server for ada"}
	})
	if _, _, err := b.create(t, `{"name":"Ada","bio":"x","secrets":{"A":"secret","B":"secret","F":""},"settings":{"A":"own","B":"own","C":false,"D":"","F":"own","G":0,"H":{"x":1},"I":12345678901234567890}}`); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"A": "server for ada", "B": "secret", "C": "false", "D": "", "E": "server", "F": "", "G": "0", "I": "12345678901234567890"} {
		if got, ok := lookup(name); !ok || got != want {
			t.Errorf("%s = %q, %v; want %q", name, got, ok, want)
		}
	}
	for _, name := range []string{"H", "nothing"} {
		if got, ok := lookup(name); ok {
			t.Errorf("%s = %q", name, got)
		}
	}
}

func TestSecretsOfAnotherMasterKey(t *testing.T) {
	t.Parallel()
	b := setup(t, builtin(t))
	a, _, err := b.create(t, `{"name":"Ada","bio":"x","secrets":{"K":"v"}}`)
	if err != nil {
		t.Fatal(err)
	}
	b.config.Keys, err = seal.Parse(seal.Generate())
	if err != nil {
		t.Fatal(err)
	}
	other, err := runtime.New(b.config)
	if err != nil {
		t.Fatal(err)
	}
	got, err := other.Agents().Get(t.Context(), b.who, a.ID)
	if err != nil || !strings.Contains(got.Model.Notice, "another master key") || got.Model.Provider == "builtin" {
		t.Errorf("got %+v, %v", got.Model, err)
	}
	if list, err := other.Agents().List(t.Context(), b.who); err != nil || len(list) != 1 {
		t.Errorf("list %+v, %v", list, err)
	}
	_, err = other.Agents().Update(t.Context(), b.who, a.ID, patch(`{"name":"Bob"}`))
	wantCode(t, err, apierr.BadRequest)
}

func TestPluginNames(t *testing.T) {
	t.Parallel()
	b := setup(t, builtin(t), withPlugin(t, agent.Components{}))
	a, _, err := b.create(t, `{"name":"Ada","bio":"x","plugins":["@elizaos/plugin-bootstrap","@elizaos/plugin-sql","openai","tools","@elizaos/plugin-discord","./local.js","https://x/y.js"]}`)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range a.Plugins {
		got = append(got, fmt.Sprint(p.Name, " ", p.Status, " ", p.Available))
		if p.Reason == "" && p.Name != "tools" {
			t.Errorf("%s has no reason", p.Name)
		}
	}
	want := []string{
		"@elizaos/plugin-bootstrap builtin true", "@elizaos/plugin-sql ignored true", "openai builtin true", "tools builtin true",
		"@elizaos/plugin-discord unavailable false", "./local.js unavailable false", "https://x/y.js unavailable false",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("plugins (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(a.Character.Plugins[4], "@elizaos/plugin-discord"); diff != "" {
		t.Error("the name changed")
	}
}

func TestDefaultAgent(t *testing.T) {
	t.Parallel()
	b := running(t, builtin(t))
	for range 2 {
		if err := b.Agents().EnsureDefault(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	list, err := b.Agents().List(t.Context(), b.who)
	if err != nil || len(list) != 1 || list[0].Name != "Eliza" || !list[0].Running {
		t.Fatalf("list %+v, %v", list, err)
	}
	got := b.say(t, list[0].ID, b.draft(b.dm(t, list[0].ID), "Hello, who are you?"))
	if got.Turn.Status != messaging.TurnReplied {
		t.Errorf("turn = %+v", got.Turn)
	}
}

func TestImport(t *testing.T) {
	t.Parallel()
	b := setup(t, builtin(t))
	read := func(text string) agent.Character {
		c, err := agent.ParseCharacter([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	if _, err := b.Agents().Import(t.Context(), []agent.Character{read(`{"name":"Ada","bio":"one","topics":["t"],"secrets":{"A":"1","B":"2"}}`)}, true); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Agents().Import(t.Context(), []agent.Character{read(`{"name":"Ada","bio":"two","secrets":{"A":"3"}}`)}, false); err != nil {
		t.Fatal(err)
	}
	got, err := b.Agents().Get(t.Context(), b.who, agent.ID("Ada"))
	if err != nil || got.Character.Bio.First() != "two" || len(got.Character.Topics) != 1 || len(got.SecretKeys) != 2 || !got.Running {
		t.Errorf("got %+v, %v", got, err)
	}
}

// A run keeps the version it began with; the next one has the new one, without a restart.
func TestChangeDuringARun(t *testing.T) {
	t.Parallel()
	gate, sent := make(chan struct{}), make(chan int, 10)
	slow := modeltest.Script{
		Chunks: []string{"<response><actions>REPLY</actions><text>One ", "two</text></response>"},
		Gates:  map[int]<-chan struct{}{1: gate}, Sent: sent,
	}
	server, models := scripted(t, inOrder(slow, modeltest.Frame("three")))
	b := running(t, models)
	ada := b.agent(t, "Ada", `"system":"Old."`)
	dm := b.dm(t, ada)
	p, err := b.messages.Post(t.Context(), b.who, b.draft(dm, "count"))
	if err != nil {
		t.Fatal(err)
	}
	<-sent
	if _, err := b.Agents().Update(t.Context(), b.who, ada, patch(`{"name":"Adele","system":"New."}`)); err != nil {
		t.Fatal(err)
	}
	close(gate)
	first := b.ended(t, p.Turns[0])
	second := b.say(t, ada, b.draft(dm, "go on"))
	if first.CharacterVersion != 1 || second.Turn.CharacterVersion != 2 || second.Reply.AuthorName != "Adele" {
		t.Errorf("versions %d and %d, author %q", first.CharacterVersion, second.Turn.CharacterVersion, second.Reply.AuthorName)
	}
	if r := server.Requests(); r[0].System() != "Old." || r[1].System() != "New." {
		t.Errorf("system texts %q and %q", r[0].System(), r[1].System())
	}
}

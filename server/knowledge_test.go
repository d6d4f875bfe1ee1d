package server_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server/internal/modeltest"
	"github.com/elizad/elizad/server/settings"
)

const launchCode = "The launch code is ZEBRA-42."

// answered is an answer to a question, with the titles of what it cites.
type answered struct {
	text   string
	titles []string
}

// question asks an agent in a new direct channel and returns its answer.
func (n *node) question(agent uuid.UUID, text string) answered {
	n.t.Helper()
	user := uuid.New()
	channel := n.dmBetween(agent, user)
	n.ask(channel, user, text).want(201)
	var out answered
	for _, m := range n.history(channel) {
		if m.AuthorID != agent {
			continue
		}
		out.text = m.Content
		var metadata struct{ Sources []api.MessageSource }
		if err := json.Unmarshal(m.Metadata, &metadata); err != nil {
			n.t.Fatal(err)
		}
		for _, s := range metadata.Sources {
			out.titles = append(out.titles, s.Title)
		}
	}
	return out
}

// documents returns what an agent answers from, once all of it is indexed or can't be.
func (n *node) documents(t *testing.T, agent uuid.UUID, many int) (list []api.Document) {
	t.Helper()
	eventually(t, "the end of indexing", func() bool {
		list = data[api.DocumentList](n.read(n.api().ListDocuments(t.Context(), agent, nil)).want(200)).Documents
		return len(list) == many && !slices.ContainsFunc(list, func(d api.Document) bool {
			return d.Status == api.DocumentStatusQueued || d.Status == api.DocumentStatusIndexing
		})
	})
	return list
}

// knowing makes and starts an agent that knows things, and waits until they are indexed.
func (n *node) knowing(t *testing.T, name string, things ...any) uuid.UUID {
	t.Helper()
	id := data[api.AgentCreated](n.createAgent(map[string]any{"name": name, "bio": "x", "knowledge": things}).want(201)).ID
	n.startAgent(id)
	n.documents(t, id, len(things))
	return id
}

func (n *node) addFiles(agent uuid.UUID, parts ...formPart) answer {
	n.t.Helper()
	body, kind := form(parts...)
	return n.read(n.api().AddDocumentsWithBody(n.t.Context(), agent, kind, bytes.NewReader(body)))
}

func (n *node) addText(agent uuid.UUID, title, content string) api.Document {
	n.t.Helper()
	return data[[]api.Document](n.read(n.api().AddDocuments(n.t.Context(), agent, api.DocumentText{Content: content, Title: &title})).want(200))[0]
}

func (n *node) searched(agent uuid.UUID, text string) []api.KnowledgePassage {
	n.t.Helper()
	return data[api.KnowledgeFound](n.read(n.api().SearchKnowledge(n.t.Context(), agent, &api.SearchKnowledgeParams{Q: text})).want(200)).Results
}

// What a character knows is in the prompt, the answer says where it is from, and so does the record of the run.
func TestKnowledgeOfACharacter(t *testing.T) {
	t.Parallel()
	n, model := prompts(t)
	id := n.knowing(t, "Ada", launchCode, "Lunch is served at noon.")
	got := n.question(id, "What is the launch code?")
	if prompt := lastPrompt(t, model); !strings.Contains(prompt, launchCode) || strings.Contains(prompt, "Lunch") {
		t.Errorf("the prompt:\n%s", prompt)
	}
	if !slices.Equal(got.titles, []string{launchCode}) {
		t.Errorf("the answer cites %q", got.titles)
	}
	run := n.runs(id, api.ListRunsParams{}).Runs[0].RunID
	detail := data[api.RunDetail](n.read(n.api().GetRun(t.Context(), id, run, nil)).want(200))
	if !slices.ContainsFunc(detail.Events, func(e api.RunEvent) bool {
		return e.Type == "KNOWLEDGE_USED" && strings.Contains(string(e.Data), launchCode)
	}) {
		t.Errorf("the run's record: %+v", detail.Events)
	}
	if got = n.question(id, "How are you?"); strings.Contains(lastPrompt(t, model), "ZEBRA") || got.titles != nil {
		t.Errorf("another question gets it, too: %+v", got)
	}
	if got = n.question(n.newAgentStarted("Bob"), "What is the launch code?"); strings.Contains(lastPrompt(t, model), "ZEBRA") || got.titles != nil {
		t.Errorf("another agent knows it: %+v", got)
	}

	// A change of the character changes what it knows.
	n.changeAgent(id, map[string]any{"knowledge": []string{"The launch code is OKAPI-7."}}).want(200)
	eventually(t, "the other code", func() bool {
		list := data[api.DocumentList](n.read(n.api().ListDocuments(t.Context(), id, nil)).want(200)).Documents
		return len(list) == 1 && list[0].Title == "The launch code is OKAPI-7." && list[0].Status == api.DocumentStatusReady
	})
	n.question(id, "What is the launch code?")
	if prompt := lastPrompt(t, model); !strings.Contains(prompt, "OKAPI-7") || strings.Contains(prompt, "ZEBRA") {
		t.Errorf("after the change:\n%s", prompt)
	}
}

func (n *node) newAgentStarted(name string) uuid.UUID {
	n.t.Helper()
	id := n.newAgent(name, "x")
	n.startAgent(id)
	return id
}

// The next question of the same person may leave out what the first one was about.
func TestKnowledgeOfTheQuestionBefore(t *testing.T) {
	t.Parallel()
	n, model := prompts(t)
	id := n.knowing(t, "Ada", "The pump of the Heron model needs oil twice a year.", "The rotor of the Heron model needs no care at all.")
	user := uuid.New()
	channel := n.dmBetween(id, user)
	n.ask(channel, user, "Tell me about the Heron model").want(201)
	n.ask(channel, user, "And how often must that be done?").want(201)
	if prompt := lastPrompt(t, model); !strings.Contains(prompt, "needs oil twice a year") {
		t.Errorf("the prompt:\n%s", prompt)
	}
}

// Without a model, the answer is a quotation.
func TestBuiltinResponderQuotesKnowledge(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	id := n.knowing(t, "Ada", map[string]any{"id": "rules", "path": "office.md", "content": "# Office\n\nThe office opens at nine. Parking costs 4 marks a day.\n\n# Kitchen\n\nThe kettle is broken."})
	if got := n.question(id, "How much does parking cost?"); !strings.Contains(got.text, "Parking costs 4 marks a day.") || !strings.Contains(got.text, "office.md") {
		t.Errorf("answered %+v", got)
	}
	if got := n.question(id, "Hello"); strings.Contains(got.text, "office") {
		t.Errorf("a greeting is answered with %q", got.text)
	}
}

// A document that is uploaded is answered from until it is deleted.
func TestUploadedDocuments(t *testing.T) {
	t.Parallel()
	n, model := prompts(t)
	id := n.newAgentStarted("Ada")
	added := data[[]api.Document](n.addFiles(id, formPart{"files", "report.pdf", "application/pdf", pdfWithTable()}, formPart{"files", "plan.docx", "application/octet-stream", docxOf(t, "The plan is TAPIR")},
		formPart{"files", "dot.png", "image/png", pngBytes}, formPart{"files", "half.pdf", "application/pdf", pdfWithTable()[:400]}).want(200))
	if len(added) != 4 {
		t.Fatalf("added %+v", added)
	}
	for _, d := range n.documents(t, id, 4) {
		want := map[string]api.DocumentStatus{"report.pdf": "ready", "plan.docx": "ready", "dot.png": "unsupported", "half.pdf": "failed"}[d.Title]
		if d.Status != want || (want == "ready") != (d.Passages == 1 && d.Indexed == 1) || (want == "ready") != (d.Reason == nil) {
			t.Errorf("%s is %+v", d.Title, d)
		}
	}
	if got := n.question(id, "What is the code?"); !strings.Contains(lastPrompt(t, model), "The code is ZEBRA") || !slices.Contains(got.titles, "report.pdf") {
		t.Errorf("answered %+v to\n%s", got, lastPrompt(t, model))
	}
	if found := n.searched(id, "the code"); len(found) != 1 || found[0].Text != "The code is ZEBRA" || found[0].DocumentID != added[0].ID || found[0].Similarity < 0.3 {
		t.Errorf("found %+v", found)
	}
	again := data[[]api.Document](n.addFiles(id, formPart{"file", "again.pdf", "application/pdf", pdfWithTable()}).want(200))
	if again[0].ID != added[0].ID || again[0].Status != "ready" {
		t.Errorf("the same file again: %+v", again)
	}
	n.read(n.api().DeleteDocument(t.Context(), id, added[0].ID)).want(204)
	n.question(id, "What is the code?")
	if prompt := lastPrompt(t, model); strings.Contains(prompt, "The code is ZEBRA") {
		t.Errorf("it is not forgotten:\n%s", prompt)
	}
	clearError(t, "deleted twice", n.read(n.api().DeleteDocument(t.Context(), id, added[0].ID)), 404, "NOT_FOUND")
	clearError(t, "read after that", n.read(n.api().GetDocument(t.Context(), id, added[0].ID)), 404, "NOT_FOUND")
	clearError(t, "no file", n.addFiles(id, formPart{"title", "", "", "x"}), 400, "INVALID_REQUEST")
	clearError(t, "no agent", n.addFiles(uuid.New(), formPart{"file", "a.txt", "text/plain", "x"}), 404, "NOT_FOUND")
}

func TestDocumentsHaveAQuota(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.Limits.MaxDocuments = 2
	n := startWith(t, cfg)
	n.addText(n.agentID(), "a", "one")
	n.addText(n.agentID(), "b", "two")
	a := n.read(n.api().AddDocuments(t.Context(), n.agentID(), api.DocumentText{Content: "three"}))
	clearError(t, "one too many", a, 413, "QUOTA_EXCEEDED")
	n.addText(n.agentID(), "a", "one") // is there
	clearError(t, "no question", n.do("GET", "/api/agents/"+n.agentID().String()+"/plugins/knowledge/search", nil), 400, "INVALID_REQUEST")
}

// Nobody finds what another agent knows, nor another tenant's.
func TestKnowledgeIsNotFoundByOthers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	under := func(name string) *node {
		cfg := testConfig(t)
		cfg.Storage.Dir, cfg.Storage.ServerID = dir, name
		return startWith(t, cfg)
	}
	n := under("")
	id := n.newAgentStarted("Ada")
	d := n.addText(id, "codes", launchCode)
	n.documents(t, id, 1)
	if found := n.searched(id, "launch code"); len(found) != 1 {
		t.Fatalf("found %+v", found)
	}
	other := n.newAgentStarted("Bob")
	if found := n.searched(other, "launch code"); len(found) != 0 {
		t.Errorf("another agent finds %+v", found)
	}
	clearError(t, "another agent's document", n.read(n.api().GetDocument(t.Context(), other, d.ID)), 404, "NOT_FOUND")
	clearError(t, "deleting it", n.read(n.api().DeleteDocument(t.Context(), other, d.ID)), 404, "NOT_FOUND")
	n.stop()

	n = under("branch office")
	clearError(t, "searching what another tenant's agent knows", n.read(n.api().SearchKnowledge(t.Context(), id, &api.SearchKnowledgeParams{Q: "launch code"})), 404, "NOT_FOUND")
	clearError(t, "another tenant's document", n.read(n.api().GetDocument(t.Context(), id, d.ID)), 404, "NOT_FOUND")
	clearError(t, "listing them", n.read(n.api().ListDocuments(t.Context(), id, nil)), 404, "NOT_FOUND")
	clearError(t, "deleting it", n.read(n.api().DeleteDocument(t.Context(), id, d.ID)), 404, "NOT_FOUND")
	clearError(t, "adding one", n.read(n.api().AddDocuments(t.Context(), id, api.DocumentText{Content: "x"})), 404, "NOT_FOUND")
}

// A restart indexes what was not finished, and nothing else.
func TestDocumentsOutliveARestart(t *testing.T) {
	t.Parallel()
	model := modeltest.New(t, func(modeltest.Request) modeltest.Script { return modeltest.Frame("Certainly.") })
	dir := t.TempDir()
	restart := func() *node { return start(t, dir, "OPENAI_BASE_URL="+model.URL, "OPENAI_API_KEY=key") }
	n := restart()
	id := n.knowing(t, "Ada", launchCode, "Lunch is served at noon.")
	n.addText(id, "manual", "The pump needs oil twice a year.")
	before := n.documents(t, id, 3)
	n.stop()

	n = restart()
	if after := n.documents(t, id, 3); !slices.EqualFunc(before, after, func(a, b api.Document) bool {
		return a.ID == b.ID && a.UpdatedAt == b.UpdatedAt
	}) {
		t.Errorf("indexed again: %+v, before: %+v", after, before)
	}
	n.question(id, "What is the launch code?")
	if prompt := lastPrompt(t, model); !strings.Contains(prompt, launchCode) {
		t.Errorf("forgotten:\n%s", prompt)
	}
	n.stop()

	// As a process leaves it that was killed within its work.
	inDatabase(t, dir, "INSERT INTO document_contents (document_id, content, tenant) SELECT id, '"+launchCode+"', 1 FROM documents WHERE title = '"+launchCode+"'",
		"UPDATE documents SET status = 'indexing', indexed = 0, lease_until = 9000000000000 WHERE title = '"+launchCode+"' RETURNING title")
	if *engine == "postgres" { // where another server may be at it until its lease ends
		inDatabase(t, dir, "UPDATE documents SET lease_until = 0 WHERE status = 'indexing' RETURNING title")
	}
	n = restart()
	n.documents(t, id, 3)
	if found := n.searched(id, "launch code"); len(found) != 1 || found[0].Text != launchCode {
		t.Errorf("found %+v", found)
	}
}

// A character names files below one folder, and nothing else on the machine.
func TestKnowledgeOfFiles(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	dir := filepath.Join(base, "docs")
	write := func(name, content string) {
		t.Helper()
		path := filepath.Join(base, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("docs/a.md", "# Pump\n\nThe pump needs oil twice a year.")
	write("docs/more/b.html", "<p>The rotor has <b>seven</b> blades.")
	write("docs/more/.hidden/c.md", "hidden")
	write("docs/more/dot.png", pngBytes)
	write("docs/more/d.txt", "The keel is made of oak.")
	write("secret.md", "The password is HERON.")
	for link, to := range map[string]string{"docs/link.md": "../secret.md", "docs/more/out.md": filepath.Join(base, "secret.md"), "docs/more/up": ".."} {
		if err := os.Symlink(to, filepath.Join(base, link)); err != nil {
			t.Fatal(err)
		}
	}
	cfg := testConfig(t)
	cfg.Agents.Knowledge = dir
	n := startWith(t, cfg)
	id := data[api.AgentCreated](n.createAgent(map[string]any{"name": "Ada", "bio": "x", "knowledge": []any{
		map[string]any{"path": "docs/a.md"}, map[string]any{"directory": "more"}, map[string]any{"path": "../secret.md"}, map[string]any{"path": "/etc/passwd"},
		map[string]any{"path": "link.md"}, map[string]any{"path": "none.md"},
	}}).want(201)).ID
	n.startAgent(id)
	status := map[string]api.DocumentStatus{}
	list := n.documents(t, id, 8)
	for _, d := range list {
		status[d.Title] = d.Status
	}
	if status["a.md"] != "ready" || status["more/b.html"] != "ready" || status["more/d.txt"] != "ready" {
		t.Errorf("documents %v", status)
	}
	for _, question := range []string{"password heron", "root daemon", "hidden"} {
		if found := n.searched(id, question); len(found) != 0 {
			t.Errorf("%s is found: %+v", question, found)
		}
	}
	if found := n.searched(id, "How many blades has the rotor?"); len(found) == 0 || !strings.Contains(found[0].Text, "**seven**") || found[0].Source != "folder" {
		t.Errorf("found %+v", found)
	}
	notice := func() string {
		return deref(data[api.Agent](n.read(n.api().GetAgent(t.Context(), id)).want(200)).Model.Notice)
	}
	if got := notice(); !strings.Contains(got, "Knowledge that can't be used") || !strings.Contains(got, "secret.md (It is not below the folder of knowledge)") {
		t.Errorf("notice %q", got)
	}

	// A file that changed is read anew by the next start; one that is gone is forgotten.
	write("docs/a.md", "# Pump\n\nThe pump needs no oil any more.")
	if err := os.Remove(filepath.Join(dir, "more", "d.txt")); err != nil {
		t.Fatal(err)
	}
	n.stop()
	n = startWith(t, cfg)
	eventually(t, "the new text", func() bool {
		found := n.searched(id, "pump oil")
		return len(found) == 1 && strings.Contains(found[0].Text, "no oil any more")
	})
	eventually(t, "the end of the other", func() bool { return len(n.searched(id, "keel oak")) == 0 })
	n.changeAgent(id, map[string]any{"knowledge": []any{}}).want(200)
	n.documents(t, id, 0)
	if got := notice(); strings.Contains(got, "Knowledge") {
		t.Errorf("notice %q", got)
	}
}

// Whoever may only read or chat sees what an agent knows, and changes nothing of it.
func TestWhoMayChangeDocuments(t *testing.T) {
	t.Parallel()
	issuer, n := isolating(t, func(*settings.Settings) {})
	_ = issuer
	id := n.keyed(rightKey).agentID()
	d := n.keyed(rightKey).addText(id, "codes", launchCode)
	reader := n.bearing(issuer.sign(t, uuid.New().String(), patience))
	if got := data[api.DocumentList](reader.read(reader.api().ListDocuments(t.Context(), id, nil)).want(200)); len(got.Documents) != 1 {
		t.Errorf("listed %+v", got)
	}
	clearError(t, "adding", reader.read(reader.api().AddDocuments(t.Context(), id, api.DocumentText{Content: "x"})), 403, "FORBIDDEN")
	clearError(t, "deleting", reader.read(reader.api().DeleteDocument(t.Context(), id, d.ID)), 403, "FORBIDDEN")
}

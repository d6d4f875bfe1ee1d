package server_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/server"
	"github.com/elizad/elizad/server/settings"
)

// update is set to take what the server answers as golden.
var update = flag.Bool("update", false, "write the golden answers in testdata again")

// book collects the answers of one test and compares them with a golden file. What differs from run to run has a name there:
// ids are numbered as they appear.
type book struct {
	*node
	pages []page
	ids   map[string]string
}

// page is one answer in a golden file.
type page struct {
	Name   string `json:"name"`
	Status int    `json:"status"`
	Body   any    `json:"body,omitempty"`
}

// newBook returns a book without pages.
func newBook(n *node) *book { return &book{node: n, ids: map[string]string{}} }

// golden starts a server whose answers can be foreseen: its agent says the same thing to everything.
func golden(t *testing.T) *book {
	t.Helper()
	cfg := testConfig(t)
	cfg.Agents.Environment = settings.ReadAgentEnvironment(speech(t, says(mp3Bytes)))
	return newBook(startWith(t, cfg, server.WithPlugins(lab())))
}

// somebody is who talks in the golden answers.
func somebody() uuid.UUID { return uuid.MustParse("17dcb1c8-cf1f-438a-b8c7-dc93995e78be") }

// ask sends a request and adds its answer. The original is what the original server sends here, if it sends that: each of its
// members must be in the answer, with the same type of value. It is sent raw, as the original's programs send it and as the golden
// file is read: by method and path.
func (b *book) ask(name, method, path string, body any, status int, original string, header ...string) answer {
	b.t.Helper()
	a := b.do(method, path, body, header...)
	b.add(name, a, status, original)
	return a
}

// add adds an answer.
func (b *book) add(name string, a answer, status int, original string) {
	b.t.Helper()
	if a.status != status {
		b.t.Fatalf("%s: status %d, want %d: %s", name, a.status, status, a.body)
	}
	var got any
	switch {
	case strings.HasPrefix(a.header.Get("Content-Type"), "text/event-stream"):
		var events []any
		for _, e := range readSSE(b.t, a.body) {
			b.checkEvent(e)
			events = append(events, map[string]any{"event": e.name, "data": decode(b.t, e.data)})
		}
		got = events
	case len(a.body) > 0:
		got = decode(b.t, a.body)
	}
	if original != "" {
		for _, what := range missing("", decode(b.t, []byte(original)), got) {
			b.t.Errorf("%s: %s, which the original has", name, what)
		}
	}
	b.pages = append(b.pages, page{name, status, b.plain("", got)})
}

// checkEvent holds the data of an event of a stream against the schema that the contract names for it.
func (b *book) checkEvent(e sseEvent) {
	b.t.Helper()
	schema := map[string]string{"user_message": "UserMessage", "chunk": "StreamChunk", "done": "AgentResponse", "error": "StreamError"}[e.name]
	if err := contract(b.t).Components.Schemas[schema].Value.VisitJSON(decode(b.t, e.data)); err != nil {
		b.t.Errorf("the event %s is not in the contract: %v", e.name, err)
	}
}

// close compares the answers with the golden file, or writes it.
func (b *book) close(file string) {
	b.t.Helper()
	var got bytes.Buffer
	encoder := json.NewEncoder(&got)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(b.pages); err != nil {
		b.t.Fatal(err)
	}
	path := filepath.Join("testdata", file)
	if *update {
		if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
			b.t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		b.t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		b.t.Errorf("%s is not what the server answers (-update writes it again):\n%s", path, diff)
	}
}

// plain returns a value without what differs from run to run. Name is its name in its surroundings.
func (b *book) plain(name string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		if name == "memory" {
			delete(v, "total")
		}
		out := map[string]any{}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			out[key] = b.plain(key, v[key])
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = b.plain("", v[i])
		}
		return out
	case float64:
		if slices.Contains(varying(), name) {
			return "<number>"
		}
		if v > 1.6e12 && v < 4e12 {
			return "<epoch ms>"
		}
	case string:
		if name == "next" || name == "prev" || strings.HasSuffix(name, "ursor") && v != "" {
			return "<cursor>"
		}
		v = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`).ReplaceAllString(v, "<time>")
		return regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`).ReplaceAllStringFunc(v, b.idName)
	}
	return v
}

// idName returns the number of an id.
func (b *book) idName(id string) string {
	if id == "00000000-0000-0000-0000-000000000000" {
		return id
	}
	if b.ids[id] == "" {
		b.ids[id] = fmt.Sprintf("<id %d>", len(b.ids)+1)
	}
	return b.ids[id]
}

// varying lists the names of numbers that measure.
func varying() []string {
	return []string{
		"averageProcessingTimeMs", "cleared", "completion_tokens", "duration", "durationMs", "executionTime", "firstTokenMs", "inputTokens", "outputTokens",
		"percentage", "processingTimeMs", "prompt_tokens", "timeRemaining", "total_tokens", "uptime", "used",
	}
}

// missing lists where got lacks what a sample of the original has: a member, or a value of the same kind. Of a list the first
// element stands for all.
func missing(at string, sample, got any) []string {
	switch want := sample.(type) {
	case nil:
		return nil
	case map[string]any:
		members, ok := got.(map[string]any)
		if !ok {
			return []string{fmt.Sprintf("%s is %T, not an object", at, got)}
		}
		var out []string
		for name, value := range want {
			if _, ok := members[name]; !ok {
				out = append(out, at+"/"+name+" is missing")
				continue
			}
			out = append(out, missing(at+"/"+name, value, members[name])...)
		}
		slices.Sort(out)
		return out
	case []any:
		items, ok := got.([]any)
		if !ok {
			return []string{fmt.Sprintf("%s is %T, not a list", at, got)}
		}
		if len(want) == 0 || len(items) == 0 {
			return nil
		}
		return missing(at+"/0", want[0], items[0])
	default:
		if fmt.Sprintf("%T", want) != fmt.Sprintf("%T", got) {
			return []string{fmt.Sprintf("%s is %T, not %T", at, got, want)}
		}
		return nil
	}
}

// decode reads any JSON.
func decode(t testing.TB, raw []byte) (v any) {
	t.Helper()
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatalf("reading %s: %v", raw, err)
	}
	return v
}

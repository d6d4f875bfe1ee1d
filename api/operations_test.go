package api_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/elizad/elizad/api"
)

// Every operation documents its own failures: that its input may be invalid and, where a request may be repeated under a key,
// that the key may be taken.
func TestContractFailuresAreListed(t *testing.T) {
	t.Parallel()
	for path, item := range load(t).Paths.Map() {
		for method, op := range item.Operations() {
			name := method + " " + path
			parameters := slices.Concat(item.Parameters, op.Parameters)
			if (len(parameters) > 0 || op.RequestBody != nil) && op.Responses.Status(http.StatusBadRequest) == nil {
				t.Errorf("%s: it takes input, and doesn't say that it may not fit", name)
			}
			keyed := slices.ContainsFunc(parameters, func(p *openapi3.ParameterRef) bool { return p.Value.Name == "Idempotency-Key" })
			mark, marked := op.Extensions["x-idempotent"] // by which the server answers
			if keyed != marked || marked && (method != http.MethodPost || mark != "answer" && mark != "effect" || op.Responses.Status(http.StatusConflict) == nil) {
				t.Errorf("%s: Idempotency-Key %t, x-idempotent %v, 409 %v", name, keyed, mark, op.Responses.Status(http.StatusConflict) != nil)
			}
			users := slices.Contains(op.Tags, "users") // whose names and refresh tokens are good once, without a key
			if !marked && !users && method == http.MethodPost && op.Responses.Status(http.StatusConflict) != nil {
				t.Errorf("%s: it declares a conflict, and has none", name)
			}
		}
	}
}

// Every response declares the headers that middlewares set, each with a description and an example.
func TestContractHeaders(t *testing.T) {
	t.Parallel()
	for path, item := range load(t).Paths.Map() {
		for method, op := range item.Operations() {
			for status, response := range op.Responses.Map() {
				name := method + " " + path + " " + status
				want := []string{"X-Request-Id"}
				if strings.HasPrefix(path, "/api/") || strings.HasPrefix(path, "/v1/") {
					want = append(want, "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "RateLimit-Policy")
				}
				switch _, marked := op.Extensions["x-idempotent"]; {
				case marked && status[0] == '2':
					want = append(want, "Idempotency-Replayed")
				case !marked && response.Ref == "" && response.Value.Headers["Idempotency-Replayed"] != nil: // others may share a response
					t.Errorf("%s: no answer is kept, and Idempotency-Replayed is declared", name)
				}
				if status == "304" {
					want = append(want, "ETag")
				}
				for _, header := range want {
					if response.Value.Headers[header] == nil {
						t.Errorf("%s: the header %s is not declared", name, header)
					}
				}
				for header, h := range response.Value.Headers {
					if h.Value.Description == "" || h.Value.Schema.Value.Example == nil {
						t.Errorf("%s: the header %s lacks a description or an example", name, header)
					}
				}
			}
		}
	}
}

// The events in the examples of streams fit the schemas that the descriptions of the streams name.
func TestContractStreams(t *testing.T) {
	t.Parallel()
	doc := load(t)
	schemas := map[string]string{"user_message": "UserMessage", "chunk": "StreamChunk", "done": "AgentResponse", "error": "StreamError"}
	streams := 0
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			ok := op.Responses.Status(http.StatusOK)
			if ok == nil || ok.Value.Content["text/event-stream"] == nil || slices.Contains(op.Tags, "openai") {
				continue
			}
			streams++
			var events []string
			text, _ := ok.Value.Content["text/event-stream"].Schema.Value.Example.(string)
			for frame := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
				event, data := field(frame, "event"), field(frame, "data")
				events = append(events, event)
				var value any
				if err := json.Unmarshal([]byte(data), &value); err != nil || field(frame, "id") == "" {
					t.Errorf("%s %s: frame %q: %v", method, path, frame, err)
					continue
				}
				if err := doc.Components.Schemas[schemas[event]].Value.VisitJSON(value); err != nil {
					t.Errorf("%s %s: event %s: %v", method, path, event, err)
				}
			}
			if want := []string{"user_message", "chunk", "chunk", "done"}; !slices.Equal(events, want) {
				t.Errorf("%s %s: the example shows %v, want %v", method, path, events, want)
			}
		}
	}
	if streams != 2 {
		t.Errorf("%d streams", streams)
	}
}

// The events in the examples of the streams that OpenAI's clients read have no names, and end with a word.
func TestContractStreamsOfOpenAI(t *testing.T) {
	t.Parallel()
	doc := load(t)
	text, _ := doc.Paths.Value("/v1/chat/completions").Post.Responses.Status(http.StatusOK).Value.Content["text/event-stream"].Schema.Value.Example.(string)
	frames := strings.Split(strings.TrimSpace(text), "\n\n")
	for _, frame := range frames[:len(frames)-1] {
		var value any
		if err := json.Unmarshal([]byte(field(frame, "data")), &value); err != nil {
			t.Errorf("frame %q: %v", frame, err)
		} else if err := doc.Components.Schemas["OpenAIChatChunk"].Value.VisitJSON(value); err != nil {
			t.Errorf("frame %q: %v", frame, err)
		}
	}
	if last := field(frames[len(frames)-1], "data"); len(frames) != 4 || last != "[DONE]" {
		t.Errorf("%d frames, the last is %q", len(frames), last)
	}
}

// field returns a field of a server-sent event.
func field(frame, name string) string {
	for line := range strings.SplitSeq(frame, "\n") {
		if value, ok := strings.CutPrefix(line, name+": "); ok {
			return value
		}
	}
	return ""
}

// TestContractIsValid checks each kind of example: one that doesn't fit its schema is found.
func TestExamplesAreChecked(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*openapi3.T){
		"of a schema": func(d *openapi3.T) {
			d.Components.Schemas["AgentListEnvelope"].Value.Example = map[string]any{"success": true}
		},
		"of a parameter": func(d *openapi3.T) { d.Components.Parameters["Cursor"].Value.Schema.Value.Example = 7 },
		"of a header":    func(d *openapi3.T) { d.Components.Headers["TotalCount"].Value.Schema.Value.Example = "many" },
		"of an answer": func(d *openapi3.T) {
			d.Components.Responses["NotFound"].Value.Content["application/json"].Example = map[string]any{"success": false, "error": "no"}
		},
	} {
		doc := load(t)
		spoil(doc)
		if err := doc.Validate(t.Context(), openapi3.EnableExamplesValidation()); err == nil {
			t.Errorf("a wrong example %s is not found", name)
		}
	}
}

// The contract has no unused schema, parameter, header or response: an operation refers to it, or an event of the sockets does.
func TestContractHasNothingUnused(t *testing.T) {
	t.Parallel()
	doc := load(t)
	ref := regexp.MustCompile(`#/components/(\w+/\w+)`)
	targets := func(v any) (out []string) {
		raw, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range ref.FindAllStringSubmatch(string(raw), -1) {
			out = append(out, m[1])
		}
		return out
	}
	parts := map[string]any{}
	for name, s := range doc.Components.Schemas {
		parts["schemas/"+name] = s
	}
	for name, p := range doc.Components.Parameters {
		parts["parameters/"+name] = p
	}
	for name, h := range doc.Components.Headers {
		parts["headers/"+name] = h
	}
	for name, r := range doc.Components.Responses {
		parts["responses/"+name] = r
	}
	for name, r := range doc.Components.RequestBodies {
		parts["requestBodies/"+name] = r
	}
	// OpenAPI can't describe the data of events in a stream, nor the character inside a request that takes anything.
	used := map[string]bool{"schemas/Character": true, "schemas/StreamChunk": true, "schemas/StreamError": true, "schemas/OpenAIChatChunk": true}
	for next := slices.Concat(targets(doc.Paths), targets(string(api.AsyncAPI)), targets(doc.Components.Schemas["OpenAIChatChunk"])); len(next) > 0; {
		name := next[0]
		next = next[1:]
		if !used[name] && parts[name] != nil {
			used[name] = true
			next = append(next, targets(parts[name])...)
		}
	}
	for name := range parts {
		if !used[name] {
			t.Errorf("%s is used by no operation and no event", name)
		}
	}
}

// What crosses the sockets is checked as JSON Schema, which ignores the keywords of OpenAPI 3.0 alone: they would let anything
// pass.
func TestSocketSchemasAreJSONSchema(t *testing.T) {
	t.Parallel()
	for name, schema := range load(t).Components.Schemas {
		if !strings.HasPrefix(name, "Socket") && !strings.HasPrefix(name, "Plain") {
			continue
		}
		raw, err := json.Marshal(schema)
		if err != nil {
			t.Fatal(err)
		}
		if word := regexp.MustCompile(`"(nullable|discriminator|exclusiveMinimum|exclusiveMaximum)"`).Find(raw); word != nil {
			t.Errorf("%s has %s", name, word)
		}
	}
}

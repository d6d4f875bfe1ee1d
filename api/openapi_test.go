package api_test

import (
	"cmp"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/elizad/elizad/api"
	"github.com/elizad/elizad/server/apierr"
)

func load(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(api.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// The document is valid, and its examples fit their schemas.
func TestContractIsValid(t *testing.T) {
	t.Parallel()
	if err := load(t).Validate(t.Context(), openapi3.EnableExamplesValidation()); err != nil {
		t.Error(err)
	}
}

// Every operation says what a reader needs: an id, a tag, a summary, a description, examples of what it takes and gives, and
// the one shape of errors.
func TestContractIsDocumented(t *testing.T) {
	t.Parallel()
	doc := load(t)
	var tags []string
	for _, tag := range doc.Tags {
		tags = append(tags, tag.Name)
	}
	seen := map[string]string{}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			name := method + " " + path
			if other, taken := seen[op.OperationID]; op.OperationID == "" || taken {
				t.Errorf("%s: operationId %q is missing or taken by %q", name, op.OperationID, other)
			}
			seen[op.OperationID] = name
			if op.Summary == "" || op.Description == "" {
				t.Errorf("%s: summary or description is missing", name)
			}
			if len(op.Tags) != 1 || !slices.Contains(tags, op.Tags[0]) {
				t.Errorf("%s: tags %q, want one of %q", name, op.Tags, tags)
			}
			for _, p := range slices.Concat(item.Parameters, op.Parameters) {
				if p.Value.Description == "" || p.Value.Schema.Value.Example == nil && p.Value.Example == nil {
					t.Errorf("%s: parameter %s lacks a description or an example", name, p.Value.Name)
				}
			}
			if op.RequestBody != nil {
				checkExamples(t, name+" request", op.RequestBody.Value.Content)
			}
			for status, response := range op.Responses.Map() {
				if response.Value.Description == nil || *response.Value.Description == "" {
					t.Errorf("%s: response %s lacks a description", name, status)
				}
				checkExamples(t, name+" "+status, response.Value.Content)
			}
			checkDefault(t, name, op)
		}
	}
}

func checkExamples(t *testing.T, where string, content openapi3.Content) {
	t.Helper()
	for kind, media := range content {
		if media.Example == nil && len(media.Examples) == 0 && media.Schema.Value.Example == nil {
			t.Errorf("%s: %s has no example", where, kind)
		}
	}
}

func checkDefault(t *testing.T, name string, op *openapi3.Operation) {
	t.Helper()
	failure := op.Responses.Default()
	if failure == nil {
		t.Errorf("%s: there is no default response", name)
		return
	}
	form := "#/components/schemas/Error"
	if slices.Contains(op.Tags, "openai") {
		form = "#/components/schemas/OpenAIError"
	}
	if media := failure.Value.Content.Get("application/json"); media == nil || media.Schema.Ref != form {
		t.Errorf("%s: the default response is not %s", name, form)
	}
}

// Every failure response has an example as the server sends it: with a code whose status is that of the response.
func TestContractFailuresAreShown(t *testing.T) {
	t.Parallel()
	for path, item := range load(t).Paths.Map() {
		for method, op := range item.Operations() {
			for status, response := range op.Responses.Map() {
				for kind, media := range response.Value.Content {
					name := method + " " + path + " " + status + " " + kind
					switch media.Schema.Ref {
					case "#/components/schemas/Error":
						checkFailure(t, name, status, media.Example, "error")
					case "#/components/schemas/Problem":
						checkFailure(t, name, status, media.Example)
					}
				}
			}
		}
	}
}

// checkFailure checks an example of a failure, whose code is below the members named by at.
func checkFailure(t *testing.T, name, status string, example any, at ...string) {
	t.Helper()
	body, ok := example.(map[string]any)
	for _, member := range at {
		body, ok = body[member].(map[string]any)
	}
	code, _ := body["code"].(string)
	if message := cmp.Or(body["message"], body["detail"]); !ok || code == "" || message == nil || message == "" {
		t.Errorf("%s has no example of its own with a code and a message", name)
		return
	}
	want := apierr.Code(code).Status()
	if status != "default" && status != strconv.Itoa(want) || want == http.StatusInternalServerError {
		t.Errorf("%s shows %s, which has the status %d", name, code, want)
	}
	if shown, ok := body["status"].(float64); ok && shown != float64(want) {
		t.Errorf("%s shows the status %v with %s", name, shown, code)
	}
}

// Names in the contract become names in Go and TypeScript: every schema is named, described, and free of what belongs to
// a generator.
func TestContractSchemas(t *testing.T) {
	t.Parallel()
	doc := load(t)
	for name, schema := range doc.Components.Schemas {
		if schema.Value.Description == "" {
			t.Errorf("schema %s has no description", name)
		}
	}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			for status, response := range op.Responses.Map() {
				for kind, media := range response.Value.Content {
					if strings.HasSuffix(kind, "json") && media.Schema.Ref == "" {
						t.Errorf("%s %s %s: the schema of the answer has no name", method, path, status)
					}
				}
			}
		}
	}
	if found := regexp.MustCompile(`x-go-[a-z-]+`).Find(api.OpenAPI); found != nil {
		t.Errorf("%s belongs in overlay.yaml", found)
	}
}

// An identifier is a UUID of any version in either case, in no other form.
func TestContractUUID(t *testing.T) {
	t.Parallel()
	id := load(t).Components.Schemas["UUID"].Value
	for text, want := range map[string]bool{
		"b850bc30-45f8-0041-a00a-83df46d8555d":          true,
		"DEADBEEF-0000-0000-0000-000000000000":          true,
		"00000000-0000-0000-0000-000000000000":          true,
		"b850bc3045f80041a00a83df46d8555d":              false,
		"{b850bc30-45f8-0041-a00a-83df46d8555d}":        false,
		"urn:uuid:b850bc30-45f8-0041-a00a-83df46d8555d": false,
		"b850bc30-45f8-0041-a00a-83df46d8555d\n":        false,
		"g850bc30-45f8-0041-a00a-83df46d8555d":          false,
	} {
		if err := id.VisitJSON(text); (err == nil) != want {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// Below /api/messaging older clients send a channel's server under four names; the contract has one.
func TestContractHasOneSpelling(t *testing.T) {
	t.Parallel()
	doc := load(t)
	for _, name := range []string{"PostMessageRequest", "CreateChannelRequest"} {
		properties := slices.Collect(maps.Keys(doc.Components.Schemas[name].Value.Properties))
		for _, old := range []string{"server_id", "serverId", "messageServerId", "authorId", "mode"} {
			if slices.Contains(properties, old) {
				t.Errorf("%s has %s", name, old)
			}
		}
	}
}

// The codes of the contract are those of the server, each with its status.
func TestErrorCodesAreThoseOfTheServer(t *testing.T) {
	t.Parallel()
	schema := load(t).Components.Schemas["ErrorCode"].Value
	var listed []string
	for _, value := range schema.Enum {
		listed = append(listed, value.(string))
	}
	if codes := serverCodes(t); !slices.Equal(listed, codes) {
		t.Errorf("the contract lists %q, the server has %q", listed, codes)
	}
	for _, code := range listed {
		line := regexp.MustCompile("(?m)^- `" + code + `\x60 \((\d+)\): [A-Z].+\.$`).FindStringSubmatch(schema.Description)
		if line == nil {
			t.Errorf("%s has no sentence in the description of ErrorCode", code)
		} else if want := strconv.Itoa(apierr.Code(code).Status()); line[1] != want {
			t.Errorf("%s is described with status %s, want %s", code, line[1], want)
		}
	}
}

// serverCodes returns the codes that package apierr declares, in their order.
func serverCodes(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", "server", "apierr", "apierr.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		kind, typed := spec.Type.(*ast.Ident)
		text, literal := spec.Values[0].(*ast.BasicLit)
		if !typed || kind.Name != "Code" || !literal {
			return true
		}
		code, err := strconv.Unquote(text.Value)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, code)
		return true
	})
	return out
}

package rest_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-chi/chi/v5"
	"github.com/google/go-cmp/cmp"
	yaml "github.com/oasdiff/yaml3"

	"github.com/elizad/elizad/api"
	"github.com/elizad/elizad/gen/apiserver"
	"github.com/elizad/elizad/server/internal/httpx"
	"github.com/elizad/elizad/server/internal/rest"
)

// The router has the operations of the contract, and the generated code is up to date with it.
func TestRoutesAreTheContract(t *testing.T) {
	t.Parallel()
	doc, err := openapi3.NewLoader().LoadFromData(api.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	missing := map[string]bool{}
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			missing[method+" "+path] = true
		}
	}
	r := chi.NewRouter()
	rest.Register(r, rest.Deps{WriteError: httpx.WriteError})
	err = chi.Walk(r, func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		if !missing[method+" "+route] {
			t.Errorf("%s %s is not in the contract", method, route)
		}
		delete(missing, method+" "+route)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range missing {
		t.Errorf("%s has no route", name)
	}
	embedded, err := apiserver.GetSpec()
	if err != nil {
		t.Fatal(err)
	}
	if embedded.Paths.Len() != doc.Paths.Len() {
		t.Error("the generated code is out of date: run go generate ./...")
	}
}

func TestSpecIsServed(t *testing.T) {
	t.Parallel()
	f := setup(t)
	got := f.call(t, "GET", "/openapi.json", nil)
	if got.status != 200 || got.header.Get("Content-Type") != "application/json" || !json.Valid([]byte(got.raw)) {
		t.Fatalf("JSON: %d %.200s", got.status, got.raw)
	}
	if got.body["openapi"] != "3.0.3" || strings.Contains(got.raw, "x-go-") {
		t.Errorf("JSON: %.200s", got.raw)
	}
}

// The YAML has the values of the JSON, to readers of YAML 1.2 too, and its members are in the order in which they were written.
func TestSpecIsServedAsYAML(t *testing.T) {
	t.Parallel()
	f := setup(t)
	got := f.call(t, "GET", "/openapi.yaml", nil)
	if got.status != 200 || got.header.Get("Content-Type") != "application/yaml" {
		t.Fatalf("%d %s", got.status, got.header.Get("Content-Type"))
	}
	var served, written yaml.Node
	if err := yaml.Unmarshal([]byte(got.raw), &served); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(api.OpenAPI, &written); err != nil {
		t.Fatal(err)
	}
	value := plainYAML(t, &served)
	if diff := cmp.Diff(f.call(t, "GET", "/openapi.json", nil).body, value); diff != "" {
		t.Errorf("(-JSON +YAML):\n%s", diff)
	}
	if diff := cmp.Diff(keys(written.Content[0]), keys(served.Content[0])); diff != "" {
		t.Errorf("the order of the members (-written +served):\n%s", diff)
	}
	etag := got.header.Get("ETag")
	if again := f.call(t, "GET", "/openapi.yaml", nil, "If-None-Match", etag); etag == "" || again.status != 304 {
		t.Errorf("asked again with %s: %d", etag, again.status)
	}
}

// plainYAML returns the value of a node as JSON has it. It supports no merge keys, as YAML 1.2 doesn't, and fails for anchors.
func plainYAML(t *testing.T, n *yaml.Node) any {
	t.Helper()
	if n.Anchor != "" || n.Kind == yaml.AliasNode {
		t.Fatalf("line %d: an anchor or an alias", n.Line)
	}
	switch n.Kind {
	case yaml.DocumentNode:
		return plainYAML(t, n.Content[0])
	case yaml.SequenceNode:
		list := []any{}
		for _, item := range n.Content {
			list = append(list, plainYAML(t, item))
		}
		return list
	case yaml.MappingNode:
		object := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			object[n.Content[i].Value] = plainYAML(t, n.Content[i+1])
		}
		return object
	}
	var value any
	if err := n.Decode(&value); err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &value); err != nil {
		t.Fatal(err)
	}
	return value
}

// keys returns the names of the members of a mapping, and of the schemas, in their order.
func keys(n *yaml.Node) (names []string) {
	for i := 0; i < len(n.Content); i += 2 {
		names = append(names, n.Content[i].Value)
		if name := n.Content[i].Value; name == "components" || name == "schemas" || name == "paths" {
			names = append(names, keys(n.Content[i+1])...)
		}
	}
	return names
}

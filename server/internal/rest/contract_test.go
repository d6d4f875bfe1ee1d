package rest_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-chi/chi/v5"

	"github.com/elizad/elizad/api"
	"github.com/elizad/elizad/gen/apiserver"
	"github.com/elizad/elizad/server/internal/httpx"
	"github.com/elizad/elizad/server/internal/rest"
)

// The router has what the contract has, and the generated code was made of the contract as it is now.
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
	if embedded.Paths.Len() != doc.Paths.Len() || len(embedded.Components.Schemas) != len(doc.Components.Schemas) {
		t.Error("the generated code is out of date: run go generate ./...")
	}
}

func TestSpecIsServed(t *testing.T) {
	t.Parallel()
	f := setup(t)
	yaml := f.call(t, "GET", "/openapi.yaml", nil)
	if yaml.status != 200 || yaml.raw != string(api.OpenAPI) || yaml.header.Get("Content-Type") != "application/yaml" {
		t.Errorf("YAML: %d %s", yaml.status, yaml.header.Get("Content-Type"))
	}
	got := f.call(t, "GET", "/openapi.json", nil)
	if got.status != 200 || got.header.Get("Content-Type") != "application/json" || !json.Valid([]byte(got.raw)) {
		t.Fatalf("JSON: %d %.200s", got.status, got.raw)
	}
	if got.body["openapi"] != "3.0.3" || strings.Contains(got.raw, "x-go-") {
		t.Errorf("JSON: %.200s", got.raw)
	}
}

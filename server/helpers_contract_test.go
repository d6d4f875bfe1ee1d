package server_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/uuid"

	"github.com/elizad/elizad/api"
)

// contract returns the contract as it is published.
func contract(t testing.TB) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(api.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// operation is one operation of the contract with a path in which every id is a well-formed one that nothing has.
type operation struct {
	*openapi3.Operation
	method, path string
	params       []string // of the path
	parameters   []*openapi3.Parameter
}

// operations returns all operations of the contract.
func operations(t *testing.T) []operation {
	t.Helper()
	var out []operation
	for path, item := range contract(t).Paths.Map() {
		for method, op := range item.Operations() {
			o := operation{Operation: op, method: method, path: path}
			for _, p := range slices.Concat(item.Parameters, op.Parameters) {
				o.parameters = append(o.parameters, p.Value)
				if p.Value.In == openapi3.ParameterInPath {
					o.params = append(o.params, p.Value.Name)
				}
			}
			out = append(out, o)
		}
	}
	return out
}

// at returns the path with the given value for one parameter and unknown ids for the others, and what the query must have.
func (o operation) at(param, value string) string {
	query := url.Values{}
	for _, p := range o.parameters {
		if p.In == openapi3.ParameterInQuery && p.Required {
			query.Set(p.Name, fmt.Sprint(p.Schema.Value.Example))
		}
	}
	if len(query) == 0 {
		return o.filled(param, value)
	}
	return o.filled(param, value) + "?" + query.Encode()
}

// filled returns the path with the given value for one parameter and unknown ids for the others.
func (o operation) filled(param, value string) string {
	path := o.path
	for _, p := range o.params {
		v := uuid.NewString()
		if p == param {
			v = value
		}
		path = strings.ReplaceAll(path, "{"+p+"}", v)
	}
	return path
}

// name is the method and the path as the contract has it.
func (o operation) name() string { return o.method + " " + o.path }

// takesFile reports whether an operation reads nothing but forms.
func (o operation) takesFile() bool {
	return o.RequestBody != nil && o.RequestBody.Value.Content.Get("application/json") == nil
}

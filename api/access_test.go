package api_test

import (
	"strings"
	"testing"

	contract "github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/gen/apiserver"
)

// Every operation says who may call it. Outside of /api and /v1 nobody is asked for credentials, so that nothing may need a scope there.
func TestContractAccess(t *testing.T) {
	t.Parallel()
	for path, item := range load(t).Paths.Map() {
		for method, op := range item.Operations() {
			name := method + " " + path
			rule, ok := contract.Access(op.OperationID)
			written, _ := op.Extensions["x-access"].(map[string]any)
			if !ok || written["scope"] != string(rule.Scope) || written["owner"] != string(rule.Owner) {
				t.Errorf("%s: x-access is %v, the table has %v", name, written, rule)
			}
			open := op.Security != nil && len(*op.Security) == 0
			if below := strings.HasPrefix(path, "/api/") || strings.HasPrefix(path, "/v1/"); below == open {
				t.Errorf("%s: asked without credentials: %t, below /api or /v1: %t", name, open, below)
			}
			if open && rule.Scope != contract.ScopeNone {
				t.Errorf("%s: it needs the scope %s, and credentials are not looked at", name, rule.Scope)
			}
		}
	}
}

// The server knows the operations by the names that its generator gives them, which have rules, too.
func TestAccessOfGeneratedNames(t *testing.T) {
	t.Parallel()
	doc, err := apiserver.GetSpec()
	if err != nil {
		t.Fatal(err)
	}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			if _, ok := contract.Access(op.OperationID); !ok {
				t.Errorf("%s %s: %s has no rule", method, path, op.OperationID)
			}
		}
	}
}

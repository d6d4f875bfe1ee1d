package archtest_test

import (
	"go/ast"
	"slices"
	"testing"
)

// TestWhoSaysWhoCalls: who a caller is follows from its credentials. The functions that make an identity without one are called
// where the row of the file says why.
func TestWhoSaysWhoCalls(t *testing.T) {
	t.Parallel()
	may := map[string]string{ // a file and a function: why
		"server/info.go System":                           "the start shows which agents there are",
		"server/routes.go System":                         "the health of the server counts all agents",
		"server/wire.go System":                           "the start looks at all agents, and models read their settings",
		"server/internal/runtime/agents_update.go System": "imports change agents in nobody's name",
		"server/internal/runtime/run.go System":           "an agent at work changes how it takes part",
		"server/internal/realtime/deliver.go System":      "the delivery reads each message once for all who entered the channel",
		"server/internal/messaging/messaging.go System":   "whether an entity is an agent is asked before anybody is let in",
		"server/internal/messaging/post.go System":        "a reply is the agent's whose turn it is",
	}
	used := map[string]bool{}
	for _, s := range sources(t) {
		if s.test || slices.ContainsFunc(testHelpers(), func(helper string) bool { return isBelow(s.pkg, helper) }) {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			selector, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if pkg, ok := selector.X.(*ast.Ident); !ok || pkg.Name != "auth" {
				return true
			}
			if selector.Sel.Name == "System" || selector.Sel.Name == "Claimed" {
				row := s.path + " " + selector.Sel.Name
				if used[row] = true; may[row] == "" {
					t.Errorf("%s: auth.%s makes an identity without a credential: pass on the caller's, or add a row that says why", s.at(n), selector.Sel.Name)
				}
			}
			return true
		})
	}
	for row := range may {
		if !used[row] {
			t.Errorf("%s has a row and is not called: take it out", row)
		}
	}
}

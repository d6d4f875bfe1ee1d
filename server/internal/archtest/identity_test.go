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
		"server/info.go System":                               "the start shows which agents there are",
		"server/characters.go System":                         "the operator's characters are imported by the server itself",
		"server/routes.go System":                             "the health of the server counts all agents",
		"server/wire.go System":                               "the start looks at all agents, and models read their settings",
		"server/rotation.go System":                           "the operator changes the key of secrets, without a server",
		"server/internal/handover/handover.go System":         "the operator moves what a server id has",
		"server/internal/handover/assign.go System":           "the operator says whose conversations are whose",
		"server/internal/runtime/agents_update.go System":     "imports change agents in nobody's name",
		"server/attachments.go System":                        "an agent reads what came with a message, and whose the file is says its address",
		"server/internal/runtime/run.go Agent":                "an agent at work changes how it takes part",
		"server/internal/realtime/membership.go System":       "whether a channel exists is asked before its first message may make it",
		"server/internal/realtime/deliver.go System":          "the delivery reads each message once for all who entered the channel",
		"server/agents.go System":                             "the program that the server is in may do what an administrator may",
		"server/internal/messaging/post.go System":            "a reply is the agent's whose turn it is",
		"server/internal/messaging/turns.go System":           "an agent stops in all its channels, whoever stops it",
		"server/internal/messaging/cancel.go System":          "who manages agents sees all their runs, in whichever channel",
		"server/internal/runtime/agents.go Agent":             "what an agent can't use of its own knowledge is shown with it",
		"server/internal/runtime/provider_knowledge.go Agent": "an agent at work searches its own knowledge",
	}
	heldTo(t, may, func(selector *ast.SelectorExpr) string {
		if pkg, ok := selector.X.(*ast.Ident); ok && pkg.Name == "auth" && (selector.Sel.Name == "System" || selector.Sel.Name == "Agent" || selector.Sel.Name == "Claimed") {
			return selector.Sel.Name
		}
		return ""
	}, "makes an identity without a credential: pass on the caller's, or add a row that says why")
}

// TestWhoWorksForTheSystem: what is done in a caller's name goes by its scope. The queries of the server's own work are run where the
// row of the file says why.
func TestWhoWorksForTheSystem(t *testing.T) {
	t.Parallel()
	may := map[string]string{ // a file and a method: why
		"server/internal/store/doing.go SystemView":               "says what was being done",
		"server/internal/store/doing.go SystemUpdate":             "says what was being done",
		"server/internal/sweep/clock.go SystemUpdate":             "the clock moves the times of all",
		"server/internal/sweep/sweeper.go SystemView":             "what is due is due for all",
		"server/internal/session/sweep.go SystemUpdate":           "sessions end by themselves",
		"server/internal/session/sessions.go SystemView":          "the health of sessions counts those of all",
		"server/internal/session/sessions.go SystemUpdate":        "a stop may end all sessions",
		"server/internal/session/timeouts.go SystemView":          "whether an agent runs is the same for all",
		"server/internal/job/sweep.go SystemUpdate":               "jobs end by themselves",
		"server/internal/job/jobs.go SystemView":                  "the health of jobs counts those of all",
		"server/internal/job/callbacks.go SystemView":             "announcements are due for all",
		"server/internal/job/callbacks.go SystemUpdate":           "announcements are due for all",
		"server/internal/dialogue/sweep.go SystemUpdate":          "dialogues end by themselves",
		"server/internal/messaging/messaging.go SystemView":       "whether an entity is an agent is asked before anybody is let in",
		"server/internal/messaging/messaging.go SystemUpdate":     "the start makes the message server, and takes back leases",
		"server/internal/messaging/turns.go SystemView":           "a turn reads what its agent answers",
		"server/internal/messaging/turns.go SystemUpdate":         "turns are claimed and finished by workers",
		"server/internal/usage/usage.go SystemUpdate":             "what workers' calls of models took",
		"server/internal/messaging/logs.go SystemUpdate":          "a worker adds to the record of its turn",
		"server/internal/messaging/actions.go SystemView":         "a worker reads what its agent did",
		"server/internal/messaging/actions.go SystemUpdate":       "a worker notes what its agent does",
		"server/internal/messaging/reflection.go SystemView":      "an agent looks back after a turn, whoever asked",
		"server/internal/messaging/reflection.go SystemUpdate":    "an agent keeps what it found when it looked back",
		"server/internal/runtime/agents_update.go SystemView":     "the start counts all agents, for their quota",
		"server/internal/usage/budget.go SystemView":              "a budget is that of all who use it",
		"server/internal/runtime/runtime.go SystemView":           "a run is built from its agent's present version",
		"server/internal/runtime/conceal.go SystemView":           "the start seals what was stored in the clear",
		"server/internal/runtime/conceal.go SystemUpdate":         "the start seals what was stored in the clear",
		"server/internal/reseal/reseal.go SystemView":             "the key of all secrets is changed, while no server runs",
		"server/internal/reseal/reseal.go SystemUpdate":           "the key of all secrets is changed, while no server runs",
		"server/internal/handover/assign.go SystemView":           "the operator asks who was never proven",
		"server/internal/handover/assign.go SystemUpdate":         "the operator says whose conversations are whose",
		"server/internal/runtime/uses.go SystemUpdate":            "uses of secrets are written together",
		"server/internal/idempotency/idempotency.go SystemUpdate": "the start gives up the claims of a dead process",
		"server/internal/user/user.go SystemView":                 "the start looks for the first admin",
		"server/internal/user/user.go SystemUpdate":               "who registers is nobody yet",
		"server/internal/user/login.go SystemView":                "a user is looked up before it is known who is there",
		"server/internal/user/login.go SystemUpdate":              "logins begin, are refreshed and end by their tokens",
		"server/internal/user/tend.go SystemView":                 "logins end on other nodes",
		"server/internal/user/tend.go SystemUpdate":               "logins that have ended are forgotten",
		"server/internal/revocation/revocation.go SystemView":     "tokens are looked up before their holder is let in",
		"server/internal/apikey/find.go SystemView":               "a key is looked up before its holder is known",
		"server/internal/apikey/tend.go SystemView":               "keys end by themselves",
		"server/internal/knowledge/knowledge.go SystemUpdate":     "the start takes up what a dead process was indexing",
		"server/internal/knowledge/index.go SystemView":           "the start looks for characters with knowledge",
		"server/internal/knowledge/index.go SystemUpdate":         "documents are indexed by a worker",
		"server/internal/knowledge/align.go SystemView":           "documents follow from characters",
		"server/internal/knowledge/align.go SystemUpdate":         "documents follow from characters",
		"server/internal/audit/refusals.go SystemUpdate":          "refusals of all callers are written together",
		"server/internal/audit/tend.go SystemUpdate":              "old entries of the audit log are dropped",
		"server/internal/apikey/tend.go SystemUpdate":             "uses of keys are written together",
	}
	heldTo(t, may, func(selector *ast.SelectorExpr) string {
		if selector.Sel.Name == "SystemView" || selector.Sel.Name == "SystemUpdate" {
			return selector.Sel.Name
		}
		return ""
	}, "works in nobody's name: use the scope of the caller, or add a row that says why")
}

// heldTo fails where a name is used in a file without a row for the two, or a row is not used. what returns the name of a selector that
// counts, "" for others.
func heldTo(t *testing.T, may map[string]string, what func(*ast.SelectorExpr) string, instead string) {
	t.Helper()
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
			if name := what(selector); name != "" {
				row := s.path + " " + name
				if used[row] = true; may[row] == "" {
					t.Errorf("%s: %s %s", s.at(n), name, instead)
				}
			}
			return true
		})
	}
	for row := range may {
		if !used[row] {
			t.Errorf("%s has a row and is not used: take it out", row)
		}
	}
}

package archtest_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// mayImport says for each package which others of the module it may import: the arrows of the design. A package that is not
// listed fails the test, so that a new one is placed deliberately. A name stands for the package itself; name/... includes its
// tree.
func mayImport() map[string][]string {
	const (
		apierr    = "server/apierr"
		agent     = "server/agent"
		plaintext = "server/plaintext"
		model     = "server/model"
		store     = "server/internal/store"
		bus       = "server/internal/bus"
		auth      = "server/internal/auth"
		messaging = "server/internal/messaging"
		session   = "server/internal/session"
		job       = "server/internal/job"
		apikey    = "server/internal/apikey"
		audit     = "server/internal/audit"
		sweep     = "server/internal/sweep"
		runtime   = "server/internal/runtime"
		memory    = "server/internal/memory"
		lifecycle = "server/internal/lifecycle"
		names     = "server/internal/names"
	)
	return map[string][]string{
		// The contract and what is generated from it.
		"api":                             {},
		"api/wire":                        {},
		"api/chain":                       {},
		"queries":                         {},
		"queries/dbtype":                  {},
		"gen":                             {},
		"gen/api":                         {"api/wire"},
		"gen/apiserver":                   {"gen/api"},
		"gen/apiclient":                   {"gen/api"},
		"gen/unscoped":                    {"queries/dbtype"},
		"gen/db":                          {"queries/dbtype", "gen/unscoped"},
		"gen/sqlite":                      {"queries/dbtype", "gen/unscoped"},
		"gen/postgres":                    {"queries/dbtype", "gen/unscoped"},
		"client":                          {"api/chain", "gen/api", "gen/apiclient", apierr, "server/socketio/parser"},
		"cmd/elizad":                      {"server/cli"},
		"cmd/internal/...":                {},
		"server/apierr":                   {},
		"server/plaintext":                {},
		"server/model":                    {},
		"server/model/doctor":             {model, "server/internal/mention"},
		"server/model/...":                {model, "server/model/internal/..."},
		"server/model/vendors":            {model, "server/model/anthropic", "server/model/openai", "server/model/internal/..."},
		"server/model/internal/...":       {model, "server/model/internal/..."},
		"server/agent":                    {model, apierr, plaintext},
		"server/socketio":                 {"server/socketio/..."},
		"server/socketio/engineio":        {"server/socketio/engineio/..."},
		"server/socketio/engineio/packet": {},
		"server/socketio/parser":          {},
		"server/socketio/internal/...":    {"server/socketio/..."},

		// Leaves of the server.
		"server/settings":           {"server/internal/dotenv", "server/internal/pgaddress", plaintext},
		"server/internal/dotenv":    {plaintext},
		"server/internal/pgaddress": {},
		"server/internal/clock":     {},
		"server/internal/lifecycle": {},
		"server/internal/throttle":  {},
		"server/internal/quota":     {apierr},
		"server/internal/filelock":  {},
		"server/internal/logstream": {"server/internal/secrets"},
		"server/internal/secrets":   {},
		"server/internal/egress":    {},
		"server/internal/mcp":       {agent, apierr, lifecycle, "server/internal/egress"},
		"server/internal/names":     {},
		"server/internal/seal":      {plaintext},
		"server/internal/handover":  {"api/chain", store, audit, auth, messaging, "gen/db", "queries/dbtype"},
		"server/internal/reseal":    {"server/internal/seal", store, "gen/db", "queries/dbtype"},
		"server/internal/jsontext":  {apierr},
		"server/internal/extract":   {plaintext, lifecycle},
		"server/internal/fileurl":   {"server/internal/jsontext"},
		"server/internal/picture":   {},
		"server/internal/similar":   {},
		// What is attached to messages, as models get it.
		"server/internal/attachment": {"server/internal/extract", "server/internal/picture"},
		"server/internal/mention":    {},
		"server/internal/basepath":   {},
		"server/internal/web":        {"server/internal/basepath"},
		"server/internal/openaierr":  {"gen/api", apierr},
		"server/internal/httpx":      {auth, audit, apierr, "gen/api", "server/internal/openaierr", "server/internal/throttle", "server/settings", "server/internal/basepath"},

		"server/internal/report":       {"server/internal/httpx", "server/internal/secrets"},
		"server/internal/instance":     {"server/internal/filelock"},
		"server/internal/settingsfile": {apierr, "server/internal/secrets", "server/settings", "server/internal/dotenv"},
		"server/internal/idempotency":  {store, auth, apierr, "gen/db", "queries/dbtype", "server/internal/httpx", lifecycle},

		// Storage: only the two stores know a driver.
		"server/internal/store":             {"gen/db", "gen/unscoped", "queries/dbtype", apierr},
		"server/internal/store/sqlitestore": {store, "server/internal/filelock", "gen/unscoped", "gen/sqlite", "queries", "server/internal/lifecycle"},
		"server/internal/store/pgstore":     {store, "server/internal/pgaddress", "gen/unscoped", "gen/postgres", "queries"},
		"server/internal/bus":               {},

		// What calls of models took.
		"server/internal/usage": {model, "server/model/price", store, auth, "gen/db", "queries/dbtype"},

		// The domain. messaging never imports runtime: it stores turns and says that there is work.
		"server/internal/auth":          {store, apierr, lifecycle, "server/internal/throttle"},
		"server/internal/auth/authtest": {auth},
		"server/internal/auth/token":    {agent, apierr, lifecycle, "server/settings"},
		"server/internal/apikey":        {store, audit, auth, apierr, "gen/db", "queries/dbtype", lifecycle, names},
		"server/internal/user":          {store, audit, auth, "server/internal/auth/token", apierr, "gen/db", "queries/dbtype", lifecycle, "server/internal/throttle"},
		"server/internal/revocation":    {store, audit, auth, apierr, "gen/db", "queries/dbtype", lifecycle},
		"server/internal/audit":         {"api/chain", store, auth, "gen/db", "queries/dbtype", lifecycle},
		"server/internal/media":         {store, auth, apierr, "gen/db", lifecycle, names, "server/internal/fileurl"},
		"server/internal/messaging":     {"server/internal/jsontext", "server/internal/quota", "server/internal/usage", model, "server/model/price", store, bus, auth, apierr, "gen/db", "queries/dbtype", names},
		// Parts that have their own channels: messaging notifies them of what ends there, without knowing them.
		"server/internal/session":  {messaging, sweep, "server/internal/jsontext", "server/internal/quota", store, auth, apierr, "gen/db", "queries/dbtype"},
		"server/internal/job":      {messaging, sweep, "server/internal/jsontext", "server/internal/quota", store, bus, auth, apierr, "gen/db", "queries/dbtype"},
		"server/internal/dialogue": {messaging, sweep, "server/internal/jsontext", "server/internal/quota", store, auth, apierr, "gen/db", "queries/dbtype"},
		"server/internal/sweep":    {store, "gen/db", "queries/dbtype", lifecycle},
		// What agents remember is read and changed apart from their runs, so that an edge needs no runtime for it.
		"server/internal/memory":      {"server/internal/quota", "server/internal/jsontext", "server/internal/similar", agent, messaging, store, auth, apierr, "gen/db", "queries/dbtype", names},
		"server/internal/knowledge":   {agent, model, store, auth, audit, apierr, "gen/db", "queries/dbtype", "server/internal/extract", "server/internal/similar", lifecycle, names},
		"server/internal/webhook":     {"server/internal/egress", "server/internal/present", "gen/api", job, bus, apierr, lifecycle},
		"server/internal/runtime":     {runtime + "/...", "server/internal/similar", "server/internal/pluginhttp", "server/internal/jsontext", "server/internal/quota", "server/internal/mention", "server/internal/attachment", "server/internal/knowledge", agent, model, "server/model/price", "server/internal/usage", messaging, store, bus, audit, auth, apierr, "gen/db", "queries/dbtype", "server/internal/seal", "server/internal/secrets", lifecycle, names},
		"server/internal/runtime/...": {},

		// The edges, which translate and hold no rule.
		"server/internal/compat": {"server/internal/basepath", "server/internal/jsontext", auth},
		// Beside runtime, which checks the routes of a plugin when it builds an agent with it.
		"server/internal/pluginhttp": {agent, auth, apierr},
		"server/internal/present":    {"api/wire", "gen/api", messaging, session, job, apikey, "server/internal/user", "server/internal/revocation", audit, "api/chain", memory, "server/internal/knowledge", "server/internal/usage", "server/model/price", "server/internal/jsontext", "server/internal/fileurl", agent, apierr},
		"server/internal/rest":       {"server/internal/knowledge", "server/internal/present", "server/internal/dialogue", "server/internal/openaierr", model, "server/internal/settingsfile", "server/internal/secrets", "server/internal/pluginhttp", "server/internal/jsontext", "api", "api/wire", "gen/api", "gen/apiserver", messaging, session, job, apikey, "server/internal/user", "server/internal/revocation", audit, memory, runtime, "server/internal/usage", auth, "server/internal/media", "server/internal/logstream", apierr, agent},
		"server/internal/realtime":   {"server/internal/present", "server/internal/fileurl", "api/wire", "gen/api", "server/internal/jsontext", "server/socketio", messaging, session, auth, "server/internal/logstream", "server/internal/throttle", bus, apierr, lifecycle, names},

		// The wiring.
		"server/cli": {"server", "server/settings", "server/selftest", "client", "api/chain"},
		"server":     {"server/...", "gen/apiserver"},

		// Beside the server, of which it knows the contract alone.
		"server/selftest": {"gen/api"},

		// Helpers of tests, and programs beside the product.
		"server/internal/messaging/messagingtest": {messaging, store, "server/internal/store/...", bus, auth, apierr, "server/internal/pgtest", "gen/db", "queries/dbtype"},
		"server/internal/store/storetest":         {store, "gen/db", "queries/dbtype", apierr},
		"server/internal/store/visits":            {},
		"server/internal/bus/bustest":             {bus},
		"server/internal/pgtest":                  {"server/internal/store/pgstore"},
		"server/internal/programtest":             {},
		"server/internal/modeltest":               {},
		"server/internal/bench":                   {"..."},
		"server/internal/e2e":                     {"..."},
		"server/internal/chaos":                   {"..."},
		"server/internal/archtest":                {},
	}
}

// testHelpers must not be part of the product.
func testHelpers() []string {
	return []string{
		"server/internal/auth/authtest", "server/internal/messaging/messagingtest", "server/internal/store/storetest", "server/internal/store/visits", "server/internal/bus/bustest", "server/internal/pgtest", "server/internal/modeltest", "server/internal/programtest",
		"server/internal/bench", "server/internal/e2e", "server/internal/chaos", "server/internal/archtest", "server/socketio/internal",
	}
}

func TestImports(t *testing.T) {
	t.Parallel()
	rules := mayImport()
	used := map[string]bool{} // allowances, as "row pattern"
	for _, p := range packages(t) {
		row, found := rowFor(rules, p.short())
		if !found {
			t.Errorf("%s has no place in the table of imports: add a row that says what it may know", p.short())
			continue
		}
		allowed := rules[row]
		for _, imported := range p.Imports {
			if !strings.HasPrefix(imported, module) {
				continue
			}
			other := within(imported)
			by := slices.DeleteFunc(slices.Clone(allowed), func(pattern string) bool { return !matches(pattern, other) })
			if len(by) == 0 {
				t.Errorf("%s imports %s, which the design doesn't allow (it may import: %s)", p.short(), other, strings.Join(allowed, ", "))
			}
			for _, pattern := range by {
				used[row+" "+pattern] = true
			}
			isHelper := func(helper string) bool { return isBelow(other, helper) }
			if slices.ContainsFunc(testHelpers(), isHelper) && !slices.ContainsFunc(testHelpers(), func(h string) bool { return isBelow(p.short(), h) }) {
				t.Errorf("%s imports %s, which is for tests only", p.short(), other)
			}
		}
	}
	for _, row := range slices.Sorted(maps.Keys(rules)) {
		if !slices.ContainsFunc(packages(t), func(p goPackage) bool { return matches(row, p.short()) }) {
			t.Errorf("%s has a row in the table of imports and is not there", row)
		}
		for _, pattern := range rules[row] {
			if !used[row+" "+pattern] && !strings.HasSuffix(pattern, "...") {
				t.Errorf("%s may import %s and doesn't: take it out of the table", row, pattern)
			}
		}
	}
}

// rowFor returns the row of a package: its own, or that of the closest tree around it.
func rowFor(rules map[string][]string, pkg string) (row string, found bool) {
	if _, found = rules[pkg]; found {
		return pkg, true
	}
	best := ""
	for _, pattern := range slices.Sorted(maps.Keys(rules)) {
		if strings.HasSuffix(pattern, "/...") && matches(pattern, pkg) && len(pattern) > len(best) {
			best = pattern
		}
	}
	return best, best != ""
}

// matches reports whether a pattern of the table matches a package.
func matches(pattern, pkg string) bool {
	if pattern == "..." {
		return true
	}
	if root, ok := strings.CutSuffix(pattern, "/..."); ok {
		return isBelow(pkg, root)
	}
	return pattern == pkg
}

// TestDriversStayInTheirRooms keeps third-party code where the decision for it was made.
func TestDriversStayInTheirRooms(t *testing.T) {
	t.Parallel()
	for _, rule := range []struct {
		prefix string
		rooms  []string
		why    string
	}{
		{"github.com/jackc/pgx", []string{"gen/postgres", "server/internal/store/pgstore", "server/internal/pgtest"}, "the domain must not depend on a database"},
		{"modernc.org/sqlite", []string{"server/internal/store/sqlitestore"}, "the domain must not depend on a database"},
		{"github.com/coder/websocket", []string{"server/socketio", "server/internal/realtime", "server/internal/bench", "server/selftest", "client"}, "sockets are the edge's business"},
		{"github.com/alecthomas/kong", []string{"server/cli", "server/settings"}, "flags are read in one place"},
		{"github.com/golang-jwt/jwt", []string{"server/internal/auth/token"}, "what a token proves is decided in one place"},
		{"github.com/MicahParks", []string{"server/internal/auth/token"}, "what a token proves is decided in one place"},
		{"github.com/getsentry/sentry-go", []string{"server/internal/report"}, "what leaves the machine is decided in one place"},
		{"github.com/getkin/kin-openapi", []string{"gen/apiserver", "server/internal/httpx", "server/internal/compat", "server/internal/rest"}, "the contract is checked at the edge"},
	} {
		for _, p := range packages(t) {
			if slices.ContainsFunc(rule.rooms, func(room string) bool { return isBelow(p.short(), room) }) {
				continue
			}
			for _, imported := range p.Imports {
				if imported == rule.prefix || strings.HasPrefix(imported, rule.prefix+"/") {
					t.Errorf("%s imports %s: %s", p.short(), imported, rule.why)
				}
			}
		}
	}
}

// TestPublicPackagesStayLight keeps an import of one public package from pulling in the server.
func TestPublicPackagesStayLight(t *testing.T) {
	t.Parallel()
	heavy := []string{
		"github.com/go-chi/chi", "github.com/getkin/kin-openapi", "github.com/jackc/pgx", "modernc.org/sqlite", "github.com/alecthomas/kong",
		module + "/server/internal",
	}
	for _, light := range []string{"client", "server/apierr", "server/agent", "server/model", "server/plaintext", "server/selftest", "server/socketio"} {
		if !slices.ContainsFunc(packages(t), func(p goPackage) bool { return p.short() == light }) {
			t.Errorf("there is no package %s", light)
			continue
		}
		deps, err := output("go", "list", "-deps", module+"/"+light)
		if err != nil {
			t.Fatal(err)
		}
		for dep := range strings.FieldsSeq(deps) {
			if slices.ContainsFunc(heavy, func(h string) bool { return dep == h || strings.HasPrefix(dep, h+"/") }) {
				t.Errorf("%s pulls in %s", light, dep)
			}
		}
	}
}

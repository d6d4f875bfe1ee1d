package archtest_test

import (
	"go/ast"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// maxLines is what a person can read in one sitting.
const maxLines = 600

func TestFileSize(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		if n := strings.Count(s.text, "\n"); n > maxLines && !s.generated() {
			t.Errorf("%s has %d lines, more than %d: find the second idea in it and give it a file", s.path, n, maxLines)
		}
	}
}

// TestSQLOnlyInTheStores looks for statements in string literals. SQL is written in queries/, where both databases are
// checked; the stores hold the few statements that sqlc can't.
func TestSQLOnlyInTheStores(t *testing.T) {
	t.Parallel()
	rooms := []string{"queries", "gen", "server/internal/store", "server/internal/pgtest", "cmd/internal/gensql"}
	statement := regexp.MustCompile(`\b(SELECT\s.+\sFROM|INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|CREATE\s+TABLE)\b`)
	for _, s := range sources(t) {
		if s.test || slices.ContainsFunc(rooms, func(room string) bool { return isBelow(s.pkg, room) }) {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				return true
			}
			if text, err := strconv.Unquote(lit.Value); err == nil && statement.MatchString(text) {
				t.Errorf("%s: SQL outside of queries/ and the stores", s.at(n))
			}
			return true
		})
	}
}

// TestErrorsLeaveThroughWriteError keeps http.Error, which writes plain text and any message, out of the server. The socket
// engine answers in its protocol's own form and may be used without the rest.
func TestErrorsLeaveThroughWriteError(t *testing.T) {
	t.Parallel()
	rooms := append(testHelpers(), "server/internal/httpx", "server/socketio")
	for _, s := range sources(t) {
		if s.test || s.generated() || !isBelow(s.pkg, "server") || slices.ContainsFunc(rooms, func(room string) bool { return isBelow(s.pkg, room) }) {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if _, ok := isCall(n, "http", "Error"); ok {
				t.Errorf("%s: http.Error: use httpx.WriteError, which knows the one form of errors", s.at(n))
			}
			return true
		})
	}
}

// TestNoErrorTextIsMatched: texts change, codes and types don't.
func TestNoErrorTextIsMatched(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		if s.test || s.generated() {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			for _, name := range []string{"Contains", "HasPrefix", "HasSuffix", "EqualFold"} {
				call, ok := isCall(n, "strings", name)
				if !ok || len(call.Args) == 0 {
					continue
				}
				if inner, ok := call.Args[0].(*ast.CallExpr); ok {
					if selector, ok := inner.Fun.(*ast.SelectorExpr); ok && selector.Sel.Name == "Error" && len(inner.Args) == 0 {
						t.Errorf("%s: an error is identified by its text; use errors.Is, errors.AsType or a code", s.at(n))
					}
				}
			}
			return true
		})
	}
}

// TestPanicsAreContained: a panic in any goroutine ends the process, and with it all other requests. Each goroutine, and each
// timer callback, of the server contains its own. The command line is the process, and ends it by what it returns.
func TestPanicsAreContained(t *testing.T) {
	t.Parallel()
	containing := map[string]map[string]bool{} // functions that contain panics themselves, by package
	server := func(s source) bool {
		return !s.test && !s.generated() && isBelow(s.pkg, "server") && !isBelow(s.pkg, "server/cli") && !slices.ContainsFunc(testHelpers(), func(room string) bool { return isBelow(s.pkg, room) })
	}
	for _, s := range sources(t) {
		if containing[s.pkg] == nil {
			containing[s.pkg] = map[string]bool{}
		}
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil && contains(f.Body) {
				containing[s.pkg][f.Name.Name] = true
			}
		}
	}
	for _, s := range sources(t) {
		if !server(s) {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			var run ast.Expr
			switch n := n.(type) {
			case *ast.GoStmt:
				run = n.Call.Fun
			case *ast.CallExpr:
				if selector, ok := n.Fun.(*ast.SelectorExpr); ok && selector.Sel.Name == "Go" && len(n.Args) == 1 {
					run = n.Args[0]
				} else if ok && selector.Sel.Name == "AfterFunc" && len(n.Args) == 2 {
					run = n.Args[1]
				}
			}
			if run != nil && !isContained(run, containing[s.pkg]) {
				t.Errorf("%s: a panic in this goroutine would end the process: defer lifecycle.Contain in it, or run it by lifecycle.Persist", s.at(n))
			}
			return true
		})
	}
}

// isContained reports whether the body of a goroutine contains its panics: by itself, or because all it does is call a function
// of its package that does.
func isContained(run ast.Expr, containing map[string]bool) bool {
	switch run := run.(type) {
	case *ast.FuncLit:
		if contains(run.Body) {
			return true
		}
		if len(run.Body.List) == 1 {
			if call, ok := run.Body.List[0].(*ast.ExprStmt); ok {
				if call, ok := call.X.(*ast.CallExpr); ok {
					return isContained(call.Fun, containing)
				}
			}
		}
	case *ast.SelectorExpr:
		return containing[run.Sel.Name] || run.Sel.Name == "cancel" // of a context, which cannot panic
	case *ast.Ident:
		return containing[run.Name] || run.Name == "cancelCause"
	}
	return false
}

// contains reports whether a body contains panics: it defers a function that recovers, or does nothing but Persist.
func contains(body *ast.BlockStmt) (yes bool) {
	for _, statement := range body.List {
		ast.Inspect(statement, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				switch f := n.Fun.(type) {
				case *ast.SelectorExpr:
					yes = yes || f.Sel.Name == "Contain" || f.Sel.Name == "contain" || f.Sel.Name == "Persist"
				case *ast.Ident:
					yes = yes || f.Name == "recover"
				}
			case *ast.GoStmt:
				return false
			}
			return true
		})
	}
	return yes
}

// TestNoTestSleeps: a sleep is too short on a slow machine and too long on every other. Inside synctest, time is virtual.
func TestNoTestSleeps(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		if !s.test {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if _, ok := isCall(n, "synctest", "Test"); ok {
				return false
			}
			if _, ok := isCall(n, "time", "Sleep"); ok {
				t.Errorf("%s: time.Sleep in a test: wait for a signal, or use testing/synctest", s.at(n))
			}
			return true
		})
	}
}

// TestNoTestIsSkipped: a suite that passes without having run is worse than one that fails.
func TestNoTestIsSkipped(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		if !s.test {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			for _, receiver := range []string{"t", "b", "f", "tb"} {
				for _, name := range []string{"Skip", "Skipf", "SkipNow"} {
					if _, ok := isCall(n, receiver, name); ok {
						t.Errorf("%s: a test that skips itself", s.at(n))
					}
				}
			}
			return true
		})
	}
}

// TestSQLitePair: modernc.org/libc is not compatible between versions; any other than the one that modernc.org/sqlite was built
// with corrupts data silently.
func TestSQLitePair(t *testing.T) {
	t.Parallel()
	selected, err := output("go", "list", "-m", "-f", "{{.Version}}", "modernc.org/libc")
	if err != nil {
		t.Fatal(err)
	}
	goMod, err := output("go", "list", "-m", "-f", "{{.GoMod}}", "modernc.org/sqlite")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(strings.TrimSpace(goMod))
	if err != nil {
		t.Fatal(err)
	}
	wanted := regexp.MustCompile(`(?m)^\s*(?:require\s+)?modernc\.org/libc\s+(\S+)`).FindSubmatch(text)
	if wanted == nil {
		t.Fatal("modernc.org/sqlite names no libc")
	}
	if got, want := strings.TrimSpace(selected), string(wanted[1]); got != want {
		t.Errorf("modernc.org/libc is %s, but this modernc.org/sqlite was made with %s: require exactly that in go.mod", got, want)
	}
}

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

// maxLines is what a person reads in one sitting.
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

// TestErrorsLeaveThroughOneDoor keeps http.Error, which writes plain text and any message, out of the server. The socket
// engine answers in its protocol's own form and may be used without the rest.
func TestErrorsLeaveThroughOneDoor(t *testing.T) {
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
						t.Errorf("%s: an error is told by its text; use errors.Is, errors.AsType or a code", s.at(n))
					}
				}
			}
			return true
		})
	}
}

// TestNoTestSleeps: a sleep is too short on a slow machine and too long on every other. Inside of synctest time is virtual.
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

// TestSQLitePair: modernc.org/libc is not compatible between versions, and another than the one that modernc.org/sqlite was
// made with corrupts data silently.
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

package gen_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	generatedQuery = regexp.MustCompile("(?s)= `-- name: (\\w+) :\\w+\n(.*?)`")
	quoted         = regexp.MustCompile(`'[^']*'`)
	slice          = regexp.MustCompile(`/\*SLICE:\w+\*/\?`)
	numbered       = regexp.MustCompile(`\?([0-9]+)`)
	plain          = regexp.MustCompile(`\?($|[^0-9])`)
	left           = regexp.MustCompile(`@\w+|:\w+|\$\w+|sqlc\.\w+`)
)

// traps returns the constructs that sqlc silently translates wrong for SQLite: the statement runs and binds the wrong values.
func traps(query string) []string {
	var found []string
	query = quoted.ReplaceAllString(query, "''")
	if at := slice.FindStringIndex(query); at != nil && numbered.MatchString(query[at[1]:]) {
		found = append(found, "a parameter behind sqlc.slice is bound to an element of it: put it in front")
	}
	query = slice.ReplaceAllString(query, "")
	if plain.MatchString(query) {
		found = append(found, "? beside named parameters gets the wrong number: name all of them")
	}
	if name := left.FindString(query); name != "" {
		found = append(found, "the parameter "+name+" was not recognised where it stands")
	}
	used := map[int]bool{}
	for _, match := range numbered.FindAllStringSubmatch(query, -1) {
		n, err := strconv.Atoi(match[1])
		if err != nil {
			found = append(found, "a parameter with the number "+match[1])
		}
		used[n] = true
	}
	for n := range len(used) {
		if !used[n+1] {
			found = append(found, fmt.Sprintf("the parameters %d and later are numbered with a gap", n+1))
			break
		}
	}
	return found
}

func TestTraps(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		query string
		want  []string
	}{
		{"SELECT * FROM t WHERE a = ?1 AND b IN (/*SLICE:ids*/?)", nil},
		{"SELECT '?', '@x' FROM t WHERE a = ?1 AND b = ?2 AND c = ?1", nil},
		{"SELECT * FROM t WHERE b IN (/*SLICE:ids*/?) AND a = ?2", []string{
			"a parameter behind sqlc.slice is bound to an element of it: put it in front",
			"the parameters 1 and later are numbered with a gap",
		}},
		{"SELECT * FROM t WHERE a = ?1 AND b = ?", []string{"? beside named parameters gets the wrong number: name all of them"}},
		{"SELECT * FROM t ORDER BY CASE WHEN @x THEN a END", []string{"the parameter @x was not recognised where it stands"}},
		{"SELECT * FROM t WHERE a = ?1 AND b = ?3", []string{"the parameters 2 and later are numbered with a gap"}},
	} {
		if diff := cmp.Diff(tt.want, traps(tt.query)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.query, diff)
		}
	}
}

func TestGeneratedQueriesAreFreeOfTraps(t *testing.T) {
	t.Parallel()
	queries := 0
	for name, text := range generated(t, "sqlite") {
		for _, match := range generatedQuery.FindAllStringSubmatch(text, -1) {
			queries++
			for _, trap := range traps(match[2]) {
				t.Errorf("%s, %s: %s", name, match[1], trap)
			}
		}
	}
	if queries < 50 {
		t.Errorf("only %d queries were found: has the generated code a new form?", queries)
	}
}

// TestGeneratedTypesAreTyped finds columns and parameters whose type sqlc could not infer.
func TestGeneratedTypesAreTyped(t *testing.T) {
	t.Parallel()
	for name, text := range generated(t, "db") {
		for n, line := range strings.Split(text, "\n") {
			line, _, _ = strings.Cut(line, "//")
			if strings.Contains(line, "interface{}") || slices.Contains(strings.Fields(line), "any") || strings.Contains(line, "sql.Null") || strings.Contains(line, "pgtype.") {
				t.Errorf("%s:%d: cast this in the query: %s", name, n+1, strings.TrimSpace(line))
			}
		}
	}
}

// generated returns the Go files of a directory of generated code by name.
func generated(t *testing.T, dir string) map[string]string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no generated code in %s: %v", dir, err)
	}
	files := map[string]string{}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(text)
	}
	return files
}

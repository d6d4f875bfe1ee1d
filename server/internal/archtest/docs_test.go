package archtest_test

import (
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// pages are the documents that explain the code, by their paths within the module.
func pages(t *testing.T) []string {
	t.Helper()
	out := []string{"ARCHITECTURE.md", "CONTRIBUTING.md", "README.md"}
	more, err := filepath.Glob(filepath.Join(root(t), "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	decisions, err := filepath.Glob(filepath.Join(root(t), "docs", "*", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range append(more, decisions...) {
		within, err := filepath.Rel(root(t), path)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, filepath.ToSlash(within))
	}
	return out
}

// root is the folder of the module.
func root(t *testing.T) string {
	t.Helper()
	dir, err := output("go", "list", "-m", "-f", "{{.Dir}}")
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(dir)
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root(t), path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var (
	// codeSpan is a path within the module in code marks, with an optional declaration in it:
	// `server/wire.go:Server.components`.
	codeSpan = regexp.MustCompile("`((?:api|client|cmd|docs|gen|queries|server)/[\\w./-]*?)(?::([\\w.]+))?`")
	// link is a link to another file, with an optional heading.
	link = regexp.MustCompile(`\]\(([^)#:\s]+)(?:#[^)]*)?\)`)
	// heading is a numbered one: "## 9. The turn", "### 9.3 Steps".
	heading = regexp.MustCompile(`(?m)^##+ (\d+(?:\.\d+)?)\.? `)
	// citation is a reference in a comment: "agent runtime §9.3, steps 4 and 7", "(agent runtime §1, §4)".
	citation = regexp.MustCompile(`(?i)agent runtime ((?:§\d+(?:\.\d+)?(?:, )?)+)`)
)

// TestPagesNameWhatIsThere checks the pages against the code: every path in code marks is a file or a folder, and every
// declaration is in its file.
func TestPagesNameWhatIsThere(t *testing.T) {
	t.Parallel()
	declared := map[string][]string{}
	for _, s := range sources(t) {
		declared[s.path] = declarations(s.file)
	}
	for _, page := range pages(t) {
		text := read(t, page)
		for _, m := range codeSpan.FindAllStringSubmatch(text, -1) {
			path, name := m[1], m[2]
			if _, err := os.Stat(filepath.Join(root(t), path)); err != nil {
				t.Errorf("%s names %s, which is not there", page, path)
			} else if name != "" && !slices.Contains(declared[path], name) {
				t.Errorf("%s names %s in %s, which doesn't declare it", page, name, path)
			}
		}
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(root(t), filepath.Dir(page), m[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", page, m[1])
			}
		}
	}
}

// declarations lists the top-level declarations of a file; a method is Type.Name.
func declarations(file *ast.File) []string {
	var names []string
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			name := d.Name.Name
			if d.Recv != nil {
				name = receiver(d.Recv.List[0].Type) + "." + name
			}
			names = append(names, name)
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					names = append(names, spec.Name.Name)
				case *ast.ValueSpec:
					for _, name := range spec.Names {
						names = append(names, name.Name)
					}
				}
			}
		}
	}
	return names
}

// receiver returns the name of the type that a method belongs to.
func receiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.IndexListExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	default:
		return ""
	}
}

// TestCitedSectionsExist checks that sections cited in comments exist in the specification of agents.
func TestCitedSectionsExist(t *testing.T) {
	t.Parallel()
	sections := map[string]bool{}
	for _, m := range heading.FindAllStringSubmatch(read(t, "docs/agents.md"), -1) {
		sections[m[1]] = true
	}
	cited := 0
	for _, s := range sources(t) {
		for _, group := range s.file.Comments {
			for _, m := range citation.FindAllStringSubmatch(strings.Join(strings.Fields(group.Text()), " "), -1) {
				for section := range strings.SplitSeq(strings.TrimSuffix(strings.TrimSpace(m[1]), ","), ",") {
					cited++
					if number := strings.TrimPrefix(strings.TrimSpace(section), "§"); !sections[number] {
						t.Errorf("%s cites section %s of docs/agents.md, which has none", s.at(group), number)
					}
				}
			}
		}
	}
	if cited == 0 {
		t.Error("no comment cites docs/agents.md: the form of citations has changed")
	}
}

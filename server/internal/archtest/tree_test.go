// Package archtest_test holds the rules for the source tree: who may import whom, where SQL and HTTP errors may be written, how
// long a file may be. Each rule says why, for whoever breaks it.
package archtest_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

const module = "github.com/elizad/elizad"

// goPackage is what the go command knows about a package.
type goPackage struct {
	ImportPath   string
	Dir          string
	Imports      []string
	GoFiles      []string
	TestGoFiles  []string
	XTestGoFiles []string
}

// short returns the path within the module, and "." for its root.
func (p goPackage) short() string { return within(p.ImportPath) }

func within(importPath string) string {
	if importPath == module {
		return "."
	}
	return strings.TrimPrefix(importPath, module+"/")
}

// tree loads the module's packages once for all tests.
var tree = sync.OnceValues(func() ([]goPackage, error) {
	root, err := output("go", "list", "-m", "-f", "{{.Dir}}")
	if err != nil {
		return nil, err
	}
	out, err := outputIn(strings.TrimSpace(root), "go", "list", "-json=ImportPath,Dir,Imports,GoFiles,TestGoFiles,XTestGoFiles", "./...")
	if err != nil {
		return nil, err
	}
	var packages []goPackage
	for decoder := json.NewDecoder(strings.NewReader(out)); ; {
		var p goPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages, nil
		} else if err != nil {
			return nil, fmt.Errorf("reading the list of packages: %w", err)
		}
		packages = append(packages, p)
	}
})

func packages(t *testing.T) []goPackage {
	t.Helper()
	list, err := tree()
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func output(name string, args ...string) (string, error) { return outputIn("", name, args...) }

func outputIn(dir, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return "", fmt.Errorf("%s: %w\n%s", name, err, exit.Stderr)
	}
	return string(out), err
}

// source is one parsed Go file.
type source struct {
	pkg  string // short path
	path string // within the module, for messages
	test bool
	text string
	fset *token.FileSet
	file *ast.File
}

func (s source) at(n ast.Node) string {
	return fmt.Sprintf("%s:%d", s.path, s.fset.Position(n.Pos()).Line)
}

// generated reports whether the file is marked as generated.
func (s source) generated() bool { return ast.IsGenerated(s.file) }

// sources parses every Go file of the module.
func sources(t *testing.T) []source {
	t.Helper()
	var out []source
	for _, p := range packages(t) {
		for _, group := range []struct {
			names []string
			test  bool
		}{{p.GoFiles, false}, {p.TestGoFiles, true}, {p.XTestGoFiles, true}} {
			for _, name := range group.names {
				text, err := os.ReadFile(filepath.Join(p.Dir, name))
				if err != nil {
					t.Fatal(err)
				}
				fset := token.NewFileSet()
				file, err := parser.ParseFile(fset, name, text, parser.ParseComments)
				if err != nil {
					t.Fatal(err)
				}
				out = append(out, source{
					pkg: p.short(), path: p.short() + "/" + name, test: group.test, text: string(text), fset: fset, file: file,
				})
			}
		}
	}
	return out
}

// isBelow reports whether a short path is root or below it.
func isBelow(path, root string) bool { return path == root || strings.HasPrefix(path, root+"/") }

// isCall reports whether n calls the function pkg.name, by the package's usual name.
func isCall(n ast.Node, pkg, name string) (*ast.CallExpr, bool) {
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return nil, false
	}
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || selector.Sel.Name != name {
		return nil, false
	}
	ident, ok := selector.X.(*ast.Ident)
	return call, ok && ident.Name == pkg
}

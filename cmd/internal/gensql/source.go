package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// handle is the file that holds what belongs to one engine alone: the DBTX interface and the Queries type.
const handle = "db.go"

// source is one generated Go file.
type source struct {
	name   string // base name
	text   []byte
	fset   *token.FileSet
	syntax *ast.File
	shared []declaration // in the order of the file
}

// declaration is an exported type that both engines declare.
type declaration struct {
	name string
	node *ast.GenDecl
}

// readSources parses the generated files of a directory. Files without an exported type are left out.
func readSources(dir string) ([]source, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, fmt.Errorf("listing %s: %w", dir, err)
	}
	var sources []source
	for _, name := range names {
		if filepath.Base(name) == handle {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("reading generated code: %w", err)
		}
		s := source{name: filepath.Base(name), text: text, fset: token.NewFileSet()}
		if s.syntax, err = parser.ParseFile(s.fset, name, text, parser.ParseComments); err != nil {
			return nil, fmt.Errorf("parsing generated code: %w", err)
		}
		s.shared = sharedTypes(s.syntax)
		if len(s.shared) > 0 {
			sources = append(sources, s)
		}
	}
	if len(sources) == 0 {
		return nil, fmt.Errorf("%s holds no generated types", dir)
	}
	return sources, nil
}

func sharedTypes(file *ast.File) []declaration {
	var shared []declaration
	for _, decl := range file.Decls {
		gen, ok := decl.(*ast.GenDecl)
		if !ok || gen.Tok != token.TYPE {
			continue
		}
		if name := gen.Specs[0].(*ast.TypeSpec).Name; name.IsExported() { // sqlc writes no grouped declarations
			shared = append(shared, declaration{name.Name, gen})
		}
	}
	return shared
}

// declared returns the source text of d with its comments.
func (s source) declared(d declaration) []byte {
	from, to := s.extent(d.node)
	return s.text[from:to]
}

func (s source) extent(decl *ast.GenDecl) (from, to int) {
	start := decl.Pos()
	if decl.Doc != nil {
		start = decl.Doc.Pos()
	}
	return s.fset.Position(start).Offset, s.fset.Position(decl.End()).Offset
}

// aliased returns the file with each shared type replaced by an alias of the one in the package at importPath, and with the
// imports that it then needs.
func (s source) aliased(importPath string) ([]byte, error) {
	text := bytes.Clone(s.text)
	for i := len(s.shared) - 1; i >= 0; i-- { // from the end: earlier offsets stay valid
		d := s.shared[i]
		from, to := s.extent(d.node)
		alias := fmt.Sprintf("type %s = %s.%s", d.name, path.Base(importPath), d.name)
		text = append(text[:from:from], append([]byte(alias), text[to:]...)...)
	}
	return withImports(text, append(s.imports(), importPath))
}

func (s source) imports() []string {
	var paths []string
	for _, spec := range s.syntax.Imports {
		p, _ := strconv.Unquote(spec.Path.Value) // the parser accepted it
		paths = append(paths, p)
	}
	return paths
}

var majorVersion = regexp.MustCompile(`^v[0-9]+$`)

// packageName guesses the name that an import path declares.
func packageName(importPath string) string {
	base := path.Base(importPath)
	if majorVersion.MatchString(base) {
		base = path.Base(path.Dir(importPath))
	}
	return base
}

// withImports replaces the imports of a Go file by those of candidates that the file uses, and formats it.
func withImports(text []byte, candidates []string) ([]byte, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "", text, parser.ParseComments)
	if err != nil {
		return nil, fmt.Errorf("parsing rewritten code: %w", err)
	}
	used := map[string]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		if selector, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := selector.X.(*ast.Ident); ok && x.Obj == nil {
				used[x.Name] = true
			}
		}
		return true
	})
	var block strings.Builder
	block.WriteString("\n\nimport (\n")
	for _, standard := range []bool{true, false} {
		for _, p := range candidates {
			if used[packageName(p)] && standard == !strings.Contains(p, ".") {
				fmt.Fprintf(&block, "%q\n", p)
			}
		}
		block.WriteString("\n")
	}
	block.WriteString(")\n")
	nameEnd := fset.Position(file.Name.End()).Offset
	rest := nameEnd
	for _, decl := range file.Decls {
		if gen, ok := decl.(*ast.GenDecl); ok && gen.Tok == token.IMPORT {
			rest = max(rest, fset.Position(gen.End()).Offset)
		}
	}
	out, err := format.Source(slices.Concat(text[:nameEnd], []byte(block.String()), text[rest:]))
	if err != nil {
		return nil, fmt.Errorf("formatting rewritten code: %w", err)
	}
	return out, nil
}

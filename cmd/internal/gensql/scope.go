package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/printer"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// The arguments of a query that its callers don't choose: whose rows it may touch.
const (
	tenantField   = "Tenant"
	viewerField   = "Viewer"
	everyoneField = "Everyone"
)

var scopeFields = []string{tenantField, viewerField, everyoneField}

// required lists the arguments that a query must have by the scope that its head names, of each list one at least. A query of a
// viewer without @viewer finds only what those see who see everything, and one without @everyone only what is the viewer's. A query
// of the system is not the domain's; one of the database knows no tenant and is left to the stores.
var required = map[string][][]string{
	"tenant":   {{tenantField}},
	"viewer":   {{tenantField}, {viewerField, everyoneField}},
	"system":   {{tenantField}},
	"database": nil,
}

// query is one method of the Querier interface.
type query struct {
	name    string
	doc     []string // its comment, without the word on its scope
	scope   string   // one of required
	fields  []field  // the arguments, in the order of the query
	params  bool     // the arguments come as a struct
	results string
}

type field struct{ name, typ string }

// free returns the arguments that callers give.
func (q query) free() []field {
	return slices.DeleteFunc(slices.Clone(q.fields), func(f field) bool { return slices.Contains(scopeFields, f.name) })
}

// scope reads the package at rawPath in the directory raw, whose queries take their scope as arguments, and writes to the directory
// scoped a package whose queries have a scope that they can't choose.
func scope(rawPath, raw, scoped string) error {
	sources, err := readSources(raw)
	if err != nil {
		return err
	}
	queries, err := readQueries(sources)
	if err != nil {
		return err
	}
	files, err := scopedFiles(rawPath, path.Base(scoped), sources, queries)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(scoped, 0o755); err != nil {
		return fmt.Errorf("making the package of scoped queries: %w", err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(scoped, name), text, 0o644); err != nil {
			return fmt.Errorf("writing generated code: %w", err)
		}
	}
	return nil
}

// readQueries returns the methods of the Querier interface that can be bound to a scope, and fails at the first that doesn't say what its scope is, or lacks an
// argument that its scope takes.
func readQueries(sources []source) ([]query, error) {
	structs := map[string]*ast.StructType{}
	var methods []*ast.Field
	for _, s := range sources {
		for _, d := range s.shared {
			switch t := d.node.Specs[0].(*ast.TypeSpec).Type.(type) {
			case *ast.StructType:
				structs[d.name] = t
			case *ast.InterfaceType:
				methods = append(methods, t.Methods.List...)
			}
		}
	}
	queries := make([]query, 0, len(methods))
	for _, m := range methods {
		q, err := readQuery(m, structs)
		if err != nil {
			return nil, fmt.Errorf("query %s: %w", m.Names[0].Name, err)
		}
		if q.scope != "database" {
			queries = append(queries, q)
		}
	}
	return queries, nil
}

var scopeLine = regexp.MustCompile(`^// scope: (\w+)$`)

func readQuery(m *ast.Field, structs map[string]*ast.StructType) (query, error) {
	q := query{name: m.Names[0].Name}
	if m.Doc != nil {
		for _, line := range m.Doc.List {
			if found := scopeLine.FindStringSubmatch(line.Text); found != nil {
				q.scope = found[1]
			} else {
				q.doc = append(q.doc, line.Text)
			}
		}
	}
	if _, known := required[q.scope]; !known {
		return q, fmt.Errorf("its head must say -- scope: tenant, viewer, system or database, and says %q", q.scope)
	}
	signature := m.Type.(*ast.FuncType)
	q.results = printed(signature.Results)
	for _, p := range signature.Params.List[1:] { // after the context
		name := printed(p.Type)
		if params, ok := structs[name]; ok && strings.HasSuffix(name, "Params") {
			q.params = true
			for _, f := range params.Fields.List {
				q.fields = append(q.fields, field{f.Names[0].Name, printed(f.Type)})
			}
			continue
		}
		q.fields = append(q.fields, field{exported(p.Names[0].Name), name})
	}
	for _, names := range required[q.scope] {
		if !slices.ContainsFunc(q.fields, func(f field) bool { return slices.Contains(names, f.name) }) {
			return q, fmt.Errorf("its scope is %s, and it has no argument @%s", q.scope, strings.ToLower(strings.Join(names, " or @")))
		}
	}
	return q, nil
}

const scopedComment = `// Package %s is the database as the server's code sees it: the rows, the arguments, and one method per query, each bound to a
// scope. What a query takes of the scope its caller neither gives nor sees. Most queries belong to [Scoped]; those of the server's
// own work, which looks at no viewer, to [System].
`

const scopedTypes = `
// Scope says whose rows queries may touch.
type Scope struct {
	Tenant   int64     // the rows of every query
	Viewer   uuid.UUID // the rows of those queries that ask who takes part
	Everyone bool      // lets these see the rows of all viewers of the tenant
}

// NewScoped returns the queries bound to a scope.
func NewScoped(q %[1]s.Querier, scope Scope) Scoped { return scopedQueries{q, scope} }

// NewSystem returns all queries bound to a tenant, with the rows of every viewer.
func NewSystem(q %[1]s.Querier, tenant int64) System {
	return systemQueries{scopedQueries{q, Scope{Tenant: tenant, Everyone: true}}}
}

type scopedQueries struct {
	all   %[1]s.Querier
	scope Scope
}

type systemQueries struct{ scopedQueries }
`

// scopedFiles renders the package called name: a file for the queries, and one for the types of each file of the raw package.
func scopedFiles(rawPath, name string, sources []source, queries []query) (map[string][]byte, error) {
	raw := path.Base(rawPath)
	byParams := map[string]query{}
	for _, q := range queries {
		byParams[q.name+"Params"] = q
	}
	files := map[string][]byte{}
	var imports []string
	for _, s := range sources {
		imports = append(imports, s.imports()...)
		var text bytes.Buffer
		fmt.Fprintf(&text, "%spackage %s\n", header, name)
		for _, d := range s.shared {
			q, params := byParams[d.name]
			switch free := q.free(); {
			case d.name == "Querier", params && len(free) < 2, strings.HasSuffix(d.name, "Params") && !params:
			case params:
				fmt.Fprintf(&text, "\ntype %s struct {\n", d.name)
				for _, f := range free {
					fmt.Fprintf(&text, "%s %s\n", f.name, f.typ)
				}
				text.WriteString("}\n")
			default:
				fmt.Fprintf(&text, "\ntype %[1]s = %[2]s.%[1]s\n", d.name, raw)
			}
		}
		out, err := withImports(text.Bytes(), append(s.imports(), rawPath))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
		if s.name != "querier.go" {
			files[s.name] = out
		}
	}
	slices.Sort(imports)
	text := &bytes.Buffer{}
	fmt.Fprint(text, header)
	fmt.Fprintf(text, scopedComment, name)
	fmt.Fprintf(text, "package %s\n", name)
	writeInterface(text, "Scoped", "the queries of the domain", queries, func(q query) bool { return q.scope != "system" })
	writeInterface(text, "System", "all queries: those of the domain, for every viewer, and those of the server's own work", queries, func(q query) bool { return q.scope == "system" }, "Scoped")
	fmt.Fprintf(text, scopedTypes, raw)
	for _, q := range queries {
		q.write(text, raw)
	}
	out, err := withImports(text.Bytes(), append(slices.Compact(imports), rawPath))
	if err != nil {
		return nil, err
	}
	files["scoped.go"] = out
	return files, nil
}

func writeInterface(text *bytes.Buffer, name, what string, queries []query, of func(query) bool, embedded ...string) {
	fmt.Fprintf(text, "\n// %s is %s.\ntype %s interface {\n", name, what, name)
	for _, e := range embedded {
		fmt.Fprintf(text, "%s\n\n", e)
	}
	for _, q := range queries {
		if of(q) {
			for _, line := range q.doc {
				fmt.Fprintln(text, line)
			}
			fmt.Fprintf(text, "%s\n", q.signature())
		}
	}
	text.WriteString("}\n")
}

// signature returns the method as callers see it.
func (q query) signature() string {
	arguments := "ctx context.Context"
	switch free := q.free(); {
	case len(free) > 1:
		arguments += ", arg " + q.name + "Params"
	case len(free) == 1:
		arguments += ", " + unexported(free[0].name) + " " + free[0].typ
	}
	return fmt.Sprintf("%s(%s) %s", q.name, arguments, q.results)
}

// write renders the method that adds the scope to the caller's arguments.
func (q query) write(text *bytes.Buffer, raw string) {
	receiver := "scopedQueries"
	if q.scope == "system" {
		receiver = "systemQueries"
	}
	free := q.free()
	value := func(f field) string {
		switch {
		case slices.Contains(scopeFields, f.name):
			return "q.scope." + f.name
		case len(free) > 1:
			return "arg." + f.name
		default:
			return unexported(f.name)
		}
	}
	var call strings.Builder
	if q.params {
		fmt.Fprintf(&call, ", %s.%sParams{", raw, q.name)
		for _, f := range q.fields {
			fmt.Fprintf(&call, "%s: %s, ", f.name, value(f))
		}
		call.WriteString("}")
	} else {
		for _, f := range q.fields {
			call.WriteString(", " + value(f))
		}
	}
	fmt.Fprintf(text, "\nfunc (q %s) %s {\n\treturn q.all.%s(ctx%s)\n}\n", receiver, q.signature(), q.name, call.String())
}

func printed(node ast.Node) string {
	var text bytes.Buffer
	if list, ok := node.(*ast.FieldList); ok { // results, which sqlc doesn't name
		var types []string
		for _, f := range list.List {
			types = append(types, printed(f.Type))
		}
		return "(" + strings.Join(types, ", ") + ")"
	}
	_ = printer.Fprint(&text, token.NewFileSet(), node) // to memory, of what the parser made
	return text.String()
}

func exported(name string) string {
	if strings.EqualFold(name, "id") {
		return "ID"
	}
	return strings.ToUpper(name[:1]) + name[1:]
}

// unexported returns the name of an argument as sqlc writes it: id, agentID.
func unexported(name string) string {
	n := strings.IndexFunc(name, unicode.IsLower)
	switch {
	case n < 0:
		return strings.ToLower(name)
	case n > 1:
		n-- // the last capital begins the next word
	}
	return strings.ToLower(name[:n]) + name[n:]
}

package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"maps"
	"slices"
	"strings"
)

// compare returns an error that shows every shared type, or method of a shared interface, that the directories a and b declare
// differently. Comments may differ: each dialect has its own.
func compare(a, b string, first, second []source) error {
	x, err := shapes(first)
	if err != nil {
		return err
	}
	y, err := shapes(second)
	if err != nil {
		return err
	}
	names := map[string]bool{}
	for name := range x {
		names[name] = true
	}
	for name := range y {
		names[name] = true
	}
	var drift strings.Builder
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if x[name] != y[name] {
			fmt.Fprintf(&drift, "\n%s in %s:\n%s\n\n%s in %s:\n%s\n", name, a, orMissing(x[name]), name, b, orMissing(y[name]))
		}
	}
	if drift.Len() > 0 {
		return fmt.Errorf("the two databases disagree:\n%s", drift.String())
	}
	return nil
}

func orMissing(shape string) string {
	if shape == "" {
		return "(missing)"
	}
	return shape
}

// shapes returns the text of every shared type without comments. An interface is split, so that a difference in one method is
// shown as that method.
func shapes(sources []source) (map[string]string, error) {
	all := map[string]string{}
	for _, s := range sources {
		bare, err := parser.ParseFile(token.NewFileSet(), s.name, s.text, parser.SkipObjectResolution)
		if err != nil {
			return nil, fmt.Errorf("parsing generated code: %w", err)
		}
		for _, d := range sharedTypes(bare) {
			spec := d.node.Specs[0].(*ast.TypeSpec)
			parts := map[string]ast.Node{d.name: spec.Type}
			if contract, ok := spec.Type.(*ast.InterfaceType); ok {
				parts = map[string]ast.Node{}
				for _, method := range contract.Methods.List {
					parts[d.name+"."+method.Names[0].Name] = method.Type
				}
			}
			for name, node := range parts {
				var text bytes.Buffer
				// A new file set has no lines: equal trees print equally, wherever they were.
				if err := printer.Fprint(&text, token.NewFileSet(), node); err != nil {
					return nil, fmt.Errorf("printing %s: %w", name, err)
				}
				all[name] = text.String()
			}
		}
	}
	return all, nil
}

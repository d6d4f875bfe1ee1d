package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
)

// clean removes the generated Go files directly inside dirs. Generators only ever write: without this, the code of a query
// file that was renamed or deleted would stay. A file that lacks the marker of generated code was written by hand and is an
// error. A directory that doesn't exist yet is clean.
func clean(dirs []string) error {
	for _, dir := range dirs {
		names, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			return fmt.Errorf("listing %s: %w", dir, err)
		}
		for _, name := range names {
			content, err := os.ReadFile(name)
			if err != nil {
				return fmt.Errorf("reading before removal: %w", err)
			}
			if !bytes.HasPrefix(content, []byte("// Code generated ")) {
				return fmt.Errorf("%s is not generated: move it out of %s", name, dir)
			}
			if err := os.Remove(name); err != nil {
				return fmt.Errorf("removing stale code: %w", err)
			}
		}
	}
	return nil
}

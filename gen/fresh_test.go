package gen_test

import (
	"bytes"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestGeneratedCodeIsFresh regenerates everything in a copy of the sources and compares. It needs the generators in the
// module cache, but no network.
func TestGeneratedCodeIsFresh(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	work := t.TempDir()
	for _, name := range []string{"go.mod", "go.sum", "sqlc.yaml", "gen/generate.go", "gen/tools.mod", "gen/tools.sum"} {
		content, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(work, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(work, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	// What the generators read, and the generators of this module.
	for _, name := range []string{"api", "queries", "cmd/internal/genaccess", "cmd/internal/genorder", "cmd/internal/gensql"} {
		if err := os.CopyFS(filepath.Join(work, name), os.DirFS(filepath.Join(root, name))); err != nil {
			t.Fatal(err)
		}
	}
	for _, entry := range directories(t, root) {
		if err := os.MkdirAll(filepath.Join(work, "gen", entry), 0o755); err != nil {
			t.Fatal(err)
		}
	}

	generate := exec.CommandContext(t.Context(), "go", "generate", "./gen")
	generate.Dir = work
	generate.Env = append(os.Environ(), "GOPROXY=off", "GOFLAGS=-mod=mod", "GOWORK=off", "PWD="+work)
	if output, err := generate.CombinedOutput(); err != nil {
		t.Fatalf("go generate: %v\n%s", err, output)
	}

	committed, regenerated := tree(t, filepath.Join(root, "gen")), tree(t, filepath.Join(work, "gen"))
	if diff := cmp.Diff(slices.Sorted(maps.Keys(regenerated)), slices.Sorted(maps.Keys(committed))); diff != "" {
		t.Errorf("other files than generated; run go generate ./gen (-generated +found):\n%s", diff)
	}
	for name, want := range regenerated {
		if got, ok := committed[name]; ok && !bytes.Equal(want, got) {
			t.Errorf("gen/%s is stale or was edited; run go generate ./gen", name)
		}
	}
}

// directories returns the names of the packages below gen.
func directories(t *testing.T, root string) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(root, "gen"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		if entry.IsDir() {
			names = append(names, entry.Name())
		}
	}
	return names
}

// tree returns the files of the packages below gen by their path.
func tree(t *testing.T, gen string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for _, dir := range directories(t, filepath.Dir(gen)) {
		err := fs.WalkDir(os.DirFS(gen), dir, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			files[path], err = os.ReadFile(filepath.Join(gen, path))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return files
}

package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// sourceFiles lists the project's files that match patterns of git: those that are tracked, and new ones that aren't ignored.
func sourceFiles(ctx context.Context, patterns ...string) ([]string, error) {
	out, err := command(ctx, "git", append([]string{"ls-files", "-z", "--cached", "--others", "--exclude-standard", "--"}, patterns...)...)
	if err != nil {
		return nil, fmt.Errorf("listing files: %w\n%s", err, out)
	}
	var files []string
	for name := range strings.SplitSeq(out, "\x00") {
		if _, err := os.Lstat(name); name == "" || errors.Is(err, fs.ErrNotExist) {
			continue // deleted, and not yet committed
		}
		files = append(files, name)
	}
	slices.Sort(files)
	return slices.Compact(files), nil
}

// fingerprints returns a hash of every file of the project.
func fingerprints(ctx context.Context) (map[string][sha256.Size]byte, error) {
	files, err := sourceFiles(ctx)
	if err != nil {
		return nil, err
	}
	out := make(map[string][sha256.Size]byte, len(files))
	for _, name := range files {
		content, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("reading a file of the project: %w", err)
		}
		out[name] = sha256.Sum256(content)
	}
	return out, nil
}

// differences names the files that were changed, added or removed.
func differences(before, after map[string][sha256.Size]byte) []string {
	names := map[string]bool{}
	for name, sum := range before {
		if other, ok := after[name]; !ok || other != sum {
			names[name] = true
		}
	}
	for name := range after {
		if _, ok := before[name]; !ok {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// npmProjects lists the directories with a lock file of npm.
func npmProjects(ctx context.Context) []string {
	files, err := sourceFiles(ctx, "*package-lock.json")
	if err != nil {
		return nil
	}
	dirs := make([]string, 0, len(files))
	for _, file := range files {
		dirs = append(dirs, filepath.Dir(file))
	}
	return dirs
}

// hasScript reports whether the npm project in dir has a script of that name.
func hasScript(dir, name string) bool {
	text, err := os.ReadFile(filepath.Join(dir, "package.json"))
	if err != nil {
		return false
	}
	var project struct {
		Scripts map[string]string `json:"scripts"`
	}
	return json.Unmarshal(text, &project) == nil && project.Scripts[name] != ""
}

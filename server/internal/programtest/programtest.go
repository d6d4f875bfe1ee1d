// Package programtest builds elizad for tests that start it as a person would.
package programtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Main is the body of a TestMain: it builds the program once, writes the path of its binary to binary, runs the tests, and ends
// the process with their exit code. The binary is removed before.
func Main(m *testing.M, binary *string) {
	code, err := buildAndRun(m, binary)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(code)
}

func buildAndRun(m *testing.M, binary *string) (int, error) {
	dir, err := os.MkdirTemp("", "elizad-test-")
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	*binary = filepath.Join(dir, "elizad")
	if err := Build(*binary); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

const program = "github.com/elizad/elizad/cmd/elizad"

// Build writes a binary of the program to path, built with some more flags.
func Build(path string, flags ...string) error {
	cmd := exec.Command("go", append(append([]string{"build", "-o", path}, flags...), program)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building elizad: %w\n%s", err, out)
	}
	return nil
}

// Folder returns where the program's source is.
func Folder() (string, error) {
	out, err := exec.Command("go", "list", "-f", "{{.Dir}}", program).Output()
	if err != nil {
		return "", fmt.Errorf("finding the source of elizad: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

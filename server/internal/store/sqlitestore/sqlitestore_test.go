package sqlitestore_test

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/store"
	"github.com/elizad/elizad/server/internal/store/sqlitestore"
	"github.com/elizad/elizad/server/internal/store/storetest"
)

// open returns a store in dir that is closed when the test ends.
func open(t testing.TB, dir string) *sqlitestore.Store {
	t.Helper()
	s, err := sqlitestore.Open(t.Context(), sqlitestore.Config{Dir: dir})
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

func TestConformance(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) store.System { return open(t, t.TempDir()) })
}

func TestDurablePragmas(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "query_only": "0"} {
		got, err := sqlitestore.WriterPragma(t.Context(), s, pragma)
		if err != nil || got != want {
			t.Errorf("writer: %s = %q, %v, want %q", pragma, got, err, want)
		}
	}
	for pragma, want := range map[string]string{"journal_mode": "wal", "query_only": "1"} {
		got, err := sqlitestore.ReaderPragma(t.Context(), s, pragma)
		if err != nil || got != want {
			t.Errorf("reader: %s = %q, %v, want %q", pragma, got, err, want)
		}
	}
}

func TestSecondProcessIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	// In another process, and in this one.
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), childDir+"="+dir)
	output, err := child.CombinedOutput()
	if err == nil {
		t.Error("a second process opened the data directory")
	}
	if _, err = sqlitestore.Open(t.Context(), sqlitestore.Config{Dir: dir}); err == nil {
		t.Fatal("the data directory was opened twice")
	}
	host, hostErr := os.Hostname()
	if hostErr != nil {
		t.Fatal(hostErr)
	}
	for who, complaint := range map[string]string{"another process": string(output), "this process": err.Error()} {
		for _, part := range []string{dir, fmt.Sprintf("process %d", os.Getpid()), host, " since 20", "ELIZAD_DATA_DIR"} {
			if !strings.Contains(complaint, part) {
				t.Errorf("%s: the error doesn't say %q: %s", who, part, complaint)
			}
		}
	}
	if err := s.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	open(t, dir)
}

func TestFilesArePrivate(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	s := open(t, dir)
	if err := s.SystemUpdate(t.Context(), insert(t.Context(), uuid.New())); err != nil {
		t.Fatalf("Update: %v", err)
	}
	names := map[string]bool{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if mode := info.Mode().Perm(); mode&0o077 != 0 {
			t.Errorf("%s has mode %o: others may read it", entry.Name(), mode)
		}
		names[entry.Name()] = true
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"data", "elizad.db", "elizad.db-wal", "elizad.db-shm", "elizad.lock"} {
		if !names[name] {
			t.Errorf("no file %s: what does SQLite write now?", name)
		}
	}
}

func TestClosedStoreIsOneFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	rooms(t, s, 5)
	if err := s.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	if logs, err := filepath.Glob(filepath.Join(dir, "*-wal")); err != nil || len(logs) > 0 {
		t.Errorf("after Close the write-ahead log is left: %v, %v", logs, err)
	}
}

func TestAnyDirectoryName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"with space", "what?x=1&_pragma=synchronous(OFF)", "50%20#1", "ünï 🙂", "it's;"} {
		dir := filepath.Join(t.TempDir(), name)
		s := open(t, dir)
		if err := s.Ping(t.Context()); err != nil {
			t.Errorf("%q: %v", name, err)
		}
		if got, err := sqlitestore.WriterPragma(t.Context(), s, "synchronous"); err != nil || got != "2" {
			t.Errorf("%q: synchronous = %s, %v: the name reached the settings", name, got, err)
		}
		if _, err := os.Stat(filepath.Join(dir, "elizad.db")); err != nil {
			t.Errorf("%q: the database is elsewhere: %v", name, err)
		}
	}
}

func TestNoDirectory(t *testing.T) {
	t.Parallel()
	if s, err := sqlitestore.Open(t.Context(), sqlitestore.Config{}); err == nil {
		s.Close()
		t.Error("a store without a directory was opened")
	}
}

// TestLibcIsSQLites guards the pair of modernc.org/sqlite and modernc.org/libc: the first is translated from C against one
// exact version of the second, which doesn't follow semantic versioning. Other versions have corrupted data.
func TestLibcIsSQLites(t *testing.T) {
	t.Parallel()
	list := func(format, module string) string {
		t.Helper()
		output, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", format, module).Output()
		if err != nil {
			t.Fatalf("go list -m %s: %v", module, err)
		}
		return strings.TrimSpace(string(output))
	}
	requirements, err := os.ReadFile(list("{{.GoMod}}", "modernc.org/sqlite"))
	if err != nil {
		t.Fatalf("reading what modernc.org/sqlite requires: %v", err)
	}
	want := regexp.MustCompile(`modernc\.org/libc (v\S+)`).FindSubmatch(requirements)
	if want == nil {
		t.Fatal("modernc.org/sqlite no longer requires modernc.org/libc")
	}
	if got := list("{{.Version}}", "modernc.org/libc"); got != string(want[1]) {
		t.Errorf("go.mod selects modernc.org/libc %s, but modernc.org/sqlite is made for %s: pin that", got, want[1])
	}
}

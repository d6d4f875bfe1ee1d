package seal_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/elizad/elizad/server/internal/seal"
)

func keys(t *testing.T, texts ...string) *seal.Keys {
	t.Helper()
	k, err := seal.Parse(strings.Join(texts, "\n"))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSealAndOpen(t *testing.T) {
	t.Parallel()
	k := keys(t, seal.Generate())
	values := map[string]string{"OPENAI_API_KEY": "sk-canary-1", "EMPTY": "", "UNICODE": "ключ"}
	sealed, err := k.Seal("ada", values)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(sealed), "canary") {
		t.Errorf("the record shows a value: %s", sealed)
	}
	got, err := k.Open("ada", sealed)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(values, got); diff != "" {
		t.Errorf("opened (-want +got):\n%s", diff)
	}
	names, err := seal.Names(sealed)
	if diff := cmp.Diff([]string{"EMPTY", "OPENAI_API_KEY", "UNICODE"}, names); diff != "" || err != nil {
		t.Errorf("names: %v\n%s", err, diff)
	}
	if _, err := k.Open("bob", sealed); err == nil {
		t.Error("another owner opened the record")
	}
}

func TestValuesStayInTheirPlace(t *testing.T) {
	t.Parallel()
	k := keys(t, seal.Generate())
	sealed, err := k.Seal("ada", map[string]string{"AAAA": "one"})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := k.Open("ada", []byte(strings.Replace(string(sealed), "AAAA", "BBBB", 1))); err == nil {
		t.Errorf("a renamed secret opened: %v", got)
	}
}

func TestEmptyRecords(t *testing.T) {
	t.Parallel()
	k := keys(t, seal.Generate())
	sealed, err := k.Seal("ada", nil)
	if err != nil || string(sealed) != "{}" {
		t.Errorf("Seal(nil) = %s, %v", sealed, err)
	}
	for _, text := range []string{"", "{}"} {
		if got, err := k.Open("ada", []byte(text)); err != nil || len(got) != 0 {
			t.Errorf("Open(%q) = %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"[]", "{", `{"v":2,"values":{"a":""}}`} {
		if _, err := k.Open("ada", []byte(text)); err == nil {
			t.Errorf("Open(%q) succeeded", text)
		}
	}
}

func TestChangeOfMasterKey(t *testing.T) {
	t.Parallel()
	older, newer := seal.Generate(), seal.Generate()
	sealed, err := keys(t, older).Seal("ada", map[string]string{"K": "v"})
	if err != nil {
		t.Fatal(err)
	}
	both := keys(t, newer, older)
	if got, err := both.Open("ada", sealed); err != nil || got["K"] != "v" {
		t.Errorf("with both keys: %v, %v", got, err)
	}
	moved, changed, err := both.Rewrap("ada", sealed)
	if err != nil || !changed {
		t.Fatalf("Rewrap: %v, %v", changed, err)
	}
	if got, err := keys(t, newer).Open("ada", moved); err != nil || got["K"] != "v" {
		t.Errorf("with the newer key alone: %v, %v", got, err)
	}
	if _, err := keys(t, older).Open("ada", moved); !errors.Is(err, seal.ErrUnknownKey) {
		t.Errorf("with the older key alone: %v", err)
	}
	if _, changed, err := both.Rewrap("ada", moved); changed || err != nil {
		t.Errorf("second Rewrap: %v, %v", changed, err)
	}
}

func TestLoadMakesOneKey(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), seal.KeyFileName)
	var (
		wg     sync.WaitGroup
		loaded [4]*seal.Keys
	)
	for i := range loaded {
		wg.Go(func() {
			k, err := seal.Load(path)
			if err != nil {
				t.Error(err)
			}
			loaded[i] = k
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	sealed, err := loaded[0].Seal("ada", map[string]string{"K": "v"})
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range loaded {
		if got, err := k.Open("ada", sealed); err != nil || got["K"] != "v" {
			t.Errorf("another loader has another key: %v, %v", got, err)
		}
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("files left over: %v, %v", entries, err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	hexKey := strings.Repeat("ab", 32)
	for _, text := range []string{seal.Generate(), hexKey, "# comment\n\n" + hexKey + "\r\n" + seal.Generate(), hexKey + "," + hexKey, strings.TrimRight(seal.Generate(), "=")} {
		if _, err := seal.Parse(text); err != nil {
			t.Errorf("Parse(%q): %v", text, err)
		}
	}
	for _, text := range []string{"", "# only a comment", "short", hexKey + "ab", "password password"} {
		if _, err := seal.Parse(text); err == nil {
			t.Errorf("Parse(%q) succeeded", text)
		}
	}
}

func TestLoadRefusesAnotherFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte("not a key\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := seal.Load(path); err == nil {
		t.Error("loaded a file without a key")
	}
}

// A key file that was edited elsewhere holds the same keys, whatever byte order mark and line ends the editor leaves.
func TestLoadReadsWhatEditorsWrite(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "master.key")
	k, err := seal.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := k.Seal("name", map[string]string{"K": "secret"})
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	wide := []byte("\xFF\xFE")
	for _, c := range "# key\r\n" + string(text) {
		wide = append(wide, byte(c), 0)
	}
	for _, edited := range [][]byte{append([]byte("\xEF\xBB\xBF"), text...), wide} {
		if err := os.WriteFile(path, edited, 0o600); err != nil {
			t.Fatal(err)
		}
		again, err := seal.Load(path)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := again.Open("name", sealed); err != nil || got["K"] != "secret" {
			t.Errorf("%q: %q, %v", edited[:4], got, err)
		}
	}
}

// A key is added on top, so that both open, and in the end the older ones are kept apart.
func TestKeysAreReplacedInTheFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, backup := filepath.Join(dir, seal.KeyFileName), filepath.Join(dir, "backup")
	older, err := seal.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := older.Seal("ada", map[string]string{"K": "v"})
	if err != nil {
		t.Fatal(err)
	}
	both, err := seal.AddKey(path)
	if err != nil || len(both.IDs()) != 2 || both.IDs()[1] != older.IDs()[0] {
		t.Fatalf("with a new key: %v", err)
	}
	if got, err := both.Open("ada", sealed); err != nil || got["K"] != "v" {
		t.Errorf("with both keys: %v, %v", got, err)
	}
	if err := seal.KeepCurrent(path, backup); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string][]string{path: both.IDs()[:1], backup: both.IDs()} {
		k, err := seal.Load(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, k.IDs()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
	if err := seal.KeepCurrent(path, backup); err == nil {
		t.Error("a backup was overwritten")
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(left) != 2 {
		t.Errorf("left in the folder: %v, %v", left, err)
	}
}

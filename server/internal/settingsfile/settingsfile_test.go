package settingsfile_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/settingsfile"
)

func TestValuesComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	f := settingsfile.New(t.TempDir(), nil)
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.StringOf(rapid.SampledFrom([]rune("aZ09 =#'\"\\$`!{}\n\r\té…;|&%"))).Filter(func(s string) bool { return s != "" }).Draw(t, "value")
		want := map[string]string{"SMALL_MODEL": value, "LARGE_MODEL": "after"}
		if _, err := f.Replace(want); apierr.IsCode(err, apierr.ValidationFailed) {
			return // better refused than changed
		} else if err != nil {
			t.Fatal(err)
		}
		got, err := f.Load()
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Fatalf("%v %s", err, diff)
		}
	})
}

func TestUsualValuesAreAccepted(t *testing.T) {
	t.Parallel()
	f := settingsfile.New(t.TempDir(), nil)
	for _, value := range []string{
		"gpt-5-mini", "http://127.0.0.1:11434/v1?a=b&c=d#e", "sk-proj-$ecret!\"quoted\" and 'single'", "two\nlines", "with # sign", " spaces ", `C:\models\x`, "ключ",
	} {
		want := map[string]string{"SMALL_MODEL": value}
		if _, err := f.Replace(want); err != nil {
			t.Errorf("%q: %v", value, err)
		}
		if got, err := f.Load(); err != nil || cmp.Diff(want, got) != "" {
			t.Errorf("%q: %q, %v", value, got, err)
		}
	}
}

func TestReplace(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, settingsfile.Name)
	if err := os.WriteFile(path, []byte("# by hand\nPORT=1\nOPENAI_API_KEY=sk-1\nSMALL_MODEL=old\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	f := settingsfile.New(dir, nil)
	if got, err := f.Read(); err != nil || cmp.Diff(map[string]string{"OPENAI_API_KEY": "********", "SMALL_MODEL": "old"}, got) != "" {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := f.Replace(map[string]string{"OPENAI_API_KEY": "********", "LARGE_MODEL": ""}); err != nil {
		t.Fatal(err)
	}
	if got, _ := f.Load(); cmp.Diff(map[string]string{"OPENAI_API_KEY": "sk-1"}, got) != "" {
		t.Errorf("%v", got)
	}
	text, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(text), "PORT=1") {
		t.Errorf("what was written by hand is gone: %s, %v", text, err)
	}
	for _, bad := range []map[string]string{{"PATH": "x"}, {"https_proxy": "x"}, {"SSL_CERT_FILE": "x"}, {"ELIZAD_NEW": "x"}, {"CHARACTER.ADA.KEY": "x"}, {"A B": "x"}, {"A\nB": "x"}, {"": "x"}, {strings.Repeat("A", 200): "x"}, {"PORT": "2"}, {"SMALL_MODEL": "a\x00b"}, {"SMALL_MODEL": strings.Repeat("x", 1<<14)}} {
		if _, err := f.Replace(bad); !apierr.IsCode(err, apierr.ValidationFailed) {
			t.Errorf("%v: %v", bad, err)
		}
	}
	if left, _ := filepath.Glob(path + ".*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestBrokenFileIsNotShown(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, settingsfile.Name), []byte("OPENAI_API_KEY='sk-secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := settingsfile.New(dir, nil)
	if _, err := f.Read(); err == nil || strings.Contains(err.Error(), "sk-secret") {
		t.Errorf("%v", err)
	}
	if _, err := f.Replace(map[string]string{"SMALL_MODEL": "x"}); err == nil {
		t.Error("an unreadable file was overwritten")
	}
}

// Plugins have their own settings; those with the name of a secret are masked like the others.
func TestSettingsOfPlugins(t *testing.T) {
	t.Parallel()
	f := settingsfile.New(t.TempDir(), nil)
	want := map[string]string{"DICE_SIDES": "6", "FOO_API_TOKEN": "canary", "FOO_MAX_TOKENS": "4096", "FOO_URL": "https://foo.example"}
	if _, err := f.Replace(want); err != nil {
		t.Fatal(err)
	}
	got, err := f.Load()
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
	shown, err := f.Read()
	if err != nil || shown["FOO_API_TOKEN"] != "********" || shown["FOO_MAX_TOKENS"] != "4096" {
		t.Errorf("%v, %v", shown, err)
	}
	if dropped, err := f.Replace(shown); err != nil || len(dropped) > 0 {
		t.Errorf("%v, %v", dropped, err)
	}
	if got, _ := f.Load(); cmp.Diff(want, got) != "" {
		t.Errorf("what was read and came back is another: %v", got)
	}
	shown["FOO_URL"] = "https://evil.example"
	if dropped, err := f.Replace(shown); err != nil || cmp.Diff([]string{"FOO_API_TOKEN"}, dropped) != "" {
		t.Errorf("%v, %v", dropped, err)
	}
	if got, _ := f.Load(); got["FOO_API_TOKEN"] != "" || got["FOO_URL"] != "https://evil.example" {
		t.Errorf("%v", got)
	}
	many := map[string]string{}
	for i := range 300 {
		many[fmt.Sprintf("A_%d", i)] = "x"
	}
	large := map[string]string{}
	for i := range 20 {
		large[fmt.Sprintf("A_%d", i)] = strings.Repeat("x", 8000)
	}
	for _, bad := range []map[string]string{many, large} {
		if _, err := f.Replace(bad); !apierr.IsCode(err, apierr.ValidationFailed) {
			t.Errorf("%d settings: %v", len(bad), err)
		}
	}
}

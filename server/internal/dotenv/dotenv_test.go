package dotenv_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/elizad/elizad/server/internal/dotenv"
)

// values are those of a file without faults.
func values(t *testing.T, text string) map[string]string {
	t.Helper()
	file, err := dotenv.Parse([]byte(text))
	if err != nil || len(file.Faults) > 0 {
		t.Errorf("%q: %v, %v", text, file.Faults, err)
	}
	return file.Values()
}

func TestParse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]map[string]string{
		"":                             {},
		"\n# a comment\n  # another\n": {},
		"A=1\nB=2":                     {"A": "1", "B": "2"},
		"A = 1 \n\tB\t=\t2\t\n":        {"A": "1", "B": "2"},
		"export A=1\nset B=2\nSET C=3": {"A": "1", "B": "2", "C": "3"},
		"A: 1\nB:\n":                   {"A": "1", "B": ""},
		"A=\nB=\"\"\nC=''\nD= # none":  {"A": "", "B": "", "C": "", "D": ""},
		"CHARACTER.Zoë.VOICE=alto":     {"CHARACTER.Zoë.VOICE": "alto"},
		"A=1\nA=2":                     {"A": "2"},
		// A dollar is a dollar.
		"A=pa$SWORD-12": {"A": "pa$SWORD-12"}, `A="$2y$10$abc"`: {"A": "$2y$10$abc"}, "A='$A'": {"A": "$A"}, "A=`${B}`": {"A": "${B}"},
		"A=${HOME}": {"A": "${HOME}"}, `A=pa\$S`: {"A": "pa$S"}, `A="pa\$S"`: {"A": "pa$S"}, `A='pa\$S'`: {"A": `pa\$S`}, "A=$$": {"A": "$$"},
		// Comments, and what only looks like one.
		"A=1 # one": {"A": "1"}, "A=1\t#one": {"A": "1"}, "A=p#ss": {"A": "p#ss"}, "A=#1": {"A": "#1"}, "A=# one": {"A": ""},
		`A="x # y" # z`: {"A": "x # y"}, "A='x # y'": {"A": "x # y"}, "A=http://h/#x": {"A": "http://h/#x"},
		// Quotes.
		`A="say \"hi\""`: {"A": `say "hi"`}, `A=say "hi"`: {"A": `say "hi"`}, `A="a"b"`: {"A": `a"b`}, `A='it\'s'`: {"A": `it\'s`}, `A='{"a": "b"}'`: {"A": `{"a": "b"}`},
		`A={"a": "b"}`: {"A": `{"a": "b"}`}, `A="a" and "b"`: {"A": `a" and "b`}, `A=it's`: {"A": "it's"}, "A=`it's \"so\"`": {"A": `it's "so"`},
		`A="one\ntwo"`: {"A": "one\ntwo"}, `A='one\ntwo'`: {"A": `one\ntwo`}, `A=one\ntwo`: {"A": `one\ntwo`}, `A="C:\table"`: {"A": `C:\table`}, `A="C:\\new"`: {"A": `C:\new`},
		`A=C:\new`: {"A": `C:\new`}, "A=\" 1 \"": {"A": " 1 "},
		// Values of several lines.
		"A=\"-----BEGIN\nabc=\n-----END\"\nB=2":       {"A": "-----BEGIN\nabc=\n-----END", "B": "2"},
		"A='one\n# two\n'\nB=2":                       {"A": "one\n# two\n", "B": "2"},
		"A=\"one\r\ntwo\" # both\r\nB=2\r\n":          {"A": "one\ntwo", "B": "2"},
		"A=a=b==\nB=postgres://u:p@h/d?x=y&z=#f":      {"A": "a=b==", "B": "postgres://u:p@h/d?x=y&z=#f"},
		"A=1\rB=2\r":                                  {"A": "1", "B": "2"},
		"# caf\xe9\nA=1":                              {"A": "1"},
		"A=1\u00A0\nB=sk-1\u200B":                     {"A": "1", "B": "sk-1"},
		"\xFF\xFEA\x00=\x001\x00\r\x00\n\x00":         {"A": "1"},
		"A\x00=\x001\x00\n\x00B\x00=\x002\x00":        {"A": "1", "B": "2"},
		"\x00A\x00=\x001":                             {"A": "1"},
		"\uFEFF# begins with a mark\r\nA=1\r\n":       {"A": "1"},
		"\uFEFFA=1":                                   {"A": "1"},
		"A=-----BEGIN KEY-----\\nabc\\n-----END-----": {"A": `-----BEGIN KEY-----\nabc\n-----END-----`},
	} {
		if diff := cmp.Diff(want, values(t, text)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

// Files found in the wild.
func TestFilesFromElsewhere(t *testing.T) {
	t.Parallel()
	model := map[string]string{"OPENAI_BASE_URL": "http://127.0.0.1:1234/v1", "OPENAI_API_KEY": "test-key-123456", "OPENAI_LARGE_MODEL": "some-model"}
	for name, want := range map[string]map[string]string{
		"env-with-mark": model, "env-utf-16": model,
		"env-with-dollars": {"OPENAI_BASE_URL": "http://127.0.0.1:1234/v1", "OPENAI_API_KEY": "pa$SWORD-12", "POSTGRES_PASSWORD_COPY": "$2y$10$abc"},
	} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, values(t, string(data))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// A line that cannot be read is named, never shown, and does not affect the others.
func TestFaults(t *testing.T) {
	t.Parallel()
	for text, lines := range map[string][]int{
		"A=1\nOPENAI_API_KEY sk-hunter2\nB=2":            {2},
		"A=1\nhunter2\nB=2":                              {2},
		"A=1\nX=\"hunter2\nB=2":                          {2},
		"A=1\nX='hunter2\nB=2":                           {2},
		"A=1\n=hunter2\nB=2":                             {2},
		"A=1\n$env:X=\"hunter2\"\nB=2":                   {2},
		"A=1\n{\"x\": \"hunter2\"}\nB=2":                 {2},
		"A=1\nX=hunter2\xe9\nB=2":                        {2},
		"A=1\nX=hunter2\x00\nB=2":                        {2},
		"A=1\nM=\"one\ntwo\"\nhunter2\n\nhunter2 2\nB=2": {4, 6},
	} {
		file, err := dotenv.Parse([]byte(text))
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		var got []int
		for _, fault := range file.Faults {
			got = append(got, fault.Line)
			if strings.Contains(fault.Error(), "hunter2") {
				t.Errorf("%q: %v", text, fault)
			}
		}
		if v := file.Values(); !slices.Equal(got, lines) || v["A"] != "1" || v["B"] != "2" {
			t.Errorf("%q: faults in %v, want %v; values %q", text, got, lines, v)
		}
	}
	if _, err := dotenv.Parse([]byte("\xFF\xFE\x00\x00A\x00\x00\x00")); err == nil {
		t.Error("UTF-32 is taken for text")
	}
}

func TestMentions(t *testing.T) {
	t.Parallel()
	known := func(word string) bool { return word == "OPENAI_API_KEY" }
	for text, want := range map[string]bool{
		"OPENAI_API_KEY sk-1": true, `$env:OPENAI_API_KEY = "x"`: true, `{"OPENAI_API_KEY": "x"}`: true, "MY_OPENAI_API_KEY x": false, "hello": false,
	} {
		file, err := dotenv.Parse([]byte(text))
		if err != nil || len(file.Faults) != 1 || file.Faults[0].Mentions(known) != want {
			t.Errorf("%q: %v, %v", text, file, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("A=\"x\ny\" # z\nexport B='q'\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := dotenv.Parse(data)
		if err != nil {
			return
		}
		line := 0
		for _, e := range file.Entries {
			if e.Line <= line || e.Name == "" || strings.ContainsRune(e.Value, 0) {
				t.Errorf("%+v after line %d", e, line)
			}
			line = e.Line
		}
	})
}

package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLongTestsShowThemselves(t *testing.T) {
	t.Parallel()
	var reported []string
	rs := newResults(func(line string) { reported = append(reported, line) })
	const pkg = `"Package":"github.com/elizad/elizad/server/x"`
	if _, err := rs.Write([]byte(`{"Action":"pass",` + pkg + `,"Test":"TestA/short","Elapsed":3.9}
{"Action":"fail",` + pkg + `,"Test":"TestA/long","Elapsed":61.25}
{"Action":"fail",` + pkg + `,"Elapsed":62}
`)); err != nil {
		t.Fatal(err)
	}
	want := []string{"fail     61.2s  server/x TestA/long", "fail     62.0s  server/x (2)"}
	if diff := cmp.Diff(want, reported); diff != "" {
		t.Errorf("reported (-want +got):\n%s", diff)
	}
}

func TestResults(t *testing.T) {
	t.Parallel()
	const pkg = `"Package":"github.com/elizad/elizad/server/x"`
	tests := []struct {
		name   string
		events string
		passed int
		failed []string // prefix of a name, and a piece of the output
	}{
		{"passes", `
{"Action":"run",` + pkg + `,"Test":"TestA"}
{"Action":"pass",` + pkg + `,"Test":"TestA"}
{"Action":"pass",` + pkg + `,"Elapsed":0.1}`, 1, nil},
		{"a parent is not counted beside its subtests", `
{"Action":"run",` + pkg + `,"Test":"TestA"}
{"Action":"run",` + pkg + `,"Test":"TestA/one"}
{"Action":"run",` + pkg + `,"Test":"TestA/two/deep"}
{"Action":"output",` + pkg + `,"Test":"TestA/one","Output":"broken\n"}
{"Action":"fail",` + pkg + `,"Test":"TestA/one"}
{"Action":"pass",` + pkg + `,"Test":"TestA/two/deep"}
{"Action":"fail",` + pkg + `,"Test":"TestA"}
{"Action":"fail",` + pkg + `}`, 1, []string{"server/x TestA/one|broken"}},
		{"unless it fails by itself", `
{"Action":"run",` + pkg + `,"Test":"TestA"}
{"Action":"run",` + pkg + `,"Test":"TestA/one"}
{"Action":"pass",` + pkg + `,"Test":"TestA/one"}
{"Action":"fail",` + pkg + `,"Test":"TestA"}
{"Action":"fail",` + pkg + `}`, 1, []string{"server/x TestA|"}},
		{"a skip is a failure", `
{"Action":"run",` + pkg + `,"Test":"TestA"}
{"Action":"output",` + pkg + `,"Test":"TestA","Output":"no database here\n"}
{"Action":"skip",` + pkg + `,"Test":"TestA"}
{"Action":"pass",` + pkg + `}`, 0, []string{"server/x TestA (skipped)|no database here"}},
		{"a package without tests is nothing", `{"Action":"skip",` + pkg + `}`, 0, nil},
		{"a crash names the test that ran", `
{"Action":"run",` + pkg + `,"Test":"TestA"}
{"Action":"output",` + pkg + `,"Test":"TestA","Output":"panic: boom\n"}
{"Action":"fail",` + pkg + `}`, 0, []string{"server/x TestA (did not end)|boom"}},
		{"TestMain fails", `
{"Action":"output",` + pkg + `,"Output":"found unexpected goroutines\n"}
{"Action":"fail",` + pkg + `}`, 0, []string{"server/x|goroutines"}},
		{"what doesn't compile", `
{"ImportPath":"github.com/elizad/elizad/server/x [x.test]","Action":"build-output","Output":"x.go:1: undefined: y\n"}
{"ImportPath":"github.com/elizad/elizad/server/x [x.test]","Action":"build-fail"}
{"Action":"fail",` + pkg + `,"FailedBuild":"github.com/elizad/elizad/server/x [x.test]"}`, 0, []string{"server/x|undefined: y"}},
		{"text between events", `
go: downloading
{"Action":"fail",` + pkg + `}`, 0, []string{"server/x|downloading"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			rs := newResults(func(string) {})
			for b := range bytes.SplitSeq([]byte(tt.events+"\n"), nil) { // byte by byte, as a pipe may deliver it
				if _, err := rs.Write(b); err != nil {
					t.Fatal(err)
				}
			}
			passed, failures := rs.summarize()
			if passed != tt.passed || len(failures) != len(tt.failed) {
				t.Fatalf("%d passed, failures %+v", passed, failures)
			}
			for i, f := range failures {
				name, output, _ := strings.Cut(tt.failed[i], "|")
				if f.name != name || !strings.Contains(f.output, output) {
					t.Errorf("failure %+v, want %s", f, tt.failed[i])
				}
			}
		})
	}
}

func TestSummary(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	r := &runner{out: &out}
	r.step(t.Context(), "good", func(context.Context) (string, error) { return "chatter", nil })
	r.step(t.Context(), "bad", func(context.Context) (string, error) { return "why", errors.New("broken") })
	if code := r.finish(); code != 1 {
		t.Errorf("exit code %d", code)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if last := lines[len(lines)-1]; last != "1 passed, 1 failed" {
		t.Errorf("last line %q", last)
	}
	for _, want := range []string{"==> good\n", "--- FAILED: bad\nwhy\nbroken\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, &out)
		}
	}
	if strings.Contains(out.String(), "chatter") {
		t.Error("what a good step prints is repeated")
	}
}

func TestDifferences(t *testing.T) {
	t.Parallel()
	before := map[string][32]byte{"same": {1}, "changed": {1}, "gone": {1}}
	after := map[string][32]byte{"same": {1}, "changed": {2}, "new": {1}}
	if diff := cmp.Diff([]string{"changed", "gone", "new"}, differences(before, after)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestNodeIsRecent(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]bool{
		"v20.20.2\n": true, "v20.19.0": true, "v22.0.0": true, "v20.9.0": false, "v18.20.4": false, "": false, "v": false,
	} {
		if got := nodeIsRecent(version); got != want {
			t.Errorf("%q: %v", version, got)
		}
	}
}

func TestTail(t *testing.T) {
	t.Parallel()
	text := strings.TrimSpace(strings.Repeat("line\n", 9)) + "\nlast"
	if got := tail(text, 3); got != "… 7 lines before …\nline\nline\nlast" {
		t.Errorf("got %q", got)
	}
	if got := tail("short", 3); got != "short" {
		t.Errorf("got %q", got)
	}
}

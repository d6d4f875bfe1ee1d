package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// event is one line of go test -json.
type event struct {
	Action      string
	Package     string
	ImportPath  string // of build-output
	Test        string
	Output      string
	Elapsed     float64
	FailedBuild string
}

// results collects the events of one run of go test. It is the command's standard output.
type results struct {
	progress   func(line string)
	partial    []byte // the beginning of a line
	packages   map[string]*packageResult
	builds     map[string]*strings.Builder // the compiler's output, by import path
	otherLines strings.Builder             // lines that are no events
}

// longTest is how many seconds a test takes that is reported at once, so that a package of long tests shows its progress.
const longTest = 4

type packageResult struct {
	tests       map[string]*testResult
	output      strings.Builder // outside of tests
	failed      bool
	failedBuild string
}

type testResult struct {
	action string // run until the end is known, then pass, fail or skip
	output strings.Builder
}

func newResults(progress func(line string)) *results {
	return &results{progress: progress, packages: map[string]*packageResult{}, builds: map[string]*strings.Builder{}}
}

// Write takes the next piece of the stream.
func (rs *results) Write(p []byte) (int, error) {
	rs.partial = append(rs.partial, p...)
	for {
		line, rest, found := bytes.Cut(rs.partial, []byte("\n"))
		if !found {
			return len(p), nil
		}
		rs.line(line)
		rs.partial = rest
	}
}

func (rs *results) line(line []byte) {
	var e event
	if json.Unmarshal(line, &e) != nil {
		rs.otherLines.Write(append(line, '\n'))
		return
	}
	if e.Action == "build-output" {
		if rs.builds[e.ImportPath] == nil {
			rs.builds[e.ImportPath] = &strings.Builder{}
		}
		rs.builds[e.ImportPath].WriteString(e.Output)
		return
	}
	if e.Package == "" {
		return
	}
	p := rs.packages[e.Package]
	if p == nil {
		p = &packageResult{tests: map[string]*testResult{}}
		rs.packages[e.Package] = p
	}
	if e.Test == "" {
		p.event(e)
		if (e.Action == "pass" && len(p.tests) > 0) || e.Action == "fail" {
			rs.progress(fmt.Sprintf("%-5s %7.1fs  %s (%d)", e.Action, e.Elapsed, short(e.Package), len(p.leaves())))
		}
		return
	}
	t := p.tests[e.Test]
	if t == nil {
		t = &testResult{}
		p.tests[e.Test] = t
	}
	switch e.Action {
	case "output":
		t.output.WriteString(e.Output)
	case "run", "pass", "fail", "skip":
		t.action = e.Action
	}
	if ended := e.Action == "pass" || e.Action == "fail"; ended && e.Elapsed >= longTest {
		rs.progress(fmt.Sprintf("%-5s %7.1fs  %s %s", e.Action, e.Elapsed, short(e.Package), e.Test))
	}
}

func (p *packageResult) event(e event) {
	switch e.Action {
	case "output":
		p.output.WriteString(e.Output)
	case "fail":
		p.failed, p.failedBuild = true, e.FailedBuild
	}
}

// leaves returns the names of the tests that have no subtests, in order. A parent is the sum of its subtests and counts only if
// it fails by itself.
func (p *packageResult) leaves() []string {
	parents := map[string]bool{}
	for name := range p.tests {
		for i := strings.LastIndexByte(name, '/'); i > 0; i = strings.LastIndexByte(name[:i], '/') {
			parents[name[:i]] = true
		}
	}
	var names []string
	for _, name := range slices.Sorted(maps.Keys(p.tests)) {
		if !parents[name] || (p.tests[name].action == "fail" && !p.failsBelow(name)) {
			names = append(names, name)
		}
	}
	return names
}

func (p *packageResult) failsBelow(parent string) bool {
	for name, t := range p.tests {
		if strings.HasPrefix(name, parent+"/") && t.action != "pass" {
			return true
		}
	}
	return false
}

// summarize counts what passed and explains what did not.
func (rs *results) summarize() (passed int, failures []failure) {
	for _, pkg := range slices.Sorted(maps.Keys(rs.packages)) {
		p := rs.packages[pkg]
		before := len(failures)
		for _, name := range p.leaves() {
			t := p.tests[name]
			full := short(pkg) + " " + name
			switch {
			case t.action == "pass", t.action == "skip" && skipAllowed(short(pkg), name):
				passed++
			case t.action == "skip":
				failures = append(failures, failure{full + " (skipped)", t.output.String()})
			case t.action == "fail":
				failures = append(failures, failure{full, t.output.String()})
			default:
				failures = append(failures, failure{full + " (did not end)", t.output.String()})
			}
		}
		if p.failed && len(failures) == before {
			failures = append(failures, failure{short(pkg), rs.buildOutput(p.failedBuild) + p.output.String()})
		}
	}
	if otherLines := rs.otherLines.String(); otherLines != "" && len(failures) > 0 {
		failures[0].output += "\n" + otherLines
	}
	return passed, failures
}

func (rs *results) buildOutput(importPath string) string {
	if b := rs.builds[importPath]; b != nil {
		return b.String()
	}
	return ""
}

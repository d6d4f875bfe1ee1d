package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// runner runs steps one after the other, reports how they go, and counts.
type runner struct {
	out      io.Writer
	passed   int
	failures []failure
	steps    []stepResult
}

// failure is one test or step that did not pass.
type failure struct {
	name   string
	output string
}

// stepResult is a line of the summary.
type stepResult struct {
	name           string
	took           time.Duration
	passed, failed int
}

// step runs something that is not a Go test and counts as one.
func (r *runner) step(ctx context.Context, name string, do func(context.Context) (output string, err error)) {
	r.begin(name)
	begin := time.Now()
	output, err := do(ctx)
	if err != nil {
		r.end(name, time.Since(begin), 0, failure{name: name, output: strings.TrimSpace(output) + "\n" + err.Error()})
		return
	}
	r.end(name, time.Since(begin), 1)
}

// goTest runs the tests of packages and counts each.
func (r *runner) goTest(ctx context.Context, name string, flags []string, packages ...string) {
	r.begin(name)
	begin := time.Now()
	if len(packages) == 0 {
		r.end(name, 0, 0, failure{name: name, output: "there are no packages to test"})
		return
	}
	results := newResults(func(line string) { fmt.Fprintln(r.out, "    "+line) })
	cmd := prepare(ctx, nil, "go", append(append([]string{"test", "-json"}, flags...), packages...)...)
	var stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = results, &stderr
	err := cmd.Run()
	passed, failures := results.summarize()
	if err != nil && len(failures) == 0 {
		failures = append(failures, failure{name: name, output: stderr.String() + err.Error()})
	}
	if passed == 0 && len(failures) == 0 {
		failures = append(failures, failure{name: name, output: "no test ran"})
	}
	r.end(name, time.Since(begin), passed, failures...)
}

// packages lists the module's packages. A tree that can't be listed is a failure.
func (r *runner) packages(ctx context.Context) []string {
	out, err := command(ctx, "go", "list", "./...")
	if err != nil {
		r.end("list of packages", 0, 0, failure{name: "list of packages", output: out + err.Error()})
		return nil
	}
	return strings.Fields(out)
}

func (r *runner) begin(name string) { fmt.Fprintf(r.out, "==> %s\n", name) }

func (r *runner) end(name string, took time.Duration, passed int, failures ...failure) {
	s := stepResult{name: name, took: took, passed: passed, failed: len(failures)}
	r.passed += passed
	r.failures = append(r.failures, failures...)
	r.steps = append(r.steps, s)
	fmt.Fprintf(r.out, "    %s\n", s)
}

// String describes the result of a step.
func (s stepResult) String() string {
	verdict := "ok"
	if s.failed > 0 {
		verdict = "FAILED"
	}
	text := fmt.Sprintf("%-6s %7.1fs", verdict, s.took.Seconds())
	if s.passed+s.failed != 1 {
		text += fmt.Sprintf("  %d passed, %d failed", s.passed, s.failed)
	}
	return text
}

// finish prints what failed and the totals, and returns the exit code.
func (r *runner) finish() int {
	for _, f := range r.failures {
		fmt.Fprintf(r.out, "\n--- FAILED: %s\n%s\n", f.name, tail(strings.TrimSpace(f.output), 200))
	}
	fmt.Fprintln(r.out)
	for _, s := range r.steps {
		fmt.Fprintf(r.out, "%s  (%s)\n", s, s.name)
	}
	fmt.Fprintf(r.out, "%d passed, %d failed\n", r.passed, len(r.failures))
	if len(r.failures) > 0 {
		return 1
	}
	return 0
}

// tail returns the last n lines of a text.
func tail(text string, n int) string {
	lines := strings.Split(text, "\n")
	if len(lines) <= n {
		return text
	}
	return fmt.Sprintf("… %d lines before …\n%s", len(lines)-n, strings.Join(lines[len(lines)-n:], "\n"))
}

// command runs a program and returns what it printed.
func command(ctx context.Context, name string, args ...string) (string, error) {
	return commandEnv(ctx, nil, name, args...)
}

// commandEnv is command with further environment variables.
func commandEnv(ctx context.Context, env []string, name string, args ...string) (string, error) {
	out, err := prepare(ctx, env, name, args...).CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("%s: %w", strings.Join(append([]string{name}, args[:min(3, len(args))]...), " "), err)
	}
	return string(out), nil
}

// prepare returns a command that dies with its children when ctx ends.
func prepare(ctx context.Context, env []string, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(append(os.Environ(), "CI=true"), env...)
	if dir, err := os.Getwd(); err == nil && os.Getenv("GIT_CONFIG_COUNT") == "" {
		// A CI machine often runs as another user than the owner of the tree, and git, which go build runs too, would refuse.
		cmd.Env = append(cmd.Env, "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0="+dir)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

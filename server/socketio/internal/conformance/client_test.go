package main

import (
	"bytes"
	"context"
	"errors"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// clients is the npm project with the JavaScript clients and the suite that they run.
const clients = "../../../internal/e2e/js"

// clientSuiteTimeout bounds one run of the suite, which takes some seconds on an idle machine.
const clientSuiteTimeout = 3 * time.Minute

// TestSocketIOClient runs what socket.io-client expects of a server, in the client's current version and in version 3, which
// programs of some years ago use. The counts are checked, so that no case gets lost.
func TestSocketIOClient(t *testing.T) {
	t.Parallel()
	for name, cases := range map[string]int{"socket.io-client": 97, "socket.io-client-v3": 66} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			results := runClientSuite(t, name)
			if len(results) != cases {
				t.Errorf("%d cases were run, want %d", len(results), cases)
			}
			for _, r := range results {
				t.Run(r.name, func(t *testing.T) {
					if !r.passed {
						t.Error(r.detail)
					}
				})
			}
		})
	}
}

// caseResult is the result of one case, with what the runner reported about it.
type caseResult struct {
	name, detail string
	passed       bool
}

// runClientSuite runs the suite in Node with the given package as the client, against its own server.
func runClientSuite(t *testing.T, client string) []caseResult {
	t.Helper()
	if _, err := os.Stat(filepath.Join(clients, "node_modules", client)); errors.Is(err, os.ErrNotExist) {
		t.Fatal("the JavaScript clients are not installed; run: npm ci --prefix server/internal/e2e/js")
	}
	server := httptest.NewServer(clientSuite())
	defer server.Close()
	defer server.CloseClientConnections()
	ctx, cancel := context.WithTimeout(t.Context(), clientSuiteTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "--test", "--test-force-exit", "--test-reporter=tap", "socketio-client.test.mjs")
	cmd.Dir = clients
	cmd.Env = append(os.Environ(), "SUITE_URL="+server.URL, "SUITE_CLIENT="+client)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if _, failed := errors.AsType[*exec.ExitError](err); err != nil && (!failed || ctx.Err() != nil) {
		t.Fatalf("running the suite: %v\n%s%s", err, stdout.String(), stderr.String())
	}
	results := parseTAP(stdout.String())
	if err != nil && allPassed(results) {
		t.Fatalf("the runner failed beside the cases: %v\n%s%s", err, stdout.String(), stderr.String())
	}
	return results
}

func allPassed(results []caseResult) bool {
	for _, r := range results {
		if !r.passed {
			return false
		}
	}
	return true
}

var tapLine = regexp.MustCompile(`^(not )?ok \d+ - (.*)$`)

// parseTAP reads the results of cases that are not nested, in the Test Anything Protocol.
func parseTAP(text string) []caseResult {
	var results []caseResult
	for line := range strings.Lines(text) {
		if m := tapLine.FindStringSubmatch(strings.TrimSuffix(line, "\n")); m != nil {
			results = append(results, caseResult{name: m[2], passed: m[1] == ""})
		} else if n := len(results); n > 0 && strings.HasPrefix(line, "  ") {
			results[n-1].detail += line
		}
	}
	return results
}

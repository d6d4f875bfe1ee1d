package e2e_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func get(t *testing.T, url string) int {
	t.Helper()
	return send(t, http.MethodGet, url, nil)
}

// send makes a request, of JSON if there is a body, and returns the status of the answer.
func send(t *testing.T, method, url string, body io.Reader) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

func TestCtrlCEndsCleanly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := start(t, dir)
	if status := get(t, p.url+"/healthz"); status != http.StatusOK {
		t.Errorf("healthz: %d", status)
	}
	p.interrupt()
	if code := p.exitCode(); code != 0 {
		t.Errorf("exit code %d:\n%s", code, p.output)
	}
	again := start(t, dir)
	if status := get(t, again.url+"/api/agents"); status != http.StatusOK {
		t.Errorf("after a second start: %d", status)
	}
}

func TestSecondProcessOnTheSameData(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := start(t, dir)
	second := launch(t, dir, []string{"PORT=0"})
	if code := second.exitCode(); code == 0 {
		t.Error("it started")
	}
	if holder := fmt.Sprint(first.cmd.Process.Pid); !strings.Contains(second.output.String(), holder) {
		t.Errorf("it does not name the holder, %s:\n%s", holder, second.output)
	}
	if status := get(t, first.url+"/healthz"); status != http.StatusOK {
		t.Errorf("the first one: %d", status)
	}
}

func TestPortTaken(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	p := launch(t, t.TempDir(), []string{"PORT=" + port})
	if code := p.exitCode(); code == 0 {
		t.Error("it started")
	}
	if out := p.output.String(); !strings.Contains(out, port) || !strings.Contains(out, "--port") {
		t.Errorf("the message names no port and no way out:\n%s", out)
	}
}

func TestHelpAndVersion(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"--help"}, {"version"}, {"serve", "--help"}} {
		p := launch(t, t.TempDir(), nil, args...)
		if code := p.exitCode(); code != 0 || p.output.String() == "" {
			t.Errorf("%v: exit code %d\n%s", args, code, p.output)
		}
	}
	p := launch(t, t.TempDir(), nil, "--no-such-flag")
	if code := p.exitCode(); code == 0 || !strings.Contains(p.output.String(), "no-such-flag") {
		t.Errorf("an unknown flag: exit code %d\n%s", code, p.output)
	}
}

func TestDatabaseFileElsewhere(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "chat.db")
	first := start(t, t.TempDir(), "SQLITE_PATH="+file)
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
	second := launch(t, t.TempDir(), []string{"PORT=0", "SQLITE_PATH=" + file})
	if code := second.exitCode(); code == 0 || !strings.Contains(second.output.String(), fmt.Sprint(first.cmd.Process.Pid)) {
		t.Errorf("another process on the same file: exit code %d\n%s", code, second.output)
	}
}

// TestForeignHostNames sends what a browser sends for a page whose host name was pointed at this machine.
func TestForeignHostNames(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	for host, want := range map[string]int{"localhost:1": http.StatusOK, "attacker.example": http.StatusForbidden} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+"/api/agents", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: status %d, want %d", host, resp.StatusCode, want)
		}
	}
}

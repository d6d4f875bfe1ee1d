// Package e2e_test holds the black-box tests: they build the binary, start it as a person would, and use it over the network,
// with the clients that people use.
package e2e_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/elizad/elizad/server/internal/programtest"
)

// patience is the time-out of every wait for a process, and scriptPatience that for a script. Only a failing test uses them up.
const (
	patience       = 3 * time.Minute
	scriptPatience = 10 * time.Minute
)

// binary is the path of the program under test, built once.
var binary string

func TestMain(m *testing.M) { programtest.Main(m, &binary) }

// process is a running elizad.
type process struct {
	t      *testing.T
	dir    string // of its data
	cmd    *exec.Cmd
	url    string
	output *output
	done   chan struct{} // closed when it has ended
	err    error         // how it ended; valid when done is closed
}

// output collects the output of a process.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) add(line string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.buf.WriteString(line + "\n")
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

var address = regexp.MustCompile(`http://(127\.0\.0\.1|localhost):\d+`)

// start runs elizad on the data in dir and any free port, and returns when it has printed its address.
func start(t *testing.T, dir string, env ...string) *process {
	t.Helper()
	p := launch(t, dir, append(env, "PORT=0"))
	p.waitForAddress()
	return p
}

// ownerToken returns the token of the owner of the process's server.
func (p *process) ownerToken() string {
	p.t.Helper()
	token, err := os.ReadFile(filepath.Join(p.dir, "owner-token"))
	if err != nil {
		p.t.Fatal(err)
	}
	return strings.TrimSpace(string(token))
}

// waitForAddress returns when the process has printed its address.
func (p *process) waitForAddress() {
	p.t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if p.url = address.FindString(p.output.String()); p.url != "" {
				return
			}
		case <-p.done:
			p.t.Fatalf("elizad ended at once: %v\n%s", p.err, p.output)
		case <-deadline.C:
			p.t.Fatalf("elizad does not say where it listens:\n%s", p.output)
		}
	}
}

// launch starts elizad without waiting for anything.
func launch(t *testing.T, dir string, env []string, args ...string) *process {
	t.Helper()
	cmd := exec.Command(binary, args...)
	cmd.Dir = t.TempDir() // no .env file of the machine
	cmd.Env = append([]string{"HOME=" + dir, "PATH=" + os.Getenv("PATH"), "ELIZAD_DATA_DIR=" + dir, "ELIZAD_RATE_LIMIT=off"}, env...)
	out, in := io.Pipe()
	cmd.Stdout, cmd.Stderr = in, in
	p := &process{t: t, dir: dir, cmd: cmd, output: &output{}, done: make(chan struct{})}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var reading sync.WaitGroup
	reading.Go(func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			p.output.add(lines.Text())
		}
	})
	go func() {
		p.err = cmd.Wait()
		_ = in.Close()
		reading.Wait()
		close(p.done)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-p.done
		if t.Failed() {
			t.Logf("output of elizad:\n%s", p.output)
		}
	})
	return p
}

// kill ends the process as a power cut would, as far as a process can see.
func (p *process) kill() {
	p.t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		p.t.Fatal(err)
	}
	<-p.done
}

// interrupt presses Ctrl-C and waits for the end of the process.
func (p *process) interrupt() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGINT); err != nil {
		p.t.Fatal(err)
	}
	select {
	case <-p.done:
	case <-time.After(patience):
		p.t.Fatal("elizad does not end")
	}
}

// exitCode waits for the end and returns the exit code.
func (p *process) exitCode() int {
	p.t.Helper()
	select {
	case <-p.done:
	case <-time.After(patience):
		p.t.Fatalf("elizad does not end:\n%s", p.output)
	}
	return p.cmd.ProcessState.ExitCode()
}

// scripts returns the folder of the scripts, in which the JavaScript clients are installed.
func scripts(t *testing.T) string {
	t.Helper()
	const dir = "js"
	if _, err := os.Stat(filepath.Join(dir, "node_modules")); errors.Is(err, os.ErrNotExist) {
		t.Fatal("the JavaScript clients are not installed; run: npm ci --prefix server/internal/e2e/js")
	}
	return dir
}

// node runs a script and returns what it printed.
func node(t *testing.T, script string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), scriptPatience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", append([]string{script}, args...)...)
	cmd.Dir = scripts(t)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s%s", strings.Join(append([]string{script}, args...), " "), err, stdout.String(), stderr.String())
	}
	return stdout.String()
}

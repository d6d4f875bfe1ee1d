package chaos_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// machine is where servers run one after the other, on the same data and the same port.
type machine struct {
	t    *testing.T
	dir  string
	env  []string
	url  string
	wrap []string // a program and its arguments that runs the server

	program string // the server's binary, if it is not the one under test
}

func newMachine(t *testing.T, env ...string) *machine {
	t.Helper()
	return newMachineIn(t, t.TempDir(), env...)
}

func newMachineIn(t *testing.T, dir string, env ...string) *machine {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil { // another process may take it before the server does; the kernel hands it out again late
		t.Fatal(err)
	}
	return &machine{t: t, dir: dir, url: "http://127.0.0.1:" + strconv.Itoa(port),
		env: append([]string{"PORT=" + strconv.Itoa(port), "PATH=" + os.Getenv("PATH"), "HOME=" + dir, "ELIZAD_DATA_DIR=" + dir, "ELIZAD_RATE_LIMIT=off"}, env...)}
}

// server is one process.
type server struct {
	*machine
	cmd    *exec.Cmd
	input  io.Writer // its standard input
	output *output
	done   chan struct{} // closed when it has ended
}

type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// launch starts a server without waiting for anything.
func (m *machine) launch() *server {
	m.t.Helper()
	command := append(append([]string{}, m.wrap...), cmp.Or(m.program, binary))
	s := &server{machine: m, cmd: exec.Command(command[0], command[1:]...), output: &output{}, done: make(chan struct{})}
	s.cmd.Dir, s.cmd.Env, s.cmd.Stdout, s.cmd.Stderr = m.t.TempDir(), m.env, s.output, s.output
	var err error
	if s.input, err = s.cmd.StdinPipe(); err != nil {
		m.t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	go func() {
		_ = s.cmd.Wait() // the state says how it ended
		close(s.done)
	}()
	m.t.Cleanup(func() {
		_ = s.cmd.Process.Kill()
		<-s.done
		if m.t.Failed() {
			for line := range strings.Lines(s.output.String()) {
				if !strings.Contains(line, "level=INFO") {
					m.t.Log(line)
				}
			}
		}
	})
	return s
}

// start starts a server and returns when it is healthy.
func (m *machine) start() *server {
	m.t.Helper()
	s := m.launch()
	eventually(m.t, "the server is healthy", func() bool {
		select {
		case <-s.done:
			m.t.Fatalf("elizad ended at once:\n%s", s.output)
		default:
		}
		return s.health().ok
	})
	return s
}

func (s *server) signal(signal syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(signal); err != nil {
		s.t.Fatal(err)
	}
}

// kill ends the server as a power cut would, as far as a process can see.
func (s *server) kill() {
	s.t.Helper()
	s.signal(syscall.SIGKILL)
	<-s.done
}

// stop ends the server as an operator does, and returns its exit code.
func (s *server) stop() int {
	s.t.Helper()
	s.signal(syscall.SIGTERM)
	return s.exitCode()
}

func (s *server) exitCode() int {
	s.t.Helper()
	select {
	case <-s.done:
	case <-time.After(patience):
		s.t.Fatal("elizad does not end")
	}
	return s.cmd.ProcessState.ExitCode()
}

// alive fails the test if the server has ended by itself.
func (s *server) alive() {
	s.t.Helper()
	select {
	case <-s.done:
		s.t.Fatalf("elizad ended by itself: %v", s.cmd.ProcessState)
	default:
	}
}

// health is what the server reports of itself.
type health struct {
	ok              bool
	database, files string
}

func (m *machine) health() health {
	var answer struct {
		Dependencies struct{ Database, Files string }
	}
	status, err := m.call(context.Background(), "GET", "/api/server/health", nil, &answer)
	return health{err == nil && status == http.StatusOK, answer.Dependencies.Database, answer.Dependencies.Files}
}

// refusal is the error in a response.
type refusal struct {
	Error struct{ Code, Message string }
}

// call sends a request with a body of JSON, or with the bytes of a file, and reads the answer.
func (m *machine) call(ctx context.Context, method, path string, body, into any, header ...string) (status int, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var content bytes.Buffer
	contentType := "application/json"
	switch body := body.(type) {
	case nil:
	case []byte:
		form := multipart.NewWriter(&content)
		part, err := form.CreateFormFile("file", "file.txt")
		if err != nil {
			return 0, err
		}
		_, _ = part.Write(body) // a buffer takes everything
		_ = form.Close()
		contentType = form.FormDataContentType()
	default:
		if err := json.NewEncoder(&content).Encode(body); err != nil {
			return 0, err
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, m.url+path, &content)
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", contentType)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return resp.StatusCode, err
	}
	if raw, ok := into.(*[]byte); ok {
		*raw = text
		return resp.StatusCode, nil
	}
	if into != nil {
		if err := json.Unmarshal(text, into); err != nil {
			return resp.StatusCode, fmt.Errorf("reading %q: %w", text, err)
		}
	}
	return resp.StatusCode, nil
}

// must is call for requests that must get a given status.
func (m *machine) must(status int, method, path string, body, into any, header ...string) {
	m.t.Helper()
	if got, err := m.call(m.t.Context(), method, path, body, into, header...); err != nil || got != status {
		m.t.Fatalf("%s %s: status %d, want %d; %v", method, path, got, status, err)
	}
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(patience); !holds(); {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("still not so: %s", what)
		}
	}
}

package main

import (
	"bytes"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/elizad/elizad/server"
)

// invocation is a command line under way.
type invocation struct {
	out, err *buffer
	signals  chan os.Signal
	code     chan int
}

// buffer is a bytes.Buffer for a writer and a reader at the same time. It announces what is written.
type buffer struct {
	mu      sync.Mutex
	text    bytes.Buffer
	written chan struct{}
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case b.written <- struct{}{}:
	default:
	}
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func begin(args ...string) *invocation {
	i := &invocation{
		out: &buffer{written: make(chan struct{}, 1)}, err: &buffer{written: make(chan struct{}, 1)},
		signals: make(chan os.Signal, 2), code: make(chan int, 1),
	}
	go func() { i.code <- run(args, &program{out: i.out, err: i.err, signals: i.signals}) }()
	return i
}

// do runs a command line to its end.
func do(args ...string) (code int, out, err string) {
	i := begin(args...)
	code = <-i.code
	return code, i.out.String(), i.err.String()
}

func TestVersion(t *testing.T) {
	t.Parallel()
	code, out, _ := do("version")
	if code != 0 || !strings.HasPrefix(out, "elizad ") || strings.Count(out, "\n") != 1 {
		t.Errorf("%d %q", code, out)
	}
	if code, flag, _ := do("--version"); code != 0 || flag != out {
		t.Errorf("as a flag: %d %q, not %q", code, flag, out)
	}
	var b build
	code, out, _ = do("version", "--json")
	if err := json.Unmarshal([]byte(out), &b); code != 0 || err != nil || b.Version == "" || b.Go == "" {
		t.Errorf("%d %q: %v", code, out, err)
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	var cfg server.Config
	_, settings, _ := do("help", "settings")
	for _, args := range [][]string{{"--help"}, {"help"}, {"serve", "--help"}, {"help", "serve"}, {"help", "settings"}} {
		code, out, err := do(args...)
		if code != 0 || err != "" {
			t.Errorf("%v: %d %s", args, code, err)
		}
		for _, row := range cfg.Table() {
			for _, name := range row.Env {
				if !strings.Contains(out, name) {
					t.Errorf("%v does not name %s", args, name)
				}
			}
		}
	}
	for _, row := range cfg.Agents.Table() {
		if !strings.Contains(settings, row.Name) {
			t.Errorf("help settings does not name %s", row.Name)
		}
	}
	code, out, _ := do("help", "settings", "--json")
	if code != 0 || !json.Valid([]byte(out)) {
		t.Errorf("%d %q", code, out)
	}
}

func TestUsageErrors(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		args []string
		want string
	}{
		"unknown flag":    {[]string{"--no-such-flag"}, "--no-such-flag"},
		"unknown command": {[]string{"fly"}, "fly"},
		"unknown topic":   {[]string{"help", "fly"}, `"fly"`},
		"bad value":       {[]string{"--port=http"}, "--port"},
		"out of range":    {[]string{"--port=70000"}, "elizad: SERVER_PORT (--port) is 70000"},
		"no such file":    {[]string{"--character=/nowhere.json"}, "--character"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, out, err := do(tt.args...)
			if code != exitUsage || out != "" || !strings.Contains(err, tt.want) || !strings.Contains(err, "elizad --help") {
				t.Errorf("exit code %d\nout: %s\nerr: %s", code, out, err)
			}
		})
	}
}

func TestBadCharacterFile(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]string{
		`{"name": "Ada"}`:          "Character validation failed: /bio: is required\n",
		"{\n\"name\": \"Ada\",\n}": "Character validation failed: must be a JSON object; line 3: ",
		`{"name": "Ada"`:           "must be a JSON object; the text ends too early\n",
		`[]`:                       "must be a JSON object\n",
	} {
		file := filepath.Join(t.TempDir(), "ada.json")
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		code, _, text := do("--port=0", "--data-dir", t.TempDir(), "--character", file)
		if code != exitFailure || !strings.Contains(text, file+": ") || strings.Count(text, want) != 1 || strings.Count(text, "validation failed") != 1 {
			t.Errorf("%s: exit code %d: %s", content, code, text)
		}
	}
}

func TestPortTaken(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	port := strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
	code, _, text := do("--port", port, "--data-dir", t.TempDir())
	if code != exitFailure || !strings.Contains(text, "port "+port) || !strings.Contains(text, "--port") || !strings.Contains(text, "PORT=0") {
		t.Errorf("exit code %d: %s", code, text)
	}
}

// serving starts a server and returns when it says where it is.
func serving(t *testing.T, dir string) (i *invocation, url string) {
	t.Helper()
	i = begin("--port=0", "--host=127.0.0.1", "--data-dir", dir)
	address := regexp.MustCompile(`http://127\.0\.0\.1:\d+`)
	deadline := time.After(time.Minute)
	for {
		if url := address.FindString(i.err.String()); url != "" {
			return i, url
		}
		select {
		case <-i.err.written:
		case code := <-i.code:
			t.Fatalf("exit code %d: %s", code, i.err)
		case <-deadline:
			t.Fatalf("it does not start: %s", i.err)
		}
	}
}

func TestServeUntilInterrupted(t *testing.T) {
	t.Parallel()
	i, url := serving(t, t.TempDir())
	resp, err := http.Get(url + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("healthz: %d", resp.StatusCode)
	}
	http.DefaultClient.CloseIdleConnections()
	i.signals <- syscall.SIGTERM
	if code := <-i.code; code != 0 {
		t.Errorf("exit code %d: %s", code, i.err)
	}
}

func TestDataDirectoryInUse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, _ := serving(t, dir)
	code, _, text := do("--port=0", "--data-dir", dir)
	if code != exitFailure || !strings.Contains(text, dir) || !strings.Contains(text, "ELIZAD_DATA_DIR") {
		t.Errorf("exit code %d: %s", code, text)
	}
	first.signals <- os.Interrupt
	if code := <-first.code; code != 0 {
		t.Errorf("exit code of the first: %d: %s", code, first.err)
	}
}

func TestHurried(t *testing.T) {
	t.Parallel()
	for sig, want := range map[os.Signal]int{os.Interrupt: 130, syscall.SIGTERM: 143} {
		var out bytes.Buffer
		if code := (&program{err: &out}).fail(hurried(sig)); code != want || out.Len() == 0 {
			t.Errorf("%v: exit code %d, %q", sig, code, &out)
		}
	}
}

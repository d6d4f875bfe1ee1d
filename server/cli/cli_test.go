package cli

import (
	"bytes"
	"encoding/json"
	"io"
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
	"testing/synctest"
	"time"

	"github.com/elizad/elizad/server/settings"
)

// invocation is a running command line.
type invocation struct {
	out, err *buffer
	signals  chan os.Signal
	code     chan int
}

// buffer is a bytes.Buffer that is safe for a concurrent writer and reader. It announces writes.
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

func begin(args ...string) *invocation { return beginWith(strings.NewReader(""), args...) }

// beginWith runs a command line that may read in.
func beginWith(in io.Reader, args ...string) *invocation {
	i := &invocation{
		out: &buffer{written: make(chan struct{}, 1)}, err: &buffer{written: make(chan struct{}, 1)},
		signals: make(chan os.Signal, 2), code: make(chan int, 1),
	}
	go func() { i.code <- run(args, &program{in: in, out: i.out, err: i.err, signals: i.signals}) }()
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
	for _, flag := range []string{"--version", "-v"} {
		if code, text, _ := do(flag); code != 0 || text != out {
			t.Errorf("as %s: %d %q, not %q", flag, code, text, out)
		}
	}
	var b build
	code, out, _ = do("version", "--json")
	if err := json.Unmarshal([]byte(out), &b); code != 0 || err != nil || b.Version == "" || b.Go == "" {
		t.Errorf("%d %q: %v", code, out, err)
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	_, table, _ := do("help", "settings")
	for _, args := range [][]string{{"--help"}, {"help"}, {"serve", "--help"}, {"help", "serve"}, {"help", "settings"}} {
		code, out, err := do(args...)
		if code != 0 || err != "" {
			t.Errorf("%v: %d %s", args, code, err)
		}
		for _, row := range settings.Table() {
			for _, name := range row.Env {
				if !strings.Contains(out, name) {
					t.Errorf("%v does not name %s", args, name)
				}
			}
		}
	}
	for _, row := range settings.AgentSettings() {
		if !strings.Contains(table, row.Name) {
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
		"unknown command": {[]string{"fly", "--high"}, "no such command: \"fly\"\nThe commands are serve, keys, users, tokens, secrets, audit, isolation, selftest, version, help"},
		"unknown topic":   {[]string{"help", "fly"}, "no such command: \"fly\"\nThe commands are serve, keys, users, tokens, secrets, audit, isolation, selftest, version, help"},
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

// A character that cannot be read prevents neither the others nor the server from starting. The log names it.
func TestBadCharacterFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var args []string
	for name, content := range map[string]string{"bad.json": `{"name": "Ada"}`, "good.json": `[{"name": "Bob", "bio": "b"}, {"name": "Nobody"}]`} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--character", path)
	}
	i, _ := serving(t, t.TempDir(), args...)
	if text := i.err.String(); !strings.Contains(text, "Bob, speaking") || strings.Contains(text, "Eliza, speaking") {
		t.Errorf("not the agents that were asked for:\n%s", text)
	}
	i.signals <- os.Interrupt
	if code := <-i.code; code != 0 {
		t.Errorf("exit code %d: %s", code, i.err)
	}
}

// What prevents a server from starting is reported with its place and what to do.
func TestStartErrorsNameTheFile(t *testing.T) {
	t.Parallel()
	damaged, file := t.TempDir(), filepath.Join(t.TempDir(), "file")
	for path, text := range map[string]string{filepath.Join(damaged, "elizad.db"): strings.Repeat("noise", 1000), file: "x"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	fresh := t.TempDir()
	for name, tt := range map[string]struct {
		args []string
		want []string
	}{
		"damaged":   {[]string{"--data-dir", damaged}, []string{filepath.Join(damaged, "elizad.db") + ": ", "backup"}},
		"no folder": {[]string{"--data-dir", filepath.Join(file, "x")}, []string{file, "ELIZAD_DATA_DIR"}},
		"no page":   {[]string{"--data-dir", fresh, "--ui-dir", "/nowhere"}, []string{"ELIZA_UI_DIR (--ui-dir)", "/nowhere/index.html"}},
	} {
		code, _, text := do(append(tt.args, "--port=0")...)
		for _, want := range tt.want {
			if code != exitFailure || !strings.Contains(text, want) {
				t.Errorf("%s: exit code %d, %q is missing in %s", name, code, want, text)
			}
		}
	}
	if _, err := os.Stat(filepath.Join(fresh, "elizad.db")); err == nil {
		t.Error("the database was made though there is no page")
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

// serving starts a server and returns when it has logged its address.
func serving(t *testing.T, dir string, args ...string) (i *invocation, url string) {
	t.Helper()
	i = begin(append(args, "--port=0", "--host=127.0.0.1", "--data-dir", dir)...)
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
	dir := t.TempDir()
	stored := filepath.Join(dir, ".env")
	if err := os.WriteFile(stored, []byte("SMALL_MODEL=x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	i, url := serving(t, dir)
	for _, named := range []string{"files=" + stored, "database=" + filepath.Join(dir, "elizad.db")} {
		if !strings.Contains(i.err.String(), named) {
			t.Errorf("%s is missing in\n%s", named, i.err)
		}
	}
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

// A process group and its processes are often signalled at the same moment; that is one request, not two.
func TestSignalsOfOneMomentAreOne(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		later time.Duration // the others follow the first signal
		code  int           // 0: a graceful stop
	}{
		"at once": {0, 0}, "within half a second": {400 * time.Millisecond, 0}, "an impatient one": {600 * time.Millisecond, 130},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				signals, done, ended := make(chan os.Signal, 2), make(chan error, 1), make(chan error, 1)
				stopped := 0
				go func() { ended <- (&program{signals: signals}).untilStopped(done, func() { stopped++ }) }()
				signals <- os.Interrupt
				synctest.Wait()
				time.Sleep(tt.later)
				signals <- os.Interrupt
				signals <- os.Interrupt
				synctest.Wait()
				done <- nil
				code := 0
				if err := <-ended; err != nil {
					code = (&program{err: io.Discard}).fail(err)
				}
				if code != tt.code || stopped != 1 {
					t.Errorf("exit code %d, stopped %d times", code, stopped)
				}
			})
		})
	}
}

func TestHurried(t *testing.T) {
	t.Parallel()
	for sig, want := range map[os.Signal]int{os.Interrupt: 130, syscall.SIGTERM: 143} {
		var out bytes.Buffer
		if code := (&program{err: &out}).fail(forced(sig)); code != want || out.Len() == 0 {
			t.Errorf("%v: exit code %d, %q", sig, code, &out)
		}
	}
}

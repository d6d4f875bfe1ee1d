package chaos_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/build"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/elizad/elizad/server/internal/pgtest"
	"github.com/elizad/elizad/server/internal/programtest"
)

const (
	reading = "func Now() Time {\n\tsec, nsec, mono := runtimeNow()\n" // how package time reads the machine's clock

	// ahead gives a program another clock than its machine's.
	ahead = `package time

import "sync/atomic"

var ahead atomic.Int64

func SetAhead(d Duration) { ahead.Store(int64(d / Second)) }
`
	// remote sets it by lines on the standard input.
	remote = `package main

import (
	"bufio"
	"os"
	"time"
)

func init() {
	go func() {
		for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
			by, err := time.ParseDuration(lines.Text())
			if err != nil {
				panic(err)
			}
			time.SetAhead(by)
		}
	}()
}
`
)

// movable returns the path of an elizad whose wall clock can be set while it runs: it is built with a patched package time. The
// monotonic clock is the machine's, as it is when a clock is set.
var movable = sync.OnceValues(func() (path string, err error) {
	library := filepath.Join(build.Default.GOROOT, "src", "time")
	text, err := os.ReadFile(filepath.Join(library, "time.go"))
	if err != nil {
		return "", err
	}
	if strings.Count(string(text), reading) != 1 {
		return "", errors.New("package time reads the clock in another way than this test knows: change what it replaces")
	}
	program, err := programtest.Folder()
	if err != nil {
		return "", err
	}
	dir, replaced := filepath.Dir(binary), map[string]string{}
	for file, content := range map[string]string{
		filepath.Join(library, "time.go"):  strings.Replace(string(text), reading, reading+"\tsec += ahead.Load()\n", 1),
		filepath.Join(library, "ahead.go"): ahead,
		filepath.Join(program, "ahead.go"): remote,
	} {
		replaced[file] = filepath.Join(dir, fmt.Sprintf("overlay%d.go", len(replaced)))
		if err := os.WriteFile(replaced[file], []byte(content), 0o600); err != nil {
			return "", err
		}
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replaced})
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600); err != nil {
		return "", err
	}
	path = filepath.Join(dir, "elizad-movable")
	return path, programtest.Build(path, "-overlay", filepath.Join(dir, "overlay.json"))
})

// A clock that is set, and set back, ends nothing before its time, even when the server is killed while it is wrong. On
// PostgreSQL the clocks of other nodes count: what has an end may end by such a clock there, and nothing else does.
func TestClockThatJumps(t *testing.T) {
	t.Parallel()
	for engine, env := range map[string][]string{"sqlite": nil, "postgres": {"POSTGRES_URL=" + pgtest.URL(t)}} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			program, err := movable()
			if err != nil {
				t.Fatal(err)
			}
			m := newMachine(t, env...)
			m.program = program
			s := m.start()
			l := newLoad(m)
			l.endsCount = engine == "sqlite"
			set := func(by time.Duration) {
				t.Helper()
				const followed = "the clock jumped"
				before := strings.Count(s.output.String(), followed)
				if _, err := fmt.Fprintln(s.input, by); err != nil {
					t.Fatal(err)
				}
				eventually(t, "the server follows", func() bool { return strings.Count(s.output.String(), followed) > before })
				l.more(20)
			}
			for range *rounds {
				for _, by := range []time.Duration{time.Hour, 0, -time.Hour, 0, time.Hour} {
					set(by)
				}
				s.alive()
				s.kill() // while its clock is ahead
				s = m.start()
				l.more(20)
			}
			l.check(t)
			s.alive()
			if engine == "sqlite" {
				s.stop()
				m.checkIntegrity()
			}
		})
	}
}

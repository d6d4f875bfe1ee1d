// Package pgtest gives tests a private PostgreSQL server, without Docker and without a network.
//
// The first use in a test binary starts a server in a temporary directory, reachable through a unix socket only;
// every call of [URL] then makes a database on it by copying a migrated one, which takes some 30 ms. A small shell process
// owns the server: it stops it and removes the directory when the test binary ends, however it ends.
//
// The databases sort text by language, as production databases mostly do, so that a query that relies on byte order without
// saying so fails here. The tests' role owns the databases and is no superuser.
package pgtest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/elizad/elizad/server/internal/store/pgstore"
)

const (
	superuser = "postgres"
	role      = "elizad"
	template  = "migrated"

	defaultPort = "5432"
)

// URL returns the connection URL of a new database with the newest schema, which is dropped when the test ends. A machine
// without PostgreSQL fails the test: a suite that passes without having run would be worse.
func URL(t testing.TB) string {
	t.Helper()
	return create(t, "TEMPLATE "+template+" STRATEGY FILE_COPY")
}

// EmptyURL is like [URL] for a database without any table.
func EmptyURL(t testing.TB) string {
	t.Helper()
	return create(t, "TEMPLATE template0")
}

// shared is the one server of the test binary.
var shared = sync.OnceValues(func() (*server, error) {
	return start(defaultPort, "-c synchronous_commit=off -c full_page_writes=off", nil)
})

func create(t testing.TB, from string) string {
	t.Helper()
	s, err := shared()
	if err != nil {
		t.Fatalf("PostgreSQL for tests: %v", err)
	}
	name := fmt.Sprintf("test_%d", s.databases.Add(1))
	if err := s.exec(t.Context(), fmt.Sprintf("CREATE DATABASE %s OWNER %s %s", name, role, from)); err != nil {
		t.Fatalf("PostgreSQL for tests: making a database: %v", err)
	}
	t.Cleanup(func() {
		if err := s.exec(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Errorf("PostgreSQL for tests: dropping a database: %v", err)
		}
	})
	return s.url(role, name)
}

type server struct {
	dir       string   // holds the socket
	port      string   // that the socket is named by
	owner     *os.File // the pipe whose end ends the server: open as long as this process lives
	answers   *bufio.Reader
	databases atomic.Int64
}

// Private is a server that a test has for itself, to crash it. What it has committed survives that.
type Private struct{ server *server }

// NewPrivate starts one, which ends with the test.
func NewPrivate(t testing.TB) *Private {
	t.Helper()
	return newPrivate(t, defaultPort, "", nil)
}

func newPrivate(t testing.TB, port, options string, files map[string][]byte) *Private {
	t.Helper()
	s, err := start(port, options, files)
	if err != nil {
		t.Fatalf("PostgreSQL for tests: %v", err)
	}
	t.Cleanup(func() { _ = s.owner.Close() })
	return &Private{s}
}

// URL returns the connection URL of the server's one database.
func (p *Private) URL() string { return p.server.url(role, template) }

// Crash ends the server as a power cut would, for all that PostgreSQL knows.
func (p *Private) Crash(t testing.TB) {
	t.Helper()
	p.server.do(t, "crash")
}

// Start starts it again, and returns when it has recovered.
func (p *Private) Start(t testing.TB) {
	t.Helper()
	p.server.do(t, "start")
}

// Exec runs a command as the superuser.
func (p *Private) Exec(ctx context.Context, command string) error { return p.server.exec(ctx, command) }

// MoveTables moves what the database holds to a folder, such as one on a separate disk, that the server's user can
// get to. Nobody may be connected.
func (p *Private) MoveTables(t testing.TB, folder string) {
	t.Helper()
	if os.Getuid() == 0 {
		owner, err := credential(superuser)
		if err == nil {
			err = os.Chown(folder, int(owner.Uid), int(owner.Gid))
		}
		if err != nil {
			t.Fatalf("PostgreSQL for tests: handing over a folder: %v", err)
		}
	}
	for _, command := range []string{"CREATE TABLESPACE moved LOCATION '" + folder + "'", "ALTER DATABASE " + template + " SET TABLESPACE moved"} {
		if err := p.Exec(t.Context(), command); err != nil {
			t.Fatalf("PostgreSQL for tests: moving the tables: %v", err)
		}
	}
}

func (s *server) do(t testing.TB, command string) {
	t.Helper()
	if _, err := fmt.Fprintln(s.owner, command); err != nil {
		t.Fatalf("PostgreSQL for tests: %s: %v", command, err)
	}
	if line, err := s.answers.ReadString('\n'); line != "done\n" {
		t.Fatalf("PostgreSQL for tests: %s: got %q, %v", command, line, err)
	}
}

// script runs as the server's user in the server's directory; its arguments are the directory of the programs and what the
// server trades for safety. It says "ready", obeys the lines of its input, each of which it answers with "done", and ends with
// it, which is the end of the test binary.
const script = `
trap 'cd / && rm -rf "$dir"' EXIT
set -e
dir=$PWD
"$1/initdb" -D data -U ` + superuser + ` --auth=trust --no-sync --encoding=UTF8 --locale=C --locale-provider=icu --icu-locale=en >/dev/null
start() {
  "$1/pg_ctl" start -D data -s -w -t 60 -l log -o "-k '$dir' -c listen_addresses='' -c max_connections=200 -c shared_buffers=32MB \
    -c fsync=off -c deadlock_timeout=50ms $2" || { cat log >&2; exit 1; }
}
start "$1" "$2"
echo ready
while read -r command; do
  case $command in
    crash) "$1/pg_ctl" stop -D data -s -w -m immediate ;;
    start) start "$1" "$2" ;;
  esac
  echo done
done
"$1/pg_ctl" stop -D data -s -m immediate || true
`

// start starts a server with some options, and some files beside its data, and makes the database that [URL] copies.
func start(port, options string, files map[string][]byte) (_ *server, err error) {
	programs, err := findPrograms()
	if err != nil {
		return nil, err
	}
	// Not below TMPDIR, which may be long or private: the path of a socket is limited to some 100 bytes, and the server's
	// user has to get there.
	dir, err := os.MkdirTemp("/tmp", "elizad-pg-")
	if err != nil {
		return nil, fmt.Errorf("making a directory: %w", err)
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return nil, fmt.Errorf("writing a file: %w", err)
		}
	}
	input, owner, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("making a pipe: %w", err)
	}
	defer input.Close()
	cmd := exec.Command("/bin/sh", "-c", script, "pgtest", programs, "-c port="+port+" "+options)
	cmd.Dir, cmd.Stdin, cmd.Stderr = dir, input, os.Stderr
	// In its own process group, an interrupt from the terminal doesn't reach it before it could clean up.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if os.Getuid() == 0 { // PostgreSQL refuses to run as root
		if cmd.SysProcAttr.Credential, err = credential(superuser); err != nil {
			return nil, err
		}
		for _, name := range append(slices.Collect(maps.Keys(files)), ".") {
			if err := os.Chown(filepath.Join(dir, name), int(cmd.SysProcAttr.Credential.Uid), int(cmd.SysProcAttr.Credential.Gid)); err != nil {
				return nil, fmt.Errorf("handing over the directory: %w", err)
			}
		}
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("making a pipe: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting it: %w", err)
	}
	s := &server{dir: dir, port: port, owner: owner, answers: bufio.NewReader(output)}
	if line, err := s.answers.ReadString('\n'); line != "ready\n" {
		return nil, fmt.Errorf("starting it: got %q: %w", line, err)
	}
	for _, command := range []string{"CREATE ROLE " + role + " LOGIN", "CREATE DATABASE " + template + " OWNER " + role} {
		if err := s.exec(context.Background(), command); err != nil {
			return nil, err
		}
	}
	if err := pgstore.Migrate(context.Background(), pgstore.Config{URL: s.url(role, template)}); err != nil {
		return nil, err
	}
	return s, nil
}

// exec runs a command as the superuser.
func (s *server) exec(ctx context.Context, command string) error {
	conn, err := pgx.Connect(ctx, s.url(superuser, superuser))
	if err != nil {
		return fmt.Errorf("connecting: %w", err)
	}
	_, err = conn.Exec(ctx, command)
	return errors.Join(err, conn.Close(ctx))
}

func (s *server) url(user, database string) string {
	place := url.Values{"host": {s.dir}, "user": {user}}
	if s.port != defaultPort {
		place.Set("port", s.port)
	}
	return fmt.Sprintf("postgres:///%s?%s", database, place.Encode())
}

func credential(name string) (*syscall.Credential, error) {
	account, err := user.Lookup(name)
	if err != nil {
		return nil, fmt.Errorf("finding the user it runs as: %w", err)
	}
	uid, uidErr := strconv.ParseUint(account.Uid, 10, 32)
	gid, gidErr := strconv.ParseUint(account.Gid, 10, 32)
	if err := errors.Join(uidErr, gidErr); err != nil {
		return nil, fmt.Errorf("finding the user it runs as: %w", err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

// findPrograms returns the directory of the newest installed PostgreSQL. Debian keeps the server's programs off the PATH.
func findPrograms() (string, error) {
	version := func(dir string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(dir)))
		return n
	}
	dirs, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err == nil && len(dirs) > 0 {
		return slices.MaxFunc(dirs, func(a, b string) int { return version(a) - version(b) }), nil
	}
	initdb, err := exec.LookPath("initdb")
	if err != nil {
		return "", fmt.Errorf("the programs are missing, install them with: apt-get install postgresql (%w)", err)
	}
	return filepath.Dir(initdb), nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// Tools that are installed below bin, at fixed versions.
const (
	staticcheckVersion = "v0.8.2"
	staticcheckPath    = "bin/staticcheck"
	nodeVersion        = "20.20.2"
)

// setUp installs what the tests need and the machine lacks.
func setUp(ctx context.Context, r *runner) {
	r.step(ctx, "programs of the system", func(ctx context.Context) (string, error) { return installPrograms(ctx, r) })
	r.step(ctx, "staticcheck is installed", installStaticcheck)
	r.step(ctx, "Node is recent enough", installNode)
	for _, dir := range npmProjects(ctx) {
		r.step(ctx, "npm packages in "+dir, func(ctx context.Context) (string, error) { return installNPM(ctx, dir) })
	}
}

// program is something the tests run, and the Debian packages it comes in.
type program struct {
	name     string
	present  func() bool
	packages []string
}

func programs() []program {
	onPath := func(names ...string) func() bool {
		return func() bool {
			for _, name := range names {
				if _, err := exec.LookPath(name); err == nil {
					return true
				}
			}
			return false
		}
	}
	return []program{
		{"a C compiler, for the race detector", onPath("gcc", "cc", "clang"), []string{"gcc", "libc6-dev"}},
		{"Node and npm", func() bool { return onPath("node")() && onPath("npm")() }, []string{"nodejs", "npm"}},
		{"Chromium", onPath("chromium", "chromium-browser", "google-chrome"), []string{"chromium"}},
		{"PostgreSQL", func() bool {
			found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // Debian keeps it off the PATH
			return len(found) > 0 || onPath("initdb")()
		}, []string{"postgresql"}},
		{"python-socketio", func() bool {
			return exec.Command("/usr/bin/python3", "-c", "import requests, socketio").Run() == nil
		}, []string{"python3-socketio", "python3-requests"}},
	}
}

// installPrograms installs the packages of the programs that are missing.
func installPrograms(ctx context.Context, r *runner) (string, error) {
	var names, packages []string
	for _, p := range programs() {
		if !p.present() {
			names, packages = append(names, p.name), append(packages, p.packages...)
		}
	}
	if len(packages) == 0 {
		return "", nil
	}
	fmt.Fprintf(r.out, "    missing: %s; installing %s\n", strings.Join(names, ", "), strings.Join(packages, " "))
	apt := []string{"apt-get"}
	if os.Geteuid() != 0 {
		apt = []string{"sudo", "-n", "apt-get"}
	}
	install := append([]string{"install", "-y", "--no-install-recommends"}, packages...)
	if _, err := exec.LookPath("apt-get"); err != nil {
		return "", fmt.Errorf("%s missing, and this machine has no apt-get: install them by hand", strings.Join(names, ", "))
	}
	for _, args := range [][]string{{"update"}, install} {
		args = append(append([]string{}, apt...), args...)
		if out, err := commandEnv(ctx, []string{"DEBIAN_FRONTEND=noninteractive"}, args[0], args[1:]...); err != nil {
			return out, fmt.Errorf("%w; as root run: apt-get %s", err, strings.Join(install, " "))
		}
	}
	return "", nil
}

func installStaticcheck(ctx context.Context) (string, error) {
	if out, err := command(ctx, staticcheckPath, "-version"); err == nil && strings.Contains(out, strings.TrimPrefix(staticcheckVersion, "v")) {
		return "", nil
	}
	bin, err := filepath.Abs("bin")
	if err != nil {
		return "", fmt.Errorf("finding the directory for tools: %w", err)
	}
	return commandEnv(ctx, []string{"GOBIN=" + bin, "GOFLAGS="}, "go", "install", "honnef.co/go/tools/cmd/staticcheck@"+staticcheckVersion)
}

// installNode puts a newer Node in front of one that is too old, as Debian 12's is. It comes from npm, like the packages.
func installNode(ctx context.Context) (string, error) {
	if out, err := command(ctx, "node", "--version"); err == nil && nodeIsRecent(out) {
		return "", nil
	}
	arch := map[string]string{"amd64": "x64", "arm64": "arm64"}[runtime.GOARCH]
	if runtime.GOOS != "linux" || arch == "" {
		return "", fmt.Errorf("this Node is older than 20.19: install a newer one")
	}
	name := "node-linux-" + arch
	dir, err := filepath.Abs(filepath.Join("bin", "node"))
	if err != nil {
		return "", fmt.Errorf("finding the directory for tools: %w", err)
	}
	out, err := command(ctx, "npm", "install", "--no-audit", "--no-fund", "--prefix", dir, name+"@"+nodeVersion)
	if err != nil {
		return out, err
	}
	path := filepath.Join(dir, "node_modules", name, "bin")
	return "", os.Setenv("PATH", path+string(os.PathListSeparator)+os.Getenv("PATH"))
}

// nodeIsRecent reads what node --version prints, such as v20.19.4. The build of the web UI needs 20.19.
func nodeIsRecent(version string) bool {
	parts := strings.SplitN(strings.TrimPrefix(strings.TrimSpace(version), "v"), ".", 3)
	if len(parts) < 3 {
		return false
	}
	major, err1 := strconv.Atoi(parts[0])
	minor, err2 := strconv.Atoi(parts[1])
	return errors.Join(err1, err2) == nil && (major > 20 || (major == 20 && minor >= 19))
}

// installNPM installs the packages of a project, unless they were installed after its lock file last changed.
func installNPM(ctx context.Context, dir string) (string, error) {
	lock, err := os.Stat(filepath.Join(dir, "package-lock.json"))
	if err != nil {
		return "", fmt.Errorf("looking at the lock file: %w", err)
	}
	if done, err := os.Stat(filepath.Join(dir, "node_modules", ".package-lock.json")); err == nil && done.ModTime().After(lock.ModTime()) {
		return "", nil
	}
	return command(ctx, "npm", "ci", "--no-audit", "--no-fund", "--prefix", dir)
}

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const module = "github.com/elizad/elizad"

// Packages whose tests are a separate step, by the beginning of their path.
const (
	storePackages = module + "/server/internal/store"
	visitsPackage = module + "/server/internal/store/visits"
	wirePackage   = module + "/server"
	e2ePackages   = module + "/server/internal/e2e"
	chaosPackage  = module + "/server/internal/chaos"
	// conformancePackage needs the JavaScript clients that the full run installs.
	conformancePackage = module + "/server/socketio/internal/conformance"
)

// check runs what finds most mistakes in little time. Results of unchanged packages come from Go's cache.
func check(ctx context.Context, r *runner) {
	r.step(ctx, "staticcheck is installed", installStaticcheck)
	analyse(ctx, r)
	packages := r.packages(ctx)
	unit := slices.DeleteFunc(packages, func(p string) bool {
		return p == wirePackage || p == conformancePackage || p == chaosPackage || isBelow(p, e2ePackages)
	})
	r.goTest(ctx, "tests", nil, unit...)
}

// test runs everything.
func test(ctx context.Context, r *runner) {
	setUp(ctx, r)
	analyse(ctx, r)
	r.step(ctx, "generated code is fresh", generatedIsFresh)
	r.step(ctx, "static binary", staticBinary)

	var unit, store, counted, wire, clients []string
	for _, p := range r.packages(ctx) {
		switch {
		case isBelow(p, e2ePackages), p == chaosPackage:
			clients = append(clients, p)
		case p == visitsPackage:
			counted = append(counted, p)
		case isBelow(p, storePackages):
			store = append(store, p)
		case p == wirePackage:
			wire = append(wire, p)
		default:
			unit = append(unit, p)
		}
	}
	// Results from the cache would hide that a database or a browser is gone.
	uncached := []string{"-count=1", "-timeout=20m"}
	// The SQLite that is compiled in is left as it is: the race detector would make it ten times slower, and can't see into it.
	raced := append(uncached, "-race", "-gcflags=modernc.org/sqlite/lib=-race=false", "-gcflags=modernc.org/libc=-race=false")
	r.goTest(ctx, "unit tests, with the race detector", raced, unit...)
	r.goTest(ctx, "store on SQLite and PostgreSQL, with the race detector", raced, store...)
	r.goTest(ctx, "rows that queries visit, on both", uncached, counted...)
	r.goTest(ctx, "the whole server over the wire", uncached, wire...)
	r.goTest(ctx, "the same on PostgreSQL, with the race detector", raced, append(wire, "-engine=postgres")...)
	for _, dir := range npmProjects(ctx) {
		if hasScript(dir, "check") {
			r.step(ctx, "npm run check in "+dir, func(ctx context.Context) (string, error) {
				return command(ctx, "npm", "run", "--silent", "check", "--prefix", dir)
			})
		}
	}
	// These tests wait for other processes most of the time, some for a minute.
	r.goTest(ctx, "real JavaScript clients and browser, and faults", append(uncached, "-parallel=4"), clients...)
}

// analyse runs the checks that only read the source.
func analyse(ctx context.Context, r *runner) {
	r.step(ctx, "formatting", formatted)
	r.step(ctx, "go.mod is tidy", func(ctx context.Context) (string, error) { return command(ctx, "go", "mod", "tidy", "-diff") })
	r.step(ctx, "go vet", func(ctx context.Context) (string, error) { return command(ctx, "go", "vet", "./...") })
	r.step(ctx, "staticcheck", func(ctx context.Context) (string, error) {
		return command(ctx, staticcheckPath, "./...")
	})
}

// formatted fails for Go files that gofmt would change.
func formatted(ctx context.Context) (string, error) {
	files, err := sourceFiles(ctx, "*.go")
	if err != nil {
		return "", err
	}
	out, err := command(ctx, "gofmt", append([]string{"-l"}, files...)...)
	if err == nil && out != "" {
		err = fmt.Errorf("not formatted, run gofmt -w on these files")
	}
	return out, err
}

// generatedIsFresh generates everything again and fails if that changes a file. The new files stay, ready to be committed.
func generatedIsFresh(ctx context.Context) (string, error) {
	before, err := fingerprints(ctx)
	if err != nil {
		return "", err
	}
	if out, err := command(ctx, "go", "generate", "./..."); err != nil {
		return out, err
	}
	after, err := fingerprints(ctx)
	if err != nil {
		return "", err
	}
	if stale := differences(before, after); len(stale) > 0 {
		return strings.Join(stale, "\n"), fmt.Errorf("these files were not what the generators write; commit them as they are now")
	}
	return "", nil
}

// staticBinary builds the program that is released and fails if it depends on anything of the machine.
func staticBinary(ctx context.Context) (string, error) {
	path := filepath.Join("bin", "elizad")
	out, err := commandEnv(ctx, []string{"CGO_ENABLED=0"}, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", path, "./cmd/elizad")
	if err != nil {
		return out, err
	}
	out, err = command(ctx, "go", "version", "-m", path)
	if err == nil && !strings.Contains(out, "CGO_ENABLED=0") {
		err = fmt.Errorf("the binary is linked with C")
	}
	return out, err
}

// fuzz runs every fuzz target for a while. It isn't among the tests, which must say the same of the same tree: what it finds
// becomes a seed of its target, and the tests run all seeds.
func fuzz(ctx context.Context, r *runner, each time.Duration) {
	for _, p := range r.packages(ctx) {
		names, err := fuzzTargets(ctx, p)
		if err != nil {
			r.step(ctx, "fuzz targets of "+short(p), func(context.Context) (string, error) { return "", err })
		}
		for _, name := range names {
			r.step(ctx, "fuzz "+short(p)+" "+name, func(ctx context.Context) (string, error) {
				out, err := command(ctx, "go", "test", "-run=^$", "-fuzz=^"+name+"$", "-fuzztime="+each.String(), "-fuzzminimizetime=10s", p)
				if err != nil && endedWhileMinimizing(out) {
					err = nil
				}
				return out, err
			})
		}
	}
}

// endedWhileMinimizing reports whether go test calls a failure what is only the end of its time, because that came while it
// minimized an interesting input. An input that fails is written to a file, and the output says so.
func endedWhileMinimizing(out string) bool {
	return strings.Contains(out, "context deadline exceeded") && !strings.Contains(out, "Failing input written")
}

// fuzzTargets returns the names of a package's fuzz functions. Packages without any aren't built.
func fuzzTargets(ctx context.Context, pkg string) ([]string, error) {
	dir, err := command(ctx, "go", "list", "-f", "{{.Dir}}", pkg)
	if err != nil {
		return nil, fmt.Errorf("finding %s: %w", pkg, err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(dir), "*_test.go"))
	if err != nil {
		return nil, fmt.Errorf("listing tests of %s: %w", pkg, err)
	}
	var names []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("reading a test: %w", err)
		}
		for line := range strings.Lines(string(text)) {
			if rest, ok := strings.CutPrefix(line, "func Fuzz"); ok {
				name, _, _ := strings.Cut(rest, "(")
				names = append(names, "Fuzz"+name)
			}
		}
	}
	return names, nil
}

// isBelow reports whether a package is a tree's root or inside of it.
func isBelow(pkg, root string) bool { return pkg == root || strings.HasPrefix(pkg, root+"/") }

// short returns a package's path within the module.
func short(pkg string) string { return strings.TrimPrefix(pkg, module+"/") }

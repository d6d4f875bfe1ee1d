// Command ci runs everything that must hold before a change goes in, and reports what does not.
//
//	go run ./cmd/internal/ci check           the inner loop: formatting, vet, staticcheck, tests without the slow ones
//	go run ./cmd/internal/ci test            everything, on a fresh machine: it installs what is missing first
//	go run ./cmd/internal/ci fuzz [-time D]  every fuzz target for longer than the tests do
//
// It prints each step with its duration as it goes, the output of what failed at the end, and as its last line
//
//	N passed, N failed
//
// where every Go test counts as one, and so does every step that isn't a Go test. A test that is skipped has not passed: it
// counts as failed unless skips.go lists it with a reason.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	code, err := run(ctx, os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "ci:", err)
		code = 2
	}
	os.Exit(code)
}

func run(ctx context.Context, args []string) (code int, err error) {
	if len(args) == 0 {
		return 0, fmt.Errorf("missing command: check, test or fuzz")
	}
	flags := flag.NewFlagSet("ci", flag.ContinueOnError)
	fuzzTime := flags.Duration("time", time.Minute, "how long to run each fuzz target")
	if err := flags.Parse(args[1:]); err != nil {
		return 0, err
	}
	r := &runner{out: os.Stdout}
	switch args[0] {
	case "check":
		check(ctx, r)
	case "test":
		test(ctx, r)
	case "fuzz":
		fuzz(ctx, r, *fuzzTime)
	default:
		return 0, fmt.Errorf("unknown command %q: check, test or fuzz", args[0])
	}
	return r.finish(), nil
}

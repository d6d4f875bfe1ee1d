package lifecycle

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"
)

// Contain keeps a panic from ending the process: deferred first in a goroutine, it logs the panic with its stack and lets the
// goroutine end. What the goroutine was to do is left undone.
func Contain(log *slog.Logger, what string) {
	if v := recover(); v != nil {
		log.Error("panic in "+what, "panic", v, "stack", string(debug.Stack()))
	}
}

// panicPause is how long a loop rests that panicked, so that one that does so each time leaves the processor to others.
const panicPause = time.Second

// Persist calls fn, and again after a pause when it panicked: for loops that the server is of no use without. It returns when
// fn does, or when ctx ends after a panic.
func Persist(ctx context.Context, log *slog.Logger, what string, fn func()) {
	for !completes(log, what, fn) {
		select {
		case <-ctx.Done():
			return
		case <-time.After(panicPause):
		}
	}
}

func completes(log *slog.Logger, what string, fn func()) (done bool) {
	defer Contain(log, what)
	fn()
	return true
}

// Await calls wait, which blocks until something has ended, and returns when it does, or with the cause of ctx's end when that
// comes first. A panic of wait is an error.
func Await(ctx context.Context, wait func()) error {
	done := make(chan error, 1)
	go func() {
		var err error
		defer func() {
			if v := recover(); v != nil {
				err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
			}
			done <- err
		}()
		wait()
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

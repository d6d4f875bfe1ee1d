package openai

import (
	"context"
	"errors"
	"io"
	"time"
)

// errSilent is the cancel cause of a call whose endpoint said nothing for too long.
var errSilent = errors.New("the endpoint went silent")

// watch cancels a call when the endpoint goes silent. Time that the reader of the answer takes doesn't count.
type watch struct {
	ctx   context.Context
	timer *time.Timer
	first time.Duration // silence allowed before the first byte
	idle  time.Duration // and after it
}

// newWatch starts watching; the caller must call cancel.
func newWatch(parent context.Context, first, idle time.Duration) (w *watch, cancel func()) {
	ctx, cancelCause := context.WithCancelCause(parent)
	w = &watch{ctx: ctx, first: first, idle: idle}
	w.timer = time.AfterFunc(first, func() { cancelCause(errSilent) })
	return w, func() {
		w.timer.Stop()
		cancelCause(nil)
	}
}

// silent reports whether the watch ended the call.
func (w *watch) silent() bool { return errors.Is(context.Cause(w.ctx), errSilent) }

// ended reports whether err came from the connection rather than from what was read.
func (w *watch) ended(err error) bool {
	_, read := errors.AsType[*readError](err)
	return read || w.ctx.Err() != nil
}

// reader returns body under the watch.
func (w *watch) reader(body io.Reader) io.Reader { return &watchedReader{watch: w, body: body} }

type watchedReader struct {
	watch *watch
	body  io.Reader
	begun bool
}

func (r *watchedReader) Read(p []byte) (int, error) {
	allowed := r.watch.idle
	if !r.begun {
		allowed = r.watch.first
	}
	r.watch.timer.Reset(allowed)
	n, err := r.body.Read(p)
	r.watch.timer.Stop()
	r.begun = r.begun || n > 0
	if err != nil && err != io.EOF {
		err = &readError{err}
	}
	return n, err
}

// readError marks a failure of the connection while an answer was read.
type readError struct{ err error }

func (e *readError) Error() string { return "reading the answer: " + e.err.Error() }
func (e *readError) Unwrap() error { return e.err }

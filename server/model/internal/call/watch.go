package call

import (
	"context"
	"errors"
	"io"
	"time"
)

// errSilent is the cancel cause of a call whose endpoint said nothing for too long.
var errSilent = errors.New("the endpoint went silent")

// Watch cancels a call when the endpoint goes silent. Time that the reader of the answer takes doesn't count.
type Watch struct {
	Context context.Context // of the call; ends when the endpoint goes silent

	timer *time.Timer
	first time.Duration // silence allowed before the first byte
	idle  time.Duration // and after it
}

// newWatch starts watching; the caller must call cancel.
func newWatch(parent context.Context, first, idle time.Duration) (w *Watch, cancel func()) {
	ctx, cancelCause := context.WithCancelCause(parent)
	w = &Watch{Context: ctx, first: first, idle: idle}
	w.timer = time.AfterFunc(first, func() { cancelCause(errSilent) })
	return w, func() {
		w.timer.Stop()
		cancelCause(nil)
	}
}

// silent reports whether the watch ended the call.
func (w *Watch) silent() bool { return errors.Is(context.Cause(w.Context), errSilent) }

// Ended reports whether err came from the connection rather than from what was read.
func (w *Watch) Ended(err error) bool { return IsReadError(err) || w.Context.Err() != nil }

// Reader returns body under the watch.
func (w *Watch) Reader(body io.Reader) io.Reader { return &watchedReader{watch: w, body: body} }

type watchedReader struct {
	watch *Watch
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

// IsReadError reports whether the connection failed while an answer was read.
func IsReadError(err error) bool {
	_, is := errors.AsType[*readError](err)
	return is
}

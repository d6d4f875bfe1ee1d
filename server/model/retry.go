package model

import (
	"context"
	"errors"
	"iter"
	"math/rand/v2"
	"time"
)

const (
	retries      = 2                      // further attempts after the first
	retryBase    = 500 * time.Millisecond // wait before the first retry, doubled for the next
	retryMaxWait = 20 * time.Second       // a provider that asks for more is not waited for
)

// Retry returns a provider that repeats a call of p which failed in a retryable way, at most twice, with a jittered wait
// that is never shorter than what the provider asked for. Once any text was yielded a failure is final, because the
// text may have been shown. So is a failure whose provider asks for a longer wait than 20 seconds.
func Retry(p Provider) Provider { return retrier{p} }

type retrier struct{ Provider }

func (r retrier) Generate(ctx context.Context, req Request) iter.Seq2[Chunk, error] {
	return func(yield func(Chunk, error) bool) {
		for attempt := 0; ; attempt++ {
			wait, again := r.attempt(ctx, req, attempt, yield)
			if !again {
				return
			}
			if !sleep(ctx, wait) {
				yield(Chunk{}, context.Cause(ctx))
				return
			}
		}
	}
}

// attempt passes one call through to yield. It holds back a failure that is worth another attempt, and then reports how
// long to wait.
func (r retrier) attempt(ctx context.Context, req Request, n int, yield func(Chunk, error) bool) (time.Duration, bool) {
	began, start := false, time.Now()
	for chunk, err := range r.Provider.Generate(ctx, req) {
		if err != nil && !began && n < retries && ctx.Err() == nil {
			if wait, ok := retryWait(err, n); ok {
				req.Attempted(Attempt{Err: err, Took: time.Since(start), Wait: wait})
				return wait, true
			}
		}
		began = began || chunk.Text != ""
		if !yield(chunk, err) || err != nil {
			return 0, false
		}
	}
	return 0, false
}

// retryWait returns the wait before retry n of a call that ended with err, and whether to retry at all.
func retryWait(err error, n int) (time.Duration, bool) {
	e, ok := errors.AsType[*Error](err)
	if !ok || !e.Retryable() || e.RetryAfter > retryMaxWait {
		return 0, false
	}
	backoff := retryBase << n
	return max(e.RetryAfter, backoff/2) + rand.N(backoff/2), true
}

// sleep waits for d and reports whether ctx outlived it.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

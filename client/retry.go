package client

import (
	"context"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
)

const (
	firstPause = 200 * time.Millisecond
	maxPause   = 5 * time.Second
	maxWait    = time.Minute // what a server may ask for before the caller gets the error instead
	drainLimit = 64 << 10    // of a response that is discarded, so that its connection can be reused
)

// repeatKey is for a context that says whether its request may be repeated, where the method suggests otherwise.
type repeatKey struct{}

func withRepeat(ctx context.Context) context.Context {
	return context.WithValue(ctx, repeatKey{}, true)
}
func withoutRepeat(ctx context.Context) context.Context {
	return context.WithValue(ctx, repeatKey{}, false)
}

// retrier sends requests and, when the connection or the server fails temporarily, repeats those that may be repeated: after a
// random pause that doubles, or as long as the server asks for.
type retrier struct {
	next    *http.Client
	retries int
}

// Do sends r.
func (t *retrier) Do(r *http.Request) (*http.Response, error) {
	if isKeyed(r) {
		r.Header.Set(keyHeader, uuid.NewString())
	}
	var pause backoff
	for attempt := 0; ; attempt++ {
		resp, err := t.next.Do(r)
		if attempt >= t.retries || !mayRepeat(r) || !passing(r, resp, err) {
			return resp, err
		}
		wait := pause.next()
		if resp != nil {
			if asked := retryAfter(resp.Header, time.Now()); asked > maxWait {
				return resp, nil
			} else if asked > 0 {
				wait = asked
			}
		}
		if end, ok := r.Context().Deadline(); ok && time.Until(end) <= wait {
			return resp, err // which says more than that the time is up
		}
		if resp != nil {
			_, _ = io.CopyN(io.Discard, resp.Body, drainLimit)
			_ = resp.Body.Close()
		}
		if err := sleep(r.Context(), wait); err != nil {
			return nil, err
		}
		if r, err = again(r); err != nil {
			return nil, err
		}
	}
}

// keyHeader holds the key by which the server recognises a repeated POST: it does it once, and gives the same answer.
const keyHeader = "Idempotency-Key"

// isKeyed reports whether r needs such a key to be repeated.
func isKeyed(r *http.Request) bool {
	_, said := r.Context().Value(repeatKey{}).(bool)
	return r.Method == http.MethodPost && !said && (r.Body == nil || r.GetBody != nil)
}

// mayRepeat reports whether sending r twice has the effect of sending it once.
func mayRepeat(r *http.Request) bool {
	if r.Body != nil && r.GetBody == nil {
		return false
	}
	if said, ok := r.Context().Value(repeatKey{}).(bool); ok {
		return said
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete:
		return true
	default:
		return r.Header.Get(keyHeader) != ""
	}
}

// passing reports a failure that may be transient. A 502 or 504 in response to a post is the agent's failure, and stays.
func passing(r *http.Request, resp *http.Response, err error) bool {
	if err != nil {
		return r.Context().Err() == nil
	}
	if resp.StatusCode == http.StatusConflict && r.Header.Get(keyHeader) != "" && resp.Header.Get("Retry-After") != "" {
		return true // the previous attempt, whose response was lost, is still running
	}
	statuses := []int{http.StatusTooManyRequests, http.StatusServiceUnavailable}
	if r.Method != http.MethodPost {
		statuses = append(statuses, http.StatusBadGateway, http.StatusGatewayTimeout)
	}
	return slices.Contains(statuses, resp.StatusCode)
}

// again returns r with its body from the beginning.
func again(r *http.Request) (*http.Request, error) {
	next := r.Clone(r.Context())
	if r.GetBody == nil {
		return next, nil
	}
	body, err := r.GetBody()
	next.Body = body
	return next, err
}

// maxSeconds is the largest number of seconds in a Duration.
const maxSeconds = math.MaxInt64 / int(time.Second)

// retryAfter returns the pause that a Retry-After header asks for, in seconds or as a date (RFC 9110 §10.2.3); 0 if there is
// none.
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := h.Get("Retry-After")
	if seconds, err := strconv.Atoi(v); err == nil {
		return time.Duration(max(0, min(seconds, maxSeconds))) * time.Second
	}
	if at, err := http.ParseTime(v); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

// backoff is a sequence of pauses that double, up to a bound. Each is randomized, so that clients that were cut off together
// don't come back together.
type backoff struct{ length time.Duration }

func (b *backoff) next() time.Duration {
	b.length = min(max(2*b.length, firstPause), maxPause)
	return b.length/2 + rand.N(b.length)
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

package engineio

import (
	"context"
	"math/rand/v2"
	"time"
)

// maxSpread bounds the time over which the sessions are closed, and spreadPerSession is how much each adds to it.
const (
	maxSpread        = 5 * time.Second
	spreadPerSession = time.Millisecond
)

// Shutdown refuses new sessions from now on, closes the existing ones after sending their queues, and waits for everything
// to end. The closing is spread over up to five seconds, at most half of the time that ctx leaves, so that the clients do
// not reconnect all at once. When ctx ends, what is left is cut, and Shutdown returns the context's error.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.draining.Store(true)
	s.mu.Unlock()

	sessions := s.all()
	rand.Shuffle(len(sessions), func(i, j int) { sessions[i], sessions[j] = sessions[j], sessions[i] })
	pause := spread(ctx, len(sessions)) / time.Duration(len(sessions)+1)
	for _, session := range sessions {
		// Between none and twice the pause, so that it comes to the pause on average.
		if wait := time.Duration(rand.Int64N(int64(2*pause) + 1)); !sleep(ctx, wait) {
			break
		}
		session.end(ending{reason: ReasonShutdown, flush: true, code: statusGoingAway})
	}

	ended := make(chan struct{})
	go func() {
		defer s.contain("the shutdown")
		s.group.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
	}
	for _, session := range s.all() {
		session.end(ending{reason: ReasonShutdown, cut: true})
		session.discard()
	}
	return ctx.Err()
}

// spread returns the time over which n sessions are closed.
func spread(ctx context.Context, n int) time.Duration {
	d := min(maxSpread, time.Duration(n)*spreadPerSession)
	if deadline, ok := ctx.Deadline(); ok {
		d = min(d, time.Until(deadline)/2)
	}
	return max(d, 0)
}

// sleep waits for d and reports whether ctx let it.
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

// Package throttle bounds how often each caller may do something. What it remembers is bounded, too, however many callers
// there are: beyond the bound, the least recently seen are evicted.
package throttle

import (
	"container/list"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// MaxCallers is how many callers are remembered.
const MaxCallers = 10_000

// Limit lets a caller do Max things at once, and gives them back evenly over the window. With Max 0 there is no limit.
type Limit struct {
	Max    int
	Window time.Duration
}

// Bucket returns what a new caller has: a full bucket.
func (l Limit) Bucket() *rate.Limiter {
	return rate.NewLimiter(rate.Limit(float64(l.Max)/l.Window.Seconds()), l.Max)
}

// Wait returns how long it takes until a bucket holds n tokens: 0 if it does already.
func Wait(b *rate.Limiter, now time.Time, n int) time.Duration {
	missing := float64(n) - b.TokensAt(now)
	if missing <= 0 {
		return 0
	}
	return time.Duration(math.Ceil(missing / float64(b.Limit()) * float64(time.Second)))
}

// Callers holds a value for each of the callers that were seen last. It is not safe for concurrent use.
type Callers[V any] struct {
	order   list.List // of *entry[V], the one seen last in front
	entries map[string]*list.Element
}

type entry[V any] struct {
	caller string
	value  V
}

// Get returns a caller's value, if there is one.
func (c *Callers[V]) Get(caller string) (value V, ok bool) {
	e := c.entries[caller]
	if e == nil {
		return value, false
	}
	c.order.MoveToFront(e)
	return e.Value.(*entry[V]).value, true
}

// Add gives a caller its value. Another one may be forgotten for it.
func (c *Callers[V]) Add(caller string, value V) {
	if c.entries == nil {
		c.entries = map[string]*list.Element{}
	}
	if len(c.entries) >= MaxCallers {
		oldest := c.order.Back()
		delete(c.entries, c.order.Remove(oldest).(*entry[V]).caller)
	}
	c.entries[caller] = c.order.PushFront(&entry[V]{caller: caller, value: value})
}

// Len returns how many callers are remembered.
func (c *Callers[V]) Len() int { return len(c.entries) }

// Limiter counts one kind of thing for all callers.
type Limiter struct {
	limit Limit

	mu      sync.Mutex
	callers Callers[*rate.Limiter]
}

// NewLimiter returns an unused limiter.
func NewLimiter(limit Limit) *Limiter { return &Limiter{limit: limit} }

// Take charges a caller. It returns how long a caller that is over its limit has to wait, and 0 for one that is not.
func (l *Limiter) Take(caller string, now time.Time) (wait time.Duration) {
	if l.limit.Max <= 0 {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	bucket, ok := l.callers.Get(caller)
	if !ok {
		bucket = l.limit.Bucket()
		l.callers.Add(caller, bucket)
	}
	if bucket.AllowN(now, 1) {
		return 0
	}
	return Wait(bucket, now, 1)
}

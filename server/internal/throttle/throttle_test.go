package throttle_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/elizad/elizad/server/internal/throttle"
)

func TestLimiter(t *testing.T) {
	t.Parallel()
	l := throttle.NewLimiter(throttle.Limit{Max: 3, Window: time.Minute})
	now := time.Unix(1_700_000_000, 0)
	for i := range 3 {
		if wait := l.Take("a", now); wait != 0 {
			t.Errorf("take %d: wait %v", i, wait)
		}
	}
	if wait := l.Take("a", now); wait != 20*time.Second {
		t.Errorf("one too many: wait %v", wait)
	}
	if wait := l.Take("b", now); wait != 0 {
		t.Errorf("another caller: wait %v", wait)
	}
	if wait := l.Take("a", now.Add(20*time.Second)); wait != 0 {
		t.Errorf("after the wait: %v", wait)
	}
	if wait := l.Take("a", now.Add(20*time.Second)); wait != 20*time.Second {
		t.Errorf("again too many: wait %v", wait)
	}
}

func TestNoLimit(t *testing.T) {
	t.Parallel()
	l := throttle.NewLimiter(throttle.Limit{})
	for range 1_000 {
		if wait := l.Take("a", time.Time{}); wait != 0 {
			t.Fatal(wait)
		}
	}
}

// TestCallersAreBounded has more callers than are remembered. The one that keeps coming is not evicted for them.
func TestCallersAreBounded(t *testing.T) {
	t.Parallel()
	var c throttle.Callers[int]
	c.Add("regular", 7)
	for i := range 3 * throttle.MaxCallers {
		c.Add(strconv.Itoa(i), i)
		if v, ok := c.Get("regular"); !ok || v != 7 {
			t.Fatalf("forgotten after %d others", i)
		}
	}
	if c.Len() != throttle.MaxCallers {
		t.Errorf("%d are remembered", c.Len())
	}
	if _, ok := c.Get("0"); ok {
		t.Error("the first is still remembered")
	}
}

func TestWindows(t *testing.T) {
	t.Parallel()
	var w throttle.Windows
	const length = time.Minute
	first := time.Unix(1_700_000_000, 0).Truncate(length)
	check := func(caller string, current time.Time, now, before int) {
		t.Helper()
		gotNow, gotBefore, err := w.Get(caller, current, current.Add(-length))
		if gotNow != now || gotBefore != before || err != nil {
			t.Errorf("%s at %v: %d and %d before, %v; want %d and %d", caller, current.Sub(first), gotNow, gotBefore, err, now, before)
		}
	}
	count := func(caller string, current time.Time, n int) {
		t.Helper()
		if err := w.IncrementBy(caller, current, n); err != nil {
			t.Fatal(err)
		}
	}
	check("a", first, 0, 0)
	count("a", first, 3)
	check("a", first, 3, 0)
	check("b", first, 0, 0)
	check("a", first.Add(length), 0, 3)
	count("a", first.Add(length), 1)
	check("a", first.Add(length), 1, 3)
	check("a", first.Add(2*length), 0, 1)
	check("a", first.Add(9*length), 0, 0)
	count("a", first.Add(9*length), 1)
	check("a", first.Add(-length), 0, 0) // the clock was set back

	for i := range 3 * throttle.MaxCallers {
		count(strconv.Itoa(i), first, 1)
	}
	check("0", first, 0, 0) // evicted for the others
	check(strconv.Itoa(3*throttle.MaxCallers-1), first, 1, 0)
}

package throttle

import "time"

// Windows counts what each of the callers seen last did in this window of time and in the one before. It implements
// httprate.LimitCounter, whose limiter makes one call at a time.
type Windows struct {
	callers Callers[*window]
}

type window struct {
	begin       time.Time
	now, before int // in this window, and in the one before
}

// Config does nothing: a window is as long as the limiter says with each call.
func (w *Windows) Config(int, time.Duration) {}

// Increment counts one thing.
func (w *Windows) Increment(caller string, current time.Time) error {
	return w.IncrementBy(caller, current, 1)
}

// IncrementBy counts some things. Get was asked about the same window before.
func (w *Windows) IncrementBy(caller string, current time.Time, n int) error {
	c, ok := w.callers.Get(caller)
	if !ok {
		c = &window{begin: current}
		w.callers.Add(caller, c)
	}
	c.now += n
	return nil
}

// Get returns what was counted in a window and in the previous one.
func (w *Windows) Get(caller string, current, previous time.Time) (now, before int, err error) {
	c, ok := w.callers.Get(caller)
	if !ok {
		return 0, 0, nil
	}
	switch {
	case c.begin.Equal(current):
	case c.begin.Equal(previous):
		c.begin, c.now, c.before = current, 0, c.now
	default: // long ago, or the clock was set
		c.begin, c.now, c.before = current, 0, 0
	}
	return c.now, c.before, nil
}

// Package clock has a clock that does not jump.
//
// Deadlines are stored as times of day, so that they outlive the process. A clock that is set while the server runs, or a
// machine that sleeps, would end all of them at once, or never. [Steady] continues from the time that it knew, as if nothing had
// happened, until the part that keeps the deadlines has moved them and adopts the new time.
package clock

import (
	"sync/atomic"
	"time"
)

// tolerance is how far the clock on the wall may be away before that is a jump; it is followed at once below that.
const tolerance = 5 * time.Second

// Steady is a clock that does not jump. Make it with [New]; it is safe for concurrent use.
type Steady struct {
	wall  func() time.Time
	known atomic.Pointer[moment]
}

// moment is a time of day, and when that was by the clock that only runs.
type moment struct {
	wall time.Time
	at   time.Time // holds a monotonic reading
}

// New returns a clock that follows wall, which is [time.Now] but for tests.
func New(wall func() time.Time) *Steady {
	c := &Steady{wall: wall}
	c.known.Store(&moment{wall().Round(0), time.Now()})
	return c
}

// Now returns the time.
func (c *Steady) Now() time.Time {
	now, _ := c.read()
	return now
}

// Jump returns how far the clock on the wall has jumped and was not followed yet.
func (c *Steady) Jump() time.Duration {
	_, jump := c.read()
	return jump
}

func (c *Steady) read() (now time.Time, jump time.Duration) {
	known := c.known.Load()
	wall, passed := c.wall().Round(0), time.Since(known.at)
	now = known.wall.Add(passed)
	if jump = wall.Sub(now); jump.Abs() >= tolerance {
		return now, jump
	}
	if passed > time.Minute { // small differences must not add up
		c.known.CompareAndSwap(known, &moment{wall, known.at.Add(passed)})
	}
	return wall, 0
}

// Follow has the clock follow a jump.
func (c *Steady) Follow(jump time.Duration) {
	for {
		known := c.known.Load()
		if c.known.CompareAndSwap(known, &moment{known.wall.Add(jump), known.at}) {
			return
		}
	}
}

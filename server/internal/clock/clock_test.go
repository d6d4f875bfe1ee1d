package clock_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/elizad/elizad/server/internal/clock"
)

func TestSteady(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var ahead time.Duration
		begin := time.Now()
		c := clock.New(func() time.Time { return time.Now().Add(ahead) })
		want := func(since, jump time.Duration) {
			t.Helper()
			if got := c.Now().Sub(begin.Round(0)); got != since || c.Jump() != jump {
				t.Errorf("the time is %s, and a jump of %s is not followed; want %s and %s", got, c.Jump(), since, jump)
			}
		}
		want(0, 0)
		time.Sleep(time.Hour)
		want(time.Hour, 0)
		for range 100 { // set by a second, again and again
			ahead += time.Second
			time.Sleep(2 * time.Minute)
			want(time.Since(begin)+ahead, 0)
		}
		so := time.Since(begin) + ahead
		ahead += 2 * time.Hour
		want(so, 2*time.Hour)
		time.Sleep(time.Minute)
		want(so+time.Minute, 2*time.Hour)
		ahead -= 2 * time.Hour
		want(so+time.Minute, 0)
		ahead -= 3 * time.Hour
		c.Follow(c.Jump())
		want(so+time.Minute-3*time.Hour, 0)
	})
}

package user

import (
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/throttle"
)

// limit is that of the tests: few attempts, so that random ones reach it.
var limit = throttle.Limit{Max: 10, Window: 15 * time.Minute}

// TestAttemptsAreBounded: whatever somebody does, from one address or many, as one user or many, no more fail in any time than the bound
// allows, and who only succeeds is never refused.
func TestAttemptsAreBounded(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	start := time.UnixMilli(1_800_000_000_000)
	a, now := newAttempts(limit), start
	failed := map[string][]time.Time{} // by address and by user
	for step := range 20_000 {
		now = now.Add(time.Duration(r.IntN(20_000)) * time.Millisecond)
		address, name := "a"+strconv.Itoa(r.IntN(8)), "u"+strconv.Itoa(r.IntN(3))
		forgive, err := a.begin(address, name, now)
		switch {
		case err != nil && !apierr.IsCode(err, apierr.AuthLimited):
			t.Fatal(err)
		case err != nil: // which costs nothing
		case r.IntN(4) == 0:
			forgive()
		default:
			failed[address], failed[name] = append(failed[address], now), append(failed[name], now)
		}
		for key, most := range map[string]int{address: limit.Max, name: perUser * limit.Max} {
			// A bucket that empties over the window lets through what it holds, and what it loses meanwhile.
			within := 0
			for i := len(failed[key]) - 1; i >= 0 && now.Sub(failed[key][i]) < limit.Window; i-- {
				within++
			}
			if within > 2*most {
				t.Fatalf("step %d: %d failures of %s in %s, where %d are allowed", step, within, key, limit.Window, most)
			}
		}
		if forgive, err := a.begin("home", "", now); err != nil {
			t.Fatalf("step %d: who always succeeds is refused: %v", step, err)
		} else {
			forgive()
		}
	}
}

// TestRefusedAttemptsCostNothing: who is refused because a user is guessed at elsewhere has not used up anything at the own address, and
// may try again when the bucket has lost one.
func TestRefusedAttemptsCostNothing(t *testing.T) {
	t.Parallel()
	a, now := newAttempts(limit), time.UnixMilli(1_800_000_000_000)
	for i := range perUser * limit.Max {
		if _, err := a.begin("a"+strconv.Itoa(i), "ada", now); err != nil {
			t.Fatalf("attempt %d: %v", i, err)
		}
	}
	for range 5 * limit.Max {
		if _, err := a.begin("home", "ada", now); !apierr.IsCode(err, apierr.AuthLimited) {
			t.Fatalf("one more attempt to be ada: %v", err)
		}
	}
	for i := range limit.Max {
		if _, err := a.begin("home", "ben", now); err != nil {
			t.Errorf("attempt %d to be ben: %v", i, err)
		}
	}
	if _, err := a.begin("home", "ben", now); !apierr.IsCode(err, apierr.AuthLimited) {
		t.Errorf("one more attempt of the address: %v", err)
	}
	now = now.Add(limit.Window/time.Duration(perUser*limit.Max) + time.Millisecond)
	if _, err := a.begin("far", "ada", now); err != nil {
		t.Errorf("after some time: %v", err)
	}
	if _, err := a.begin("near", "ada", now); !apierr.IsCode(err, apierr.AuthLimited) {
		t.Errorf("another after some time: %v", err)
	}
}

// TestClockThatGoesBack: time that is lost gives nothing back, and takes nothing.
func TestClockThatGoesBack(t *testing.T) {
	t.Parallel()
	a, now := newAttempts(limit), time.UnixMilli(1_800_000_000_000)
	for range limit.Max {
		if _, err := a.begin("home", "", now); err != nil {
			t.Fatal(err)
		}
	}
	for range 100 {
		now = now.Add(-time.Minute)
		if _, err := a.begin("home", "", now); err == nil {
			t.Fatal("a clock that goes back lets in")
		}
	}
	if _, err := a.begin("home", "", now.Add(limit.Window)); err != nil {
		t.Errorf("after a whole window: %v", err)
	}
}

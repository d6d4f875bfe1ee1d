package quota_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/quota"
)

func things(most int) quota.Quota {
	return quota.Quota{Most: most, What: "things", Setting: "MAX_THINGS"}
}

func noon() time.Time { return time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC) }

func refused(err error, text string) bool {
	return apierr.IsCode(err, apierr.QuotaExceeded) && strings.Contains(err.Error(), text)
}

// For a process that is alone on its database, in whatever order: there are never too many, in all or of one caller, and
// nothing is refused that there is room for.
func TestTallyIsExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		now := noon()
		q := things(rapid.IntRange(1, 60).Draw(t, "most"))
		tally := quota.NewTally(q, func() time.Time { return now })
		has := map[string]int64{}
		all := func() (n int64) {
			for _, some := range has {
				n += some
			}
			return n
		}
		pick := rapid.SampledFrom([]string{"Ann", "Bob", ""}) // the last one is the anonymous caller
		add := func(t *rapid.T, made bool) {
			who, more := pick.Draw(t, "who"), rapid.IntRange(1, 5).Draw(t, "more")
			var ofCaller quota.Count
			if who != "" {
				ofCaller = there(has[who])
			}
			err := tally.Admit(more, there(all()), ofCaller)
			full := all()+int64(more) > int64(q.Most)
			greedy := who != "" && has[who]+int64(more) > int64(q.Share())
			switch {
			case full && !refused(err, "There may be"), !full && greedy && !refused(err, "One caller may have"), !full && !greedy && err != nil:
				t.Fatalf("%d more for %q: %v; there are %v of %d", more, who, err, has, q.Most)
			}
			if err == nil && made {
				has[who] += int64(more)
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"make":      func(t *rapid.T) { add(t, true) },
			"roll back": func(t *rapid.T) { add(t, false) },
			"remove": func(t *rapid.T) {
				who := pick.Draw(t, "who")
				has[who] -= rapid.Int64Range(0, has[who]).Draw(t, "fewer")
			},
			"wait": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(-90, 90).Draw(t, "seconds")) * time.Second)
			},
		})
	})
}

// Transactions that don't see each other before the commit exceed the quota by no more than the number that runs at the same
// time.
func TestTallyOfConcurrentTransactions(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		const connections = 5
		q := things(rapid.IntRange(1, 40).Draw(t, "most"))
		tally := quota.NewTally(q, noon)
		committed, open := int64(0), 0
		t.Repeat(map[string]func(*rapid.T){
			"begin": func(*rapid.T) {
				if open < connections && tally.Admit(1, there(committed), nil) == nil {
					open++
				}
			},
			"commit": func(*rapid.T) {
				if open > 0 {
					open--
					committed++
				}
			},
			"roll back": func(*rapid.T) { open = max(open-1, 0) },
			"remove":    func(*rapid.T) { committed = max(committed-1, 0) },
			"": func(t *rapid.T) {
				if committed+int64(open) > int64(q.Most)+connections-1 {
					t.Fatalf("there are %d of %d, and %d are being made", committed, q.Most, open)
				}
			},
		})
	})
}

// Filling up a quota takes few counts, and so does going on near the limit.
func TestTallyRarelyCounts(t *testing.T) {
	t.Parallel()
	const most = 10_000
	now := noon()
	tally := quota.NewTally(things(most), func() time.Time { return now })
	has, counts := int64(0), 0
	all := func(atMost int64) (int64, error) {
		counts++
		return there(has)(atMost)
	}
	none := func(int64) (int64, error) { return 0, nil }
	admit := func() {
		t.Helper()
		if err := tally.Admit(1, all, none); err != nil {
			t.Fatal(err)
		}
	}
	for ; has < most; has++ {
		admit()
	}
	if counts > 50 {
		t.Errorf("%d things were counted %d times", most, counts)
	}
	has, counts = most*9/10, 0
	for range 1000 { // one is removed, one is added
		has--
		admit()
		has++
	}
	if counts > 10 {
		t.Errorf("1000 things in place of others were counted %d times", counts)
	}
	counts = 0
	now = now.Add(time.Minute)
	admit()
	if counts != 1 {
		t.Errorf("after a minute: counted %d times", counts)
	}
}

// A caller's things are not counted as long as they can't be too many.
func TestTallyCountsCallersAboveTheShare(t *testing.T) {
	t.Parallel()
	tally := quota.NewTally(things(8), noon)
	counted := 0
	for has := range int64(7) {
		err := tally.Admit(1, there(has), func(int64) (int64, error) {
			counted++
			return 0, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if counted != 1 {
		t.Errorf("counted %d times", counted)
	}
	if err := tally.Admit(1, there(7), there(6)); !refused(err, "One caller may have 6 things") {
		t.Errorf("more than a share: %v", err)
	}
}

func TestTallyWithoutALimitCountsNothing(t *testing.T) {
	t.Parallel()
	failure := errors.New("trouble")
	fails := func(int64) (int64, error) { return 0, failure }
	if err := quota.NewTally(quota.Quota{}, noon).Admit(1, fails, fails); err != nil {
		t.Errorf("no limit: %v", err)
	}
	if err := quota.NewTally(things(8), noon).Admit(1, fails, nil); !errors.Is(err, failure) {
		t.Errorf("a count that failed: %v", err)
	}
	if err := quota.NewTally(things(8), noon).Admit(1, there(7), fails); !errors.Is(err, failure) {
		t.Errorf("a caller's count that failed: %v", err)
	}
}

// Many at once, on a database with one writer: the last place goes to one of them, and none stays free.
func TestTallyAtOnce(t *testing.T) {
	t.Parallel()
	const most = 100
	tally := quota.NewTally(things(most), noon)
	var writer sync.Mutex
	has, refusals := int64(0), 0
	var everybody sync.WaitGroup
	for range 2 * most {
		everybody.Go(func() {
			writer.Lock()
			defer writer.Unlock()
			if tally.Admit(1, there(has), nil) == nil {
				has++
			} else {
				refusals++
			}
		})
	}
	everybody.Wait()
	if has != most || refusals != most {
		t.Errorf("%d were made, %d refused", has, refusals)
	}
}

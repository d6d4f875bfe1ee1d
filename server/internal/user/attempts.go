package user

import (
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/throttle"
)

// perUser is how many more failures a user may have, from all addresses together, than an address: who is guessed at from many places
// should rarely be locked out by it.
const perUser = 3

// attempts counts logins that failed, by address and by user. One that is under way counts as failed, so that many at once are no
// way around.
type attempts struct {
	limit throttle.Limit

	mu        sync.Mutex
	addresses throttle.Callers[*bucket]
	users     throttle.Callers[*bucket]
}

// bucket is what a caller has used up. It empties over the window.
type bucket struct {
	used float64
	at   time.Time
}

func (b *bucket) drain(limit throttle.Limit, most float64, now time.Time) {
	if passed := now.Sub(b.at); passed > 0 {
		b.used = max(0, b.used-passed.Seconds()*most/limit.Window.Seconds())
	}
	b.at = now
}

func newAttempts(limit throttle.Limit) *attempts { return &attempts{limit: limit} }

// begin counts an attempt of somebody at an address to be a user, "" for a new one. Who succeeds calls forgive, and only then.
func (a *attempts) begin(address, user string, now time.Time) (forgive func(), err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var taken []*bucket
	forgive = func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		for _, b := range taken {
			b.used = max(0, b.used-1)
		}
	}
	if a.limit.Max <= 0 {
		return forgive, nil
	}
	for _, of := range []struct {
		callers *throttle.Callers[*bucket]
		name    string
		most    float64
	}{{&a.addresses, "address " + address, float64(a.limit.Max)}, {&a.users, user, perUser * float64(a.limit.Max)}} {
		if of.name == "" {
			continue
		}
		b, ok := of.callers.Get(of.name)
		if !ok {
			b = &bucket{at: now}
			of.callers.Add(of.name, b)
		}
		b.drain(a.limit, of.most, now)
		if b.used+1 > of.most {
			for _, t := range taken {
				t.used--
			}
			wait := (b.used + 1 - of.most) * a.limit.Window.Seconds() / of.most
			return nil, apierr.New(apierr.AuthLimited, "Too many attempts to log in. Please try again later.").
				WithDetails(fmt.Sprintf("Retry after %d seconds", max(1, int(math.Ceil(wait)))))
		}
		b.used++
		taken = append(taken, b)
	}
	return forgive, nil
}

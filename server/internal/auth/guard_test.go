package auth_test

import (
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/throttle"
)

// clockedGuard is a guard with its own clock and log.
type clockedGuard struct {
	auth.Guard
	t   *testing.T
	now time.Time
	log strings.Builder
}

func newClockedGuard(t *testing.T, keys ...string) *clockedGuard {
	d := &clockedGuard{t: t, now: time.Unix(1_700_000_000, 0)}
	d.Guard = auth.NewGuard(auth.NewKeys(keys...), auth.NewFailures(slog.New(slog.NewTextHandler(&d.log, nil)), func() time.Time { return d.now }))
	return d
}

const (
	in      = "in"
	refused = "refused"
	blocked = "blocked"
)

func (d *clockedGuard) want(caller, key, want string) {
	d.t.Helper()
	got := in
	switch err := d.Check(caller, key); {
	case errors.Is(err, auth.ErrRefused):
		got = refused
	case err != nil:
		got = blocked
		b, ok := errors.AsType[*auth.BlockedError](err)
		if !ok || b.Wait <= 0 || b.RetryAfter() < 1 {
			d.t.Errorf("%s with %q: %v", caller, key, err)
		}
	}
	if got != want {
		d.t.Fatalf("%s with %q: %s, want %s", caller, key, got, want)
	}
}

func TestFailuresAreCounted(t *testing.T) {
	t.Parallel()
	d := newClockedGuard(t, "right")
	for i := range 10 {
		d.want("a", "wrong "+strconv.Itoa(i), refused)
		d.want("a", "right", map[bool]string{true: in, false: blocked}[i < 9])
		d.want("a", "", refused) // not a guess, and not counted
	}
	d.want("a", "wrong", blocked)
	d.want("a", "right", blocked) // which reveals nothing
	d.want("a", "", refused)
	d.want("b", "right", in)
	if d.Wait("a") == 0 || d.Wait("b") != 0 {
		t.Errorf("waits: %v, %v", d.Wait("a"), d.Wait("b"))
	}
	if n := strings.Count(d.log.String(), "\n"); n != 1 || !strings.Contains(d.log.String(), "client=a") || strings.Contains(d.log.String(), "wrong 1") {
		t.Errorf("the log: %s", &d.log)
	}
	d.now = d.now.Add(90 * time.Second)
	d.want("a", "right", in)
	d.want("a", "right", in) // and is not counted
	d.want("a", "one more", refused)
	d.want("a", "right", blocked)
	d.now = d.now.Add(15 * time.Minute)
	for i := range 10 {
		d.want("a", "again "+strconv.Itoa(i), refused)
	}
	d.want("a", "again", blocked)
}

// TestForgottenClient has one client that repeats an old key for ever, behind the address of clients with the right one.
func TestForgottenClient(t *testing.T) {
	t.Parallel()
	d := newClockedGuard(t, "right")
	for range 10 {
		d.want("nat", "old", refused)
	}
	d.want("nat", "right", blocked)
	for range 60 {
		d.now = d.now.Add(10 * time.Second)
		d.want("nat", "old", blocked)
	}
	d.want("nat", "right", in)
	d.want("nat", "old", blocked)
}

func TestFailuresAreBounded(t *testing.T) {
	t.Parallel()
	d := newClockedGuard(t, "right")
	for i := range 2 * throttle.MaxCallers {
		d.want(strconv.Itoa(i), "wrong", refused)
		if i%1_000 == 0 {
			d.want("regular", "wrong "+strconv.Itoa(i), map[bool]string{true: refused, false: blocked}[i < 10_000])
		}
	}
	d.want("regular", "right", blocked)
}

func TestSurroundingSpace(t *testing.T) {
	t.Parallel()
	d := newClockedGuard(t, " right\r\n", "\n")
	for _, key := range []string{"right", "right\r\n", "\tright "} {
		d.want("a", key, in)
	}
	for _, key := range []string{"", " ", "\r\n", "ri ght"} {
		d.want("a", key, refused)
	}
	if auth.NewKeys(" ", "\r").Required() {
		t.Error("a key of nothing but white space is one")
	}
}

// Package bustest is the suite that every implementation of bus.Bus passes.
package bustest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/elizad/elizad/server/internal/bus"
)

// patience is how long the suite waits for something that must happen.
const patience = 5 * time.Second

// Run exercises the bus that open returns; open is called once a subtest.
func Run(t *testing.T, open func(t *testing.T) bus.Bus) {
	t.Run("subjects and prefixes", func(t *testing.T) { testPatterns(t, open(t)) })
	t.Run("order of one publisher", func(t *testing.T) { testOrder(t, open(t)) })
	t.Run("a full subscriber is notified and delays no other", func(t *testing.T) { testLost(t, open(t)) })
	t.Run("close ends subscriptions", func(t *testing.T) { testClose(t, open(t)) })
	t.Run("concurrent use", func(t *testing.T) { testConcurrent(t, open(t)) })
}

func subscribe(t *testing.T, b bus.Bus, pattern string, size int) *bus.Subscription {
	t.Helper()
	s, err := b.Subscribe(pattern, size)
	if err != nil {
		t.Fatalf("Subscribe(%q): %v", pattern, err)
	}
	t.Cleanup(s.Close)
	return s
}

func publish(t *testing.T, b bus.Bus, subject, data string) {
	t.Helper()
	if err := b.Publish(t.Context(), subject, data); err != nil {
		t.Fatalf("Publish(%q): %v", subject, err)
	}
}

func receive(t *testing.T, s *bus.Subscription) bus.Message {
	t.Helper()
	select {
	case m, ok := <-s.C():
		if !ok {
			t.Fatal("the subscription is closed")
		}
		return m
	case <-time.After(patience):
		t.Fatal("nothing received")
	}
	return bus.Message{}
}

// text returns the text that was published.
func text(t *testing.T, m bus.Message) string {
	t.Helper()
	value, err := bus.Value[string](m)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func testPatterns(t *testing.T, b bus.Bus) {
	one, all, other := subscribe(t, b, "channel.1", 8), subscribe(t, b, "channel.*", 8), subscribe(t, b, "turns", 8)
	publish(t, b, "channel.1", "a")
	publish(t, b, "channel.2", "b")
	publish(t, b, "turns", "c")
	if m := receive(t, one); text(t, m) != "a" || m.Subject != "channel.1" {
		t.Errorf("exact subscription got %q on %q", text(t, m), m.Subject)
	}
	if x, y := receive(t, all), receive(t, all); text(t, x) != "a" || text(t, y) != "b" {
		t.Errorf("prefix subscription got %v, %v", x.Value, y.Value)
	}
	if m := receive(t, other); text(t, m) != "c" {
		t.Errorf("other subject got %q", text(t, m))
	}
	if n := len(one.C()) + len(all.C()) + len(other.C()); n != 0 {
		t.Errorf("%d messages too many", n)
	}
}

func testOrder(t *testing.T, b bus.Bus) {
	s := subscribe(t, b, "x", 1000)
	for i := range 1000 {
		publish(t, b, "x", fmt.Sprint(i))
	}
	for i := range 1000 {
		if m := receive(t, s); text(t, m) != fmt.Sprint(i) {
			t.Fatalf("message %d is %q", i, text(t, m))
		}
	}
}

func testLost(t *testing.T, b bus.Bus) {
	slow, quick := subscribe(t, b, "x", 2), subscribe(t, b, "x", 100)
	for i := range 50 {
		publish(t, b, "x", fmt.Sprint(i))
	}
	for i := range 50 {
		if m := receive(t, quick); m.Lost || text(t, m) != fmt.Sprint(i) {
			t.Fatalf("the quick subscriber's message %d is %+v", i, m)
		}
	}
	for i := range 2 {
		if m := receive(t, slow); m.Lost || text(t, m) != fmt.Sprint(i) {
			t.Fatalf("the slow subscriber's message %d is %+v", i, m)
		}
	}
	if m := receive(t, slow); !m.Lost {
		t.Fatalf("no mark where messages are missing: %+v", m)
	}
	publish(t, b, "x", "later")
	if m := receive(t, slow); m.Lost || text(t, m) != "later" {
		t.Fatalf("after the gap: %+v", m)
	}
}

func testClose(t *testing.T, b bus.Bus) {
	s := subscribe(t, b, "x", 1)
	if err := b.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	select {
	case _, ok := <-s.C():
		if ok {
			t.Error("a message after Close")
		}
	case <-time.After(patience):
		t.Error("Close left a subscriber waiting")
	}
	if _, err := b.Subscribe("x", 1); err == nil {
		t.Error("Subscribe works on a closed bus")
	}
}

func testConcurrent(t *testing.T, b bus.Bus) {
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for range 200 {
				s, err := b.Subscribe("x", 4)
				if err != nil {
					t.Error(err)
					return
				}
				s.Close()
			}
		})
		wg.Go(func() {
			for range 200 {
				if err := b.Publish(t.Context(), "x", i); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

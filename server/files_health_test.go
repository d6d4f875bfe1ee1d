package server

import (
	"errors"
	"testing"
	"time"
)

// Health is asked by anybody, and a look at the folders of uploads writes to the disk.
func TestHealthLooksAtFilesOnceInAMoment(t *testing.T) {
	t.Parallel()
	var f filesHealth
	looks := 0
	broken := errors.New("missing")
	look := func() error {
		looks++
		return broken
	}
	for range 100 {
		if err := f.check(look); !errors.Is(err, broken) {
			t.Fatal(err)
		}
	}
	if looks > 50 {
		t.Errorf("%d looks for 100 questions", looks)
	}
	f.seen = f.seen.Add(-2 * time.Second)
	if err := f.check(func() error { return nil }); err != nil {
		t.Errorf("a moment later: %v", err)
	}
}

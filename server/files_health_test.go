package server

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// Health is asked by anybody, and a look at the folders of uploads writes to the disk.
func TestHealthLooksAtFilesOnceInAMoment(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
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
		if looks != 1 {
			t.Errorf("%d looks for 100 questions", looks)
		}
		time.Sleep(time.Second)
		if err := f.check(func() error { return nil }); err != nil {
			t.Errorf("a moment later: %v", err)
		}
	})
}

package server_test

import (
	"testing"
	"time"
)

// patience is how long a test waits for what must happen. It is spent only where a test fails.
const patience = 2 * time.Minute

// eventually waits until something has happened, by looking again and again.
func eventually(t *testing.T, what string, happened func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for !happened() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("%s did not come", what)
		}
	}
}

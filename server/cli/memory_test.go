package cli

import "testing"

func TestMemoryWatch(t *testing.T) {
	t.Parallel()
	const mb = 1 << 20
	var w memoryWatch
	for i, c := range []struct {
		now  memoryUse
		want bool
	}{
		{memoryUse{allocated: 50 * mb, live: 20 * mb, idle: 30 * mb}, false},   // just started
		{memoryUse{allocated: 90 * mb, live: 20 * mb, idle: 70 * mb}, false},   // running
		{memoryUse{allocated: 90*mb + 1, live: 20 * mb, idle: 70 * mb}, true},  // finished
		{memoryUse{allocated: 90*mb + 2, live: 60 * mb, idle: 2 * mb}, false},  // given back
		{memoryUse{allocated: 91 * mb, live: 60 * mb, idle: 15 * mb}, false},   // too little to return
		{memoryUse{allocated: 91 * mb, live: 800 * mb, idle: 70 * mb}, false},  // nor too little compared with the heap to scan
		{memoryUse{allocated: 91 * mb, live: 800 * mb, idle: 100 * mb}, true},  // but this is enough
		{memoryUse{allocated: 92 * mb, live: 800 * mb, idle: 100 * mb}, false}, // the next peak
	} {
		if got := w.look(c.now); got != c.want {
			t.Errorf("look %d: %t, want %t", i, got, c.want)
		}
	}
}

func TestReadMemory(t *testing.T) {
	before := readMemory()
	garbage := make([]byte, 8<<20)
	after := readMemory()
	if grown := after.allocated - before.allocated; grown < uint64(len(garbage)) {
		t.Errorf("%d bytes allocated, %d seen", len(garbage), grown)
	}
	if before.live == 0 && after.live == 0 && after.idle < uint64(len(garbage)) {
		t.Errorf("idle %d", after.idle)
	}
}

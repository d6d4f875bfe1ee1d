package cli

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	memoryInterval = time.Second
	// calm is how much may be allocated in an interval without activity.
	calm = 1 << 20
	// worthwhile is how much memory must be idle for a collection to be worth its cost, also as a share of what is in use.
	worthwhile      = 16 << 20
	worthwhileShare = 8
)

// giveBackMemory returns memory to the system after each burst of work, until ctx ends. The collector by itself waits until the
// heap has doubled, and keeps room for that to happen again: after thousands of clients have connected at once and gone idle, a
// fifth of the process's memory.
func giveBackMemory(ctx context.Context) {
	ticker := time.NewTicker(memoryInterval)
	defer ticker.Stop()
	var w memoryWatch
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if w.look(readMemory()) {
				debug.FreeOSMemory()
			}
		}
	}
}

// memoryUse is what the runtime has, in bytes.
type memoryUse struct {
	allocated uint64 // ever
	live      uint64 // at the end of the last collection
	idle      uint64 // allocated since then, or free and not returned
}

func readMemory() memoryUse {
	samples := []metrics.Sample{
		{Name: "/gc/heap/allocs:bytes"}, {Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/free:bytes"},
	}
	metrics.Read(samples)
	objects := samples[2].Value.Uint64()
	use := memoryUse{allocated: samples[0].Value.Uint64(), live: samples[1].Value.Uint64(), idle: samples[3].Value.Uint64()}
	use.idle += objects - min(objects, use.live)
	return use
}

// memoryWatch detects the end of a burst of work.
type memoryWatch struct{ allocated uint64 }

// look reports whether memory should be returned, given the numbers after one more interval.
func (w *memoryWatch) look(now memoryUse) bool {
	quiet := now.allocated-w.allocated < calm
	w.allocated = now.allocated
	return quiet && now.idle >= max(worthwhile, now.live/worthwhileShare)
}

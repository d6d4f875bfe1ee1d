package realtime

import (
	"maps"
	"slices"
	"sync"

	"github.com/google/uuid"
)

// cursors holds, for each channel that sockets of this node listen to, the number of the newest message delivered.
type cursors struct {
	mu      sync.Mutex
	last    map[uuid.UUID]int64
	sweepAt int // from how many channels on those without listeners are dropped
}

// minSwept is how many channels are followed before any is dropped.
const minSwept = 1024

// dueForSweep returns the channels when there are twice as many as after the last sweep, else none.
func (c *cursors) dueForSweep() []uuid.UUID {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.last) < max(c.sweepAt, minSwept) {
		return nil
	}
	return slices.Collect(maps.Keys(c.last))
}

// swept notes that a sweep is over.
func (c *cursors) swept() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sweepAt = 2 * len(c.last)
}

func (c *cursors) known(channelID uuid.UUID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.last[channelID]
	return ok
}

// begin sets where the delivery of a channel starts, unless it has started.
func (c *cursors) begin(channelID uuid.UUID, seq int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last == nil {
		c.last = map[uuid.UUID]int64{}
	}
	if _, ok := c.last[channelID]; !ok {
		c.last[channelID] = seq
	}
}

// at returns the number of the newest message delivered.
func (c *cursors) at(channelID uuid.UUID) (seq int64, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	seq, ok = c.last[channelID]
	return seq, ok
}

func (c *cursors) advance(channelID uuid.UUID, seq int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last == nil {
		c.last = map[uuid.UUID]int64{}
	}
	c.last[channelID] = seq
}

func (c *cursors) drop(channelID uuid.UUID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.last, channelID)
}

// channels returns all channels that are followed.
func (c *cursors) channels() []uuid.UUID {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Collect(maps.Keys(c.last))
}

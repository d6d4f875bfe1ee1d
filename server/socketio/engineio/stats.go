package engineio

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"
)

// Stats is a snapshot of what a server has and has done since its start.
type Stats struct {
	// Sessions is the number of sessions, by transport.
	Sessions map[string]int
	// QueuedBytes is the size of all outgoing queues.
	QueuedBytes int

	Handshakes int64
	// Rejected counts refused requests by the protocol's error code.
	Rejected map[int]int64
	// Closed counts ended sessions by reason.
	Closed map[string]int64

	Upgrades, UpgradesFailed int64
	// UpgradeTime is the sum of the durations of the successful upgrades.
	UpgradeTime time.Duration

	MessagesReceived, BytesReceived int64
	FramesSent, BytesSent           int64
	// Dropped counts volatile and sheddable frames that were lost, SlowConsumers overflows that ended a session.
	Dropped, SlowConsumers int64
	ParseErrors            int64
}

// counters is what Stats is made from.
type counters struct {
	handshakes, upgrades, upgradesFailed, upgradeNanos atomic.Int64
	messagesIn, bytesIn, framesOut, bytesOut           atomic.Int64
	dropped, slowConsumers, parseErrors                atomic.Int64

	mu       sync.Mutex // guards what follows
	refusals map[int]int64
	reasons  map[string]int64
}

func (c *counters) received(bytes int) {
	c.messagesIn.Add(1)
	c.bytesIn.Add(int64(bytes))
}

func (c *counters) sent(frames, bytes int) {
	c.framesOut.Add(int64(frames))
	c.bytesOut.Add(int64(bytes))
}

func (c *counters) upgraded(took time.Duration) {
	c.upgrades.Add(1)
	c.upgradeNanos.Add(int64(took))
}

func (c *counters) rejected(code int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refusals == nil {
		c.refusals = make(map[int]int64)
	}
	c.refusals[code]++
}

func (c *counters) closed(reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.reasons == nil {
		c.reasons = make(map[string]int64)
	}
	c.reasons[reason]++
}

// Stats returns the current figures. It visits every session, so ask every few seconds rather than more often.
func (s *Server) Stats() Stats {
	c := &s.stats
	stats := Stats{
		Sessions:         map[string]int{Polling: 0, WebSocket: 0},
		Handshakes:       c.handshakes.Load(),
		Upgrades:         c.upgrades.Load(),
		UpgradesFailed:   c.upgradesFailed.Load(),
		UpgradeTime:      time.Duration(c.upgradeNanos.Load()),
		MessagesReceived: c.messagesIn.Load(),
		BytesReceived:    c.bytesIn.Load(),
		FramesSent:       c.framesOut.Load(),
		BytesSent:        c.bytesOut.Load(),
		Dropped:          c.dropped.Load(),
		SlowConsumers:    c.slowConsumers.Load(),
		ParseErrors:      c.parseErrors.Load(),
	}
	for _, session := range s.all() {
		stats.Sessions[session.Transport()]++
		_, bytes := session.Backlog()
		stats.QueuedBytes += bytes
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	stats.Rejected = maps.Clone(c.refusals)
	stats.Closed = maps.Clone(c.reasons)
	return stats
}

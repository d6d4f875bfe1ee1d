package engineio

import "time"

// timerSlack is how late a timer may fire before the deadlines that follow count from its firing. Below that they count from
// the time it was set for, so that delays do not add up.
const timerSlack = 10 * time.Millisecond

// heartbeat pings the client and waits for its pong, with one timer. It is guarded by the mutex of its session.
type heartbeat struct {
	timer *time.Timer
	due   time.Time // what the timer is set for
	// waiting reports whether a ping is out; due is then the deadline of its pong.
	waiting bool
	// alive is when the client last sent something. While a pong is outstanding it moves the deadline: the pong may be in line behind
	// a large message.
	alive time.Time
	// delivering reports whether the handler has not returned yet, so that no pong can be read.
	delivering bool
}

func (h *heartbeat) start(s *Session) {
	interval := s.server.cfg.PingInterval
	h.due = time.Now().Add(interval)
	h.timer = time.AfterFunc(interval, s.beat)
}

func (h *heartbeat) stop() { h.timer.Stop() }

func (h *heartbeat) set(due time.Time) {
	h.due = due
	h.timer.Reset(time.Until(due))
}

// pong ends the wait for one.
func (h *heartbeat) pong(cfg *Config) {
	if h.waiting {
		h.waiting = false
		h.set(time.Now().Add(cfg.PingInterval))
	}
}

// beat is what the timer calls.
func (s *Session) beat() {
	defer s.server.contain("a heartbeat")
	s.mu.Lock()
	h, cfg, now := &s.heartbeat, &s.server.cfg, time.Now()
	if s.state != open || now.Before(h.due) { // ended or set again while the call was on its way
		s.mu.Unlock()
		return
	}
	switch {
	case !h.waiting:
		h.waiting = true
		s.sendControl(pingFrame)
		from := h.due
		if now.Sub(from) > timerSlack {
			from = now
		}
		h.set(from.Add(cfg.PingTimeout))
	case h.delivering:
		h.set(now.Add(cfg.PingTimeout))
	case h.alive.Add(cfg.PingTimeout).After(now):
		h.set(h.alive.Add(cfg.PingTimeout))
	default:
		s.mu.Unlock()
		s.end(ending{reason: ReasonPingTimeout})
		return
	}
	s.mu.Unlock()
}

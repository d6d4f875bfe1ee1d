package socketio

import (
	"runtime/debug"
	"slices"
	"time"
)

// drainTimeout bounds the wait for a client to read. It does not read at all then, and will overflow.
const drainTimeout = 10 * time.Second

// task is what a socket's worker does next: handle an event, or leave for a reason, or, with neither, connect.
type task struct {
	event  *Event
	reason string
}

// begin starts the worker of a socket, which connects it.
func (s *Socket) begin() {
	s.ns.server.group.Add(1) // until it has left
	s.mu.Lock()
	defer s.mu.Unlock()
	s.enqueue(task{})
}

// push queues an event. While the queue is full it waits, which keeps the connection from being read.
func (s *Socket) push(ev *Event) {
	for {
		s.mu.Lock()
		if s.left {
			s.mu.Unlock()
			return
		}
		if len(s.tasks) < s.conn.queueLimit() {
			s.enqueue(task{event: ev})
			s.mu.Unlock()
			return
		}
		s.mu.Unlock()
		select {
		case <-s.conn.room:
		case <-s.gone:
		case <-s.conn.done:
			return
		}
	}
}

// lose disconnects a socket whose client is gone. Waits for its acknowledgements end at once, as they may belong to
// the events that have to be handled before.
func (s *Socket) lose(reason string) {
	s.connected.Store(false)
	s.leave(reason)
	s.failAcks()
	if !s.confirmed.Load() { // there is nothing to be handled, and middleware need not decide any more
		s.cancel()
	}
}

// leave makes the socket leave after what was received before was handled, for which it has the grace time: its context
// ends then, so that handlers that wait for it come to an end.
func (s *Socket) leave(reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.left {
		return
	}
	s.left = true
	if len(s.tasks) > 0 || s.working {
		grace := time.AfterFunc(s.ns.server.cfg.DisconnectGrace, s.cancel) // which cannot panic
		s.stopGrace = grace.Stop
	}
	s.enqueue(task{reason: reason})
}

// leaveNow makes the socket leave without handling what was received before.
func (s *Socket) leaveNow(reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.left {
		return
	}
	s.left = true
	s.tasks = nil
	s.enqueue(task{reason: reason})
}

// enqueue adds a task and sees that a worker is there. s.mu is held.
func (s *Socket) enqueue(t task) {
	s.tasks = append(s.tasks, t)
	if !s.working {
		s.working = true
		s.ns.server.group.Go(s.work)
	}
}

// work does what is queued, in order, and ends when there is nothing more.
func (s *Socket) work() {
	defer s.ns.server.contain("the worker of a socket")
	for {
		s.mu.Lock()
		if len(s.tasks) == 0 {
			s.tasks = nil
			s.working = false
			s.mu.Unlock()
			return
		}
		t := s.tasks[0]
		full := len(s.tasks) >= s.ns.server.cfg.Limits.QueuedEvents
		s.tasks = slices.Delete(s.tasks, 0, 1)
		s.mu.Unlock()
		if full {
			s.conn.wake()
		}
		switch {
		case t.event != nil:
			s.awaitDrained()
			s.dispatch(t.event)
		case t.reason != "":
			s.end(t.reason)
		default:
			s.connect()
		}
	}
}

// awaitDrained waits while the queue to the client is more than half full, for a while: the events of a client that sends faster
// than it reads are handled as fast as it takes the answers.
func (s *Socket) awaitDrained() {
	drained := s.conn.session.Drained()
	if drained == nil {
		return
	}
	timer := time.NewTimer(drainTimeout)
	defer timer.Stop()
	select {
	case <-drained:
	case <-s.ctx.Done():
	case <-timer.C:
	}
}

// dispatch calls the handlers of an event.
func (s *Socket) dispatch(ev *Event) {
	own, handler := s.registrations(ev.Name)
	common, shared := s.ns.listeners(ev.Name)
	if handler == nil {
		handler = shared
	}
	s.guard("event handler", func() {
		for _, fn := range own.middleware {
			if err := fn(s.ctx, ev); err != nil {
				s.ns.server.cfg.Logger.Debug("socketio: event dropped by middleware", "socket", s.id, "error", err)
				return
			}
		}
		for _, fn := range common {
			fn(s.ctx, ev)
		}
		for _, fn := range own.any {
			fn(s.ctx, ev)
		}
		if handler != nil {
			handler(s.ctx, ev)
		}
	})
}

// guard calls fn and keeps its panic from doing harm: it is logged, and true is returned.
func (s *Socket) guard(what string, fn func()) (panicked bool) {
	defer func() {
		if v := recover(); v != nil {
			panicked = true
			s.ns.server.cfg.Logger.Error("socketio: panic in "+what, "namespace", s.ns.name, "socket", s.id, "panic", v,
				"stack", string(debug.Stack()))
		}
	}()
	fn()
	return false
}

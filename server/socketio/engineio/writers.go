package engineio

import (
	"runtime"
	"sync"
)

const (
	// backlogPerWriter is how many sessions may wait for one writer before another one is started.
	backlogPerWriter = 128
	// maxAttempt bounds what a writer tries to write at once, in bytes.
	maxAttempt = 64 << 10
)

// writers write what is queued on WebSockets. A goroutine for each write would cost as much as the write itself when an event
// goes to many; so a few writers serve all sessions that have something to send, and never wait for any of them: what the
// kernel does not take at once becomes the business of a goroutine that the session has for itself, until its queue is
// empty. The writers end when no session is left.
type writers struct {
	server *Server

	mu      sync.Mutex // guards what follows; it is taken with the mutex of a session held
	ready   []*Session
	next    int // index in ready of the session whose turn it is
	running int
}

// add puts a session at the end of the line. Its mutex is held, and writing is set.
func (w *writers) add(s *Session) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ready = append(w.ready, s)
	if waiting := len(w.ready) - w.next; waiting > w.running*backlogPerWriter && w.running < runtime.GOMAXPROCS(0) {
		w.running++
		w.server.group.Go(w.work)
	}
}

// take returns the session whose turn it is. If there is none, the writer that has asked has ended.
func (w *writers) take() *Session {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.next == len(w.ready) {
		w.running--
		if w.ready = w.ready[:0]; cap(w.ready) > maxIdleReady && w.running == 0 {
			w.ready = nil
		}
		w.next = 0
		return nil
	}
	s := w.ready[w.next]
	w.ready[w.next] = nil
	w.next++
	return s
}

// maxIdleReady bounds the capacity that an empty line keeps.
const maxIdleReady = 4096

func (w *writers) work() {
	var a attempt
	a.init()
	var store [maxBatch]*Frame
	for s := w.take(); s != nil; s = w.take() {
		s.writeReady(&a, store[:0])
	}
}

// writeReady writes a batch of what is queued without waiting, or leaves that to a goroutine of the session.
func (s *Session) writeReady(a *attempt, store []*Frame) {
	s.mu.Lock()
	ws := s.ws
	if ws.raw == nil || s.state != open {
		s.mu.Unlock()
		s.server.group.Go(func() { s.writeLoop(ws, nil) })
		return
	}
	batch := s.take(store, maxAttempt)
	s.mu.Unlock()
	rest, err := ws.attempt(a, batch)
	if err != nil {
		s.end(ending{reason: ReasonTransportError, cut: true})
		return
	}
	if len(rest) > 0 {
		s.server.group.Go(func() { s.writeLoop(ws, rest) })
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.control) == 0 && s.queue.empty() && s.state == open {
		s.writing = false
		return
	}
	s.server.writers.add(s)
}

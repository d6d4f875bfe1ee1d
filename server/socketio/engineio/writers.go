package engineio

import (
	"runtime"
	"slices"
	"sync"
)

const (
	// backlogPerWriter is how many sessions may wait for one writer before another one is started.
	backlogPerWriter = 128
	// turn is how many sessions a writer takes from the line at a time.
	turn = 16
	// maxAttempt bounds what a writer tries to write at once, in bytes.
	maxAttempt = 64 << 10
	// maxIdleReady bounds the capacity that an empty line keeps.
	maxIdleReady = 4096
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

// take moves the sessions whose turn it is to dst, as many as it has room for. If there is none, the writer that has asked has
// ended.
func (w *writers) take(dst []*Session) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := copy(dst, w.ready[w.next:])
	w.next += n
	if n == 0 {
		w.running--
	}
	// What was taken gives its place back: all of it now and then, so that moving the rest costs next to nothing.
	if w.next >= (len(w.ready)+1)/2 {
		w.ready, w.next = slices.Delete(w.ready, 0, w.next), 0
	}
	if len(w.ready) == 0 && cap(w.ready) > maxIdleReady {
		w.ready = nil
	}
	return n
}

func (w *writers) work() {
	var a attempt
	a.init()
	var sessions [turn]*Session
	var store [maxBatch]*Frame
	for n := w.take(sessions[:]); n > 0; n = w.take(sessions[:]) {
		frames, bytes := 0, 0 // counted once for all, as all processors count in the same place
		for _, s := range sessions[:n] {
			f, b := s.writeReady(&a, store[:0])
			frames, bytes = frames+f, bytes+b
		}
		w.server.stats.sent(frames, bytes)
	}
}

// writeReady writes a batch of what is queued without waiting, or leaves that to a goroutine of the session. It returns what it
// has written.
func (s *Session) writeReady(a *attempt, store []*Frame) (frames, bytes int) {
	s.mu.Lock()
	ws := s.ws
	if ws.raw == nil || s.state != open {
		s.mu.Unlock()
		s.server.group.Go(func() { s.writeLoop(ws, nil) })
		return 0, 0
	}
	batch := s.take(store, maxAttempt)
	s.mu.Unlock()
	rest, err := ws.attempt(a, batch)
	if err != nil {
		s.end(ending{reason: ReasonTransportError, cut: true})
		return 0, 0
	}
	frames, bytes = len(batch), len(a.out)-len(rest)
	if len(rest) > 0 {
		s.server.group.Go(func() { s.writeLoop(ws, rest) })
		return frames, bytes
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.control) == 0 && s.queue.empty() && s.state == open {
		s.writing = false
		return frames, bytes
	}
	s.server.writers.add(s)
	return frames, bytes
}

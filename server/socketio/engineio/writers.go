package engineio

import (
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
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
	// maxOwn is how many sessions the caller of Batch or Corked writes to itself.
	maxOwn = 64
	// maxCorked and maxCorkedBytes are how much may wait for one session before a cork is full.
	maxCorked      = 16
	maxCorkedBytes = 64 << 10
)

// writers write what is queued on WebSockets. A goroutine for each write would cost as much as the write itself when an event
// goes to many; so a few writers serve all sessions that have something to send, and never wait for any of them: what the
// kernel does not take at once becomes the business of a goroutine that the session has for itself, until its queue is
// empty. The writers end when no session is left. Where only a few sessions are in line after a batch, its sender is the
// writer: for them, waking another goroutine would cost more than it brings.
type writers struct {
	server    *Server
	scratches sync.Pool // of *scratch

	mu      sync.Mutex // guards what follows; it is taken with the mutex of a session held
	ready   []*Session
	next    int // index in ready of the session whose turn it is
	running int
	batches int // under way; no writer is started for what they send
	corks   int // under way; nothing but what is being written already is written

	full atomic.Bool // a session has so much waiting that corks should end
}

// scratch is what a writer works with.
type scratch struct {
	attempt  attempt
	sessions [turn]*Session
	frames   [maxBatch]*Frame
}

func newScratch() any {
	d := new(scratch)
	d.attempt.init()
	return d
}

// Batch calls send, which sends frames on some sessions, and sees that they are written: if they are few, by the calling
// goroutine. It does not wait for any connection.
func (s *Server) Batch(send func()) {
	s.writers.begin()
	defer s.writers.finish()
	send()
}

// Corked calls send, and keeps what is sent meanwhile from being written, on any session: what goes to the same session is
// written together, in as few system calls as possible. It must not be kept waiting; what waits for something else belongs in
// Uncorked. full reports that a session has enough for one write, so that send should come to an end.
func (s *Server) Corked(send func(full func() bool)) {
	s.writers.cork()
	defer s.writers.uncork()
	send(s.writers.full.Load)
}

// Uncorked calls wait within a call of Corked, after writing what was sent so far.
func (s *Server) Uncorked(wait func()) {
	s.writers.uncork()
	defer s.writers.cork()
	wait()
}

func (w *writers) cork() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.corks++
	w.full.Store(false)
}

func (w *writers) uncork() {
	w.mu.Lock()
	w.corks--
	own := w.corks == 0 && w.acquire()
	for own && w.backlogged() {
		w.start()
	}
	w.mu.Unlock()
	if own {
		w.write(maxOwn)
	}
}

// held notes how much waits for a session.
func (w *writers) held(packets, bytes int) {
	if packets > maxCorked || bytes > maxCorkedBytes {
		w.full.Store(true)
	}
}

func (w *writers) begin() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.batches++
}

// finish ends a batch, and writes what the other writers have no time for.
func (w *writers) finish() {
	w.mu.Lock()
	w.batches--
	own := w.corks == 0 && w.acquire()
	w.mu.Unlock()
	if own {
		w.write(maxOwn)
	}
}

// acquire makes the caller a writer if one is needed, and reports whether it did. w.mu is held.
func (w *writers) acquire() bool {
	if w.waiting() == 0 || w.running == runtime.GOMAXPROCS(0) {
		return false
	}
	w.running++
	return true
}

// backlogged reports whether there is more to do than the writers will soon have done, and another one may be started. w.mu is
// held.
func (w *writers) backlogged() bool {
	return w.waiting() > w.running*backlogPerWriter && w.running < runtime.GOMAXPROCS(0)
}

// waiting returns the length of the line. w.mu is held.
func (w *writers) waiting() int { return len(w.ready) - w.next }

// start starts a writer. w.mu is held.
func (w *writers) start() {
	w.running++
	w.server.group.Go(func() {
		ended := false
		defer func() {
			if !ended {
				w.replace() // one that panicked must not be counted for ever
			}
		}()
		defer w.server.contain("a writer")
		w.write(math.MaxInt)
		ended = true
	})
}

// add puts a session at the end of the line. Its mutex is held, and writing is set.
func (w *writers) add(s *Session) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ready = append(w.ready, s)
	if w.corks > 0 || w.batches > 0 && w.waiting() <= maxOwn {
		return
	}
	if w.backlogged() {
		w.start()
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

// write is what a writer does, until the line is empty or it has served so many.
func (w *writers) write(atMost int) {
	d := w.scratches.Get().(*scratch)
	served := 0
	for n := w.take(d.sessions[:]); n > 0; n = w.take(d.sessions[:]) {
		frames, bytes := 0, 0 // counted once for all, as all processors count in the same place
		for _, s := range d.sessions[:n] {
			f, b := s.writeReady(d)
			frames, bytes = frames+f, bytes+b
		}
		w.server.stats.sent(frames, bytes)
		if served += n; served >= atMost {
			w.replace()
			break
		}
	}
	clear(d.sessions[:])
	clear(d.frames[:])
	w.scratches.Put(d)
}

// replace ends a writer, and starts another one in its place if there is something to do.
func (w *writers) replace() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running--
	if w.waiting() > 0 {
		w.start()
	}
}

// writeReady writes a batch of what is queued without waiting, or leaves that to a goroutine of the session. It returns what it
// has written.
func (s *Session) writeReady(d *scratch) (frames, bytes int) {
	ws, batch := s.ws, d.frames[:0] // ws is the last transport, so no lock is needed to read it
	s.mu.Lock()
	switch {
	case s.handed == nil && (ws.raw == nil || s.state != open):
		s.writeAlone(ws, nil)
		s.mu.Unlock()
		return 0, 0
	case s.handed != nil:
		batch = append(batch, s.handed)
		if s.state != open { // what is queued besides is left to a separate goroutine
			break
		}
		fallthrough
	default:
		batch = s.take(batch, maxAttempt, math.MaxInt)
	}
	s.mu.Unlock()
	rest, err := ws.attempt(&d.attempt, batch)
	if err != nil {
		s.endLater(ending{reason: ReasonTransportError, cut: true})
		return 0, 0
	}
	frames, bytes = len(batch), len(d.attempt.out)-len(rest)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handed = nil
	if len(rest) > 0 {
		s.writeAlone(ws, rest)
		return frames, bytes
	}
	if len(s.control) == 0 && s.queue.empty() && s.state == open {
		s.writing = false
		return frames, bytes
	}
	s.server.writers.add(s)
	return frames, bytes
}

// writeAlone continues a session's writes in a separate goroutine. s.mu is held.
func (s *Session) writeAlone(ws *webSocket, rest []byte) {
	s.alone = true
	s.server.group.Go(func() {
		defer s.server.contain("the writing to a WebSocket")
		s.writeLoop(ws, rest)
	})
}

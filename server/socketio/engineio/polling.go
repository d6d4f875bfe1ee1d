package engineio

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/elizad/elizad/server/socketio/engineio/packet"
)

const (
	// maxReply bounds one polling response in bytes, maxReplyPackets in packets. The rest goes with the next one. Clients
	// written in Python take no more than 16 packets.
	maxReply        = 1 << 20
	maxReplyPackets = 16

	// How long a closed session waits for the client to learn of it: with something to say, and with
	// nothing or little time.
	endedLifetime = 30 * time.Second
	echoLifetime  = time.Second
)

// poll is a GET that is held until there is something to answer.
type poll struct {
	begun   time.Time
	wake    chan struct{} // holds one
	final   []byte        // the answer, if it was decided already
	refused bool          // the session has left polling
}

// release lets the GET go on, with the given answer or else with what it finds queued. The session's mutex is held.
func (p *poll) release(final []byte) {
	if p.final == nil {
		p.final = final
	}
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// serveGet answers a poll, now or once there is something to answer.
func (s *Session) serveGet(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	switch {
	case s.state == closing && s.ws == nil:
		payload, last := s.lastPayload("6\x1e1")
		if last {
			s.lingering.Stop()
			s.abandonUpgrade()
			s.state = closed
		} else {
			s.lingering.Reset(s.ending.linger())
		}
		s.mu.Unlock()
		if last {
			s.server.remove(s)
		}
		s.reply(w, r, payload)
		return
	case s.state != open || s.ws != nil: // ended or upgraded since the request was checked
		s.mu.Unlock()
		s.server.reject(w, &badRequest, false)
		return
	case s.poll != nil:
		s.mu.Unlock()
		s.end(ending{reason: ReasonTransportError})
		writeBody(w, http.StatusBadRequest, nil)
		return
	}
	p := &poll{begun: time.Now(), wake: make(chan struct{}, 1)}
	if len(s.control) == 0 && s.queue.empty() {
		s.poll = p
		s.mu.Unlock()
		unlimit(w)
		select {
		case <-p.wake:
		case <-r.Context().Done():
		}
		s.mu.Lock()
		if s.poll == p {
			s.poll = nil
		}
	}
	if r.Context().Err() != nil {
		s.mu.Unlock()
		// What was sent last may be lost, and nothing may be lost silently.
		s.end(ending{reason: ReasonTransportClose})
		return
	}
	payload := p.final
	if payload == nil && !p.refused {
		payload = s.takePayload(maxReplyPackets)
	}
	s.mu.Unlock()
	if p.refused {
		s.server.reject(w, &badRequest, false)
		return
	}
	s.reply(w, r, payload)
}

// unlimit lifts the deadlines that the HTTP server may have set for the request, which are not meant for one that is held.
func unlimit(w http.ResponseWriter) {
	control := http.NewResponseController(w)
	// A ResponseWriter without deadlines has none to lift.
	_ = control.SetReadDeadline(time.Time{})
	_ = control.SetWriteDeadline(time.Time{})
}

// takePayload takes what is queued, as a payload of at most so many packets. s.mu is held.
func (s *Session) takePayload(maxPackets int) []byte {
	frames := s.take(make([]*Frame, 0, min(len(s.control)+len(s.queue.entries), maxPackets)), maxReply, maxPackets)
	if len(frames) == 1 {
		payload := frames[0].polling()
		s.server.stats.sent(1, len(payload))
		return payload
	}
	size := len(frames)
	for _, f := range frames {
		size += len(f.polling())
	}
	payload := make([]byte, 0, size)
	for i, f := range frames {
		if i > 0 {
			payload = append(payload, packet.Separator)
		}
		payload = append(payload, f.polling()...)
	}
	s.server.stats.sent(len(frames), len(payload))
	return payload
}

// lastPayload takes what is queued and adds the close packet, unless there is more than one response holds: then last is false.
// empty is what it returns in place of nothing at all, unless the ending says something else. s.mu is held.
func (s *Session) lastPayload(empty string) (payload []byte, last bool) {
	if len(s.control) == 0 && s.queue.empty() {
		if s.ending.final != "" {
			return []byte(s.ending.final), true
		}
		return []byte(empty), true
	}
	queued := s.takePayload(maxReplyPackets - 1)
	if !s.queue.empty() {
		return queued, false
	}
	payload = make([]byte, 0, len(queued)+2)
	return append(append(payload, queued...), packet.Separator, byte(packet.Close)), true
}

// linger is how long the session waits for its last GET.
func (e *ending) linger() time.Duration {
	if e.flush && e.reason != ReasonShutdown {
		return endedLifetime
	}
	return echoLifetime
}

// discard removes a session whose last GET did not come.
func (s *Session) discard() {
	s.mu.Lock()
	if s.state != closing || s.ws != nil {
		s.mu.Unlock()
		return
	}
	s.abandonUpgrade()
	s.state = closed
	s.mu.Unlock()
	s.server.remove(s)
}

// reply writes a payload. A client that does not take it loses its session, as it cannot know what it missed.
func (s *Session) reply(w http.ResponseWriter, r *http.Request, payload []byte) {
	control := http.NewResponseController(w)
	// Not every ResponseWriter has deadlines; without them a stuck client holds its own goroutine and nothing else.
	_ = control.SetWriteDeadline(time.Now().Add(s.server.cfg.WriteTimeout))
	if s.server.cfg.Compress {
		payload = s.server.compress(w.Header(), r, payload)
	}
	setPayloadHeaders(w.Header(), len(payload))
	w.WriteHeader(http.StatusOK)
	_, err := w.Write(payload)
	if err == nil {
		err = control.Flush()
	}
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		s.end(ending{reason: ReasonTransportError})
		return
	}
	_ = control.SetWriteDeadline(time.Time{})
}

// errTooLarge is returned by readBody for a body over the limit.
var errTooLarge = errors.New("body too large")

// servePost takes the packets of a POST.
func (s *Session) servePost(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	if s.state != open || s.ws != nil {
		s.mu.Unlock()
		s.server.reject(w, &badRequest, false)
		return
	}
	if s.posting != nil {
		s.mu.Unlock()
		s.end(ending{reason: ReasonTransportError})
		writeBody(w, http.StatusBadRequest, nil)
		return
	}
	done := make(chan struct{})
	s.posting = done
	s.mu.Unlock()

	status := s.readPost(w, r)

	s.mu.Lock()
	s.posting = nil
	close(done)
	s.mu.Unlock()
	if status != http.StatusOK {
		writeBody(w, status, nil)
		return
	}
	w.Header().Set("Content-Type", "text/html")
	writeBody(w, status, []byte("ok"))
}

// readPost reads and handles the packets of a POST and returns the status to answer.
func (s *Session) readPost(w http.ResponseWriter, r *http.Request) (status int) {
	cfg := &s.server.cfg
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind == "application/octet-stream" {
		s.end(ending{reason: ReasonTransportError})
		return http.StatusBadRequest
	}
	limit := s.maxPayload()
	if r.ContentLength > int64(limit) {
		return http.StatusRequestEntityTooLarge
	}
	buf := s.server.getBuffer()
	defer s.server.putBuffer(buf)
	err := s.readBody(r.Body, buf, limit)
	if err == nil { // the handler may take its time
		_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	}
	switch {
	case errors.Is(err, errTooLarge):
		return http.StatusRequestEntityTooLarge
	case err != nil:
		s.end(ending{reason: ReasonTransportClose})
		return http.StatusBadRequest
	}
	packets, err := packet.DecodePayload(*buf, cfg.MaxPackets)
	if err != nil || !utf8.Valid(*buf) {
		s.server.stats.parseErrors.Add(1)
		s.end(ending{reason: ReasonParseError})
		return http.StatusBadRequest
	}
	for _, p := range packets {
		if p.Type == packet.Open || p.Type == packet.Ping {
			s.server.stats.parseErrors.Add(1)
			s.end(ending{reason: ReasonParseError})
			return http.StatusBadRequest
		}
		if !s.receive(p) {
			break
		}
	}
	return http.StatusOK
}

// readBody reads all of body into buf, up to limit. Each piece of it is a sign of life.
func (s *Session) readBody(body io.Reader, buf *[]byte, limit int) error {
	for {
		if len(*buf) == cap(*buf) {
			*buf = append(*buf, 0)[:len(*buf)]
		}
		n, err := body.Read((*buf)[len(*buf):cap(*buf)])
		*buf = (*buf)[:len(*buf)+n]
		switch {
		case len(*buf) > limit:
			return errTooLarge
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
		s.touch()
	}
}

func setPayloadHeaders(h http.Header, size int) {
	h.Set("Content-Type", "text/plain; charset=UTF-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(size))
}

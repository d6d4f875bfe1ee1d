package engineio

import (
	"compress/gzip"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// maxPooledBuffer keeps the buffers of rare large messages out of the pool.
const maxPooledBuffer = 64 << 10

// Server is an [http.Handler] that serves the Engine.IO protocol on any path.
type Server struct {
	cfg       Config
	accepted  func(*Session) Handler
	buffers   sync.Pool // of *[]byte, which incoming messages are read into
	arrivals  sync.Pool // of *[arrivedSize]byte, what has arrived on a WebSocket
	gzips     sync.Pool // of *gzip.Writer
	deflaters deflaters
	stats     counters
	writers   writers

	// group counts the sessions and their goroutines.
	group    sync.WaitGroup
	draining atomic.Bool

	mu       sync.RWMutex // guards what follows
	sessions map[string]*Session
	perIP    map[string]int // sessions by address, counted if there is a limit
}

// NewServer returns a server that calls accept for each new session and the returned handler for what happens on it. accept
// may send; it must not block.
func NewServer(cfg Config, accept func(*Session) Handler) *Server {
	s := &Server{
		cfg:      cfg.withDefaults(),
		accepted: accept,
		buffers:  sync.Pool{New: func() any { return new(make([]byte, 0, 4<<10)) }},
		gzips:    sync.Pool{New: func() any { return gzip.NewWriter(nil) }},
		sessions: make(map[string]*Session),
		perIP:    make(map[string]int),
	}
	s.arrivals.New = func() any { return new([arrivedSize]byte) }
	s.writers.server = s
	s.writers.scratches.New = newScratch
	s.deflaters.pool.New = newDeflater
	return s
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 {
		// It bounds the reading of the body, even that of a request which is refused: net/http reads what was left unread,
		// however slowly it comes. A ResponseWriter without deadlines has none to set.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(s.cfg.ReadTimeout))
	}
	query := r.URL.Query()
	upgrade := isUpgrade(r)
	if !upgrade {
		s.cfg.CORS.setHeaders(w.Header(), r)
		if r.Method == http.MethodOptions {
			servePreflight(w, r)
			return
		}
	}
	if s.tooLong(r) {
		s.reject(w, &tooLong, upgrade)
		return
	}
	session, refused := s.verify(r, query, upgrade)
	if refused != nil {
		s.reject(w, refused, upgrade)
		return
	}
	if s.cfg.Headers != nil {
		s.cfg.Headers(w.Header(), r)
	}
	switch {
	case session == nil:
		s.serveHandshake(w, r, last(query, "transport"), s.cfg.keepRequest(r))
	case upgrade:
		s.serveUpgrade(w, r, session)
	case r.Method == http.MethodGet:
		session.serveGet(w, r)
	case r.Method == http.MethodPost:
		session.servePost(w, r)
	default:
		w.Header().Set("Allow", "GET, POST, OPTIONS")
		writeBody(w, http.StatusMethodNotAllowed, nil)
	}
}

// serveHandshake opens a session.
func (s *Server) serveHandshake(w http.ResponseWriter, r *http.Request, transport string, request *Request) {
	if s.cfg.Throttle != nil {
		if wait := s.cfg.Throttle(request.Address); wait > 0 {
			refused := throttled
			refused.wait = wait
			s.reject(w, &refused, transport == WebSocket)
			return
		}
	}
	session := newSession(s, newID(), request, transport)
	if s.cfg.Busy != nil && s.cfg.Busy() || !s.register(session) {
		s.reject(w, &unavailable, transport == WebSocket)
		return
	}
	s.setHandshakeHeaders(w, r, session)
	if transport == WebSocket {
		ws, err := s.accept(w, r)
		if err != nil {
			s.remove(session)
			s.cfg.Logger.Debug("engineio: accepting a WebSocket", "error", err)
			return
		}
		session.attach(ws)
		session.start(s.accepted(session))
		s.group.Go(func() { session.serveWebSocket(ws) })
		return
	}
	session.start(s.accepted(session))
	// The open packet goes alone, whatever was queued meanwhile: clients read nothing else from the first response.
	session.reply(w, r, append([]byte{'0'}, session.handshake(Polling)...))
}

// serveUpgrade takes in a WebSocket for a session on polling.
func (s *Server) serveUpgrade(w http.ResponseWriter, r *http.Request, session *Session) {
	ws, err := s.accept(w, r)
	if err != nil {
		s.cfg.Logger.Debug("engineio: accepting a WebSocket", "session", session.LogID(), "error", err)
		return
	}
	if !session.beginUpgrade(ws) {
		ws.closeWithin(s.cfg.CloseTimeout)
		ws.writeClose(0)
		ws.drain()
		ws.release()
	}
}

// handshake returns the data of the open packet.
func (s *Session) handshake(transport string) []byte {
	cfg := &s.server.cfg
	upgrades := []string{}
	if transport == Polling {
		upgrades = cfg.upgrades()
	}
	data, err := json.Marshal(struct {
		SID          string   `json:"sid"`
		Upgrades     []string `json:"upgrades"`
		PingInterval int64    `json:"pingInterval"`
		PingTimeout  int64    `json:"pingTimeout"`
		MaxPayload   int      `json:"maxPayload"`
	}{s.id, upgrades, cfg.PingInterval.Milliseconds(), cfg.PingTimeout.Milliseconds(), cfg.MaxPayload})
	if err != nil {
		panic(err) // unreachable: strings and numbers marshal
	}
	return data
}

func (s *Server) setHandshakeHeaders(w http.ResponseWriter, r *http.Request, session *Session) {
	if s.cfg.Cookie != nil {
		cookie := *s.cfg.Cookie
		if cookie.Value == "" {
			cookie.Value = session.id
		}
		cookie.Secure = cookie.Secure || r.TLS != nil
		http.SetCookie(w, &cookie)
	}
	if s.cfg.InitialHeaders != nil {
		s.cfg.InitialHeaders(w.Header(), r)
	}
}

// tooLong reports whether the request's URL or header exceeds its limit.
func (s *Server) tooLong(r *http.Request) bool {
	size := 0
	for name, values := range r.Header {
		for _, value := range values {
			size += len(name) + len(value)
		}
	}
	return size > s.cfg.MaxHeaderBytes || len(r.RequestURI) > s.cfg.MaxURLBytes
}

// register adds a session, unless the server is draining or full.
func (s *Server) register(session *Session) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	address := session.request.Address
	switch {
	case s.draining.Load(),
		s.cfg.MaxSessions > 0 && len(s.sessions) >= s.cfg.MaxSessions,
		s.cfg.MaxSessionsPerIP > 0 && s.perIP[address] >= s.cfg.MaxSessionsPerIP:
		return false
	}
	s.group.Add(1)
	s.sessions[session.id] = session
	if s.cfg.MaxSessionsPerIP > 0 {
		s.perIP[address]++
	}
	s.stats.handshakes.Add(1)
	return true
}

// remove forgets a session of which nothing is left. It may be called twice.
func (s *Server) remove(session *Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sessions[session.id] != session {
		return
	}
	delete(s.sessions, session.id)
	if address := session.request.Address; s.cfg.MaxSessionsPerIP > 0 {
		if s.perIP[address]--; s.perIP[address] == 0 {
			delete(s.perIP, address)
		}
	}
	s.group.Done()
}

// lookup returns the session that requests with that id may still reach, or nil.
func (s *Server) lookup(id string) *Session {
	s.mu.RLock()
	session := s.sessions[id]
	s.mu.RUnlock()
	if session == nil || !session.reachable() {
		return nil
	}
	return session
}

// reachable reports whether the session is open, or was closed on polling and has something left to say.
func (s *Session) reachable() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state <= open || s.state == closing && s.ws == nil
}

// all returns the sessions there are.
func (s *Server) all() []*Session {
	s.mu.RLock()
	defer s.mu.RUnlock()
	sessions := make([]*Session, 0, len(s.sessions))
	for _, session := range s.sessions {
		sessions = append(sessions, session)
	}
	return sessions
}

func (s *Server) getBuffer() *[]byte { return s.buffers.Get().(*[]byte) }

func (s *Server) putBuffer(buf *[]byte) {
	if cap(*buf) > maxPooledBuffer {
		return
	}
	*buf = (*buf)[:0]
	s.buffers.Put(buf)
}

// newID returns a session id: 20 characters that stand for 120 random bits.
func newID() string {
	var random [15]byte
	_, _ = rand.Read(random[:]) // never fails, says its documentation
	return base64.RawURLEncoding.EncodeToString(random[:])
}

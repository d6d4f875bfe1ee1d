package socketio

import (
	"container/list"
	"encoding/json"
	"sync"
	"time"
)

// replaceTimeout bounds the wait for the end of a connection that a new one replaces.
const replaceTimeout = time.Second

// unrecoverable are the reasons that end a session for good: one side wanted it, or the client cannot be trusted with it.
var unrecoverable = map[string]bool{
	ReasonClientDisconnect: true,
	ReasonServerDisconnect: true,
	ReasonServerClose:      true,
	ReasonParseError:       true,
}

// recovery keeps the sessions of one namespace whose connection was lost, for clients that come back with their secret. A
// nil recovery keeps none.
type recovery struct {
	cfg RecoveryConfig

	mu    sync.Mutex               // guards what follows
	live  map[string]*Socket       // by secret
	lost  map[string]*list.Element // of *lostSession, by secret
	order *list.List               // the lost sessions, oldest first
}

// lostSession is what is kept of a socket.
type lostSession struct {
	pid      string
	id       string
	identity string
	rooms    []string
	data     []datum
	since    uint64 // see Socket.since
	offset   string // the latest that the returning client has seen
	expires  time.Time
}

func newRecovery(cfg RecoveryConfig) *recovery {
	if cfg.Mode == RecoveryOff {
		return nil
	}
	return &recovery{cfg: cfg, live: make(map[string]*Socket), lost: make(map[string]*list.Element), order: list.New()}
}

// resume gives the session to s whose secret the client presented, if there is one. The secret is good for one use.
func (r *recovery) resume(s *Socket) {
	if r == nil {
		return
	}
	var auth struct {
		PID    string `json:"pid"`
		Offset string `json:"offset"`
	}
	// Auth is an object; a secret of another type is none.
	if json.Unmarshal(s.handshake.Auth, &auth) != nil || auth.PID == "" {
		return
	}
	r.replace(auth.PID, s)
	session := r.take(auth.PID)
	if session == nil {
		return
	}
	session.offset = auth.Offset
	s.id = session.id
	s.data = session.data
	s.resumed = session
}

// replace closes the connection that still holds the session: a client may come back before its loss was noticed.
func (r *recovery) replace(pid string, by *Socket) {
	r.mu.Lock()
	old := r.live[pid]
	r.mu.Unlock()
	if old == nil {
		return
	}
	old.conn.session.Abort(ReasonTransportClose)
	timer := time.NewTimer(replaceTimeout)
	defer timer.Stop()
	select {
	case <-old.gone:
	case <-by.conn.done:
	case <-timer.C: // an event handler of the old socket takes too long
	}
}

// take removes a lost session and returns it, nil if there is none.
func (r *recovery) take(pid string) *lostSession {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.expire()
	element := r.lost[pid]
	if element == nil {
		return nil
	}
	return r.remove(element)
}

// identify reports whether s has the same owner as the session that it has resumed, if any.
func (r *recovery) identify(s *Socket) bool {
	if r == nil {
		return true
	}
	if r.cfg.Identity != nil {
		s.identity = r.cfg.Identity(s)
	}
	return s.resumed == nil || s.resumed.identity == s.identity
}

// begin gives a secret to a socket that is about to be accepted. It is a new one, unless all missed events were replayed:
// that is what a client takes the old one for.
func (r *recovery) begin(s *Socket, replayed bool) {
	if r == nil {
		return
	}
	if replayed {
		s.pid = s.resumed.pid
	} else {
		s.pid = newID(18)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.live[s.pid] = s
}

// save keeps the session of a socket that leaves, if the reason lets it come back.
func (r *recovery) save(s *Socket, reason string) {
	if r == nil {
		return
	}
	rooms := s.Rooms()
	s.mu.Lock()
	data := s.data
	s.mu.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.live, s.pid)
	r.expire()
	switch {
	case unrecoverable[reason]:
	case s.confirmed.Load():
		r.keep(&lostSession{
			pid:      s.pid,
			id:       s.id,
			identity: s.identity,
			rooms:    rooms[1:], // without its own
			data:     data,
			since:    s.since,
			expires:  time.Now().Add(r.cfg.MaxDisconnection),
		})
	case s.resumed != nil: // the connection was lost again, before the client knew of it
		r.keep(s.resumed)
	}
}

// keep adds a lost session. r.mu is held.
func (r *recovery) keep(session *lostSession) {
	r.lost[session.pid] = r.order.PushBack(session)
	if r.order.Len() > r.cfg.MaxSessions {
		r.remove(r.order.Front())
	}
}

// expire removes the sessions that are too old. r.mu is held.
func (r *recovery) expire() {
	now := time.Now()
	for e := r.order.Front(); e != nil && !now.Before(e.Value.(*lostSession).expires); e = r.order.Front() {
		r.remove(e)
	}
}

// remove removes a lost session. r.mu is held.
func (r *recovery) remove(element *list.Element) *lostSession {
	session := r.order.Remove(element).(*lostSession)
	delete(r.lost, session.pid)
	return session
}

// size returns the number of lost sessions.
func (r *recovery) size() int {
	if r == nil {
		return 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.expire()
	return r.order.Len()
}

package socketio

import (
	"errors"

	"github.com/elizad/elizad/server/socketio/engineio"
	"github.com/elizad/elizad/server/socketio/parser"
)

// connect asks the middleware whether the client may join, and answers the client.
func (s *Socket) connect() {
	middleware, onConnect := s.ns.registered()
	s.ns.recovery.resume(s)
	s.register()
	err := s.admit(middleware)
	if err == nil && !s.ns.recovery.identify(s) {
		s.renew()
		err = s.admit(middleware)
	}
	if err != nil {
		s.reject(err)
		return
	}
	if !s.accept() {
		return // gone meanwhile; the task to leave is queued
	}
	for _, fn := range onConnect {
		s.guard("connection handler", func() { fn(s) })
	}
}

// register makes the socket known to the adapter, in the rooms of the session that it continues, if any.
func (s *Socket) register() {
	s.ns.adapter.Add(s)
	if s.resumed != nil {
		_ = s.Join(s.resumed.rooms...) // it was in no more rooms than it may be
	}
}

// renew makes the socket a new one, after it had resumed a session that turned out to belong to another.
func (s *Socket) renew() {
	s.ns.adapter.Remove(s)
	s.mu.Lock()
	s.id = newID(15)
	s.data = nil
	s.resumed = nil
	s.mu.Unlock()
	s.register()
}

// admit runs the middleware.
func (s *Socket) admit(middleware []Middleware) (err error) {
	for _, m := range middleware {
		if s.guard("middleware", func() { err = m(s.ctx, s) }) {
			err = errors.New("middleware panicked")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// accept answers the client that it has joined, after what it missed if it continues a session.
func (s *Socket) accept() (ok bool) {
	s.ns.history.admit(s, s.ns.server.cfg.Engine.QueueBytes, func(missed *engineio.Frame, complete bool) {
		s.ns.recovery.begin(s, complete)
		frame, err := s.ns.server.encodeObject(parser.Connect, s.ns.name, struct {
			SID string `json:"sid"`
			PID string `json:"pid,omitempty"`
		}{s.id, s.pid})
		if err != nil {
			panic(err) // unreachable: strings marshal
		}
		s.conn.mu.Lock() // before s.mu, as wherever both are held
		s.mu.Lock()
		defer s.mu.Unlock()
		left := s.left
		if !left {
			s.conn.hasJoined() // before the client knows, as it may rely on it
		}
		s.conn.mu.Unlock()
		if left {
			return
		}
		s.conn.session.Trust()
		s.confirmed.Store(true) // before the client knows, as it may answer at once
		if missed != nil {
			s.conn.session.Send(missed, engineio.SendOptions{})
		}
		s.conn.session.Send(frame, engineio.SendOptions{})
		s.connected.Store(true) // after, so that nothing comes before
		ok = true
	})
	return ok
}

// reject answers the client that it may not join, or, if that could not be decided, closes the connection so that it tries
// again. The namespace may be asked for again on this connection.
func (s *Socket) reject(err error) {
	gone := s.ctx.Err() != nil
	s.conn.vacate(s, true)
	s.mu.Lock()
	s.left = true
	s.tasks = nil // at most a task to leave, which has come too late
	s.mu.Unlock()
	s.depart()
	if gone { // no client is left to notify, and middleware may have given up for that reason
		return
	}

	log := s.ns.server.cfg.Logger
	if refusal, ok := errors.AsType[*ConnectError](err); ok {
		if err := s.conn.refuse(s.ns.name, refusal); err != nil {
			log.Error("socketio: encoding a refusal", "namespace", s.ns.name, "error", err)
			s.conn.session.Close(ReasonServerClose)
		}
		return
	}
	if errors.Is(err, ErrTryLater) {
		log.Warn("socketio: connection not decided", "namespace", s.ns.name, "error", err)
		s.conn.session.Close(ReasonServerClose)
		return
	}
	log.Error("socketio: middleware", "namespace", s.ns.name, "error", err)
	// The text of an unexpected error is not for clients. Encoding a constant does not fail.
	_ = s.conn.refuse(s.ns.name, &ConnectError{Message: "Internal error"})
}

// end is the last task of a socket.
func (s *Socket) end(reason string) {
	s.conn.vacate(s, false)
	s.connected.Store(false)
	if !s.confirmed.Load() { // it never was connected
		s.ns.recovery.save(s, reason)
		s.depart()
		return
	}
	own, _ := s.registrations("")
	for _, fn := range own.disconnecting {
		s.guard("disconnecting handler", func() { fn(reason) })
	}
	s.ns.recovery.save(s, reason)
	s.failAcks()
	s.ns.adapter.Remove(s)
	s.cancel()
	for _, fn := range own.disconnect {
		s.guard("disconnect handler", func() { fn(reason) })
	}
	s.ns.mu.RLock()
	departed := s.ns.onDisconnect
	s.ns.mu.RUnlock()
	for _, fn := range departed {
		s.guard("disconnect handler", func() { fn(s) })
	}
	s.depart()
}

// depart takes back what begin and connect have done.
func (s *Socket) depart() {
	s.mu.Lock()
	if s.stopGrace != nil {
		s.stopGrace()
	}
	s.mu.Unlock()
	s.ns.adapter.Remove(s)
	s.cancel()
	close(s.gone)
	s.ns.server.exit(s.ns)
	s.ns.server.group.Done()
}

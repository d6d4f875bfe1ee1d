package engineio

import (
	"time"

	"github.com/elizad/elizad/server/socketio/engineio/packet"
)

// noopInterval is how often a held poll is released during an upgrade. One noop is not enough, as the client may have sent
// another GET already; without it the client could not finish its poll and so not switch.
const noopInterval = 100 * time.Millisecond

// overtaking is how much earlier than the switch a poll may arrive that was sent after it: the two come on different
// connections.
const overtaking = 50 * time.Millisecond

// upgrade is a WebSocket that tries to take over a polling session. Until it has, the session lives on polling, and it
// goes on if the attempt fails.
type upgrade struct {
	ws      *webSocket
	begun   time.Time
	timeout *time.Timer
	noop    *time.Timer // nil until the client has probed
}

// stop ends the attempt's timers and returns its WebSocket.
func (u *upgrade) stop() *webSocket {
	u.timeout.Stop()
	if u.noop != nil {
		u.noop.Stop()
	}
	return u.ws
}

// beginUpgrade takes in a WebSocket that came with the session's id, and starts to read it. It fails if the session ended,
// is on a WebSocket already, or has another attempt under way.
func (s *Session) beginUpgrade(ws *webSocket) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != open || s.ws != nil || s.upgrade != nil {
		return false
	}
	s.upgrade = &upgrade{
		ws:    ws,
		begun: time.Now(),
		timeout: time.AfterFunc(s.server.cfg.UpgradeTimeout, func() {
			defer s.server.contain("the end of an upgrade")
			s.failUpgrade(ws)
		}),
	}
	s.server.group.Go(func() {
		defer s.server.contain("an upgrade")
		defer ws.release()
		if s.probe(ws) {
			s.readLoop(ws)
		} else {
			s.failUpgrade(ws)
			ws.drain()
		}
	})
	return true
}

// probe reads the client's side of the upgrade: 2probe, to be answered, and then 5. It reports whether ws has become the
// session's transport.
func (s *Session) probe(ws *webSocket) bool {
	probed := false
	for {
		p, err := ws.readControl()
		switch {
		case err != nil:
			return false
		case p.Type == packet.Ping && string(p.Data) == "probe":
			probed = true
			if !s.answerProbe(ws) {
				return false
			}
		case p.Type == packet.Upgrade && probed:
			return s.completeUpgrade(ws)
		default:
			return false
		}
	}
}

func (s *Session) answerProbe(ws *webSocket) bool {
	if ws.write([]*Frame{probeFrame}) != nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.upgrade == nil || s.upgrade.ws != ws {
		return false
	}
	if s.upgrade.noop == nil {
		s.upgrade.noop = time.AfterFunc(noopInterval, func() {
			defer s.server.contain("an upgrade")
			s.releasePoll(ws)
		})
	}
	return true
}

// releasePoll ends a held poll with a noop, again and again while the upgrade lasts.
func (s *Session) releasePoll(ws *webSocket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.upgrade == nil || s.upgrade.ws != ws {
		return
	}
	if s.poll != nil && len(s.control) == 0 && s.queue.empty() {
		s.sendControl(noopFrame)
	}
	s.upgrade.noop.Reset(noopInterval)
}

// completeUpgrade makes ws the session's transport, at one moment: what was queued goes to ws from now on, in order. It
// returns after a POST that is still being handled, whose messages come before those on ws.
func (s *Session) completeUpgrade(ws *webSocket) bool {
	s.mu.Lock()
	if s.upgrade == nil || s.upgrade.ws != ws {
		s.mu.Unlock()
		return false
	}
	s.server.stats.upgraded(time.Since(s.upgrade.begun))
	s.upgrade.stop()
	s.upgrade = nil
	s.ws = ws
	s.transport.Store(new(string(WebSocket)))
	if s.poll != nil {
		s.poll.refused = time.Since(s.poll.begun) < overtaking
		s.poll.release([]byte{byte(packet.Noop)})
		s.poll = nil
	}
	s.dropNoops()
	if s.state == closing { // it was closed with something queued, which goes first
		s.lingering.Stop()
		ws.closeWithin(s.server.cfg.CloseTimeout)
	}
	s.flush()
	posting := s.posting
	s.mu.Unlock()
	if posting != nil {
		<-posting
	}
	return true
}

// failUpgrade ends the attempt of ws, if it is still under way.
func (s *Session) failUpgrade(ws *webSocket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.upgrade != nil && s.upgrade.ws == ws {
		s.server.stats.upgradesFailed.Add(1)
		s.abandonUpgrade()
	}
}

package client

import (
	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
)

// Latest is for [Conn.Join]: only what is posted from now on.
const Latest int64 = 1<<53 - 1 // the largest number that every JSON reader represents exactly, and larger than any message's

// standing is the state of a channel's subscription.
type standing int

const (
	away    standing = iota // to be joined
	asked                   // the join was sent, and is not confirmed yet
	joined                  // events are delivered
	lagging                 // events came faster than they were read: to be joined when there is room again
)

// member is the connection's subscription to one channel. It decides which messages are new, from their numbers alone: a
// channel counts its messages, and confirms a join with how many missed ones follow.
//
// A member is away until the server is asked, asked until it confirms, and joined after that. While missed messages follow
// (due) their numbers are counted down; then it is caught up to reach, or asks again for the rest (more). It is lagging from a
// message that there was no room for until its reader has taken some, and away again when the connection ends. The Conn's lock
// guards all of it.
type member struct {
	id       uuid.UUID
	standing standing
	seq      int64 // number of the last message delivered, or of the last before the beginning
	settled  bool  // joined at least once
	quiet    bool  // the next join is not reported

	due   int   // missed messages that still follow the confirmation
	reach int64 // number of the newest message at the confirmation
	more  bool  // there are more missed ones than the server sends at once

	waiting int           // calls of Join
	settle  chan struct{} // closed when the first join has an answer
	start   int64         // reach of that answer
	err     error         // or why there is none
}

func newMember(id uuid.UUID, after int64) *member {
	return &member{id: id, seq: after, settle: make(chan struct{})}
}

// confirmed takes the answer to a join and returns the event to deliver for it, if any.
func (m *member) confirmed(a api.SocketJoined) (n Rejoined, tell bool) {
	n = Rejoined{ChannelID: m.id, Seq: a.Seq, Reset: m.settled && a.Seq < m.seq}
	tell = m.settled && (!m.quiet || n.Reset)
	m.standing, m.due, m.reach, m.more, m.quiet = joined, 0, a.Seq, a.Complete == nil || !*a.Complete, false
	if a.Missed != nil {
		m.due = *a.Missed
	}
	m.seq = min(m.seq, a.Seq)
	m.caughtUp()
	if !m.settled {
		m.settled, m.start = true, a.Seq
		close(m.settle)
	}
	return n, tell
}

// caughtUp ends the run of missed messages when the last has arrived.
func (m *member) caughtUp() {
	switch {
	case m.due > 0:
	case m.more:
		m.again()
	default:
		m.seq = max(m.seq, m.reach)
	}
}

// again has the channel joined once more, to get what is missing.
func (m *member) again() { m.standing, m.quiet = away, true }

// isComing reports whether a join is under way, up to the last of the missed messages.
func (m *member) isComing() bool { return m.standing == asked || m.standing == joined && m.due > 0 }

// lose is called when the connection ends on which the channel was joined.
func (m *member) lose() {
	m.quiet = false
	if m.standing == joined || m.standing == asked {
		m.standing = away
	}
}

// lag is called for an event that there was no room for.
func (m *member) lag() { m.standing, m.quiet = lagging, false }

// isNews reports whether a message is the next one to deliver; noteDelivered must follow. One that is out of order is not: it
// has been delivered already, or it comes again after a join, which isNews arranges.
func (m *member) isNews(seq int64, own bool) bool {
	switch {
	case m.standing != joined:
		return false
	case m.due > 0: // the echo of the client's own message, sent twice, may come between the missed ones
		return !own
	case seq > m.seq+1:
		m.again()
		return false
	}
	return seq > m.seq
}

// noteDelivered notes that a message was delivered.
func (m *member) noteDelivered(seq int64) {
	m.seq = max(m.seq, seq)
	if m.due > 0 {
		m.due--
		m.caughtUp()
	}
}

package messaging

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/apierr"
)

// Session is the conversation of one person with one agent in a channel of its own. It ends when nobody speaks for a while,
// and at the latest when its longest life is over.
type Session struct {
	ID           uuid.UUID
	AgentID      uuid.UUID
	UserID       uuid.UUID
	ChannelID    uuid.UUID
	Metadata     json.RawMessage // the caller's own, an object
	Timeouts     Timeouts
	RenewalCount int
	CreatedAt    time.Time
	ActiveAt     time.Time // of the last message or heartbeat
	ExpiresAt    time.Time
	Remaining    time.Duration // until ExpiresAt when it was read; never negative
	NearEnd      bool          // Remaining is not more than Timeouts.Warning
}

// NewSession is what CreateSession needs to know.
type NewSession struct {
	AgentID  uuid.UUID
	UserID   uuid.UUID
	Metadata json.RawMessage // an object, or nil
	Timeouts TimeoutPatch
}

// SessionQuery restricts a list of sessions.
type SessionQuery struct {
	Limit  int // 0 means 100; at most 500
	Offset int
	Until  *time.Time // not newer than this
}

// SessionCounts says how many sessions there are.
type SessionCounts struct {
	Live    int
	NearEnd int // of the live ones
	Expired int // ran out and are still remembered
}

// SessionNotice is what an event tells about a session.
type SessionNotice struct {
	SessionID uuid.UUID `json:"sessionId"`
	ExpiresAt time.Time `json:"expiresAt"`
}

// SessionUpdate is what a message did to its session.
type SessionUpdate struct {
	Session
	Renewed bool
}

// Source types of the channels that sessions and jobs have for themselves.
const (
	sourceSession = "session"
	sourceJob     = "job"
)

// SourceSession is the source type of what the user of a session says.
const SourceSession = "user"

// sessionMemory is how long an ended session is told from one that never was.
const sessionMemory = 24 * time.Hour

// maxSessionMetadata is how long the metadata of a session or of one of its messages may be, in bytes of JSON.
const maxSessionMetadata = 10 << 10

// Ways in which sessions end.
const (
	endDeleted        = "deleted" // it is as if it had never been
	endExpired        = "expired"
	endChannelDeleted = "channel_deleted"
)

func sessionOf(r db.Session, now dbtype.Millis) Session {
	remaining := max(r.ExpiresAt-now, 0)
	return Session{
		ID: r.ID, AgentID: r.AgentID, UserID: r.UserID, ChannelID: r.ChannelID, Metadata: json.RawMessage(r.Metadata),
		Timeouts: Timeouts{
			Timeout: durationOf(r.TimeoutMs), MaxDuration: durationOf(r.MaxDurationMs), Warning: durationOf(r.WarningMs), AutoRenew: r.AutoRenew,
		},
		RenewalCount: int(r.RenewalCount), CreatedAt: r.CreatedAt.Time(), ActiveAt: r.ActiveAt.Time(), ExpiresAt: r.ExpiresAt.Time(),
		Remaining: durationOf(int64(remaining)), NearEnd: remaining > 0 && int64(remaining) <= r.WarningMs,
	}
}

func durationOf(ms int64) time.Duration { return time.Duration(ms) * time.Millisecond }

// over returns the error that a session which has ended answers with, and nil for a live one.
func over(r db.Session, now dbtype.Millis) error {
	end := r.ExpiresAt
	if r.EndedAt != nil {
		end = *r.EndedAt
	}
	switch {
	case r.EndedAt == nil && end > now:
		return nil
	case r.EndReason == endDeleted, int64(now-end) >= sessionMemory.Milliseconds():
		return noSession(r.ID)
	case r.EndReason == endChannelDeleted:
		return apierr.New(apierr.SessionExpired, "Session '%s' ended: its channel was deleted", r.ID)
	default:
		return apierr.New(apierr.SessionExpired, "Session '%s' expired at %s", r.ID, end.Time().UTC().Format("2006-01-02T15:04:05.000Z"))
	}
}

func noSession(id uuid.UUID) error {
	return apierr.New(apierr.SessionNotFound, "Session with ID '%s' not found", id)
}

func noSuchAgent(id uuid.UUID) error {
	return apierr.New(apierr.AgentNotFound, "Agent with ID '%s' not found", id)
}

// smallObject checks that raw is an object, or nothing, of at most limit bytes.
func smallObject(raw json.RawMessage, name string, limit int) (json.RawMessage, error) {
	if len(raw) > limit {
		return nil, apierr.New(apierr.ValidationFailed, "Invalid %s: %s exceeds maximum size of %d bytes", name, name, limit)
	}
	return object(raw, name, limit)
}

func (s *Service) emitSession(ctx context.Context, t EventType, serverID uuid.UUID, r db.Session) {
	s.emit(ctx, Event{
		Type: t, ChannelID: r.ChannelID, ServerID: serverID,
		Session: &SessionNotice{SessionID: r.ID, ExpiresAt: r.ExpiresAt.Time()},
	})
}

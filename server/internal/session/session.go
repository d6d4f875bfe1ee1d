package session

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/messaging"
)

// Session is the conversation of one person with one agent in its own channel. It ends after a while without a message,
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

// NewSession is what Create needs to know.
type NewSession struct {
	AgentID  uuid.UUID
	UserID   uuid.UUID
	Metadata json.RawMessage // an object, or nil
	Timeouts TimeoutPatch
}

// Query restricts a list of sessions.
type Query struct {
	Limit  int // 0 means 100; at most 500
	Offset int
	Until  *time.Time // not newer than this
}

// Counts says how many sessions there are.
type Counts struct {
	Live    int
	NearEnd int // of the live ones
	Expired int // ran out and are still remembered
}

// What happens in the channels of sessions, beside what happens in all. [NoticeIn] reads such an event.
const (
	EventWarning messaging.EventType = "session_warning" // the session's end comes near
	EventExpired messaging.EventType = "session_expired" // the session has run out
)

// Notice is the content of an event about a session.
type Notice struct {
	SessionID uuid.UUID `json:"sessionId"`
	ExpiresAt time.Time `json:"expiresAt"`
}

// NoticeIn reads the notice in an event of a session's channel.
func NoticeIn(e messaging.Event) (Notice, error) {
	var n Notice
	if err := json.Unmarshal(e.Data, &n); err != nil {
		return Notice{}, fmt.Errorf("reading what an event tells of a session: %w", err)
	}
	return n, nil
}

// Update is what a message did to its session.
type Update struct {
	Session
	Renewed bool
}

// channelSource is the source type of the channels of sessions.
const channelSource = "session"

// SourceUser is the source type of what the user of a session says.
const SourceUser = "user"

// memory is how long an ended session can be distinguished from one that never was.
const memory = 24 * time.Hour

// maxMetadata is how long the metadata of a session or of one of its messages may be, in bytes of JSON.
const maxMetadata = 10 << 10

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
	case r.EndReason == endDeleted, int64(now-end) >= memory.Milliseconds():
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

package session

import (
	"context"
	"database/sql"
	"errors"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/jsontext"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/store"
)

const (
	defaultList = 100
	maxList     = 500
)

// Create begins a session with a running agent, in a new channel that both take part in. Any other agent is
// AGENT_NOT_FOUND.
func (s *Service) Create(ctx context.Context, who auth.Identity, n NewSession) (Session, error) {
	if err := messaging.MayBe(who, n.UserID); err != nil {
		return Session{}, err
	}
	timeouts, err := s.agentTimeouts(ctx, n.AgentID)
	if err != nil {
		return Session{}, err
	}
	metadata, err := jsontext.CheckSmallObject(n.Metadata, "metadata", maxMetadata)
	if err != nil {
		return Session{}, err
	}
	timeouts = s.limits.apply(timeouts, n.Timeouts)
	id := messaging.NewID()
	about, err := jsontext.Overlay(metadata, jsontext.Encode(aboutSession{n.AgentID, id, timeouts.document(), n.UserID}))
	if err != nil {
		return Session{}, err
	}
	channelID := messaging.NewID()
	insertChannel, err := s.messaging.OwnChannel(channelSource, channelID, messaging.NewChannel{
		Name: "session-" + id.String(), Type: messaging.TypeDM, Metadata: about, Participants: []uuid.UUID{n.UserID, n.AgentID},
	})
	if err != nil {
		return Session{}, err
	}
	var row db.Session
	err = store.Update(ctx, s.store, who.Scope(), "creating a session", func(q db.Scoped) error {
		if err := s.mayAdd(ctx, q, n.UserID); err != nil {
			return err
		}
		if err := insertChannel(ctx, q); err != nil {
			return err
		}
		now := s.millis()
		expires := now + dbtype.Millis(min(timeouts.Timeout, timeouts.MaxDuration).Milliseconds())
		row = db.Session{
			ID: id, AgentID: n.AgentID, UserID: n.UserID, ChannelID: channelID, Metadata: dbtype.JSON(metadata),
			TimeoutMs: timeouts.Timeout.Milliseconds(), MaxDurationMs: timeouts.MaxDuration.Milliseconds(),
			WarningMs: timeouts.Warning.Milliseconds(), AutoRenew: timeouts.AutoRenew,
			CreatedAt: now, ActiveAt: now, RenewedAt: now, ExpiresAt: expires, DueAt: expires - dbtype.Millis(timeouts.Warning.Milliseconds()),
		}
		return q.InsertSession(ctx, db.InsertSessionParams{
			ID: row.ID, AgentID: row.AgentID, UserID: row.UserID, ChannelID: row.ChannelID, Metadata: row.Metadata,
			TimeoutMs: row.TimeoutMs, MaxDurationMs: row.MaxDurationMs, WarningMs: row.WarningMs, AutoRenew: row.AutoRenew,
			CreatedAt: row.CreatedAt, ActiveAt: row.ActiveAt, RenewedAt: row.RenewedAt, ExpiresAt: row.ExpiresAt, DueAt: row.DueAt,
		})
	})
	if err != nil {
		return Session{}, err
	}
	s.alarm.By(row.DueAt)
	return sessionOf(row, row.CreatedAt), nil
}

// aboutSession is what the metadata of a session's channel say about the session.
type aboutSession struct {
	AgentID       uuid.UUID        `json:"agentId"`
	SessionID     uuid.UUID        `json:"sessionId"`
	TimeoutConfig timeoutsDocument `json:"timeoutConfig"`
	UserID        uuid.UUID        `json:"userId"`
}

// timeoutsDocument is time-outs as clients write them.
type timeoutsDocument struct {
	AutoRenew               bool    `json:"autoRenew"`
	MaxDurationMinutes      float64 `json:"maxDurationMinutes"`
	TimeoutMinutes          float64 `json:"timeoutMinutes"`
	WarningThresholdMinutes float64 `json:"warningThresholdMinutes"`
}

func (t Timeouts) document() timeoutsDocument {
	return timeoutsDocument{t.AutoRenew, t.MaxDuration.Minutes(), t.Timeout.Minutes(), t.Warning.Minutes()}
}

// Get returns a live session. One that ended is SESSION_EXPIRED for a day, and then SESSION_NOT_FOUND like one that
// never was.
func (s *Service) Get(ctx context.Context, who auth.Identity, id uuid.UUID) (Session, error) {
	var out Session
	err := store.View(ctx, s.store, who.Scope(), "reading a session", func(q db.Scoped) (err error) {
		out, err = s.live(ctx, q, id)
		return err
	})
	return out, err
}

func (s *Service) live(ctx context.Context, q db.Scoped, id uuid.UUID) (Session, error) {
	before := s.millis()
	row, err := q.GetSession(ctx, id)
	if errors.Is(err, sql.ErrNoRows) {
		return Session{}, noSession(id)
	} else if err != nil {
		return Session{}, err
	}
	now := min(before, s.millis()) // after a jump of the clock in between, nothing that is running must seem to have ended
	return sessionOf(row, now), over(row, now)
}

// List returns live sessions, newest first, and the counts of all: the caller's own, or those of all users for a caller
// without an identity.
func (s *Service) List(ctx context.Context, who auth.Identity, query Query) ([]Session, Counts, error) {
	limit := int64(defaultList)
	if query.Limit > 0 {
		limit = int64(min(query.Limit, maxList))
	}
	offset, now, until := int64(max(query.Offset, 0)), s.millis(), dbtype.Until(query.Until)
	var rows []db.Session
	var counts db.CountSessionsRow
	err := store.View(ctx, s.store, who.Scope(), "listing sessions", func(q db.Scoped) (err error) {
		if who.SeesAll() {
			rows, err = q.ListSessions(ctx, db.ListSessionsParams{Now: now, Until: until, LimitRows: limit, OffsetRows: offset})
		} else {
			rows, err = q.ListUserSessions(ctx, db.ListUserSessionsParams{UserID: who.Entity(), Now: now, Until: until, LimitRows: limit, OffsetRows: offset})
		}
		if err != nil {
			return err
		}
		counts, err = q.CountSessions(ctx, db.CountSessionsParams{Now: now, AnyUser: who.SeesAll(), UserID: who.Entity()})
		return err
	})
	out := make([]Session, len(rows))
	for i, r := range rows {
		out[i] = sessionOf(r, now)
	}
	return out, countsOf(counts), err
}

// Counts counts the sessions of all users.
func (s *Service) Counts(ctx context.Context) (Counts, error) {
	var counts db.CountSessionsRow
	err := store.SystemView(ctx, s.store, "counting sessions", func(q db.System) (err error) {
		counts, err = q.CountSessions(ctx, db.CountSessionsParams{Now: s.millis(), AnyUser: true})
		return err
	})
	return countsOf(counts), err
}

func countsOf(r db.CountSessionsRow) Counts {
	return Counts{Live: int(r.Live), NearEnd: int(r.NearEnd), Expired: int(r.Expired)}
}

// Renew restarts the time-out of a session, even of one that doesn't renew itself.
func (s *Service) Renew(ctx context.Context, who auth.Identity, id uuid.UUID) (Session, error) {
	return s.change(ctx, who, "renewing a session", id, func(q db.Scoped) (db.Session, error) {
		return q.RenewSession(ctx, db.RenewSessionParams{ID: id, Now: s.millis(), ByHand: true})
	})
}

// Heartbeat is activity without a message: it renews a session that renews itself.
func (s *Service) Heartbeat(ctx context.Context, who auth.Identity, id uuid.UUID) (Session, error) {
	return s.change(ctx, who, "keeping a session alive", id, func(q db.Scoped) (db.Session, error) {
		row, _, err := s.noteActivity(ctx, q, id)
		return row, err
	})
}

// noteActivity renews a session that renews itself, and otherwise only notes the activity. It finds no row when the
// session is over.
func (s *Service) noteActivity(ctx context.Context, q db.Scoped, id uuid.UUID) (row db.Session, renewed bool, err error) {
	now := s.millis()
	row, err = q.RenewSession(ctx, db.RenewSessionParams{ID: id, Now: now})
	if !errors.Is(err, sql.ErrNoRows) {
		return row, err == nil, err
	}
	row, err = q.TouchSession(ctx, db.TouchSessionParams{ID: id, Now: now})
	return row, false, err
}

// ChangeTimeouts changes when a session ends, counted from its last renewal. A time-out that is a number out of bounds is
// refused.
func (s *Service) ChangeTimeouts(ctx context.Context, who auth.Identity, id uuid.UUID, p TimeoutPatch) (Session, error) {
	if err := s.limits.check(p); err != nil {
		return Session{}, err
	}
	return s.change(ctx, who, "changing a session", id, func(q db.Scoped) (db.Session, error) {
		row, err := q.GetSessionForUpdate(ctx, id)
		if err != nil {
			return row, err
		}
		now := s.millis()
		if err := over(row, now); err != nil {
			return row, err
		}
		t := s.limits.apply(sessionOf(row, now).Timeouts, p)
		return q.ChangeSession(ctx, db.ChangeSessionParams{
			ID: id, TimeoutMs: t.Timeout.Milliseconds(), MaxDurationMs: t.MaxDuration.Milliseconds(), WarningMs: t.Warning.Milliseconds(), AutoRenew: t.AutoRenew,
		})
	})
}

// change runs a change that finds no row when the session is over.
func (s *Service) change(ctx context.Context, who auth.Identity, doing string, id uuid.UUID, alter func(q db.Scoped) (db.Session, error)) (Session, error) {
	var row db.Session
	err := store.Update(ctx, s.store, who.Scope(), doing, func(q db.Scoped) (err error) {
		row, err = alter(q)
		if errors.Is(err, sql.ErrNoRows) {
			return s.whyOver(ctx, q, id)
		}
		return err
	})
	if err != nil {
		return Session{}, err
	}
	s.alarm.By(row.DueAt)
	return sessionOf(row, s.millis()), nil
}

// whyOver explains why a session was not found alive.
func (s *Service) whyOver(ctx context.Context, q db.Scoped, id uuid.UUID) error {
	if _, err := s.live(ctx, q, id); err != nil {
		return err
	}
	return apierr.New(apierr.SessionExpired, "Session '%s' expired", id) // a moment ago
}

// End ends a session for good, even one that ran out within the last day. What its agent is working on is cancelled;
// the channel and its messages stay.
func (s *Service) End(ctx context.Context, who auth.Identity, id uuid.UUID) error {
	var ended messaging.Ended
	err := store.Update(ctx, s.store, who.Scope(), "ending a session", func(q db.Scoped) error {
		row, err := q.GetSessionForUpdate(ctx, id)
		if err == nil && apierr.IsCode(over(row, s.millis()), apierr.SessionNotFound) {
			return noSession(id)
		}
		if err == nil {
			row, err = q.EndSession(ctx, db.EndSessionParams{ID: id, EndedAt: new(s.millis()), EndReason: endDeleted})
		}
		if errors.Is(err, sql.ErrNoRows) {
			return noSession(id)
		} else if err != nil {
			return err
		}
		ended, err = s.messaging.CancelTurns(ctx, q, row.ChannelID, uuid.Nil, "session_deleted", "The session was deleted")
		return err
	})
	if err != nil {
		return err
	}
	s.messaging.Announce(ctx, ended)
	return nil
}

// Clear ends all sessions, as if they had never been.
func (s *Service) Clear(ctx context.Context) error {
	return store.SystemUpdate(ctx, s.store, "clearing sessions", func(q db.System) error {
		_, err := q.EndAllSessions(ctx, db.EndAllSessionsParams{EndedAt: new(s.millis()), EndReason: endDeleted})
		return err
	})
}

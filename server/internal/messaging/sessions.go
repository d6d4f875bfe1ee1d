package messaging

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/store"
)

const (
	defaultSessions = 100
	maxSessions     = 500
)

// CreateSession begins a session with a running agent, in a new channel that both take part in. Any other agent is
// AGENT_NOT_FOUND.
func (s *Service) CreateSession(ctx context.Context, who auth.Identity, n NewSession) (Session, error) {
	timeouts, err := s.agentTimeouts(ctx, n.AgentID)
	if err != nil {
		return Session{}, err
	}
	metadata, err := smallObject(n.Metadata, "metadata", maxSessionMetadata)
	if err != nil {
		return Session{}, err
	}
	timeouts = s.limits.apply(timeouts, n.Timeouts)
	id := newID()
	about, err := mergeObjects(metadata, encode(aboutSession{n.AgentID, id, timeouts.document(), n.UserID}))
	if err != nil {
		return Session{}, err
	}
	channel, err := s.newChannelRow(auth.Entity(n.UserID), newID(), NewChannel{Name: "session-" + id.String(), Type: TypeDM, Metadata: about})
	if err != nil {
		return Session{}, err
	}
	channel.SourceType = new(sourceSession)
	var row db.Session
	err = store.Update(ctx, s.store, who.Scope(), "creating a session", func(q db.Querier) error {
		if err := s.mayAddSession(ctx, q, n.UserID); err != nil {
			return err
		}
		if _, err := q.InsertChannel(ctx, channel); err != nil { // its id is new
			return err
		}
		if err := join(ctx, q, channel.ID, []uuid.UUID{n.UserID, n.AgentID}, channel.CreatedAt); err != nil {
			return err
		}
		now := s.millis()
		expires := now + dbtype.Millis(min(timeouts.Timeout, timeouts.MaxDuration).Milliseconds())
		row = db.Session{
			ID: id, AgentID: n.AgentID, UserID: n.UserID, ChannelID: channel.ID, Metadata: dbtype.JSON(metadata),
			TimeoutMs: timeouts.Timeout.Milliseconds(), MaxDurationMs: timeouts.MaxDuration.Milliseconds(),
			WarningMs: timeouts.Warning.Milliseconds(), AutoRenew: timeouts.AutoRenew,
			CreatedAt: now, ActiveAt: now, RenewedAt: now, ExpiresAt: expires, DueAt: expires - dbtype.Millis(timeouts.Warning.Milliseconds()),
		}
		return q.InsertSession(ctx, db.InsertSessionParams(row))
	})
	if err != nil {
		return Session{}, err
	}
	s.sweepBy(row.DueAt)
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

// mustRun refuses an agent that is not there or doesn't run.
func mustRun(ctx context.Context, q db.Querier, agentID uuid.UUID) error {
	agent, err := q.GetAgentHead(ctx, agentID)
	if errors.Is(err, sql.ErrNoRows) || err == nil && !agent.Running {
		return noSuchAgent(agentID)
	}
	return err
}

// Session returns a live session. One that ended is SESSION_EXPIRED for a day, and then SESSION_NOT_FOUND like one that
// never was.
func (s *Service) Session(ctx context.Context, who auth.Identity, id uuid.UUID) (Session, error) {
	var out Session
	err := store.View(ctx, s.store, who.Scope(), "reading a session", func(q db.Querier) (err error) {
		out, err = s.liveSession(ctx, q, id)
		return err
	})
	return out, err
}

func (s *Service) liveSession(ctx context.Context, q db.Querier, id uuid.UUID) (Session, error) {
	before := s.millis()
	row, err := q.GetSession(ctx, id)
	if errors.Is(err, sql.ErrNoRows) {
		return Session{}, noSession(id)
	} else if err != nil {
		return Session{}, err
	}
	now := s.judge(before)
	return sessionOf(row, now), over(row, now)
}

// Sessions returns live sessions, newest first, and the counts of all: the caller's own, or everybody's for a caller who
// doesn't say who it is.
func (s *Service) Sessions(ctx context.Context, who auth.Identity, query SessionQuery) ([]Session, SessionCounts, error) {
	limit := int64(defaultSessions)
	if query.Limit > 0 {
		limit = int64(min(query.Limit, maxSessions))
	}
	offset, now, until := int64(max(query.Offset, 0)), s.millis(), newest(query.Until)
	var rows []db.Session
	var counts db.CountSessionsRow
	err := store.View(ctx, s.store, who.Scope(), "listing sessions", func(q db.Querier) (err error) {
		if seesAll(who) {
			rows, err = q.ListSessions(ctx, db.ListSessionsParams{Now: now, Until: until, LimitRows: limit, OffsetRows: offset})
		} else {
			rows, err = q.ListUserSessions(ctx, db.ListUserSessionsParams{UserID: who.EntityID, Now: now, Until: until, LimitRows: limit, OffsetRows: offset})
		}
		if err != nil {
			return err
		}
		counts, err = q.CountSessions(ctx, db.CountSessionsParams{Now: now, AnyUser: seesAll(who), UserID: who.EntityID})
		return err
	})
	out := make([]Session, len(rows))
	for i, r := range rows {
		out[i] = sessionOf(r, now)
	}
	return out, sessionCounts(counts), err
}

// newest returns the bound of a list; no bound for nil.
func newest(until *time.Time) dbtype.Millis {
	if until == nil {
		return math.MaxInt64
	}
	return dbtype.MillisOf(*until)
}

// seesAll reports whether lists are not narrowed to the caller's own.
func seesAll(who auth.Identity) bool { return who.Service || who.EntityID == uuid.Nil }

// SessionCounts counts everybody's sessions.
func (s *Service) SessionCounts(ctx context.Context) (SessionCounts, error) {
	var counts db.CountSessionsRow
	err := store.View(ctx, s.store, auth.Service().Scope(), "counting sessions", func(q db.Querier) (err error) {
		counts, err = q.CountSessions(ctx, db.CountSessionsParams{Now: s.millis(), AnyUser: true})
		return err
	})
	return sessionCounts(counts), err
}

func sessionCounts(r db.CountSessionsRow) SessionCounts {
	return SessionCounts{Live: int(r.Live), NearEnd: int(r.NearEnd), Expired: int(r.Expired)}
}

// RenewSession restarts the time-out of a session, even of one that doesn't renew itself.
func (s *Service) RenewSession(ctx context.Context, who auth.Identity, id uuid.UUID) (Session, error) {
	return s.changeSession(ctx, who, "renewing a session", id, func(q db.Querier) (db.Session, error) {
		return q.RenewSession(ctx, db.RenewSessionParams{ID: id, Now: s.millis(), ByHand: true})
	})
}

// Heartbeat is activity without a message: it renews a session that renews itself.
func (s *Service) Heartbeat(ctx context.Context, who auth.Identity, id uuid.UUID) (Session, error) {
	return s.changeSession(ctx, who, "keeping a session alive", id, func(q db.Querier) (db.Session, error) {
		row, _, err := s.noteActivity(ctx, q, id)
		return row, err
	})
}

// noteActivity renews a session that renews itself, and otherwise only notes that somebody is there. It finds no row when the
// session is over.
func (s *Service) noteActivity(ctx context.Context, q db.Querier, id uuid.UUID) (row db.Session, renewed bool, err error) {
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
	return s.changeSession(ctx, who, "changing a session", id, func(q db.Querier) (db.Session, error) {
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

// changeSession runs a change that finds no row when the session is over.
func (s *Service) changeSession(ctx context.Context, who auth.Identity, doing string, id uuid.UUID, change func(q db.Querier) (db.Session, error)) (Session, error) {
	var row db.Session
	err := store.Update(ctx, s.store, who.Scope(), doing, func(q db.Querier) (err error) {
		row, err = change(q)
		if errors.Is(err, sql.ErrNoRows) {
			return s.whyOver(ctx, q, id)
		}
		return err
	})
	if err != nil {
		return Session{}, err
	}
	s.sweepBy(row.DueAt)
	return sessionOf(row, s.millis()), nil
}

// whyOver explains why a session was not found alive.
func (s *Service) whyOver(ctx context.Context, q db.Querier, id uuid.UUID) error {
	if _, err := s.liveSession(ctx, q, id); err != nil {
		return err
	}
	return apierr.New(apierr.SessionExpired, "Session '%s' expired", id) // a moment ago
}

// EndSession ends a session for good, also one that ran out within the last day. What its agent is working on is cancelled;
// the channel and its messages stay.
func (s *Service) EndSession(ctx context.Context, who auth.Identity, id uuid.UUID) error {
	var ended []Turn
	err := store.Update(ctx, s.store, who.Scope(), "ending a session", func(q db.Querier) error {
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
		rows, err := q.EndChannelTurns(ctx, db.EndChannelTurnsParams{
			ChannelID: row.ChannelID, NewStatus: string(TurnCancelled), Reason: "session_deleted", Detail: "The session was deleted", EndedAt: new(s.millis()),
		})
		ended = turnsOf(rows)
		return err
	})
	if err != nil {
		return err
	}
	s.announceEnded(ctx, s.CurrentServer(), ended)
	return nil
}

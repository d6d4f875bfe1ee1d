package messaging

import (
	"context"
	"database/sql"
	"errors"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/store"
)

// The reason and the detail of turns that are cancelled on request.
const (
	CancelReason = "cancel_requested"
	CancelDetail = "The answer was cancelled"
)

// CancelAnswer cancels what agents are doing about a message, and returns all turns of it as they are then. id is the message's, or
// that of a reply, stored or being written, and stands for the turn that says it. A turn that waits has ended when this returns. One
// that runs is ended by its worker, who knows what was shown of the reply. One that has ended stays as it is.
//
// The author of the message may do this, and who manages agents.
func (s *Service) CancelAnswer(ctx context.Context, who auth.Identity, channelID, id uuid.UUID) ([]Turn, error) {
	return s.cancelOnRequest(ctx, who.Scope(), "cancelling an answer", func(q db.Scoped) ([]db.Turn, error) {
		turns, err := turnsAbout(ctx, q, channelID, id)
		for _, t := range turns {
			if !mayCancel(who, t) {
				return nil, apierr.New(apierr.Forbidden, "Only who asked, or who manages the agent, may cancel an answer")
			}
		}
		return turns, err
	})
}

// CancelRun cancels a turn of an agent, as [Service.CancelAnswer] does, and returns it. One of another agent is NOT_FOUND. It is for
// those who manage agents, who may see all runs, in whichever channel they are.
func (s *Service) CancelRun(ctx context.Context, agentID, turnID uuid.UUID) (Turn, error) {
	turns, err := s.cancelOnRequest(ctx, auth.System().Scope(), "cancelling a run", func(q db.Scoped) ([]db.Turn, error) {
		row, err := q.GetTurn(ctx, turnID)
		if errors.Is(err, sql.ErrNoRows) || err == nil && row.AgentID != agentID {
			return nil, apierr.New(apierr.NotFound, "Run not found")
		}
		return []db.Turn{row}, err
	})
	if err != nil {
		return Turn{}, err
	}
	return turns[0], nil
}

// turnsAbout returns the turns of a message in a channel, or the one whose reply has the id.
func turnsAbout(ctx context.Context, q db.Scoped, channelID, id uuid.UUID) ([]db.Turn, error) {
	if _, err := q.GetChannel(ctx, channelID); err != nil {
		return nil, store.NotFound(err, "Message not found")
	}
	m, err := q.GetMessage(ctx, id)
	switch {
	case errors.Is(err, sql.ErrNoRows): // a reply that is being written
		t, err := q.GetOpenTurnOfResponse(ctx, db.GetOpenTurnOfResponseParams{ChannelID: channelID, ResponseID: id})
		if err != nil {
			return nil, store.NotFound(err, "Message not found")
		}
		return []db.Turn{t}, nil
	case err != nil:
		return nil, err
	case m.ChannelID != channelID:
		return nil, apierr.New(apierr.NotFound, "Message not found")
	case m.SourceType != SourceAgentResponse || m.InReplyTo == nil:
		return q.ListMessageTurns(ctx, id)
	}
	t, err := q.GetMessageTurn(ctx, db.GetMessageTurnParams{MessageID: *m.InReplyTo, AgentID: m.AuthorID})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil // what an agent of another server said
	}
	return []db.Turn{t}, err
}

// mayCancel reports whether a caller may cancel a turn: who asked, the server's parts, and who manages agents.
func mayCancel(who auth.Identity, t db.Turn) bool {
	asked := who.Entity() == t.SenderID || who.Entity() == uuid.Nil && who.MayBe(t.SenderID)
	return asked || who.IsService() || who.Scopes()&auth.ScopeManage != 0
}

// cancelOnRequest cancels the turns that find returns.
func (s *Service) cancelOnRequest(ctx context.Context, scope store.Scope, doing string, find func(q db.Scoped) ([]db.Turn, error)) ([]Turn, error) {
	var all, ended []Turn
	var running []uuid.UUID
	var channel Channel
	err := store.Update(ctx, s.store, scope, doing, func(q db.Scoped) error {
		all, ended, running = nil, nil, nil
		rows, err := find(q)
		if err != nil || len(rows) == 0 {
			return err
		}
		home, err := q.GetChannel(ctx, rows[0].ChannelID)
		if err != nil {
			return err
		}
		channel = channelOf(home)
		for _, before := range rows {
			row, err := s.endOrRequest(ctx, q, before)
			if err != nil {
				return err
			}
			t := turnOf(row)
			all = append(all, t)
			switch {
			case !t.Status.Ended():
				running = append(running, t.ID)
			case !TurnStatus(before.Status).Ended():
				ended = append(ended, t)
			}
		}
		return s.notifyEnded(ctx, q, channel, nil, ended...)
	})
	if err != nil {
		return nil, err
	}
	if len(running) > 0 {
		s.publish(ctx, subjectTurnsCancelled, running)
	}
	s.announceEnded(ctx, channel, ended)
	return all, nil
}

// endOrRequest ends a turn that waits, asks for the end of one that a worker has, and returns it as it is then.
func (s *Service) endOrRequest(ctx context.Context, q db.Scoped, t db.Turn) (db.Turn, error) {
	row, err := q.EndQueuedTurn(ctx, db.EndQueuedTurnParams{
		ID: t.ID, NewStatus: string(TurnCancelled), Reason: CancelReason, Detail: CancelDetail, EndedAt: new(s.millis()),
	})
	if errors.Is(err, sql.ErrNoRows) {
		row, err = q.RequestTurnCancel(ctx, t.ID)
	}
	if errors.Is(err, sql.ErrNoRows) {
		row, err = q.GetTurn(ctx, t.ID)
	}
	return row, err
}

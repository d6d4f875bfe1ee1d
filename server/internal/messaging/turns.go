package messaging

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
)

// ClaimTurns leases up to n turns to owner: heads of mailboxes that are queued, or running under a lease that has passed.
// The lease must be renewed before it passes, or somebody else takes the turns.
func (s *Service) ClaimTurns(ctx context.Context, owner string, n int, lease time.Duration) ([]Turn, error) {
	var out []Turn
	err := s.update(ctx, auth.Service(), "claiming turns", func(q db.Querier) error {
		now := s.millis()
		rows, err := q.ClaimTurns(ctx, db.ClaimTurnsParams{
			Owner: owner, Now: now, LeaseUntil: now + dbtype.Millis(lease.Milliseconds()), MaxTurns: int64(n),
		})
		out = turnsOf(rows)
		return err
	})
	return out, err
}

// RenewTurns extends the lease of all turns that owner runs.
func (s *Service) RenewTurns(ctx context.Context, owner string, lease time.Duration) error {
	return s.update(ctx, auth.Service(), "renewing leases", func(q db.Querier) error {
		_, err := q.RenewTurnLeases(ctx, db.RenewTurnLeasesParams{Owner: owner, LeaseUntil: s.millis() + dbtype.Millis(lease.Milliseconds())})
		return err
	})
}

// ReleaseTurns gives the turns that owner runs back to their mailboxes, for the next to take.
func (s *Service) ReleaseTurns(ctx context.Context, owner string) error {
	err := s.update(ctx, auth.Service(), "releasing turns", func(q db.Querier) error {
		_, err := q.ReleaseTurnLeases(ctx, owner)
		return err
	})
	if err == nil {
		s.hintWork(ctx)
	}
	return err
}

// TurnContext returns what an agent needs to know for a turn, with up to recent messages of the conversation.
// A message that is gone is NOT_FOUND.
func (s *Service) TurnContext(ctx context.Context, t Turn, recent int) (TurnContext, error) {
	var out TurnContext
	err := s.view(ctx, auth.Service(), "reading a turn's context", func(q db.Querier) error {
		row, err := q.GetChannel(ctx, t.ChannelID)
		if err != nil {
			return named(err, "Channel not found")
		}
		if out.Channel, err = withParticipants(ctx, q, channelOf(row)); err != nil {
			return err
		}
		rows, err := q.ListRecentMessages(ctx, db.ListRecentMessagesParams{
			ChannelID: t.ChannelID, UpToSeq: t.Seq, AgentID: t.AgentID, LimitRows: int64(max(recent, 1)),
		})
		if err != nil {
			return err
		}
		slices.Reverse(rows)
		out.Recent = remembered(rows, row.MessageServerID)
		at := slices.IndexFunc(out.Recent, func(m Message) bool { return m.ID == t.MessageID })
		if at < 0 {
			trigger, err := q.GetMessage(ctx, t.MessageID)
			if err != nil {
				return named(err, "The message is gone")
			}
			out.Trigger = messageOf(&trigger, row.MessageServerID)
		} else {
			out.Trigger = out.Recent[at]
			out.Recent = slices.Delete(out.Recent, at, at+1)
		}
		out.Recent = append(out.Recent, out.Trigger)
		return nil
	})
	return out, err
}

// StreamChunk announces a piece of the reply that turn t is writing.
func (s *Service) StreamChunk(ctx context.Context, serverID uuid.UUID, t Turn, index int, text string) {
	s.emit(ctx, Event{
		Type: EventChunk, ChannelID: t.ChannelID, ServerID: serverID, Seq: t.Seq,
		Chunk: &Chunk{TurnID: t.ID, AgentID: t.AgentID, MessageID: t.ResponseID, Index: index, Text: text},
	})
}

// FinishTurn ends a turn that owner runs: its outcome, its record, the reply and what the agent keeps of it are one
// transaction. The stored reply is returned, or nil when there is none. When the turn is no longer owner's — it was cancelled,
// superseded or taken over — nothing is stored and the error is a CONFLICT.
func (s *Service) FinishTurn(ctx context.Context, owner string, t Turn, o Outcome) (*Message, error) {
	var reply *Message
	var ended Turn
	var channel Channel
	err := s.update(ctx, auth.Service(), "finishing a turn", func(q db.Querier) error {
		reply = nil
		params := db.FinishTurnParams{
			ID: t.ID, Owner: owner, Status: string(o.Status), Reason: o.Reason, Detail: o.Detail,
			CharacterVersion: o.CharacterVersion, EndedAt: new(s.millis()),
		}
		if o.Reply != nil {
			params.ReplyID = &t.ResponseID
		}
		row, err := q.FinishTurn(ctx, params)
		if errors.Is(err, sql.ErrNoRows) {
			return apierr.Wrap(err, apierr.Conflict, "The turn is no longer this worker's")
		} else if err != nil {
			return err
		}
		ended = turnOf(row)
		home, err := q.GetChannel(ctx, t.ChannelID)
		if err != nil {
			return err
		}
		channel = channelOf(home)
		if o.Reply != nil {
			m, err := s.reply(ctx, q, t, *o.Reply)
			if err != nil {
				return err
			}
			reply = &m
		}
		if err := s.settleJobs(ctx, q, channel, reply, ended); err != nil {
			return err
		}
		if o.Recollection != nil {
			if err := s.remember(ctx, q, t, home, *o.Recollection, reply); err != nil {
				return err
			}
		}
		return insertLog(ctx, q, t, 0, o.Log)
	})
	if err != nil {
		return nil, err
	}
	seq := t.Seq
	if reply != nil {
		seq = reply.Seq
		s.emitMessage(ctx, *reply)
	}
	s.emitTurnEnd(ctx, channel.MessageServerID, seq, ended)
	s.hintWork(ctx)
	if channel.isFor(sourceJob) {
		s.hintCallbacks(ctx)
	}
	return reply, nil
}

// CancelAgentTurns ends all active turns of an agent, with a reason.
func (s *Service) CancelAgentTurns(ctx context.Context, who auth.Identity, agentID uuid.UUID, reason, detail string) error {
	var ended []Turn
	var channels map[uuid.UUID]Channel
	err := s.update(ctx, who, "cancelling an agent's turns", func(q db.Querier) error {
		channels = map[uuid.UUID]Channel{}
		rows, err := q.EndAgentTurns(ctx, db.EndAgentTurnsParams{
			AgentID: agentID, NewStatus: string(TurnCancelled), Reason: reason, Detail: detail, EndedAt: new(s.millis()),
		})
		if err != nil {
			return err
		}
		ended = turnsOf(rows)
		for _, t := range ended {
			channel, known := channels[t.ChannelID]
			if !known {
				row, err := q.GetChannel(ctx, t.ChannelID)
				if err != nil {
					return err
				}
				channel = channelOf(row)
				channels[t.ChannelID] = channel
			}
			if err := s.settleJobs(ctx, q, channel, nil, t); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for channelID, channel := range channels {
		s.announceEnded(ctx, channel.MessageServerID, slices.DeleteFunc(slices.Clone(ended), func(t Turn) bool { return t.ChannelID != channelID }))
	}
	return nil
}

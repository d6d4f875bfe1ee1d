package messaging

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/store"
)

// ClaimTurns leases up to n turns to owner: heads of mailboxes that are queued, or running under a lease that has passed. The
// sender with the fewest turns under way comes first, and none gets more than perSender; 0 is no bound. The lease must be
// renewed before it passes, or another owner takes the turns.
func (s *Service) ClaimTurns(ctx context.Context, owner string, n, perSender int, lease time.Duration) ([]Turn, error) {
	if perSender <= 0 {
		perSender = math.MaxInt32
	}
	after := s.lastSender.Load()
	if after == nil {
		after = &uuid.Nil
	}
	var out []Turn
	err := store.SystemUpdate(ctx, s.store, "claiming turns", func(q db.System) error {
		out = nil
		now := s.millis()
		ids, err := q.ListClaimableTurns(ctx, db.ListClaimableTurnsParams{Now: now, MaxPerSender: int64(perSender), MaxTurns: int64(n), AfterSender: *after})
		if err != nil {
			return err
		}
		for _, id := range ids {
			row, err := q.ClaimTurn(ctx, db.ClaimTurnParams{ID: id, Owner: owner, Now: now, LeaseUntil: now + dbtype.Millis(lease.Milliseconds())})
			if err != nil {
				return err
			}
			out = append(out, turnOf(row))
		}
		return nil
	})
	if err != nil || len(out) == 0 {
		return nil, err
	}
	// On to the first after the last one, in the circle of all senders by their ids.
	next := slices.MinFunc(out, func(a, b Turn) int {
		passed := func(t Turn) bool { return bytes.Compare(t.SenderID[:], after[:]) <= 0 }
		if passed(a) != passed(b) {
			return map[bool]int{true: 1, false: -1}[passed(a)]
		}
		return bytes.Compare(a.SenderID[:], b.SenderID[:])
	}).SenderID
	s.lastSender.Store(&next)
	return out, nil
}

// RenewTurns extends the leases of turns that owner runs, and returns those that are no longer owner's, and those that owner is to
// cancel.
func (s *Service) RenewTurns(ctx context.Context, owner string, ids []uuid.UUID, lease time.Duration) (lost, cancelled []uuid.UUID, err error) {
	err = store.SystemUpdate(ctx, s.store, "renewing leases", func(q db.System) error {
		lost, cancelled = nil, nil
		until := s.millis() + dbtype.Millis(lease.Milliseconds())
		for _, id := range ids {
			requested, err := q.RenewTurnLease(ctx, db.RenewTurnLeaseParams{ID: id, Owner: owner, LeaseUntil: until})
			switch {
			case errors.Is(err, sql.ErrNoRows):
				lost = append(lost, id)
			case err != nil:
				return err
			case requested:
				cancelled = append(cancelled, id)
			}
		}
		return nil
	})
	return lost, cancelled, err
}

// ReleaseTurn gives a turn back to its mailbox, if owner runs it in the attempt that t names, for the next to take.
func (s *Service) ReleaseTurn(ctx context.Context, owner string, t Turn) error {
	err := store.SystemUpdate(ctx, s.store, "releasing a turn", func(q db.System) error {
		_, err := q.ReleaseTurnLease(ctx, db.ReleaseTurnLeaseParams{ID: t.ID, Owner: owner, Attempt: int64(t.Attempts)})
		return err
	})
	if err == nil {
		s.hintWork(ctx)
	}
	return err
}

// ReleaseTurns gives the turns that owner runs back to their mailboxes, for the next to take.
func (s *Service) ReleaseTurns(ctx context.Context, owner string) error {
	err := store.SystemUpdate(ctx, s.store, "releasing turns", func(q db.System) error {
		_, err := q.ReleaseTurnLeases(ctx, owner)
		return err
	})
	if err == nil {
		s.hintWork(ctx)
	}
	return err
}

// TurnContext returns what an agent needs to know for a turn, with up to recent messages of the conversation.
// A message that is gone is NOT_FOUND, as are an agent and a channel, with which their turns go, too.
func (s *Service) TurnContext(ctx context.Context, t Turn, recent int) (TurnContext, error) {
	var out TurnContext
	err := store.SystemView(ctx, s.store, "reading a turn's context", func(q db.System) error {
		home, err := q.GetAgentChannel(ctx, db.GetAgentChannelParams{AgentID: t.AgentID, ChannelID: t.ChannelID})
		if err != nil {
			return store.NotFound(err, "The agent or the channel is gone")
		}
		serverID := home.Channel.MessageServerID
		members, err := q.ListChannelMembers(ctx, t.ChannelID)
		if err != nil {
			return err
		}
		out = TurnContext{Version: home.Version, Running: home.Running, Channel: channelOf(home.Channel)}
		_, out.Program = s.observer(out.Channel)
		out.addMembers(t.AgentID, members)
		rows, err := q.ListRecentMessages(ctx, db.ListRecentMessagesParams{
			ChannelID: t.ChannelID, UpToSeq: t.Seq, AgentID: t.AgentID, LimitRows: int64(max(recent, 1)),
		})
		if err != nil {
			return err
		}
		slices.Reverse(rows)
		out.Recent = remembered(rows, t.ChannelID, serverID)
		at := slices.IndexFunc(out.Recent, func(m Message) bool { return m.ID == t.MessageID })
		if at < 0 {
			trigger, err := q.GetMessage(ctx, t.MessageID)
			if err != nil {
				return store.NotFound(err, "The message is gone")
			}
			out.Trigger = messageOf(&trigger, serverID)
		} else {
			out.Trigger = out.Recent[at]
			out.Recent = slices.Delete(out.Recent, at, at+1)
		}
		out.Recent = append(out.Recent, out.Trigger)
		out.Facts, err = turnFacts(ctx, q, t)
		return err
	})
	return out, err
}

// addMembers notes the participants of the channel, and how the agent itself takes part.
func (c *TurnContext) addMembers(agentID uuid.UUID, members []db.ListChannelMembersRow) {
	c.Channel.Participants = make([]uuid.UUID, len(members))
	for i, m := range members {
		c.Channel.Participants[i] = m.EntityID
		if m.EntityID == agentID {
			c.State = m.State
		}
		if m.Name != nil && m.Running != nil { // an agent
			c.Agents = append(c.Agents, ChannelAgent{ID: m.EntityID, Name: *m.Name, Running: *m.Running && m.Attached})
		}
	}
}

// maxRepliesSearched is how many of a person's messages have their replies searched for words.
const maxRepliesSearched = 1000

// HasReplyWith reports whether an agent has replied to a person with some words since a point in time, in any channel.
func (s *Service) HasReplyWith(ctx context.Context, personID uuid.UUID, words string, since time.Time) (found bool, err error) {
	err = store.SystemView(ctx, s.store, "searching the replies to a person", func(q db.System) error {
		found, err = q.HasReplyWith(ctx, db.HasReplyWithParams{AuthorID: personID, Words: words, Since: dbtype.MillisOf(since), LimitRows: maxRepliesSearched})
		return err
	})
	return found, err
}

// StreamChunk announces a piece of the reply that turn t is writing.
func (s *Service) StreamChunk(ctx context.Context, serverID uuid.UUID, t Turn, index int, text string) {
	s.Emit(ctx, Event{
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
	var more bool
	err := store.SystemUpdate(ctx, s.store, "finishing a turn", func(q db.System) error {
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
		if o.Reply != nil {
			posted, err := s.reply(ctx, q, t, *o.Reply)
			if err != nil {
				return err
			}
			channel, reply = posted.Channel, &posted.Message
		} else {
			home, err := q.GetChannel(ctx, t.ChannelID)
			if err != nil {
				return err
			}
			channel = channelOf(home)
		}
		if err := s.notifyEnded(ctx, q, channel, reply, ended); err != nil {
			return err
		}
		if o.Recollection != nil {
			if err := s.remember(ctx, q, t, channel, *o.Recollection, reply); err != nil {
				return err
			}
		}
		if err := insertLog(ctx, q, t, 0, o.Log); err != nil {
			return err
		}
		more, err = s.mayFree(ctx, q, reply)
		return err
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
	if more {
		s.hintWork(ctx)
	}
	s.notifyCommitted(ctx, channel)
	return reply, nil
}

// mayFree reports whether the end of a turn may let another begin, for which there is then a hint: mostly none waits. That is
// certain for the rest of the mailbox once the reply has its number, which posts to the channel take, too: one that comes after
// this transaction hints at its own turn.
func (s *Service) mayFree(ctx context.Context, q db.System, reply *Message) (bool, error) {
	if reply == nil {
		return true, nil
	}
	return q.AnyTurnQueued(ctx)
}

// CancelAgentTurns ends all active turns of an agent, with a reason, in whichever channels they are.
func (s *Service) CancelAgentTurns(ctx context.Context, agentID uuid.UUID, reason, detail string) error {
	var ended []Turn
	var channels map[uuid.UUID]Channel
	err := store.Update(ctx, s.store, auth.System().Scope(), "cancelling an agent's turns", func(q db.Scoped) error {
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
			if err := s.notifyEnded(ctx, q, channel, nil, t); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for channelID, channel := range channels {
		s.announceEnded(ctx, channel, slices.DeleteFunc(slices.Clone(ended), func(t Turn) bool { return t.ChannelID != channelID }))
	}
	return nil
}

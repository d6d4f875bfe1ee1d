package messaging

import (
	"context"
	"database/sql"
	"errors"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
)

// Observer is a part of the server that makes channels, each for one conversation of a program. It is called when something ends in
// them. A function that it does not need is nil. What runs in a transaction may run again with it: see [store.Store].
type Observer struct {
	Source string // the source type of its channels: see [Service.OwnChannel]

	// TurnsEnded runs in the transaction that ends turns in one of its channels, and its error undoes that. reply is what the one
	// turn said, or nil.
	TurnsEnded func(ctx context.Context, q db.Scoped, reply *Message, turns []Turn) error
	// ChannelRemoved runs in the transaction that removes one of its channels, while it is still there; its error undoes that.
	ChannelRemoved func(ctx context.Context, q db.Scoped, channelID uuid.UUID) error
	// Committed is called when turns have ended in one of its channels, after the commit.
	Committed func(ctx context.Context)
}

// Observe registers parts of the server, before the service is used.
func (s *Service) Observe(parts ...Observer) {
	for _, o := range parts {
		s.observers[o.Source] = o
	}
}

// observer returns whose a channel is.
func (s *Service) observer(c Channel) (o Observer, found bool) {
	if c.SourceType != nil {
		o, found = s.observers[*c.SourceType]
	}
	return o, found
}

// notifyEnded notifies the channel's observer that turns end in it.
func (s *Service) notifyEnded(ctx context.Context, q db.Scoped, channel Channel, reply *Message, turns ...Turn) error {
	if o, _ := s.observer(channel); o.TurnsEnded != nil {
		return o.TurnsEnded(ctx, q, reply, turns)
	}
	return nil
}

// notifyCommitted notifies the channel's observer that turns have ended in it.
func (s *Service) notifyCommitted(ctx context.Context, channel Channel) {
	if o, _ := s.observer(channel); o.Committed != nil {
		o.Committed(ctx)
	}
}

// OwnChannel checks a channel that a part of the server makes for itself, in the name of the first participant, and returns how to
// insert it in a transaction of the part's. Its id must be new.
func (s *Service) OwnChannel(source string, id uuid.UUID, n NewChannel) (insert func(ctx context.Context, q db.Scoped) error, err error) {
	row, err := s.newChannelRow(n.Participants[0], id, n)
	if err != nil {
		return nil, err
	}
	row.SourceType = &source
	return func(ctx context.Context, q db.Scoped) error {
		if _, err := q.InsertChannel(ctx, row); err != nil {
			return err
		}
		return join(ctx, q, id, n.Participants, row.CreatedAt)
	}, nil
}

// Retell stores, in a transaction of a part's that makes a channel, what a caller says that was said before, by
// itself and by the agent, in the conversation that the channel continues. No agent is given it to answer, and no event tells of it: nobody knows the channel yet.
func (s *Service) Retell(ctx context.Context, q db.Scoped, who auth.Identity, said ...Draft) error {
	for _, d := range said {
		d.Quiet = true
		if err := d.validate(); err != nil {
			return err
		}
		p := post{Service: s, q: q, who: who, draft: d}
		row, err := p.number(ctx)
		if err != nil {
			return err
		}
		if err := p.store(ctx, row); err != nil {
			return err
		}
	}
	return nil
}

// MustRun returns AGENT_NOT_FOUND for an agent that is not there or doesn't run.
func MustRun(ctx context.Context, q db.Scoped, agentID uuid.UUID) error {
	agent, err := q.GetAgentHead(ctx, agentID)
	if errors.Is(err, sql.ErrNoRows) || err == nil && !agent.Running {
		return NoSuchAgent(agentID)
	}
	return err
}

// NoSuchAgent returns the error for an agent that is not there or doesn't run.
func NoSuchAgent(id uuid.UUID) error {
	return apierr.New(apierr.AgentNotFound, "Agent with ID '%s' not found", id)
}

// Ended is what a transaction put an end to in one channel. [Service.Announce] publishes it after the commit.
type Ended struct {
	channel Channel
	turns   []Turn
	removed bool // the channel itself
	found   bool // it was there
}

// CancelTurns ends, in a transaction of the caller's, what agents are doing with a message, or with all messages of the channel for
// the zero id.
func (s *Service) CancelTurns(ctx context.Context, q db.Scoped, channelID, messageID uuid.UUID, reason, detail string) (Ended, error) {
	row, err := q.GetChannel(ctx, channelID)
	if errors.Is(err, sql.ErrNoRows) {
		return Ended{}, nil // its turns went with it
	} else if err != nil {
		return Ended{}, err
	}
	out := Ended{channel: channelOf(row)}
	out.turns, err = s.cancelTurns(ctx, q, out.channel, messageID, reason, detail)
	return out, err
}

func (s *Service) cancelTurns(ctx context.Context, q db.Scoped, channel Channel, messageID uuid.UUID, reason, detail string) ([]Turn, error) {
	var rows []db.Turn
	var err error
	if messageID != uuid.Nil {
		rows, err = q.EndMessageTurns(ctx, db.EndMessageTurnsParams{
			MessageID: messageID, NewStatus: string(TurnCancelled), Reason: reason, Detail: detail, EndedAt: new(s.millis()),
		})
	} else {
		rows, err = q.EndChannelTurns(ctx, db.EndChannelTurnsParams{
			ChannelID: channel.ID, NewStatus: string(TurnCancelled), Reason: reason, Detail: detail, EndedAt: new(s.millis()),
		})
	}
	if err != nil {
		return nil, err
	}
	ended := turnsOf(rows)
	return ended, s.notifyEnded(ctx, q, channel, nil, ended...)
}

// RemoveChannel removes, in a transaction of the caller's, a channel with everything in it. An unknown channel is no error.
func (s *Service) RemoveChannel(ctx context.Context, q db.Scoped, id uuid.UUID) (Ended, error) {
	gone := Ended{channel: Channel{ID: id, MessageServerID: s.CurrentServer()}, removed: true}
	row, err := q.GetChannel(ctx, id)
	if errors.Is(err, sql.ErrNoRows) {
		return gone, nil
	} else if err != nil {
		return gone, err
	}
	gone.channel, gone.found = channelOf(row), true
	if gone.turns, err = s.cancelTurns(ctx, q, gone.channel, uuid.Nil, "channel_deleted", "The channel was deleted"); err != nil {
		return gone, err
	}
	if o, _ := s.observer(gone.channel); o.ChannelRemoved != nil {
		if err := o.ChannelRemoved(ctx, q, id); err != nil {
			return gone, err
		}
	}
	_, err = q.DeleteChannel(ctx, id)
	return gone, err
}

// Announce publishes what a transaction ended, after its commit.
func (s *Service) Announce(ctx context.Context, ended ...Ended) {
	for _, e := range ended {
		s.announceEnded(ctx, e.channel, e.turns)
		if e.removed {
			s.emitChannel(ctx, EventChannelDeleted, e.channel)
		}
	}
}

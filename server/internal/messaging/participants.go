package messaging

import (
	"context"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/store"
)

// Participants returns the participants of a channel, in the order of joining; none for an unknown one.
func (s *Service) Participants(ctx context.Context, who auth.Identity, channelID uuid.UUID) ([]uuid.UUID, error) {
	var out []uuid.UUID
	err := store.View(ctx, s.store, who.Scope(), "listing participants", func(q db.Scoped) error {
		var err error
		out, err = q.ListParticipants(ctx, channelID)
		return err
	})
	return out, err
}

// ChannelAgents returns the participants that are agents.
func (s *Service) ChannelAgents(ctx context.Context, who auth.Identity, channelID uuid.UUID) ([]uuid.UUID, error) {
	var out []uuid.UUID
	err := store.View(ctx, s.store, who.Scope(), "listing a channel's agents", func(q db.Scoped) error {
		rows, err := q.ListChannelAgents(ctx, channelID)
		if err != nil {
			return err
		}
		out = make([]uuid.UUID, len(rows))
		for i, r := range rows {
			out[i] = r.ID
		}
		return nil
	})
	return out, err
}

// AddAgent lets an agent take part in a channel. Doing it twice is no error.
func (s *Service) AddAgent(ctx context.Context, who auth.Identity, channelID, agentID uuid.UUID) error {
	return s.changeParticipants(ctx, who, "adding an agent to a channel", channelID, func(q db.Scoped, _ Channel) ([]Turn, error) {
		if err := mustAgent(ctx, q, agentID); err != nil {
			return nil, err
		}
		return nil, s.addParticipants(ctx, q, channelID, []uuid.UUID{agentID}, s.millis())
	})
}

// RemoveAgent ends an agent's part in a channel, and what it was about to say there.
func (s *Service) RemoveAgent(ctx context.Context, who auth.Identity, channelID, agentID uuid.UUID) error {
	return s.changeParticipants(ctx, who, "removing an agent from a channel", channelID, func(q db.Scoped, home Channel) ([]Turn, error) {
		n, err := q.RemoveParticipant(ctx, db.RemoveParticipantParams{ChannelID: channelID, EntityID: agentID})
		if err == nil && n == 0 {
			return nil, apierr.New(apierr.NotFound, "Agent is not a participant in this channel")
		} else if err != nil {
			return nil, err
		}
		return s.dismiss(ctx, q, home, agentID)
	})
}

// dismiss ends the turns that entities who no longer take part in a channel have there, and returns them. Only agents have any.
func (s *Service) dismiss(ctx context.Context, q db.Scoped, channel Channel, entities ...uuid.UUID) (ended []Turn, err error) {
	for _, id := range entities {
		rows, err := q.EndMailboxTurns(ctx, db.EndMailboxTurnsParams{
			AgentID: id, ChannelID: channel.ID, NewStatus: string(TurnCancelled), Reason: "agent_removed",
			Detail: "The agent was removed from the channel", EndedAt: new(s.millis()),
		})
		if err != nil {
			return nil, err
		}
		ended = append(ended, turnsOf(rows)...)
	}
	return ended, s.notifyEnded(ctx, q, channel, nil, ended...)
}

// changeParticipants runs change on an existing channel, and announces the channel as it is then and the turns that ended by it.
func (s *Service) changeParticipants(ctx context.Context, who auth.Identity, doing string, channelID uuid.UUID, change func(q db.Scoped, channel Channel) (ended []Turn, err error)) error {
	var out Channel
	var ended []Turn
	err := store.Update(ctx, s.store, who.Scope(), doing, func(q db.Scoped) error {
		row, err := q.GetChannelForUpdate(ctx, channelID)
		if err != nil {
			return store.NotFound(err, "Channel not found")
		}
		if ended, err = change(q, channelOf(row)); err != nil {
			return err
		}
		out, err = withParticipants(ctx, q, channelOf(row))
		return err
	})
	if err != nil {
		return err
	}
	s.emitChannel(ctx, EventChannelUpdated, out)
	s.announceEnded(ctx, out, ended)
	return nil
}

// SetParticipantState changes how a participant takes part in a channel, in words that mean nothing here: agents know some. The
// empty state is the ordinary one.
func (s *Service) SetParticipantState(ctx context.Context, who auth.Identity, channelID, entityID uuid.UUID, state string) error {
	return store.Update(ctx, s.store, who.Scope(), "changing a participant's state", func(q db.Scoped) error {
		n, err := q.SetParticipantState(ctx, db.SetParticipantStateParams{ChannelID: channelID, EntityID: entityID, State: state})
		if err == nil && n == 0 {
			return apierr.New(apierr.NotFound, "Not a participant in this channel")
		}
		return err
	})
}

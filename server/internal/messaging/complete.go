package messaging

import (
	"context"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/store"
)

// Completion reports that a program outside of this server has dealt with a message, or with a channel as a whole.
type Completion struct {
	MessageID uuid.UUID  // zero: whatever was asked last in ChannelID
	ChannelID uuid.UUID  // the message's, when that is given
	ServerID  *uuid.UUID // must be the channel's, when given
	Failed    bool
	Detail    string // what went wrong
}

// Complete announces a completion to all readers of the channel, after the messages that are there. Nothing is stored: the
// turns of this server's own agents end by themselves.
func (s *Service) Complete(ctx context.Context, who auth.Identity, c Completion) error {
	var channel Channel
	err := store.View(ctx, s.store, who.Scope(), "completing a message", func(q db.Scoped) error {
		if c.MessageID != uuid.Nil {
			m, err := findMessage(ctx, q, q.GetMessage, c.MessageID)
			if err != nil {
				return err
			}
			c.ChannelID = m.ChannelID
		}
		row, err := q.GetChannel(ctx, c.ChannelID)
		if err != nil {
			return store.NotFound(err, "Channel not found")
		}
		channel = channelOf(row)
		return nil
	})
	if err != nil {
		return err
	}
	if c.ServerID != nil && s.named(*c.ServerID) != channel.MessageServerID {
		return apierr.New(apierr.BadRequest, "message_server_id does not match the channel's message server")
	}
	end := TurnEnd{Status: StatusCompleted, Detail: c.Detail}
	if c.Failed {
		end.Status = TurnFailed
	}
	s.Emit(ctx, Event{
		Type: EventTurnEnded, ChannelID: channel.ID, ServerID: channel.MessageServerID, Seq: channel.LastSeq, MessageID: c.MessageID, Turn: &end,
	})
	return nil
}

package messaging

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/store"
)

// AgentMessage returns a message of a channel in which an agent takes part. One of any other channel is NOT_FOUND.
func (s *Service) AgentMessage(ctx context.Context, who auth.Identity, agentID, messageID uuid.UUID) (Message, error) {
	var out Message
	err := store.View(ctx, s.store, who.Scope(), "reading a message of an agent", func(q db.Scoped) error {
		row, err := q.GetMessage(ctx, messageID)
		if err != nil {
			return store.NotFound(err, "Message not found")
		}
		participants, err := q.ListParticipants(ctx, row.ChannelID)
		if err != nil {
			return err
		}
		if !slices.Contains(participants, agentID) {
			return apierr.New(apierr.NotFound, "Message not found")
		}
		channel, err := q.GetChannel(ctx, row.ChannelID)
		if err != nil {
			return store.NotFound(err, "Message not found")
		}
		out = messageOf(&row, channel.MessageServerID)
		return nil
	})
	return out, err
}

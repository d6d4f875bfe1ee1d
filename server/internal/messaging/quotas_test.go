package messaging_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/messaging/messagingtest"
)

func TestStatementsOfACreation(t *testing.T) {
	t.Parallel()
	messagingtest.CheckStatements(t, func(c *messaging.Config) {
		const most = 10_000
		c.MailboxLimit = most
		c.Quotas = messaging.Quotas{Channels: most, DMs: most, Servers: most, Participants: most}
	}, func(t *testing.T, b *messagingtest.Bench, _ func() time.Time) []messagingtest.Creation {
		return []messagingtest.Creation{
			{Name: "channel", Many: 200, Make: func() error {
				_, err := b.CreateChannel(t.Context(), b.Who, messaging.NewChannel{Name: "Group", Type: messaging.TypeGroup})
				return err
			}},
			{Name: "DM", Many: 200, Make: func() error {
				_, err := b.FindOrCreateDM(t.Context(), b.Who, messaging.DMRequest{A: b.User, B: uuid.New()})
				return err
			}},
			{Name: "message server", Many: 200, Make: func() error {
				_, err := b.CreateServer(t.Context(), b.Who, messaging.NewServer{Name: "Platform", SourceType: "platform"})
				return err
			}},
		}
	})
}

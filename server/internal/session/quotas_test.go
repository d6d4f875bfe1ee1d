package session_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/messaging/messagingtest"
	"github.com/elizad/elizad/server/internal/session"
)

func TestStatementsOfACreation(t *testing.T) {
	t.Parallel()
	messagingtest.CheckStatements(t, func(*messaging.Config) {}, func(t *testing.T, m *messagingtest.Bench, now func() time.Time) []messagingtest.Creation {
		b := on(m, func(c *session.Config) { c.Now, c.Most = now, 10_000 })
		return []messagingtest.Creation{{
			Name: "session", Many: 2000, Want: []string{"GetAgentHead", "InsertChannel", "AddParticipant", "AddParticipant", "InsertSession"},
			Make: func() error {
				_, err := b.sessions.Create(t.Context(), b.Who, session.NewSession{AgentID: b.Agent, UserID: b.User})
				return err
			},
		}}
	})
}

func TestQuotaHoldsAtOnce(t *testing.T) {
	t.Parallel()
	const most = 12
	b := setup(t, func(c *session.Config) { c.Most = most })
	messagingtest.CheckLastPlace(t, most, func() error {
		_, err := b.sessions.Create(t.Context(), b.Who, session.NewSession{AgentID: b.Agent, UserID: uuid.New()})
		return err
	}, func(err error) bool { return apierr.IsCode(err, apierr.QuotaExceeded) })
}

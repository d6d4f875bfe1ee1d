package job_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/job"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/messaging/messagingtest"
)

func TestStatementsOfACreation(t *testing.T) {
	t.Parallel()
	messagingtest.CheckStatements(t, func(*messaging.Config) {}, func(t *testing.T, m *messagingtest.Bench, now func() time.Time) []messagingtest.Creation {
		b := on(m, func(c *job.Config) { c.Now, c.Most = now, 10_000 })
		return []messagingtest.Creation{{
			Name: "job", Many: 200,
			Make: func() error {
				_, err := b.jobs.Create(t.Context(), b.Who, job.NewJob{AgentID: &b.Agent, UserID: b.User, Content: "Hello"})
				return err
			},
		}}
	})
}

func TestQuotaHoldsAtOnce(t *testing.T) {
	t.Parallel()
	const most = 12
	b := setup(t, func(c *job.Config) { c.Most = most })
	messagingtest.CheckLastPlace(t, most, func() error {
		_, err := b.jobs.Create(t.Context(), b.Who, job.NewJob{AgentID: &b.Agent, UserID: uuid.New(), Content: "Hello"})
		return err
	}, func(err error) bool { return apierr.IsCode(err, apierr.QueueFull) })
}

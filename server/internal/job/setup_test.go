package job_test

import (
	"testing"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"github.com/elizad/elizad/server/internal/job"
	"github.com/elizad/elizad/server/internal/messaging/messagingtest"
	"github.com/elizad/elizad/server/internal/sweep"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bench is a messaging bench with jobs.
type bench struct {
	*messagingtest.Bench
	jobs    *job.Service
	sweeper *sweep.Sweeper
}

func setup(t testing.TB, change ...func(*job.Config)) *bench {
	t.Helper()
	return on(messagingtest.New(t), change...)
}

func on(m *messagingtest.Bench, change ...func(*job.Config)) *bench {
	cfg := job.Config{Store: m.Store, Bus: m.Bus, Messaging: m.Service}
	for _, c := range change {
		c(&cfg)
	}
	b := &bench{Bench: m, jobs: job.New(cfg)}
	b.Observe(b.jobs.Observer())
	b.sweeper = sweep.New(sweep.Config{Store: sweep.NewGate(m.Store), Parts: []sweep.Part{b.jobs.Part()}, Now: cfg.Now})
	return b
}

// timed returns a bench whose clock stands still until the test moves it.
func timed(t *testing.T, change ...func(*job.Config)) (*bench, *messagingtest.Clock) {
	t.Helper()
	c := messagingtest.NewClock()
	return on(messagingtest.New(t, c.Set), append(change, func(cfg *job.Config) { cfg.Now = c.Time })...), c
}

func (b *bench) sweep(t testing.TB) {
	t.Helper()
	if _, _, err := b.sweeper.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (b *bench) job(t testing.TB, n job.NewJob) job.Job {
	t.Helper()
	n.UserID = b.User
	if n.Content == "" {
		n.Content = "why?"
	}
	j, err := b.jobs.Create(t.Context(), b.Who, n)
	if err != nil {
		t.Fatalf("creating a job: %v", err)
	}
	return j
}

func (b *bench) readJob(t testing.TB, id uuid.UUID) job.Job {
	t.Helper()
	j, err := b.jobs.Get(t.Context(), b.Who, id, 0)
	if err != nil {
		t.Fatalf("reading a job: %v", err)
	}
	return j
}

package sweep_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	clocks "github.com/elizad/elizad/server/internal/clock"
	"github.com/elizad/elizad/server/internal/job"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/messaging/messagingtest"
	"github.com/elizad/elizad/server/internal/session"
	"github.com/elizad/elizad/server/internal/sweep"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bench is a messaging bench with sessions and jobs, and a sweeper of theirs.
type bench struct {
	*messagingtest.Bench
	sessions *session.Service
	jobs     *job.Service
	sweeper  *sweep.Sweeper
}

// setup returns a bench by a clock whose jumps, if it has some, the sweeper follows.
func setup(t testing.TB, limits session.Limits, now func() time.Time, jumps sweep.Jumps) *bench {
	t.Helper()
	var gate *sweep.Gate
	m := messagingtest.New(t, func(c *messaging.Config) {
		gate = sweep.NewGate(c.Store)
		c.Store, c.Now = gate, now
	})
	alarm := sweep.NewAlarm()
	b := &bench{
		Bench:    m,
		sessions: session.New(session.Config{Store: gate, Messaging: m.Service, Now: now, Limits: limits, Alarm: alarm}),
		jobs:     job.New(job.Config{Store: gate, Bus: m.Bus, Messaging: m.Service, Now: now, Alarm: alarm}),
	}
	b.Observe(b.sessions.Observer(), b.jobs.Observer())
	b.sweeper = sweep.New(sweep.Config{
		Store: gate, Parts: []sweep.Part{b.sessions.Part(), b.jobs.Part()}, Alarm: alarm, Now: now, Jumps: jumps, Interval: time.Hour,
	})
	return b
}

// start starts the sweeper until the test ends.
func (b *bench) start(t *testing.T) {
	t.Helper()
	if err := b.sweeper.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.sweeper.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

func (b *bench) session(t *testing.T, p session.TimeoutPatch) session.Session {
	t.Helper()
	s, err := b.sessions.Create(t.Context(), b.Who, session.NewSession{AgentID: b.Agent, UserID: b.User, Timeouts: p})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (b *bench) job(t *testing.T, timeout time.Duration) job.Job {
	t.Helper()
	j, err := b.jobs.Create(t.Context(), b.Who, job.NewJob{UserID: b.User, Content: "why?", Timeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// A time-out that begins while the sweeper sleeps is noticed when it is due, long before the interval is over. The session that
// gets a warning lives long: one that ended before a slow machine came to warn would rightly end without.
func TestSweeperWakesForWhatIsDue(t *testing.T) {
	t.Parallel()
	limits := session.Limits{Timeout: time.Hour, MinTimeout: time.Millisecond, Warning: time.Hour - 50*time.Millisecond}
	b := setup(t, limits, time.Now, nil)
	b.start(t)
	events, err := b.Subscribe(uuid.Nil) // all channels
	if err != nil {
		t.Fatal(err)
	}
	defer events.Close()
	long := b.session(t, session.TimeoutPatch{})
	if e := messagingtest.Next(t, events); e.Type != session.EventWarning || e.ChannelID != long.ChannelID {
		t.Errorf("event %+v, want a warning", e)
	}
	short := b.session(t, session.TimeoutPatch{Timeout: new((150 * time.Millisecond).Minutes())})
	for e := messagingtest.Next(t, events); e.Type != session.EventExpired || e.ChannelID != short.ChannelID; e = messagingtest.Next(t, events) {
		if e.Type != session.EventWarning || e.ChannelID != short.ChannelID {
			t.Errorf("event %+v, want the end of the short session", e)
		}
	}
	j := b.job(t, time.Second)
	for {
		if e := messagingtest.Next(t, events); e.Type == messaging.EventTurnEnded {
			if e.Turn.Reason != "job_timeout" || e.ChannelID != j.ChannelID {
				t.Errorf("event %+v", e.Turn)
			}
			return
		}
	}
}

// A clock that is set, and a machine that was suspended, end no session and no job before its time, and prolong none.
func TestEndsMoveWithAClockThatJumps(t *testing.T) {
	t.Parallel()
	var ahead atomic.Int64
	wall := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	steady := clocks.New(wall)
	b := setup(t, session.Limits{}, steady.Now, steady)
	b.start(t)
	live, asked := b.session(t, session.TimeoutPatch{}), b.job(t, 5*time.Minute)
	for _, jump := range []time.Duration{2 * time.Hour, -5 * time.Hour, 48 * time.Hour} {
		ahead.Add(int64(jump))
		// Both stay active all the time, and end when they would have ended without the jump.
		moved := func() bool {
			s, err := b.sessions.Get(t.Context(), b.Who, live.ID)
			if err != nil {
				t.Fatalf("after %s: %v", jump, err)
			}
			j, err := b.jobs.Get(t.Context(), b.Who, asked.ID, 0)
			if err != nil || j.Status != job.Processing {
				t.Fatalf("after %s the job is %s, %v", jump, j.Status, err)
			}
			now := wall()
			if longest := s.CreatedAt.Add(s.Timeouts.MaxDuration); s.ExpiresAt.After(longest) || s.CreatedAt.After(s.ActiveAt) {
				t.Fatalf("after %s a session that began at %s, at most until %s, was used at %s and ends at %s", jump, s.CreatedAt, longest, s.ActiveAt, s.ExpiresAt)
			}
			return !s.CreatedAt.After(now) && !j.CreatedAt.After(now) && nearly(s.ExpiresAt.Sub(now), 30*time.Minute) && nearly(j.ExpiresAt.Sub(now), 5*time.Minute) && steady.Jump() == 0
		}
		tick := time.NewTicker(10 * time.Millisecond)
		for deadline := time.After(messagingtest.Patience); !moved(); {
			select {
			case <-tick.C:
			case <-deadline:
				t.Fatalf("after %s the times of a session and a job were not moved", jump)
			}
		}
		tick.Stop()
		// Neither a renewal nor other time-outs end it.
		for what, renewed := range map[string]func() (session.Session, error){
			"renewed": func() (session.Session, error) { return b.sessions.Renew(t.Context(), b.Who, live.ID) },
			"changed": func() (session.Session, error) {
				return b.sessions.ChangeTimeouts(t.Context(), b.Who, live.ID, session.TimeoutPatch{Timeout: new(30.0)})
			},
		} {
			if s, err := renewed(); err != nil || !nearly(s.ExpiresAt.Sub(wall()), 30*time.Minute) {
				t.Fatalf("after %s a session that is %s ends in %s, %v", jump, what, s.ExpiresAt.Sub(wall()), err)
			}
		}
	}
}

// A session that begins at the moment when the clock jumps is moved along with the rest, or begins by the new time.
func TestBeginningsWhileTheClockJumps(t *testing.T) {
	t.Parallel()
	var ahead atomic.Int64
	steady := clocks.New(func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) })
	b := setup(t, session.Limits{}, steady.Now, steady)
	b.start(t)
	end := make(chan struct{})
	var beginning sync.WaitGroup
	var mu sync.Mutex
	var begun []uuid.UUID
	for range 8 {
		beginning.Go(func() {
			for {
				select {
				case <-end:
					return
				default:
				}
				s, err := b.sessions.Create(t.Context(), b.Who, session.NewSession{AgentID: b.Agent, UserID: uuid.New()})
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				begun = append(begun, s.ID)
				mu.Unlock()
			}
		})
	}
	for _, jump := range []time.Duration{time.Hour, -time.Hour, time.Hour, -time.Hour} {
		ahead.Add(int64(jump))
		tick := time.NewTicker(time.Millisecond)
		for deadline := time.After(messagingtest.Patience); steady.Jump() != 0; {
			select {
			case <-tick.C:
			case <-deadline:
				t.Fatalf("a jump of %s is not followed", jump)
			}
		}
		tick.Stop()
	}
	close(end)
	beginning.Wait()
	for _, id := range begun {
		if s, err := b.sessions.Get(t.Context(), b.Who, id); err != nil || !nearly(s.Remaining, 30*time.Minute) {
			t.Fatalf("of %d sessions one has %s left, %v", len(begun), s.Remaining, err)
		}
	}
}

// A clock that was set back while no server ran prolongs no session and no job.
func TestEndsComeBackFromTheFuture(t *testing.T) {
	t.Parallel()
	var ahead atomic.Int64
	b := setup(t, session.Limits{}, func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }, nil)
	ahead.Store(int64(time.Hour))
	live, asked := b.session(t, session.TimeoutPatch{}), b.job(t, 5*time.Minute)
	ahead.Store(0)
	if err := b.sweeper.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	s, err := b.sessions.Get(t.Context(), b.Who, live.ID)
	if now := time.Now(); err != nil || s.CreatedAt.After(now) || !nearly(s.ExpiresAt.Sub(now), 30*time.Minute) {
		t.Errorf("the session is of %s and ends at %s, %v", s.CreatedAt, s.ExpiresAt, err)
	}
	j, err := b.jobs.Get(t.Context(), b.Who, asked.ID, 0)
	if now := time.Now(); err != nil || j.CreatedAt.After(now) || !nearly(j.ExpiresAt.Sub(now), 5*time.Minute) {
		t.Errorf("the job is of %s and ends at %s, %v", j.CreatedAt, j.ExpiresAt, err)
	}
}

// nearly reports whether the time left is the complete time, minus what this test takes.
func nearly(left, whole time.Duration) bool { return left <= whole && left > whole-4*time.Minute }

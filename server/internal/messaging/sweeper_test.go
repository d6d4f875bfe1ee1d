package messaging_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	clocks "github.com/elizad/elizad/server/internal/clock"
	"github.com/elizad/elizad/server/internal/messaging"
)

// What begins while the sweeper sleeps is noticed when it is due, long before the interval is over. The session that is warned
// of lives for long: one that ended before a slow machine came to warn would rightly end without.
func TestUpkeepWakesForWhatIsDue(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *messaging.Config) {
		c.Sessions = messaging.SessionLimits{Timeout: time.Hour, MinTimeout: time.Millisecond, Warning: time.Hour - 50*time.Millisecond}
	})
	sweeper := messaging.NewSweeper(b.Service, time.Hour)
	if err := sweeper.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := sweeper.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	events, err := b.Subscribe(uuid.Nil) // all channels
	if err != nil {
		t.Fatal(err)
	}
	defer events.Close()
	long := b.session(t, messaging.TimeoutPatch{})
	if e := next(t, events); e.Type != messaging.EventSessionWarning || e.ChannelID != long.ChannelID {
		t.Errorf("event %+v, want a warning", e)
	}
	short := b.session(t, messaging.TimeoutPatch{Timeout: new((150 * time.Millisecond).Minutes())})
	for e := next(t, events); e.Type != messaging.EventSessionExpired || e.ChannelID != short.ChannelID; e = next(t, events) {
		if e.Type != messaging.EventSessionWarning || e.ChannelID != short.ChannelID {
			t.Errorf("event %+v, want the end of the short session", e)
		}
	}
	j := b.job(t, messaging.NewJob{Timeout: time.Second})
	for {
		if e := next(t, events); e.Type == messaging.EventTurnEnded {
			if e.Turn.Reason != "job_timeout" || e.ChannelID != j.ChannelID {
				t.Errorf("event %+v", e.Turn)
			}
			return
		}
	}
}

// A clock that is set, and a machine that slept, end no session and no job before its time, and let none live longer.
func TestEndsMoveWithAClockThatJumps(t *testing.T) {
	t.Parallel()
	var ahead atomic.Int64
	wall := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	steady := clocks.New(wall)
	b := setup(t, func(c *messaging.Config) { c.Now, c.Jumps = steady.Now, steady })
	sweeper := messaging.NewSweeper(b.Service, time.Hour)
	if err := sweeper.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := sweeper.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	session, job := b.session(t, messaging.TimeoutPatch{}), b.job(t, messaging.NewJob{Timeout: 5 * time.Minute})
	for _, jump := range []time.Duration{2 * time.Hour, -5 * time.Hour, 48 * time.Hour} {
		ahead.Add(int64(jump))
		// All the time both go on, and in the end they end when they would have ended without the jump.
		moved := func() bool {
			s, err := b.Session(t.Context(), b.who, session.ID)
			if err != nil {
				t.Fatalf("after %s: %v", jump, err)
			}
			j, err := b.Job(t.Context(), b.who, job.ID, 0)
			if err != nil || j.Status != messaging.JobProcessing {
				t.Fatalf("after %s the job is %s, %v", jump, j.Status, err)
			}
			now := wall()
			if longest := s.CreatedAt.Add(s.Timeouts.MaxDuration); s.ExpiresAt.After(longest) || s.CreatedAt.After(s.ActiveAt) {
				t.Fatalf("after %s a session that began at %s, at most until %s, was used at %s and ends at %s", jump, s.CreatedAt, longest, s.ActiveAt, s.ExpiresAt)
			}
			return !s.CreatedAt.After(now) && !j.CreatedAt.After(now) && nearly(s.ExpiresAt.Sub(now), 30*time.Minute) && nearly(j.ExpiresAt.Sub(now), 5*time.Minute) && steady.Jump() == 0
		}
		tick := time.NewTicker(10 * time.Millisecond)
		for deadline := time.After(patience); !moved(); {
			select {
			case <-tick.C:
			case <-deadline:
				t.Fatalf("after %s the times of a session and a job were not moved", jump)
			}
		}
		tick.Stop()
		// Neither a sign of life nor other time-outs end it.
		for what, renewed := range map[string]func() (messaging.Session, error){
			"renewed": func() (messaging.Session, error) { return b.RenewSession(t.Context(), b.who, session.ID) },
			"changed": func() (messaging.Session, error) {
				return b.ChangeTimeouts(t.Context(), b.who, session.ID, messaging.TimeoutPatch{Timeout: new(30.0)})
			},
		} {
			if s, err := renewed(); err != nil || !nearly(s.ExpiresAt.Sub(wall()), 30*time.Minute) {
				t.Fatalf("after %s a session that is %s ends in %s, %v", jump, what, s.ExpiresAt.Sub(wall()), err)
			}
		}
	}
}

// What begins at the moment at which the clock jumps is moved along with the rest, or begins by the new time.
func TestBeginningsWhileTheClockJumps(t *testing.T) {
	t.Parallel()
	var ahead atomic.Int64
	steady := clocks.New(func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) })
	b := setup(t, func(c *messaging.Config) { c.Now, c.Jumps = steady.Now, steady })
	sweeper := messaging.NewSweeper(b.Service, time.Hour)
	if err := sweeper.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := sweeper.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	end := make(chan struct{})
	var beginning sync.WaitGroup
	var mu sync.Mutex
	var sessions []uuid.UUID
	for range 8 {
		beginning.Go(func() {
			for {
				select {
				case <-end:
					return
				default:
				}
				s, err := b.CreateSession(t.Context(), b.who, messaging.NewSession{AgentID: b.agent, UserID: uuid.New()})
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				sessions = append(sessions, s.ID)
				mu.Unlock()
			}
		})
	}
	for _, jump := range []time.Duration{time.Hour, -time.Hour, time.Hour, -time.Hour} {
		ahead.Add(int64(jump))
		tick := time.NewTicker(time.Millisecond)
		for deadline := time.After(patience); steady.Jump() != 0; {
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
	for _, id := range sessions {
		if s, err := b.Session(t.Context(), b.who, id); err != nil || !nearly(s.Remaining, 30*time.Minute) {
			t.Fatalf("of %d sessions one has %s left, %v", len(sessions), s.Remaining, err)
		}
	}
}

// A clock that was set back while no server ran lets no session and no job live longer.
func TestEndsComeBackFromTheFuture(t *testing.T) {
	t.Parallel()
	var ahead atomic.Int64
	b := setup(t, func(c *messaging.Config) {
		c.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	})
	ahead.Store(int64(time.Hour))
	session, job := b.session(t, messaging.TimeoutPatch{}), b.job(t, messaging.NewJob{Timeout: 5 * time.Minute})
	ahead.Store(0)
	if err := b.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	s, err := b.Session(t.Context(), b.who, session.ID)
	if now := time.Now(); err != nil || s.CreatedAt.After(now) || !nearly(s.ExpiresAt.Sub(now), 30*time.Minute) {
		t.Errorf("the session is of %s and ends at %s, %v", s.CreatedAt, s.ExpiresAt, err)
	}
	j, err := b.Job(t.Context(), b.who, job.ID, 0)
	if now := time.Now(); err != nil || j.CreatedAt.After(now) || !nearly(j.ExpiresAt.Sub(now), 5*time.Minute) {
		t.Errorf("the job is of %s and ends at %s, %v", j.CreatedAt, j.ExpiresAt, err)
	}
}

// nearly reports whether what is left of a time is the whole of it, but for what this test takes.
func nearly(left, whole time.Duration) bool { return left <= whole && left > whole-4*time.Minute }
